/* verify.c - check bytes that this process did not write before they leave for the first time. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/mutant.h"
#include "plog/plog_impl.h"

enum { WINDOW = 128 << 10 };

int plog_check_epoch(const struct plog_epochs *epochs, const struct plog_scan *scan, struct err *e)
{
    const struct batch *b = &scan->batch;
    int32_t due = plog_epochs_at(epochs, batch_last_offset(b));
    if (due < 0 || b->leader_epoch == due)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: byte %" PRIu64 ": leader epoch %" PRId32 " where %" PRId32 " is due",
                   scan->path, scan->at, b->leader_epoch, due);
}

static int check_slice(const struct plog *p, struct plog_scan *scan, const struct plog_slice *s,
                       struct err *e)
{
    const struct plog_epochs *epochs = atomic_load_explicit(&p->epochs, memory_order_acquire);
    struct span bytes;
    int rc;
    while ((rc = plog_scan_next(scan, e)) > 0) {
        rc = plog_scan_bytes(scan, &bytes, e);
        if (rc == 0)
            rc = plog_check_epoch(epochs, scan, e);
        if (rc < 0)
            return rc;
    }
    /* Where offsets are missing, the next one the reader asks for may lie in the gap or behind it.
     */
    bool reached = scan->gaps ? scan->next <= s->next_offset : scan->next == s->next_offset;
    if (rc == 0 && !reached)
        return err_set(e, ERR_CORRUPT,
                       "%s: byte %" PRIu64 ": offset %" PRId64 " where %" PRId64 " is due",
                       scan->path, scan->pos, scan->next, s->next_offset);
    return rc;
}

static int moved(const struct plog_scan *scan, const struct plog_places *p, uint32_t region,
                 struct err *e)
{
    return err_set(e, ERR_CORRUPT, "%s: byte %" PRIu32 ": the offsets from here on were changed",
                   scan->path, p->region[region].pos);
}

/* Where a batch was may tell nothing of where it should be: hold the regions of the slice, as a
 * whole, against their sums. */
static int check_places(const struct plog_segment *seg, const struct plog_places *p,
                        struct plog_scan *scan, const struct plog_slice *s, struct err *e)
{
    struct plog_places_walk w;
    uint32_t first = plog_places_find(p, s->pos);
    uint32_t after = plog_places_find(p, s->pos + s->len - 1) + 1;
    int rc;
    scan->pos = p->region[first].pos;
    scan->end = after < p->n ? p->region[after].pos : seg->old_bytes;
    scan->next = -1;
    plog_places_begin(&w, p, first);
    while ((rc = plog_scan_next(scan, e)) > 0) {
        if (!plog_places_step(&w, scan->at, scan->batch.base_offset))
            return moved(scan, p, w.region, e);
    }
    return rc < 0 || plog_places_fit(&w) ? rc : moved(scan, p, w.region, e);
}

/* Of a segment that has no such sums, though offsets may be missing: compaction passed it over, or
 * has not come to it. There the batch behind a slice tells if the slice's last one reaches too far;
 * if that cannot be read, it is for the next slice to say so. */
static int check_follower(const struct plog_segment *seg, const struct plog_scan *scan,
                          const struct plog_slice *s, struct err *e)
{
    uint8_t header[BATCH_HEADER];
    struct batch b;
    uint64_t pos = s->pos + s->len;
    if (!seg->gaps || pos >= seg->old_bytes)
        return 0;
    ssize_t n = io_pread(s->file, header, sizeof header, pos);
    if (n < 0)
        return err_code(e, (int)n, "%s: read at byte %" PRIu64, seg->path, pos);
    if (batch_peek(span_of(header, (size_t)n), &b) < 0 || b.base_offset >= scan->next)
        return 0;
    return err_set(e, ERR_CORRUPT, "%s: byte %" PRIu64 ": offset %" PRId64 " behind %" PRId64,
                   seg->path, pos, b.base_offset, scan->next - 1);
}

int plog_slice_verify(struct plog *p, struct plog_slice *s, struct err *e)
{
    struct plog_segment *seg = s->owner;
    struct plog_scan scan;
    struct plog_old *o;

    if (s->verified || s->len == 0)
        return 0;
    size_t cap = WINDOW; /* regions of places are larger than most slices */
    uint8_t *window = plog_scan_window(seg->gaps ? seg->old_bytes : s->len, &cap);
    if (!window)
        return err_code(e, -ENOMEM, "%s", seg->path);
    plog_scan_init(&scan, s->file, seg->path, s->pos, s->pos + s->len, s->base_offset, window, cap);
    plog_segment_scan_rules(seg, &scan);
    int rc = check_slice(p, &scan, s, e);
    if (rc == 0)
        rc = plog_segment_old(seg, plog_interval(p), &o, e);
    if (rc == 0 && o && o->places.n && !MUTANT(places_unchecked))
        rc = check_places(seg, &o->places, &scan, s, e);
    else if (rc == 0)
        rc = check_follower(seg, &scan, s, e);
    plog_scan_release(&scan);
    free(window);
    if (rc < 0)
        return rc;
    plog_segment_set_verified(seg, s->pos, s->pos + s->len);
    s->verified = true;
    return 0;
}
