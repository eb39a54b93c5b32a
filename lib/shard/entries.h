/* entries.h - the raft log in memory: for every entry the WAL still holds, its term, its place and,
 * while it is young, its payload. Indexes are dense. One thread. */
#ifndef SHARD_ENTRIES_H
#define SHARD_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>

#include "shard/payload.h"
#include "wal/wal.h"

struct entry {
    uint64_t term;
    struct wal_pos pos; /* of its group; {0, 0} until it is written */
    uint32_t payload_len;
    bool change;                   /* a raft configuration */
    struct shard_payload *payload; /* NULL: read it from the WAL */
};

struct entries {
    struct entry *ring;
    size_t cap, head, n;
    uint64_t first; /* index of the oldest; next to be appended if n is 0 */
    struct shard_payload_pool *pool;
};

void entries_init(struct entries *t, uint64_t first, struct shard_payload_pool *pool);
void entries_release(struct entries *t);
static inline uint64_t entries_last(const struct entries *t) /* first - 1 if there is none */
{
    return t->first + t->n - 1;
}
/* NULL if the table does not hold it. Good until the next append. */
struct entry *entries_get(struct entries *t, uint64_t index);
/* Room for one more, so that the next append cannot fail. -ENOMEM. */
int entries_reserve(struct entries *t);
/* Append behind the last; takes a reference of its own on payload (may be NULL). -ENOMEM. */
int entries_append(struct entries *t, const struct entry *e);
/* Drop all at or above index / all below index. */
void entries_truncate(struct entries *t, uint64_t index);
void entries_drop_before(struct entries *t, uint64_t index);
/* Let go of an applied entry's payload. */
void entries_forget_payload(struct entries *t, uint64_t index);

#endif
