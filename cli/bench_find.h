/* bench_find.h - chronik-bench --find-max: the highest rate at which the latencies are as good as
 * they are asked to be. */
#ifndef CLI_BENCH_FIND_H
#define CLI_BENCH_FIND_H

#include "cli/bench.h"

/* The whole of it, from the first row to the exit status; CLI_CHECK if not even the lowest rate
 * holds. */
int bench_find(const struct bench_options *o);

#endif
