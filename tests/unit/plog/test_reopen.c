/* Open from a mark: cut, rebuild, notice what is missing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "tests/unit/plog/fixture.h"

static struct fixture f;
static struct plog_mark mark;

/* A log with several segments, synced (so that index files are there). */
static void filled(size_t n)
{
    fixture_init(&f);
    fixture_open_new(&f);
    fixture_fill(&f, n);
    fixture_sync(&f, false);
    plog_mark(f.log, &mark);
}

static size_t bases(int64_t *b)
{
    return fixture_segments(&f, b, 64);
}

START_TEST(a_log_goes_on_where_it_was)
{
    for (int synced = 0; synced < 2; synced++) {
        fixture_init(&f);
        fixture_open_new(&f);
        for (int i = 0; i < 5; i++) {
            struct plog_mark again;
            fixture_fill(&f, 25);
            if (synced)
                fixture_sync(&f, false);
            plog_mark(f.log, &mark);
            fixture_reopen(&f, &mark);
            plog_mark(f.log, &again);
            ck_assert_mem_eq(&again, &mark, sizeof mark);
            fixture_check_reads(&f);
            fixture_check_times(&f);
        }
        fixture_release(&f);
    }
}
END_TEST

START_TEST(opening_reads_no_log)
{
    filled(100);
    uint64_t reads = io_mem_calls(f.mem, IO_MEM_READ);
    fixture_reopen(&f, &mark);
    ck_assert_uint_eq(io_mem_calls(f.mem, IO_MEM_READ), reads);
    fixture_release(&f);
}
END_TEST

START_TEST(what_lies_behind_the_mark_is_cut)
{
    for (size_t more = 1; more < 60; more += 3) {
        struct io_stat st;
        int64_t b[64];
        filled(30);
        int64_t end = fixture_end(&f);
        fixture_fill(&f, more);
        if (more % 2)
            fixture_sync(&f, false); /* now the index files are ahead of the mark */
        fixture_cut(&f, end);
        fixture_reopen(&f, &mark);
        ck_assert_int_eq(plog_log_end(f.log), end);
        fixture_check_reads(&f);
        fixture_check_times(&f);
        ck_assert_int_le(b[bases(b) - 1], mark.segment);
        /* Something else follows, shorter than what was there. */
        fixture_make(&f, 1, 0, 5, 1, 99);
        fixture_append(&f, f.n - 1);
        ck_assert_int_eq(b[bases(b) - 1] >= mark.segment, true);
        ck_assert_ok(io_stat(f.io, fixture_path(&f, mark.segment, ".log"), &st));
        ck_assert_uint_le(st.size, mark.bytes + f.batches[f.n - 1].bytes.n);
        fixture_fill(&f, 40);
        fixture_check_reads(&f);
        fixture_sync(&f, false);
        plog_mark(f.log, &mark);
        fixture_reopen(&f, &mark);
        fixture_check_reads(&f);
        fixture_check_times(&f);
        fixture_release(&f);
    }
}
END_TEST

/* Sealed without a write: the stale end must not come back as part of the segment. */
START_TEST(a_stale_end_is_cut_before_rolling)
{
    for (int by_size = 0; by_size < 2; by_size++) {
        filled(30);
        int64_t end = fixture_end(&f);
        f.cfg.settings.segment_bytes = 1 << 20;
        plog_mark(f.log, &mark);
        fixture_reopen(&f, &mark);
        fixture_fill(&f, 10);
        fixture_cut(&f, end);
        fixture_reopen(&f, &mark);
        if (by_size) {
            fixture_make(&f, 1, 1 << 20, 5, 1, 99);
            fixture_append(&f, f.n - 1);
        } else {
            ck_assert_ok(plog_roll(f.log, NULL));
        }
        fixture_fill(&f, 5);
        fixture_sync(&f, false);
        plog_mark(f.log, &mark);
        fixture_reopen(&f, &mark);
        fixture_check_all(&f);
        fixture_check_reads(&f);
        fixture_release(&f);
    }
}
END_TEST

/* The index files of a segment that was cut and sealed may still be those of before, for they are
 * not synced. */
