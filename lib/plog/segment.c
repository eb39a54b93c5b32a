#include "plog/segment.h"
#include "base/mutant.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plog_segment *plog_segment_new(struct io *io, const char *dir,
                                      const struct plog_segment_id *id)
{
    int64_t base = id->base;
    size_t n = strlen(dir) + sizeof "/00000000000000000000.log";
    struct plog_segment *s = calloc(1, sizeof *s + n);
    if (!s)
        return NULL;
    snprintf(s->path, n, "%s/%020" PRId64 ".log", dir, base);
    s->io = io;
    s->id = *id;
    s->base = base;
    s->old_end = base;
    s->first_time = -1;
    plog_tally_init(&s->tally);
    atomic_init(&s->refs, 1);
    atomic_init(&s->end, base);
    return s;
}

void plog_segment_set_old(struct plog_segment *s, uint64_t bytes, int64_t end, uint64_t own_from)
{
    s->old_bytes = s->disk_bytes = s->handed = bytes;
    s->old_end = end;
    s->own_from = own_from;
    s->on_disk = bytes > 0;
    s->first_time = bytes ? PLOG_TIME_UNREAD : -1;
    /* The index of a tail begins with an entry of its own: regions do not span both parts. */
    s->tally.since = bytes ? PLOG_SINCE_LONG : 0;
    atomic_store_explicit(&s->end, end, memory_order_relaxed);
    atomic_store_explicit(&s->bytes, bytes, memory_order_relaxed);
}

void plog_segment_ref(struct plog_segment *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
}

static void tail_free(struct plog_tail *t)
{
    if (!t)
        return;
    plog_index_release(&t->index);
    free(t);
}

void plog_segment_unref(void *segment)
{
    struct plog_segment *s = segment;
    if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    struct io_file *file = atomic_load_explicit(&s->file, memory_order_relaxed);
    if (s->out != file)
        io_close(s->out);
    io_close(file);
    struct plog_block *block = atomic_load_explicit(&s->block, memory_order_relaxed);
    if (block)
        plog_block_leave(block);
    plog_block_unref(block);
    plog_old_free(atomic_load_explicit(&s->old, memory_order_relaxed));
    tail_free(atomic_load_explicit(&s->tail, memory_order_relaxed));
    free(s);
}

/* The file */

/* Make f the file that readers use, unless another one is already; then f stays the caller's. */
static struct io_file *offer_file(struct plog_segment *s, struct io_file *f)
{
    struct io_file *was = NULL;
    return atomic_compare_exchange_strong_explicit(&s->file, &was, f, memory_order_acq_rel,
                                                   memory_order_acquire)
               ? f
               : was;
}

int plog_segment_file(struct plog_segment *s, struct io_file **out, struct err *e)
{
    struct io_file *f = atomic_load_explicit(&s->file, memory_order_acquire);
    if (!f) {
        int rc = io_open(s->io, s->path, IO_READ, &f);
        if (rc == -ENOENT)
            return err_set(e, ERR_CORRUPT, "%s: the file is missing", s->path);
        if (rc < 0)
            return err_code(e, rc, "%s", s->path);
        struct io_file *chosen = offer_file(s, f);
        if (chosen != f)
            io_close(f);
        f = chosen;
    }
    *out = f;
    return 0;
}

int plog_segment_scan(struct plog_segment *s, struct plog_scan *scan, uint64_t pos, uint64_t end,
                      int64_t next, void *window, size_t cap, struct err *e)
{
    const struct plog_block *block = plog_segment_block(s);
    struct io_file *f = NULL;
    int rc = !block || pos < block->pos ? plog_segment_file(s, &f, e) : 0;
    if (rc < 0)
        return rc;
    plog_scan_init(scan, f, s->path, pos, end, next, window, cap);
    plog_segment_scan_rules(s, scan);
    scan->block = block;
    return 0;
}

