#include <string.h>

#include "cli/bench_slo.h"
#include "cli/bench_step.h"
#include "tests/unit/unit.h"

START_TEST(an_objective_is_a_metric_and_a_time_that_it_is_below)
{
    static const struct {
        const char *text, *title;
        double holds_us, not_us;
    } good[] = {
        {"p50<300us", "p50", 299.9, 300},       {"p90<0.25ms", "p90", 249.9, 250},
        {"p99<5ms", "p99", 4999.9, 5000},       {"p99.9<=5ms", "p99.9", 5000, 5000.1},
        {"max<=1.5s", "max", 1500000, 1500001},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct slo s;
        struct err e;
        ck_assert_msg(slo_parse(&s, good[i].text, &e) == 0, "%s", good[i].text);
        ck_assert_str_eq(step_metrics[s.metric].title, good[i].title);
        ck_assert(slo_holds(&s, good[i].holds_us));
        ck_assert(!slo_holds(&s, good[i].not_us));
        ck_assert_ptr_eq(s.below.text, good[i].text);
    }
}
END_TEST

START_TEST(what_cannot_be_an_objective_is_refused)
{
    static const char *const bad[] = {
        "",         "p99",       "p99>5ms", "p98<5ms", "p99.99<5ms", "mean<5ms", "latency<5ms",
        "p99<",     "p99<5",     "p99<ms",  "p99<5m",  "p99<5ms6ms", "p99<0ms",  "p99<-5ms",
        "p99<5%",   "p99<-5%",   "rate<5",  "cpu<5us", "p99<<5ms",   "p99==5ms", "P99<5ms",
        "p99<infs", "p99<nanms",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct slo s;
        struct err e;
        ck_assert_msg(slo_parse(&s, bad[i], &e) == ERR_INVALID, "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(e.text, bad[i]));
    }
}
END_TEST

START_TEST(times_are_told_in_the_unit_that_fits)
{
    char out[32];
    ck_assert_str_eq(slo_time(0.5, out, sizeof out), "0.5 us");
    ck_assert_str_eq(slo_time(999.94, out, sizeof out), "999.9 us");
    ck_assert_str_eq(slo_time(1000, out, sizeof out), "1 ms");
    ck_assert_str_eq(slo_time(7213.2, out, sizeof out), "7.213 ms");
    ck_assert_str_eq(slo_time(120e6, out, sizeof out), "120 s");
}
END_TEST

UNIT_MAIN(an_objective_is_a_metric_and_a_time_that_it_is_below,
          what_cannot_be_an_objective_is_refused, times_are_told_in_the_unit_that_fits)
