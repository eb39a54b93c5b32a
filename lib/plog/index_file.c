#include "plog/index_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/mutant.h"
#include "base/wr.h"

static const char check_magic[8] = "CHRONIDX";
enum { CHECK_VERSION = 2, LOG_ENDING = 4 /* ".log" */ };

/* The last ".log" in a path. */
static const char *find_ending(const char *log_path)
{
    const char *found = NULL;
    for (const char *at = log_path; (at = strstr(at, ".log")); at++)
        found = at;
    return found;
}

int plog_sibling(char *buf, size_t cap, const char *log_path, const char *ending)
{
    const char *at = find_ending(log_path);
    if (!at)
        return -EINVAL;
    int len =
        snprintf(buf, cap, "%.*s%s%s", (int)(at - log_path), log_path, ending, at + LOG_ENDING);
    return len < 0 || (size_t)len >= cap ? -ENAMETOOLONG : 0;
}

static uint32_t check_crc(const uint8_t *p)
{
    static const uint8_t zero[4];
    uint32_t crc = crc32c(0, p, 12);
    crc = crc32c(crc, zero, 4);
    return crc32c(crc, p + 16, PLOG_CHECK_SIZE - 16);
}

static void check_encode(const struct plog_check *c, uint8_t *p)
{
    memset(p, 0, PLOG_CHECK_SIZE);
    memcpy(p, check_magic, sizeof check_magic);
    put_le32(p + 8, CHECK_VERSION);
    memcpy(p + 16, c->id.topic_id.b, sizeof c->id.topic_id.b);
    put_le32(p + 32, (uint32_t)c->id.partition);
    put_le64(p + 40, (uint64_t)c->id.base);
    put_le64(p + 48, c->bytes);
    put_le64(p + 56, (uint64_t)c->end);
    put_le64(p + 64, (uint64_t)c->max_timestamp);
    put_le64(p + 72, (uint64_t)c->max_timestamp_offset);
    put_le32(p + 80, c->n_offsets);
    put_le32(p + 84, c->offsets_crc);
    put_le32(p + 88, c->n_times);
    put_le32(p + 92, c->times_crc);
    put_le32(p + 96, c->last_sum);
    put_le32(p + 100, c->sums_crc);
    put_le32(p + 12, check_crc(p));
}

static int check_decode(const uint8_t *p, size_t n, struct plog_check *c)
{
    if (n < PLOG_CHECK_SIZE || memcmp(p, check_magic, sizeof check_magic) != 0 ||
        get_le32(p + 8) != CHECK_VERSION || get_le32(p + 12) != check_crc(p))
        return ERR_CORRUPT;
    *c = (struct plog_check){
        .id = {.partition = (int32_t)get_le32(p + 32), .base = (int64_t)get_le64(p + 40)},
        .bytes = get_le64(p + 48),
        .end = (int64_t)get_le64(p + 56),
        .max_timestamp = (int64_t)get_le64(p + 64),
        .max_timestamp_offset = (int64_t)get_le64(p + 72),
        .n_offsets = get_le32(p + 80),
        .offsets_crc = get_le32(p + 84),
        .n_times = get_le32(p + 88),
        .times_crc = get_le32(p + 92),
        .last_sum = get_le32(p + 96),
        .sums_crc = get_le32(p + 100),
    };
    memcpy(c->id.topic_id.b, p + 16, sizeof c->id.topic_id.b);
    return 0;
}

static bool same_id(const struct plog_segment_id *a, const struct plog_segment_id *b)
{
    return uuid_eq(&a->topic_id, &b->topic_id) && a->partition == b->partition &&
           a->base == b->base;
}

int plog_check_load(struct io *io, const char *log_path, const struct plog_segment_id *id,
                    struct plog_check *c, struct err *e)
{
    char path[IO_PATH_MAX];
    uint8_t buf[PLOG_CHECK_SIZE];
    struct io_file *f;

