#include "shard/machine_data.h"

#include <errno.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/mutant.h"
#include "shard/retention.h"

enum { IMAGE_RETRY_MS = 100 };

/* ---- partitions */

struct data_partition *data_find(struct shard *s, const struct uuid *topic_id, int32_t partition)
{
    struct data_key key;
    struct data_partition *p = NULL;
    memset(&key, 0, sizeof key);
    key.topic_id = *topic_id;
    key.partition = partition;
    HASH_FIND(hh, s->data->partitions, &key, sizeof key, p);
    return p;
}

struct plog *shard_partition(struct shard *s, const struct uuid *topic_id, int32_t partition)
{
    struct data_partition *p = data_find(s, topic_id, partition);
    return p ? p->log : NULL;
}

static void take_settings(struct shard *s, const struct meta_image *image,
                          const struct meta_topic *from, struct data_topic *t)
{
    meta_settings_of(image, (int32_t)s->cfg.owner.node_id, s->cfg.settings, from, &t->settings);
}

/* What is compacted only when its segment is complete must not wait for that too long. */
static int64_t segment_ms(const struct meta_settings *set)
{
    bool sooner =
        set->cleanup_policy & META_CLEANUP_COMPACT && set->max_compaction_lag_ms < set->segment_ms;
    return sooner ? set->max_compaction_lag_ms : set->segment_ms;
}

/* segment.jitter.ms: logs that began together need not roll together. */
static int64_t jitter(const struct data_topic *t, int32_t partition)
{
    const struct meta_settings *set = &t->settings;
    int64_t ms = segment_ms(set), most = set->segment_jitter_ms < ms ? set->segment_jitter_ms : ms;
    uint32_t crc = crc32c(crc32c(0, t->id.b, sizeof t->id.b), &partition, sizeof partition);
    return most > 0 ? crc % most : 0;
}

static struct plog_settings log_settings(const struct data_topic *t, int32_t partition)
{
    return (struct plog_settings){
        .segment_bytes = (uint64_t)t->settings.segment_bytes,
        .segment_ms = segment_ms(&t->settings) - jitter(t, partition),
        .index_interval_bytes = (uint32_t)t->settings.index_interval_bytes,
    };
}

static struct data_topic *topic_of(struct shard *s, const struct meta_image *image,
                                   const struct meta_topic *from)
{
    const struct uuid *id = &from->id;
    struct data_topic *t = NULL;
    HASH_FIND(hh, s->data->topics, id, sizeof *id, t);
    if (t)
        return t;
    t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->id = *id;
    take_settings(s, image, from, t);
    HASH_ADD(hh, s->data->topics, id, sizeof t->id, t);
    if (!t->hh.tbl) {
        free(t);
        return NULL;
    }
    return t;
}

static void drop_topic(struct shard *s, struct data_topic *t)
{
    if (t->partitions)
        return;
    HASH_DEL(s->data->topics, t);
    free(t);
}

static void free_log(void *log)
{
    plog_free(log);
}

static void retire_log(struct shard *s, struct plog *log)
{
    if (s->cfg.host->partition)
        s->cfg.host->partition(s->cfg.host->ctx, s, log, false);
    if (s->cfg.plog.retire)
        s->cfg.plog.retire(s->cfg.plog.retire_ctx, free_log, log);
    else
        plog_free(log);
}

static void free_partition(struct shard *s, struct data_partition *p)
{
    compaction_forget(s, p);
    data_buffer_forget(s, p);
    write_back_forget(s, p);
    HASH_DEL(s->data->partitions, p);
    s->data->offline -= p->offline;
    p->topic->partitions--;
    drop_topic(s, p->topic);
    producers_release(&p->producers);
    if (p->log)
        retire_log(s, p->log);
    free(p->batches);
    free(p);
}

