#include "tests/sim/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "shard/checkpoint.h"
#include "tests/sim/world.h"

enum { VOTERS = 3, COPY_MAX = 64 << 20 };

static const char wal_dir[] = SIM_DIR "/wal/1", log_dir[] = SIM_DIR "/log";

/* ---- the metadata */

static struct meta_image *with_topic(struct meta_image *image, uint64_t index,
                                     const struct model_topic *t)
{
    static int32_t nodes[VOTERS] = {1, 2, 3};
    struct meta_topic_create_partitions parts[MODEL_PARTITIONS];
    struct meta_topic_create msg;
    struct meta_image *next;
    struct meta_result res;
    struct wr w;
    struct err e;
    for (int32_t i = 0; i < t->partitions; i++) {
        kp_init(&meta_topic_create_partitions_schema, &parts[i]);
        parts[i].partition = i;
        parts[i].shard = 1;
        parts[i].leader = 1;
        parts[i].n_replicas = VOTERS;
        parts[i].replicas = nodes;
    }
    kp_init(&meta_topic_create_schema, &msg);
    msg.name = kp_str(t->name);
    msg.topic_id = t->id;
    msg.n_partitions = t->partitions;
    msg.partitions = parts;
    wr_init(&w, 0);
    meta_command_encode(META_TOPIC_CREATE, &msg, &w);
    if (meta_apply(image, index, 1, span_of(w.buf, w.len), &next, &res, &e) || res.code)
        sim_out_of_memory();
    wr_free(&w);
    meta_image_unref(image);
    return next;
}

static struct meta_image *make_image(struct sim_world *w, const struct uuid *cluster)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    struct meta_image *image = meta_image_new(cluster);
    struct model_settings set = {.retention_bytes = -1, .retention_ms = -1};
    for (uint32_t i = 0; image && i < w->plan.topics; i++) {
        struct model_topic *t = model_topic_new(w, names[i], (int32_t)w->plan.partitions, set);
        t->created = DONE;
        image = with_topic(image, i + 1, t);
    }
    if (!image)
        sim_out_of_memory();
    return image;
}

/* ---- the nodes */

static void must(struct sim_node *n, int rc, const struct err *e)
{
    if (rc)
        sim_violation(n->w, "HOST", "node %u cannot be set up: %s", n->id, e->text);
}

static void build(struct sim_node *n)
{
    static const char *const dirs[] = {SIM_DIR, SIM_DIR "/wal", wal_dir, log_dir};
    uint64_t voters[VOTERS] = {1, 2, 3};
    char paths[3][IO_PATH_MAX];
    struct shard_config cfg;
    struct err e = {.text = "directories"};
    n->disk.quiet = true;
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++)
        must(n, io_mkdir(&n->disk.io, dirs[i]), &e);
    must(n, io_sync_dir(&n->disk.io, "/"), &e);
    must(n, io_sync_dir(&n->disk.io, SIM_DIR), &e);
    must(n, io_sync_dir(&n->disk.io, SIM_DIR "/wal"), &e);
    sim_node_shard_config(n, 1, n->w->image, &cfg, paths);
    must(n, shard_bootstrap(&cfg, voters, VOTERS, &e), &e);
    must(n, io_sync_dir(&n->disk.io, wal_dir), &e);
    n->disk.quiet = false;
    n->begun = true;
}

void sim_cluster_begin(struct sim_world *w)
{
    struct uuid cluster;
    uuid_parse(&cluster, SIM_CLUSTER);
    w->image = make_image(w, &cluster);
    for (uint32_t i = 1; i <= VOTERS; i++) {
        struct sim_node *n = sim_node(w, i);
        n->dir.meta.cluster_id = cluster;
        n->dir.meta.node_id = i;
        n->clock.mono_base = i * SIM_SECOND + i * 3000;
        build(n);
    }
}

void sim_cluster_release(struct sim_world *w)
{
    meta_image_unref(w->image);
    w->image = NULL;
}

int sim_cluster_open(struct sim_node *n, struct err *e)
{
    n->wants_install = false;
    return sim_node_open_shard(n, 1, n->w->image, e);
}

/* Election safety: a term has one leader. */
void sim_cluster_leads(struct sim_node *n)
{
    struct sim_world *w = n->w;
    uint64_t term = shard_term(n->shard[1].s);
    cover(w, COVER_elected);
    if (term == w->leader_term && n->id != w->leader)
        sim_violation(w, "M3", "term %llu has two leaders, node %u and node %u",
                      (unsigned long long)term, w->leader, n->id);
    if (term < w->leader_term)
        return;
    w->leader_term = term;
    w->leader = n->id;
}

