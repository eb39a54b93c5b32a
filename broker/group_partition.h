/* group_partition.h - which partition of __consumer_offsets a group's records go to: as Kafka says,
 * so that its tools find them. */
#ifndef BROKER_GROUP_PARTITION_H
#define BROKER_GROUP_PARTITION_H

#include <stdint.h>

#include "kp/kp.h"

/* Java's hashCode of the id, its sign dropped, modulo n. */
int32_t group_partition(struct kp_str group, int32_t n);

#endif
