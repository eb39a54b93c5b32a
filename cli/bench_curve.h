/* bench_curve.h - what a report says over time and over percentiles, as points for a chart. */
#ifndef CLI_BENCH_CURVE_H
#define CLI_BENCH_CURVE_H

#include "base/json.h"
#include "cli/bench_chart.h"

/* A row of the report's series, or several put together: then the latencies are their worst. */
struct curve_row {
    double at, secs; /* when it begins, how long it is */
    double requests, records, failed, rate, p50, p99, max, cpu;
    double failing; /* records that failed, a second; NaN: none did */
};
enum { CURVE_ROWS_MAX = 300 }; /* more are put together */

struct curve_rows {
    struct curve_row *v;
    size_t n;
    size_t each; /* rows of the report in one of these */
};

/* 0 or -ENOMEM; release in every case. A report without a series gives no rows. */
int curve_rows_read(struct curve_rows *r, const struct json *report);
void curve_rows_release(struct curve_rows *r);

/* When the last of them ends, in seconds; 0: there is none. */
double curve_end(const struct curve_rows *r);

/* The points of a column (offsetof in curve_row), each in the middle of its row; free() them. NULL
 * when out of memory, or there is none. */
struct chart_point *curve_over_time(const struct curve_rows *r, size_t column);
/* Latency over percentiles; the same. */
struct chart_point *curve_of_percentiles(const struct json *report, size_t *n);

#endif
