#include "broker/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "batch/codec.h"
#include "broker/address.h"
#include "broker/broker.h"
#include "broker/descriptors.h"
#include "broker/listener.h"
#include "broker/metadata.h"
#include "broker/offsets_topic.h"
#include "broker/rcu.h"
#include "broker/shard_thread.h"
#include "broker/worker.h"
#include "shard/node.h"

struct server {
    struct broker broker;
    struct node node;
    bool node_is_open;
    struct address listens, advertised;
    int fd; /* bound; -1 once the listener has it */
    struct listener *listener;
    uint32_t workers_started;
    pthread_mutex_t lock; /* of what the starting and stopping thread waits for: */
    pthread_cond_t changed;
    uint32_t drained; /* workers */
    bool registered;
};

/* ---- start: parts that need no thread */

static int resolve_addresses(struct server *s, struct err *e)
{
    const struct settings *set = s->broker.settings;
    int rc = address_parse(set->listeners, &s->listens, e);
    if (rc)
        return err_wrap(e, "listeners");
    if (*set->advertised_listeners) {
        rc = address_parse(set->advertised_listeners, &s->advertised, e);
        if (!rc && address_is_wildcard(&s->advertised))
            rc = err_set(e, ERR_INVALID, "'%s' is no address to connect to",
                         set->advertised_listeners);
        return rc ? err_wrap(e, "advertised.listeners") : 0;
    }
    s->advertised = s->listens;
    s->advertised.port = 0;
    if (address_is_wildcard(&s->listens) &&
        gethostname(s->advertised.host, sizeof s->advertised.host - 1))
        return err_code(e, -errno, "the host has no name");
    return 0;
}

static int bind_address(struct server *s, struct err *e)
{
    s->fd = address_bind(&s->listens, &s->listens.port, e);
    if (s->fd < 0)
        return s->fd;
    if (!s->advertised.port)
        s->advertised.port = s->listens.port;
    s->broker.host = s->advertised.host;
    s->broker.port = s->advertised.port;
    return 0;
}

/* A relative wal.dir is the working directory's of now: node.meta must say it whole. */
static int absolute_wal_dir(const struct settings *s, char *buf, size_t cap, struct err *e)
{
    char cwd[IO_PATH_MAX];
    bool relative = s->wal_dir[0] && s->wal_dir[0] != '/';
    if (relative && !getcwd(cwd, sizeof cwd))
        return err_code(e, -errno, "wal.dir: %s: the working directory", s->wal_dir);
    int n = snprintf(buf, cap, "%s%s%s", relative ? cwd : "", relative ? "/" : "", s->wal_dir);
    return (size_t)n < cap ? 0 : err_code(e, -ENAMETOOLONG, "wal.dir: %s", s->wal_dir);
}

static int open_node(struct server *s, struct err *e)
{
    struct broker *b = &s->broker;
    char wal_dir[IO_PATH_MAX];
    int rc = absolute_wal_dir(b->settings, wal_dir, sizeof wal_dir, e);
    if (rc)
        return rc;
    struct node_config cfg = {
        .io = b->io,
        .log = b->log,
        .dir = b->settings->log_dir,
        .wal_dir = wal_dir[0] ? wal_dir : NULL,
        .node_id = (uint32_t)b->settings->node_id,
        .data_shards = (uint32_t)b->settings->wal_shards,
        .segment_bytes = (uint64_t)b->settings->wal_segment_bytes,
        .meta_segment_bytes = METADATA_SEGMENT_BYTES,
        .clock = b->clock,
    };
    rc = node_open(&s->node, &cfg, e);
    if (rc)
        return rc;
    s->node_is_open = true;
    b->node_id = (int32_t)s->node.meta.node_id;
    uuid_text(&s->node.meta.cluster_id, b->cluster_id);
    return 0;
}

static int make_workers(struct broker *b, struct err *e)
{
    uint32_t n = (uint32_t)b->settings->num_network_threads;
    b->workers = calloc(n, sizeof(struct worker *));
    if (!b->workers)
        return err_set(e, -ENOMEM, "out of memory");
    for (; b->n_workers < n; b->n_workers++) {
        b->workers[b->n_workers] = worker_new(b, b->n_workers);
        if (!b->workers[b->n_workers])
            return err_set(e, -ENOMEM,
                           "an event loop cannot be made: out of memory or descriptors");
    }
    return 0;
}

enum {
    HELD_PART = 4
}; /* of the memory for requests, beside it, for what waits for a place there */

/* Cold reads give way to the log where they share a disk with it. */
static bool share_a_disk(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) || stat(b, &y) || x.st_dev == y.st_dev;
}

