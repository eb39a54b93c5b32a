/* The time by which things grow old does not jump. */
#include "shard/wall.h"
#include "tests/unit/unit.h"

static struct clock_manual clock;
static struct wall wall;

static const int64_t t0 = 1800000000000;
enum { MINUTE = 60000, HOUR = 60 * MINUTE };
#define TEN_YEARS (INT64_C(3653) * 24 * HOUR)

static int64_t now(void)
{
    return wall_now(&wall, &clock.clock, NULL);
}

static void begin(int64_t last)
{
    clock_manual_init(&clock, 123456789, t0);
    wall_init(&wall, &clock.clock, last, INT64_MIN);
}

START_TEST(it_runs_with_the_clock)
{
    begin(INT64_MIN);
    ck_assert_int_eq(now(), t0);
    clock_manual_advance(&clock, 5 * HOUR);
    ck_assert_int_eq(now(), t0 + 5 * HOUR);
    for (int i = 0; i < 100; i++) { /* small corrections are followed, however many */
        clock.wall += MINUTE;
        ck_assert_int_eq(now(), t0 + 5 * HOUR + (i + 1) * MINUTE);
    }
}
END_TEST

START_TEST(a_jump_ahead_counts_only_when_it_lasts)
{
    begin(INT64_MIN);
    clock.wall += TEN_YEARS;
    ck_assert_int_eq(now(), t0);
    for (int i = 1; i < 60; i++) {
        clock_manual_advance(&clock, MINUTE);
        ck_assert_int_eq(now(), t0 + i * MINUTE);
    }
    clock_manual_advance(&clock, MINUTE);
    ck_assert_int_eq(now(), t0 + TEN_YEARS + HOUR);
    clock_manual_advance(&clock, MINUTE);
    ck_assert_int_eq(now(), t0 + TEN_YEARS + HOUR + MINUTE);
}
END_TEST

START_TEST(a_jump_that_is_undone_never_was)
{
    begin(INT64_MIN);
    clock.wall += TEN_YEARS;
    now();
    clock_manual_advance(&clock, 50 * MINUTE);
    now();
    clock.wall -= TEN_YEARS;
    ck_assert_int_eq(now(), t0 + 50 * MINUTE);
    clock.wall += TEN_YEARS; /* and the next one begins anew */
    clock_manual_advance(&clock, 30 * MINUTE);
    ck_assert_int_eq(now(), t0 + 80 * MINUTE);
}
END_TEST

START_TEST(jump_after_jump_begins_anew)
{
    begin(INT64_MIN);
    for (int i = 0; i < 10; i++) {
        clock.wall += HOUR;
        ck_assert_int_eq(now(), t0 + i * 50 * MINUTE);
        clock_manual_advance(&clock, 50 * MINUTE);
    }
}
END_TEST

START_TEST(back_is_followed_at_once)
{
    begin(INT64_MIN);
    clock.wall -= TEN_YEARS;
    ck_assert_int_eq(now(), t0 - TEN_YEARS);
    clock.wall += TEN_YEARS;
    ck_assert_int_eq(now(), t0 - TEN_YEARS);
    clock_manual_advance(&clock, HOUR);
    ck_assert_int_eq(now(), t0 + HOUR);
}
END_TEST

START_TEST(a_start_after_a_while_counts_as_a_jump)
{
    begin(t0 - MINUTE);
    ck_assert_int_eq(now(), t0);
    begin(t0 - TEN_YEARS);
    ck_assert_int_eq(now(), t0 - TEN_YEARS);
    clock_manual_advance(&clock, HOUR);
    ck_assert_int_eq(now(), t0 + HOUR);
    begin(t0 + TEN_YEARS); /* what was recorded lies ahead: the clock counts */
    ck_assert_int_eq(now(), t0);
}
END_TEST

START_TEST(a_leap_is_remembered_with_its_time)
{
    begin(INT64_MIN);
    now();
    ck_assert_int_eq(wall_leapt(&wall), INT64_MIN);
    clock.wall -= TEN_YEARS; /* back is none */
    now();
    ck_assert_int_eq(wall_leapt(&wall), INT64_MIN);
    clock.wall += TEN_YEARS;
    now();
    clock_manual_advance(&clock, 50 * MINUTE);
    now();
    ck_assert_int_eq(wall_leapt(&wall), INT64_MIN); /* not before it is believed */
    clock_manual_advance(&clock, 10 * MINUTE);
    ck_assert_int_eq(now(), t0 + HOUR);
    ck_assert_int_eq(wall_leapt(&wall), t0 + HOUR);
    clock_manual_advance(&clock, HOUR);
    now();
    ck_assert_int_eq(wall_leapt(&wall), t0 + HOUR);
    clock_manual_init(&clock, 1, t0);
    wall_init(&wall, &clock.clock, t0, t0 - HOUR); /* nor is it forgotten by a stop */
    now();
    ck_assert_int_eq(wall_leapt(&wall), t0 - HOUR);
}
END_TEST

START_TEST(a_leap_that_is_taken_back_does_not_stand_in_the_future)
{
    begin(INT64_MIN);
    now();
    clock.wall += TEN_YEARS;
    now();
    clock_manual_advance(&clock, HOUR);
    now();
    ck_assert_int_eq(wall_leapt(&wall), t0 + TEN_YEARS + HOUR);
    clock.wall -= TEN_YEARS;
    ck_assert_int_eq(now(), t0 + HOUR);
    ck_assert_int_eq(wall_leapt(&wall), t0 + HOUR);
    clock_manual_advance(&clock, HOUR); /* and what is older grows old again */
    now();
    ck_assert_int_eq(wall_leapt(&wall), t0 + HOUR);
}
END_TEST

UNIT_MAIN(a_leap_that_is_taken_back_does_not_stand_in_the_future,
          a_leap_is_remembered_with_its_time, it_runs_with_the_clock,
          a_jump_ahead_counts_only_when_it_lasts, a_jump_that_is_undone_never_was,
          jump_after_jump_begins_anew, back_is_followed_at_once,
          a_start_after_a_while_counts_as_a_jump)
