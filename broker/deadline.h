/* deadline.h - many deadlines on one timer of a loop: a heap of those embedded in requests, waiting
 * fetches, connections.
 *
 * Most deadlines never come (a Produce has 30 s and takes one millisecond), so adding and dropping
 * one must cost nothing to speak of: the loop's timer is only touched when the earliest moves
 * nearer; when it rings early it is set again.
 */
#ifndef BROKER_DEADLINE_H
#define BROKER_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/loop.h"

/* What a request that names no time gets, as Kafka's clients ask for. */
enum { DEADLINE_DEFAULT_MS = 30000 };

struct deadline {
    int64_t at_ms; /* of loop_now_ms */
    size_t slot;   /* place in the heap + 1; 0: not set */
    void (*passed)(struct deadline *d);
};

struct deadlines {
    struct loop *loop;
    struct loop_timer *timer;
    int64_t armed_ms; /* when the timer rings; INT64_MAX: never */
    bool ringing;     /* those that are due are called */
    struct deadline **heap;
    size_t n, cap;
};

int deadlines_init(struct deadlines *all, struct loop *loop); /* 0 or -ENOMEM */
void deadlines_release(struct deadlines *all);
/* Call passed on the loop, once, not before ms from now; replaces an earlier setting. passed may
 * free what holds d. What is set from within passed, for 0 ms too, comes in a later iteration: work
 * that is done in steps lets others have their turn. 0, or -ENOMEM: it will not be called. */
int deadline_set(struct deadlines *all, struct deadline *d, int64_t ms,
                 void (*passed)(struct deadline *));
/* Not set is fine. */
void deadline_clear(struct deadlines *all, struct deadline *d);

/* The time that a request names, or the default: none waits for ever. */
static inline int32_t deadline_ms(int32_t named_ms)
{
    return named_ms > 0 ? named_ms : DEADLINE_DEFAULT_MS;
}

static inline bool deadline_is_set(const struct deadline *d)
{
    return d->slot != 0;
}

#endif