    int rc = plog_sibling(path, sizeof path, log_path, ".check");
    if (rc < 0)
        return err_code(e, rc, "%s", log_path);
    rc = io_open(io, path, IO_READ, &f);
    if (rc == -ENOENT)
        return err_set(e, ERR_NOTFOUND, "%s: no such file", path);
    if (rc < 0)
        return err_code(e, rc, "%s", path);
    ssize_t n = io_pread(f, buf, sizeof buf, 0);
    io_close(f);
    if (n < 0)
        return err_code(e, (int)n, "%s", path);
    rc = check_decode(buf, (size_t)n, c);
    if (rc < 0)
        return err_code(e, rc, "%s", path);
    if (id && !same_id(&c->id, id))
        return err_set(e, ERR_CORRUPT, "%s: is another segment's", path);
    return 0;
}

static int read_part(struct io_file *f, uint64_t at, size_t n, uint8_t **out)
{
    struct io_stat st;
    int rc = io_fstat(f, &st);
    if (rc < 0)
        return rc;
    if (st.size < at || st.size - at < n)
        return ERR_SHORT;
    *out = malloc(n ? n : 1);
    if (!*out)
        return -ENOMEM;
    ssize_t got = io_pread(f, *out, n, at);
    if (got == (ssize_t)n)
        return 0;
    free(*out);
    return got < 0 ? (int)got : ERR_SHORT;
}

/* n bytes from byte `at` on, which must have that CRC, malloc'ed. More may follow: entries that
 * were added just before the process died. */
static int read_entries(struct io *io, const char *log_path, const char *ending, uint64_t at,
                        size_t n, uint32_t crc, uint8_t **out, struct err *e)
{
    char path[IO_PATH_MAX];
    struct io_file *f;

    int rc = plog_sibling(path, sizeof path, log_path, ending);
    if (rc == 0)
        rc = io_open(io, path, IO_READ, &f);
    if (rc == 0) {
        rc = read_part(f, at, n, out);
        io_close(f);
    }
    if (rc == -ENOENT || rc == ERR_SHORT)
        return err_set(e, ERR_CORRUPT, "%s: fewer than the %zu bytes that were written", path, n);
    if (rc < 0)
        return err_code(e, rc, "%s", path);
    if (crc32c(0, *out, n) != crc && !MUTANT(index_unchecked)) {
        free(*out);
        return err_set(e, ERR_CORRUPT, "%s: its checksum is another one", path);
    }
    return 0;
}

static int load_offsets(struct io *io, const char *log_path, const struct plog_check *c,
                        struct plog_index *ix, struct err *e)
{
    uint8_t *p, *sums;
    int rc = read_entries(io, log_path, ".index", 0, (size_t)c->n_offsets * PLOG_OFFSET_ENTRY,
                          c->offsets_crc, &p, e);
    if (rc < 0)
        return rc;
    rc = read_entries(io, log_path, ".check", PLOG_CHECK_SIZE,
                      (size_t)c->n_offsets * PLOG_CHECK_SUM, c->sums_crc, &sums, e);
    if (rc < 0) {
        free(p);
        return rc;
    }
    for (uint32_t i = 0; i < c->n_offsets && rc == 0; i++) {
        const uint8_t *at = p + (size_t)i * PLOG_OFFSET_ENTRY;
        struct plog_offset_entry o = {get_be32(at), get_be32(at + 4),
                                      get_le32(sums + (size_t)i * PLOG_CHECK_SUM)};
        rc = plog_grow_push(&ix->offsets, &o);
    }
    free(sums);
    free(p);
    return rc < 0 ? err_code(e, rc, "%s: index", log_path) : 0;
}

