/* append.c - add batches at the end of a log.
 *
 * The happy path: check that the batches follow the end, put them where they belong, then note them
 * in the segment's index and move the end. Where a batch does not fit, by size or by time, a new
 * segment begins; all bytes are in place before readers are told of the first of them.
 *
 * A run of batches for one segment goes to the file with one call; or, if the log is buffered and
 * the run short, into the block behind the file, until that is full: then block and run are written
 * together. A segment that is not the active one any more has no block.
 *
 * Time is that of the records alone, as in Kafka: no clock is asked, so a replay rolls where the
 * first run did, and a clock that jumps makes no segments. A segment whose first batch has no
 * timestamp rolls by size only.
 *
 * Failure modes: whatever goes wrong, nothing is published.
 *
 * For lack of room (err_is_shortage) nothing is lost either: what did reach the files is taken
 * back, and the same append may be tried again.
 *
 * Anything else marks the log failed. Bytes that did reach a file lie behind its published end, and
 * new segments are above the one a checkpoint would name: a restart cuts both off, and the
 * write-ahead log has the records.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mutant.h"
#include "plog/plog_impl.h"

enum { VECTORS = 512 };

struct append {
    struct plog *p;
    const struct span *batches;
    struct plog_segment *seg;   /* being filled */
    uint64_t bytes;             /* it will have */
    int64_t first_time;         /* of its first batch; -1: none that counts */
    bool wrote_active;          /* bytes may stand behind the written end of the active segment, */
    bool wrote_block;           /* and those of its block do */
    struct plog_block *fresh;   /* a new one for the last segment, or NULL, */
    uint32_t in_block;          /* and the bytes that were added to its block, this one or not */
    int64_t next;               /* offset that is due */
    int32_t epoch;              /* of the batch before */
    struct plog_list *list;     /* with the new segments, NULL if there is none */
    struct plog_epochs *epochs; /* with the new epochs, NULL if there is none */
};

/* The block, if there is one, and the batches, from byte pos on. */
static int write_vectors(struct plog_segment *s, const struct plog_block *block,
                         const struct span *batches, size_t n, uint64_t pos)
{
    struct iovec iov[VECTORS];
    size_t done = 0;
    while (block || done < n) {
        int k = 0;
        uint64_t bytes = 0;
        if (block) {
            iov[k++] = (struct iovec){(void *)block->bytes, block->used};
            bytes = block->used;
            block = NULL;
        }
        for (; k < VECTORS && done < n; done++) {
            iov[k++] = (struct iovec){(void *)batches[done].p, batches[done].n};
            bytes += batches[done].n;
        }
        int rc = io_pwritev(s->out, iov, k, pos);
        if (rc < 0)
            return rc;
        pos += bytes;
    }
    return 0;
}

/* Write a run of batches behind the first `pos` bytes of the segment, and its block before them. */
static int write_run(struct append *a, const struct span *batches, size_t n, uint64_t pos,
                     struct err *e)
{
    const struct plog_block *block = plog_segment_block(a->seg);
    bool created;
    if (n == 0 && !block)
        return 0;
    int rc = plog_dir_make(a->p, e);
    if (rc < 0)
        return rc;
    rc = plog_segment_writable(a->seg, plog_interval(a->p), &created, e);
    if (created)
        a->p->new_names = true;
    if (rc < 0)
        return rc;
    a->wrote_active |= a->seg == plog_active(a->p);
    if (block)
        pos = block->pos;
    if (block && MUTANT(block_run_lost))
        n = 0;
    rc = write_vectors(a->seg, block, batches, n, pos);
    if (rc < 0)
        return err_code(e, rc, "%s: write at byte %" PRIu64, a->seg->path, pos);
    a->wrote_block |= block != NULL;
    return 0;
}