static struct plog_tail *tail_new(int64_t offset, uint64_t pos)
{
    struct plog_tail *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    plog_index_init(&t->index);
    atomic_init(&t->mark[0].offset, offset);
    atomic_init(&t->mark[0].pos, pos);
    atomic_init(&t->begun, 1);
    atomic_init(&t->done, 1);
    return t;
}

/* Bytes behind what is known to be in the file were written and never acknowledged to be there: a
 * later write may be shorter than they are, and the file's size says where a sealed segment ends.
 */
static int cut(struct plog_segment *s, struct err *e)
{
    uint64_t bytes = plog_segment_written(s);
    if (s->disk_bytes <= bytes || MUTANT(no_truncation))
        return 0;
    int rc = io_truncate(s->out, bytes);
    if (rc < 0)
        return err_code(e, rc, "%s: cut to %" PRIu64 " bytes", s->path, bytes);
    s->disk_bytes = bytes;
    s->dirty = true; /* the new size must last, if nothing else */
    return 0;
}

int plog_segment_begin_tail(struct plog_segment *s)
{
    if (atomic_load_explicit(&s->tail, memory_order_relaxed))
        return 0;
    struct plog_tail *t = tail_new(plog_segment_end(s), plog_segment_bytes(s));
    if (!t)
        return -ENOMEM;
    atomic_store_explicit(&s->tail, t, memory_order_release);
    return 0;
}

/* What a .check says of bytes that the log has no more does not hold once that goes on otherwise.
 * *dropped: there was such a file. What it says of the bytes that are there is kept in memory; a
 * fault in them is their readers' matter. */
static int drop_check(struct plog_segment *s, uint32_t interval, bool *dropped, struct err *e)
{
    char path[IO_PATH_MAX];
    struct plog_check c;
    struct plog_old *o;
    struct err readers;

    if (!s->inherited)
        return 0;
    int rc = plog_check_load(s->io, s->path, &s->id, &c, e);
    *dropped = rc == 0 && c.bytes > s->old_bytes && !MUTANT(check_kept);
    if (rc < 0 && rc != ERR_NOTFOUND && rc != ERR_CORRUPT)
        return rc;
    rc = *dropped ? plog_sibling(path, sizeof path, s->path, ".check") : 0;
    if (rc < 0)
        return err_code(e, rc, "%s", s->path);
    if (*dropped) {
        (void)plog_segment_old(s, interval, &o, &readers);
        rc = io_unlink(s->io, path);
    }
    if (rc < 0 && rc != -ENOENT)
        return err_code(e, rc, "%s: remove", path);
    s->inherited = false;
    return 0;
}

int plog_segment_writable(struct plog_segment *s, uint32_t interval, bool *created, struct err *e)
{
    bool dropped = false;
    *created = false;
    if (s->out)
        return cut(s, e);
    int rc = drop_check(s, interval, &dropped, e);
    if (rc < 0)
        return rc;
    *created = dropped; /* also if the rest fails: that it is gone must last */
    int flags = s->on_disk ? IO_WRITE : IO_WRITE | IO_CREATE | IO_TRUNC;
    rc = io_open(s->io, s->path, flags, &s->out);
    if (rc < 0)
        return err_code(e, rc, "%s", s->path);
    *created = !s->on_disk || dropped;
    s->on_disk = true;
    rc = cut(s, e);
    offer_file(s, s->out);
    return rc;
}

void plog_segment_seal(struct plog_segment *s)
{
    if (atomic_load_explicit(&s->sealed, memory_order_relaxed))
        return;
    atomic_store_explicit(&s->max_time, s->tally.max_timestamp, memory_order_relaxed);
    atomic_store_explicit(&s->max_time_offset, s->tally.max_timestamp_offset, memory_order_relaxed);
    atomic_store_explicit(&s->max_known, true, memory_order_release);
    /* Its index files lack the last entry, and say nothing of its being complete. */
    atomic_store_explicit(&s->saved_bytes, PLOG_UNSAVED, memory_order_relaxed);
    atomic_store_explicit(&s->sealed, true, memory_order_release);
}

