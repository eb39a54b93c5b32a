#include "broker/offsets_topic.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "broker/broker.h"
#include "broker/container.h"
#include "broker/coordinator.h"
#include "broker/group_partition.h"
#include "broker/rcu.h"
#include "broker/shard_thread.h"
#include "broker/stage.h"
#include "broker/topics.h"
#include "broker/worker.h"

enum { READ_BYTES = 1 << 20 }; /* of a partition at a time; a larger batch alone */

/* A batch on its way. */
struct append {
    struct append *next;
    struct offsets_topic *topic;
    struct kp_str group; /* the coordinator's, until done */
    struct wr batch;
    void (*done)(void *arg, int code);
    void *arg;
    struct stage stage;
    struct shard_produce produce, *part;
};

/* A partition that is read back. */
struct load {
    struct loop_msg msg; /* to the pool and back */
    struct offsets_topic *topic;
    struct uuid topic_id;
    int32_t partition;
    struct group_replay groups;
    uint8_t *buf;
    size_t cap;
    int rc;
};

struct offsets_topic {
    struct broker *broker;
    struct worker *home;
    struct coordinator_host host;
    struct append *waiting, **last; /* for the topic to be made */
    bool creating;
    struct creation_wait creation;
    struct load *loads; /* by partition */
    int32_t n_loads;
    _Atomic bool stop;
};

/* ---- writing */

static void append_free(struct append *a)
{
    wr_free(&a->batch);
    free(a);
}

static void append_done(struct append *a, int code)
{
    void (*done)(void *arg, int code) = a->done;
    void *arg = a->arg;
    append_free(a);
    done(arg, code);
}

static void came_home(struct stage *s)
{
    struct append *a = s->arg;
    append_done(a, a->produce.code);
}

static const struct meta_topic *find_topic(struct broker *b)
{
    return meta_topic_by_name(image_get(&b->image), span_str(OFFSETS_TOPIC));
}

/* In a read section. */
static int dispatch(struct append *a, const struct meta_topic *t)
{
    struct broker *b = a->topic->broker;
    int32_t partition = group_partition(a->group, t->n_partitions);
    struct shard_thread *shard = broker_topic_shard(b, t, partition);
    if (!shard)
        return ERR_NOTLEADER;
    a->produce = (struct shard_produce){.topic_id = t->id,
                                        .partition = partition,
                                        .bytes = a->batch.buf,
                                        .n = a->batch.len,
                                        .meta_index = meta_index(image_get(&b->image))};
    int rc = batch_peek(span_of(a->batch.buf, a->batch.len), &a->produce.batch);
    if (rc)
        return rc;
    a->part = &a->produce;
    a->stage = (struct stage){.to = shard,
                              .home = a->topic->home,
                              .n = 1,
                              .parts = &a->part,
                              .done = came_home,
                              .arg = a};
    stage_send(&a->stage);
    return 0;
}

/* On home's loop, in a read section. */
static void created(struct creation_wait *w, int code)
{
    struct offsets_topic *ot = w->arg;
    struct append *a = ot->waiting;
    ot->waiting = NULL;
    ot->last = &ot->waiting;
    ot->creating = false;
    if (code)
        log_error(ot->broker->log, "group", "%s cannot be made: %s", OFFSETS_TOPIC, err_str(code));
    const struct meta_topic *t = find_topic(ot->broker);
    for (struct append *next; a; a = next) {
        next = a->next;
        int rc = code ? code : t ? dispatch(a, t) : ERR_NOTFOUND;
        if (rc)
            append_done(a, rc);
    }
}

static void create(struct offsets_topic *ot)
{
    if (ot->creating)
        return;
    ot->creating = true;
    ot->creation = (struct creation_wait){.home = ot->home, .done = created, .arg = ot};
    creator_want(&ot->broker->creator, kp_str(OFFSETS_TOPIC), &ot->creation);
}

