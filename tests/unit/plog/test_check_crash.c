/* Check files across power cuts. They are never synced on their own, so any of them may survive
 * beside any log: an older one, one that knows of more than the log has, one of a segment that ends
 * elsewhere now because the settings are others. None of that is a loss, and none may look like
 * one: whatever was synced is served.
 *
 * Some lives are led at random, with cuts anywhere. Of what they come to too rarely, a file that
 * knows of more than a complete segment has, each case is brought about by hand. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "tests/unit/plog/fixture.h"

enum { SEEDS = 20, LIVES = 6, AT_BYTES = 48, HEADER = 104 };

static struct fixture f;
static struct plog_mark mark; /* of the last checkpoint */
static size_t ahead;          /* check files of active segments that knew of more than the mark */

/* Segments end, and get index entries, elsewhere than before. */
static void change_settings(void)
{
    struct plog_settings s = {
        .segment_bytes = 700 + fixture_random(&f, 3000),
        .index_interval_bytes = 100 + fixture_random(&f, 300),
    };
    f.cfg.settings = s;
    if (f.log)
        plog_set_settings(f.log, &s);
}

static void checkpoint(void)
{
    struct plog_mark next;
    plog_mark(f.log, &next);
    fixture_sync(&f, false);
    mark = next;
}

/* A checkpoint that dies after it wrote the index files. */
static void half_checkpoint(void)
{
    struct plog_syncing *s;
    ck_assert_ok(plog_sync_begin(f.log, &s, NULL));
    if (!s)
        return;
    ck_assert_ok(plog_syncing_run(s, true, NULL));
    plog_sync_undo(f.log, s);
    plog_syncing_free(s);
}

static void work(void)
{
    for (uint32_t i = 1 + fixture_random(&f, 4); i--;) {
        uint32_t what = fixture_random(&f, 8);
        if (what < 4)
            fixture_fill(&f, 1 + fixture_random(&f, 6));
        else if (what < 5)
            checkpoint();
        else if (what < 6)
            half_checkpoint();
        else if (what < 7)
            change_settings();
        else
            ck_assert_ok(plog_roll(f.log, NULL));
    }
    if (fixture_random(&f, 2))
        checkpoint();
    else
        half_checkpoint();
}

/* How many bytes a check file is about; 0 if there is none. */
static uint64_t checked_bytes(int64_t base)
{
    uint8_t *bytes;
    size_t size;
    if (io_read_file(f.io, fixture_path(&f, base, ".check"), 1 << 20, &bytes, &size) < 0)
        return 0;
    uint64_t is = size < HEADER ? 0 : get_le64(bytes + AT_BYTES);
    free(bytes);
    return is;
}

static void count_ahead(void)
{
    ahead += mark.log_end > 0 && checked_bytes(mark.segment) > mark.bytes;
}

/* The write-ahead log has what is behind the mark; or, with others, that was never acknowledged. */
static void replay(bool others)
{
    size_t from = 0;
    while (from < f.n && f.batches[from].base < mark.log_end)
        from++;
    if (others) {
        fixture_cut(&f, mark.log_end);
        fixture_fill(&f, 1 + fixture_random(&f, 20));
    } else if (from < f.n) {
        fixture_append(&f, from);
    }
}

static bool is_ours(void *ctx, const char *topic, int32_t partition, const struct uuid *id)
{
    (void)ctx, (void)topic, (void)partition;
    return uuid_eq(id, &f.id);
}

static void power_cut(enum io_mem_cut cut)
{
    struct io_mem *was = f.mem;
    f.mem = io_mem_crash(was, io_mem_trace_len(was), cut, fixture_random(&f, 1 << 20));
    ck_assert_ptr_nonnull(f.mem);
    f.io = f.cfg.io = io_mem_io(f.mem);
    count_ahead();
    change_settings();
    ck_assert_ok(plog_sweep(&f.cfg, is_ours, NULL, NULL));
    fixture_reopen(&f, &mark);
    io_mem_free(was);
}

/* What was synced is served: at once, while the replay goes on, and after it. */
static void check_synced(bool others)
{
    struct fixture all = f;
    if (fixture_random(&f, 2)) {
        while (f.n && f.batches[f.n - 1].base >= mark.log_end)
            f.n--;
        fixture_check_all(&f);
        f.n = all.n;
    }
    replay(others);
    fixture_check_all(&f);
}

