#include "cli/bench_series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MIN = 64 };

void bench_interval_init(struct bench_interval *i)
{
    memset(i, 0, sizeof *i);
    hdr_init(&i->latency);
}

void bench_interval_add(struct bench_interval *into, const struct bench_interval *from)
{
    into->records += from->records;
    into->bytes += from->bytes;
    into->failed += from->failed;
    hdr_add(&into->latency, &from->latency);
}

static struct series_row *next_row(struct series *s)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : ROWS_MIN;
        struct series_row *rows = reallocarray(s->rows, cap, sizeof *rows);
        if (!rows) {
            s->incomplete = true;
            return NULL;
        }
        s->rows = rows;
        s->cap = cap;
    }
    return &s->rows[s->n++];
}

void series_add(struct series *s, const struct bench_interval *i, int64_t begin_ns, int64_t end_ns,
                double cores)
{
    struct series_row *row = end_ns > begin_ns && !s->incomplete ? next_row(s) : NULL;
    if (!row)
        return;
    *row = (struct series_row){.begin_ns = begin_ns,
                               .end_ns = end_ns,
                               .requests = i->latency.count,
                               .records = i->records,
                               .bytes = i->bytes,
                               .failed = i->failed,
                               .p50_ns = hdr_percentile(&i->latency, 50),
                               .p99_ns = hdr_percentile(&i->latency, 99),
                               .max_ns = hdr_percentile(&i->latency, 100),
                               .cores = cores};
}

/* A digit behind the point is what anybody reads. */
static double tenths(double v)
{
    return round(v * 10) / 10;
}

static struct json *row_json(const struct series_row *r)
{
    struct json *j = json_new_object();
    double secs = (double)(r->end_ns - r->begin_ns) / 1e9;
    json_set_real(j, "at_secs", (double)r->begin_ns / 1e9);
    json_set_real(j, "secs", secs);
    json_set_int(j, "requests", (int64_t)r->requests);
    json_set_int(j, "records", (int64_t)r->records);
    json_set_real(j, "msg_per_sec", tenths((double)r->records / secs));
    json_set_int(j, "failed", (int64_t)r->failed);
    json_set_real(j, "p50_us", tenths((double)r->p50_ns / 1e3));
    json_set_real(j, "p99_us", tenths((double)r->p99_ns / 1e3));
    json_set_real(j, "max_us", tenths((double)r->max_ns / 1e3));
    json_set_real(j, "bench_cpu_pct", tenths(r->cores * 100));
    return j;
}

struct json *series_json(const struct series *s)
{
    struct json *a = json_new_array();
    for (size_t i = 0; i < s->n; i++)
        json_push(a, row_json(&s->rows[i]));
    return a;
}

void series_release(struct series *s)
{
    free(s->rows);
    *s = (struct series){0};
}
