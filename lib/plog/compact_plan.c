/* compact_plan.c - what of a log may be compacted now, and does it pay? */
#include <errno.h>
#include <inttypes.h>

#include "plog/compact_impl.h"

static bool is_dirty(const struct plog_compaction *c, const struct plog_segment *s)
{
    return plog_segment_end(s) > c->first_dirty;
}

/* Does s hold a record that is too young? */
static int too_young(const struct plog_compaction *c, struct plog_segment *s, struct err *e)
{
    int64_t newest, offset;
    if (c->rules.min_lag_ms <= 0)
        return 0;
    int rc = plog_segment_max_time(s, c->interval, &newest, &offset, e);
    return rc < 0 ? rc : newest > c->rules.now_ms - c->rules.min_lag_ms;
}

/* Was the first batch of s written before `time`? Batches without a time are of no age. */
static int begins_before(struct plog_segment *s, int64_t time, struct err *e)
{
    uint8_t window[BATCH_HEADER];
    struct plog_scan scan;
    int rc =
        plog_segment_scan(s, &scan, 0, plog_segment_bytes(s), s->base, window, sizeof window, e);
    if (rc < 0)
        return rc;
    rc = plog_scan_next(&scan, e);
    plog_scan_release(&scan);
    return rc <= 0 ? rc : scan.batch.max_timestamp > 0 && scan.batch.max_timestamp < time;
}

/* Has something dirty been waiting for longer than it may? */
static int overdue(const struct plog_compaction *c, size_t n, struct err *e)
{
    int64_t due;
    if (__builtin_sub_overflow(c->rules.now_ms, c->rules.max_lag_ms, &due))
        return 0;
    for (size_t i = 0; i < n; i++) {
        int rc = is_dirty(c, c->seg[i]) ? begins_before(c->seg[i], due, e) : 0;
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* How many of the pinned segments may be gone through. */
static int count_old_enough(const struct plog_compaction *c, size_t *n, struct err *e)
{
    for (*n = 0; *n < c->n; ++*n) {
        int rc = is_dirty(c, c->seg[*n]) ? too_young(c, c->seg[*n], e) : 0;
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    return 0;
}

static bool dirty_enough(const struct plog_compaction *c, size_t n)
{
    uint64_t dirty = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        all += plog_segment_bytes(c->seg[i]);
        dirty += is_dirty(c, c->seg[i]) ? plog_segment_bytes(c->seg[i]) : 0;
    }
    return dirty > 0 && (double)dirty > c->rules.min_dirty_ratio * (double)all;
}

int plog_compact_plan(struct plog_compaction *c, struct err *e)
{
    size_t n;
    int rc = count_old_enough(c, &n, e);
    if (rc < 0 || n == 0 || !is_dirty(c, c->seg[n - 1]))
        return rc;
    c->stop = plog_segment_end(c->seg[n - 1]);
    c->worth = dirty_enough(c, n);
    if (!c->worth) {
        rc = overdue(c, n, e);
        c->worth = rc > 0;
    }
    return rc < 0 ? rc : 0;
}
