/* bench_caveats.h - what to know before believing a result: a run too short for its percentiles,
 * a schedule that was not kept, requests that failed, records that are not as they were sent, a
 * generator at its own limit. */
#ifndef CLI_BENCH_CAVEATS_H
#define CLI_BENCH_CAVEATS_H

#include "cli/bench_report.h"

/* A percentile rests on the requests above it: fewer than this, and the next run has another. */
enum { CAVEAT_SAMPLES_ABOVE = 10 };

/* An array of sentences, empty if there is nothing to say. NULL when out of memory. */
struct json *bench_caveats(const struct bench_result *r);

#endif
