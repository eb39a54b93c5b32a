#include "cli/bench_curve.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "tests/unit/unit.h"

/* A report with a row a second: i records, latencies of i. */
static struct json *report_of(int n, double last_secs)
{
    struct json *report = json_new_object(), *series = json_new_array();
    static const char *const names[] = {"requests", "records", "msg_per_sec", "failed",
                                        "p50_us",   "p99_us",  "max_us",      "bench_cpu_pct"};
    for (int i = 0; i < n; i++) {
        struct json *row = json_new_object();
        json_set_real(row, "at_secs", i);
        json_set_real(row, "secs", i == n - 1 ? last_secs : 1);
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            json_set_real(row, names[k], i);
        json_push(series, row);
    }
    json_set(report, "series", series);
    return report;
}

static struct curve_rows rows_of(int n, double last_secs)
{
    struct curve_rows rows;
    struct json *report = report_of(n, last_secs);
    ck_assert_ok(curve_rows_read(&rows, report));
    json_free(report);
    return rows;
}

START_TEST(points_stand_in_the_middle_of_their_second)
{
    struct curve_rows rows = rows_of(5, 1);
    struct chart_point *v = curve_over_time(&rows, offsetof(struct curve_row, rate));
    ck_assert_uint_eq(rows.n, 5);
    ck_assert(fabs(v[3].x - 3.5) < 1e-9 && fabs(v[3].y - 3) < 1e-9);
    ck_assert_double_eq_tol(curve_end(&rows), 5, 1e-9);
    free(v);
    curve_rows_release(&rows);
}
END_TEST

START_TEST(a_second_without_answers_has_no_latency)
{
    struct curve_rows rows = rows_of(3, 1);
    ck_assert(isnan(rows.v[0].p50) && isnan(rows.v[0].max) && !isnan(rows.v[1].p99));
    curve_rows_release(&rows);
}
END_TEST

START_TEST(a_last_row_cut_short_is_no_row)
{
    struct curve_rows rows = rows_of(5, 0.1);
    ck_assert_uint_eq(rows.n, 4);
    ck_assert_double_eq_tol(curve_end(&rows), 4.1, 1e-9);
    ck_assert_double_eq_tol(rows.v[3].rate, 7 / 1.1, 1e-9);
    curve_rows_release(&rows);
}
END_TEST

START_TEST(many_rows_are_put_together)
{
    struct curve_rows rows = rows_of(3000, 1);
    ck_assert_uint_le(rows.n, CURVE_ROWS_MAX);
    ck_assert_uint_eq(rows.each, 11);
    ck_assert_double_eq_tol(rows.v[1].max, 21, 1e-9);
    ck_assert_double_eq_tol(rows.v[1].rate, 16, 1e-9);
    ck_assert_double_eq_tol(rows.v[1].records, 176, 1e-9);
    ck_assert_double_eq_tol(rows.v[1].failing, 16, 1e-9);
    ck_assert_double_eq_tol(curve_end(&rows), 3000, 1e-9);
    curve_rows_release(&rows);
}
END_TEST

START_TEST(what_is_no_series_has_no_rows)
{
    struct json *report = json_new_object();
    struct curve_rows rows;
    size_t n;
    json_set_int(report, "series", 7);
    json_set_str(report, "latency_curve_us", "x");
    ck_assert_ok(curve_rows_read(&rows, report));
    ck_assert_uint_eq(rows.n, 0);
    ck_assert_ptr_null(curve_over_time(&rows, 0));
    ck_assert_ptr_null(curve_of_percentiles(report, &n));
    ck_assert_uint_eq(n, 0);
    curve_rows_release(&rows);
    json_free(report);
}
END_TEST

UNIT_MAIN(points_stand_in_the_middle_of_their_second, a_second_without_answers_has_no_latency,
          a_last_row_cut_short_is_no_row, many_rows_are_put_together, what_is_no_series_has_no_rows)
