/* queue.h - what is going to happen, by time; at the same time, in the order it was asked for. */
#ifndef TESTS_SIM_QUEUE_H
#define TESTS_SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_world;
struct event;
typedef void event_fn(struct sim_world *w, const struct event *ev);

struct event {
    int64_t at;   /* virtual ns */
    uint64_t seq; /* set by queue_push */
    event_fn *fn;
    uint32_t node;
    uint64_t life; /* of the node, for which it was meant; 0: any */
    void *arg;
};

struct queue {
    struct event *heap;
    size_t n, cap;
    uint64_t seq;
};

void queue_push(struct queue *q, struct event ev);
bool queue_pop(struct queue *q, struct event *ev);
void queue_release(struct queue *q);

#endif
