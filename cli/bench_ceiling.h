/* bench_ceiling.h - chronik-bench --ceiling: what the generator itself can drive at the settings of
 * a run, measured in the same process against a broker that answers at once (bench_null.h). */
#ifndef CLI_BENCH_CEILING_H
#define CLI_BENCH_CEILING_H

#include "cli/bench.h"

/* A short run of the load that o describes, in closed loop and on that many partitions. 0 and the
 * records a second, or a code. */
int bench_ceiling(const struct bench_options *o, uint32_t partitions, double *per_second,
                  struct err *e);

#endif
