/* group_offsets.h - how far a group has read: the offsets it committed, by topic and partition.
 *
 * What is here is durable: a commit is put in once its record is applied.
 */
#ifndef BROKER_GROUP_OFFSETS_H
#define BROKER_GROUP_OFFSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"
#include "broker/budget.h"
#include "kp/kp.h"

struct group_offset {
    struct kp_str topic;
    int32_t partition;
    struct uuid topic_id; /* zero: the record did not say */
    int64_t offset;
    int32_t leader_epoch; /* -1: not said */
    struct kp_str metadata;
    int64_t commit_ms; /* wall clock */
    int64_t expire_ms; /* wall clock, -1: as the broker's retention says */
};

struct group_offsets {
    void *tree;
    size_t n;
    struct budget *memory;
};

void group_offsets_init(struct group_offsets *o, struct budget *memory);
void group_offsets_release(struct group_offsets *o);
/* Partitions of which something is committed. */
size_t group_offsets_count(const struct group_offsets *o);

/* May n more bytes of topics and metadata be committed? Only asks: they are charged by put. */
bool group_offsets_room(const struct group_offsets *o, size_t bytes);
/* Replaces what was committed for the partition; copies strings. 0 or -ENOMEM, when the old one
 * stays. */
int group_offsets_put(struct group_offsets *o, const struct group_offset *c);
/* Not there is fine. */
void group_offsets_remove(struct group_offsets *o, struct kp_str topic, int32_t partition);
/* NULL if nothing was committed. Borrowed until the next change. */
const struct group_offset *group_offsets_find(const struct group_offsets *o, struct kp_str topic,
                                              int32_t partition);
/* All of them by topic, then partition. each must not change the set. */
void group_offsets_each(const struct group_offsets *o,
                        void (*each)(void *ctx, const struct group_offset *c), void *ctx);

#endif
