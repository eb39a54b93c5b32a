/* Where segments end by time and at hand, and what is told of them. */
#include <string.h>

#include "tests/unit/plog/fixture.h"

static struct fixture f;

enum { HOUR = 3600000 };
static const int64_t t0 = 1700000000000;

static void begin(int64_t segment_ms)
{
    fixture_init(&f);
    f.cfg.settings.segment_bytes = 1 << 20;
    f.cfg.settings.segment_ms = segment_ms;
    fixture_open_new(&f);
}

/* One batch whose records have the times from, from + step.. */
static void add(int records, int64_t from, int64_t step)
{
    fixture_make(&f, records, 10, from, step, 0);
    fixture_append(&f, f.n - 1);
}

static void set(uint64_t bytes, int64_t ms, uint32_t interval)
{
    f.cfg.settings = (struct plog_settings){bytes, ms, interval};
    plog_set_settings(f.log, &f.cfg.settings);
}

static void restart(void)
{
    struct plog_mark mark;
    plog_mark(f.log, &mark);
    fixture_reopen(&f, &mark);
}

static void ck_bases(size_t n, const int64_t *bases)
{
    ck_assert_uint_eq(plog_segments_count(f.log), n);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(plog_segments_at(f.log, i).base, bases[i]);
}

/* ---- rolling by time */