START_TEST(index_files_from_before_a_cut_do_no_harm)
{
    struct plog_syncing *s;
    filled(30);
    f.cfg.settings.segment_bytes = 1 << 20;
    fixture_reopen(&f, &mark);
    int64_t end = fixture_end(&f);
    fixture_fill(&f, 20);
    fixture_sync(&f, false);
    fixture_cut(&f, end);
    fixture_reopen(&f, &mark);
    ck_assert_ok(plog_roll(f.log, NULL));
    fixture_fill(&f, 20);
    ck_assert_ok(plog_sync_begin(f.log, &s, NULL)); /* its index write is lost */
    plog_syncing_free(s);
    plog_mark(f.log, &mark);
    fixture_reopen(&f, &mark);
    fixture_check_reads(&f);
    fixture_check_times(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(a_log_shorter_than_its_mark_is_corrupt)
{
    struct io_file *file;
    struct err e;
    filled(30);
    const char *path = fixture_path(&f, mark.segment, ".log");
    ck_assert_ok(io_open(f.io, path, IO_WRITE, &file));
    ck_assert_ok(io_truncate(file, mark.bytes - 1));
    io_close(file);
    ck_assert_int_eq(fixture_try_reopen(&f, &mark, &e), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, path));
    ck_assert_ok(io_unlink(f.io, path));
    ck_assert_int_eq(fixture_try_reopen(&f, &mark, &e), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, path));
    fixture_release(&f);
}
END_TEST

START_TEST(impossible_marks_are_refused)
{
    struct err e;
    filled(30);
    struct plog_mark bad = mark;
    bad.log_start = mark.log_end + 1;
    ck_assert_int_eq(fixture_try_reopen(&f, &bad, &e), ERR_INVALID);
    bad = mark;
    bad.bytes = 0;
    ck_assert_int_eq(fixture_try_reopen(&f, &bad, &e), ERR_INVALID);
    bad = mark;
    bad.segment = mark.log_end + 1;
    ck_assert_int_eq(fixture_try_reopen(&f, &bad, &e), ERR_INVALID);
    bad = mark;
    bad.log_end = bad.log_start = -1;
    ck_assert_int_eq(fixture_try_reopen(&f, &bad, &e), ERR_INVALID);
    bad = (struct plog_mark){.bytes = 100}; /* an empty log that has bytes */
    ck_assert_int_eq(fixture_try_reopen(&f, &bad, &e), ERR_INVALID);
    fixture_release(&f);
}
END_TEST

/* The answer to any read and any search is the same whatever happened to the index files. */
START_TEST(indexes_are_only_hints)
{
    static const char *const endings[] = {".index", ".timeindex", ".check"};
    enum { DELETE, EMPTY, HALF, LONGER, ZEROS, FLIP, DAMAGES = FLIP + 12 };
    for (int ending = 0; ending < 3; ending++) {
        for (int damage = 0; damage < DAMAGES; damage++) {
            int64_t b[64];
            filled(60);
            fixture_fill(&f, 3); /* and some that no index file knows */
            plog_mark(f.log, &mark);
            size_t n = bases(b);
            for (size_t i = 0; i < n; i++) {
                const char *path = fixture_path(&f, b[i], endings[ending]);
                size_t size;
                uint8_t *p = io_mem_bytes(f.mem, path, &size);
                struct io_file *file;
                if (!p && i + 1 == n)
                    continue; /* the last segment may be too new to have them */
                ck_assert_ptr_nonnull(p);
                if (damage == DELETE) {
                    ck_assert_ok(io_unlink(f.io, path));
                } else if (damage < ZEROS) {
                    ck_assert_ok(io_open(f.io, path, IO_WRITE, &file));
                    ck_assert_ok(io_truncate(file, damage == EMPTY  ? 0
                                                   : damage == HALF ? size / 2
                                                                    : size + 24));
                    io_close(file);
                } else if (damage == ZEROS) {
                    memset(p, 0, size);
                } else if (size) {
                    p[fixture_random(&f, (uint32_t)size)] ^= (uint8_t)(1 << damage % 8);
                }
            }
            fixture_reopen(&f, &mark);
            fixture_check_times(&f);
            fixture_check_reads(&f);
            fixture_fill(&f, 10);
            fixture_check_times(&f);
            fixture_release(&f);
        }
    }
}
END_TEST

