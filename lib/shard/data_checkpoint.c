/* data_checkpoint.c - partitions into a checkpoint, and back.
 *
 * Ends are taken first, on the shard's thread; then, elsewhere, the partition logs are synced; then
 * the file is written. What is appended meanwhile is newer than the ends and is found in the WAL.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/mutant.h"
#include "shard/machine_data.h"

enum { SYNC_FS_FROM = 16 }; /* so many dirty logs are cheaper synced at once */

/* One dirty log. Named by its key: the partition may be gone by the time the job is done. */
struct data_sync {
    struct data_key key;
    struct plog_syncing *syncing;
    bool failed; /* its sync */
};
struct data_work {
    bool with_fs;
    struct err why; /* a sync failed */
    size_t n;
    struct data_sync logs[];
};

/* ---- capture */

static int capture_partition(struct data_partition *p, struct checkpoint_partition *to)
{
    size_t n = 0;
    const struct plog_epoch *epochs = plog_epochs(p->log, &n);
    to->topic_id = p->key.topic_id;
    to->partition = p->key.partition;
    plog_mark(p->log, &to->mark);
    if (n) {
        to->epochs = malloc(n * sizeof *to->epochs);
        if (!to->epochs)
            return -ENOMEM;
        memcpy(to->epochs, epochs, n * sizeof *to->epochs);
        to->n_epochs = (uint32_t)n;
    }
    uint32_t producers = MUTANT(producers_not_saved) ? 0 : producers_count(&p->producers);
    if (producers) {
        to->producers = calloc(producers, sizeof *to->producers);
        if (!to->producers)
            return -ENOMEM;
        producers_save(&p->producers, to->producers);
        to->n_producers = producers;
    }
    return 0;
}

/* As a checkpoint states it: 0 for never, and rather a second later than earlier. */
static uint32_t leap_seconds(int64_t leapt_ms)
{
    if (leapt_ms == INT64_MIN)
        return 0;
    int64_t s = leapt_ms < 0 ? 1 : leapt_ms / 1000 + 1;
    return s < UINT32_MAX ? (uint32_t)s : UINT32_MAX;
}

/* Producers that were last heard of before that are forgotten. None for a while after a leap: what
 * was noted before it may have been noted by a clock that stood in the past. */
static int64_t heard_of_since(const struct shard *s, int64_t now)
{
    int64_t since = now - s->cfg.producer_expiry_ms;
    bool leapt = since < wall_leapt(&s->data->wall) && !MUTANT(noted_in_the_past);
    return !s->cfg.producer_expiry_ms || leapt ? INT64_MIN : since;
}

bool data_ease(struct shard *s, int64_t *again)
{
    if (!write_back_ahead(s, again))
        return false;
    *again = shard_now(s);
    return data_buffer_ease(s);
}

int data_capture(struct shard *s, struct checkpoint *c, void **work, struct err *e)
{
    size_t n = HASH_COUNT(s->data->partitions);
    struct data_work *w = calloc(1, sizeof *w + n * sizeof(struct data_sync));
    struct data_partition *p, *next;
    int rc = 0;
    c->meta_index = meta_index(s->data->image);
    c->partitions = n ? calloc(n, sizeof *c->partitions) : NULL;
    if (!w || (n && !c->partitions)) {
        free(w);
        return err_code(e, -ENOMEM, "checkpoint");
    }
    c->wall_ms = wall_now(&s->data->wall, s->cfg.clock, s->cfg.log);
    c->leapt_s = leap_seconds(wall_leapt(&s->data->wall));
    int64_t expired = heard_of_since(s, c->wall_ms);
    HASH_ITER(hh, s->data->partitions, p, next)
    {
        producers_expire(&p->producers, expired);
        if (rc == 0)
            rc = capture_partition(p, &c->partitions[c->n_partitions++]);
        p->capturing = c->n_partitions ? c->partitions[c->n_partitions - 1].mark.segment : 0;
        if (rc == 0 && plog_dirty(p->log)) {
            struct data_sync *d = &w->logs[w->n];
            d->key = p->key;
            rc = plog_sync_begin(p->log, &d->syncing, e);
            data_buffer_note(s, p);
            if (rc == 0 && d->syncing)
                w->n++;
            if (rc && plog_failed(p->log) && !p->offline)
                data_take_offline(s, p, e);
        }
    }
    if (rc) {
        data_work_free(s, w, 0, false);
        return rc;
    }
    write_back_captured(s);
    w->with_fs = s->log_fs && w->n >= SYNC_FS_FROM;
    *work = w;
    return 0;
}

