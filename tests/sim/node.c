/* node.c - a node: the real shards on a disk that fails, hosted by events instead of threads.
 *
 * A shard's thread is the event `turn`: what has come in is flushed, the shard is told the time,
 * and says when it wants to look again. Images go from shard 0 to shard 1 with a delay, as from
 * thread to thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/sim/world.h"

enum { LOG_READ = 16384 };

/* ---- hooks */

static void on_write(void *ctx, struct shard *s)
{
    struct sim_shard *sh = ctx;
    (void)s;
    sim_task_new(sh->node, sh->number, NULL);
}

static void on_job(void *ctx, struct shard *s, struct shard_job *job)
{
    struct sim_shard *sh = ctx;
    (void)s;
    sim_task_new(sh->node, sh->number, job);
}

static void image_event(struct sim_world *w, const struct event *ev)
{
    struct sim_node *n = sim_node(w, ev->node);
    struct meta_image *image = n->images[0];
    memmove(n->images, n->images + 1, --n->n_images * sizeof(struct meta_image *));
    trace_line(w, "image node=%u index=%llu", n->id, (unsigned long long)meta_index(image));
    shard_set_image(n->shard[1].s, image);
    if (shard_image_index(n->shard[1].s) < meta_index(image))
        cover(w, COVER_image_waited);
    meta_image_unref(image);
    sim_node_touch(n, 1);
}

static void on_image(void *ctx, struct shard *s, struct meta_image *image)
{
    struct sim_shard *sh = ctx;
    struct sim_node *n = sh->node;
    (void)s;
    if (n->tearing)
        return;
    model_image(n->w, image);
    if (!n->shard[1].s)
        return;
    if (n->n_images == SIM_IMAGES)
        sim_violation(n->w, "HOST", "more than %d images on their way", SIM_IMAGES);
    n->images[n->n_images++] = meta_image_ref(image);
    /* One way, one delay: they must not overtake each other. */
    sim_after(n->w, n->w->plan.hand_over, image_event, n, NULL);
}

static void on_lead(void *ctx, struct shard *s, bool leads)
{
    struct sim_shard *sh = ctx;
    (void)s;
    sh->leads = leads;
    if (sh->node->tearing)
        return;
    if (leads && sh->number)
        sim_cluster_leads(sh->node);
    trace_line(sh->node->w, "lead node=%u shard=%u %d", sh->node->id, sh->number, leads);
}

static void on_send(void *ctx, struct shard *s, struct shard_message *m)
{
    struct sim_shard *sh = ctx;
    (void)s;
    if (sh->node->tearing || sh->node->disk.dead)
        shard_message_free(m);
    else
        sim_net_send(sh->node->w, m);
}

static void on_install(void *ctx, struct shard *s, uint64_t peer, uint64_t index)
{
    struct sim_shard *sh = ctx;
    (void)s, (void)index;
    sh->node->wants_install = true;
    sh->node->install_from = peer;
}

/* ---- the shards' threads */

static void turn_event(struct sim_world *w, const struct event *ev)
{
    struct sim_shard *sh = ev->arg;
    if (ev->at != sh->turn_at || !sh->s)
        return; /* it has looked meanwhile */
    sh->turn_at = INT64_MAX;
    trace_line(w, "turn node=%u shard=%u", sh->node->id, sh->number);
    shard_flush(sh->s);
    int64_t ms = shard_tick(sh->s);
    if (ms == INT64_MAX)
        return;
    int64_t at = w->now + (ms ? ms * SIM_MS : SIM_US) + rng_delay(&w->rng, 10 * SIM_US);
    if (at >= sh->turn_at)
        return;
    sh->turn_at = at;
    sim_after(w, at - w->now, turn_event, sh->node, sh);
}

void sim_node_touch(struct sim_node *n, uint32_t shard)
{
    struct sim_shard *sh = &n->shard[shard];
    int64_t at = n->w->now + rng_delay(&n->w->rng, n->w->plan.hand_over);
    if (!sh->s || n->tearing || sh->turn_at <= at)
        return;
    sh->turn_at = at;
    sim_after(n->w, at - n->w->now, turn_event, n, sh);
}