/* With its index a segment is not read as a whole. */
START_TEST(a_good_index_saves_the_scan)
{
    struct plog_slice s;
    fixture_init(&f);
    f.cfg.settings.segment_bytes = 10 << 20;
    f.cfg.settings.index_interval_bytes = 4096;
    fixture_open_new(&f);
    for (int i = 0; i < 500; i++)
        fixture_make(&f, 1, 10000, 5, 1, 1);
    fixture_append(&f, 0);
    fixture_sync(&f, false);
    fixture_make(&f, 1, 10, 5, 1, 1);
    fixture_append(&f, f.n - 1);
    plog_mark(f.log, &mark);
    fixture_reopen(&f, &mark);
    uint64_t reads = io_mem_calls(f.mem, IO_MEM_READ);
    ck_assert_ok(plog_read(f.log, 333, INT64_MAX, 20000, true, &s, NULL));
    plog_slice_release(&s);
    ck_assert_uint_lt(io_mem_calls(f.mem, IO_MEM_READ) - reads, 15);
    fixture_release(&f);
}
END_TEST

/* An index that had to be made anew is written by the next syncing. */
START_TEST(a_rebuilt_index_is_saved)
{
    int64_t b[64];
    filled(60);
    size_t n = bases(b);
    ck_assert_uint_gt(n, 2);
    const char *path = fixture_path(&f, b[0], ".check");
    size_t size;
    uint8_t *p = io_mem_bytes(f.mem, path, &size), was[128];
    memcpy(was, p, size);
    ck_assert_ok(io_unlink(f.io, path));
    fixture_reopen(&f, &mark);
    ck_assert(!plog_dirty(f.log));
    fixture_check_all(&f);
    ck_assert(plog_dirty(f.log));
    fixture_sync(&f, false);
    ck_assert(!plog_dirty(f.log));
    size_t again;
    p = io_mem_bytes(f.mem, path, &again);
    ck_assert_bytes_eq(p, again, was, size);
    fixture_release(&f);
}
END_TEST

/* Reading the segment at `base` fails; the others can be read. */
static void expect_corrupt(const int64_t *b, size_t n, size_t damaged, const char *named)
{
    for (size_t i = 0; i < n; i++) {
        struct plog_slice s;
        struct err e;
        int rc = plog_read(f.log, b[i], INT64_MAX, 1 << 20, true, &s, &e);
        if (rc == 0)
            rc = plog_slice_verify(f.log, &s, &e);
        plog_slice_release(&s);
        ck_assert_msg(rc == (i == damaged ? ERR_CORRUPT : 0), "segment %zu: %s", i, e.text);
        if (i == damaged)
            ck_assert_msg(strstr(e.text, named), "%s", e.text);
    }
}

START_TEST(a_missing_segment_is_noticed)
{
    int64_t b[64];
    filled(80);
    size_t n = bases(b);
    ck_assert_ok(io_unlink(f.io, fixture_path(&f, b[1], ".log")));
    fixture_reopen(&f, &mark);
    ck_assert(!fixture_exists(&f, fixture_path(&f, b[1], ".index"))); /* its rest is cleared away */
    struct plog_slice s;
    struct err e;
    /* The segment before it no longer reaches to the next one. */
    ck_assert_int_eq(plog_read(f.log, b[0], INT64_MAX, 100, true, &s, &e), ERR_CORRUPT);
    ck_assert_int_eq(plog_read(f.log, b[1], INT64_MAX, 100, true, &s, &e), ERR_CORRUPT);
    ck_assert_ok(plog_read(f.log, b[2], INT64_MAX, 100, true, &s, &e));
    plog_slice_release(&s);
    ck_assert_ok(io_unlink(f.io, fixture_path(&f, b[0], ".log")));
    fixture_reopen(&f, &mark);
    ck_assert_int_eq(plog_read(f.log, b[0], INT64_MAX, 100, true, &s, &e), ERR_CORRUPT);
    ck_assert_uint_gt(n, 3);
    fixture_release(&f);
}
END_TEST