START_TEST(a_batch_that_is_too_late_begins_a_segment)
{
    begin(HOUR);
    add(2, t0, 1000); /* the largest of the first batch counts: t0 + 1000 */
    add(1, t0 - 50 * HOUR, 0);
    add(1, t0 + 1000 + HOUR, 0);
    ck_bases(1, (int64_t[]){0});
    add(2, t0 + 1001 + HOUR, -500); /* the largest of the batch counts */
    ck_bases(2, (int64_t[]){0, 4});
    add(1, t0 + 1001 + 2 * HOUR, 0);
    add(1, t0, 0); /* late, but of an earlier time */
    ck_bases(2, (int64_t[]){0, 4});
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(one_append_may_roll_by_time)
{
    begin(HOUR);
    for (int i = 0; i < 6; i++)
        fixture_make(&f, 1, 10, t0 + i * 40 * 60000, 0, 0); /* every 40 minutes */
    fixture_append(&f, 0);
    ck_bases(3, (int64_t[]){0, 2, 4});
    fixture_check_reads(&f);
    fixture_check_times(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(time_goes_on_after_a_restart)
{
    begin(HOUR);
    add(1, t0, 0);
    add(1, t0 + HOUR, 0);
    restart();
    add(1, t0 + HOUR, 0);
    ck_bases(1, (int64_t[]){0});
    restart();
    add(1, t0 + HOUR + 1, 0);
    ck_bases(2, (int64_t[]){0, 3});
    restart(); /* an empty one has no time yet */
    ck_assert_ok(plog_roll(f.log, NULL));
    restart();
    add(1, t0 + 100 * HOUR, 0);
    ck_bases(3, (int64_t[]){0, 3, 4});
    add(1, t0 + 101 * HOUR + 1, 0);
    ck_bases(4, (int64_t[]){0, 3, 4, 5});
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(records_without_time_never_roll)
{
    begin(1);
    add(1, -1, 0);
    add(1, t0, 0);
    add(1, t0 + 5 * HOUR, 0);
    add(1, -1, 0);
    ck_bases(1, (int64_t[]){0});
    fixture_release(&f);
}
END_TEST

START_TEST(times_at_the_ends_of_their_range_are_compared_rightly)
{
    begin(HOUR);
    add(1, 0, 0);
    add(1, INT64_MIN, 0);
    ck_bases(1, (int64_t[]){0});
    add(1, INT64_MAX, 0);
    ck_bases(2, (int64_t[]){0, 2});
    add(1, INT64_MIN, 0);
    add(1, INT64_MAX, 0);
    ck_bases(2, (int64_t[]){0, 2});
    fixture_release(&f);
}
END_TEST

START_TEST(settings_count_from_the_next_append_on)
{
    begin(0);
    add(1, t0, 0);
    add(1, t0 + 50 * HOUR, 0);
    ck_bases(1, (int64_t[]){0}); /* never by time */
    set(1 << 20, 60 * HOUR, 200);
    add(1, t0 + 60 * HOUR, 0);
    ck_bases(1, (int64_t[]){0});
    set(1 << 20, HOUR, 200);
    add(1, t0 + 60 * HOUR, 0);
    ck_bases(2, (int64_t[]){0, 3});
    set(1, HOUR, 0);
    add(1, t0 + 60 * HOUR, 0);
    add(1, t0 + 60 * HOUR, 0);
    ck_bases(4, (int64_t[]){0, 3, 4, 5});
    fixture_check_reads(&f);
    restart();
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

/* Where the first batch's header is no header, the time it began is not known: size still ends it,
 * and whoever reads the batch learns of the damage. */
START_TEST(an_unreadable_beginning_does_not_stop_appends)
{
    size_t n;
    struct plog_slice s;
    begin(HOUR);
    add(1, t0, 0);
    restart();
    io_mem_bytes(f.mem, fixture_path(&f, 0, ".log"), &n)[16] ^= 1; /* magic */
    add(1, t0 + 2 * HOUR, 0);
    ck_bases(1, (int64_t[]){0});
    ck_assert_int_eq(plog_read(f.log, 0, 2, 1000, true, &s, NULL), ERR_CORRUPT);
    fixture_release(&f);
}
END_TEST

/* ---- the list */

START_TEST(segments_are_told_as_they_are)
{
    begin(0);
    struct plog_segment_info s = plog_segments_at(f.log, 0);
    ck_assert_int_eq(s.base, 0);
    ck_assert_int_eq(s.next, 0);
    ck_assert_uint_eq(s.bytes, 0);
    ck_assert_int_eq(s.max_timestamp, -1);
    ck_assert(s.active && s.time_known);
    add(3, t0, -10);
    add(2, t0 - 5, 0);
    ck_assert_ok(plog_roll(f.log, NULL));
    add(1, t0 + 7, 0);
    s = plog_segments_at(f.log, 0);
    ck_assert_int_eq(s.next, 5);
    ck_assert_uint_eq(s.bytes, f.batches[0].bytes.n + f.batches[1].bytes.n);
    ck_assert_int_eq(s.max_timestamp, t0);
    ck_assert(!s.active && s.time_known);
    s = plog_segments_at(f.log, 1);
    ck_assert_int_eq(s.base, 5);
    ck_assert_int_eq(s.next, 6);
    ck_assert_int_eq(s.max_timestamp, t0 + 7);
    ck_assert(s.active && s.time_known);
    fixture_release(&f);
}
END_TEST

static size_t known(void)
{
    size_t n = 0;
    for (size_t i = 0; i < plog_segments_count(f.log); i++)
        n += plog_segments_at(f.log, i).time_known;
    return n;
}

static void learn(size_t most)
{
    struct plog_times *t;
    struct err e;
    ck_assert_ok(plog_times_begin(f.log, most, &t, NULL));
    ck_assert_ptr_nonnull(t);
    int rc = plog_times_run(t, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    plog_times_free(t);
}

static void check_known_times(void)
{
    struct plog_times *t;
    for (size_t i = 0; i < plog_segments_count(f.log); i++)
        ck_assert_int_eq(plog_segments_at(f.log, i).max_timestamp, t0 + (int64_t)i * HOUR);
    ck_assert_ok(plog_times_begin(f.log, 100, &t, NULL));
    ck_assert_ptr_null(t);
}

/* Twelve segments of three batches each; the latest time is the middle one's. */
static void fill_hours(void)
{
    for (int i = 0; i < 12; i++) {
        ck_assert_ok(plog_roll(f.log, NULL));
        add(1, t0 + i * (int64_t)HOUR - 1, 0);
        add(1, t0 + i * (int64_t)HOUR, 0);
        add(1, t0 + i * (int64_t)HOUR - 2, 0);
    }
}

START_TEST(times_are_learnt_from_files)
{
    for (int lost = 0; lost < 2; lost++) {
        begin(0);
        fill_hours();
        check_known_times();
        fixture_sync(&f, false);
        restart();
        ck_assert_uint_eq(known(), 1); /* the active one's is in the mark */
        for (size_t i = 0; lost && i < 12; i += 2)
            ck_assert_ok(
                io_unlink(f.io, fixture_path(&f, plog_segments_at(f.log, i).base, ".check")));
        learn(4);
        ck_assert_uint_eq(known(), 5);
        ck_assert(plog_segments_at(f.log, 3).time_known); /* the oldest first */
        learn(100);
        check_known_times();
        fixture_release(&f);
    }
}
END_TEST

START_TEST(learning_outlives_the_log)
{
    struct plog_times *t;
    begin(0);
    fill_hours();
    restart();
    ck_assert_ok(plog_times_begin(f.log, 100, &t, NULL));
    plog_free(f.log);
    f.log = NULL;
    ck_assert_ok(plog_times_run(t, NULL));
    plog_times_free(t);
    plog_times_free(NULL);
    fixture_release(&f);
}
END_TEST

START_TEST(a_damaged_segment_says_so)
{
    struct plog_times *t;
    struct err e;
    size_t n;
    begin(0);
    fill_hours();
    restart();
    io_mem_bytes(f.mem, fixture_path(&f, 3, ".log"), &n)[16] ^= 1;
    ck_assert_ok(plog_times_begin(f.log, 100, &t, NULL));
    ck_assert_int_eq(plog_times_run(t, &e), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, "00000000000000000003.log"));
    plog_times_free(t);
    ck_assert_uint_eq(known(), 2); /* what came before it, and the active one */
    fixture_release(&f);
}
END_TEST

/* What this process wrote it need not learn, however long ago: cold segments keep their time. */
START_TEST(times_stay_known)
{
    begin(0);
    for (int i = 0; i < 12; i++) {
        fixture_make(&f, 1, 10, t0 + i * (int64_t)HOUR, 0, 0);
        fixture_append(&f, f.n - 1);
        fixture_sync(&f, false);
        if (i < 11)
            ck_assert_ok(plog_roll(f.log, NULL));
        fixture_sync(&f, false);
    }
    ck_assert(!fixture_is_warm(&f, 0));
    check_known_times();
    fixture_release(&f);
}
END_TEST

/* ---- a roll while a syncing is under way */

START_TEST(a_segment_sealed_while_its_index_is_written_gets_it_completed)
{
    for (int late = 0; late < 2; late++) {
        struct plog_syncing *s;
        struct io_stat partial, st;
        begin(0);
        set(1 << 20, 0, 100);
        for (int i = 0; i < 6; i++)
            add(1, t0 + i, 0);
        ck_assert_ok(plog_sync_begin(f.log, &s, NULL));
        if (!late)
            ck_assert_ok(plog_roll(f.log, NULL));
        ck_assert_ok(plog_syncing_run(s, false, NULL));
        if (late)
            ck_assert_ok(plog_roll(f.log, NULL));
        plog_syncing_free(s);
        const char *times = fixture_path(&f, 0, ".timeindex");
        ck_assert_ok(io_stat(f.io, times, &partial));
        ck_assert(plog_dirty(f.log));
        fixture_sync(&f, false);
        ck_assert_ok(io_stat(f.io, times, &st));
        ck_assert_uint_eq(st.size, partial.size + 12);
        ck_assert(!plog_dirty(f.log));
        fixture_release(&f);
    }
}
END_TEST

START_TEST(an_index_that_was_never_completed_is_after_a_restart)
{
    struct io_stat partial, st;
    struct plog_time found;
    begin(0);
    set(1 << 20, 0, 100);
    for (int i = 0; i < 6; i++)
        add(1, t0 + i, 0);
    fixture_sync(&f, false);
    ck_assert_ok(plog_roll(f.log, NULL));
    add(1, t0 + 9, 0);
    ck_assert_ok(io_stat(f.io, fixture_path(&f, 0, ".timeindex"), &partial));
    restart();
    ck_assert_ok(plog_find_time(f.log, t0 + 5, 7, &found, NULL)); /* loads the index */
    ck_assert_int_eq(found.offset, 5);
    fixture_sync(&f, false);
    ck_assert_ok(io_stat(f.io, fixture_path(&f, 0, ".timeindex"), &st));
    ck_assert_uint_eq(st.size, partial.size + 12);
    fixture_release(&f);
}
END_TEST

/* Every state a power cut may leave around rolls is one that the last checkpoint opens. */
START_TEST(rolls_do_not_upset_marks)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct plog_mark mark;
        begin(HOUR);
        for (int i = 0; i < 8; i++) {
            if (fixture_random(&f, 2))
                fixture_fill(&f, 1 + fixture_random(&f, 4));
            if (fixture_random(&f, 2))
                ck_assert_ok(plog_roll(f.log, NULL));
            plog_mark(f.log, &mark);
            struct plog_syncing *s;
            ck_assert_ok(plog_sync_begin(f.log, &s, NULL));
            int64_t end = fixture_end(&f);
            if (fixture_random(&f, 2))
                ck_assert_ok(plog_roll(f.log, NULL));
            fixture_fill(&f, 1 + fixture_random(&f, 3));
            if (s)
                ck_assert_ok(plog_syncing_run(s, false, NULL));
            if (fixture_random(&f, 2))
                ck_assert_ok(plog_roll(f.log, NULL));
            plog_syncing_free(s);
            if (i == 7)
                fixture_cut(&f, end);
        }
        struct io_mem *after =
            io_mem_crash(f.mem, io_mem_trace_len(f.mem), seed ? IO_CUT_SEED : IO_CUT_NONE, seed);
        plog_free(f.log);
        f.log = NULL;
        io_mem_free(f.mem);
        f.mem = after;
        f.io = f.cfg.io = io_mem_io(after);
        fixture_reopen(&f, &mark);
        fixture_check_all(&f);
        fixture_fill(&f, 3);
        fixture_check_reads(&f);
        fixture_release(&f);
    }
}
END_TEST

UNIT_MAIN(a_batch_that_is_too_late_begins_a_segment, one_append_may_roll_by_time,
          time_goes_on_after_a_restart, records_without_time_never_roll,
          times_at_the_ends_of_their_range_are_compared_rightly,
          settings_count_from_the_next_append_on, an_unreadable_beginning_does_not_stop_appends,
          segments_are_told_as_they_are, times_are_learnt_from_files, learning_outlives_the_log,
          a_damaged_segment_says_so, times_stay_known,
          a_segment_sealed_while_its_index_is_written_gets_it_completed,
          an_index_that_was_never_completed_is_after_a_restart, rolls_do_not_upset_marks)
