#include <stdbool.h>

#include "cli/bench_pace.h"
#include "tests/unit/unit.h"

#define NS INT64_C(1000000000)

START_TEST(requests_are_due_at_fixed_times)
{
    struct pace p;
    pace_init(&p, 1000, 10, 4, 0, 1); /* 100 requests a second */
    ck_assert_int_eq(pace_due(&p, 0), 0);
    ck_assert_int_eq(pace_due(&p, 1), NS / 100);
    ck_assert_int_eq(pace_due(&p, 100), NS);
    ck_assert_int_eq(pace_due_of(&p, 3, 2), 11 * NS / 100); /* the 12th of all */
}
END_TEST

START_TEST(an_uneven_rate_does_not_drift)
{
    struct pace p;
    pace_init(&p, 7, 1, 1, 0, 1);
    for (uint64_t k = 1; k < 100; k++)
        ck_assert_int_ge(pace_due(&p, k) - pace_due(&p, k - 1), NS / 7);
    uint64_t day = 7 * 86400;
    ck_assert_int_eq(pace_due(&p, day), 86400 * NS);
    pace_init(&p, 999999937, 1000000, 100000, 0, 1); /* the bounds of the options */
    ck_assert_int_eq(pace_due(&p, UINT64_C(999999937) * 3600) / NS, INT64_C(1000000) * 3600);
}
END_TEST

START_TEST(what_is_due_before_a_time_is_known_to_the_nanosecond)
{
    static const int64_t rates[][2] = {
        {1000, 10}, {7, 1}, {7, 3}, {3000000, 1}, {999999937, 1000000}};
    struct pace p;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        pace_init(&p, rates[i][0], rates[i][1], 4, 0, 1);
        ck_assert_uint_eq(pace_before(&p, 0), 0);
        for (uint64_t k = 1; k < 5000; k = k * 3 / 2 + 1) {
            ck_assert_uint_eq(pace_before(&p, pace_due(&p, k)), k);
            ck_assert_uint_eq(pace_before(&p, pace_due(&p, k) + 1), k + 1);
        }
    }
    ck_assert_uint_eq(pace_before(&p, 86400 * NS), UINT64_C(86399995));
}
END_TEST

/* Three threads together serve what one would: each request once, and each thread in the order of
 * time. */
START_TEST(threads_share_the_requests_out)
{
    enum { CLIENTS = 7, ROUNDS = 5, THREADS = 3 };
    bool seen[CLIENTS * ROUNDS] = {false};
    for (uint32_t t = 0; t < THREADS; t++) {
        struct pace p;
        pace_init(&p, 1000, 1, CLIENTS, t, THREADS);
        for (int64_t last = -1; p.round < ROUNDS; pace_advance(&p)) {
            uint64_t k = p.round * CLIENTS + p.client;
            ck_assert_uint_eq(p.client % THREADS, t);
            ck_assert_uint_eq(pace_number(&p), k);
            ck_assert_int_eq(pace_next(&p), pace_due(&p, k));
            ck_assert_int_gt(pace_next(&p), last);
            last = pace_next(&p);
            ck_assert(!seen[k]);
            seen[k] = true;
        }
    }
    for (int k = 0; k < CLIENTS * ROUNDS; k++)
        ck_assert_msg(seen[k], "request %d is nobody's", k);
}
END_TEST

UNIT_MAIN(requests_are_due_at_fixed_times, an_uneven_rate_does_not_drift,
          what_is_due_before_a_time_is_known_to_the_nanosecond, threads_share_the_requests_out)
