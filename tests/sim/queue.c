#include "tests/sim/queue.h"

#include <stdlib.h>

#include "tests/sim/world.h"

static bool before(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void swap(struct event *a, struct event *b)
{
    struct event t = *a;
    *a = *b;
    *b = t;
}

void queue_push(struct queue *q, struct event ev)
{
    if (q->n == q->cap)
        q->heap = sim_grow(q->heap, &q->cap, sizeof *q->heap);
    ev.seq = q->seq++;
    size_t i = q->n++;
    q->heap[i] = ev;
    for (; i && before(&q->heap[i], &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&q->heap[i], &q->heap[(i - 1) / 2]);
}

bool queue_pop(struct queue *q, struct event *ev)
{
    if (q->n == 0)
        return false;
    *ev = q->heap[0];
    q->heap[0] = q->heap[--q->n];
    for (size_t i = 0;;) {
        size_t least = i;
        for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < q->n; k++)
            if (before(&q->heap[k], &q->heap[least]))
                least = k;
        if (least == i)
            return true;
        swap(&q->heap[i], &q->heap[least]);
        i = least;
    }
}

void queue_release(struct queue *q)
{
    free(q->heap);
    *q = (struct queue){0};
}