static int read_first_time(struct plog_segment *s, struct err *e)
{
    struct plog_scan scan;
    uint8_t header[BATCH_HEADER];
    int rc =
        plog_segment_scan(s, &scan, 0, plog_segment_bytes(s), s->base, header, sizeof header, e);
    if (rc < 0)
        return rc;
    scan.gaps = true;
    rc = plog_scan_next(&scan, e);
    if (rc > 0)
        s->first_time = scan.batch.max_timestamp;
    plog_scan_release(&scan);
    return rc < 0 ? rc : 0;
}

int64_t plog_segment_first_time(struct plog_segment *s, struct log *log)
{
    struct err e;
    if (s->first_time != PLOG_TIME_UNREAD)
        return s->first_time;
    s->first_time = -1;
    if (read_first_time(s, &e) < 0)
        log_warn(log, "plog", "segment rolls by size only: %s", e.text);
    return s->first_time;
}

/* The tail */

void plog_segment_add(struct plog_segment *s, uint32_t interval, const struct batch *b)
{
    struct plog_tail *t = atomic_load_explicit(&s->tail, memory_order_relaxed);
    uint64_t pos = atomic_load_explicit(&s->bytes, memory_order_relaxed);
    if (pos == 0)
        s->first_time = b->max_timestamp;
    plog_index_note(&t->index, &s->tally, interval, s->base, b, pos);
    atomic_store_explicit(&s->end, batch_last_offset(b) + 1, memory_order_release);
    atomic_store_explicit(&s->bytes, pos + batch_size(b), memory_order_release);
    s->dirty = true;
}

void plog_segment_mark(struct plog_segment *s)
{
    struct plog_tail *t = atomic_load_explicit(&s->tail, memory_order_relaxed);
    uint64_t i = atomic_load_explicit(&t->done, memory_order_relaxed);
    size_t slot = i % PLOG_MARKS;
    /* The slot's stores release `begun`: who reads a new value from the slot also reads, later,
     * that it was being replaced. */
    atomic_store_explicit(&t->begun, i + 1, memory_order_relaxed);
    atomic_store_explicit(&t->mark[slot].offset, plog_segment_end(s), memory_order_release);
    atomic_store_explicit(&t->mark[slot].pos, plog_segment_bytes(s), memory_order_release);
    atomic_store_explicit(&t->done, i + 1, memory_order_release);
}

bool plog_segment_marked(const struct plog_segment *s, int64_t offset, uint64_t *pos)
{
    const struct plog_tail *t = atomic_load_explicit(&s->tail, memory_order_acquire);
    if (!t)
        return false;
    uint64_t done = atomic_load_explicit(&t->done, memory_order_acquire);
    uint64_t oldest = done > PLOG_MARKS ? done - PLOG_MARKS : 0;
    for (uint64_t i = done; i-- > oldest;) {
        size_t slot = i % PLOG_MARKS;
        int64_t at = atomic_load_explicit(&t->mark[slot].offset, memory_order_acquire);
        if (at < offset)
            return false; /* marks ascend */
        if (at > offset)
            continue;
        *pos = atomic_load_explicit(&t->mark[slot].pos, memory_order_acquire);
        return atomic_load_explicit(&t->begun, memory_order_relaxed) <= i + PLOG_MARKS;
    }
    return false;
}

bool plog_segment_warm(const struct plog_segment *s, int64_t offset)
{
    const struct plog_block *block = plog_segment_block(s);
    if (block && offset >= block->base_offset)
        return true;
    if (!atomic_load_explicit(&s->file, memory_order_acquire))
        return false;
    if (offset >= s->old_end)
        return atomic_load_explicit(&s->tail, memory_order_acquire) != NULL;
    return atomic_load_explicit(&s->old, memory_order_acquire) != NULL;
}
