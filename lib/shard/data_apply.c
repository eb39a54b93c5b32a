/* data_apply.c - an entry becomes part of the partition logs. The same at run time and at replay.
 *
 * All batches of one partition in an entry are one append. Order of events for each: in the log,
 * then the high watermark, then whoever waits for it: fetches by host->advanced, producers by done.
 *
 * A topic that the image no longer knows, at or after the index the entry was staged under, was
 * deleted: its frames are dropped. A partition log that fails takes only itself out: its batches
 * are in the WAL, and stay there because checkpoints are held back until a restart has replayed
 * them.
 *
 * Where room is short, the entry is left as it is and comes again: partitions that have their part
 * of it (applied) are passed over then. Whatever else could fail is done before the append.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/mutant.h"
#include "shard/machine_data.h"

static int touch(struct shard *s, struct data_partition *p)
{
    struct data_machine *m = s->data;
    if (p->touched)
        return 0;
    if (m->n_touched == m->cap_touched) {
        size_t cap = m->cap_touched ? 2 * m->cap_touched : 64;
        struct data_partition **t = realloc(m->touched, cap * sizeof(struct data_partition *));
        if (!t)
            return -ENOMEM;
        m->touched = t;
        m->cap_touched = cap;
    }
    m->touched[m->n_touched++] = p;
    p->touched = true;
    p->n_batches = 0;
    return 0;
}

static int collect_batch(struct shard *s, struct span body, struct err *e)
{
    struct wal_batch b;
    int rc = wal_batch_decode(body, &b);
    if (rc)
        return err_set(e, rc, "malformed BATCH frame");
    struct data_partition *p = data_find(s, &b.topic_id, (int32_t)b.partition);
    if (!p)
        return 0;
    rc = touch(s, p);
    if (rc)
        return err_code(e, rc, "apply");
    if (p->n_batches == p->cap_batches) {
        size_t cap = p->cap_batches ? 2 * p->cap_batches : 4;
        struct span *batches = realloc(p->batches, cap * sizeof *batches);
        if (!batches)
            return err_code(e, -ENOMEM, "apply");
        p->batches = batches;
        p->cap_batches = cap;
    }
    if (!MUTANT(lost_group_commit) || p->n_batches == 0)
        p->batches[p->n_batches++] = b.batch;
    return 0;
}

static int apply_trim(struct shard *s, struct span body, struct err *e)
{
    struct wal_trim t;
    int rc = wal_trim_decode(body, &t);
    if (rc)
        return err_set(e, rc, "malformed TRIM frame");
    struct data_partition *p = data_find(s, &t.topic_id, (int32_t)t.partition);
    if (!p || plog_failed(p->log))
        return 0;
    struct err why;
    rc = plog_set_log_start(p->log, t.log_start, &why);
    if (rc == ERR_OFFSET) /* it was readable when it was staged: records are missing */
        return err_set(e, ERR_CORRUPT, "%s", why.text);
    if (rc < 0) /* the log start has moved, what lies below it goes later */
        log_warn(s->cfg.log, "shard", "old partition segments stay: %s", why.text);
    s->data->dead = true;
    return 0;
}

void data_trim_ahead(struct shard *s, struct span payload)
{
    size_t at = WAL_PAYLOAD_HEADER;
    struct wal_frame f;
    while (wal_frame_next(payload, &at, &f) == 1) {
        struct wal_trim t;
        struct data_partition *p = NULL;
        if (f.type == WAL_TRIM && wal_trim_decode(f.body, &t) == 0)
            p = data_find(s, &t.topic_id, (int32_t)t.partition);
        if (p && !plog_failed(p->log))
            (void)plog_set_log_start(p->log, t.log_start, NULL); /* its turn comes again */
    }
}

static int collect(struct shard *s, struct span payload, struct err *e)
{
    size_t at = WAL_PAYLOAD_HEADER;
    struct wal_frame f;
    int rc;
    while ((rc = wal_frame_next(payload, &at, &f)) == 1) {
        if (f.type == WAL_BATCH)
            rc = collect_batch(s, f.body, e);
        else if (f.type == WAL_TRIM)
            rc = apply_trim(s, f.body, e);
        else if (f.type != WAL_NOOP && f.type != WAL_CHANGE && !(f.flags & WAL_FRAME_SKIPPABLE))
            rc = err_set(e, ERR_UNSUPPORTED, "frame of type %d: written by a newer program?",
                         f.type);
        if (rc < 0)
            return rc;
    }
    return rc < 0 ? err_set(e, rc, "malformed frame at byte %zu of the payload", at) : 0;
}

/* Look at the batches, and get the memory that noting their producers takes. */
static int reserve_producers(struct data_partition *p, uint64_t *records)
{
    int rc = 0;
    *records = 0;
    for (size_t i = 0; i < p->n_batches && rc == 0; i++) {
        struct batch b;
        if (batch_peek(p->batches[i], &b))
            return ERR_MALFORMED;
        *records += (uint64_t)(b.count > 0 ? b.count : 0);
        if (b.producer_id >= 0)
            rc = producers_reserve(&p->producers, &b);
    }
    return rc;
}

