/* topics.h - what the handlers share about topics: finding them, naming them, planning new ones. */
#ifndef BROKER_TOPICS_H
#define BROKER_TOPICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "kp/kp.h"
#include "meta/meta.h"

struct broker;
struct shard_thread;

/* Where the coordinator keeps its groups. */
#define OFFSETS_TOPIC "__consumer_offsets"

/* The topic of a request, which names it or, from some version on, gives its id. NULL and the error
 * for clients if there is none. */
const struct meta_topic *broker_topic_find(const struct meta_image *image, struct kp_str name,
                                           const struct uuid *id, int16_t *error);
/* Is that a name for a topic? ERR_INVALID with the reason. */
int broker_topic_check_name(struct kp_str name, struct err *e);
/* Does the broker itself write it? */
bool broker_topic_is_internal(const char *name);

/* The shard that holds a partition and the partition's leader's epoch; NULL if there is no such
 * partition. */
struct shard_thread *broker_topic_shard(struct broker *b, const struct meta_topic *t,
                                        int32_t partition);

/* Fill in the command that creates a topic with n partitions, all but its configs: an id, the time,
 * shards in turn, this node as leader. From the arena. 0, -ENOMEM or a negated errno. */
int broker_topic_plan(struct broker *b, struct arena *a, struct kp_str name, int32_t n,
                      struct meta_topic_create *command);
/* Fill in the command that gives a topic partitions until it has n, which is more than it has. From
 * the arena. 0 or -ENOMEM. */
int broker_topic_plan_more(struct broker *b, struct arena *a, const struct meta_topic *t, int32_t n,
                           struct meta_partitions_add *command);

#endif