/* The block to add `size` bytes at `pos` to; NULL: they are to be written. */
static struct plog_block *block_for(struct append *a, uint64_t size, uint64_t pos, int64_t offset)
{
    struct plog_block *b = plog_segment_block(a->seg);
    if (!a->p->cfg.buffered || size > PLOG_BLOCK_DIRECT)
        return NULL;
    if (b)
        return size <= b->cap - b->used ? b : NULL;
    uint32_t cap = a->seg->block_cap ? a->seg->block_cap : PLOG_BLOCK_MIN;
    while (cap < 2 * size)
        cap *= 2;
    /* Without memory it is written. */
    return a->fresh = plog_block_new(cap, pos, offset, a->p->cfg.lingering);
}

/* The last run of an append, which begins with that offset. */
static int put_run(struct append *a, const struct span *batches, size_t n, uint64_t pos,
                   int64_t offset, struct err *e)
{
    uint64_t size = a->bytes - pos;
    struct plog_block *b = n ? block_for(a, size, pos, offset) : NULL;
    if (!b)
        return write_run(a, batches, n, pos, e);
    uint8_t *to = b->bytes + b->used;
    for (size_t i = 0; i < n; i++) {
        memcpy(to, batches[i].p, batches[i].n);
        to += batches[i].n;
    }
    a->in_block = (uint32_t)size;
    return 0;
}

static bool too_late(const struct append *a, const struct batch *b)
{
    int64_t ms = a->p->cfg.settings.segment_ms;
    return ms > 0 && a->first_time >= 0 && b->max_timestamp > a->first_time &&
           b->max_timestamp - a->first_time > ms;
}

static bool fits(const struct append *a, const struct batch *b)
{
    if (a->bytes == 0)
        return true;
    return a->bytes + batch_size(b) <= a->p->cfg.settings.segment_bytes && !too_late(a, b) &&
           batch_last_offset(b) - a->seg->base <= INT32_MAX;
}

/* Go on in a new segment. A sealed one ends where its file does, so a stale end of the present one
 * must be gone, also if nothing was written to it. */
static int begin_segment(struct append *a, struct err *e)
{
    if (a->seg->disk_bytes > plog_segment_written(a->seg)) {
        bool created;
        int rc = plog_segment_writable(a->seg, plog_interval(a->p), &created, e);
        if (rc < 0)
            return rc;
    }
    const struct plog_list *was = a->list ? a->list : plog_segments(a->p);
    struct plog_list *l = plog_list_new(was->n + 1);
    struct plog_segment *s = plog_new_segment(a->p, a->next);
    if (!l || !s || plog_segment_begin_tail(s) < 0) {
        free(l);
        free(s);
        return err_code(e, -ENOMEM, "%s", a->p->dir);
    }
    for (size_t i = 0; i < was->n; i++)
        l->seg[i] = was->seg[i];
    l->seg[was->n] = s;
    free(a->list);
    a->list = l;
    a->seg = s;
    a->bytes = 0;
    return 0;
}

static int note_epoch(struct append *a, const struct batch *b, struct err *e)
{
    if (b->leader_epoch == a->epoch)
        return 0;
    if (b->leader_epoch < a->epoch)
        return err_set(e, ERR_INVALID, "%s: offset %" PRId64 ": epoch %" PRId32 " after %" PRId32,
                       a->p->dir, b->base_offset, b->leader_epoch, a->epoch);
    const struct plog_epochs *was =
        a->epochs ? a->epochs : atomic_load_explicit(&a->p->epochs, memory_order_relaxed);
    struct plog_epochs *s = plog_epochs_new(was->e, was->n, 1);
    if (!s)
        return err_code(e, -ENOMEM, "%s", a->p->dir);
    s->e[s->n++] = (struct plog_epoch){b->leader_epoch, b->base_offset};
    free(a->epochs);
    a->epochs = s;
    a->epoch = b->leader_epoch;
    return 0;
}