static int append(void *ctx, struct kp_str group, struct wr *batch,
                  void (*done)(void *arg, int code), void *arg)
{
    struct offsets_topic *ot = ctx;
    struct append *a = malloc(sizeof *a);
    if (!a)
        return -ENOMEM;
    *a = (struct append){.topic = ot, .group = group, .batch = *batch, .done = done, .arg = arg};
    int rc = 0;
    rcu_enter();
    const struct meta_topic *t = find_topic(ot->broker);
    if (t && !ot->waiting) {
        rc = dispatch(a, t);
    } else { /* behind those that wait, so that their order is kept */
        *ot->last = a;
        ot->last = &a->next;
        create(ot);
    }
    rcu_leave();
    if (rc)
        free(a); /* the batch stays the caller's */
    return rc;
}

static bool topic_lives(void *ctx, struct kp_str name, const struct uuid *id)
{
    struct offsets_topic *ot = ctx;
    rcu_enter();
    const struct meta_topic *t =
        meta_topic_by_name(image_get(&ot->broker->image), span_of(name.p, (size_t)name.n));
    bool lives = t && (uuid_is_zero(id) || uuid_eq(&t->id, id));
    rcu_leave();
    return lives;
}

/* ---- reading back */

/* The next slice from *offset on, verified as for a fetch: the batches of another partition, or
 * older ones, may be sound. Its length is 0 at the end. */
static int next_slice(struct load *l, int64_t *offset, struct plog_slice *slice, struct err *e)
{
    rcu_enter();
    struct partition *p =
        partitions_find(&l->topic->broker->partitions, &l->topic_id, l->partition);
    int rc = ERR_NOTFOUND;
    if (p) {
        int64_t start = plog_log_start(p->log);
        if (*offset < start)
            *offset = start;
        rc = plog_read(p->log, *offset, plog_high_watermark(p->log), READ_BYTES, true, slice, e);
        if (rc == 0 && (rc = plog_slice_verify(p->log, slice, e)) < 0)
            plog_slice_release(slice);
    } else {
        err_set(e, rc, "the partition is not there");
    }
    rcu_leave();
    return rc;
}

static int add_slice(struct load *l, const struct plog_slice *slice, struct err *e)
{
    if (slice->len > l->cap) {
        free(l->buf);
        l->cap = slice->len;
        l->buf = malloc(l->cap);
        if (!l->buf) {
            l->cap = 0;
            return err_set(e, -ENOMEM, "out of memory");
        }
    }
    ssize_t n = plog_slice_read(slice, l->buf);
    if (n < 0)
        return err_code(e, (int)n, "reading offset %lld", (long long)slice->base_offset);
    return group_replay_add(&l->groups, span_of(l->buf, (size_t)n), e);
}

static int read_partition(struct load *l, struct err *e)
{
    int64_t offset = 0;
    while (!atomic_load_explicit(&l->topic->stop, memory_order_relaxed)) {
        struct plog_slice slice;
        int rc = next_slice(l, &offset, &slice, e);
        if (rc < 0)
            return rc;
        if (!slice.len)
            return group_replay_finish(&l->groups, e);
        offset = slice.next_offset;
        rc = add_slice(l, &slice, e);
        plog_slice_release(&slice);
        if (rc)
            return rc;
    }
    return err_set(e, ERR_INTERRUPTED, "the broker stops");
}

/* On home's loop. */
static void take_over(struct loop_msg *m)
{
    struct load *l = container_of(m, struct load, msg);
    struct coordinator *c = l->topic->broker->coordinator;
    if (l->groups.unknown)
        log_warn(l->topic->broker->log, "group",
                 "records of kinds that are not known were passed over partition=%d records=%llu",
                 l->partition, (unsigned long long)l->groups.unknown);
    if (l->rc)
        coordinator_failed(c, l->partition);
    else
        coordinator_loaded(c, l->partition, &l->groups);
    group_replay_release(&l->groups);
}

static void on_pool(struct loop_msg *m)
{
    struct load *l = container_of(m, struct load, msg);
    struct broker *b = l->topic->broker;
    struct err why = {0};
    l->rc = read_partition(l, &why);
    free(l->buf);
    if (l->rc && l->rc != ERR_INTERRUPTED)
        log_error(b->log, "group", "%s-%d cannot be read back, its groups are not served: %s",
                  OFFSETS_TOPIC, l->partition, why.text);
    l->msg.run = take_over;
    loop_post(l->topic->home->loop, &l->msg);
}

