/* time.c - find records by their timestamps.
 *
 * Whole segments are passed over by their largest timestamp, runs of batches by the time index,
 * batches by their header. Only a batch that must hold the answer is read and walked.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "batch/records.h"
#include "plog/plog_impl.h"

enum {
    WINDOW = 64 << 10,
    EXPANDED_MAX = 1 << 30 /* of a batch that was admitted with a bound of its own */
};

/* The records that may be the answer: offsets in [from, limit). */
struct range {
    struct plog *p;
    int64_t from, limit;
};

/* Which record of a batch: the first with a timestamp >= at_least, or the first with the largest
 * one. */
struct pick {
    int64_t at_least;
    bool largest;
};

/* 1 and the record, 0 if none will do, or a code of records_next. */
static int pick_record(struct records *it, const struct range *in, struct pick pick,
                       int32_t leader_epoch, struct plog_time *out)
{
    struct record r;
    bool found = false;
    int rc;
    while ((rc = records_next(it, &r)) > 0) {
        if (r.offset < in->from || r.offset >= in->limit || r.timestamp < pick.at_least ||
            (found && r.timestamp <= out->timestamp))
            continue;
        *out = (struct plog_time){r.offset, r.timestamp, leader_epoch};
        found = true;
        if (!pick.largest)
            return 1;
    }
    return rc < 0 ? rc : found;
}

/* Pick from the batch just scanned. */
static int pick_in_batch(struct plog_scan *scan, const struct range *in, struct pick pick,
                         struct plog_time *out, struct err *e)
{
    struct records it;
    struct span bytes;

    int rc = plog_scan_bytes(scan, &bytes, e);
    if (rc < 0)
        return rc;
    rc = records_init(&it, bytes, EXPANDED_MAX);
    if (rc == 0)
        rc = pick_record(&it, in, pick, scan->batch.leader_epoch, out);
    records_release(&it);
    if (rc < 0)
        return err_code(e, rc == -ENOMEM ? rc : ERR_CORRUPT, "%s: byte %" PRIu64 ": its records",
                        scan->path, scan->at);
    return rc;
}

/* Does the batch just scanned hold a later record than *best? Then that is the best. */
static int better_in_batch(struct plog_scan *scan, const struct range *in, struct plog_time *best,
                           struct err *e)
{
    if (scan->batch.max_timestamp <= best->timestamp)
        return 0;
    int rc = pick_in_batch(scan, in, (struct pick){best->timestamp + 1, true}, best, e);
    return rc < 0 ? rc : 0;
}

/* Scan from the batch that holds offset `from` on, or from the first one behind it. */
static int scan_from(struct range *in, struct plog_segment *s, int64_t from, struct plog_scan *scan,
                     struct err *e)
{
    struct plog_place place;
    uint64_t end = plog_segment_bytes(s);
    int rc = plog_locate(in->p, s, from, end, false, &place, e);
    if (rc < 0)
        return rc;
    size_t cap = WINDOW;
    uint8_t *window = plog_scan_window(end - place.pos, &cap);
    if (!window)
        return err_code(e, -ENOMEM, "%s", s->path);
    rc = plog_segment_scan(s, scan, place.pos, end, place.base_offset, window, cap, e);
    if (rc < 0)
        free(window);
    return rc;
}

static void scan_done(struct plog_scan *scan, uint8_t *window)
{
    plog_scan_release(scan);
    free(window);
}

/* A header that nobody has checked may lie about times. */
static int next_batch(struct plog_scan *scan, const struct range *in, struct plog_segment *s,
                      struct err *e)
{
    int rc = plog_scan_next(scan, e);
    if (rc <= 0 || plog_segment_verified(s, scan->at, scan->pos))
        return rc;
    rc =
        plog_segment_verify(plog_epochs_of(in->p), s, plog_interval(in->p), scan->at, scan->pos, e);
    return rc < 0 ? rc : 1;
}