int data_add_partition(struct shard *s, const struct meta_image *image, const struct meta_topic *t,
                       int32_t partition, const struct checkpoint_partition *from, struct err *e)
{
    struct data_topic *topic = topic_of(s, image, t);
    struct data_partition *p = topic ? calloc(1, sizeof *p) : NULL;
    if (!p) {
        if (topic)
            drop_topic(s, topic);
        return err_code(e, -ENOMEM, "partition %s-%d", t->name, partition);
    }
    p->key.topic_id = t->id;
    p->key.partition = partition;
    p->topic = topic;
    HASH_ADD(hh, s->data->partitions, key, sizeof p->key, p);
    if (!p->hh.tbl) {
        free(p);
        drop_topic(s, topic);
        return err_code(e, -ENOMEM, "partition %s-%d", t->name, partition);
    }
    topic->partitions++;
    struct plog_config cfg = s->cfg.plog;
    cfg.settings = log_settings(topic, partition);
    cfg.buffered = s->cfg.buffer_bytes > 0;
    int rc = plog_open(&p->log, &cfg, t->name, partition, &t->id, from ? &from->mark : NULL,
                       from ? from->epochs : NULL, from ? from->n_epochs : 0, e);
    if (rc == 0 && from)
        rc = producers_load(&p->producers, from->producers, from->n_producers);
    if (rc) {
        p->log = rc && p->log ? p->log : NULL;
        free_partition(s, p);
        return rc;
    }
    p->newest = from ? from->mark.segment : 0;
    plog_set_high_watermark(p->log, plog_log_end(p->log));
    p->staged_end = plog_log_end(p->log);
    if (s->cfg.host->partition)
        s->cfg.host->partition(s->cfg.host->ctx, s, p->log, true);
    return 0;
}

/* ---- images */

static int add_topic(struct shard *s, const struct meta_image *image, const struct meta_topic *t,
                     struct err *e)
{
    for (int32_t i = 0; i < t->n_partitions; i++) {
        if (t->partitions[i].shard != s->cfg.owner.shard || data_find(s, &t->id, i))
            continue;
        int rc = data_add_partition(s, image, t, i, NULL, e);
        if (rc)
            return rc;
    }
    return 0;
}

/* Let the partitions that are here follow what holds for their topic. */
static void refresh_topic(struct shard *s, const struct meta_image *image,
                          const struct meta_topic *t)
{
    struct data_topic *topic = NULL;
    HASH_FIND(hh, s->data->topics, &t->id, sizeof t->id, topic);
    if (!topic)
        return;
    take_settings(s, image, t, topic);
    for (int32_t i = 0; i < t->n_partitions; i++) {
        struct data_partition *p = data_find(s, &t->id, i);
        struct plog_settings set = log_settings(topic, i);
        if (p)
            plog_set_settings(p->log, &set);
    }
}

static int take_topic(struct shard *s, const struct meta_image *image, const struct meta_topic *t,
                      struct err *e)
{
    refresh_topic(s, image, t);
    return add_topic(s, image, t, e);
}

/* What holds for topics that set nothing may have changed. */
static void follow_defaults(struct shard *s, const struct meta_image *from,
                            const struct meta_image *to)
{
    size_t n;
    const struct meta_topic *t = NULL;
    if (meta_all_broker_configs(from, &n) == meta_all_broker_configs(to, &n))
        return; /* images share what is the same */
    while ((t = meta_topic_next(to, t)) != NULL)
        refresh_topic(s, to, t);
}

/* The directory is renamed away at once, so that a new topic of the same name finds its place free.
 */
static void remove_topic(struct shard *s, const struct meta_topic *t)
{
    for (int32_t i = 0; i < t->n_partitions; i++) {
        struct data_partition *p = data_find(s, &t->id, i);
        struct err e;
        if (!p)
            continue;
        plog_abandon(p->log);
        free_partition(s, p);
        if (plog_remove(&s->cfg.plog, t->name, i, &t->id, &e))
            log_warn(s->cfg.log, "shard", "partition directory stays until the next start: %s",
                     e.text);
    }
}

/* Does the topic that was there go, for good or to make room for a namesake? */
static bool goes(const struct meta_topic *was, const struct meta_topic *is)
{
    return was && (!is || !uuid_eq(&was->id, &is->id));
}

/* The image that a shard goes over to. */
struct change {
    struct shard *s;
    const struct meta_image *to;
    struct err *e;
};

