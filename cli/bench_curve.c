#include "cli/bench_curve.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static double number(const struct json *row, const char *key)
{
    return json_double(json_get(row, key), NAN);
}

static struct curve_row row_of(const struct json *j)
{
    return (struct curve_row){.at = number(j, "at_secs"),
                              .secs = number(j, "secs"),
                              .requests = number(j, "requests"),
                              .records = number(j, "records"),
                              .failed = number(j, "failed"),
                              .rate = number(j, "msg_per_sec"),
                              .p50 = number(j, "p50_us"),
                              .p99 = number(j, "p99_us"),
                              .max = number(j, "max_us"),
                              .cpu = number(j, "bench_cpu_pct")};
}

static void add_to(struct curve_row *into, const struct curve_row *r)
{
    double secs = into->secs + r->secs;
    into->cpu = (into->cpu * into->secs + r->cpu * r->secs) / secs;
    into->secs = secs;
    into->requests += r->requests;
    into->records += r->records;
    into->failed += r->failed;
    into->rate = into->records / secs;
    into->p50 = fmax(into->p50, r->p50);
    into->p99 = fmax(into->p99, r->p99);
    into->max = fmax(into->max, r->max);
}

/* Percentiles of no answers are no latencies. */
static void finish(struct curve_row *row)
{
    row->failing = row->failed > 0 ? row->failed / row->secs : NAN;
    if (!(row->requests > 0))
        row->p50 = row->p99 = row->max = NAN;
}

int curve_rows_read(struct curve_rows *r, const struct json *report)
{
    const struct json *series = json_get(report, "series");
    size_t n = json_type_of(series) == JSON_T_ARRAY ? json_len(series) : 0;
    *r = (struct curve_rows){.each = n / CURVE_ROWS_MAX + 1};
    r->v = calloc(n / r->each + 1, sizeof *r->v);
    if (!r->v)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct curve_row row = row_of(json_at(series, i));
        bool cut_short = r->n && i == n - 1 && row.secs < r->v[0].secs / 2; /* by the end */
        if (i % r->each || cut_short)
            add_to(&r->v[r->n - 1], &row);
        else
            r->v[r->n++] = row;
    }
    for (size_t i = 0; i < r->n; i++)
        finish(&r->v[i]);
    return 0;
}

void curve_rows_release(struct curve_rows *r)
{
    free(r->v);
    *r = (struct curve_rows){0};
}

double curve_end(const struct curve_rows *r)
{
    const struct curve_row *last = r->n ? &r->v[r->n - 1] : NULL;
    return last ? last->at + last->secs : 0;
}

struct chart_point *curve_over_time(const struct curve_rows *r, size_t column)
{
    struct chart_point *v = r->n ? calloc(r->n, sizeof *v) : NULL;
    for (size_t i = 0; v && i < r->n; i++) {
        const struct curve_row *row = &r->v[i];
        v[i] = (struct chart_point){row->at + row->secs / 2,
                                    *(const double *)((const char *)row + column)};
    }
    return v;
}

struct chart_point *curve_of_percentiles(const struct json *report, size_t *n)
{
    const struct json *curve = json_get(report, "latency_curve_us");
    *n = json_type_of(curve) == JSON_T_ARRAY ? json_len(curve) : 0;
    struct chart_point *v = *n ? calloc(*n, sizeof *v) : NULL;
    for (size_t i = 0; v && i < *n; i++) {
        const struct json *point = json_at(curve, i);
        v[i] = (struct chart_point){json_double(json_at(point, 0), NAN),
                                    json_double(json_at(point, 1), NAN)};
    }
    return v;
}