/* Is this the batch that is due? */
static int check(const struct append *a, struct span s, struct batch *b, struct err *e)
{
    if (batch_peek(s, b) < 0 || batch_size(b) != s.n)
        return err_set(e, ERR_INVALID, "%s: offset %" PRId64 ": %zu bytes that are no batch",
                       a->p->dir, a->next, s.n);
    if (b->base_offset != a->next)
        return err_set(e, ERR_INVALID, "%s: offset %" PRId64 " where %" PRId64 " is due", a->p->dir,
                       b->base_offset, a->next);
    return 0;
}

static int write_all(struct append *a, size_t n, struct err *e)
{
    int have = plog_segment_begin_tail(a->seg);
    if (have < 0)
        return err_code(e, have, "%s", a->seg->path);
    size_t first = 0; /* of the run that is not written yet */
    uint64_t run_at = a->bytes;
    int64_t run_from = a->next;
    for (size_t i = 0; i < n; i++) {
        struct batch b;
        int rc = check(a, a->batches[i], &b, e);
        if (rc == 0)
            rc = note_epoch(a, &b, e);
        if (rc == 0 && !fits(a, &b)) {
            rc = write_run(a, a->batches + first, i - first, run_at, e);
            if (rc == 0)
                rc = begin_segment(a, e);
            first = i;
            run_at = 0;
            run_from = b.base_offset;
        }
        if (rc < 0)
            return rc;
        if (a->bytes == 0)
            a->first_time = b.max_timestamp;
        a->bytes += batch_size(&b);
        a->next = batch_last_offset(&b) + 1;
    }
    return put_run(a, a->batches + first, n - first, run_at, run_from, e);
}

/* Readers that find no block look into the file, which has its bytes now. */
static void leave_block(struct append *a)
{
    struct plog_segment *s = plog_active(a->p);
    struct plog_block *b = plog_segment_block(s);
    atomic_store_explicit(&s->block, NULL, memory_order_release);
    plog_block_leave(b);
    plog_retire(a->p, plog_block_unref, b);
}

/* The blocks as they are to be, before readers are told of bytes. */
static void settle_blocks(struct append *a)
{
    if (a->wrote_block) {
        struct plog_segment *s = plog_active(a->p);
        uint32_t cap = plog_segment_block(s)->cap; /* it was full: the next one may be larger */
        a->seg->block_cap = cap < PLOG_BLOCK_MAX ? 2 * cap : cap;
        leave_block(a);
    }
    if (a->fresh)
        atomic_store_explicit(&a->seg->block, a->fresh, memory_order_release);
    if (a->in_block)
        plog_segment_block(a->seg)->used += a->in_block;
}

/* Where the files of the segments that were written to end now. */
static void note_disk(const struct append *a, const struct plog_list *l)
{
    for (ptrdiff_t i = plog_list_find(l, plog_active(a->p)->base); (size_t)i < l->n; i++) {
        if (l->seg[i] != plog_active(a->p) || a->wrote_active)
            l->seg[i]->disk_bytes = plog_segment_written(l->seg[i]);
    }
}

/* Everything is in place. This cannot fail. */
static void publish(struct append *a, size_t n)
{
    struct plog *p = a->p;
    const struct plog_list *l = a->list ? a->list : plog_segments(p);
    struct plog_segment *s = plog_active(p);
    settle_blocks(a);
    for (size_t i = 0; i < n; i++) {
        struct batch b;
        batch_peek(a->batches[i], &b);
        ptrdiff_t at = plog_list_find(l, b.base_offset);
        s = l->seg[at];
        plog_segment_add(s, plog_interval(p), &b);
    }
    plog_segment_mark(s);
    note_disk(a, l);
    if (a->list)
        plog_list_publish(p, a->list);
    if (a->epochs)
        plog_epochs_publish(p, a->epochs);
    atomic_store_explicit(&p->log_end, a->next, memory_order_release);
}

/* The files as they were: no segments that are in no list, and nothing behind the end of the active
 * one. If that cannot be cut now either, the next append cuts first. A segment that stays might be
 * taken for one of the log's by a later start: then the log has failed. */
