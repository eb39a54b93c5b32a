/* refused.h - producers whose first batch for a partition was refused for want of room.
 *
 * Of a producer that a partition does not know any sequence is taken (KIP-360): it may have been
 * forgotten. So when its first batch finds no room, the second, on its way already, would be
 * taken in its place once there is some, and the first, sent again, be out of order for ever. What is
 * noted here is in memory only, and of the last REFUSED_MAX: it has to last for as long as batches
 * are on their way.
 */
#ifndef SHARD_REFUSED_H
#define SHARD_REFUSED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"
#include "batch/batch.h"

enum { REFUSED_MAX = 256 };

struct refused {
    struct refused_first {
        struct uuid topic_id;
        int32_t partition;
        int64_t producer_id;
        int16_t epoch;
        int32_t sequence; /* that is due */
    } first[REFUSED_MAX];
    uint32_t n, next; /* places in use, and the one to be used next */
    uint32_t left;    /* that are waited for */
};

/* This batch, of a producer unknown there, was refused. */
void refused_note(struct refused *r, const struct uuid *topic_id, int32_t partition,
                  const struct batch *b);
/* Must this batch be refused, too, because one before it is due? If not, nothing of its producer is
 * waited for any more. */
bool refused_bars(struct refused *r, const struct uuid *topic_id, int32_t partition,
                  const struct batch *b);

#endif
