/* What the virtual loop promises beyond loop.h: its time. */
#include <errno.h>
#include <string.h>

#include "loop/loop_virtual.h"
#include "tests/unit/unit.h"

static char seen[64];
static struct loop *loop;
static struct loop_timer *every;

static void on_letter(void *arg)
{
    strcat(seen, arg);
}

static void on_every(void *arg)
{
    (void)arg;
    strcat(seen, "e");
    loop_timer_set(every, 10);
}

START_TEST(time_moves_only_when_told_and_stops_at_every_timer)
{
    loop = loop_new();
    every = loop_timer_new(loop, on_every, NULL);
    loop_timer_set(every, 10);
    ck_assert_ok(loop_virtual_advance(loop, 9));
    ck_assert_str_eq(seen, "");
    ck_assert_int_eq(loop_now_ms(loop), 9);
    ck_assert_ok(loop_virtual_advance(loop, 1));
    ck_assert_str_eq(seen, "e");
    ck_assert_ok(loop_virtual_advance(loop, 35));
    ck_assert_str_eq(seen, "eeee");
    ck_assert_int_eq(loop_now_ms(loop), 45);
    loop_timer_free(every);
    loop_free(loop);
}
END_TEST

START_TEST(timers_due_together_fire_in_the_order_they_were_set)
{
    loop = loop_new();
    struct loop_timer *a = loop_timer_new(loop, on_letter, "a");
    struct loop_timer *b = loop_timer_new(loop, on_letter, "b");
    struct loop_timer *c = loop_timer_new(loop, on_letter, "c");
    loop_timer_set(b, 5);
    loop_timer_set(c, 5);
    loop_timer_set(a, 5);
    ck_assert_ok(loop_virtual_advance(loop, 5));
    ck_assert_str_eq(seen, "bca");
    loop_timer_free(b);
    loop_timer_free(a);
    loop_timer_free(c);
    loop_free(loop);
}
END_TEST

START_TEST(run_with_nothing_to_wait_for_says_so)
{
    loop = loop_new();
    ck_assert_int_eq(loop_run(loop), -EDEADLK);
    loop_free(loop);
}
END_TEST

UNIT_MAIN(time_moves_only_when_told_and_stops_at_every_timer,
          timers_due_together_fire_in_the_order_they_were_set, run_with_nothing_to_wait_for_says_so)