/* The next batch that reaches into the range: 1, or 0 behind the last. */
static int next_in_range(struct plog_scan *scan, const struct range *in, struct plog_segment *s,
                         struct err *e)
{
    int rc;
    while ((rc = next_batch(scan, in, s, e)) > 0) {
        if (scan->batch.base_offset >= in->limit)
            return 0;
        if (batch_last_offset(&scan->batch) >= in->from)
            return 1;
    }
    return rc;
}

/* An offset of s before which no record has a timestamp >= ts. */
static int skip_by_index(struct range *in, struct plog_segment *s, int64_t ts, int64_t *from,
                         struct err *e)
{
    struct plog_time_entry entry;
    struct plog_old *o;
    struct plog_tail *t = atomic_load_explicit(&s->tail, memory_order_acquire);
    bool found = t && plog_index_by_time(&t->index, ts, &entry);
    if (!found) {
        int rc = plog_segment_old(s, plog_interval(in->p), &o, e);
        if (rc < 0)
            return rc;
        found = o && plog_index_by_time(&o->index, ts, &entry);
    }
    *from = s->base > in->from ? s->base : in->from;
    if (found && s->base + entry.last > *from)
        *from = s->base + entry.last;
    return 0;
}

static int find_in_segment(struct range *in, struct plog_segment *s, int64_t ts,
                           struct plog_time *out, struct err *e)
{
    struct plog_scan scan;
    int64_t from;
    int rc = skip_by_index(in, s, ts, &from, e);
    if (rc == 0)
        rc = scan_from(in, s, from, &scan, e);
    if (rc < 0)
        return rc;
    uint8_t *window = scan.window;
    while ((rc = next_in_range(&scan, in, s, e)) > 0) {
        if (scan.batch.max_timestamp < ts)
            continue;
        rc = pick_in_batch(&scan, in, (struct pick){ts, false}, out, e);
        if (rc != 0)
            break;
    }
    scan_done(&scan, window);
    return rc;
}

static bool is_sealed(const struct plog_segment *s)
{
    return atomic_load_explicit(&s->sealed, memory_order_acquire);
}

/* Does s hold a record with a timestamp >= ts? 1, 0 surely not. */
static int may_hold(struct range *in, struct plog_segment *s, int64_t ts, struct err *e)
{
    int64_t max, offset;
    if (!is_sealed(s))
        return 1;
    int rc = plog_segment_max_time(s, plog_interval(in->p), &max, &offset, e);
    return rc < 0 ? rc : max >= ts;
}

static struct range range_of(struct plog *p, int64_t limit)
{
    int64_t end = plog_log_end(p);
    return (struct range){p, plog_log_start(p), limit < end ? limit : end};
}

/* Index of the first segment that may hold a record of the range: the one that holds its first
 * offset, if the range is not empty. */
static int first_segment(const struct plog_list *l, const struct range *in, size_t *first,
                         struct err *e)
{
    ptrdiff_t i = plog_list_find(l, in->from);
    *first = i < 0 ? 0 : (size_t)i;
    return i >= 0 || in->from >= in->limit
               ? 0
               : err_set(e, ERR_CORRUPT, "%s: no segment holds offset %" PRId64, in->p->dir,
                         in->from);
}

static int find_time(struct range *in, int64_t ts, struct plog_time *out, struct err *e)
{
    const struct plog_list *l = plog_segments(in->p);
    *out = (struct plog_time){-1, -1, -1};
    size_t i;
    int rc = first_segment(l, in, &i, e);
    for (; rc == 0 && i < l->n && l->seg[i]->base < in->limit; i++) {
        rc = may_hold(in, l->seg[i], ts, e);
        if (rc > 0)
            rc = find_in_segment(in, l->seg[i], ts, out, e);
        if (rc != 0)
            break;
    }
    return rc < 0 ? rc : 0;
}

/* It failed: because what it looked at is gone, and the log begins later now? Then again. */
static bool has_moved(const struct range *in)
{
    return plog_log_start(in->p) > in->from && !plog_is_abandoned(in->p);
}

int plog_find_time(struct plog *p, int64_t ts, int64_t limit, struct plog_time *out, struct err *e)
{
    struct range in;
    int rc;
    do {
        in = range_of(p, limit);
        rc = find_time(&in, ts, out, e);
    } while (rc < 0 && has_moved(&in));
    return rc < 0 || plog_is_abandoned(p) ? plog_explain(p, in.from, rc, e) : rc;
}