START_TEST(a_segment_cut_short_is_noticed)
{
    for (int indexed = 0; indexed < 2; indexed++) {
        struct io_file *file;
        struct io_stat st;
        int64_t b[64];
        filled(80);
        size_t n = bases(b);
        const char *path = fixture_path(&f, b[1], ".log");
        ck_assert_ok(io_open(f.io, path, IO_WRITE, &file));
        ck_assert_ok(io_fstat(file, &st));
        ck_assert_ok(io_truncate(file, st.size - 1));
        io_close(file);
        if (!indexed)
            ck_assert_ok(io_unlink(f.io, fixture_path(&f, b[1], ".check")));
        fixture_reopen(&f, &mark);
        expect_corrupt(b, n, 1, path);
        fixture_release(&f);
    }
}
END_TEST

/* Read all in small slices as a consumer would; the code of the first fault. */
static int read_through(const char *path)
{
    int64_t offset = 0;
    while (offset < fixture_end(&f)) {
        struct plog_slice s;
        struct err e;
        int rc = plog_read(f.log, offset, INT64_MAX, 300, true, &s, &e);
        if (rc == 0)
            rc = plog_slice_verify(f.log, &s, &e);
        offset = s.next_offset;
        plog_slice_release(&s);
        if (rc < 0) {
            ck_assert_msg(strstr(e.text, path), "%s", e.text);
            return rc;
        }
    }
    return 0;
}

START_TEST(no_flipped_bit_is_served)
{
    for (int i = 0; i < 200; i++) {
        int64_t b[64];
        size_t size;
        filled(60);
        size_t n = bases(b);
        const char *path = fixture_path(&f, b[fixture_random(&f, (uint32_t)n)], ".log");
        uint8_t *p = io_mem_bytes(f.mem, path, &size);
        p[fixture_random(&f, (uint32_t)size)] ^= (uint8_t)(1 << fixture_random(&f, 8));
        fixture_reopen(&f, &mark);
        ck_assert_int_eq(read_through(path), ERR_CORRUPT);
        fixture_release(&f);
    }
}
END_TEST

/* A jump by the index lands behind what could have proved a batch's offset. */
START_TEST(no_flipped_offset_is_believed)
{
    enum { N = 60 };
    for (size_t k = 0; k + 1 < N; k++) {
        struct plog_slice s;
        size_t size, pos = 0;
        int64_t b[64], base = 0;
        filled(N);
        for (size_t i = 0, n = bases(b); i < n && b[i] <= f.batches[k].base; i++)
            base = b[i];
        for (size_t i = 0; i < k; i++)
            pos += f.batches[i].base < base ? 0 : f.batches[i].bytes.n;
        int64_t next = f.batches[k + 1].base;
        uint8_t *p = io_mem_bytes(f.mem, fixture_path(&f, base, ".log"), &size);
        p[pos + fixture_random(&f, 8)] ^= (uint8_t)(1 << fixture_random(&f, 8));
        fixture_reopen(&f, &mark);
        int rc = plog_read(f.log, next, INT64_MAX, 1, true, &s, NULL);
        if (rc == 0) {
            ck_assert_int_eq(s.base_offset, next);
            ck_assert_ok(plog_slice_verify(f.log, &s, NULL));
        } else {
            ck_assert_int_eq(rc, ERR_CORRUPT);
        }
        plog_slice_release(&s);
        fixture_release(&f);
    }
}
END_TEST

/* It would pass for the one that holds all that follows, and then for one beyond the limit: a
 * consumer would wait there for ever. The end of a slice of two index entries and more is looked
 * for by them, past the batch; that of a shorter one tells by the batch that comes next. */
START_TEST(a_batch_that_reaches_beyond_its_segment_is_noticed)
{
    enum { LAST_OFFSET_DELTA = 23 };
    for (int far = 0; far < 3; far++) {
        struct plog_slice s;
        struct err e;
        size_t size;
        filled(60);
        uint8_t *p = io_mem_bytes(f.mem, fixture_path(&f, 0, ".log"), &size);
        p[LAST_OFFSET_DELTA + far] ^= 0x40;
        fixture_reopen(&f, &mark);
        int rc = plog_read(f.log, 0, plog_log_end(f.log), 1000, true, &s, &e);
        ck_assert_int_eq(rc, ERR_CORRUPT);
        fixture_release(&f);
    }
}
END_TEST

