#include "tests/unit/plog/fixture.h"
#include "plog/plog_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch/records.h"

enum { SEGMENTS_MAX = 4096 };

static void init(struct fixture *f, struct io *io, const char *dir)
{
    f->io = io;
    f->random = 12345;
    f->cfg = (struct plog_config){
        .io = io,
        .dir = dir,
        .settings = {.segment_bytes = 2000, .index_interval_bytes = 200},
    };
    ck_assert_ok(uuid_parse(&f->id, "AAAAAAAAAAAAAAAAAAAABw"));
}

void fixture_init(struct fixture *f)
{
    *f = (struct fixture){.mem = io_mem_new()};
    init(f, io_mem_io(f->mem), "/");
}

void fixture_init_posix(struct fixture *f)
{
    *f = (struct fixture){0};
    init(f, io_posix(), unit_dir());
}

void fixture_release(struct fixture *f)
{
    if (f->log)
        plog_free(f->log);
    fixture_cut(f, 0);
    free(f->batches);
    if (f->mem)
        io_mem_free(f->mem);
}

void fixture_open_new(struct fixture *f)
{
    ck_assert_ok(plog_open(&f->log, &f->cfg, "t", 0, &f->id, NULL, NULL, 0, NULL));
}

int fixture_try_reopen(struct fixture *f, const struct plog_mark *mark, struct err *e)
{
    struct plog_epoch epochs[16];
    size_t n = 0;
    if (f->log) {
        const struct plog_epoch *now = plog_epochs(f->log, &n);
        for (size_t i = 0; i < n && now[i].start < mark->log_end; i++)
            epochs[i] = now[i];
        while (n && now[n - 1].start >= mark->log_end)
            n--;
        plog_free(f->log);
        f->log = NULL;
    }
    return plog_open(&f->log, &f->cfg, "t", 0, &f->id, mark, epochs, n, e);
}

