/* partitions.h - the partition logs of this broker, found by (topic id, number) without a lock.
 *
 * A data shard adds and removes its own; loops look up inside an RCU read section and must not keep
 * what they found beyond it (take the plog's slices instead). Threads that call anything here are
 * registered (rcu.h).
 */
#ifndef BROKER_PARTITIONS_H
#define BROKER_PARTITIONS_H

#include "broker/rcu.h"
#include <stdint.h>
/* behind the flavour */
#include <urcu/rculfhash.h>

#include "base/uuid.h"
#include "broker/wait.h"
#include "plog/plog.h"

struct shard_thread;

struct partition {
    struct uuid topic_id;
    int32_t number;
    struct plog *log;
    struct shard_thread *shard;
    struct watchers watchers;
    struct cds_lfht_node node;
    struct rcu_deferred deferred; /* its end */
};

struct partitions {
    struct cds_lfht *table;
};

int partitions_init(struct partitions *all); /* 0 or -ENOMEM */
/* Outside of read sections, when nobody looks any more. What is in it is freed by RCU: rcu_wait. */
void partitions_release(struct partitions *all);

/* In a read section; NULL if it is not there. */
struct partition *partitions_find(struct partitions *all, const struct uuid *topic_id,
                                  int32_t number);

/* The shard's thread. 0 or -ENOMEM. */
int partitions_add(struct partitions *all, struct shard_thread *shard, struct plog *log);
void partitions_remove(struct partitions *all, struct plog *log);
/* Its high watermark moved: whoever waits for that is told. */
void partitions_advanced(struct partitions *all, struct plog *log);

#endif
