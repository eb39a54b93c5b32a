/* read.c - find the batches a Fetch asks for.
 *
 * A slice goes from the batch that holds the wanted offset to the last batch boundary that neither
 * the limit nor the size passes. Both ends are looked for in three steps, each cheaper than the
 * next: where recent appends ended (a consumer at the end of the log: no I/O), the sparse index,
 * and from its entry on the headers in the file.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/mutant.h"
#include "plog/plog_impl.h"

/* Where a look begins. */
struct start {
    struct plog_place at;
    int64_t last; /* the last offset of the batch there, as the index has it; -1: it says nothing */
};

static struct start start_at(const struct plog_segment *s, const struct plog_offset_entry *entry)
{
    return (struct start){{entry->pos, -1}, s->base + entry->last};
}

/* Where in s a look for `offset` may begin, by the index. */
static int start_of_search(struct plog *p, struct plog_segment *s, int64_t offset,
                           struct start *out, struct err *e)
{
    struct plog_offset_entry entry;
    struct plog_tail *t = atomic_load_explicit(&s->tail, memory_order_acquire);
    struct plog_old *o = NULL;
    uint32_t relative = offset - s->base > UINT32_MAX ? UINT32_MAX : (uint32_t)(offset - s->base);

    *out = (struct start){{0, s->base}, -1};
    if (offset >= s->old_end) {
        const struct plog_block *block = plog_segment_block(s);
        *out = (struct start){{s->old_bytes, s->old_end}, -1};
        if (t && plog_index_by_offset(&t->index, relative, &entry))
            *out = start_at(s, &entry);
        if (block && offset >= block->base_offset && out->at.pos < block->pos)
            *out = (struct start){{block->pos, block->base_offset}, -1};
        return 0;
    }
    int rc = plog_segment_old(s, plog_interval(p), &o, e);
    if (rc == 0 && o && plog_index_by_offset(&o->index, relative, &entry))
        *out = start_at(s, &entry);
    return rc;
}

/* Look for the batch from a start on. 0; 1: there is none; ERR_STALE: the index led elsewhere than
 * to the batch that it speaks of. */
static int search(struct plog_segment *s, const struct start *start, int64_t offset, uint64_t end,
                  bool now, struct plog_place *out, struct err *e)
{
    uint8_t window[PLOG_WINDOW];
    struct plog_scan scan;
    *out = start->at;
    int rc = plog_segment_scan(s, &scan, start->at.pos, end, start->at.base_offset, window,
                               sizeof window, e);
    if (rc < 0)
        return rc;
    scan.now = now;
    while ((rc = plog_scan_next(&scan, e)) > 0) {
        int64_t last = batch_last_offset(&scan.batch);
        if (scan.at == start->at.pos && start->last >= 0 && last != start->last)
            return ERR_STALE;
        *out = (struct plog_place){scan.at, scan.batch.base_offset};
        if (last >= offset)
            return 0;
        *out = (struct plog_place){scan.pos, scan.next};
    }
    if (rc == ERR_CORRUPT && scan.pos == start->at.pos && start->last >= 0)
        return ERR_STALE;
    return rc < 0 ? rc : 1;
}

/* No batch has the wanted offset. It may be that one before has the wrong length and passes for one
 * that reaches over those that follow it. */
static int check_gap(struct plog *p, struct plog_segment *s, const struct start *start,
                     const struct plog_place *found, struct err *e)
{
    return plog_segment_verify(plog_epochs_of(p), s, plog_interval(p), start->at.pos,
                               found->pos + 1, e);
}

/* A batch's offset is not under its CRC. Read one behind the other, batches prove each other's; the
 * first one after a jump by the index is proved by what the index says of it. If that is something
 * else, one of the two is damaged, and reading from the segment's beginning tells which. */
int plog_locate(struct plog *p, struct plog_segment *s, int64_t offset, uint64_t end, bool now,
                struct plog_place *out, struct err *e)
{
    struct start start;

    if (plog_segment_marked(s, offset, &out->pos)) {
        out->base_offset = offset;
        return 0;
    }
    int rc = start_of_search(p, s, offset, &start, e);
    if (rc < 0)
        return rc;
    rc = search(s, &start, offset, end, now, out, e);
    if (rc == ERR_STALE) {
        start = (struct start){{0, s->base}, -1};
        rc = now ? -EAGAIN : search(s, &start, offset, end, false, out, e);
    }
    if (rc == 0 && s->gaps && out->base_offset > offset)
        rc = now ? -EAGAIN : check_gap(p, s, &start, out, e);
    if (rc == 1 && offset < s->old_end && end >= s->old_bytes) /* cut short, where a batch begins */
        return err_set(e, ERR_CORRUPT, "%s: byte %" PRIu64 ": nothing of offset %" PRId64 " on",
                       s->path, s->old_bytes, offset);
    return rc < 0 ? rc : 0;
}

