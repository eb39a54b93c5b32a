/* producers.h - idempotence (KIP-98, KIP-360): what a partition remembers of the producers that
 * wrote to it.
 *
 * For each producer id its epoch and its last five batches: the answer to a batch sent again is the
 * original's offset. There are two layers. `applied` follows the log: it changes only when an entry
 * is applied, by producers_apply, the same at run time and at replay; it is what a checkpoint
 * holds. `staged` lies over it with the producers that have batches in flight; it is dropped as a
 * whole when leadership is lost, because nothing in it was promised.
 */
#ifndef SHARD_PRODUCERS_H
#define SHARD_PRODUCERS_H

#define HASH_NONFATAL_OOM 1 /* uthash would exit the process */
#include <uthash.h>

#include "batch/batch.h"
#include "shard/checkpoint.h"

struct producer_batch {
    int32_t first_sequence, last_sequence;
    int64_t base_offset;
    uint64_t index;  /* of its entry; 0 while staged */
    uint64_t serial; /* of the payload it is in, while staged */
};
struct producer {
    int64_t id;
    int16_t epoch;
    int64_t last_timestamp; /* wall time of the entry that held its last batch, ms */
    uint8_t n;              /* batches, oldest first */
    struct producer_batch batches[PRODUCER_BATCHES];
    uint32_t in_flight; /* staged layer: batches not yet applied */
    UT_hash_handle hh;
};
struct producers {
    struct producer *applied, *staged;
};

enum producers_verdict {
    PRODUCERS_NEW,       /* append it */
    PRODUCERS_DUPLICATE, /* *found is the original */
    PRODUCERS_GAP,       /* OUT_OF_ORDER_SEQUENCE_NUMBER */
    PRODUCERS_FENCED     /* INVALID_PRODUCER_EPOCH */
};
/* Is anything of that producer remembered? If not, any sequence of it is new. */
bool producers_know(struct producers *p, int64_t id);
/* Judge a batch with a producer id against both layers. */
enum producers_verdict producers_check(struct producers *p, const struct batch *b,
                                       struct producer_batch *found);
/* It was staged at base_offset into the payload with that serial. *before: id, epoch and batches as
 * they were, to take it back by. -ENOMEM. */
int producers_stage(struct producers *p, const struct batch *b, int64_t base_offset,
                    uint64_t serial, struct producer *before);
/* Take back the last producers_stage, nothing having come between: its bytes did not get into the
 * payload. */
void producers_unstage_last(struct producers *p, const struct producer *before);
/* Get the memory that producers_apply of this batch will take, which then cannot fail. -ENOMEM. */
int producers_reserve(struct producers *p, const struct batch *b);
/* Its entry was applied; wall_ms: when. b->base_offset is its offset. -ENOMEM. */
int producers_apply(struct producers *p, const struct batch *b, uint64_t index, int64_t wall_ms);
/* The last offset that was applied of it; -1: none is known. */
int64_t producer_last_offset(const struct producer *p);
/* Nothing is in flight any more. */
void producers_unstage(struct producers *p);
/* Forget producers whose last batch is older than `before` (ms); those in flight stay. */
void producers_expire(struct producers *p, int64_t before);
void producers_release(struct producers *p);

/* To and from a checkpoint. out has room for producers_count. */
uint32_t producers_count(const struct producers *p);
void producers_save(const struct producers *p, struct checkpoint_producer *out);
int producers_load(struct producers *p, const struct checkpoint_producer *in, uint32_t n);

#endif