/* Look at the batches from offset `from` on, at the first one only or at all. */
static int better_from(struct range *in, struct plog_segment *s, int64_t from, bool all,
                       struct plog_time *best, struct err *e)
{
    struct plog_scan scan;
    int rc = scan_from(in, s, from, &scan, e);
    if (rc < 0)
        return rc;
    uint8_t *window = scan.window;
    while ((rc = next_in_range(&scan, in, s, e)) > 0) {
        rc = better_in_batch(&scan, in, best, e);
        if (rc < 0 || !all)
            break;
    }
    scan_done(&scan, window);
    return rc;
}

/* The largest timestamp stated in s up to some offset is `max`, in the batch that ends at `offset`.
 * Where compaction was, that batch may have lost the record, or all: then any may be the one. */
static int better_at(struct range *in, struct plog_segment *s, int64_t offset, int64_t max,
                     struct plog_time *best, struct err *e)
{
    if (max <= best->timestamp)
        return 0;
    int rc = better_from(in, s, offset, false, best, e);
    if (rc < 0 || best->timestamp >= max || !s->gaps)
        return rc;
    return better_from(in, s, s->base > in->from ? s->base : in->from, true, best, e);
}

/* By the index: the last entry before the limit, and the largest timestamp up to its batch. */
static bool last_entries(struct range *in, struct plog_segment *s, struct plog_offset_entry *o,
                         struct plog_time_entry *t)
{
    const struct plog_tail *tail = atomic_load_explicit(&s->tail, memory_order_acquire);
    const struct plog_old *old = atomic_load_explicit(&s->old, memory_order_acquire);
    uint64_t limit = (uint64_t)(in->limit - s->base);
    const struct plog_index *ix[2] = {tail ? &tail->index : NULL, old ? &old->index : NULL};
    bool have = false;
    for (int i = 0; i < 2 && !have; i++)
        have = ix[i] && plog_index_by_pos(ix[i], UINT64_MAX, limit, o);
    for (int i = 0; i < 2 && have; i++) {
        if (ix[i] && plog_index_time_at(ix[i], o->last, t))
            return true;
    }
    return false;
}

static int better_in_segment(struct range *in, struct plog_segment *s, struct plog_time *best,
                             struct err *e)
{
    struct plog_offset_entry o;
    struct plog_time_entry t;
    struct plog_old *old;
    int64_t max, offset;
    uint32_t interval = plog_interval(in->p);
    bool from_start = s->base >= in->from;

    if (from_start && is_sealed(s) && plog_segment_end(s) <= in->limit) {
        int rc = plog_segment_max_time(s, interval, &max, &offset, e);
        return rc < 0 ? rc : better_at(in, s, offset, max, best, e);
    }
    int rc = plog_segment_old(s, interval, &old, e);
    if (rc < 0)
        return rc;
    if (!from_start || !last_entries(in, s, &o, &t))
        return better_from(in, s, from_start ? s->base : in->from, true, best, e);
    rc = better_at(in, s, s->base + t.last, t.timestamp, best, e);
    return rc < 0 ? rc : better_from(in, s, s->base + o.last, true, best, e);
}

static int find_max_time(struct range *in, struct plog_time *out, struct err *e)
{
    const struct plog_list *l = plog_segments(in->p);
    *out = (struct plog_time){-1, -1, -1};
    size_t i;
    int rc = first_segment(l, in, &i, e);
    for (; rc == 0 && i < l->n && l->seg[i]->base < in->limit; i++)
        rc = better_in_segment(in, l->seg[i], out, e);
    return rc;
}

int plog_find_max_time(struct plog *p, int64_t limit, struct plog_time *out, struct err *e)
{
    struct range in;
    int rc;
    do {
        in = range_of(p, limit);
        rc = find_max_time(&in, out, e);
    } while (rc < 0 && has_moved(&in));
    return rc < 0 || plog_is_abandoned(p) ? plog_explain(p, in.from, rc, e) : rc;
}