static int note_producers(struct data_partition *p, uint64_t index, int64_t when_ms)
{
    int rc = 0;
    for (size_t i = 0; i < p->n_batches && rc == 0; i++) {
        struct batch b;
        if (batch_peek(p->batches[i], &b) == 0 && b.producer_id >= 0)
            rc = producers_apply(&p->producers, &b, index, when_ms);
    }
    return rc;
}

void data_take_offline(struct shard *s, struct data_partition *p, const struct err *why)
{
    plog_fail(p->log);
    s->data->offline += !p->offline;
    p->offline = true;
    s->hold_why = *why;
    if (s->data->replaying) /* the start is refused, and says why */
        return;
    log_error(s->cfg.log, "shard",
              "partition offline (KAFKA_STORAGE_ERROR) until a restart, the log keeps its records, "
              "other partitions go on partition=%s-%d error=\"%s\": see to the disk, then restart",
              plog_topic(p->log), plog_partition(p->log), why->text);
}

static int append_partition(struct shard *s, struct data_partition *p, uint64_t index,
                            int64_t when_ms, struct err *e)
{
    uint64_t records;
    int rc = reserve_producers(p, &records);
    if (rc)
        return err_code(e, rc, "apply to %s-%d", plog_topic(p->log), plog_partition(p->log));
    rc = plog_append(p->log, p->batches, p->n_batches, e);
    data_buffer_note(s, p);
    if (err_is_shortage(rc))
        return rc;
    if (rc) {
        data_take_offline(s, p, e);
        return 0;
    }
    p->applied = index;
    s->stats.batches += p->n_batches;
    s->stats.records += records;
    if (!MUTANT(stale_producer_state) || !s->data->replaying)
        rc = note_producers(p, index, when_ms);
    if (rc)
        return err_code(e, rc, "apply to %s-%d", plog_topic(p->log), plog_partition(p->log));
    int64_t end = plog_log_end(p->log);
    if (p->staged_end < end) /* not staged here: replay, or a follower */
        p->staged_end = end;
    plog_set_high_watermark(p->log, end);
    if (s->cfg.host->advanced)
        s->cfg.host->advanced(s->cfg.host->ctx, s, p->log, end);
    return 0;
}

static void complete(struct shard *s, struct shard_payload *p)
{
    struct shard_produce *w = p->waiters;
    struct shard_trim *t = p->trims;
    p->waiters = p->waiters_tail = NULL;
    p->trims = NULL;
    while (w) {
        struct shard_produce *next = w->next;
        struct data_partition *part = data_find(s, &w->topic_id, w->partition);
        if (part)
            w->log_start = plog_log_start(part->log);
        data_finish(w, !part ? ERR_NOTFOUND : plog_failed(part->log) ? -EIO : 0);
        w = next;
    }
    while (t) {
        struct shard_trim *next = t->next;
        struct data_partition *part = data_find(s, &t->topic_id, t->partition);
        if (part)
            t->low_watermark = plog_log_start(part->log);
        data_trim_finish(t, !part ? ERR_NOTFOUND : plog_failed(part->log) ? -EIO : 0);
        t = next;
    }
}

/* When the producers of an entry were last heard of, by the time that tells when to forget them. A
 * replay tells by the clock of whoever staged it, but not of a time before the checkpoint: that is
 * where wall_now stands then. */
static int64_t heard_of_now(struct shard *s, int64_t staged_ms)
{
    int64_t now = wall_now(&s->data->wall, s->cfg.clock, s->cfg.log);
    return s->data->replaying && now < staged_ms ? staged_ms : now;
}

int data_apply(struct shard *s, uint64_t index, uint64_t term, struct span payload,
               struct shard_payload *waiters, struct err *e)
{
    struct data_machine *m = s->data;
    uint64_t staged_under = get_le64(payload.p);
    int64_t wall_ms = (int64_t)get_le64(payload.p + 8);
    (void)term;
    if (staged_under > meta_index(m->image)) {
        if (!m->replaying)
            return ERR_BUSY; /* shard_set_image comes */
        return err_set(e, ERR_CORRUPT,
                       "entry %" PRIu64 " was staged under metadata index %" PRIu64
                       ", but the metadata log ends at %" PRIu64 ": metadata was lost",
                       index, staged_under, meta_index(m->image));
    }
    int rc = data_buffer_room(s, e);
    if (rc)
        return rc;
    m->n_touched = 0;
    if (MUTANT(reply_before_apply) && waiters)
        complete(s, waiters);
    rc = collect(s, payload, e);
    int64_t when_ms = heard_of_now(s, wall_ms);
    for (size_t i = 0; i < m->n_touched; i++) {
        struct data_partition *p = m->touched[i];
        p->touched = false;
        if (rc == 0 && !plog_failed(p->log) && p->applied < index)
            rc = append_partition(s, p, index, when_ms, e);
    }
    if (rc == 0 && waiters)
        complete(s, waiters);
    return rc;
}
