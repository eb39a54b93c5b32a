#include "cli/bench_stats.h"

#include <math.h>
#include <string.h>

const struct bench_quantile bench_quantiles[BENCH_QUANTILES] = {
    {"min", 0, "min"},
    {"mean", -1, "mean"},
    {"p50", 50, "p50", true},
    {"p90", 90, "p90"},
    {"p95", 95, "p95"},
    {"p99", 99, "p99", true},
    {"p999", 99.9, "p99.9", true},
    {"p9999", 99.99, "p99.99"},
    {"max", 100, "max", true},
};

void bench_stats_init(struct bench_stats *s)
{
    memset(s, 0, sizeof *s);
    hdr_init(&s->latency);
    hdr_init(&s->service);
}

void bench_stats_add(struct bench_stats *into, const struct bench_stats *from)
{
    hdr_add(&into->latency, &from->latency);
    hdr_add(&into->service, &from->service);
    into->requests += from->requests;
    into->records += from->records;
    into->bytes += from->bytes;
    into->failed_requests += from->failed_requests;
    into->failed_records += from->failed_records;
    into->retried_requests += from->retried_requests;
    into->warmup_records += from->warmup_records;
    if (from->first_ns && (!into->first_ns || from->first_ns < into->first_ns))
        into->first_ns = from->first_ns;
    if (from->last_ns > into->last_ns)
        into->last_ns = from->last_ns;
}

/* What the first answer brought came before the time that is looked at. */
double bench_stats_rate(const struct bench_stats *s)
{
    double span = (double)(s->last_ns - s->first_ns), n = (double)s->requests;
    return n > 1 && span > 0 ? (double)s->records * (n - 1) / n * 1e9 / span : 0;
}

double bench_quantile_us(const struct hdr *ns, const struct bench_quantile *q)
{
    double v;
    if (!ns->count)
        return NAN;
    if (q->p < 0)
        v = hdr_mean(ns);
    else if (q->p == 0)
        v = (double)ns->min;
    else
        v = (double)hdr_percentile(ns, q->p);
    return round(v / 100) /
           10; /* ns to us, a digit behind the point: that is what the histogram knows */
}

struct json *bench_latency_json(const struct hdr *ns)
{
    struct json *j = json_new_object();
    for (int i = 0; i < BENCH_QUANTILES; i++)
        json_set_real(j, bench_quantiles[i].name, bench_quantile_us(ns, &bench_quantiles[i]));
    return j;
}

static void push_point(struct json *curve, const struct hdr *ns, double p)
{
    struct json *point = json_new_array();
    json_push(point, json_new_real(p));
    json_push(point, json_new_real(round((double)hdr_percentile(ns, p) / 100) / 10));
    json_push(curve, point);
}

/* Four points for each halving of what is left above. */
struct json *bench_curve_json(const struct hdr *ns)
{
    struct json *curve = json_new_array();
    if (!ns->count)
        return curve;
    for (int i = 0; exp2(i / 4.0) < (double)ns->count; i++)
        push_point(curve, ns, 100 * (1 - exp2(-i / 4.0)));
    push_point(curve, ns, 100);
    return curve;
}
