/* group_records.h - what a group leaves in __consumer_offsets, in Kafka's formats.
 *
 *   key                              value
 *   OffsetCommitKey: group, topic,   OffsetCommitValue: offset, leader epoch, metadata, time
 *     partition
 *   GroupMetadataKey: group          GroupMetadataValue: generation, protocol, members and what
 *                                      each was assigned
 *
 * Keys begin with an int16 that says which of them it is (0 and 1; 2), values with their version.
 * The last value of a key counts; a null value says that there is none any more. Offsets are
 * written in version 4, whose tagged topic id older readers skip: the offsets of a topic that was
 * deleted are not those of the next one of its name. When one goes whose client said how long it is
 * to be kept stands in a tag of our own, 10000, eight bytes (ms since 1970): Kafka says that in
 * version 1 alone, which has neither epoch nor id and is read here, but not written. Groups are
 * written in version 3.
 */
#ifndef BROKER_GROUP_RECORDS_H
#define BROKER_GROUP_RECORDS_H

#include <stdbool.h>

#include "batch/records.h"
#include "broker/group.h"

/* Append to a batch; errors stay in b->records.err. wall_ms: the record's time. */
void group_records_offset(struct batch_builder *b, int64_t wall_ms, struct kp_str group,
                          const struct group_offset *c);
void group_records_no_offset(struct batch_builder *b, int64_t wall_ms, struct kp_str group,
                             struct kp_str topic, int32_t partition);
void group_records_state(struct batch_builder *b, int64_t wall_ms, const struct group *g);
void group_records_no_state(struct batch_builder *b, int64_t wall_ms, struct kp_str group);

enum group_record_kind {
    GROUP_RECORD_OFFSET,
    GROUP_RECORD_STATE,
    GROUP_RECORD_OTHER, /* of a kind this program does not know */
};

/* A record read back; points into the record's bytes and the arena. */
struct group_record {
    enum group_record_kind kind;
    bool none; /* the value is null */
    struct kp_str group;
    struct group_offset offset;
    struct kp_group_metadata_value state;
};
/* 0; ERR_MALFORMED; ERR_UNSUPPORTED: a value of a version this program does not know; -ENOMEM. */
int group_record_decode(const struct record *r, struct arena *a, struct group_record *out);

#endif
