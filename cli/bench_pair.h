/* bench_pair.h - like with like: the results of two files, sorted by what their runs were asked to
 * do (bench_setting.h). */
#ifndef CLI_BENCH_PAIR_H
#define CLI_BENCH_PAIR_H

#include "cli/bench_results.h"

/* Results of the same work; they belong to the file's bench_results. */
struct bench_group {
    const struct json **v;
    size_t n;
};

struct bench_pair {
    struct bench_group a, b; /* of the same work; neither is empty */
};

struct bench_pairs {
    struct bench_pair *v;
    size_t n;
};

/* Pair what is in a with what is in b, in a's order. bench_pairs_release in every case. 0, or a
 * code: ERR_INVALID if one has work that the other has not, e says how it differs. */
int bench_pairs_make(struct bench_pairs *p, const struct bench_results *a,
                     const struct bench_results *b, struct err *e);
void bench_pairs_release(struct bench_pairs *p);

#endif