static int write_back(struct data_work *w, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < w->n && rc == 0; i++) {
        rc = plog_syncing_write_back(w->logs[i].syncing, e);
        w->logs[i].failed = plog_syncing_failed(w->logs[i].syncing);
    }
    return rc;
}

/* One syncfs for all; its failure is that of each. */
static int sync_all(struct shard *s, struct data_work *w, struct err *e)
{
    int rc = io_sync_fs(s->log_fs);
    if (rc == -ENOTSUP)
        w->with_fs = false;
    if (rc == 0 || rc == -ENOTSUP)
        return 0;
    for (size_t i = 0; i < w->n; i++)
        w->logs[i].failed = !io_sync_not_begun(rc);
    return err_code(e, rc, "syncfs of %s", s->cfg.plog.dir);
}

int data_work_run(struct shard *s, void *work, struct err *e)
{
    struct data_work *w = work;
    if (MUTANT(checkpoint_before_sync))
        return 0;
    int rc = write_back(w, e);
    if (rc == 0 && w->with_fs)
        rc = sync_all(s, w, e);
    for (size_t i = 0; i < w->n && rc == 0; i++) {
        rc = plog_syncing_run(w->logs[i].syncing, w->with_fs, e);
        w->logs[i].failed = plog_syncing_failed(w->logs[i].syncing);
    }
    if (rc == 0)
        rc = write_back_failed(s, e);
    if (rc)
        w->why = *e;
    return rc;
}

/* After a failed sync nobody knows what the disk holds of a log, and a later sync that succeeds
 * proves nothing: it takes nothing more, and no checkpoint may cover it before a restart has read
 * it back. A sync that could not even be begun is due again. */
static void fail_logs(struct shard *s, const struct data_work *w)
{
    for (size_t i = 0; i < w->n; i++) {
        const struct data_sync *d = &w->logs[i];
        struct data_partition *p = data_find(s, &d->key.topic_id, d->key.partition);
        if (!p)
            continue;
        plog_sync_undo(p->log, d->syncing);
        if (d->failed) {
            data_take_offline(s, p, &w->why);
            s->data->hold = true; /* it may have been a sync of more than this log */
        }
    }
}

/* The checkpoint is not there: what it would have synced is due again. */
static void undo(struct shard *s, const struct data_work *w)
{
    for (size_t i = 0; i < w->n; i++) {
        struct data_partition *p = data_find(s, &w->logs[i].key.topic_id, w->logs[i].key.partition);
        if (p)
            plog_sync_undo(p->log, w->logs[i].syncing);
    }
}

/* A recovery may start from the older of the two checkpoints: its active segments, and those above,
 * have to stay. */
static void raise_floors(struct shard *s)
{
    struct data_partition *p, *next;
    s->data->dead = false;
    HASH_ITER(hh, s->data->partitions, p, next)
    {
        struct err e;
        p->floor = p->newest;
        p->newest = p->capturing;
        if (plog_set_floor(p->log, p->floor, &e))
            log_warn(s->cfg.log, "shard", "old partition segments stay: %s", e.text);
        s->data->dead |= plog_segments_count(p->log) > 1 &&
                         plog_segments_at(p->log, 0).next <= plog_log_start(p->log);
    }
}

/* One line for all of them: they are hints. */
static void tell_lost(struct shard *s, const struct data_work *w)
{
    const struct err *first = NULL;
    unsigned lost = 0;
    for (size_t i = 0; i < w->n; i++) {
        const struct err *why;
        lost += plog_syncing_lost(w->logs[i].syncing, &why);
        first = first ? first : why;
    }
    if (lost && shard_trouble_begins(s, &s->space.hints))
        log_warn(s->cfg.log, "shard",
                 "index files of partitions not written, they are made anew when missed shard=%u "
                 "files=%u error=\"%s\"",
                 s->cfg.owner.shard, lost, first ? first->text : "out of memory");
}

void data_work_free(struct shard *s, void *work, int work_rc, bool saved)
{
    struct data_work *w = work;
    if (!w)
        return;
    tell_lost(s, w);
    if (work_rc)
        fail_logs(s, w);
    else if (saved)
        raise_floors(s);
    else
        undo(s, w);
    for (size_t i = 0; i < w->n; i++)
        plog_syncing_free(w->logs[i].syncing);
    free(w);
}

/* ---- load */

