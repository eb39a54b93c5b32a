#include <stdlib.h>

#include "broker/container.h"
#include "broker/deadline.h"
#include "loop/loop_virtual.h"
#include "tests/unit/unit.h"

enum { MANY = 500 };

struct entry {
    struct deadline deadline;
    int64_t due, rang;
    int times;
};

static struct loop *loop;
static struct deadlines all;
static struct entry entries[MANY];

static void passed(struct deadline *d)
{
    struct entry *en = container_of(d, struct entry, deadline);
    en->rang = loop_now_ms(loop);
    en->times++;
}

static void again(struct deadline *d)
{
    passed(d);
    deadline_set(&all, d, 10, again);
}

static void begin(void)
{
    loop = loop_new();
    ck_assert_ok(deadlines_init(&all, loop));
}

static void end(void)
{
    deadlines_release(&all);
    loop_free(loop);
}

START_TEST(each_passes_once_and_on_time)
{
    begin();
    srand(7);
    for (int i = 0; i < MANY; i++) {
        entries[i].due = rand() % 1000;
        ck_assert_ok(deadline_set(&all, &entries[i].deadline, entries[i].due, passed));
    }
    ck_assert_ok(loop_virtual_advance(loop, 2000));
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(entries[i].times, 1);
        ck_assert_int_eq(entries[i].rang, entries[i].due);
        ck_assert(!deadline_is_set(&entries[i].deadline));
    }
    end();
}
END_TEST

START_TEST(cleared_ones_never_pass_and_disturb_no_other)
{
    begin();
    srand(8);
    for (int i = 0; i < MANY; i++) {
        entries[i].due = rand() % 1000;
        ck_assert_ok(deadline_set(&all, &entries[i].deadline, entries[i].due, passed));
    }
    for (int i = 0; i < MANY; i += 3)
        deadline_clear(&all, &entries[i].deadline);
    ck_assert_ok(loop_virtual_advance(loop, 2000));
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(entries[i].times, i % 3 ? 1 : 0);
        if (i % 3)
            ck_assert_int_eq(entries[i].rang, entries[i].due);
    }
    end();
}
END_TEST

START_TEST(a_later_setting_replaces_an_earlier_one)
{
    begin();
    ck_assert_ok(deadline_set(&all, &entries[0].deadline, 10, passed));
    ck_assert_ok(deadline_set(&all, &entries[0].deadline, 50, passed));
    ck_assert_ok(deadline_set(&all, &entries[1].deadline, 90, passed));
    ck_assert_ok(deadline_set(&all, &entries[1].deadline, 20, passed));
    ck_assert_ok(loop_virtual_advance(loop, 100));
    ck_assert_int_eq(entries[0].times, 1);
    ck_assert_int_eq(entries[0].rang, 50);
    ck_assert_int_eq(entries[1].times, 1);
    ck_assert_int_eq(entries[1].rang, 20);
    end();
}
END_TEST

START_TEST(one_may_set_itself_again)
{
    begin();
    ck_assert_ok(deadline_set(&all, &entries[0].deadline, 10, again));
    ck_assert_ok(loop_virtual_advance(loop, 95));
    ck_assert_int_eq(entries[0].times, 9);
    deadline_clear(&all, &entries[0].deadline);
    end();
}
END_TEST

static void at_once(struct deadline *d)
{
    passed(d);
    if (container_of(d, struct entry, deadline)->times < 3)
        deadline_set(&all, d, 0, at_once);
}

/* Steps taken when another event of the loop had its turn. */
static int steps_seen;

static void look(struct loop_hook *h)
{
    (void)h;
    steps_seen = entries[0].times;
}

static void begin_steps(struct deadline *d)
{
    static struct loop_hook end_of_iteration = {.run = look};
    loop_at_end(loop, &end_of_iteration);
    at_once(d);
}

START_TEST(one_that_sets_itself_again_at_once_gives_others_their_turn)
{
    begin();
    ck_assert_ok(deadline_set(&all, &entries[0].deadline, 10, begin_steps));
    ck_assert_ok(deadline_set(&all, &entries[1].deadline, 10, passed));
    ck_assert_ok(loop_virtual_advance(loop, 10));
    ck_assert_int_eq(steps_seen, 1);
    ck_assert_int_eq(entries[1].times, 1);
    ck_assert_ok(loop_virtual_advance(loop, 10));
    ck_assert_int_eq(entries[0].times, 3);
    ck_assert_int_le(entries[0].rang, 12);
    end();
}
END_TEST

START_TEST(no_time_is_too_long_or_too_short)
{
    begin();
    ck_assert_ok(deadline_set(&all, &entries[0].deadline, INT64_MAX, passed));
    ck_assert_ok(deadline_set(&all, &entries[1].deadline, -5, passed));
    ck_assert_ok(loop_virtual_advance(loop, 1));
    ck_assert_int_eq(entries[0].times, 0);
    ck_assert_int_eq(entries[1].times, 1);
    deadline_clear(&all, &entries[0].deadline);
    end();
}
END_TEST

UNIT_MAIN(each_passes_once_and_on_time, cleared_ones_never_pass_and_disturb_no_other,
          a_later_setting_replaces_an_earlier_one, one_may_set_itself_again,
          one_that_sets_itself_again_at_once_gives_others_their_turn,
          no_time_is_too_long_or_too_short)