/* What is asked for. */
struct request {
    struct plog *p;
    struct plog_segment *s;
    int64_t limit;
    uint32_t max_bytes;
    bool min_one;
    bool now;     /* nothing may be read from the disk for it */
    uint64_t end; /* bytes of the segment; the limit lies within them */
};

/* The position of the limit, if it is known without looking into the file. */
static bool limit_pos(const struct request *r, uint64_t *pos, int64_t *next)
{
    *next = r->limit;
    if (plog_segment_marked(r->s, r->limit, pos))
        return true;
    if (r->limit == r->s->old_end) {
        *pos = r->s->old_bytes;
        return true;
    }
    if (!atomic_load_explicit(&r->s->sealed, memory_order_acquire) ||
        r->limit < plog_segment_end(r->s))
        return false;
    *pos = r->end;
    *next = plog_segment_end(r->s);
    return true;
}

/* The last index entry behind the start, and not behind `reach`. */
static bool entry_before(const struct request *r, const struct plog_place *start, uint64_t reach,
                         struct plog_offset_entry *entry)
{
    struct plog_tail *t = atomic_load_explicit(&r->s->tail, memory_order_acquire);
    struct plog_old *o = atomic_load_explicit(&r->s->old, memory_order_acquire);
    uint64_t limit = (uint64_t)(r->limit - r->s->base);
    bool found = t && plog_index_by_pos(&t->index, reach, limit, entry);
    if (!found && o)
        found = plog_index_by_pos(&o->index, reach, limit, entry);
    return found && entry->pos > start->pos;
}

/* The one before the last that the slice may reach. The offset behind a slice is read from its last
 * batch, which is verified with it, and not from the next one: what a damaged header there said
 * would pass for what was verified. */
static bool far_entry(const struct request *r, const struct plog_place *start,
                      struct plog_offset_entry *entry)
{
    uint64_t reach = start->pos + r->max_bytes;
    return entry_before(r, start, reach, entry) &&
           (MUTANT(end_from_behind) || entry_before(r, start, entry->pos - 1, entry));
}

/* Walk the headers from here, whose offset may be unknown, to where the slice must end. */
static int walk_from(const struct request *r, const struct plog_place *start,
                     const struct plog_place *from, uint64_t *end, int64_t *next, struct err *e)
{
    uint8_t window[PLOG_WINDOW];
    struct plog_scan scan;

    *end = from->pos;
    *next = from->base_offset;
    int rc = plog_segment_scan(r->s, &scan, from->pos, r->end, from->base_offset, window,
                               sizeof window, e);
    if (rc < 0)
        return rc;
    scan.now = r->now;
    while (*end == from->pos || *end - start->pos < r->max_bytes) {
        rc = plog_scan_next(&scan, e);
        if (rc <= 0)
            return rc;
        if (*next < 0)
            *next = scan.batch.base_offset;
        bool fits = scan.pos - start->pos <= r->max_bytes;
        bool first = scan.at == start->pos;
        if (batch_last_offset(&scan.batch) >= r->limit || (!fits && !(first && r->min_one)))
            return 0;
        *end = scan.pos;
        *next = scan.next;
    }
    return 0;
}

/* Where an entry is near, most of the way is known. The batch there is within the slice, or else it
 * is damaged: then it is behind the slice, and what it says of itself counts for nothing. */
static int walk_to_end(const struct request *r, const struct plog_place *start, uint64_t *end,
                       int64_t *next, struct err *e)
{
    struct plog_offset_entry entry;
    if (far_entry(r, start, &entry)) {
        struct plog_place there = {entry.pos, -1};
        int rc = walk_from(r, start, &there, end, next, e);
        if (rc < 0 || *end > entry.pos || MUTANT(end_from_behind))
            return rc;
    }
    return walk_from(r, start, start, end, next, e);
}

/* A slice is of the file or of the block. */
static void take_side(const struct plog_segment *s, const struct plog_place *start, uint64_t *end,
                      int64_t *next, struct plog_slice *out)
{
    struct plog_block *block = plog_segment_block(s);
    if (!block || *end <= block->pos)
        return;
    if (start->pos < block->pos) {
        *end = block->pos;
        *next = block->base_offset;
        return;
    }
    out->mem = block->bytes + (start->pos - block->pos);
    out->owner = block;
}

/* There is a batch to be had, but it says that it lies behind the limit. Where offsets may be
 * missing, that may be true; but nobody should wait for a batch that only stands at a wrong one. */
static int check_empty(const struct request *r, const struct plog_place *start, struct err *e)
{
    if (r->now)
        return -EAGAIN;
    return plog_segment_verify(plog_epochs_of(r->p), r->s, plog_interval(r->p), start->pos,
                               start->pos + 1, e);
}

