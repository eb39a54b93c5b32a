#include <string.h>

#include "cli/bench_opt.h"
#include "cli/bench_step.h"
#include "tests/unit/unit.h"

#define SECOND INT64_C(1000000000)

static struct bench_options o;
static struct bench_stats stats;
static struct pace_stats paced;
static struct bench_result r;
static struct step step;

/* 10,000 requests of 2 records in 10 seconds, each answered after 3 seconds, by 16 clients. */
static void fill(void)
{
    o = bench_options_default();
    o.rate = 2000;
    o.batch_records = 2;
    o.duration_ms = 10000;
    o.clients = 16;
    bench_stats_init(&stats);
    pace_stats_init(&paced);
    for (int i = 0; i < 10000; i++)
        hdr_record(&stats.latency, 3 * SECOND);
    stats.requests = 10000;
    stats.records = 20000;
    stats.first_ns = 100 * SECOND;
    stats.last_ns = 100 * SECOND + 9999 * SECOND / 1000;
    r = (struct bench_result){.opt = &o,
                              .stats = &stats,
                              .latency = &stats.latency,
                              .elapsed_ns = 13 * SECOND,
                              .records = 20000,
                              .paced = &paced,
                              .cost = {.busiest = 0.25}};
}

static void judge(bool kept, const char *why)
{
    step = (struct step){0};
    step_judge(&step, &r);
    step_release(&step);
    ck_assert_msg(step.kept == kept && step.holds == kept, "%s", step.why);
    ck_assert_str_eq(step.why, why);
}

START_TEST(answers_that_take_long_but_come_at_the_rate_keep_it)
{
    fill();
    for (int i = 0; i < 98; i++)
        hdr_record(&paced.late, 40000);
    for (int i = 0; i < 2; i++)
        hdr_record(&paced.late, 90000);
    judge(true, "");
    ck_assert_double_eq_tol(step.lag_p50_us, 40, 0.4);
    ck_assert_double_eq_tol(step.lag_p99_us, 90, 0.8);
    ck_assert_int_eq(step.rate, 2000);
    ck_assert_double_eq_tol(step.achieved, 2000, 0.05);
    ck_assert_double_eq_tol(step.us[2], 3e6, 3e4);
}
END_TEST

START_TEST(answers_that_come_more_slowly_do_not)
{
    fill();
    stats.last_ns = stats.first_ns + (stats.last_ns - stats.first_ns) * 100 / 99;
    judge(true, "");
    stats.last_ns += SECOND / 10;
    judge(false, "98.0 % of the rate was answered");
    fill();
    stats.requests = stats.records = 0;
    judge(false, "0.0 % of the rate was answered");
}
END_TEST

/* Of topics that are made, asked for and deleted one request in three asks. */
START_TEST(a_rate_is_held_against_all_requests_that_were_due)
{
    static struct bench_stats load;
    fill();
    load = stats;
    stats.requests /= 3;
    stats.records /= 3;
    judge(false, "33.3 % of the rate was answered");
    r.load = &load;
    judge(true, "");
    o.mode = BENCH_METADATA;
    ck_assert_double_eq_tol(step_samples(&o, 2000), 20000, 1e-6);
    o.create_topic = true;
    ck_assert_double_eq_tol(step_samples(&o, 2000), 20000 / 3.0, 1e-6);
}
END_TEST

START_TEST(a_backlog_that_grows_means_that_the_rate_is_not_kept)
{
    fill();
    paced.waiting_half = 1000;
    paced.waiting_end = 1050; /* a hundredth of the 5,000 requests due meanwhile */
    judge(true, "");
    paced.waiting_end = 1051;
    judge(false, "the backlog grew from 1000 to 1051 requests in half of the time");
    paced.waiting_half = 100000; /* one that shrinks is none */
    judge(true, "");
    o.clients = 100;
    paced.waiting_half = 0;
    paced.waiting_end = 100; /* one a client comes and goes */
    judge(true, "");
    paced.waiting_end = 101;
    judge(false, "the backlog grew from 0 to 101 requests in half of the time");
}
END_TEST

UNIT_MAIN(answers_that_take_long_but_come_at_the_rate_keep_it, answers_that_come_more_slowly_do_not,
          a_rate_is_held_against_all_requests_that_were_due,
          a_backlog_that_grows_means_that_the_rate_is_not_kept)