static int start_threads(struct server *s)
{
    struct broker *b = &s->broker;
    uint32_t n = (uint32_t)b->settings->num_io_threads;
    bool share = share_a_disk(b->settings->log_dir, s->node.meta.wal_dir);
    int rc = crew_start(&b->pool, "pool", n);
    if (!rc)
        rc = reader_start(&b->reader, b->clock, share ? &b->commits : NULL, n);
    if (!rc)
        rc = crew_start(&b->jobs, "jobs", 1);
    return rc;
}

static int make_parts(struct server *s, struct err *e)
{
    struct broker *b = &s->broker;
    b->memory.max = b->replies.max = b->blocks.max = b->settings->queued_max_request_bytes;
    b->held.max = b->memory.max / HELD_PART;
    b->metadata = metadata_new(b);
    if (!b->metadata || partitions_init(&b->partitions))
        return err_set(e, -ENOMEM, "out of memory");
    int rc = start_threads(s);
    if (rc)
        return err_code(e, rc, "threads cannot be started");
    /* Clients wait for the start, and nobody for what the jobs prepare. */
    crew_hold(&b->jobs);
    return make_workers(b, e);
}

/* ---- start: shards */

static int start_shard(struct server *s, uint32_t number, struct meta_image *image, struct err *e)
{
    struct broker *b = &s->broker;
    struct shard_thread *t = shard_thread_new(b, number);
    if (!t)
        return err_set(e, -ENOMEM, "out of memory");
    b->shards[number] = t;
    int rc = shard_thread_open(t, &s->node, image, e);
    return rc ? rc : shard_thread_start(t, e);
}

/* Shard 0 first: the others are recovered under its image. */
static int start_shards(struct server *s, struct err *e)
{
    struct broker *b = &s->broker;
    uint32_t n = 1 + (uint32_t)b->settings->wal_shards;
    b->shards = calloc(n, sizeof(struct shard_thread *));
    if (!b->shards)
        return err_set(e, -ENOMEM, "out of memory");
    b->n_shards = n;
    int rc = start_shard(s, 0, NULL, e);
    if (rc)
        return rc;
    rcu_enter();
    struct meta_image *image = meta_image_ref(image_get(&b->image));
    rcu_leave();
    for (uint32_t i = 1; i < n && !rc; i++)
        rc = start_shard(s, i, image, e);
    meta_image_unref(image);
    if (!rc)
        metadata_attach(b->metadata);
    return rc;
}

/* ---- start: this node's entry in the metadata */

static bool is_registered(struct broker *b)
{
    size_t n;
    bool found = false;
    rcu_enter();
    const struct meta_node *nodes = meta_nodes(image_get(&b->image), &n);
    for (size_t i = 0; i < n; i++)
        found |= nodes[i].id == b->node_id && nodes[i].port == b->port &&
                 strcmp(nodes[i].host, b->host) == 0;
    rcu_leave();
    return found;
}

