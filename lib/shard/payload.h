/* payload.h - the payload of one entry while it is on its way, and who waits for it. Counted: the
 * entry table, a write under way and the apply loop may each hold one reference. One thread. */
#ifndef SHARD_PAYLOAD_H
#define SHARD_PAYLOAD_H

#include "wal/writer.h"

struct shard_payload {
    struct wal_payload wal;
    int refs;
    uint64_t serial;  /* in the order of staging on this node; 0: received from a leader */
    uint64_t records; /* staged in it */
    void *waiters, *waiters_tail; /* the machine's: shard_produce or shard_command, in order */
    struct shard_trim *trims;
    struct shard_payload *next; /* in the pool */
};

/* A pool that keeps a few buffers for reuse: a group commit a millisecond must not allocate. */
struct shard_payload_pool {
    struct shard_payload *free;
    unsigned n;
};
/* All on the shard's thread. An empty one with a reference, the caller's; a new one has room for
 * reserve bytes at first. NULL when out of memory. The last unref gives it back to the pool. */
struct shard_payload *shard_payload_get(struct shard_payload_pool *pool, size_t reserve);
struct shard_payload *shard_payload_ref(struct shard_payload *p);
void shard_payload_unref(struct shard_payload_pool *pool, struct shard_payload *p);
void shard_payload_pool_release(struct shard_payload_pool *pool);

#endif
