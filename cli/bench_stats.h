/* bench_stats.h - what a thread counts and times; added up over threads at the end. */
#ifndef CLI_BENCH_STATS_H
#define CLI_BENCH_STATS_H

#include <stdint.h>

#include "base/hdr.h"
#include "base/json.h"

struct bench_stats {
    /* ns: from when a request was due, and from when it was sent, to its reply. */
    struct hdr latency, service;
    uint64_t requests, records,
        bytes; /* answered well; bytes of values (of replies for metadata) */
    uint64_t failed_requests, failed_records; /* refused, lost, or never sent in time */
    uint64_t retried_requests; /* answers with an error that may pass: the same was asked again */
    uint64_t warmup_records;   /* answered well before measuring began */
    int64_t first_ns, last_ns; /* when the first and the last measured reply came; 0: none did */
};

void bench_stats_init(struct bench_stats *s);
/* Sum up over threads. */
void bench_stats_add(struct bench_stats *into, const struct bench_stats *from);
/* Records a second that were answered, from the first answer to the last: unlike the throughput of
 * a run it is not lower for answers that took long, only for those that came too slowly one after
 * the other. 0 without two answers. */
double bench_stats_rate(const struct bench_stats *s);
#define BENCH_RATE_KEPT 0.99 /* the share of a rate that has to be answered to keep it */

/* {min, mean, p50, p90, p95, p99, p999, p9999, max} in microseconds; null without a sample: what
 * never happened was not fast. */
struct json *bench_latency_json(const struct hdr *ns);
/* The whole distribution as an array of [percentile, microseconds]: denser towards the end, as far
 * as there are samples. */
struct json *bench_curve_json(const struct hdr *ns);
/* Those names and the percentiles behind them, for other reports. */
struct bench_quantile {
    const char *name;  /* in the report: "p999" */
    double p;          /* < 0: the mean */
    const char *title; /* for people: "p99.9" */
    bool headline;     /* told even in short */
};
extern const struct bench_quantile bench_quantiles[];
enum { BENCH_QUANTILES = 9 };
/* NaN without a sample. */
double bench_quantile_us(const struct hdr *ns, const struct bench_quantile *q);

#endif
