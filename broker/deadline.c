#include "broker/deadline.h"

#include <errno.h>
#include <stdlib.h>

/* The heap is an array whose element i has children 2i + 1 and 2i + 2, none earlier than itself. */

static void place(struct deadlines *all, size_t i, struct deadline *d)
{
    all->heap[i] = d;
    d->slot = i + 1;
}

static void sift_up(struct deadlines *all, size_t i, struct deadline *d)
{
    while (i > 0) {
        size_t parent = (i - 1) / 2;
        if (all->heap[parent]->at_ms <= d->at_ms)
            break;
        place(all, i, all->heap[parent]);
        i = parent;
    }
    place(all, i, d);
}

static void sift_down(struct deadlines *all, size_t i, struct deadline *d)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= all->n)
            break;
        if (child + 1 < all->n && all->heap[child + 1]->at_ms < all->heap[child]->at_ms)
            child++;
        if (d->at_ms <= all->heap[child]->at_ms)
            break;
        place(all, i, all->heap[child]);
        i = child;
    }
    place(all, i, d);
}

static void take_out(struct deadlines *all, struct deadline *d)
{
    size_t i = d->slot - 1;
    d->slot = 0;
    struct deadline *moved = all->heap[--all->n];
    if (moved == d)
        return;
    if (i > 0 && moved->at_ms < all->heap[(i - 1) / 2]->at_ms)
        sift_up(all, i, moved);
    else
        sift_down(all, i, moved);
}

/* See to it that the timer rings no later than the earliest is due. A timer that cannot be set is
 * tried again with the next deadline. */
static void arm(struct deadlines *all)
{
    if (!all->n || all->heap[0]->at_ms >= all->armed_ms)
        return;
    int64_t at = all->heap[0]->at_ms;
    if (loop_timer_set(all->timer, at - loop_now_ms(all->loop)) == 0)
        all->armed_ms = at;
}

static void ring(void *arg)
{
    struct deadlines *all = arg;
    all->armed_ms = INT64_MAX;
    int64_t now = loop_now_ms(all->loop);
    all->ringing = true;
    while (all->n && all->heap[0]->at_ms <= now) {
        struct deadline *d = all->heap[0];
        take_out(all, d);
        d->passed(d);
    }
    all->ringing = false;
    arm(all);
}

int deadlines_init(struct deadlines *all, struct loop *loop)
{
    *all = (struct deadlines){.loop = loop, .armed_ms = INT64_MAX};
    all->timer = loop_timer_new(loop, ring, all);
    return all->timer ? 0 : -ENOMEM;
}

void deadlines_release(struct deadlines *all)
{
    loop_timer_free(all->timer);
    free(all->heap);
    *all = (struct deadlines){.armed_ms = INT64_MAX};
}

int deadline_set(struct deadlines *all, struct deadline *d, int64_t ms,
                 void (*passed)(struct deadline *))
{
    deadline_clear(all, d);
    if (all->n == all->cap) {
        size_t cap = all->cap ? 2 * all->cap : 64;
        struct deadline **heap = reallocarray(all->heap, cap, sizeof(struct deadline *));
        if (!heap)
            return -ENOMEM;
        all->heap = heap;
        all->cap = cap;
    }
    int64_t now = loop_now_ms(all->loop), least = all->ringing ? 1 : 0; /* so that ring() ends */
    if (ms < least)
        ms = least;
    d->at_ms = ms > INT64_MAX - now ? INT64_MAX : now + ms;
    d->passed = passed;
    sift_up(all, all->n++, d);
    arm(all);
    return 0;
}

void deadline_clear(struct deadlines *all, struct deadline *d)
{
    if (d->slot)
        take_out(all, d);
}
