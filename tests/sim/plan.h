/* plan.h - how one world is: drawn from its seed, so that worlds differ in kind and not only in
 * luck. */
#ifndef TESTS_SIM_PLAN_H
#define TESTS_SIM_PLAN_H

#include "base/io_mem.h"
#include "tests/sim/rng.h"

struct sim_plan {
    uint32_t nodes; /* 1, or 3 of one data shard */
    /* the node's settings */
    uint64_t segment_bytes, first_segment_bytes, wal_max_bytes, checkpoint_bytes,
        plog_segment_bytes, reserve_bytes;
    uint64_t buffer_bytes, write_back_bytes;
    int64_t checkpoint_ms, linger_us, retention_check_ms, compact_backoff_ms;
    bool wal_direct;
    uint32_t group_records, group_bytes;
    /* time, ns */
    int64_t disk_delay, hand_over; /* of a disk call in a fiber; between threads */
    int64_t produce_every, fetch_every, admin_every, crash_every, trouble_every;
    uint32_t yield_ppm, slow_sync_ppm;
    /* the load */
    uint32_t clients, in_flight, topics, partitions;
    uint32_t special_ppm; /* of the topics, so many have settings of their own */
    uint32_t batch_bytes;
    /* faults */
    uint32_t fault_ppm[IO_MEM_CALLS];
    uint32_t power_ppm; /* of the deaths, so many are power cuts; the others kills */
    /* the network */
    int64_t net_delay;
    uint32_t drop_ppm, double_ppm;
};

void plan_draw(struct sim_plan *p, struct rng *r, uint32_t nodes);

#endif