void fixture_reopen(struct fixture *f, const struct plog_mark *mark)
{
    struct err e;
    int rc = fixture_try_reopen(f, mark, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    plog_set_high_watermark(f->log, plog_log_end(f->log));
}

uint32_t fixture_random(struct fixture *f, uint32_t below)
{
    f->random = f->random * 1664525 + 1013904223;
    return (f->random >> 8) % below;
}

int64_t fixture_end(const struct fixture *f)
{
    return f->n ? f->batches[f->n - 1].next : 0;
}

bool fixture_is_warm(struct fixture *f, int64_t offset)
{
    struct plog_slice s;
    int rc = plog_read_now(f->log, offset, INT64_MAX, 1 << 20, true, &s, NULL);
    ck_assert(rc == 0 || rc == -EAGAIN);
    plog_slice_release(&s);
    return rc == 0;
}

void fixture_make(struct fixture *f, int records, size_t value_size, int64_t first_time,
                  int64_t time_step, int32_t epoch)
{
    struct batch_builder b;
    struct wr w;
    uint8_t *value = malloc(value_size + 1);
    memset(value, 'a' + (int)(f->n % 26), value_size + 1);
    wr_init(&w, 0);
    batch_builder_init(&b, f->n % 5 == 3 ? BATCH_LZ4 : BATCH_NONE);
    for (int i = 0; i < records; i++)
        batch_builder_add(&b, first_time + i * time_step, span_of(NULL, 0),
                          span_of(value, value_size), NULL, 0);
    ck_assert_ok(batch_builder_finish(&b, &w));
    batch_builder_release(&b);
    free(value);
    int64_t base = fixture_end(f);
    batch_place(w.buf, base, epoch);
    f->batches = realloc(f->batches, (f->n + 1) * sizeof *f->batches);
    f->batches[f->n++] = (struct fixture_batch){
        base, base + records, span_of(w.buf, w.len), first_time, time_step,
    };
}

void fixture_append(struct fixture *f, size_t from)
{
    struct span *spans = calloc(f->n - from + 1, sizeof *spans);
    struct err e;
    for (size_t i = from; i < f->n; i++)
        spans[i - from] = f->batches[i].bytes;
    int rc = plog_append(f->log, spans, f->n - from, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    free(spans);
    ck_assert_int_eq(plog_log_end(f->log), fixture_end(f));
    plog_set_high_watermark(f->log, fixture_end(f));
}

/* Epochs grow, also behind one that a test chose. */
static int32_t next_epoch(const struct fixture *f)
{
    struct batch b;
    int32_t epoch = (int32_t)(f->n / 30);
    if (f->n && batch_peek(f->batches[f->n - 1].bytes, &b) == 0 && b.leader_epoch > epoch)
        return b.leader_epoch;
    return epoch;
}

void fixture_fill(struct fixture *f, size_t n)
{
    size_t from = f->n;
    for (size_t i = 0; i < n; i++) {
        int64_t time = 1000 + (int64_t)f->n * 10 - fixture_random(f, 200);
        int64_t step = (int64_t)fixture_random(f, 7) - 3;
        fixture_make(f, 1 + (int)fixture_random(f, 5), fixture_random(f, 60), time, step,
                     next_epoch(f));
        if (fixture_random(f, 3) == 0 || i + 1 == n) {
            fixture_append(f, from);
            from = f->n;
        }
    }
}

static void sync_all(struct fixture *f)
{
    struct io_file *dir;
    ck_assert_ok(io_open(f->io, f->cfg.dir, IO_READ, &dir));
    ck_assert_ok(io_sync_fs(dir));
    io_close(dir);
}

void fixture_sync(struct fixture *f, bool with_fs)
{
    struct plog_syncing *s;
    struct err e;
    ck_assert_ok(plog_sync_begin(f->log, &s, NULL));
    if (!s)
        return;
    int rc = plog_syncing_run(s, with_fs, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    if (with_fs)
        sync_all(f);
    plog_syncing_free(s);
}

void fixture_cut(struct fixture *f, int64_t end)
{
    while (f->n && f->batches[f->n - 1].base >= end)
        free((void *)f->batches[--f->n].bytes.p);
}

const char *fixture_path(struct fixture *f, int64_t base, const char *ending)
{
    char name[64];
    snprintf(name, sizeof name, "t-0/%020lld%s", (long long)base, ending);
    return unit_path(f->cfg.dir, name);
}

bool fixture_exists(struct fixture *f, const char *path)
{
    struct io_stat st;
    int rc = io_stat(f->io, path, &st);
    ck_assert(rc == 0 || rc == -ENOENT);
    return rc == 0;
}

size_t fixture_segments(struct fixture *f, int64_t *bases, size_t cap)
{
    char **names;
    size_t n, found = 0;
    ck_assert_ok(io_names(f->io, unit_path(f->cfg.dir, "t-0"), &names, &n));
    for (size_t i = 0; i < n; i++) {
        if (strlen(names[i]) == 24 && strcmp(names[i] + 20, ".log") == 0) {
            ck_assert_uint_lt(found, cap);
            bases[found++] = strtoll(names[i], NULL, 10);
        }
    }
    io_names_free(names, n);
    return found;
}

/* Reading */

static size_t batch_at(const struct fixture *f, int64_t offset)
{
    size_t i = 0;
    while (f->batches[i].next <= offset)
        i++;
    return i;
}

static bool begins_segment(const int64_t *bases, size_t n, int64_t base)
{
    for (size_t i = 0; i < n; i++) {
        if (bases[i] == base)
            return true;
    }
    return false;
}

/* The batches [first, last) that a read must give. */
static void expected(const struct fixture *f, const int64_t *bases, size_t n_bases, int64_t offset,
                     int64_t limit, uint32_t max, bool min_one, size_t *first, size_t *last)
{
    size_t bytes = 0;
    *first = *last = batch_at(f, offset);
    for (size_t i = *first; i < f->n && f->batches[i].next <= limit; i++) {
        if (i > *first && begins_segment(bases, n_bases, f->batches[i].base))
            break;
        bytes += f->batches[i].bytes.n;
        if (bytes > max && !(i == *first && min_one))
            break;
        *last = i + 1;
    }
}

static void check_slice(struct fixture *f, const struct plog_slice *s, size_t first, size_t last)
{
    if (first == last) {
        ck_assert_uint_eq(s->len, 0);
        return;
    }
    uint8_t *buf = malloc(s->len + 1);
    ck_assert_int_eq(s->base_offset, f->batches[first].base);
    ck_assert_int_eq(s->next_offset, f->batches[last - 1].next);
    ck_assert_int_eq(plog_slice_read(s, buf), s->len);
    size_t at = 0;
    for (size_t i = first; i < last; i++) {
        struct span b = f->batches[i].bytes;
        ck_assert_uint_le(at + b.n, s->len);
        ck_assert_mem_eq(buf + at, b.p, b.n);
        at += b.n;
    }
    ck_assert_uint_eq(at, s->len);
    free(buf);
}

static void check_read(struct fixture *f, const int64_t *bases, size_t n_bases, int64_t offset,
                       int64_t limit, uint32_t max, bool min_one)
{
    struct plog_slice s;
    struct err e;
    size_t first = 0, last = 0;
    int rc = plog_read(f->log, offset, limit, max, min_one, &s, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    if (offset < limit)
        expected(f, bases, n_bases, offset, limit, max, min_one, &first, &last);
    check_slice(f, &s, first, last);
    if (s.len) {
        rc = plog_slice_verify(f->log, &s, &e);
        ck_assert_msg(rc == 0, "%s", e.text);
    }
    plog_slice_release(&s);
}

/* Where a slice ends whatever is asked for: where a segment begins, and the block. */
static size_t ends_of_slices(struct fixture *f, int64_t *offsets)
{
    const struct plog_block *block = plog_segment_block(plog_active(f->log));
    size_t n = plog_segments_count(f->log);
    ck_assert_uint_lt(n, SEGMENTS_MAX);
    for (size_t i = 0; i < n; i++)
        offsets[i] = plog_segments_at(f->log, i).base;
    if (block)
        offsets[n++] = block->base_offset;
    return n;
}

void fixture_check_reads(struct fixture *f)
{
    static const uint32_t sizes[] = {0, 1, 61, 150, 500, 1999, 2000, 1 << 20};
    int64_t bases[SEGMENTS_MAX];
    size_t n = ends_of_slices(f, bases);
    int64_t end = plog_log_end(f->log);
    ck_assert_int_eq(end, fixture_end(f));
    for (int64_t offset = plog_log_start(f->log); offset <= end; offset++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            int64_t some = offset + fixture_random(f, 40);
            int64_t limit = some < end && i % 2 ? some : end;
            check_read(f, bases, n, offset, limit, sizes[i], true);
            check_read(f, bases, n, offset, limit, sizes[i], false);
        }
    }
}

void fixture_check_all(struct fixture *f)
{
    int64_t offset = plog_log_start(f->log);
    size_t i = batch_at(f, offset);
    while (offset < fixture_end(f)) {
        struct plog_slice s;
        struct err e;
        int rc = plog_read(f->log, offset, INT64_MAX, 700, true, &s, &e);
        ck_assert_msg(rc == 0, "%s", e.text);
        rc = plog_slice_verify(f->log, &s, &e);
        ck_assert_msg(rc == 0, "%s", e.text);
        size_t last = i;
        while (last < f->n && f->batches[last].next <= s.next_offset)
            last++;
        ck_assert_uint_gt(s.len, 0);
        check_slice(f, &s, i, last);
        offset = s.next_offset;
        i = last;
        plog_slice_release(&s);
    }
}

/* Time */

static void plain_search(const struct fixture *f, int64_t start, int64_t limit, int64_t ts,
                         struct plog_time *first, struct plog_time *largest)
{
    *first = *largest = (struct plog_time){-1, -1, -1};
    for (size_t i = 0; i < f->n; i++) {
        const struct fixture_batch *b = &f->batches[i];
        struct batch h;
        batch_peek(b->bytes, &h);
        for (int64_t o = b->base; o < b->next; o++) {
            int64_t t = b->first_time + (o - b->base) * b->time_step;
            if (o < start || o >= limit)
                continue;
            if (t >= ts && first->offset < 0)
                *first = (struct plog_time){o, t, h.leader_epoch};
            if (t > largest->timestamp)
                *largest = (struct plog_time){o, t, h.leader_epoch};
        }
    }
}

static void same_time(const struct plog_time *is, const struct plog_time *should)
{
    ck_assert_int_eq(is->offset, should->offset);
    ck_assert_int_eq(is->timestamp, should->timestamp);
    ck_assert_int_eq(is->leader_epoch, should->leader_epoch);
}

void fixture_check_times(struct fixture *f)
{
    int64_t end = fixture_end(f);
    for (int i = 0; i < 300; i++) {
        struct plog_time first, largest, is;
        struct err e;
        int64_t limit = i % 3 ? end : fixture_random(f, (uint32_t)end + 2);
        int64_t ts = 700 + fixture_random(f, 700 + (uint32_t)f->n * 10);
        plain_search(f, plog_log_start(f->log), limit, ts, &first, &largest);
        int rc = plog_find_time(f->log, ts, limit, &is, &e);
        ck_assert_msg(rc == 0, "%s", e.text);
        same_time(&is, &first);
        rc = plog_find_max_time(f->log, limit, &is, &e);
        ck_assert_msg(rc == 0, "%s", e.text);
        same_time(&is, &largest);
    }
}