/* ---- life */

static int64_t mono_ns(struct clock *c)
{
    struct sim_clock *sc = (struct sim_clock *)c;
    return sc->mono_base + sc->w->now;
}

static int64_t wall_ms(struct clock *c)
{
    struct sim_clock *sc = (struct sim_clock *)c;
    return sim_true_time_ms(sc->w) + sc->wall_jump;
}

void sim_node_init(struct sim_node *n, struct sim_world *w, uint32_t id)
{
    struct io_mem *mem = io_mem_new();
    if (!mem)
        sim_out_of_memory();
    *n = (struct sim_node){.w = w, .id = id};
    sim_disk_init(&n->disk, w, id, mem);
    n->clock = (struct sim_clock){.clock = {mono_ns, wall_ms}, .w = w, .mono_base = SIM_SECOND};
    n->log_fd = memfd_create("sim-log", MFD_CLOEXEC);
    if (n->log_fd < 0) {
        perror("sim: memfd_create");
        exit(2);
    }
    meta_settings_init(&n->settings);
    n->settings.segment_bytes = (int32_t)w->plan.plog_segment_bytes;
    n->settings.index_interval_bytes = 512;
    log_init(&n->log, n->log_fd, LOG_INFO, &n->clock.clock);
}

void sim_node_shard_config(struct sim_node *n, uint32_t number, struct meta_image *image,
                           struct shard_config *cfg, char paths[3][IO_PATH_MAX])
{
    const struct sim_plan *p = &n->w->plan;
    node_wal_dir(paths[0], IO_PATH_MAX, SIM_DIR "/wal", number);
    node_meta_dir(paths[1], IO_PATH_MAX, SIM_DIR);
    node_log_dir(paths[2], IO_PATH_MAX, SIM_DIR);
    *cfg = (struct shard_config){
        .io = &n->disk.io,
        .log = &n->log,
        .clock = &n->clock.clock,
        .host = &n->shard[number].host,
        .owner = {n->dir.meta.cluster_id, n->dir.meta.node_id, number},
        .wal_dir = paths[0],
        .meta_dir = paths[1],
        .plog = {.io = &n->disk.io, .log = &n->log, .dir = paths[2]},
        .settings = &n->settings,
        .segment_bytes = p->segment_bytes,
        .first_segment_bytes = p->first_segment_bytes,
        .wal_max_bytes = p->wal_max_bytes,
        .checkpoint_bytes = p->checkpoint_bytes,
        .checkpoint_ms = p->checkpoint_ms,
        .linger_us = p->linger_us,
        .reserve_bytes = p->reserve_bytes,
        .buffer_bytes = p->buffer_bytes,
        .write_back_bytes = p->write_back_bytes,
        .retention_check_ms = p->retention_check_ms,
        .compact_backoff_ms = p->compact_backoff_ms,
        .compact_key_bytes = 64 * 1024,
        .wal_direct = p->wal_direct,
        .group_records = p->group_records,
        .group_bytes = p->group_bytes,
        .image = image,
    };
}

int sim_node_open_shard(struct sim_node *n, uint32_t number, struct meta_image *image,
                        struct err *e)
{
    char paths[3][IO_PATH_MAX];
    struct shard_config cfg;
    struct sim_shard *sh = &n->shard[number];
    *sh = (struct sim_shard){.node = n, .number = number, .turn_at = INT64_MAX};
    sh->host = (struct shard_host){
        .ctx = sh, .write = on_write, .job = on_job, .image = on_image, .lead = on_lead};
    if (n->w->plan.nodes > 1) {
        sh->host.send = on_send;
        sh->host.install = on_install;
    }
    sim_node_shard_config(n, number, image, &cfg, paths);
    return shard_open(&sh->s, &cfg, e);
}

