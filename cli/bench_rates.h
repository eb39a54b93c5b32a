/* bench_rates.h - the rates of a ramp: FROM:TO:STEP[/TIME].
 *
 *     1000:5000:1000      1000, 2000, 3000, 4000, 5000 records a second
 *     1000:20000:x2       1000, 2000, 4000, 8000, 16000
 *     500:8000:x1.5/30s   each for 30 seconds
 *
 * Like seq(1) it ends with the last rate that is not above TO.
 */
#ifndef CLI_BENCH_RATES_H
#define CLI_BENCH_RATES_H

#include <stdint.h>

#include "base/err.h"

#define BENCH_RATE_MAX INT64_C(1000000000) /* records a second of any open loop */
enum { RATES_MAX = 1000 };                 /* steps of a ramp */

struct rates {
    int64_t from, to;
    int64_t add;     /* to each rate for the next, or */
    double times;    /* what it is multiplied by; 0: add */
    int64_t each_ms; /* how long; 0: not said */
};

/* 0 or ERR_INVALID; e then says what is wrong with the text. */
int rates_parse(const char *text, struct rates *r, struct err *e);
/* The rate behind `rate` (0: the first). 0: there is none. */
int64_t rates_next(const struct rates *r, int64_t rate);

#endif
