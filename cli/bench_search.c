#include "cli/bench_search.h"

#include <math.h>

enum { TIMES = 2 }; /* that the answer has to hold */
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

static void end(struct search *s, int64_t answer)
{
    s->phase = SEARCH_DONE;
    s->held = answer;
    s->next = 0;
}

static void try_next(struct search *s, enum search_phase phase, int64_t rate, int times)
{
    s->phase = phase;
    s->next = rate;
    s->times = times;
}

/* Between what held and what was refused. */
static void narrow(struct search *s)
{
    int64_t gap = s->refused - s->held;
    if (gap <= 1 || (double)gap <= s->resolution * (double)s->held)
        try_next(s, SEARCH_CONFIRM, s->held, 1);
    else
        try_next(s, SEARCH_BISECT, s->held + gap / 2, 0);
}

static void raise(struct search *s)
{
    if (s->held == s->highest)
        try_next(s, SEARCH_CONFIRM, s->held, 1);
    else
        try_next(s, SEARCH_DOUBLE, s->held <= s->highest / 2 ? 2 * s->held : s->highest, 0);
}

/* What held before does not any more. */
static void step_back(struct search *s)
{
    int64_t below = llround((double)s->refused * (1 - s->back));
    if (below >= s->refused)
        below = s->refused - 1;
    s->back = s->back * 2 < BACK_MAX ? s->back * 2 : BACK_MAX;
    try_next(s, SEARCH_CONFIRM, below > s->lowest ? below : s->lowest, 0);
}

static void hold(struct search *s)
{
    s->held = s->next;
    if (s->phase == SEARCH_DOUBLE)
        raise(s);
    else if (s->phase == SEARCH_BISECT)
        narrow(s);
    else if (++s->times == TIMES)
        end(s, s->held);
}

static void refuse(struct search *s)
{
    s->refused = s->next;
    if (s->refused == s->lowest)
        end(s, 0);
    else if (s->phase == SEARCH_CONFIRM)
        step_back(s);
    else
        narrow(s);
}

void search_learn(struct search *s, bool holds)
{
    if (holds)
        hold(s);
    else
        refuse(s);
}

const char *search_phase_name(enum search_phase phase)
{
    static const char *const names[] = {"double", "bisect", "confirm", "done"};
    return names[phase];
}
