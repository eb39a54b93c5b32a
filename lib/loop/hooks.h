/* hooks.h - what is to be called at the end of an iteration. */
#ifndef LOOP_HOOKS_H
#define LOOP_HOOKS_H

#include "loop/loop.h"

struct hooks {
    struct loop_hook *first, **last; /* asked for, in order */
    struct loop_hook *running;       /* what is left of those hooks_run is calling */
};

void hooks_init(struct hooks *q);
/* Queue h once: nothing happens if it is queued already. */
void hooks_add(struct hooks *q, struct loop_hook *h);
/* Take h out again; fine if it is not queued. */
void hooks_cancel(struct hooks *q, struct loop_hook *h);
/* Call those that are queued now; returns how many. */
int hooks_run(struct hooks *q);

#endif
