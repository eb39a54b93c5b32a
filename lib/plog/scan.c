#include "plog/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/mutant.h"

uint8_t *plog_scan_window(uint64_t bytes, size_t *cap)
{
    if (bytes < *cap)
        *cap = bytes < BATCH_HEADER ? BATCH_HEADER : (size_t)bytes;
    return malloc(*cap);
}

void plog_scan_init(struct plog_scan *s, struct io_file *file, const char *path, uint64_t pos,
                    uint64_t end, int64_t next, void *window, size_t cap)
{
    *s = (struct plog_scan){
        .file = file,
        .path = path,
        .pos = pos,
        .end = end,
        .next = next,
        .window = window,
        .cap = cap,
    };
}

void plog_scan_release(struct plog_scan *s)
{
    free(s->heap);
}

static int fault(const struct plog_scan *s, struct err *e, const char *what)
{
    return err_set(e, ERR_CORRUPT, "%s: byte %" PRIu64 ": %s", s->path, s->pos, what);
}

/* A window of n bytes at least. What it held is lost. */
static int widen(struct plog_scan *s, size_t n, struct err *e)
{
    if (n <= s->cap)
        return 0;
    uint8_t *p = malloc(n);
    if (!p)
        return err_code(e, -ENOMEM, "%s: a batch of %zu bytes", s->path, n);
    free(s->heap);
    s->heap = s->window = p;
    s->cap = n;
    s->window_len = 0;
    return 0;
}

static ssize_t read_window(struct plog_scan *s, size_t n, uint64_t pos)
{
    s->window_len = 0;
    return s->now ? io_pread_now(s->file, s->window, n, pos) : io_pread(s->file, s->window, n, pos);
}

/* Get bytes [pos, pos + n), which lie before the end, into the window. */
static int fill(struct plog_scan *s, uint64_t pos, size_t n, const uint8_t **bytes, struct err *e)
{
    uint64_t file_end = s->end;
    if (s->block && s->block->pos < file_end) {
        file_end = s->block->pos;
        if (pos >= file_end) {
            *bytes = s->block->bytes + (pos - file_end);
            return 0;
        }
    }
    if (pos >= s->window_pos && pos + n <= s->window_pos + s->window_len) {
        *bytes = s->window + (pos - s->window_pos);
        return 0;
    }
    int rc = widen(s, n, e);
    if (rc < 0)
        return rc;
    size_t want = file_end - pos < s->cap ? (size_t)(file_end - pos) : s->cap;
    ssize_t got = read_window(s, want, pos);
    if (s->now && (got == -EAGAIN || (got >= 0 && (size_t)got < n)))
        return -EAGAIN;
    if (got < 0)
        return err_code(e, (int)got, "%s: read at byte %" PRIu64, s->path, pos);
    s->window_pos = pos;
    s->window_len = (size_t)got;
    if ((size_t)got < n)
        return err_set(e, ERR_CORRUPT,
                       "%s: the file ends at byte %" PRIu64 ", %" PRIu64 " were written", s->path,
                       pos + (uint64_t)got, file_end);
    *bytes = s->window;
    return 0;
}

static int check_batch(struct plog_scan *s, const struct batch *b, struct err *e)
{
    if (batch_size(b) > s->end - s->pos) {
        s->torn = true;
        return fault(s, e, "a batch longer than what is left");
    }
    if (s->next >= 0 && (b->base_offset < s->next || (b->base_offset > s->next && !s->gaps)))
        return err_set(e, ERR_CORRUPT,
                       "%s: byte %" PRIu64 ": offset %" PRId64 " where %" PRId64 " is due", s->path,
                       s->pos, b->base_offset, s->next);
    if (s->pos < s->old_bytes && batch_last_offset(b) >= s->old_end && !MUTANT(old_end_unchecked))
        return err_set(e, ERR_CORRUPT,
                       "%s: byte %" PRIu64 ": offset %" PRId64 ", but byte %" PRIu64
                       " ends at %" PRId64,
                       s->path, s->pos, batch_last_offset(b), s->old_bytes, s->old_end);
    return 0;
}

int plog_scan_next(struct plog_scan *s, struct err *e)
{
    const uint8_t *p;
    struct batch b;

    if (s->pos >= s->end)
        return 0;
    if (s->end - s->pos < BATCH_HEADER) {
        s->torn = true;
        return fault(s, e, "too few bytes for a batch header");
    }
    int rc = fill(s, s->pos, BATCH_HEADER, &p, e);
    if (rc < 0)
        return rc;
    if (batch_peek(span_of(p, BATCH_HEADER), &b) < 0 || b.base_offset < 0)
        return fault(s, e, "no batch header");
    rc = check_batch(s, &b, e);
    if (rc < 0)
        return rc;
    s->batch = b;
    s->at = s->pos;
    s->pos += batch_size(&b);
    s->next = batch_last_offset(&b) + 1;
    return 1;
}

int plog_scan_bytes(struct plog_scan *s, struct span *bytes, struct err *e)
{
    const uint8_t *p;
    struct batch b;
    struct err why;
    size_t n = batch_size(&s->batch);

    int rc = fill(s, s->at, n, &p, e);
    if (rc < 0)
        return rc;
    *bytes = span_of(p, n);
    if (batch_verify(*bytes, &b, &why) < 0)
        return err_set(e, ERR_CORRUPT, "%s: byte %" PRIu64 ": %s", s->path, s->at, why.text);
    return 0;
}