/* ---- a node too far behind */

static void copy_file(struct sim_node *to, struct io *from, const char *path)
{
    struct err e = {.text = "a copy"};
    struct io_file *f = NULL;
    uint8_t *buf;
    size_t size;
    must(to, io_read_file(from, path, COPY_MAX, &buf, &size), &e);
    must(to, io_open(&to->disk.io, path, IO_WRITE | IO_CREATE | IO_TRUNC, &f), &e);
    must(to, io_pwrite(f, buf, size, 0), &e);
    must(to, io_sync(f), &e);
    io_close(f);
    free(buf);
}

static void copy_logs(struct sim_node *to, struct io *from)
{
    struct err e = {.text = "a copy"};
    char **dirs, **files;
    size_t n_dirs, n_files;
    must(to, io_names(from, log_dir, &dirs, &n_dirs), &e);
    for (size_t i = 0; i < n_dirs; i++) {
        char dir[IO_PATH_MAX], path[IO_PATH_MAX];
        io_path(dir, sizeof dir, log_dir, "%s", dirs[i]);
        must(to, io_mkdir(&to->disk.io, dir), &e);
        must(to, io_names(from, dir, &files, &n_files), &e);
        for (size_t k = 0; k < n_files; k++) {
            io_path(path, sizeof path, dir, "%s", files[k]);
            copy_file(to, from, path);
        }
        io_names_free(files, n_files);
        must(to, io_sync_dir(&to->disk.io, dir), &e);
    }
    io_names_free(dirs, n_dirs);
}

/* What a broker will stream: the partition logs that a checkpoint names, then the checkpoint. Here
 * it happens at once, and the node dies before or after it. */
static void take_checkpoint(struct sim_node *n, struct sim_node *from)
{
    struct io *there = io_mem_io(from->disk.mem);
    uint64_t term = shard_term(n->shard[1].s), vote = shard_vote(n->shard[1].s);
    struct checkpoint newest, older;
    char paths[3][IO_PATH_MAX];
    struct shard_config cfg;
    struct err e = {.text = "logs"};
    struct wr w;
    bool bad;
    sim_node_drop(n);
    sim_clients_forget(n);
    sim_admin_forget(n);
    n->disk.quiet = true;
    io_mem_set_space(n->disk.mem, UINT64_MAX);
    n->full = false;
    must(n, io_remove_tree(&n->disk.io, log_dir), &e);
    must(n, io_mkdir(&n->disk.io, log_dir), &e);
    copy_logs(n, there);
    must(n, io_sync_dir(&n->disk.io, log_dir), &e);
    must(n, io_sync_dir(&n->disk.io, SIM_DIR), &e);
    must(n, checkpoint_load(there, wal_dir, NULL, &newest, &older, &bad, &e), &e);
    wr_init(&w, 0);
    checkpoint_encode(&newest, &w);
    sim_node_shard_config(n, 1, n->w->image, &cfg, paths);
    must(n, shard_import(&cfg, span_of(w.buf, w.len), term, vote, &e), &e);
    wr_free(&w);
    checkpoint_release(&newest);
    checkpoint_release(&older);
    n->disk.quiet = false;
}

void sim_cluster_install(struct sim_node *n)
{
    struct sim_world *w = n->w;
    if (!n->up || !n->wants_install || n->disk.dead || sim_tasks_under_way(n))
        return;
    struct sim_node *from = sim_node(w, (uint32_t)n->install_from);
    if (!from->up || from->disk.dead || sim_tasks_under_way(from))
        return;
    trace_line(w, "install node=%u from=%u", n->id, from->id);
    cover(w, COVER_installed);
    take_checkpoint(n, from);
    sim_start_after(n, rng_delay(&w->rng, SIM_MS));
}

/* ---- in the end */

static bool has_all(struct sim_node *n)
{
    struct model *m = &n->w->model;
    for (unsigned i = 0; i < m->n_topics; i++)
        for (int32_t p = 0; p < m->topics[i].partitions; p++)
            if (m->topics[i].part[p].view[n->id - 1].read_to != m->topics[i].part[p].end)
                return false;
    return true;
}

bool sim_cluster_agrees(struct sim_world *w)
{
    for (uint32_t i = 1; i <= w->plan.nodes; i++)
        if (!sim_node(w, i)->up || !has_all(sim_node(w, i)))
            return false;
    return true;
}