/* What a compaction's segment replaces is removed on the word of its last batch. */
static int64_t old[64]; /* the segments' base offsets */

/* Make a .swap file of the second segment; where its last batch begins. */
static uint8_t *make_swap(void)
{
    size_t size, last = 0;
    filled(80);
    ck_assert_uint_gt(bases(old), 3);
    const char *log = fixture_path(&f, old[1], ".log");
    uint8_t *p = io_mem_bytes(f.mem, log, &size);
    for (size_t k = 0, pos = 0; k < f.n; k++) {
        if (f.batches[k].base < old[1] || f.batches[k].base >= old[2])
            continue;
        last = pos;
        pos += f.batches[k].bytes.n;
    }
    ck_assert_ok(io_rename(f.io, log, fixture_path(&f, old[1], ".log.swap")));
    return p + last;
}

static void expect_refused(void)
{
    struct err e;
    ck_assert_int_eq(fixture_try_reopen(&f, &mark, &e), ERR_CORRUPT);
    ck_assert(fixture_exists(&f, fixture_path(&f, old[2], ".log")));
    fixture_release(&f);
}

static void damaged_swap(size_t at, uint8_t bit)
{
    make_swap()[at] ^= bit;
    expect_refused();
}

START_TEST(a_damaged_swap_removes_nothing)
{
    damaged_swap(24, 1); /* its last offset: 65536 further on */
    damaged_swap(5, 1);  /* its base offset, which is under no CRC, too */
    damaged_swap(7, 1);  /* an offset further, or less */
}
END_TEST

/* Its own check file knows that it does not end there. */
START_TEST(a_swap_that_ends_with_another_segment_removes_nothing)
{
    uint8_t *last = make_swap();
    put_be64(last, get_be64(last) + (uint64_t)(old[3] - old[2]));
    expect_refused();
}
END_TEST

/* Nor does one that is empty take the place of a segment: its file was not written. */
START_TEST(an_empty_swap_replaces_nothing)
{
    struct io_file *file;
    struct err e;
    filled(80);
    ck_assert_ok(io_open(f.io, fixture_path(&f, 0, ".log.swap"), IO_WRITE | IO_CREATE, &file));
    io_close(file);
    ck_assert_int_eq(fixture_try_reopen(&f, &mark, &e), ERR_CORRUPT);
    ck_assert(fixture_exists(&f, fixture_path(&f, 0, ".log.swap")));
    fixture_release(&f);
}
END_TEST

START_TEST(verified_regions_are_remembered)
{
    struct plog_slice s;
    filled(60);
    fixture_fill(&f, 1);
    plog_mark(f.log, &mark);
    fixture_reopen(&f, &mark);
    int64_t b[64];
    bases(b);
    /* With one batch all of its region is verified, but none other. */
    ck_assert_ok(plog_read(f.log, 0, INT64_MAX, 1, true, &s, NULL));
    ck_assert(!s.verified);
    ck_assert_ok(plog_slice_verify(f.log, &s, NULL));
    plog_slice_release(&s);
    ck_assert_ok(plog_read(f.log, 0, INT64_MAX, 1, true, &s, NULL));
    ck_assert(s.verified);
    plog_slice_release(&s);

    ck_assert_ok(plog_read(f.log, 0, INT64_MAX, 1 << 20, true, &s, NULL));
    ck_assert(!s.verified);
    uint32_t whole = s.len;
    ck_assert_ok(plog_slice_verify(f.log, &s, NULL));
    ck_assert(s.verified);
    plog_slice_release(&s);
    ck_assert_ok(plog_read(f.log, 0, INT64_MAX, 1 << 20, true, &s, NULL));
    ck_assert(s.verified);
    ck_assert_uint_eq(s.len, whole);
    plog_slice_release(&s);
    ck_assert_ok(plog_read(f.log, b[1] - 1, INT64_MAX, 100, true, &s, NULL));
    ck_assert(s.verified);
    plog_slice_release(&s);
    ck_assert_ok(plog_read(f.log, b[1], INT64_MAX, 100, true, &s, NULL));
    ck_assert(!s.verified); /* another segment */
    plog_slice_release(&s);
    int64_t end = fixture_end(&f);
    fixture_make(&f, 1, 5, 1, 1, 99);
    fixture_append(&f, f.n - 1);
    ck_assert_ok(plog_read(f.log, end, INT64_MAX, 100, true, &s, NULL));
    ck_assert(s.verified); /* our own */
    plog_slice_release(&s);
    fixture_release(&f);
}
END_TEST

