#include "cli/log_derived.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"

enum { FILE_MAX = 1 << 30 };

void log_derived_release(struct log_derived *d)
{
    free(d->offsets);
    free(d->times);
    free(d->sums);
    *d = (struct log_derived){0};
}

/* ---- indexes */

/* 1 and the file; 0 if there is none. */
static int read_sibling(struct io *io, const struct log_segment *s, const char *ending,
                        uint8_t **buf, size_t *n, struct err *e)
{
    char path[IO_PATH_MAX];
    *buf = NULL;
    *n = 0;
    int rc = plog_sibling(path, sizeof path, s->path, ending);
    if (rc == 0)
        rc = io_read_file(io, path, FILE_MAX, buf, n);
    if (rc == -ENOENT)
        return 0;
    return rc < 0 ? err_code(e, rc, "%s", path) : 1;
}

/* Kafka makes an index as large as it may become, and cuts it when the segment is complete. */
static size_t used_entries(const uint8_t *p, size_t n, size_t entry)
{
    static const uint8_t zeros[PLOG_TIME_ENTRY];
    size_t count = n / entry;
    while (count > 0 && memcmp(p + (count - 1) * entry, zeros, entry) == 0)
        count--;
    return count;
}

/* The checksum of the entries that the check file speaks of. */
static uint32_t checked_crc(const struct log_derived *d, const uint8_t *p, size_t n, uint64_t bytes)
{
    return d->has_check && d->check_rc == 0 && bytes <= n ? crc32c(0, p, (size_t)bytes) : 0;
}

static int read_offsets(struct log_derived *d, struct io *io, const struct log_segment *s,
                        struct err *e)
{
    uint8_t *p;
    int rc = read_sibling(io, s, ".index", &p, &d->offsets_size, e);
    if (rc <= 0)
        return rc;
    d->has_offsets = true;
    d->offsets_crc =
        checked_crc(d, p, d->offsets_size, (uint64_t)d->check.n_offsets * PLOG_OFFSET_ENTRY);
    d->n_offsets = used_entries(p, d->offsets_size, PLOG_OFFSET_ENTRY);
    d->offsets = calloc(d->n_offsets + 1, sizeof *d->offsets);
    for (size_t i = 0; d->offsets && i < d->n_offsets; i++)
        d->offsets[i] = (struct plog_offset_entry){get_be32(p + i * PLOG_OFFSET_ENTRY),
                                                   get_be32(p + i * PLOG_OFFSET_ENTRY + 4)};
    free(p);
    return d->offsets ? 0 : err_code(e, -ENOMEM, "%s", s->path);
}

static int read_times(struct log_derived *d, struct io *io, const struct log_segment *s,
                      struct err *e)
{
    uint8_t *p;
    int rc = read_sibling(io, s, ".timeindex", &p, &d->times_size, e);
    if (rc <= 0)
        return rc;
    d->has_times = true;
    d->times_crc = checked_crc(d, p, d->times_size, (uint64_t)d->check.n_times * PLOG_TIME_ENTRY);
    d->n_times = used_entries(p, d->times_size, PLOG_TIME_ENTRY);
    d->times = calloc(d->n_times + 1, sizeof *d->times);
    for (size_t i = 0; d->times && i < d->n_times; i++)
        d->times[i] = (struct plog_time_entry){(int64_t)get_be64(p + i * PLOG_TIME_ENTRY),
                                               get_be32(p + i * PLOG_TIME_ENTRY + 8)};
    free(p);
    return d->times ? 0 : err_code(e, -ENOMEM, "%s", s->path);
}

static int read_check(struct log_derived *d, struct io *io, const struct log_segment *s,
                      struct err *e)
{
    struct err why;
    int rc = plog_check_load(io, s->path, NULL, &d->check, &why);
    d->has_check = rc == 0 || rc == ERR_CORRUPT;
    d->check_rc = rc;
    if (rc == 0 || rc == ERR_NOTFOUND)
        return 0;
    snprintf(d->check_reason, sizeof d->check_reason, "%s", err_str(rc));
    if (rc < 0 && rc != ERR_CORRUPT && e)
        *e = why;
    return rc == ERR_CORRUPT ? 0 : rc;
}

