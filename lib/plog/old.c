/* old.c - the part of a segment that was not appended lately: its index comes from the index files
 * as far as those can be trusted, and from the log itself for the rest. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "plog/segment.h"

void plog_old_free(struct plog_old *o)
{
    if (!o)
        return;
    plog_index_release(&o->index);
    free(o->verified);
    free(o);
}

struct plog_old *plog_old_new(void)
{
    struct plog_old *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    plog_index_init(&o->index);
    plog_tally_init(&o->tally);
    return o;
}

int plog_old_ready(struct plog_old *o)
{
    o->regions = plog_grow_count(&o->index.offsets) + 1;
    o->verified = calloc(o->regions / 64 + 1, sizeof *o->verified);
    return o->verified ? 0 : -ENOMEM;
}

/* From where on the log must be scanned, and the offset that is due there (-1: unknown). */
struct rest {
    uint64_t pos;
    int64_t next;
};

/* The files cover no more than the old part: what they say stands. */
static struct rest trust(const struct plog_check *c, struct plog_old *o)
{
    uint32_t n = plog_grow_count(&o->index.offsets);
    uint32_t n_times = plog_grow_count(&o->index.times);
    o->tally.max_timestamp = c->max_timestamp;
    o->tally.max_timestamp_offset = c->max_timestamp_offset;
    o->tally.sum = c->last_sum;
    o->tally.since = c->bytes;
    if (n) {
        const struct plog_offset_entry *last = plog_grow_at(&o->index.offsets, n - 1);
        o->tally.since = c->bytes - last->pos;
    }
    if (n_times) {
        const struct plog_time_entry *last = plog_grow_at(&o->index.times, n_times - 1);
        o->tally.last_time = last->timestamp;
    }
    return (struct rest){c->bytes, c->end};
}

/* The files know of more than there is: the log was cut at a mark, and they were not written since,
 * or what was is lost: nobody syncs them. That is no sign of a loss, also where the segment is
 * complete: it may have been written anew up to another end. (If it was cut by accident, its scan
 * does not reach the offset that is due.) Keep what lies before the end. */
static struct rest trim(const struct plog_segment *s, struct plog_old *o)
{
    struct plog_grow *offsets = &o->index.offsets, *times = &o->index.times;
    struct rest rest = {0, s->base};
    uint32_t n = plog_grow_count(offsets);
    for (; n; n--) {
        const struct plog_offset_entry *last = plog_grow_at(offsets, n - 1);
        if (last->pos < s->old_bytes) {
            rest = (struct rest){last->pos, -1};
            break;
        }
    }
    plog_grow_cut(offsets, n);
    for (n = plog_grow_count(times); n; n--) {
        const struct plog_time_entry *last = plog_grow_at(times, n - 1);
        if (s->base + last->last < s->old_end) {
            o->tally.last_time = o->tally.max_timestamp = last->timestamp;
            o->tally.max_timestamp_offset = s->base + last->last;
            break;
        }
    }
    plog_grow_cut(times, n);
    return rest;
}

/* Make entries for the rest of the old part. */
static int scan(struct plog_segment *s, uint32_t interval, struct plog_old *o, struct rest rest,
                struct err *e)
{
    enum { WINDOW = 256 << 10 };
    struct plog_scan sc;
    struct io_file *f;

    int rc = plog_segment_file(s, &f, e);
    if (rc < 0)
        return rc;
    size_t cap = WINDOW;
    uint8_t *window = plog_scan_window(s->old_bytes - rest.pos, &cap);
    if (!window)
        return err_code(e, -ENOMEM, "%s", s->path);
    plog_scan_init(&sc, f, s->path, rest.pos, s->old_bytes, rest.next, window, cap);
    plog_segment_scan_rules(s, &sc);
    while ((rc = plog_scan_next(&sc, e)) > 0)
        plog_index_note(&o->index, &o->tally, interval, s->base, &sc.batch, sc.at);
    plog_scan_release(&sc);
    free(window);
    if (rc == 0 && sc.next != s->old_end)
        return err_set(e, ERR_CORRUPT,
                       "%s: byte %" PRIu64 ": the log ends at offset %" PRId64 ", %" PRId64
                       " is due",
                       s->path, s->old_bytes, sc.next, s->old_end);
    return rc;
}

/* Load what the index files have and tell what is still to be scanned. */
static int load(struct plog_segment *s, struct plog_old *o, struct rest *rest, struct err *e)
{
    struct plog_check c;
    int rc = plog_index_load(s->io, s->path, &s->id, &c, &o->index, e);
    if (rc == ERR_NOTFOUND || rc == ERR_CORRUPT) {
        plog_grow_cut(&o->index.offsets, 0);
        plog_grow_cut(&o->index.times, 0);
        *rest = (struct rest){0, s->base};
        return 0;
    }
    if (rc < 0)
        return rc;
    *rest = c.bytes <= s->old_bytes ? trust(&c, o) : trim(s, o);
    /* Written when the segment was complete? Else its last entry is missing. */
    uint64_t was = 0;
    if (c.bytes == s->old_bytes && o->tally.last_time == c.max_timestamp)
        atomic_compare_exchange_strong_explicit(&s->saved_bytes, &was, c.bytes,
                                                memory_order_relaxed, memory_order_relaxed);
    return 0;
}