static int find_slice(const struct request *r, int64_t offset, struct plog_slice *out,
                      struct err *e)
{
    struct plog_place start;
    uint64_t end;
    int64_t next;

    int rc = plog_locate(r->p, r->s, offset, r->end, r->now, &start, e);
    if (rc < 0)
        return rc;
    if (!limit_pos(r, &end, &next) || end - start.pos > r->max_bytes) {
        rc = walk_to_end(r, &start, &end, &next, e);
        if (rc < 0)
            return rc;
    }
    if (end <= start.pos)
        return r->min_one ? check_empty(r, &start, e) : 0;
    take_side(r->s, &start, &end, &next, out);
    out->pos = start.pos;
    out->len = (uint32_t)(end - start.pos);
    out->base_offset = start.base_offset;
    out->next_offset = next;
    out->verified = plog_segment_verified(r->s, start.pos, end);
    return 0;
}

/* The segment that holds an offset below the log's end. */
static int find_segment(const struct plog *p, int64_t offset, struct plog_segment **out,
                        struct err *e)
{
    const struct plog_list *l = plog_segments(p);
    ptrdiff_t i = plog_list_find(l, offset);
    if (i < 0 || offset >= plog_segment_end(l->seg[i]))
        return err_set(e, ERR_CORRUPT, "%s: no segment holds offset %" PRId64, p->dir, offset);
    *out = l->seg[i];
    return 0;
}

int plog_explain(const struct plog *p, int64_t offset, int rc, struct err *e)
{
    if (plog_is_abandoned(p))
        return err_set(e, ERR_NOTFOUND, "%s: is being removed", p->dir);
    if (offset < plog_log_start(p))
        return err_set(e, ERR_OFFSET, "%s: offset %" PRId64 " is below the log's start", p->dir,
                       offset);
    return rc;
}

static int read_at(struct plog *p, int64_t offset, int64_t limit, uint32_t max_bytes, bool min_one,
                   bool now, struct plog_slice *out, struct err *e)
{
    struct plog_segment *s = NULL;
    int64_t log_end = plog_log_end(p);

    *out = (struct plog_slice){0};
    if (limit > log_end)
        limit = log_end;
    if (offset < plog_log_start(p) || offset > limit)
        return err_set(e, ERR_OFFSET, "%s: offset %" PRId64 " is outside the log", p->dir, offset);
    if (offset == limit)
        return 0;
    int rc = find_segment(p, offset, &s, e);
    if (rc < 0)
        return rc;
    if (now && !plog_segment_warm(s, offset))
        return -EAGAIN;
    struct request r = {
        .p = p,
        .s = s,
        .limit = limit,
        .max_bytes = max_bytes,
        .min_one = min_one,
        .now = now,
        .end = plog_segment_bytes(s),
    };
    rc = find_slice(&r, offset, out, e);
    if (rc == 0 && out->len && !out->mem)
        rc = plog_segment_file(s, &out->file, e);
    if (rc < 0 || out->len == 0) {
        *out = (struct plog_slice){0};
        return rc;
    }
    if (!out->mem)
        out->owner = s;
    plog_slice_ref(out);
    return 0;
}

static int read_log(struct plog *p, int64_t offset, int64_t limit, uint32_t max_bytes, bool min_one,
                    bool now, struct plog_slice *out, struct err *e)
{
    int rc = read_at(p, offset, limit, max_bytes, min_one, now, out, e);
    if (rc == 0 && plog_is_abandoned(p)) { /* the file may be of another log of that name */
        plog_slice_release(out);
        rc = ERR_NOTFOUND;
    }
    return rc < 0 ? plog_explain(p, offset, rc, e) : rc;
}

int plog_read(struct plog *p, int64_t offset, int64_t limit, uint32_t max_bytes, bool min_one,
              struct plog_slice *out, struct err *e)
{
    return read_log(p, offset, limit, max_bytes, min_one, false, out, e);
}

int plog_read_now(struct plog *p, int64_t offset, int64_t limit, uint32_t max_bytes, bool min_one,
                  struct plog_slice *out, struct err *e)
{
    return read_log(p, offset, limit, max_bytes, min_one, true, out, e);
}

void plog_slice_ref(struct plog_slice *s)
{
    if (s->mem)
        plog_block_ref(s->owner);
    else
        plog_segment_ref(s->owner);
}

void plog_slice_release(struct plog_slice *s)
{
    if (s->mem)
        plog_block_unref(s->owner);
    else if (s->owner)
        plog_segment_unref(s->owner);
    *s = (struct plog_slice){0};
}

ssize_t plog_slice_read(const struct plog_slice *s, void *buf)
{
    if (!s->mem)
        return io_pread(s->file, buf, s->len, s->pos);
    memcpy(buf, s->mem, s->len);
    return (ssize_t)s->len;
}
