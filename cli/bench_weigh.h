/* bench_weigh.h - a figure of several runs against the same figure of others: medians, ranges, and
 * whether they say anything.
 *
 * Nothing is claimed where the ranges overlap, nor where a side has one run only, which has no
 * range. Ranges that lie apart may do so by chance, too: the fewer runs, the more often.
 */
#ifndef CLI_BENCH_WEIGH_H
#define CLI_BENCH_WEIGH_H

#include "cli/bench_figure.h"
#include "cli/bench_pair.h"

struct bench_spread {
    size_t n; /* runs that tell it; 0: the rest is NaN */
    double median, min, max;
};

/* 0 or -ENOMEM. */
int bench_spread_of(struct bench_spread *s, const struct bench_group *g,
                    const struct bench_figure *f);

enum bench_verdict {
    VERDICT_BETTER, /* b than a: the ranges lie apart */
    VERDICT_WORSE,
    VERDICT_OVERLAP, /* of the ranges: nothing is claimed */
    VERDICT_SINGLE,  /* a side has one run only: nothing is claimed */
    VERDICT_UNKNOWN  /* a side does not tell the figure */
};
/* Of b, against a. */
enum bench_verdict bench_weigh(const struct bench_spread *a, const struct bench_spread *b,
                               bool more_is_better);
/* "better", "worse", "overlap", "single"; NULL: unknown. */
const char *bench_verdict_name(enum bench_verdict v);

/* How often, in percent, the ranges of a and of b runs of the very same thing lie apart. */
double bench_chance_pct(size_t a, size_t b);

#endif
