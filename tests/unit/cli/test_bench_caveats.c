#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/bench_caveats.h"
#include "cli/bench_opt.h"
#include "tests/unit/unit.h"

static struct bench_options o;
static struct bench_stats stats;
static struct pace_stats paced;
static struct bench_result r;

/* 200,000 requests in a second, at the rate that was asked for: nothing to say. */
static void fill(void)
{
    o = bench_options_default();
    o.rate = 200000;
    bench_stats_init(&stats);
    pace_stats_init(&paced);
    for (int i = 0; i < 200000; i++) {
        hdr_record(&stats.latency, 1000000);
        hdr_record(&paced.late, 1000);
    }
    stats.requests = stats.records = 200000;
    stats.first_ns = 1000000000;
    stats.last_ns = 2000000000;
    r = (struct bench_result){.opt = &o,
                              .stats = &stats,
                              .latency = &stats.latency,
                              .elapsed_ns = 1000000000,
                              .records = 200000,
                              .paced = &paced,
                              .cost = {.wall_ns = 1000000000, .busiest = 0.5}};
}

/* There is one warning, and it begins so; NULL: there is none. */
static void warns(const char *want)
{
    struct json *all = bench_caveats(&r);
    ck_assert_uint_eq(json_len(all), want ? 1 : 0);
    if (want) {
        struct span s = json_str(json_at(all, 0));
        ck_assert_msg(s.n >= strlen(want) && !memcmp(s.p, want, strlen(want)), "%.*s", (int)s.n,
                      (const char *)s.p);
    }
    json_free(all);
}

START_TEST(a_good_run_needs_no_word)
{
    fill();
    warns(NULL);
}
END_TEST

START_TEST(percentiles_without_samples_above_are_named)
{
    fill();
    hdr_init(&stats.latency);
    for (int i = 0; i < 5000; i++)
        hdr_record(&stats.latency, 1000000);
    warns("too short for p999, p9999: of 5000 requests");
    fill();
    stats.requests = 500; /* of 400 records each, all of them timed */
    warns("too short for p99, p999, p9999: of 500 requests");
    fill();
    hdr_init(&stats.latency);
    warns("nothing was measured");
}
END_TEST

START_TEST(each_trouble_has_its_warning)
{
    fill();
    stats.failed_requests = 1;
    warns("1 of 200001 requests failed");
    fill();
    r.checked = &(const struct check_counts){.records = 200000};
    warns(NULL);
    r.checked = &(const struct check_counts){.lost = 3, .altered = 4};
    warns("the check failed: 3 lost, 0 duplicated, 0 reordered, 4 altered");
    fill();
    r.bad_offsets = 2;
    warns("2 acknowledgements had an offset that cannot be");
    fill();
    stats.retried_requests = 3;
    warns("3 answers brought an error and were asked for again: the latencies count the wait");
    fill();
    stats.last_ns = 2010000000; /* more than a hundredth longer */
    warns(NULL);
    stats.last_ns = 2100000000;
    warns("the load fell behind: 181817 records/s were answered, 200000 were due");
    fill();
    paced.no_room = 4000;
    warns("2.0 % of the requests found their connection full");
    fill();
    for (int i = 0; i < 4000; i++)
        hdr_record(&paced.late, 3000000);
    warns("the bench itself began requests late");
    fill();
    hdr_init(&paced.late);
    for (int i = 0; i < 200000; i++)
        hdr_record(&paced.late, 90000);
    warns(NULL);
    for (int i = 0; i < 300000; i++)
        hdr_record(&paced.late, 110000);
    warns("the bench itself began half of the requests 110 us late or later, of a median latency");
    fill();
    r.cost.busiest = 0.9;
    warns("a thread of the bench was busy 90 %");
    fill();
    r.cost.waiting = 0.25;
    warns(NULL);
    r.cost.waiting = 0.35;
    warns("a thread of the bench was busy 50 % of the time and waited for a processor 35 %");
    fill();
    r.ceiling = 400000;
    warns(NULL);
    r.ceiling = 390000;
    warns("this is 51 % of what the bench can drive");
    fill();
    r.interrupted = true;
    warns("interrupted");
}
END_TEST

START_TEST(the_ceiling_is_what_was_driven_by_how_busy_that_made_it)
{
    fill();
    ck_assert_double_eq_tol(bench_result_ceiling(&r), 400000, 1);
    r.cost.waiting = 0.3;
    ck_assert_double_eq_tol(bench_result_ceiling(&r), 250000, 1);
    r.ceiling = 300000;
    ck_assert_double_eq_tol(bench_result_ceiling(&r), 300000, 1);
}
END_TEST

START_TEST(the_busiest_thread_is_the_one_least_idle)
{
    struct bench_usage begin = {0}, end = {.at_ns = 1000};
    struct bench_cost c = bench_cost_between(&begin, &end);
    ck_assert(c.busiest < 0 && c.waiting < 0);
    bench_cost_thread(&c, 500, -1);
    ck_assert_double_eq_tol(c.busiest, 0.5, 1e-9);
    ck_assert(c.waiting < 0);
    bench_cost_thread(&c, 300, 400);
    bench_cost_thread(&c, 600, 50);
    ck_assert_double_eq_tol(c.busiest, 0.3, 1e-9);
    ck_assert_double_eq_tol(c.waiting, 0.4, 1e-9);
    ck_assert_double_eq_tol(bench_cost_taken(&c), 0.7, 1e-9);
}
END_TEST

/* More threads than one processor can run: each waits for most of the time. */
static void *spin(void *until_ns)
{
    while (clock_system()->mono_ns(clock_system()) < *(int64_t *)until_ns)
        ;
    return NULL;
}

START_TEST(a_thread_that_waits_for_its_processor_is_seen)
{
    pthread_t others[3];
    cpu_set_t one;
    int64_t until = clock_system()->mono_ns(clock_system()) + 300000000;
    if (bench_usage_waited_ns(gettid()) < 0) /* this system does not tell */
        return;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0); /* theirs, too */
    int64_t before = bench_usage_waited_ns(gettid());
    for (int i = 0; i < 3; i++)
        pthread_create(&others[i], NULL, spin, &until);
    spin(&until);
    for (int i = 0; i < 3; i++)
        pthread_join(others[i], NULL);
    ck_assert_int_gt(bench_usage_waited_ns(gettid()) - before, 50000000);
    ck_assert_int_eq(bench_usage_waited_ns(0), -1);
}
END_TEST

UNIT_MAIN(a_good_run_needs_no_word, percentiles_without_samples_above_are_named,
          each_trouble_has_its_warning, the_ceiling_is_what_was_driven_by_how_busy_that_made_it,
          the_busiest_thread_is_the_one_least_idle, a_thread_that_waits_for_its_processor_is_seen)
