#include <sched.h>
#include <stdatomic.h>

#include "broker/container.h"
#include "broker/crew.h"
#include "tests/unit/unit.h"

enum { JOBS = 1000 };

struct job {
    struct loop_msg msg;
    int number;
};

static struct crew crew;
static struct job jobs[JOBS];
static int order[JOBS];
static atomic_int done;

static void note(struct loop_msg *m)
{
    order[atomic_fetch_add(&done, 1)] = container_of(m, struct job, msg)->number;
}

static void post_all(void)
{
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){.msg.run = note, .number = i};
        crew_post(&crew, &jobs[i].msg);
    }
}

START_TEST(one_thread_keeps_the_order_and_stop_waits_for_all)
{
    ck_assert_ok(crew_start(&crew, "one", 1));
    post_all();
    crew_stop(&crew);
    ck_assert_int_eq(done, JOBS);
    for (int i = 0; i < JOBS; i++)
        ck_assert_int_eq(order[i], i);
}
END_TEST

START_TEST(several_threads_do_every_job_once)
{
    ck_assert_ok(crew_start(&crew, "three", 3));
    post_all();
    crew_stop(&crew);
    ck_assert_int_eq(done, JOBS);
    int times[JOBS] = {0};
    for (int i = 0; i < JOBS; i++)
        times[order[i]]++;
    for (int i = 0; i < JOBS; i++)
        ck_assert_int_eq(times[i], 1);
}
END_TEST

START_TEST(held_it_begins_nothing)
{
    ck_assert_ok(crew_start(&crew, "held", 1));
    crew_hold(&crew);
    post_all();
    ck_assert_int_eq(done, 0);
    crew_hold(&crew);
    crew_release(&crew);
    while (atomic_load(&done) < JOBS)
        sched_yield();
    crew_hold(&crew);
    crew_stop(&crew); /* releases it, too */
    ck_assert_int_eq(done, JOBS);
}
END_TEST

START_TEST(a_crew_that_never_started_can_be_stopped)
{
    crew_release(&crew);
    crew_stop(&crew);
}
END_TEST

UNIT_MAIN(one_thread_keeps_the_order_and_stop_waits_for_all, several_threads_do_every_job_once,
          held_it_begins_nothing, a_crew_that_never_started_can_be_stopped)
