#include "cli/bench_figure.h"

#include <math.h>
#include <string.h>

static double per_second(uint64_t n, const struct bench_result *r)
{
    return r->elapsed_ns > 0 ? (double)n * 1e9 / (double)r->elapsed_ns : 0;
}

static double record_rate(const struct bench_result *r)
{
    return per_second(r->records, r);
}

static double megabyte_rate(const struct bench_result *r)
{
    return per_second(r->bytes, r) / 1e6;
}

/* The generator's own: what the broker took it cannot see. */
static double cpu_us(const struct bench_result *r)
{
    double us = (double)(r->cost.user_ns + r->cost.sys_ns) / 1e3;
    return r->cost.wall_ns > 0 && r->records ? round(us / (double)r->records * 1000) / 1000 : NAN;
}

/* The latencies stand between those of before and the last. */
static const struct {
    struct bench_figure figure;
    double (*of)(const struct bench_result *);
} totals[] = {
    {{"rate", NULL, "throughput_msg_per_sec", "/s", true, true}, record_rate},
    {{"mb", NULL, "throughput_mb_per_sec", "MB/s", true, false}, megabyte_rate},
    {{"cpu", NULL, "bench_cpu_us_per_record", "us", false, true}, cpu_us},
};
enum { TOTALS = sizeof totals / sizeof *totals, BEFORE = TOTALS - 1 };

/* What the report counts. They come last: mostly there is none. */
#define FAULT(name, field, unit)                            \
    {                                                       \
        name, NULL, field, unit, false, true, .fault = true \
    }
static const struct bench_figure faults[] = {
    FAULT("failed", "failed_messages", "records"), FAULT("lost", "lost", "records"),
    FAULT("duplicated", "duplicated", "records"),  FAULT("reordered", "reordered", "records"),
    FAULT("altered", "altered", "records"),        FAULT("bad_offsets", "bad_offsets", "acks")};
enum { FAULTS = sizeof faults / sizeof *faults };

size_t bench_figures(void)
{
    return TOTALS + BENCH_QUANTILES + FAULTS;
}

struct bench_figure bench_figure_at(size_t i)
{
    if (i >= TOTALS + BENCH_QUANTILES)
        return faults[i - TOTALS - BENCH_QUANTILES];
    if (i < BEFORE || i >= BEFORE + BENCH_QUANTILES)
        return totals[i < BEFORE ? i : i - BENCH_QUANTILES].figure;
    const struct bench_quantile *q = &bench_quantiles[i - BEFORE];
    return (struct bench_figure){.name = q->title,
                                 .object = "latency_us",
                                 .field = q->name,
                                 .unit = "us",
                                 .headline = q->headline};
}

static bool is(struct span name, const char *text)
{
    return span_eq(name, span_str(text));
}

bool bench_figure_find(struct span name, struct bench_figure *m)
{
    for (size_t i = 0; i < bench_figures(); i++) {
        *m = bench_figure_at(i);
        if (is(name, m->name) || is(name, m->field))
            return true;
    }
    return false;
}

double bench_figure_of(const struct json *report, const struct bench_figure *m)
{
    return json_double(json_get(m->object ? json_get(report, m->object) : report, m->field), NAN);
}

void bench_figures_put(struct json *report, const struct bench_result *r)
{
    for (size_t i = 0; i < TOTALS; i++)
        json_set_real(report, totals[i].figure.field, totals[i].of(r));
}