static int load_times(struct io *io, const char *log_path, const struct plog_check *c,
                      struct plog_index *ix, struct err *e)
{
    uint8_t *p;
    int rc = read_entries(io, log_path, ".timeindex", 0, (size_t)c->n_times * PLOG_TIME_ENTRY,
                          c->times_crc, &p, e);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < c->n_times && rc == 0; i++) {
        const uint8_t *at = p + (size_t)i * PLOG_TIME_ENTRY;
        struct plog_time_entry t = {(int64_t)get_be64(at), get_be32(at + 8)};
        rc = plog_grow_push(&ix->times, &t);
    }
    free(p);
    return rc < 0 ? err_code(e, rc, "%s: time index", log_path) : 0;
}

int plog_index_load(struct io *io, const char *log_path, const struct plog_segment_id *id,
                    struct plog_check *c, struct plog_index *ix, struct err *e)
{
    int rc = plog_check_load(io, log_path, id, c, e);
    if (rc < 0)
        return rc;
    rc = load_offsets(io, log_path, c, ix, e);
    return rc < 0 ? rc : load_times(io, log_path, c, ix, e);
}

static void put_offset(struct wr *w, const struct plog_offset_entry *o)
{
    wr_be32(w, o->last);
    wr_be32(w, o->pos);
}

static void put_offsets(struct wr *w, const struct plog_index *ix, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        put_offset(w, plog_grow_at(&ix->offsets, i));
}

/* Timestamps in the file only grow, also where two indexes meet. */
static void put_time(struct wr *w, const struct plog_time_entry *t, int64_t *last_time)
{
    if (t->timestamp <= *last_time)
        return;
    *last_time = t->timestamp;
    wr_be64(w, (uint64_t)t->timestamp);
    wr_be32(w, t->last);
}

static void put_times(struct wr *w, const struct plog_index *ix, uint32_t from, uint32_t to,
                      int64_t *last_time)
{
    for (uint32_t i = from; i < to; i++)
        put_time(w, plog_grow_at(&ix->times, i), last_time);
}

/* Write the bytes at byte `at` of a sibling; anew: nothing stays behind them. */
static int write_at(struct io *io, const char *log_path, const char *ending, struct span bytes,
                    uint64_t at, bool anew, struct err *e)
{
    char path[IO_PATH_MAX];
    struct io_file *f;

    int rc = plog_sibling(path, sizeof path, log_path, ending);
    if (rc == 0)
        rc = io_open(io, path, IO_WRITE | IO_CREATE, &f);
    if (rc < 0)
        return err_code(e, rc, "%s", path);
    rc = bytes.n ? io_pwrite(f, bytes.p, bytes.n, at) : 0;
    if (rc == 0 && anew)
        rc = io_truncate(f, at + bytes.n);
    io_close(f);
    return rc < 0 ? err_code(e, rc, "%s: write", path) : 0;
}

/* Add encoded entries to a file that holds *n of them with *crc. */
static int add(struct io *io, const char *log_path, const char *ending, const struct wr *w,
               size_t entry, uint32_t *n, uint32_t *crc, bool anew, struct err *e)
{
    if (w->err)
        return err_code(e, w->err, "%s: index", log_path);
    if (w->len == 0 && !anew)
        return 0;
    int rc = write_at(io, log_path, ending, span_of(w->buf, w->len), (uint64_t)*n * entry, anew, e);
    *crc = crc32c(*crc, w->buf, w->len);
    *n += (uint32_t)(w->len / entry);
    return rc;
}

static int save_offsets(struct io *io, const char *log_path, const struct plog_to_save *what,
                        struct plog_saved *saved, struct err *e)
{
    struct wr w;
    wr_init(&w, 0);
    if (!saved->valid && what->old)
        put_offsets(&w, what->old, 0, plog_grow_count(&what->old->offsets));
    if (what->tail)
        put_offsets(&w, what->tail, saved->tail_offsets, what->tail_offsets);
    int rc = add(io, log_path, ".index", &w, PLOG_OFFSET_ENTRY, &saved->n_offsets,
                 &saved->offsets_crc, !saved->valid, e);
    saved->tail_offsets = what->tail_offsets;
    wr_free(&w);
    return rc;
}

