/* bench_slo.h - what has to hold at a rate: that a latency is below a bound, p99<5ms. */
#ifndef CLI_BENCH_SLO_H
#define CLI_BENCH_SLO_H

#include "cli/bench_condition.h"

enum { SLO_MAX = 16 }; /* of one search */

struct slo {
    struct bench_condition below; /* what was asked for, its text included */
    int metric;                   /* index into step_metrics: what it is about */
};

/* A condition with < or <= on p50, p90, p99, p99.9 or max, and a time. 0 or ERR_INVALID; e then
 * says what is wrong. */
int slo_parse(struct slo *s, const char *text, struct err *e);
bool slo_holds(const struct slo *s, double us);

/* A time for people: "7.213 ms". Gives out. */
const char *slo_time(double us, char *out, size_t size);

#endif
