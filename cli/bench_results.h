/* bench_results.h - results that were written to a file: one document after the other (so that
 * files can be put together with cat), a line each, or in an array. */
#ifndef CLI_BENCH_RESULTS_H
#define CLI_BENCH_RESULTS_H

#include <stddef.h>

#include "base/err.h"
#include "base/json.h"

enum { RESULTS_MAX = 10000, RESULTS_BYTES_MAX = 256 << 20 }; /* of one file */

struct bench_results {
    const char *path; /* as given, the caller's */
    const struct json **v;
    size_t n; /* at least one */
    /* private */
    struct json **documents;
    size_t n_documents;
};

/* Read the results of a file; "-" is standard input. bench_results_release in every case. 0 or a
 * code: ERR_MALFORMED names the place that is no result, ERR_INVALID a run that measured nothing.
 */
int bench_results_read(struct bench_results *r, const char *path, struct err *e);
void bench_results_release(struct bench_results *r);

#endif
