#include "cli/bench_pace.h"

#define NS INT64_C(1000000000)

void pace_init(struct pace *p, int64_t rate, int64_t batch, uint32_t clients, uint32_t first,
               uint32_t step)
{
    *p = (struct pace){rate, batch, clients, first, step, 0, first};
}

void pace_stats_init(struct pace_stats *s)
{
    s->no_room = s->waiting_half = s->waiting_end = 0;
    hdr_init(&s->late);
}

void pace_stats_add(struct pace_stats *into, const struct pace_stats *from)
{
    into->no_room += from->no_room;
    into->waiting_half += from->waiting_half;
    into->waiting_end += from->waiting_end;
    hdr_add(&into->late, &from->late);
}

int64_t pace_due(const struct pace *p, uint64_t k)
{
    /* rate <= 10^9 and batch <= 10^6 (the options' bounds): k would have to reach 10^13 to
     * overflow. */
    uint64_t records = k * (uint64_t)p->batch, rate = (uint64_t)p->rate;
    return (int64_t)(records / rate) * NS + (int64_t)(records % rate * (uint64_t)NS / rate);
}

uint64_t pace_before(const struct pace *p, int64_t ns)
{
    uint64_t rate = (uint64_t)p->rate, batch = (uint64_t)p->batch;
    uint64_t part = (uint64_t)(ns % NS) * rate; /* of a second: records, times NS */
    uint64_t records = (uint64_t)(ns / NS) * rate + (part + (uint64_t)NS - 1) / (uint64_t)NS;
    return (records + batch - 1) / batch;
}

int64_t pace_due_of(const struct pace *p, uint32_t client, uint64_t n)
{
    return pace_due(p, n * p->clients + client);
}

uint64_t pace_number(const struct pace *p)
{
    return p->round * p->clients + p->client;
}

int64_t pace_next(const struct pace *p)
{
    return pace_due(p, pace_number(p));
}

void pace_advance(struct pace *p)
{
    p->client += p->step;
    if (p->client < p->clients)
        return;
    p->client = p->first;
    p->round++;
}