static int read_sums(struct log_derived *d, struct io *io, const struct log_segment *s,
                     struct err *e)
{
    uint8_t *p;
    size_t n, want = (size_t)d->check.n_offsets * PLOG_CHECK_SUM;
    if (!d->has_check || d->check_rc < 0 || d->offsets_crc != d->check.offsets_crc ||
        d->n_offsets < d->check.n_offsets)
        return 0;
    int rc = read_sibling(io, s, ".check", &p, &n, e);
    if (rc <= 0)
        return rc;
    if (n >= PLOG_CHECK_SIZE + want && crc32c(0, p + PLOG_CHECK_SIZE, want) == d->check.sums_crc) {
        d->sums = calloc(d->check.n_offsets + 1, sizeof *d->sums);
        if (!d->sums)
            rc = err_code(e, -ENOMEM, "%s", s->path);
        for (uint32_t i = 0; d->sums && i < d->check.n_offsets; i++)
            d->sums[i] = get_le32(p + PLOG_CHECK_SIZE + (size_t)i * PLOG_CHECK_SUM);
    }
    free(p);
    return rc < 0 ? rc : 0;
}

int log_derived_read(struct log_derived *d, struct io *io, const struct log_segment *s,
                     struct err *e)
{
    *d = (struct log_derived){0};
    size_t n = strlen(s->path);
    if (n < 4 || strcmp(s->path + n - 4, ".log") != 0 || s->base < 0)
        return 0; /* a copy under another name has no siblings */
    int rc = read_check(d, io, s, e);
    if (rc == 0)
        rc = read_offsets(d, io, s, e);
    if (rc == 0)
        rc = read_times(d, io, s, e);
    return rc < 0 ? rc : read_sums(d, io, s, e);
}

/* ---- epochs */

/* A line of the file. */
struct lines {
    const char *p;
    size_t at;
};

/* Numbers of the next line, exactly so many, with a newline behind the last. */
static bool next_line(struct lines *l, int64_t *v, int n)
{
    char *end;
    const char *from = l->p + l->at, *p = from;
    for (int i = 0; i < n; i++) {
        errno = 0;
        if (*p != '-' && (*p < '0' || *p > '9'))
            return false;
        v[i] = strtoll(p, &end, 10);
        if (errno || end == p || *end != (i + 1 < n ? ' ' : '\n'))
            return false;
        p = end + 1;
    }
    l->at += (size_t)(p - from);
    return true;
}

static bool next_epoch(struct lines *l, struct plog_epoch *e)
{
    int64_t v[2];
    if (!next_line(l, v, 2) || v[0] < 0 || v[0] > INT32_MAX || v[1] < 0)
        return false;
    *e = (struct plog_epoch){(int32_t)v[0], v[1]};
    return true;
}

/* Epochs and where they begin ascend. */
static bool follows(const struct plog_epoch *e, const struct plog_epoch *before)
{
    return e->epoch > before->epoch && e->start >= before->start;
}

static int make_room(struct log_epochs *to, size_t n)
{
    to->v = calloc(n + 1, sizeof *to->v);
    to->at = calloc(n + 1, sizeof *to->at);
    return to->v && to->at ? 0 : -ENOMEM;
}

static int parse(struct log_epochs *to, const char *text, size_t n, size_t *fault)
{
    struct lines l = {text, 0};
    int64_t version, count;
    if (!next_line(&l, &version, 1) || version != 0 || !next_line(&l, &count, 1) || count < 0 ||
        (uint64_t)count > n)
        return ERR_CORRUPT;
    if (make_room(to, (size_t)count) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < (size_t)count; i++) {
        *fault = to->at[i] = l.at;
        if (!next_epoch(&l, &to->v[i]) || (i > 0 && !follows(&to->v[i], &to->v[i - 1])))
            return ERR_CORRUPT;
        to->n++;
    }
    *fault = l.at;
    return l.at == n ? 0 : ERR_CORRUPT;
}

int log_epochs_read(struct log_epochs *to, struct io *io, const char *path, size_t *fault,
                    struct err *e)
{
    uint8_t *buf;
    size_t n;
    *to = (struct log_epochs){0};
    *fault = 0;
    int rc = io_read_file(io, path, FILE_MAX, &buf, &n);
    if (rc < 0)
        return err_code(e, rc == -ENOENT ? ERR_NOTFOUND : rc, "%s", path);
    rc = parse(to, (const char *)buf, n, fault);
    free(buf);
    return rc < 0 ? err_code(e, rc, "%s: byte %zu", path, *fault) : 0;
}

void log_epochs_release(struct log_epochs *e)
{
    free(e->v);
    free(e->at);
    *e = (struct log_epochs){0};
}
