/* append.c - add batches at the end of a log.
 *
 * The happy path: check that the batches follow the end, write them with one call into the active
 * segment, then note them in its index and move the end. Where a batch does not fit, by size or by
 * time, a new segment begins; all bytes are in the files before readers are told of the first of
 * them.
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

#include "plog/plog_impl.h"

enum { VECTORS = 512 };

struct append {
    struct plog *p;
    const struct span *batches;
    struct plog_segment *seg;   /* being filled */
    uint64_t bytes;             /* it will have */
    int64_t first_time;         /* of its first batch; -1: none that counts */
    bool wrote_active;          /* bytes may stand behind the end of the active segment */
    int64_t next;               /* offset that is due */
    int32_t epoch;              /* of the batch before */
    struct plog_list *list;     /* with the new segments, NULL if there is none */
    struct plog_epochs *epochs; /* with the new epochs, NULL if there is none */
};

static int write_vectors(struct plog_segment *s, const struct span *batches, size_t n, uint64_t pos)
{
    struct iovec iov[VECTORS];
    while (n) {
        int k = 0;
        uint64_t bytes = 0;
        for (; k < VECTORS && (size_t)k < n; k++) {
            iov[k] = (struct iovec){(void *)batches[k].p, batches[k].n};
            bytes += batches[k].n;
        }
        int rc = io_pwritev(s->out, iov, k, pos);
        if (rc < 0)
            return rc;
        batches += k;
        n -= (size_t)k;
        pos += bytes;
    }
    return 0;
}

/* Write a run of batches behind the first `pos` bytes of the segment. */
static int write_run(struct append *a, const struct span *batches, size_t n, uint64_t pos,
                     struct err *e)
{
    bool created;
    if (n == 0)
        return 0;
    int rc = plog_dir_make(a->p, e);
    if (rc < 0)
        return rc;
    rc = plog_segment_writable(a->seg, &created, e);
    if (created)
        a->p->new_names = true;
    if (rc < 0)
        return rc;
    a->wrote_active |= a->seg == plog_active(a->p);
    rc = write_vectors(a->seg, batches, n, pos);
    return rc < 0 ? err_code(e, rc, "%s: write at byte %" PRIu64, a->seg->path, pos) : 0;
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
    if (a->seg->disk_bytes > plog_segment_bytes(a->seg)) {
        bool created;
        int rc = plog_segment_writable(a->seg, &created, e);
        if (rc < 0)
            return rc;
    }
    const struct plog_list *was = a->list ? a->list : plog_segments(a->p);
    struct plog_list *l = plog_list_new(was->n + 1);
    struct plog_segment *s = plog_segment_new(a->p->cfg.io, a->p->dir, a->next);
    if (!l || !s) {
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
    size_t first = 0; /* of the run that is not written yet */
    uint64_t run_at = a->bytes;
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
        }
        if (rc < 0)
            return rc;
        if (a->bytes == 0)
            a->first_time = b.max_timestamp;
        a->bytes += batch_size(&b);
        a->next = batch_last_offset(&b) + 1;
    }
    return write_run(a, a->batches + first, n - first, run_at, e);
}

/* Everything is in the files. This cannot fail. */
static void publish(struct append *a, size_t n)
{
    struct plog *p = a->p;
    const struct plog_list *l = a->list ? a->list : plog_segments(p);
    struct plog_segment *s = plog_active(p);
    for (size_t i = 0; i < n; i++) {
        struct batch b;
        batch_peek(a->batches[i], &b);
        ptrdiff_t at = plog_list_find(l, b.base_offset);
        s = l->seg[at];
        plog_segment_add(s, plog_interval(p), &b);
    }
    plog_segment_mark(s);
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
    rc = plog_segment_writable(active, &created, e);
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

int plog_roll(struct plog *p, struct err *e)
{
    struct append a = {.p = p, .seg = plog_active(p), .next = plog_log_end(p)};
    if (plog_failed(p))
        return err_set(e, ERR_POISONED, "%s: an earlier write failed", p->dir);
    if (plog_segment_bytes(a.seg) == 0)
        return 0;
    int rc = begin_segment(&a, e);
    if (rc == 0)
        plog_list_publish(p, a.list);
    return rc;
}
