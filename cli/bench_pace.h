/* bench_pace.h - when requests are due in an open loop: at fixed times, whatever the broker does.
 *
 * Request k of a run is due k * batch / rate seconds after its start and belongs to client k modulo
 * the number of clients. A thread serves every step-th client, beginning with its own number, and
 * walks through their requests in the order they are due; nothing is shared between threads.
 * Nothing is rounded on the way, so that a run of any length keeps its rate.
 */
#ifndef CLI_BENCH_PACE_H
#define CLI_BENCH_PACE_H

#include <stdint.h>

#include "base/hdr.h"

struct pace {
    int64_t rate;         /* records a second over all clients */
    int64_t batch;        /* records a request */
    uint32_t clients;     /* of the whole run */
    uint32_t first, step; /* this thread's clients: first, first + step, ...; first < clients */
    uint64_t round;       /* where it stands: the round... */
    uint32_t client;      /* ...and the client whose turn it is */
};

void pace_init(struct pace *p, int64_t rate, int64_t batch, uint32_t clients, uint32_t first,
               uint32_t step);
/* How well the schedule was kept, of measured requests. What the broker keeps waiting on a
 * connection is not held against it, only what the generator does itself. */
struct pace_stats {
    struct hdr late;  /* ns from when a request was due until its turn came */
    uint64_t no_room; /* requests that then found their connection full and had to wait */
    /* Those that waited so when half of the measuring was over, and at its end: a backlog that
     * grows is a rate that cannot be kept. Of runs of a given duration. */
    uint64_t waiting_half, waiting_end;
};
void pace_stats_init(struct pace_stats *s);
/* Sum up over threads. */
void pace_stats_add(struct pace_stats *into, const struct pace_stats *from);

/* When request k is due: ns after the start. */
int64_t pace_due(const struct pace *p, uint64_t k);
/* How many requests are due before that time, which is not negative. */
uint64_t pace_before(const struct pace *p, int64_t ns);
/* When the nth request of a client (from 0) is. */
int64_t pace_due_of(const struct pace *p, uint32_t client, uint64_t n);
/* The number of the next request of this thread, when it is due, and on to the one after. p->client
 * is whose it is. */
uint64_t pace_number(const struct pace *p);
int64_t pace_next(const struct pace *p);
void pace_advance(struct pace *p);

#endif
