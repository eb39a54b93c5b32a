#include "shard/entries.h"

#include <errno.h>
#include <stdlib.h>

void entries_init(struct entries *t, uint64_t first, struct shard_payload_pool *pool)
{
    t->ring = NULL;
    t->cap = t->head = t->n = 0;
    t->first = first;
    t->pool = pool;
}

static struct entry *slot(struct entries *t, size_t i)
{
    return &t->ring[(t->head + i) % t->cap];
}

static void forget(struct entries *t, struct entry *e)
{
    shard_payload_unref(t->pool, e->payload);
    e->payload = NULL;
}

void entries_release(struct entries *t)
{
    entries_truncate(t, t->first);
    free(t->ring);
    t->ring = NULL;
    t->cap = 0;
}

struct entry *entries_get(struct entries *t, uint64_t index)
{
    if (index < t->first || index - t->first >= t->n)
        return NULL;
    return slot(t, (size_t)(index - t->first));
}

static int grow(struct entries *t)
{
    size_t cap = t->cap ? t->cap * 2 : 64;
    struct entry *ring = calloc(cap, sizeof *ring);
    if (!ring)
        return -ENOMEM;
    for (size_t i = 0; i < t->n; i++)
        ring[i] = *slot(t, i);
    free(t->ring);
    t->ring = ring;
    t->cap = cap;
    t->head = 0;
    return 0;
}

int entries_reserve(struct entries *t)
{
    return t->n < t->cap ? 0 : grow(t);
}

int entries_append(struct entries *t, const struct entry *e)
{
    int rc = entries_reserve(t);
    if (rc)
        return rc;
    struct entry *to = slot(t, t->n);
    *to = *e;
    if (to->payload)
        shard_payload_ref(to->payload);
    t->n++;
    return 0;
}

void entries_truncate(struct entries *t, uint64_t index)
{
    while (t->n && entries_last(t) >= index) {
        forget(t, slot(t, t->n - 1));
        t->n--;
    }
}

void entries_drop_before(struct entries *t, uint64_t index)
{
    while (t->n && t->first < index) {
        forget(t, slot(t, 0));
        t->head = (t->head + 1) % t->cap;
        t->n--;
        t->first++;
    }
    if (t->n == 0 && t->first < index)
        t->first = index;
}

void entries_forget_payload(struct entries *t, uint64_t index)
{
    struct entry *e = entries_get(t, index);
    if (e)
        forget(t, e);
}
