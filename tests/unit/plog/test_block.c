/* Small appends gather in memory: what readers see, what the disk sees, and when. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plog/plog_impl.h"
#include "tests/unit/plog/fixture.h"

static struct fixture f;

/* Segments that hold everything. */
static void begin(void)
{
    fixture_init(&f);
    f.cfg.buffered = true;
    f.cfg.settings.segment_bytes = 1 << 20;
    fixture_open_new(&f);
}

static void append(size_t value_size)
{
    fixture_make(&f, 1, value_size, 1000 + (int64_t)f.n, 0, 100);
    fixture_append(&f, f.n - 1);
}

static uint64_t writes(void)
{
    return io_mem_calls(f.mem, IO_MEM_WRITE);
}

START_TEST(gathered_or_written_all_is_read)
{
    for (int sync = 0; sync < 2; sync++) {
        fixture_init(&f);
        f.cfg.buffered = true;
        fixture_open_new(&f);
        for (int i = 0; i < 20; i++) {
            fixture_fill(&f, 8);
            if (i % 3 == 0)
                ck_assert_ok(plog_flush(f.log, NULL));
            if (sync && i % 4 == 0)
                fixture_sync(&f, i % 8 == 0);
            fixture_check_all(&f);
        }
        append(20);
        ck_assert_uint_gt(plog_buffered(f.log), 0);
        fixture_check_reads(&f);
        fixture_check_times(&f);
        fixture_release(&f);
    }
}
END_TEST

START_TEST(what_gathers_touches_no_disk)
{
    begin();
    size_t trace = io_mem_trace_len(f.mem);
    for (int i = 0; i < 10; i++)
        append(50);
    ck_assert(plog_dirty(f.log));
    ck_assert(fixture_is_warm(&f, 0));
    fixture_check_all(&f);
    ck_assert_uint_eq(io_mem_trace_len(f.mem), trace);
    ck_assert(!fixture_exists(&f, unit_path(f.cfg.dir, "t-0")));

    ck_assert_ok(plog_flush(f.log, NULL));
    ck_assert_uint_eq(plog_buffered(f.log), 0);
    struct io_stat st;
    ck_assert_ok(io_stat(f.io, fixture_path(&f, 0, ".log"), &st));
    ck_assert_uint_eq(st.size, plog_bytes(f.log));
    uint64_t before = writes();
    append(50);
    append(50);
    ck_assert_ok(plog_flush(f.log, NULL));
    ck_assert_uint_eq(writes(), before + 1);
    ck_assert_ok(plog_flush(f.log, NULL)); /* nothing to do */
    ck_assert_uint_eq(writes(), before + 1);
    fixture_check_all(&f);
    fixture_release(&f);
}
END_TEST

