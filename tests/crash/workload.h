/* workload.h - what the crash tests let a node do: everything, by chance, from a seed.
 *
 * Topics are created, deleted and made anew; plain and idempotent producers write, and send again;
 * logs are trimmed, old records removed by age and size, a topic compacted, segments begun by time;
 * checkpoints and snapshots are made, the log rolls and recycles; brokers are stopped and killed,
 * the disk fills up, and a sync fails. What is acknowledged, and when, the rig remembers.
 */
#ifndef TESTS_CRASH_WORKLOAD_H
#define TESTS_CRASH_WORKLOAD_H

#include "tests/shard/rig.h"

struct workload {
    uint64_t rng;
    bool faults; /* fill the disk, let syncs fail: not while a test does so itself */
    /* what was done, over all workloads */
    size_t checkpoints, deletes, trims, expirations, compactions, rolls, stops, kills, full, failed,
        acked;
};

/* splitmix64 */
uint64_t workload_draw(struct workload *w);
uint64_t workload_below(struct workload *w, uint64_t n);

/* Sizes, bounds and settings of a node by chance: before rig_open. */
void workload_configure(struct workload *w, struct rig *r);
/* The first topics: after it. */
void workload_begin(struct rig *r);
/* So many actions on an open rig. Idempotent producers begin at first_pid. What the shards wait for
 * is done at the end. 0; or what kept the node from stopping or starting again. */
int workload_act(struct workload *w, struct rig *r, int actions, int64_t first_pid, struct err *e);
/* Take over the sizes and settings of another rig, and its time. */
void workload_resume(struct rig *r, const struct rig *history);

#endif
