#include "shard/payload.h"

#include <stdlib.h>

enum { POOL_MAX = 4, POOL_BYTES_MAX = 4 << 20 };

struct shard_payload *shard_payload_get(struct shard_payload_pool *pool, size_t reserve)
{
    struct shard_payload *p = pool->free;
    if (p) {
        pool->free = p->next;
        pool->n--;
        wal_payload_reset(&p->wal);
    } else {
        p = calloc(1, sizeof *p);
        if (!p)
            return NULL;
        if (wal_payload_init(&p->wal, reserve)) {
            free(p);
            return NULL;
        }
    }
    p->refs = 1;
    p->serial = 0;
    p->records = 0;
    p->waiters = p->waiters_tail = NULL;
    p->trims = NULL;
    p->next = NULL;
    return p;
}

struct shard_payload *shard_payload_ref(struct shard_payload *p)
{
    p->refs++;
    return p;
}

static void discard(struct shard_payload *p)
{
    wal_payload_release(&p->wal);
    free(p);
}

void shard_payload_unref(struct shard_payload_pool *pool, struct shard_payload *p)
{
    if (!p || --p->refs > 0)
        return;
    if (pool->n >= POOL_MAX || p->wal.cap > POOL_BYTES_MAX) {
        discard(p);
        return;
    }
    p->next = pool->free;
    pool->free = p;
    pool->n++;
}

void shard_payload_pool_release(struct shard_payload_pool *pool)
{
    while (pool->free) {
        struct shard_payload *p = pool->free;
        pool->free = p->next;
        discard(p);
    }
    pool->n = 0;
}