START_TEST(a_loop_is_told_that_it_takes_the_disk)
{
    struct plog_slice s;
    filled(60);
    fixture_reopen(&f, &mark);
    ck_assert(!fixture_is_warm(&f, 0)); /* to open a file, to load an index */
    ck_assert_ok(plog_read(f.log, 0, INT64_MAX, 100, true, &s, NULL));
    plog_slice_release(&s);
    ck_assert(fixture_is_warm(&f, 0));
    int64_t end = fixture_end(&f);
    fixture_fill(&f, 1);
    ck_assert(fixture_is_warm(&f, end));
    fixture_release(&f);
}
END_TEST

static const struct io_ops *plain;
static size_t in_memory; /* bytes of what is asked for; 0: nothing */

static ssize_t some_now(struct io_file *file, void *buf, size_t n, uint64_t off)
{
    return in_memory ? plain->pread(file, buf, n < in_memory ? n : in_memory, off) : -EAGAIN;
}

static ssize_t never(struct io_file *file, void *buf, size_t n, uint64_t off)
{
    (void)file, (void)buf, (void)n, (void)off;
    ck_abort_msg("a read that waits for the disk");
}

START_TEST(a_loop_reads_headers_that_are_in_memory_only)
{
    struct plog_slice s, again;
    filled(60);
    fixture_reopen(&f, &mark);
    for (uint32_t max = 1; max < 2000; max += 50) {
        ck_assert_ok(plog_read(f.log, 1, INT64_MAX, max, true, &s, NULL));
        plain = s.file->ops;
        struct io_ops hooked = *plain;
        hooked.pread_now = some_now;
        s.file->ops = &hooked;
        in_memory = SIZE_MAX;
        ck_assert_ok(plog_read_now(f.log, 1, INT64_MAX, max, true, &again, NULL));
        ck_assert_uint_eq(again.pos, s.pos);
        ck_assert_uint_eq(again.len, s.len);
        ck_assert_int_eq(again.next_offset, s.next_offset);
        plog_slice_release(&again);
        hooked.pread = never;
        for (in_memory = 0; in_memory < BATCH_HEADER; in_memory += BATCH_HEADER - 1)
            ck_assert_int_eq(plog_read_now(f.log, 1, INT64_MAX, max, true, &again, NULL), -EAGAIN);
        s.file->ops = plain;
        plog_slice_release(&s);
    }
    fixture_release(&f);
}
END_TEST

UNIT_MAIN(a_log_goes_on_where_it_was, opening_reads_no_log, what_lies_behind_the_mark_is_cut,
          a_stale_end_is_cut_before_rolling, index_files_from_before_a_cut_do_no_harm,
          a_log_shorter_than_its_mark_is_corrupt, impossible_marks_are_refused,
          indexes_are_only_hints, a_good_index_saves_the_scan, a_rebuilt_index_is_saved,
          a_missing_segment_is_noticed, a_segment_cut_short_is_noticed, no_flipped_bit_is_served,
          no_flipped_offset_is_believed, a_batch_that_reaches_beyond_its_segment_is_noticed,
          a_damaged_swap_removes_nothing, a_swap_that_ends_with_another_segment_removes_nothing,
          an_empty_swap_replaces_nothing, verified_regions_are_remembered,
          a_loop_is_told_that_it_takes_the_disk, a_loop_reads_headers_that_are_in_memory_only)
