/* bench_compare.h - `chronik-bench compare A B`: what differs between the results of two files, and
 * what of that is a claim. One JSON document, from which text and CSV come (bench_contrast_text.c).
 */
#ifndef CLI_BENCH_COMPARE_H
#define CLI_BENCH_COMPARE_H

#include "cli/bench_condition.h"
#include "cli/bench_opt.h"
#include "cli/bench_pair.h"

struct bench_comparison {
    struct bench_results a, b;
    struct bench_pairs pairs;
    struct bench_condition *conditions; /* that are not to be met */
    size_t n_conditions;
};

/* The command; gives the exit status. */
int bench_compare(void *values, const struct opt_args *args);

/* The document (chronik-bench(1)). 0 or a code: ERR_INVALID if a condition is about a figure that
 * the results do not tell. */
int bench_contrast(const struct bench_comparison *c, struct json **document, struct err *e);
/* For people; as rows of CSV. 0 or a negative code. */
void bench_contrast_text(const struct json *document, bool header, FILE *out);
int bench_contrast_csv(const struct json *document, bool header, FILE *out);

#endif
