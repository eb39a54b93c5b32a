/* bench_ramp.h - chronik-bench --ramp: the load at one rate after the other, until where it is
 * kept.
 */
#ifndef CLI_BENCH_RAMP_H
#define CLI_BENCH_RAMP_H

#include "cli/bench.h"

/* The whole of it, from the first row to the exit status. */
int bench_ramp(const struct bench_options *o);

#endif
