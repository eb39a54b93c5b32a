/* offsets_topic.h - __consumer_offsets: where the coordinator's batches go, and where its groups
 * come from at the start.
 *
 * The topic is made when the first batch is to be written to it, or when a client asks for its
 * metadata before that, compacted and with offsets.topic.num.partitions partitions (creator.h);
 * batches wait for that. Clients cannot write to it, nor change that it is compacted and never
 * deleted from (alter.h). At the start each partition is read back on the pool.
 */
#ifndef BROKER_OFFSETS_TOPIC_H
#define BROKER_OFFSETS_TOPIC_H

#include "base/err.h"

struct broker;
struct offsets_topic; /* opaque */

/* Make b->coordinator, which lives on the first worker's loop, and have its groups read back. After
 * the shards are up, before the loops run. 0 or -ENOMEM. */
int offsets_topic_start(struct broker *b, struct err *e);
/* Any thread: nobody waits for a group any more, reading stops. Never started is fine. */
void offsets_topic_drain(struct broker *b);
/* No thread runs any more. */
void offsets_topic_free(struct broker *b);

#endif