/* Many appends to a write, and never more memory than a block has. */
START_TEST(a_full_block_leaves_in_one_write)
{
    begin();
    append(100);
    ck_assert_ok(plog_flush(f.log, NULL));
    uint64_t before = writes();
    for (int i = 0; i < 4000; i++) {
        append(100);
        ck_assert_uint_le(plog_buffered(f.log), PLOG_BLOCK_MAX);
    }
    ck_assert_uint_gt(writes(), before);
    ck_assert_uint_lt(writes() - before, 30);
    fixture_check_all(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(a_large_batch_is_written_with_what_has_gathered)
{
    begin();
    append(100);
    append(PLOG_BLOCK_DIRECT);
    ck_assert_uint_eq(plog_buffered(f.log), 0);
    struct io_stat st;
    ck_assert_ok(io_stat(f.io, fixture_path(&f, 0, ".log"), &st));
    ck_assert_uint_eq(st.size, plog_bytes(f.log));
    append(100);
    fixture_check_all(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(a_slice_of_a_block_outlives_it)
{
    struct plog_slice s;
    begin();
    append(100);
    append(100);
    ck_assert_ok(plog_read(f.log, 0, 2, 1 << 20, true, &s, NULL));
    ck_assert_ptr_nonnull(s.mem);
    ck_assert(s.verified);
    ck_assert_ok(plog_flush(f.log, NULL));
    append(100);
    uint8_t *buf = malloc(s.len);
    ck_assert_int_eq(plog_slice_read(&s, buf), s.len);
    ck_assert_mem_eq(buf, f.batches[0].bytes.p, f.batches[0].bytes.n);
    free(buf);
    plog_free(f.log);
    f.log = NULL;
    ck_assert_int_eq(s.mem[16], 2); /* the magic of a batch */
    plog_slice_release(&s);
    fixture_release(&f);
}
END_TEST

START_TEST(what_only_slices_keep_is_counted)
{
    struct plog_slice first, second;
    _Atomic int64_t kept = 0;
    fixture_init(&f);
    f.cfg.buffered = true;
    f.cfg.lingering = &kept;
    fixture_open_new(&f);
    append(100);
    ck_assert_ok(plog_read(f.log, 0, 1, 1 << 20, true, &first, NULL));
    int64_t block = (int64_t)plog_buffered(f.log);
    ck_assert_int_eq(kept, 0);
    ck_assert_ok(plog_flush(f.log, NULL));
    ck_assert_int_eq(kept, block);

    append(100);
    ck_assert_ok(plog_read(f.log, 1, 2, 1 << 20, true, &second, NULL));
    plog_free(f.log);
    f.log = NULL;
    ck_assert_int_eq(kept, 2 * block);
    plog_slice_release(&second);
    ck_assert_int_eq(kept, block);
    plog_slice_release(&first);
    ck_assert_int_eq(kept, 0);
    fixture_release(&f);
}
END_TEST

/* A mark is what a checkpoint says: the log can be opened from it. */
START_TEST(syncing_writes_what_has_gathered)
{
    struct plog_mark m;
    begin();
    for (int i = 0; i < 10; i++)
        append(50);
    plog_mark(f.log, &m);
    fixture_sync(&f, false);
    ck_assert_uint_eq(plog_buffered(f.log), 0);
    append(50);
    fixture_cut(&f, m.log_end);
    fixture_reopen(&f, &m);
    fixture_check_all(&f);
    append(50);
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(rolling_writes_what_has_gathered)
{
    begin();
    append(50);
    ck_assert_ok(plog_roll(f.log, NULL));
    ck_assert_uint_eq(plog_buffered(f.log), 0);
    append(50);
    fixture_check_reads(&f);
    fixture_release(&f);
    begin();
    append(50);
    struct plog_settings small = f.cfg.settings;
    small.segment_bytes = 100; /* the next append finds the segment full */
    plog_set_settings(f.log, &small);
    append(50);
    ck_assert_uint_eq(plog_segments_count(f.log), 2);
    struct io_stat st;
    ck_assert_ok(io_stat(f.io, fixture_path(&f, 0, ".log"), &st));
    ck_assert_uint_eq(st.size, f.batches[0].bytes.n);
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

/* No room: whatever the call that finds none, nothing is lost, all can be read, and it goes on. */
START_TEST(a_shortage_leaves_everything_in_memory)
{
    static const enum io_mem_call kinds[] = {IO_MEM_WRITE, IO_MEM_OPEN, IO_MEM_RENAME};
    size_t fired = 0;
    for (size_t kind = 0; kind < 3; kind++) {
        for (uint64_t k = 1; k < 4; k++) {
            for (int large = 0; large < 2; large++) {
                struct err e;
                begin();
                append(50);
                append(50);
                io_mem_fail(f.mem, kinds[kind], k, ENOSPC, 1);
                if (large)
                    fixture_make(&f, 1, PLOG_BLOCK_DIRECT, 1, 0, 100);
                struct span s = f.batches[f.n - 1].bytes;
                int rc = large ? plog_append(f.log, &s, 1, &e) : plog_flush(f.log, &e);
                if (io_mem_faults(f.mem)) {
                    fired++;
                    ck_assert_int_eq(rc, -ENOSPC);
                    ck_assert(!plog_failed(f.log));
                    ck_assert_int_eq(plog_log_end(f.log), 2);
                    if (large)
                        fixture_cut(&f, 2);
                    fixture_check_all(&f);
                    append(50);
                    ck_assert_ok(plog_flush(f.log, NULL));
                }
                plog_set_high_watermark(f.log, plog_log_end(f.log));
                fixture_check_all(&f);
                fixture_release(&f);
            }
        }
    }
    ck_assert_uint_ge(fired, 6);
}
END_TEST

START_TEST(a_failed_write_fails_the_log)
{
    struct err e;
    begin();
    append(50);
    io_mem_fail(f.mem, IO_MEM_WRITE, 1, EIO, 1);
    ck_assert_int_eq(plog_flush(f.log, &e), -EIO);
    ck_assert(plog_failed(f.log));
    ck_assert_int_eq(plog_flush(f.log, &e), ERR_POISONED);
    ck_assert_int_eq(plog_roll(f.log, &e), ERR_POISONED);
    struct plog_syncing *s;
    ck_assert_int_eq(plog_sync_begin(f.log, &s, &e), ERR_POISONED);
    fixture_release(&f);
}
END_TEST

UNIT_MAIN(gathered_or_written_all_is_read, what_gathers_touches_no_disk,
          a_full_block_leaves_in_one_write, a_large_batch_is_written_with_what_has_gathered,
          a_slice_of_a_block_outlives_it, what_only_slices_keep_is_counted,
          syncing_writes_what_has_gathered, rolling_writes_what_has_gathered,
          a_shortage_leaves_everything_in_memory, a_failed_write_fails_the_log)
