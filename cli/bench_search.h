/* bench_search.h - in which order rates are tried to find the highest one that holds.
 *
 * From the lowest on the rate is doubled until one is refused; then the gap between the highest
 * that held and the lowest that was refused is halved until it is small enough. What held has to
 * hold once more: it may have been luck, since what is asked is measured and not known. If it does
 * not, the next candidates lie further and further below, and have to hold twice as well.
 *
 * Nothing is retried: a rate that was refused once is refused.
 */
#ifndef CLI_BENCH_SEARCH_H
#define CLI_BENCH_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

enum search_phase { SEARCH_DOUBLE, SEARCH_BISECT, SEARCH_CONFIRM, SEARCH_DONE };

struct search {
    enum search_phase phase;
    int64_t lowest, highest; /* to try at all */
    double resolution;       /* the gap that is small enough, as a share of the rate */
    int64_t held;            /* the highest that held; once done: the answer. 0: none */
    int64_t refused;         /* the lowest that was refused; 0: none */
    int64_t next;            /* the rate to try */
    int times;               /* how often it has held */
    double back;             /* how far below the next candidate is, as a share */
};

/* 1 <= lowest <= highest <= INT64_MAX / 2, 0 < resolution < 1. */
void search_init(struct search *s, int64_t lowest, int64_t highest, double resolution);
/* s->next has been tried: on to the next rate or phase. */
void search_learn(struct search *s, bool holds);
/* "double", "bisect", "confirm". */
const char *search_phase_name(enum search_phase phase);

#endif