static void live(uint32_t seed, bool others)
{
    fixture_init(&f);
    f.random = seed;
    f.cfg.buffered = seed % 2;
    mark = (struct plog_mark){.max_timestamp = -1, .max_timestamp_offset = -1};
    fixture_open_new(&f);
    fixture_fill(&f, 5);
    for (int i = 0; i < LIVES; i++) {
        work();
        power_cut((enum io_mem_cut)fixture_random(&f, IO_CUT_KINDS));
        check_synced(others);
    }
    checkpoint();
    fixture_reopen(&f, &mark);
    fixture_check_reads(&f);
    fixture_check_times(&f);
    fixture_release(&f);
}

static void live_often(bool others)
{
    ahead = 0;
    for (uint32_t seed = 1; seed <= SEEDS; seed++)
        live(seed * 7919, others);
    ck_assert_uint_gt(ahead, SEEDS / 10); /* else this shows nothing */
}

START_TEST(nothing_that_was_synced_is_called_corrupt)
{
    live_often(false);
}
END_TEST

/* Nothing relies on that, but a log that goes on with other batches is served as well. */
START_TEST(nor_is_what_follows_where_other_batches_were)
{
    live_often(true);
}
END_TEST

/* ---- by hand */

struct way {
    bool others; /* other batches follow than were there before the cut */
    bool roll;   /* before anything is written */
    bool index;  /* the other index files survived too */
    bool cut;    /* the log is as long as at the checkpoint; else as it was written */
};

static struct way way_of(unsigned bits)
{
    return (struct way){bits & 1, bits & 2, bits & 4, bits & 8};
}

/* The disk kept the check file of a checkpoint that never was, and of the log what was synced, or
 * all. */
static void survive(struct way w)
{
    struct io_file *log;
    plog_free(f.log);
    f.log = NULL;
    if (!w.index) {
        ck_assert_ok(io_unlink(f.io, fixture_path(&f, mark.segment, ".index")));
        ck_assert_ok(io_unlink(f.io, fixture_path(&f, mark.segment, ".timeindex")));
    }
    if (!w.cut)
        return;
    ck_assert_ok(io_open(f.io, fixture_path(&f, mark.segment, ".log"), IO_WRITE, &log));
    ck_assert_ok(io_truncate(log, mark.bytes));
    io_close(log);
}

/* A log whose active segment has a check file that knows of more than the mark. */
static void get_ahead(struct way w)
{
    fixture_init(&f);
    f.cfg.settings = (struct plog_settings){.segment_bytes = 1 << 20, .index_interval_bytes = 200};
    mark = (struct plog_mark){.max_timestamp = -1, .max_timestamp_offset = -1};
    fixture_open_new(&f);
    fixture_fill(&f, 10);
    checkpoint();
    fixture_fill(&f, 10);
    half_checkpoint();
    survive(w);
    ck_assert_uint_gt(checked_bytes(mark.segment), mark.bytes);
    fixture_reopen(&f, &mark);
}

/* Bytes of a complete segment's file. */
static uint64_t bytes_of(int64_t base)
{
    struct io_stat st;
    ck_assert_ok(io_stat(f.io, fixture_path(&f, base, ".log"), &st));
    return st.size;
}

START_TEST(a_complete_segment_that_a_check_file_knows_more_of_is_served)
{
    for (unsigned bits = 0; bits < 16; bits++) {
        struct way w = way_of(bits);
        get_ahead(w);
        int64_t first = mark.segment;
        if (w.roll)
            ck_assert_ok(plog_roll(f.log, NULL));
        replay(w.others);
        ck_assert_ok(plog_roll(f.log, NULL));
        checkpoint();
        ck_assert_int_gt(mark.segment, first);
        /* Nobody wrote to the first one, nor looked into it. */
        ck_assert(checked_bytes(first) > bytes_of(first) || !w.roll || !w.cut);
        fixture_check_all(&f);
        fixture_reopen(&f, &mark);
        fixture_check_reads(&f);
        fixture_check_times(&f);
        fixture_release(&f);
    }
}
END_TEST

/* An active segment that nobody writes to any more: once its index was made anew, it is not again
 * at the next start. */
START_TEST(what_was_made_anew_is_kept)
{
    for (unsigned bits = 0; bits < 16; bits++) {
        get_ahead(way_of(bits));
        fixture_cut(&f, mark.log_end);
        fixture_check_all(&f);
        ck_assert(plog_dirty(f.log));
        checkpoint();
        ck_assert_uint_eq(checked_bytes(mark.segment), mark.bytes);
        ck_assert(!plog_dirty(f.log));
        fixture_reopen(&f, &mark);
        fixture_check_all(&f);
        ck_assert(!plog_dirty(f.log));
        fixture_release(&f);
    }
}
END_TEST

UNIT_MAIN(nothing_that_was_synced_is_called_corrupt, nor_is_what_follows_where_other_batches_were,
          a_complete_segment_that_a_check_file_knows_more_of_is_served, what_was_made_anew_is_kept)