/* What the index files do not say is scanned for. Where that cannot be done, it is they that lie or
 * the log, and it counts as the log: sums of a sound file from elsewhere are found wrong here. */
static int make(struct plog_segment *s, uint32_t interval, struct plog_old **out, struct err *e)
{
    struct rest rest;
    struct plog_old *o = plog_old_new();
    if (!o)
        return err_code(e, -ENOMEM, "%s", s->path);
    int rc = load(s, o, &rest, e);
    if (rc == 0 && (rest.pos < s->old_bytes || rest.next != s->old_end)) {
        rc = scan(s, interval, o, rest, e);
        atomic_store_explicit(&s->stale, true, memory_order_relaxed);
    }
    if (rc == 0 && (rc = plog_old_ready(o)) < 0)
        err_code(e, rc, "%s", s->path);
    if (rc < 0) {
        plog_old_free(o);
        return rc;
    }
    *out = o;
    return 0;
}

int plog_segment_old(struct plog_segment *s, uint32_t interval, struct plog_old **out,
                     struct err *e)
{
    struct plog_old *o = atomic_load_explicit(&s->old, memory_order_acquire);
    if (s->old_bytes == 0 && s->old_end > s->base)
        return err_set(e, ERR_CORRUPT, "%s: the file is empty", s->path);
    if (!o && s->old_bytes) {
        struct plog_old *was = NULL;
        int rc = make(s, interval, &o, e);
        if (rc < 0)
            return rc;
        if (!atomic_compare_exchange_strong_explicit(&s->old, &was, o, memory_order_acq_rel,
                                                     memory_order_acquire)) {
            plog_old_free(o);
            o = was;
        }
    }
    *out = o;
    return 0;
}

/* Without loading a whole index: the check file says it too. */
static int max_time_from_disk(struct plog_segment *s, uint32_t interval, int64_t *timestamp,
                              int64_t *offset, struct err *e)
{
    struct plog_check c;
    struct plog_old *o;
    int rc = plog_check_load(s->io, s->path, &s->id, &c, e);
    if (rc == 0 && c.bytes == s->old_bytes && c.end == s->old_end) {
        *timestamp = c.max_timestamp;
        *offset = c.max_timestamp_offset;
        return 0;
    }
    rc = plog_segment_old(s, interval, &o, e);
    if (rc < 0)
        return rc;
    *timestamp = o ? o->tally.max_timestamp : -1;
    *offset = o ? o->tally.max_timestamp_offset : -1;
    return 0;
}

int plog_segment_max_time(struct plog_segment *s, uint32_t interval, int64_t *timestamp,
                          int64_t *offset, struct err *e)
{
    if (atomic_load_explicit(&s->max_known, memory_order_acquire)) {
        *timestamp = atomic_load_explicit(&s->max_time, memory_order_relaxed);
        *offset = atomic_load_explicit(&s->max_time_offset, memory_order_relaxed);
        return 0;
    }
    int rc = max_time_from_disk(s, interval, timestamp, offset, e);
    if (rc == 0) {
        atomic_store_explicit(&s->max_time, *timestamp, memory_order_relaxed);
        atomic_store_explicit(&s->max_time_offset, *offset, memory_order_relaxed);
        atomic_store_explicit(&s->max_known, true, memory_order_release);
    }
    return rc;
}

/* What was verified */

/* Region r begins with entry r - 1, or with the file. */
static uint64_t region_start(const struct plog_old *o, uint32_t r)
{
    if (r == 0)
        return 0;
    return ((const struct plog_offset_entry *)plog_grow_at(&o->index.offsets, r - 1))->pos;
}

static struct plog_region region(const struct plog_segment *s, const struct plog_old *o, uint32_t r)
{
    struct plog_region is = {r, region_start(o, r), s->old_bytes, o->tally.sum};
    if (r + 1 < o->regions) {
        const struct plog_offset_entry *next = plog_grow_at(&o->index.offsets, r);
        is.to = next->pos;
        is.sum = next->sum;
    }
    return is;
}

static bool is_verified(const struct plog_old *o, uint32_t r)
{
    return atomic_load_explicit(&o->verified[r / 64], memory_order_relaxed) & UINT64_C(1) << r % 64;
}

void plog_segment_region(const struct plog_segment *s, uint64_t pos, struct plog_region *out)
{
    const struct plog_old *o = atomic_load_explicit(&s->old, memory_order_acquire);
    *out = region(s, o, plog_index_count(&o->index, pos));
}

bool plog_segment_verified(const struct plog_segment *s, uint64_t pos, uint64_t end)
{
    const struct plog_old *o = atomic_load_explicit(&s->old, memory_order_acquire);
    if (end > s->own_from)
        end = s->own_from;
    if (pos >= end)
        return true;
    if (!o)
        return false;
    uint32_t last = plog_index_count(&o->index, end - 1);
    for (uint32_t r = plog_index_count(&o->index, pos); r <= last; r++) {
        if (!is_verified(o, r))
            return false;
    }
    return true;
}

void plog_segment_set_verified(struct plog_segment *s, const struct plog_region *r)
{
    struct plog_old *o = atomic_load_explicit(&s->old, memory_order_acquire);
    atomic_fetch_or_explicit(&o->verified[r->number / 64], UINT64_C(1) << r->number % 64,
                             memory_order_relaxed);
}
