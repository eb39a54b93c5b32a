#include "cli/bench_step.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "cli/bench_caveats.h"

const struct bench_quantile step_metrics[STEP_METRICS] = {{"p50_us", 50, "p50", true},
                                                          {"p90_us", 90, "p90", true},
                                                          {"p99_us", 99, "p99", true},
                                                          {"p999_us", 99.9, "p99.9", true},
                                                          {"max_us", 100, "max", true}};

static double tenths(double v)
{
    return round(v * 10) / 10;
}

/* A client may have a request waiting now and then at any rate; a backlog that grows soon is more
 * than that, and more than a hundredth of what was due meanwhile. */
static bool backlog_grew(const struct bench_result *r)
{
    const struct bench_options *o = r->opt;
    const struct pace_stats *p = r->paced;
    double requests = (double)o->rate / (double)bench_request_records(o);
    double due = requests * (double)o->duration_ms / 2000, slack = due * (1 - BENCH_RATE_KEPT);
    if (slack < (double)o->clients)
        slack = (double)o->clients;
    return (double)p->waiting_end > (double)p->waiting_half + slack;
}

/* Where topics are made and deleted one request in three asks, and is timed. */
double step_samples(const struct bench_options *o, int64_t rate)
{
    double due = (double)rate * (double)o->duration_ms / 1e3;
    if (o->mode == BENCH_METADATA && o->create_topic)
        return due / 3;
    return due / (double)bench_request_records(o);
}

static double lag_us(const struct bench_result *r, double p)
{
    return tenths((double)hdr_percentile(&r->paced->late, p) / 1e3);
}

void step_judge(struct step *s, const struct bench_result *r)
{
    const struct bench_stats *st = bench_result_load(r);
    s->rate = r->opt->rate;
    s->achieved = tenths(bench_stats_rate(st));
    for (int i = 0; i < STEP_METRICS; i++)
        s->us[i] = bench_quantile_us(r->latency, &step_metrics[i]);
    s->lag_p50_us = lag_us(r, 50);
    s->lag_p99_us = lag_us(r, 99);
    s->failed = st->failed_records;
    s->waiting = r->paced->waiting_end;
    s->busiest = r->cost.busiest;
    s->caveats = bench_caveats(r);
    *s->why = 0;
    if (s->achieved < BENCH_RATE_KEPT * (double)s->rate)
        snprintf(s->why, sizeof s->why, "%.1f %% of the rate was answered",
                 100 * s->achieved / (double)s->rate);
    else if (backlog_grew(r))
        snprintf(s->why, sizeof s->why,
                 "the backlog grew from %" PRIu64 " to %" PRIu64 " requests in half of the time",
                 r->paced->waiting_half, r->paced->waiting_end);
    s->kept = s->holds = !*s->why;
}

void step_release(struct step *s)
{
    json_free(s->caveats);
    s->caveats = NULL;
}

struct json *step_json(const struct step *s)
{
    struct json *j = json_new_object(), *caveats = json_new_array();
    if (s->phase)
        json_set_str(j, "phase", s->phase);
    json_set_int(j, "rate", s->rate);
    json_set_real(j, "achieved", s->achieved);
    for (int i = 0; i < STEP_METRICS; i++)
        json_set_real(j, step_metrics[i].name, s->us[i]);
    json_set_real(j, "lag_p50_us", s->lag_p50_us);
    json_set_real(j, "lag_p99_us", s->lag_p99_us);
    json_set_int(j, "failed", (int64_t)s->failed);
    json_set_int(j, "waiting", (int64_t)s->waiting);
    json_set_bool(j, "kept", s->kept);
    if (s->phase)
        json_set_bool(j, "holds", s->holds);
    json_set_str(j, "why", *s->why ? s->why : NULL);
    json_set(j, "bench_busiest_thread_pct",
             s->busiest >= 0 ? json_new_real(tenths(100 * s->busiest)) : json_new_null());
    for (size_t i = 0; i < json_len(s->caveats); i++)
        json_push(caveats, json_new_str(json_str(json_at(s->caveats, i))));
    json_set(j, "warnings", caveats);
    return j;
}

#define MEASURED                                                                             \
    {"rate", OUT_INT, 9}, {"achieved", OUT_REAL, 10}, {"p50_us", OUT_REAL, 9},               \
        {"p90_us", OUT_REAL, 9}, {"p99_us", OUT_REAL, 9}, {"p999_us", OUT_REAL, 9},          \
        {"max_us", OUT_REAL, 9}, {"lag_p50_us", OUT_REAL, 10}, {"lag_p99_us", OUT_REAL, 10}, \
        {"failed", OUT_INT, 6}, {"waiting", OUT_INT, 7},                                     \
    {                                                                                        \
        "kept", OUT_BOOL, 5                                                                  \
    }
static const struct out_column of_ramp[] = {MEASURED, {"why", OUT_STR, 3}};
static const struct out_column of_search[] = {
    {"phase", OUT_STR, 8}, MEASURED, {"holds", OUT_BOOL, 5}, {"why", OUT_STR, 3}};

struct out *step_rows(FILE *f, enum out_format format, bool header, bool search)
{
    return search ? out_new(f, format, header, OUT_COLUMNS(of_search))
                  : out_new(f, format, header, OUT_COLUMNS(of_ramp));
}

int step_put(struct out *rows, const struct step *s)
{
    if (s->phase)
        out_str(rows, s->phase);
    out_int(rows, s->rate);
    out_real(rows, s->achieved);
    for (int i = 0; i < STEP_METRICS; i++)
        out_real(rows, s->us[i]);
    out_real(rows, s->lag_p50_us);
    out_real(rows, s->lag_p99_us);
    out_int(rows, (int64_t)s->failed);
    out_int(rows, (int64_t)s->waiting);
    out_bool(rows, s->kept);
    if (s->phase)
        out_bool(rows, s->holds);
    out_str(rows, *s->why ? s->why : NULL);
    int rc = out_row(rows);
    return rc ? rc : out_flush(rows);
}