static int remove_gone(void *ctx, const struct meta_topic *was, const struct meta_topic *is)
{
    struct change *c = ctx;
    if (goes(was, is))
        remove_topic(c->s, was);
    return 0;
}

static int change_topic(void *ctx, const struct meta_topic *was, const struct meta_topic *is)
{
    struct change *c = ctx;
    remove_gone(c, was, is);
    return is ? take_topic(c->s, c->to, is, c->e) : 0;
}

static int note_gone(void *deletes, const struct meta_topic *was, const struct meta_topic *is)
{
    *(bool *)deletes = goes(was, is);
    return *(bool *)deletes; /* one is enough */
}

/* A checkpoint that is being made works on the directories of all partitions by their names, and so
 * does a slice of a compaction. Those of a deleted topic must not make room for a namesake
 * meanwhile, so an image that deletes waits for the end of both. */
static bool works_by_names(const struct shard *s)
{
    return s->job_checkpoint || s->data->compaction.running;
}

static bool must_wait(struct shard *s, const struct meta_image *image)
{
    bool deletes = false;
    if (works_by_names(s))
        meta_topics_diff(s->data->image, image, note_gone, &deletes);
    if (works_by_names(s) && s->data->begun && !deletes)
        meta_topics_diff(s->data->begun, image, note_gone, &deletes);
    return deletes;
}

/* From what is in force to the image: what a newer one began with may be gone again in this one. */
static int change_to(struct shard *s, const struct meta_image *image, struct err *e)
{
    struct data_machine *m = s->data;
    struct change c = {s, image, e};
    if (m->begun && !MUTANT(half_image_kept))
        meta_topics_diff(m->begun, image, remove_gone, &c);
    return meta_topics_diff(m->image, image, change_topic, &c);
}

static void replace_image(struct meta_image **to, struct meta_image *image)
{
    struct meta_image *was = *to;
    *to = image ? meta_image_ref(image) : NULL;
    meta_image_unref(was);
}

static void take_image(struct shard *s, struct meta_image *image)
{
    struct data_machine *m = s->data;
    struct err e;
    int rc = change_to(s, image, &e);
    if (err_is_shortage(rc)) { /* what was done of it stays; the rest comes with data_tick */
        log_warn(s->cfg.log, "shard", "new metadata must wait: %s", e.text);
        replace_image(&m->next_image, image);
        replace_image(&m->begun, image);
        return;
    }
    if (rc) {
        err_wrap(&e, "new metadata");
        shard_poison_why(s, &e);
        return;
    }
    follow_defaults(s, m->image, image);
    replace_image(&m->image, image);
    replace_image(&m->begun, NULL);
    s->retry_apply_ms = 0; /* a topic that went may have left room */
    data_retry_waiting(s);
}

void shard_set_image(struct shard *s, struct meta_image *image)
{
    struct data_machine *m = s->data;
    const struct meta_image *newest = m->next_image ? m->next_image : m->image;
    if (meta_index(image) <= meta_index(newest))
        return;
    if (must_wait(s, image)) {
        replace_image(&m->next_image, image);
        return;
    }
    replace_image(&m->next_image, NULL);
    take_image(s, image);
    shard_advance(s);
}

uint64_t shard_image_index(const struct shard *s)
{
    return meta_index(s->data->image);
}

/* Is an image waiting, for a job to end or for memory? And a compaction, for the image? */
static void data_job_done(struct shard *s)
{
    struct meta_image *image = s->data->next_image;
    if (image && !works_by_names(s) && !s->poisoned) {
        s->data->next_image = NULL;
        take_image(s, image);
        meta_image_unref(image);
    }
    compaction_advance(s);
}

/* ---- what shard.c asks for */

static bool data_staged(struct shard *s)
{
    return s->data->staged || s->data->waiting || s->data->trims || s->data->gathering;
}

static bool data_may_grow(struct shard *s)
{
    return s->data->gathering && !s->data->staged;
}

