/* What a syncing makes durable, and Kafka's bytes in the index files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "tests/unit/plog/fixture.h"

static struct fixture f;

/* The power goes: only what was synced is there. */
static void cut_power(enum io_mem_cut how, uint64_t seed)
{
    struct io_mem *after = io_mem_crash(f.mem, io_mem_trace_len(f.mem), how, seed);
    ck_assert_ptr_nonnull(after);
    if (f.log)
        plog_free(f.log);
    f.log = NULL;
    io_mem_free(f.mem);
    f.mem = after;
    f.io = f.cfg.io = io_mem_io(after);
}

static void check_text(const char *name, const char *text)
{
    size_t n;
    const uint8_t *p = io_mem_bytes(f.mem, unit_path(f.cfg.dir, name), &n);
    ck_assert_ptr_nonnull(p);
    ck_assert_bytes_eq(p, n, text, strlen(text));
}

static const char metadata[] = "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAABw\n";

START_TEST(what_was_synced_survives_a_power_cut)
{
    for (int with_fs = 0; with_fs < 2; with_fs++) {
        for (uint64_t seed = 0; seed < 25; seed++) {
            struct plog_mark mark;
            fixture_init(&f);
            fixture_open_new(&f);
            for (int i = 0; i < 3; i++) {
                fixture_fill(&f, 20);
                plog_mark(f.log, &mark);
                fixture_sync(&f, with_fs);
            }
            int64_t end = fixture_end(&f);
            fixture_fill(&f, 20);
            fixture_cut(&f, end);
            cut_power(seed ? IO_CUT_SEED : IO_CUT_NONE, seed);
            check_text("t-0/partition.metadata", metadata);
            fixture_reopen(&f, &mark);
            fixture_check_reads(&f);
            fixture_check_times(&f);
            fixture_fill(&f, 20);
            fixture_check_reads(&f);
            fixture_release(&f);
        }
    }
}
END_TEST

