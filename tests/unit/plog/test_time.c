/* Searches by time, against a plain search over all records. */
#include <stdlib.h>

#include "tests/unit/plog/fixture.h"

static struct fixture f;

static void check_everywhere(void)
{
    struct plog_mark mark;
    fixture_check_times(&f);
    fixture_sync(&f, false);
    plog_mark(f.log, &mark);
    fixture_reopen(&f, &mark);
    fixture_check_times(&f);
    ck_assert_ok(plog_set_log_start(f.log, fixture_end(&f) / 3 + 1, NULL));
    fixture_check_times(&f);
    fixture_fill(&f, 20);
    fixture_check_times(&f);
    ck_assert_ok(plog_set_floor(f.log, INT64_MAX, NULL));
    fixture_check_times(&f);
    ck_assert_ok(plog_set_log_start(f.log, fixture_end(&f) - 1, NULL));
    fixture_check_times(&f);
    ck_assert_ok(plog_set_log_start(f.log, fixture_end(&f), NULL));
    fixture_check_times(&f);
}

START_TEST(times_that_grow_and_jump_back)
{
    fixture_init(&f);
    fixture_open_new(&f);
    fixture_fill(&f, 120);
    check_everywhere();
    fixture_release(&f);
}
END_TEST

START_TEST(times_that_fall)
{
    fixture_init(&f);
    fixture_open_new(&f);
    for (int i = 0; i < 100; i++)
        fixture_make(&f, 3, 30, 3000 - 20 * i, -5, 0);
    fixture_append(&f, 0);
    check_everywhere();
    fixture_release(&f);
}
END_TEST

START_TEST(times_that_stand_still)
{
    fixture_init(&f);
    fixture_open_new(&f);
    for (int i = 0; i < 100; i++)
        fixture_make(&f, 3, 30, 900, 0, 0);
    fixture_append(&f, 0);
    check_everywhere();
    fixture_release(&f);
}
END_TEST

START_TEST(one_late_record_among_many)
{
    fixture_init(&f);
    fixture_open_new(&f);
    for (int i = 0; i < 100; i++)
        fixture_make(&f, 3, 30, i == 40 ? 5000 : 1000 + i, 1, 0);
    fixture_append(&f, 0);
    check_everywhere();
    fixture_release(&f);
}
END_TEST

START_TEST(every_batch_its_own_entry)
{
    fixture_init(&f);
    f.cfg.settings.index_interval_bytes = 0;
    fixture_open_new(&f);
    fixture_fill(&f, 60);
    check_everywhere();
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(no_entry_at_all)
{
    fixture_init(&f);
    f.cfg.settings.index_interval_bytes = 1 << 20;
    fixture_open_new(&f);
    fixture_fill(&f, 60);
    check_everywhere();
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(an_empty_log_has_no_times)
{
    struct plog_time t;
    fixture_init(&f);
    fixture_open_new(&f);
    ck_assert_ok(plog_find_time(f.log, 0, INT64_MAX, &t, NULL));
    ck_assert_int_eq(t.offset, -1);
    ck_assert_int_eq(t.timestamp, -1);
    ck_assert_ok(plog_find_max_time(f.log, INT64_MAX, &t, NULL));
    ck_assert_int_eq(t.offset, -1);
    ck_assert_int_eq(t.leader_epoch, -1);
    fixture_release(&f);
}
END_TEST

/* Looking for a time in a log of many segments opens hardly any of them. */
START_TEST(whole_segments_are_passed_over)
{
    struct plog_mark mark;
    struct plog_time t;
    fixture_init(&f);
    fixture_open_new(&f);
    for (int i = 0; i < 400; i++)
        fixture_make(&f, 1, 100, 1000 + i, 1, 0);
    fixture_append(&f, 0);
    fixture_sync(&f, false);
    plog_mark(f.log, &mark);
    fixture_reopen(&f, &mark);
    uint64_t reads = io_mem_calls(f.mem, IO_MEM_READ);
    ck_assert_ok(plog_find_time(f.log, 1399, INT64_MAX, &t, NULL));
    ck_assert_int_eq(t.offset, 399);
    ck_assert_uint_lt(io_mem_calls(f.mem, IO_MEM_READ) - reads,
                      60); /* a check file each, no more */
    reads = io_mem_calls(f.mem, IO_MEM_READ);
    ck_assert_ok(plog_find_time(f.log, 1398, INT64_MAX, &t, NULL));
    ck_assert_int_eq(t.offset, 398);
    ck_assert_uint_lt(io_mem_calls(f.mem, IO_MEM_READ) - reads, 8);
    fixture_release(&f);
}
END_TEST

START_TEST(a_damaged_batch_is_no_answer)
{
    struct plog_mark mark;
    struct plog_time t;
    size_t size;
    fixture_init(&f);
    fixture_open_new(&f);
    fixture_make(&f, 3, 30, 1000, 1, 0);
    fixture_append(&f, 0);
    plog_mark(f.log, &mark);
    uint8_t *p = io_mem_bytes(f.mem, fixture_path(&f, 0, ".log"), &size);
    p[size - 20] ^= 1;
    fixture_reopen(&f, &mark);
    ck_assert_int_eq(plog_find_time(f.log, 1001, INT64_MAX, &t, NULL), ERR_CORRUPT);
    ck_assert_int_eq(plog_find_max_time(f.log, INT64_MAX, &t, NULL), ERR_CORRUPT);
    fixture_release(&f);
}
END_TEST

UNIT_MAIN(times_that_grow_and_jump_back, times_that_fall, times_that_stand_still,
          one_late_record_among_many, every_batch_its_own_entry, no_entry_at_all,
          an_empty_log_has_no_times, whole_segments_are_passed_over, a_damaged_batch_is_no_answer)
