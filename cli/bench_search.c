#include "cli/bench_search.h"

#include <math.h>

/* How many tries settle the matter: of a rate that is met on the way, and of one that was refused and
 * is right above the answer. */
enum { OF_THREE = 2, OF_FIVE = 3 };
#define BACK_MAX 0.5

void search_init(struct search *s, int64_t lowest, int64_t highest, double resolution)
{
    *s = (struct search){.phase = SEARCH_DOUBLE,
                         .lowest = lowest,
                         .highest = highest,
                         .resolution = resolution,
                         .next = lowest,
                         .back = resolution};
}

static void end(struct search *s)
{
    s->phase = SEARCH_DONE;
    s->next = 0;
}

/* Tries that were made at that rate before may count. */
static void try_again(struct search *s, enum search_phase phase, int64_t rate, int holds, int fails)
{
    s->phase = phase;
    s->next = rate;
    s->holds = holds;
    s->fails = fails;
}

static void try_next(struct search *s, enum search_phase phase, int64_t rate)
{
    try_again(s, phase, rate, 0, 0);
}

/* The gap is small enough: is it where it seems to be? */
static void settle(struct search *s)
{
    if (s->held && s->held_holds < OF_THREE)
        try_again(s, SEARCH_CONFIRM, s->held, s->held_holds, 0);
    else if (s->refused)
        try_again(s, SEARCH_DOUBT, s->refused, s->refused_holds, OF_THREE);
    else
        end(s);
}

/* Between what held and what was refused. */
static void narrow(struct search *s)
{
    int64_t gap = s->refused - s->held;
    if (gap <= 1 || (double)gap <= s->resolution * (double)s->held)
        settle(s);
    else
        try_next(s, SEARCH_BISECT, s->held + gap / 2);
}

static void raise(struct search *s)
{
    if (s->held == s->highest)
        settle(s);
    else
        try_next(s, SEARCH_DOUBLE, s->held <= s->highest / 2 ? 2 * s->held : s->highest);
}

/* What held before does not any more. */
static void step_back(struct search *s)
{
    int64_t below = llround((double)s->refused * (1 - s->back));
    if (below >= s->refused)
        below = s->refused - 1;
    s->back = s->back * 2 < BACK_MAX ? s->back * 2 : BACK_MAX;
    s->held = 0;
    try_next(s, SEARCH_BACK, below > s->lowest ? below : s->lowest);
}

static void hold(struct search *s)
{
    s->held = s->next;
    s->held_holds = s->holds;
    if (s->phase ==
        SEARCH_DOUBT) /* it was refused wrongly, and nothing is known of what is above */
        s->refused = 0;
    if (s->refused)
        narrow(s);
    else
        raise(s);
}

static void refuse(struct search *s)
{
    if (s->phase == SEARCH_DOUBT) {
        end(s);
        return;
    }
    s->refused = s->next;
    s->refused_holds = s->holds;
    if (s->refused == s->lowest) {
        s->held = 0;
        settle(s);
    } else if (s->phase == SEARCH_CONFIRM || s->phase == SEARCH_BACK) {
        step_back(s);
    } else {
        narrow(s);
    }
}

/* Has it held often enough? On the way up it may do so once, if it did at once: it is asked again if
 * it matters. */
static bool has_held(const struct search *s)
{
    if (s->phase == SEARCH_DOUBT)
        return s->holds == OF_FIVE;
    return s->holds == OF_THREE || (s->holds && !s->fails && s->phase != SEARCH_CONFIRM);
}

void search_learn(struct search *s, bool holds)
{
    if (holds)
        s->holds++;
    else
        s->fails++;
    if (has_held(s))
        hold(s);
    else if (s->fails == (s->phase == SEARCH_DOUBT ? OF_FIVE : OF_THREE))
        refuse(s);
}

const char *search_phase_name(enum search_phase phase)
{
    static const char *const names[] = {"double", "bisect", "confirm", "back", "doubt", "done"};
    return names[phase];
}