static int open_alone(struct sim_node *n, struct err *e)
{
    struct node_config nc = {.io = &n->disk.io,
                             .log = &n->log,
                             .dir = SIM_DIR,
                             .node_id = n->id,
                             .cluster_id = SIM_CLUSTER,
                             .data_shards = 1,
                             .segment_bytes = n->w->plan.segment_bytes,
                             .meta_segment_bytes = n->w->plan.segment_bytes,
                             .clock = &n->clock.clock};
    int rc = node_open(&n->dir, &nc, e);
    if (rc)
        return rc;
    n->dir_open = true;
    rc = sim_node_open_shard(n, 0, NULL, e);
    return rc ? rc : sim_node_open_shard(n, 1, shard_image(n->shard[0].s), e);
}

int sim_node_open(struct sim_node *n, struct err *e)
{
    n->life++;
    n->offline = false;
    int rc = n->w->plan.nodes == 1 ? open_alone(n, e) : sim_cluster_open(n, e);
    if (rc) {
        sim_node_drop(n);
        return rc;
    }
    n->up = true;
    for (uint32_t i = 0; i < 2; i++)
        sim_node_touch(n, i);
    return 0;
}

/* What the dying say of a disk that is dead. */
static void forget_log(struct sim_node *n)
{
    if (n->log_fd > 0 && lseek(n->log_fd, 0, SEEK_SET) < 0) {
        perror("sim: log");
        exit(2);
    }
}

void sim_node_drop(struct sim_node *n)
{
    bool dead = n->disk.dead;
    sim_node_read_log(n);
    n->tearing = true;
    n->disk.dead = true;
    sim_tasks_finish(n);
    for (int i = 1; i >= 0; i--) {
        shard_free(n->shard[i].s);
        n->shard[i].s = NULL;
    }
    while (n->n_images)
        meta_image_unref(n->images[--n->n_images]);
    if (n->dir_open)
        node_release(&n->dir);
    n->dir_open = n->up = n->stopping = n->tearing = false;
    n->disk.dead = dead;
    n->life++; /* events meant for it are void */
    forget_log(n);
}

void sim_node_release(struct sim_node *n)
{
    if (!n->w)
        return;
    sim_node_drop(n);
    sim_disk_release(&n->disk);
    close(n->log_fd);
    n->w = NULL;
}

struct shard *sim_data_shard(struct sim_node *n)
{
    return n->up ? n->shard[1].s : NULL;
}

struct shard *sim_meta_shard(struct sim_node *n)
{
    return n->up ? n->shard[0].s : NULL;
}

struct meta_image *sim_image(struct sim_node *n)
{
    return n->w->plan.nodes > 1 ? n->w->image : shard_image(sim_meta_shard(n));
}

/* ---- a clean stop: records first, then metadata */

void sim_node_begin_stop(struct sim_node *n)
{
    trace_line(n->w, "stop node=%u", n->id);
    n->stopping = true;
    n->stop_from = 1;
    shard_stop(n->shard[1].s);
    sim_node_touch(n, 1);
}

bool sim_node_advance_stop(struct sim_node *n)
{
    if (!n->stopping || !shard_stopped(n->shard[n->stop_from].s))
        return false;
    if (n->stop_from == 0 || !n->shard[0].s)
        return true;
    n->stop_from = 0;
    shard_stop(n->shard[0].s);
    sim_node_touch(n, 0);
    return shard_stopped(n->shard[0].s);
}

/* ---- its log */

void sim_node_read_log(struct sim_node *n)
{
    char text[LOG_READ + 1];
    if (n->log_fd <= 0) /* a twin */
        return;
    off_t size = lseek(n->log_fd, 0, SEEK_CUR);
    if (size <= 0)
        return;
    ssize_t got = pread(n->log_fd, text, size < LOG_READ ? (size_t)size : LOG_READ, 0);
    if (got < 0 || lseek(n->log_fd, 0, SEEK_SET) < 0) {
        perror("sim: log");
        exit(2);
    }
    text[got] = 0;
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (!*line)
            continue;
        cover_log_line(n->w, line);
        if (strstr(line, "partition offline"))
            n->offline = true;
        const char *message = strchr(line, ' ');
        trace_line(n->w, "log node=%u%s", n->id, message ? message : line);
    }
}
