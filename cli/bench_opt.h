/* bench_opt.h - the command line of chronik-bench. */
#ifndef CLI_BENCH_OPT_H
#define CLI_BENCH_OPT_H

#include "cli/bench.h"

extern const struct opt bench_opts[];
extern const size_t n_bench_opts;

/* The commands: to put load on has no name. */
enum { BENCH_RUN, BENCH_COMPARE };

/* What options take, beside those of choices.h. */
extern const struct opt_choice bench_modes[], bench_key_patterns[], bench_payload_patterns[];

/* The defaults. */
struct bench_options bench_options_default(void);
/* Fill in what follows from the rest and refuse what contradicts itself. 0, or the exit status
 * after a line on standard error. */
int bench_options_check(struct bench_options *o, const struct opt_args *args);

#endif
