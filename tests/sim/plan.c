#include "tests/sim/plan.h"

#include <string.h>

#include "tests/sim/world.h"

static uint32_t pick(struct rng *r, const uint32_t *of, size_t n)
{
    return of[rng_below(r, n)];
}
#define PICK(r, ...) \
    pick(r, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void draw_settings(struct sim_plan *p, struct rng *r)
{
    p->segment_bytes = (uint64_t)PICK(r, 64, 64, 96, 128) * 1024;
    p->first_segment_bytes = PICK(r, 0, 64 * 1024);
    p->wal_max_bytes = p->segment_bytes * PICK(r, 4, 5, 8);
    p->checkpoint_bytes = p->segment_bytes * PICK(r, 0, 0, 1, 2);
    p->checkpoint_ms = PICK(r, 0, 0, 100, 1000);
    p->plog_segment_bytes = (uint64_t)PICK(r, 4, 8, 16) * 1024;
    p->reserve_bytes = PICK(r, 0, 0, 16, 64) * 1024;
    p->retention_check_ms = PICK(r, 0, 20, 200);
    p->compact_backoff_ms = PICK(r, 0, 10, 50, 50);
    p->wal_direct = rng_below(r, 2);
    p->linger_us = PICK(r, 0, 0, 0, 500, 3000);
    p->group_records = PICK(r, 1 << 20, 6, 20);
    p->group_bytes = PICK(r, 32, 32, 4, 8) * 1024;
}

static void draw_load(struct sim_plan *p, struct rng *r)
{
    p->clients = (uint32_t)rng_between(r, 2, 6);
    p->in_flight = PICK(r, 1, 3, 5, 5);
    p->topics = PICK(r, 1, 2, 4);
    p->partitions = PICK(r, 1, 2, 3);
    p->special_ppm = PICK(r, 0, 300000, 700000);
    p->batch_bytes = PICK(r, 100, 500, 2000);
    p->produce_every = PICK(r, 1, 3, 8) * SIM_MS;
    p->fetch_every = PICK(r, 10, 30) * SIM_MS;
    p->admin_every = PICK(r, 30, 60, 150) * SIM_MS;
}

static void draw_faults(struct sim_plan *p, struct rng *r)
{
    bool sick = rng_chance(r, 600000);
    for (int i = 0; i < IO_MEM_CALLS; i++)
        p->fault_ppm[i] = sick ? PICK(r, 0, 0, 1000, 10000) : 0;
    p->power_ppm = PICK(r, 0, 300000, 600000, 1000000);
    p->slow_sync_ppm = PICK(r, 0, 0, 1000, 10000);
    p->crash_every = PICK(r, 20, 40, 80, 300) * SIM_MS;
    p->trouble_every = PICK(r, 100, 500) * SIM_MS;
}

void plan_draw(struct sim_plan *p, struct rng *r, uint32_t nodes)
{
    memset(p, 0, sizeof *p);
    p->nodes = nodes;
    draw_settings(p, r);
    draw_load(p, r);
    draw_faults(p, r);
    p->yield_ppm = PICK(r, 0, 100000, 400000, 1000000);
    p->disk_delay = PICK(r, 100, 1000, 4000) * SIM_US;
    p->hand_over = PICK(r, 5, 50, 1000) * SIM_US;
    if (nodes > 1) { /* elections take seconds */
        p->crash_every = PICK(r, 500, 2000, 5000) * SIM_MS;
        p->trouble_every = PICK(r, 500, 3000) * SIM_MS;
        p->produce_every = PICK(r, 5, 20, 50) * SIM_MS;
        p->admin_every = PICK(r, 50, 300) * SIM_MS;
        p->special_ppm = 0;
    }
    p->net_delay = PICK(r, 100, 1000, 10000) * SIM_US;
    p->drop_ppm = PICK(r, 0, 10000, 100000);
    p->double_ppm = PICK(r, 0, 10000, 50000);
    p->buffer_bytes = PICK(r, 0, 4, 16, 1024) * 1024;
    p->write_back_bytes = PICK(r, 0, 1, 4, 16) * 1024;
}