static const struct checkpoint_partition *saved(const struct checkpoint *c, const struct uuid *id,
                                                int32_t partition)
{
    /* Sorted by data_load. */
    size_t lo = 0, hi = c->n_partitions;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct checkpoint_partition *p = &c->partitions[mid];
        int order = memcmp(p->topic_id.b, id->b, sizeof id->b);
        if (order == 0)
            order = p->partition < partition ? -1 : p->partition > partition;
        if (order == 0)
            return p;
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static int by_id(const void *a, const void *b)
{
    const struct checkpoint_partition *p = a, *q = b;
    int order = memcmp(p->topic_id.b, q->topic_id.b, sizeof p->topic_id.b);
    return order ? order : p->partition < q->partition ? -1 : p->partition > q->partition;
}

struct sweep {
    struct shard *s;
    const struct checkpoint *c;
    int rc; /* a directory that is counted on does not say whose it is */
    struct err *e;
};

/* Its records are not in the WAL any more: nothing may be removed before someone has looked. */
static bool damaged(struct sweep *w, const struct meta_topic *t, int32_t partition)
{
    char id[UUID_TEXT];
    uuid_text(&t->id, id);
    w->rc = err_set(w->e, ERR_CORRUPT,
                    "%s/%s-%d/partition.metadata is missing or damaged: it should say \"version: "
                    "0\" and \"topic_id: %s\"",
                    w->s->log_dir, t->name, partition, id);
    return true;
}

/* Is the directory one that the checkpoint counts on? Others are of deleted topics, or hold only
 * what the WAL holds too. */
static bool known(void *ctx, const char *topic, int32_t partition, const struct uuid *id)
{
    struct sweep *w = ctx;
    const struct meta_topic *t = meta_topic_by_name(w->s->data->image, span_str(topic));
    /* A log of another shard is that shard's business. */
    if (t && partition < t->n_partitions && t->partitions[partition].shard != w->s->cfg.owner.shard)
        return true;
    const struct checkpoint_partition *p = t ? saved(w->c, &t->id, partition) : NULL;
    if (p && p->mark.log_end > 0 && !uuid_eq(&t->id, id))
        return damaged(w, t, partition);
    return p && uuid_eq(&t->id, id);
}

/* Is the log as shard_bootstrap made it, for a node alone? Its first start makes another checkpoint
 * before it serves anyone. (One that is damaged is one, too.) */
static bool is_unused(struct shard *s, const struct checkpoint *c)
{
    return c->sequence == 1 && c->lone && c->vote == s->cfg.owner.node_id &&
           entries_last(&s->entries) <= 1 && !MUTANT(log_made_anew);
}

/* Then no partition was ever in it. One that the metadata puts there had a log that is gone, and
 * its directory would be taken for one whose records are in the WAL. */
static int check_log(const struct shard *s, struct err *e)
{
    const struct meta_topic *t = NULL;
    while ((t = meta_topic_next(s->data->image, t)) != NULL)
        for (int32_t i = 0; i < t->n_partitions; i++)
            if (t->partitions[i].shard == s->cfg.owner.shard)
                return err_set(e, ERR_CORRUPT,
                               "%s: is new and empty, but holds %s-%d by the metadata: the log "
                               "that was there is missing: remove this one and put that back in "
                               "its place, no partition was touched",
                               s->wal_dir, t->name, i);
    return 0;
}

int data_load(struct shard *s, struct checkpoint *c, struct err *e)
{
    s->data->image = meta_image_ref(s->cfg.image);
    s->data->hint_generation = 1;
    s->data->replaying = true;
    wall_init(&s->data->wall, s->cfg.clock, c->wall_ms,
              c->leapt_s ? (int64_t)c->leapt_s * 1000 : INT64_MIN);
    if (c->meta_index > meta_index(s->data->image))
        return err_set(e, ERR_CORRUPT,
                       "shard %u has seen metadata index %llu, but the metadata log ends at %llu: "
                       "metadata was lost",
                       s->cfg.owner.shard, (unsigned long long)c->meta_index,
                       (unsigned long long)meta_index(s->data->image));
    if (c->n_partitions)
        qsort(c->partitions, c->n_partitions, sizeof *c->partitions, by_id);
    struct sweep w = {.s = s, .c = c, .e = e};
    int rc = is_unused(s, c) ? check_log(s, e) : 0;
    if (rc == 0)
        rc = plog_sweep(&s->cfg.plog, known, &w, e);
    if (rc == 0)
        rc = w.rc;
    const struct meta_topic *t = NULL;
    while (rc == 0 && (t = meta_topic_next(s->data->image, t)) != NULL)
        for (int32_t i = 0; i < t->n_partitions && rc == 0; i++)
            if (t->partitions[i].shard == s->cfg.owner.shard)
                rc = data_add_partition(s, s->data->image, t, i, saved(c, &t->id, i), e);
    return rc;
}
