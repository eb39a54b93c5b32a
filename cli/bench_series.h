/* bench_series.h - how a run went, second by second: what its averages hide.
 *
 * An answer counts in the second in which it came, so a broker that stands still shows as seconds
 * without answers and then as answers that took long.
 */
#ifndef CLI_BENCH_SERIES_H
#define CLI_BENCH_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hdr.h"
#include "base/json.h"

/* What came in an interval: of one thread, or of all. */
struct bench_interval {
    uint64_t records, bytes, failed;
    struct hdr latency; /* ns; a sample a request */
};
void bench_interval_init(struct bench_interval *i);
/* Sum up over threads. */
void bench_interval_add(struct bench_interval *into, const struct bench_interval *from);

struct series_row {
    int64_t begin_ns, end_ns; /* from when measuring began */
    uint64_t requests, records, bytes, failed;
    uint64_t p50_ns, p99_ns, max_ns;
    double cores; /* the generator's own processor time, in cores */
};

struct series {
    struct series_row *rows;
    size_t n, cap;
    bool incomplete; /* memory ran out: what came later is not there */
};

/* Append the row of an interval. */
void series_add(struct series *s, const struct bench_interval *i, int64_t begin_ns, int64_t end_ns,
                double cores);
/* An array of {at_secs, secs, requests, records, msg_per_sec, failed, p50_us, p99_us, max_us,
 * bench_cpu_pct}. */
struct json *series_json(const struct series *s);
void series_release(struct series *s);

#endif
