/* bench_search.h - in which order rates are tried to find the highest one that holds.
 *
 * From the lowest on the rate is doubled until one is refused; then the gap between the highest
 * that held and the lowest that was refused is halved until it is small enough.
 *
 * What is asked is measured and not known, so one try says little: a machine that stumbles once
 * makes a good rate fail, and luck lets a bad one through. Therefore a rate that failed is tried
 * again and refused only if it failed in two of at most three tries; what held to the end of the
 * search has to hold a second time, in two of at most three; and the rate that was refused right
 * above it has to fail a third time, in three of at most five. Where that turns a verdict over, the
 * search goes on from there: further and further below until something holds, and up again by
 * halves; or up by doubling. At its end the gap is always as small as was asked for.
 */
#ifndef CLI_BENCH_SEARCH_H
#define CLI_BENCH_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

enum search_phase {
    SEARCH_DOUBLE,
    SEARCH_BISECT,
    SEARCH_CONFIRM, /* does what held hold again? */
    SEARCH_BACK,    /* it did not: does something below it? */
    SEARCH_DOUBT,   /* does what was refused fail again? */
    SEARCH_DONE
};

struct search {
    enum search_phase phase;
    int64_t lowest, highest; /* to try at all */
    double resolution;       /* the gap that is small enough, as a share of the rate */
    int64_t held;            /* the highest that held; once done: the answer. 0: none */
    int64_t refused;         /* the lowest that was refused; 0: none */
    int64_t next;            /* the rate to try */
    int holds, fails;        /* what became of the tries at it that count */
    int held_holds;          /* how often held has held */
    int refused_holds;       /* and refused has, though it was refused */
    double back;             /* how far below the next candidate is, as a share */
};

/* 1 <= lowest <= highest <= INT64_MAX / 2, 0 < resolution < 1. */
void search_init(struct search *s, int64_t lowest, int64_t highest, double resolution);
/* s->next has been tried: on to the next rate or phase. */
void search_learn(struct search *s, bool holds);
/* "double", "bisect", "confirm", "back", "doubt". */
const char *search_phase_name(enum search_phase phase);

#endif
