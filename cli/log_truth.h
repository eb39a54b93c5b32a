/* log_truth.h - what the rest of a data directory says of its partition logs: the metadata which
 * topics there are and how they are cleaned, the checkpoints how far each log was synced and which
 * epochs wrote it. */
#ifndef CLI_LOG_TRUTH_H
#define CLI_LOG_TRUTH_H

#include "cli/log_place.h"
#include "shard/checkpoint.h"
#include "shard/node.h"

struct log_truth {
    bool known;
    struct node_meta node;
    struct meta_image *image;
    struct checkpoint *shards; /* the newest one of each shard that has one */
    size_t n;
    struct wal_trim *trims; /* of the WALs from there on, in their order */
    size_t n_trims;
};

/* Read both. When something is amiss with them (chronik-meta and chronik-wal say what), e says so,
 * and logs are judged by themselves. 0 or a code; log_truth_release in every case. */
int log_truth_read(struct log_truth *t, const struct log_place *p, struct err *e);
void log_truth_release(struct log_truth *t);
/* Was a checkpoint written since? Then the logs may have changed in ways the old ones do not allow.
 */
bool log_truth_stale(const struct log_truth *t, const struct log_place *p);

/* NULL: no such topic, or nothing is known. */
const struct meta_topic *log_truth_topic(const struct log_truth *t,
                                         const struct log_partition *part);
/* The checkpointed state of a partition of that topic; NULL: in no checkpoint. */
const struct checkpoint_partition *log_truth_mark(const struct log_truth *t,
                                                  const struct uuid *topic_id, int32_t partition);

/* Where the log of that partition begins: the checkpoint's word, and what came after it. */
int64_t log_truth_start(const struct log_truth *t, const struct checkpoint_partition *cp);

#endif