/* A cut of a stale end is durable with the next syncing, though nothing was written. */
START_TEST(a_cut_end_stays_cut)
{
    struct plog_mark mark;
    fixture_init(&f);
    f.cfg.settings.segment_bytes = 1 << 20;
    fixture_open_new(&f);
    fixture_fill(&f, 20);
    plog_mark(f.log, &mark);
    int64_t end = fixture_end(&f);
    fixture_fill(&f, 20);
    fixture_sync(&f, false);
    fixture_cut(&f, end);
    fixture_reopen(&f, &mark);
    ck_assert_ok(plog_roll(f.log, NULL));
    fixture_fill(&f, 1);
    fixture_sync(&f, false);
    plog_mark(f.log, &mark);
    cut_power(IO_CUT_NONE, 0);
    fixture_reopen(&f, &mark);
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(dirty_tells_whether_there_is_work)
{
    struct plog_syncing *s;
    fixture_init(&f);
    fixture_open_new(&f);
    ck_assert(!plog_dirty(f.log));
    ck_assert_ok(plog_sync_begin(f.log, &s, NULL));
    ck_assert_ptr_null(s);
    fixture_fill(&f, 1);
    ck_assert(plog_dirty(f.log));
    ck_assert_ok(plog_sync_begin(f.log, &s, NULL));
    ck_assert(!plog_dirty(f.log));
    fixture_fill(&f, 1);
    ck_assert(plog_dirty(f.log));
    ck_assert_ok(plog_syncing_run(s, false, NULL));
    plog_syncing_free(s);
    fixture_sync(&f, false);
    ck_assert(!plog_dirty(f.log));
    fixture_release(&f);
}
END_TEST

START_TEST(only_what_changed_is_synced)
{
    fixture_init(&f);
    fixture_open_new(&f);
    fixture_fill(&f, 100);
    fixture_sync(&f, false);
    uint64_t syncs = io_mem_calls(f.mem, IO_MEM_SYNC), dirs = io_mem_calls(f.mem, IO_MEM_SYNC_DIR);
    f.cfg.settings.segment_bytes = 1 << 20;
    struct plog_mark mark;
    plog_mark(f.log, &mark);
    fixture_reopen(&f, &mark);
    fixture_fill(&f, 5);
    fixture_sync(&f, false);
    ck_assert_uint_eq(io_mem_calls(f.mem, IO_MEM_SYNC), syncs + 1);
    ck_assert_uint_eq(io_mem_calls(f.mem, IO_MEM_SYNC_DIR), dirs);
    fixture_fill(&f, 5);
    fixture_sync(&f, true);
    ck_assert_uint_eq(io_mem_calls(f.mem, IO_MEM_SYNC), syncs + 1);
    fixture_release(&f);
}
END_TEST

START_TEST(a_failed_sync_is_told)
{
    static const enum io_mem_call kinds[] = {IO_MEM_SYNC, IO_MEM_SYNC_DIR};
    for (int kind = 0; kind < 2; kind++) {
        struct plog_syncing *s;
        struct err e;
        fixture_init(&f);
        fixture_open_new(&f);
        fixture_fill(&f, 10);
        ck_assert_ok(plog_sync_begin(f.log, &s, &e));
        io_mem_fail(f.mem, kinds[kind], 1, EIO, 1);
        ck_assert_int_eq(plog_syncing_run(s, false, &e), -EIO);
        plog_syncing_free(s);
        plog_fail(f.log);
        ck_assert(plog_failed(f.log));
        fixture_make(&f, 1, 1, 1, 1, 9);
        ck_assert_int_eq(plog_append(f.log, &f.batches[f.n - 1].bytes, 1, &e), ERR_POISONED);
        fixture_release(&f);
    }
}
END_TEST

/* Index files are derived: without them the log is as good. */
START_TEST(a_failed_index_write_is_no_failure)
{
    struct plog_mark mark;
    struct plog_syncing *s;
    fixture_init(&f);
    fixture_open_new(&f);
    fixture_fill(&f, 60);
    ck_assert_ok(plog_sync_begin(f.log, &s, NULL));
    io_mem_fail(f.mem, IO_MEM_WRITE, 2, ENOSPC, 5);
    ck_assert_ok(plog_syncing_run(s, false, NULL));
    plog_syncing_free(s);
    ck_assert_uint_eq(io_mem_faults(f.mem), 5);
    plog_mark(f.log, &mark);
    fixture_fill(&f, 10);
    fixture_sync(&f, false);
    plog_mark(f.log, &mark);
    fixture_reopen(&f, &mark);
    fixture_check_reads(&f);
    fixture_check_times(&f);
    ck_assert(
        !plog_dirty(f.log)); /* the second syncing made it good: nothing had to be made anew */
    fixture_release(&f);
}
END_TEST

START_TEST(a_syncing_outlives_the_log)
{
    struct plog_syncing *s;
    struct err e;
    fixture_init(&f);
    fixture_open_new(&f);
    fixture_fill(&f, 30);
    ck_assert_ok(plog_sync_begin(f.log, &s, NULL));
    plog_free(f.log);
    f.log = NULL;
    ck_assert_ok(plog_remove(&f.cfg, "t", 0, &f.id, NULL));
    int rc = plog_syncing_run(s, false, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    plog_syncing_free(s);
    fixture_release(&f);
}
END_TEST

/* Kafka's own layout, as its dump tool checks it: an offset entry is the last offset of the batch
 * at its position; a time entry the largest timestamp so far, of a batch with that last offset. */
static const struct fixture_batch *batch_ending(int64_t last)
{
    for (size_t i = 0; i < f.n; i++) {
        if (f.batches[i].next == last + 1)
            return &f.batches[i];
    }
    return NULL;
}

static int64_t max_time(const struct fixture_batch *b)
{
    struct batch h;
    ck_assert_ok(batch_peek(b->bytes, &h));
    return h.max_timestamp;
}

static void check_offset_index(int64_t base)
{
    size_t n, log_n;
    const uint8_t *p = io_mem_bytes(f.mem, fixture_path(&f, base, ".index"), &n);
    const uint8_t *log = io_mem_bytes(f.mem, fixture_path(&f, base, ".log"), &log_n);
    uint32_t before = 0;
    ck_assert_uint_eq(n % 8, 0);
    ck_assert_uint_gt(n, 8);
    for (size_t i = 0; i < n; i += 8) {
        uint32_t pos = get_be32(p + i + 4);
        const struct fixture_batch *b = batch_ending(base + get_be32(p + i));
        ck_assert_ptr_nonnull(b);
        ck_assert_uint_gt(pos - before, 200); /* the interval */
        ck_assert_mem_eq(log + pos, b->bytes.p, b->bytes.n);
        before = pos;
    }
}

static void check_time_index(int64_t base, int64_t end)
{
    size_t n;
    const uint8_t *p = io_mem_bytes(f.mem, fixture_path(&f, base, ".timeindex"), &n);
    int64_t before = -1, largest = -1;
    ck_assert_uint_eq(n % 12, 0);
    ck_assert_uint_gt(n, 0);
    for (size_t i = 0; i < n; i += 12) {
        int64_t time = (int64_t)get_be64(p + i);
        const struct fixture_batch *b = batch_ending(base + get_be32(p + i + 8));
        ck_assert_ptr_nonnull(b);
        ck_assert_int_eq(max_time(b), time);
        ck_assert_int_gt(time, before);
        before = time;
    }
    for (size_t i = 0; i < f.n; i++) {
        if (f.batches[i].base >= base && f.batches[i].next <= end &&
            max_time(&f.batches[i]) > largest)
            largest = max_time(&f.batches[i]);
    }
    ck_assert_int_eq(before, largest); /* a complete segment's last entry */
}

/* All segments but the active one. */
static void check_indexes(size_t at_least)
{
    int64_t b[64];
    size_t n = fixture_segments(&f, b, 64);
    ck_assert_uint_ge(n, at_least + 1);
    for (size_t i = 0; i + 1 < n; i++) {
        check_offset_index(b[i]);
        check_time_index(b[i], b[i + 1]);
    }
}

START_TEST(index_files_are_kafkas)
{
    fixture_init(&f);
    fixture_open_new(&f);
    for (int i = 0; i < 40; i++) { /* in pieces: some are written while the segment is active */
        fixture_fill(&f, 3);
        fixture_sync(&f, false);
    }
    check_indexes(4);
    fixture_release(&f);
}
END_TEST

/* The latest record comes last, behind the last entry that its distance demands. */
START_TEST(a_complete_segment_ends_with_its_latest_time)
{
    fixture_init(&f);
    fixture_open_new(&f);
    for (int i = 0; i < 120; i++) {
        fixture_make(&f, 1, 30, 1000 + i, 0, 0);
        fixture_append(&f, f.n - 1);
        fixture_sync(&f, false);
        if (i % 12 == 11)
            ck_assert_ok(
                plog_roll(f.log, NULL)); /* nothing is dirty: the index is still to be ended */
    }
    fixture_sync(&f, false);
    check_indexes(8);
    fixture_release(&f);
}
END_TEST

/* Nothing of before is left behind the entries of a log that was cut. */
START_TEST(cut_index_files_are_kafkas)
{
    struct plog_mark mark;
    fixture_init(&f);
    f.cfg.settings.segment_bytes = 1 << 20;
    fixture_open_new(&f);
    fixture_fill(&f, 20);
    plog_mark(f.log, &mark);
    int64_t end = fixture_end(&f);
    fixture_fill(&f, 40);
    fixture_sync(&f, false);
    fixture_cut(&f, end);
    fixture_reopen(&f, &mark);
    fixture_fill(&f, 1);
    ck_assert_ok(plog_roll(f.log, NULL));
    fixture_fill(&f, 1);
    fixture_sync(&f, false);
    check_indexes(1);
    fixture_release(&f);
}
END_TEST

START_TEST(text_files_are_kafkas)
{
    fixture_init(&f);
    fixture_open_new(&f);
    for (int i = 0; i < 4; i++)
        fixture_make(&f, 10, 1, 1, 1, i / 2 * 7);
    fixture_append(&f, 0);
    fixture_sync(&f, false);
    check_text("t-0/partition.metadata", metadata);
    check_text("t-0/leader-epoch-checkpoint", "0\n2\n0 0\n7 20\n");
    fixture_release(&f);
}
END_TEST

START_TEST(work_that_was_noted_and_not_done_is_due_again)
{
    struct plog_syncing *s;
    struct plog_mark mark;
    fixture_init(&f);
    fixture_open_new(&f);
    fixture_fill(&f, 5);
    ck_assert_ok(plog_sync_begin(f.log, &s, NULL));
    plog_sync_undo(f.log, s);
    plog_syncing_free(s);
    ck_assert(plog_dirty(f.log));
    fixture_sync(&f, false);
    plog_mark(f.log, &mark);
    cut_power(IO_CUT_NONE, 0);
    fixture_reopen(&f, &mark);
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

UNIT_MAIN(work_that_was_noted_and_not_done_is_due_again, what_was_synced_survives_a_power_cut,
          a_cut_end_stays_cut, dirty_tells_whether_there_is_work, only_what_changed_is_synced,
          a_failed_sync_is_told, a_failed_index_write_is_no_failure, a_syncing_outlives_the_log,
          index_files_are_kafkas, a_complete_segment_ends_with_its_latest_time,
          cut_index_files_are_kafkas, text_files_are_kafkas)