static void load(struct offsets_topic *ot, const struct uuid *topic_id, int32_t n)
{
    struct broker *b = ot->broker;
    ot->n_loads = n;
    for (int32_t i = 0; i < n; i++) {
        struct load *l = &ot->loads[i];
        *l = (struct load){.topic = ot, .topic_id = *topic_id, .partition = i};
        group_replay_init(&l->groups, coordinator_group_host(), coordinator_limits(b->coordinator),
                          b->log);
        l->msg.run = on_pool;
        crew_post(&b->pool, &l->msg);
    }
}

/* ---- life */

static void configure(struct offsets_topic *ot, struct coordinator_config *cfg)
{
    const struct settings *s = ot->broker->settings;
    *cfg = (struct coordinator_config){
        .host = &ot->host,
        .loop = ot->home->loop,
        .deadlines = &ot->home->deadlines,
        .log = ot->broker->log,
        .clock = ot->broker->clock,
        .limits = {.min_session_ms = s->group_min_session_timeout_ms,
                   .max_session_ms = s->group_max_session_timeout_ms,
                   .max_members = s->group_max_size,
                   .initial_delay_ms = s->group_initial_rebalance_delay_ms},
        .memory_bytes = s->group_memory_max_bytes,
        .commit_bytes = (uint32_t)s->topic.max_message_bytes,
        .retention_ms = (int64_t)s->offsets_retention_minutes * 60000,
        .sweep_ms = s->offsets_retention_check_interval_ms,
        .n_partitions = s->offsets_topic_num_partitions,
        .empty = true,
    };
}

/* Earlier versions let clients make and alter it as they liked. */
static void complain_of_policy(struct broker *b, const struct meta_topic *t)
{
    struct meta_settings s;
    meta_settings_of(image_get(&b->image), b->node_id, &b->settings->topic, t, &s);
    if (s.cleanup_policy & META_CLEANUP_DELETE)
        log_warn(b->log, "group",
                 "committed offsets are deleted when they are older than retention.ms, since the "
                 "cleanup.policy of %s has delete: set it to compact",
                 OFFSETS_TOPIC);
}

int offsets_topic_start(struct broker *b, struct err *e)
{
    struct offsets_topic *ot = calloc(1, sizeof *ot);
    if (!ot)
        return err_set(e, -ENOMEM, "out of memory");
    b->offsets = ot;
    ot->broker = b;
    ot->home = b->workers[0];
    ot->host = (struct coordinator_host){ot, append, topic_lives};
    ot->last = &ot->waiting;
    struct coordinator_config cfg;
    struct uuid topic_id = {{0}};
    configure(ot, &cfg);
    rcu_enter();
    const struct meta_topic *t = find_topic(b);
    if (t) {
        topic_id = t->id;
        cfg.n_partitions = t->n_partitions;
        cfg.empty = false;
        complain_of_policy(b, t);
    }
    rcu_leave();
    b->coordinator = coordinator_new(&cfg);
    ot->loads = calloc((size_t)cfg.n_partitions, sizeof *ot->loads);
    if (!b->coordinator || !ot->loads)
        return err_set(e, -ENOMEM, "out of memory");
    if (!cfg.empty)
        load(ot, &topic_id, cfg.n_partitions);
    return 0;
}

void offsets_topic_drain(struct broker *b)
{
    if (!b->offsets || !b->coordinator)
        return;
    atomic_store_explicit(&b->offsets->stop, true, memory_order_relaxed);
    coordinator_drain(b->coordinator);
}

void offsets_topic_free(struct broker *b)
{
    if (!b->offsets)
        return;
    for (int32_t i = 0; i < b->offsets->n_loads; i++)
        group_replay_release(&b->offsets->loads[i].groups); /* that nobody took */
    coordinator_free(b->coordinator);
    free(b->offsets->loads);
    free(b->offsets);
}
