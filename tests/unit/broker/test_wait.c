/* Waiting for a partition: woken by its notification, by its end, by the deadline, and by nothing
 * else. The first test is the one that must fail when the notification never fires. */
#include "broker/container.h"
#include "broker/wait.h"
#include "loop/loop_virtual.h"
#include "tests/unit/unit.h"

struct waiter {
    struct wait wait;
    struct wait_link links[3];
    int woken, late;
};

static struct loop *loop;
static struct deadlines deadlines;
static struct waiting waiting;
static struct watchers partitions[3]; /* as a shard has them */
static const struct uuid topic = {{1, 2, 3}};
static struct waiter one, two;

static void over(struct wait *w, bool woken)
{
    struct waiter *x = container_of(w, struct waiter, wait);
    if (woken)
        x->woken++;
    else
        x->late++;
}

static void wait_for(struct waiter *w, int64_t ms, int first, int n)
{
    ck_assert_ok(wait_begin(&waiting, &w->wait, w->links, ms, over));
    for (int i = first; i < first + n; i++)
        ck_assert_ok(wait_on(&w->wait, &topic, i, &partitions[i]));
}

static void begin(void)
{
    loop = loop_new();
    ck_assert_ok(deadlines_init(&deadlines, loop));
    waiting_init(&waiting, loop, &deadlines);
}

static void end(void)
{
    waiting_release(&waiting);
    deadlines_release(&deadlines);
    loop_free(loop);
}

START_TEST(the_notification_wakes_who_waits)
{
    begin();
    wait_for(&one, 1000, 0, 1);
    wait_for(&two, 1000, 0, 1);
    watchers_notify(&partitions[0]);
    ck_assert_ok(loop_virtual_advance(loop, 0));
    ck_assert_int_eq(one.woken, 1);
    ck_assert_int_eq(two.woken, 1);
    ck_assert_ok(loop_virtual_advance(loop, 2000));
    ck_assert_int_eq(one.woken + one.late, 1);
    end();
}
END_TEST

START_TEST(other_partitions_wake_nobody)
{
    begin();
    wait_for(&one, 1000, 0, 1);
    wait_for(&two, 1000, 1, 1);
    watchers_notify(&partitions[1]);
    watchers_notify(&partitions[2]);
    ck_assert_ok(loop_virtual_advance(loop, 999));
    ck_assert_int_eq(one.woken + one.late, 0);
    ck_assert_int_eq(two.woken, 1);
    ck_assert_ok(loop_virtual_advance(loop, 1));
    ck_assert_int_eq(one.late, 1);
    end();
}
END_TEST

START_TEST(several_partitions_that_move_wake_once)
{
    begin();
    wait_for(&one, 1000, 0, 3);
    watchers_notify(&partitions[0]);
    watchers_notify(&partitions[2]);
    watchers_notify(&partitions[0]);
    ck_assert_ok(loop_virtual_advance(loop, 5000));
    ck_assert_int_eq(one.woken, 1);
    ck_assert_int_eq(one.late, 0);
    end();
}
END_TEST

START_TEST(a_wait_that_ended_is_not_told)
{
    begin();
    wait_for(&one, 1000, 0, 3);
    wait_end(&one.wait);
    watchers_notify(&partitions[0]);
    ck_assert_ok(loop_virtual_advance(loop, 5000));
    ck_assert_int_eq(one.woken + one.late, 0);

    wait_for(&one, 1000, 0, 3);
    watchers_notify(&partitions[0]); /* on its way */
    wait_end(&one.wait);
    ck_assert_ok(loop_virtual_advance(loop, 5000));
    ck_assert_int_eq(one.woken + one.late, 0);
    end();
}
END_TEST

/* The watch of the first wait still hangs there when the second comes. */
START_TEST(one_may_wait_again_and_again)
{
    begin();
    for (int i = 1; i <= 5; i++) {
        wait_for(&one, 10, 0, 2);
        ck_assert_ok(loop_virtual_advance(loop, 10));
        ck_assert_int_eq(one.late, i);
    }
    for (int i = 1; i <= 5; i++) {
        wait_for(&one, 10, 0, 2);
        watchers_notify(&partitions[1]);
        ck_assert_ok(loop_virtual_advance(loop, 0));
        ck_assert_int_eq(one.woken, i);
    }
    end();
}
END_TEST

START_TEST(a_partition_that_goes_tells_those_who_wait_and_those_who_come)
{
    begin();
    wait_for(&one, 1000, 0, 1);
    watchers_close(&partitions[0]);
    ck_assert_ok(loop_virtual_advance(loop, 0));
    ck_assert_int_eq(one.woken, 1);
    wait_for(&two, 1000, 0, 1);
    ck_assert_ok(loop_virtual_advance(loop, 0));
    ck_assert_int_eq(two.woken, 1);
    end();
}
END_TEST

START_TEST(everybody_can_be_sent_home)
{
    begin();
    wait_for(&one, 1000, 0, 2);
    wait_for(&two, 1000, 1, 2);
    waiting_expire(&waiting);
    ck_assert_int_eq(one.late, 1);
    ck_assert_int_eq(two.late, 1);
    end();
}
END_TEST

UNIT_MAIN(the_notification_wakes_who_waits, other_partitions_wake_nobody,
          several_partitions_that_move_wake_once, a_wait_that_ended_is_not_told,
          one_may_wait_again_and_again,
          a_partition_that_goes_tells_those_who_wait_and_those_who_come, everybody_can_be_sent_home)
