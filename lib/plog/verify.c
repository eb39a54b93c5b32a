/* verify.c - check bytes that this process did not write before they leave for the first time.
 *
 * They are checked region by region, a region being what lies between two entries of the index: of
 * each batch the CRC, and of all of them the sum, which tells that they are those that were written
 * here: a batch's CRC covers neither its offset nor its leader epoch, and says nothing of a sound
 * batch from elsewhere.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/mutant.h"
#include "plog/plog_impl.h"

enum { WINDOW = 128 << 10 };

/* Bytes of a segment, and what their batches turn out to be. */
struct part {
    uint64_t pos, end;
    int64_t base,
        next; /* the first one's offset, and the one behind the last; -1: none was found */
};

/* A way through the regions that a part reaches into. */
struct look {
    const struct plog_epochs *epochs;
    struct plog_segment *s;
    struct plog_scan scan;
    struct plog_region in; /* the scan is in this one, */
    uint32_t sum;          /* whose batches up to there have this sum; */
    uint64_t to;           /* from here on nothing needs checking */
};

/* The log knows which epoch wrote an offset, also where the sums were made of what was found. */
static int check_epoch(const struct look *l, struct err *e)
{
    const struct batch *b = &l->scan.batch;
    int32_t due = plog_epochs_at(l->epochs, batch_last_offset(b));
    if (due < 0 || b->leader_epoch == due)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: byte %" PRIu64 ": leader epoch %" PRId32 " where %" PRId32 " is due",
                   l->scan.path, l->scan.at, b->leader_epoch, due);
}

static int end_region(struct look *l, struct err *e)
{
    const struct plog_region *r = &l->in;
    bool same = l->sum == r->sum || MUTANT(sums_unchecked);
    if (l->scan.pos != r->to || !same)
        return err_set(e, ERR_CORRUPT,
                       "%s: byte %" PRIu64 ": the batches up to byte %" PRIu64
                       " are not those that were written here",
                       l->scan.path, r->from, r->to);
    plog_segment_set_verified(l->s, r);
    if (r->to < l->to)
        plog_segment_region(l->s, r->to, &l->in);
    l->sum = 0;
    return 0;
}

static int check_batch(struct look *l, struct err *e)
{
    struct span bytes;
    int rc = plog_scan_bytes(&l->scan, &bytes, e);
    if (rc == 0)
        rc = check_epoch(l, e);
    if (rc < 0)
        return rc;
    l->sum = plog_sum(l->sum, &l->scan.batch);
    return l->scan.pos >= l->in.to ? end_region(l, e) : 0;
}

static int check_batches(struct look *l, struct part *part, struct err *e)
{
    int rc;
    while ((rc = plog_scan_next(&l->scan, e)) > 0) {
        if (l->scan.at < l->to)
            rc = check_batch(l, e);
        if (rc < 0)
            return rc;
        if (l->scan.at == part->pos)
            part->base = l->scan.batch.base_offset;
        if (l->scan.pos == part->end)
            part->next = l->scan.next;
    }
    return rc;
}

/* The part begins in what this process did not write, and may reach into what it did. The index is
 * loaded. */
static int look_through(const struct plog_epochs *epochs, struct plog_segment *s, struct part *part,
                        struct err *e)
{
    struct look l = {.epochs = epochs, .s = s};
    struct plog_region last;
    plog_segment_region(s, part->pos, &l.in);
    plog_segment_region(s, (part->end < s->own_from ? part->end : s->own_from) - 1, &last);
    l.to = last.to;
    uint64_t end = part->end > l.to ? part->end : l.to;
    size_t cap = WINDOW;
    uint8_t *window = plog_scan_window(end - l.in.from, &cap);
    if (!window)
        return err_code(e, -ENOMEM, "%s", s->path);
    part->base = part->next = -1;
    int rc =
        plog_segment_scan(s, &l.scan, l.in.from, end, l.in.from ? -1 : s->base, window, cap, e);
    if (rc == 0) {
        rc = check_batches(&l, part, e);
        plog_scan_release(&l.scan);
    }
    free(window);
    return rc;
}

int plog_segment_verify(const struct plog_epochs *epochs, struct plog_segment *s, uint32_t interval,
                        uint64_t pos, uint64_t end, struct err *e)
{
    struct plog_old *o;
    struct part part = {.pos = pos, .end = end < s->own_from ? end : s->own_from};
    if (part.pos >= part.end)
        return 0;
    int rc = plog_segment_old(s, interval, &o, e);
    if (rc < 0 || plog_segment_verified(s, pos, end))
        return rc;
    return look_through(epochs, s, &part, e);
}

/* What a slice says of itself was read from headers that nobody had checked by then; where offsets
 * may be missing, its end even from one that lies behind it. */
static int settle_slice(struct plog_slice *s, const struct part *is, struct err *e)
{
    const struct plog_segment *seg = s->owner;
    bool ends = is->next == s->next_offset || (seg->gaps && is->next < s->next_offset);
    if (is->base != s->base_offset || is->next < 0 || !ends)
        return err_set(e, ERR_CORRUPT,
                       "%s: byte %" PRIu64 ": offsets %" PRId64 " to %" PRId64 " where %" PRId64
                       " to %" PRId64 " are due",
                       seg->path, is->pos, is->base, is->next - 1, s->base_offset,
                       s->next_offset - 1);
    s->next_offset = is->next;
    s->verified = true;
    return 0;
}

int plog_slice_verify(struct plog *p, struct plog_slice *s, struct err *e)
{
    struct plog_old *o;
    struct part part = {.pos = s->pos, .end = s->pos + s->len};
    if (s->verified || s->len == 0)
        return 0;
    int rc = plog_segment_old(s->owner, plog_interval(p), &o, e);
    if (rc == 0)
        rc = look_through(plog_epochs_of(p), s->owner, &part, e);
    return rc < 0 ? rc : settle_slice(s, &part, e);
}
