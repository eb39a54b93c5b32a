/* bench_condition.h - conditions on figures: `p99>+10%` is about how B's figure differs from A's,
 * `p99>5ms` and `rate<100000` about B's alone. */
#ifndef CLI_BENCH_CONDITION_H
#define CLI_BENCH_CONDITION_H

#include "cli/bench_figure.h"

struct bench_condition {
    const char *text; /* as given, the caller's */
    struct bench_figure figure;
    bool more;     /* > or >=, else < or <= */
    bool equal;    /* >= or <= */
    bool relative; /* bound is a change in percent, else in the figure's unit */
    double bound;
};

/* FIGURE, one of < > <= >=, and [+|-]NUMBER% or a number (of a time with its unit: us, ms, s).
 * 0 or ERR_INVALID, e says what is wrong. */
int bench_condition_parse(struct bench_condition *c, const char *text, struct err *e);

/* How a figure changed from a to b, in percent: infinite if it was 0. */
double bench_change_pct(double a, double b);
/* Is the condition met by that change or, if it is not relative, by b? */
bool bench_condition_met(const struct bench_condition *c, double a, double b);

#endif