static int take_back(struct append *a, struct err *e)
{
    struct plog_segment *active = plog_active(a->p);
    bool created;
    int rc = 0;
    for (size_t i = plog_segments(a->p)->n; a->list && i < a->list->n && rc == 0; i++)
        if (a->list->seg[i]->on_disk)
            rc = plog_unlink_segment(a->p->cfg.io, a->list->seg[i]->path, e);
    if (rc < 0)
        return err_is_shortage(rc) ? -EIO : rc;
    if (!a->wrote_active)
        return 0;
    active->disk_bytes = UINT64_MAX;
    rc = plog_segment_writable(active, plog_interval(a->p), &created, e);
    return err_is_shortage(rc) ? 0 : rc;
}

static int give_up(struct append *a, int rc, struct err *e)
{
    if (err_is_shortage(rc)) {
        struct err why;
        int back = take_back(a, &why);
        if (back < 0) {
            *e = why;
            rc = back;
        }
    }
    if (!err_is_shortage(rc))
        plog_fail(a->p);
    for (size_t i = plog_segments(a->p)->n; a->list && i < a->list->n; i++)
        plog_segment_unref(a->list->seg[i]);
    free(a->list);
    free(a->epochs);
    plog_block_unref(a->fresh);
    return rc;
}

int plog_append(struct plog *p, const struct span *batches, size_t n, struct err *e)
{
    struct err local;
    if (!e)
        e = &local;
    if (plog_failed(p))
        return err_set(e, ERR_POISONED, "%s: an earlier write failed", p->dir);
    if (n == 0)
        return 0;
    const struct plog_epochs *epochs = atomic_load_explicit(&p->epochs, memory_order_relaxed);
    struct append a = {
        .p = p,
        .batches = batches,
        .seg = plog_active(p),
        .bytes = plog_segment_bytes(plog_active(p)),
        .first_time = p->cfg.settings.segment_ms > 0
                          ? plog_segment_first_time(plog_active(p), p->cfg.log)
                          : -1,
        .next = plog_log_end(p),
        .epoch = epochs->n ? epochs->e[epochs->n - 1].epoch : -1,
    };
    int rc = write_all(&a, n, e);
    if (rc < 0)
        return give_up(&a, rc, e);
    publish(&a, n);
    return 0;
}

size_t plog_buffered(const struct plog *p)
{
    const struct plog_block *b = plog_segment_block(plog_active(p));
    return b ? b->cap : 0;
}

int plog_flush(struct plog *p, struct err *e)
{
    struct append a = {.p = p, .seg = plog_active(p)};
    struct plog_block *b = plog_segment_block(a.seg);
    struct err local;
    if (!e)
        e = &local;
    if (!b)
        return 0;
    if (plog_failed(p))
        return err_set(e, ERR_POISONED, "%s: an earlier write failed", p->dir);
    int rc = write_run(&a, NULL, 0, 0, e);
    if (rc < 0)
        return give_up(&a, rc, e);
    /* What came between two flushes is what the next block need have room for. */
    a.seg->block_cap = b->used <= b->cap / 2 && b->cap > PLOG_BLOCK_MIN ? b->cap / 2 : b->cap;
    leave_block(&a);
    note_disk(&a, plog_segments(p));
    return 0;
}

int plog_roll(struct plog *p, struct err *e)
{
    int rc = plog_flush(p, e);
    if (rc < 0)
        return rc;
    struct append a = {.p = p, .seg = plog_active(p), .next = plog_log_end(p)};
    if (plog_failed(p))
        return err_set(e, ERR_POISONED, "%s: an earlier write failed", p->dir);
    if (plog_segment_bytes(a.seg) == 0)
        return 0;
    rc = begin_segment(&a, e);
    if (rc == 0)
        plog_list_publish(p, a.list);
    return rc;
}