static void registered(struct proposal *p)
{
    struct server *s = p->arg;
    pthread_mutex_lock(&s->lock);
    s->registered = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static int register_node(struct server *s, struct err *e)
{
    struct broker *b = &s->broker;
    if (is_registered(b))
        return 0;
    struct meta_node_register command = {
        .node_id = b->node_id, .host = kp_str(b->host), .port = b->port, .rack = kp_str(NULL)};
    struct proposal p = {.done = registered, .arg = s};
    metadata_propose(b->metadata, &p, META_NODE_REGISTER, &command);
    pthread_mutex_lock(&s->lock);
    while (!s->registered)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    int rc = p.command.code ? p.command.code : p.command.result.code;
    proposal_release(&p);
    return rc ? err_code(e, rc, "this node's address cannot be registered") : 0;
}

/* ---- start: service */

static int serve(struct server *s, struct err *e)
{
    struct broker *b = &s->broker;
    int fd = s->fd;
    s->fd = -1;
    s->listener = listener_new(b, fd, e);
    if (!s->listener)
        return e->code;
    for (; s->workers_started < b->n_workers; s->workers_started++) {
        int rc = worker_start(b->workers[s->workers_started]);
        if (rc)
            return err_code(e, rc, "threads cannot be started");
    }
    crew_release(&b->jobs);
    return 0;
}

static int start(struct server *s, struct err *e)
{
    struct broker *b = &s->broker;
    int rc = codec_load(e);
    if (!rc)
        rc = descriptors_share(b->settings, b->log, &b->room_for_conns, e);
    if (!rc)
        rc = resolve_addresses(s, e);
    if (!rc)
        rc = bind_address(s, e);
    if (!rc)
        rc = open_node(s, e);
    if (!rc)
        rc = make_parts(s, e);
    if (!rc)
        rc = start_shards(s, e);
    if (!rc)
        rc = register_node(s, e);
    if (!rc)
        rc = offsets_topic_start(&s->broker, e);
    return rc ? rc : serve(s, e);
}

int server_start(struct server **out, const struct settings *settings, struct log *log,
                 struct err *e)
{
    struct server *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(e, -ENOMEM, "out of memory");
    rcu_register();
    struct broker *b = &s->broker;
    b->settings = settings;
    live_init(&b->live, settings);
    b->log = log;
    b->clock = clock_system();
    b->io = io_posix();
    s->fd = -1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    creator_init(&b->creator, b);
    producer_ids_init(&b->producer_ids, b);
    struct err why = {0};
    int rc = start(s, &why);
    if (rc) {
        server_stop(s, 0);
        if (e)
            *e = why;
        return rc;
    }
    log_info(log, "broker", "serving address=%s:%u advertised=%s:%u node=%d cluster=%s dir=%s",
             s->listens.host, s->listens.port, b->host, s->advertised.port, b->node_id,
             b->cluster_id, settings->log_dir);
    *out = s;
    return 0;
}

uint16_t server_port(const struct server *s)
{
    return s->listens.port;
}

void server_log_stats(struct server *s)
{
    for (uint32_t i = 0; i < s->broker.n_workers; i++)
        worker_log_stats(s->broker.workers[i]);
    for (uint32_t i = 0; i < s->broker.n_shards; i++)
        shard_thread_log_stats(s->broker.shards[i]);
}

/* ---- stop */

static void worker_drained(void *arg)
{
    struct server *s = arg;
    pthread_mutex_lock(&s->lock);
    s->drained++;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* Wait until all workers are drained, at most until then (monotonic; NULL: for ever). True if they
 * are. */
static bool wait_drained(struct server *s, const struct timespec *until)
{
    int rc = 0;
    pthread_mutex_lock(&s->lock);
    while (s->drained < s->workers_started && rc == 0)
        rc = until ? pthread_cond_clockwait(&s->changed, &s->lock, CLOCK_MONOTONIC, until)
                   : pthread_cond_wait(&s->changed, &s->lock);
    bool all = s->drained == s->workers_started;
    pthread_mutex_unlock(&s->lock);
    return all;
}

static struct timespec in_ms(int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* Requests get half of the time to be served, then what waits for room or for an image is refused;
 * clients get all of it to take their answers. */
static void drain_workers(struct server *s, int64_t grace_ms)
{
    struct broker *b = &s->broker;
    struct timespec half = in_ms(grace_ms / 2), all = in_ms(grace_ms);
    for (uint32_t i = 0; i < s->workers_started; i++)
        worker_drain(b->workers[i], worker_drained, s);
    if (wait_drained(s, &half))
        return;
    for (uint32_t i = 0; i < b->n_shards; i++)
        shard_thread_hurry(b->shards[i]);
    if (wait_drained(s, &all))
        return;
    log_warn(b->log, "broker", "closing connections that did not take their answers in time");
    for (uint32_t i = 0; i < s->workers_started; i++)
        worker_cut(b->workers[i]);
    wait_drained(s, NULL); /* requests whose records are being written */
}

static void stop_shards(struct broker *b)
{
    /* Shard 0 first: the others must be there for the images it still spreads. */
    for (uint32_t i = 0; i < b->n_shards; i++)
        shard_thread_stop(b->shards[i]);
}

static void free_parts(struct broker *b)
{
    for (uint32_t i = 0; i < b->n_shards; i++)
        shard_thread_free(b->shards[i]);
    free(b->shards);
    partitions_release(&b->partitions);
    rcu_wait(); /* plogs and images that were retired */
    image_release(&b->image);
    offsets_topic_free(b);
    for (uint32_t i = 0; i < b->n_workers; i++)
        worker_free(b->workers[i]);
    free(b->workers);
    metadata_free(b->metadata);
    producer_ids_release(&b->producer_ids);
    creator_release(&b->creator);
}

void server_stop(struct server *s, int64_t grace_ms)
{
    struct broker *b = &s->broker;
    if (s->listener && s->workers_started)
        listener_stop(s->listener);
    offsets_topic_drain(b);
    drain_workers(s, grace_ms);
    crew_stop(&b->pool);
    reader_stop(&b->reader);
    crew_release(&b->jobs);
    stop_shards(b);
    crew_stop(&b->jobs);
    for (uint32_t i = 0; i < s->workers_started; i++)
        worker_join(b->workers[i]);
    listener_free(s->listener);
    free_parts(b);
    if (s->fd >= 0)
        close(s->fd);
    if (s->node_is_open)
        node_release(&s->node);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
    rcu_unregister();
}