static int hint_topic(struct shard *s, struct data_topic *t, struct wal_write *w)
{
    uint8_t body[sizeof t->id.b + META_NAME_MAX];
    const struct meta_topic *mt = meta_topic_by_id(s->data->image, &t->id);
    t->hinted = s->data->hint_generation;
    if (!mt)
        return 0;
    size_t n = strlen(mt->name);
    memcpy(body, t->id.b, sizeof t->id.b);
    memcpy(body + sizeof t->id.b, mt->name, n);
    return wal_write_local(w, WAL_TOPIC, span_of(body, sizeof t->id.b + n));
}

/* Names of the topics in a payload that the live segment does not name yet. */
static int data_hint(struct shard *s, struct span payload, struct wal_write *w)
{
    size_t at = WAL_PAYLOAD_HEADER;
    struct wal_frame f;
    while (wal_frame_next(payload, &at, &f) == 1) {
        struct wal_batch b;
        struct data_topic *t = NULL;
        if (f.type != WAL_BATCH || wal_batch_decode(f.body, &b))
            continue;
        HASH_FIND(hh, s->data->topics, &b.topic_id, sizeof b.topic_id, t);
        if (!t || t->hinted == s->data->hint_generation)
            continue;
        int rc = hint_topic(s, t, w);
        if (rc)
            return rc;
    }
    return 0;
}

static void data_rolled(struct shard *s)
{
    s->data->hint_generation++;
}

/* Leading: offsets go on at the ends of the logs. No longer leading: what was given out and is not
 * in the log never was. */
static void data_lead(struct shard *s, bool leads)
{
    struct data_partition *p, *next;
    (void)leads;
    HASH_ITER(hh, s->data->partitions, p, next)
    {
        if (!MUTANT(staged_end_kept))
            p->staged_end = plog_log_end(p->log);
        producers_unstage(&p->producers);
    }
}

static bool data_hold(struct shard *s)
{
    return s->data->hold || s->data->offline > 0;
}

static bool data_wants_checkpoint(struct shard *s)
{
    return s->data->dead || s->data->compaction.held;
}

static int64_t data_tick(struct shard *s, int64_t now)
{
    int64_t due = retention_tick(s, now), compact = compaction_tick(s, now);
    if (compact < due)
        due = compact;
    data_job_done(s); /* for want of memory it may have to be tried again */
    bool waits = s->data->next_image && !works_by_names(s);
    return waits && now + IMAGE_RETRY_MS < due ? now + IMAGE_RETRY_MS : due;
}

static int data_make(struct shard *s)
{
    s->data = calloc(1, sizeof *s->data);
    return s->data ? 0 : -ENOMEM;
}

/* What was replayed must be as durable as what a checkpoint covers: the one that ends recovery
 * syncs it. */
static void data_loaded(struct shard *s)
{
    s->data->replaying = false;
    retention_begin(s);
}

static void data_free(struct shard *s)
{
    struct data_machine *m = s->data;
    struct data_partition *p, *next;
    HASH_ITER(hh, m->partitions, p, next)
    free_partition(s, p);
    retention_release(s);
    write_back_release(s);
    shard_payload_unref(&s->pool, m->gathering);
    meta_image_unref(m->image);
    meta_image_unref(m->next_image);
    meta_image_unref(m->begun);
    free(m->touched);
    free(m);
    s->data = NULL;
}

const struct shard_machine_ops shard_machine_data = {
    .make = data_make,
    .free = data_free,
    .gather = data_gather,
    .take = data_take,
    .staged = data_staged,
    .may_grow = data_may_grow,
    .hint = data_hint,
    .rolled = data_rolled,
    .apply = data_apply,
    .trim_ahead = data_trim_ahead,
    .fail_staged = data_fail_staged,
    .fail_waiters = data_fail_waiters,
    .lead = data_lead,
    .load = data_load,
    .loaded = data_loaded,
    .ease = data_ease,
    .capture = data_capture,
    .work_run = data_work_run,
    .work_free = data_work_free,
    .hold_checkpoints = data_hold,
    .wants_checkpoint = data_wants_checkpoint,
    .job_done = data_job_done,
    .tick = data_tick,
    .stopping = data_retry_waiting,
};