static int save_times(struct io *io, const char *log_path, const struct plog_to_save *what,
                      struct plog_saved *saved, struct err *e)
{
    struct wr w;
    wr_init(&w, 0);
    if (!saved->valid && what->old)
        put_times(&w, what->old, 0, plog_grow_count(&what->old->times), &saved->last_time);
    if (what->tail)
        put_times(&w, what->tail, saved->tail_times, what->tail_times, &saved->last_time);
    if (what->whole) {
        struct plog_time_entry last = {what->max_timestamp,
                                       (uint32_t)(what->max_timestamp_offset - what->id.base)};
        put_time(&w, &last, &saved->last_time);
    }
    int rc = add(io, log_path, ".timeindex", &w, PLOG_TIME_ENTRY, &saved->n_times,
                 &saved->times_crc, !saved->valid, e);
    saved->tail_times = what->tail_times;
    wr_free(&w);
    return rc;
}

static void put_sums(struct wr *w, const struct plog_index *ix, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        wr_le32(w, ((const struct plog_offset_entry *)plog_grow_at(&ix->offsets, i))->sum);
}

/* The sums of the entries that save_offsets has added, of which the file had n. */
static int save_sums(struct io *io, const char *log_path, const struct plog_to_save *what,
                     struct plog_saved *saved, uint32_t n, uint32_t from, struct err *e)
{
    struct wr w;
    wr_init(&w, 0);
    if (!saved->valid && what->old)
        put_sums(&w, what->old, 0, plog_grow_count(&what->old->offsets));
    if (what->tail && what->old && from == 0 && what->tail_offsets > 0) {
        wr_le32(&w, what->old_sum); /* the tail did not know what it follows */
        from = 1;
    }
    if (what->tail)
        put_sums(&w, what->tail, from, what->tail_offsets);
    int rc = w.err ? err_code(e, w.err, "%s: index", log_path) : 0;
    if (rc == 0 && (w.len > 0 || !saved->valid))
        rc = write_at(io, log_path, ".check", span_of(w.buf, w.len),
                      PLOG_CHECK_SIZE + (uint64_t)n * PLOG_CHECK_SUM, !saved->valid, e);
    saved->sums_crc = crc32c(saved->sums_crc, w.buf, w.len);
    wr_free(&w);
    return rc;
}

static int save_check(struct io *io, const char *log_path, const struct plog_to_save *what,
                      const struct plog_saved *saved, struct err *e)
{
    uint8_t buf[PLOG_CHECK_SIZE];
    struct plog_check c = {
        .id = what->id,
        .bytes = what->bytes,
        .end = what->end,
        .max_timestamp = what->max_timestamp,
        .max_timestamp_offset = what->max_timestamp_offset,
        .n_offsets = saved->n_offsets,
        .offsets_crc = saved->offsets_crc,
        .n_times = saved->n_times,
        .times_crc = saved->times_crc,
        .last_sum = what->last_sum,
        .sums_crc = saved->sums_crc,
    };
    check_encode(&c, buf);
    return write_at(io, log_path, ".check", span_of(buf, sizeof buf), 0, false, e);
}

int plog_index_save(struct io *io, const char *log_path, const struct plog_to_save *what,
                    struct plog_saved *saved, struct err *e)
{
    if (!saved->valid)
        *saved = (struct plog_saved){.last_time = -1};
    uint32_t n = saved->n_offsets, from = saved->tail_offsets;
    int rc = save_offsets(io, log_path, what, saved, e);
    if (rc == 0)
        rc = save_sums(io, log_path, what, saved, n, from, e);
    if (rc == 0)
        rc = save_times(io, log_path, what, saved, e);
    if (rc == 0)
        rc = save_check(io, log_path, what, saved, e);
    saved->valid = rc == 0;
    return rc;
}
