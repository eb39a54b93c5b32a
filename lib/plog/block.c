#include "plog/block.h"

#include <stdlib.h>

#include "base/mutant.h"

struct plog_block *plog_block_new(uint32_t cap, uint64_t pos, int64_t base_offset,
                                  _Atomic int64_t *lingering)
{
    struct plog_block *b = malloc(sizeof *b + cap);
    if (!b)
        return NULL;
    atomic_init(&b->refs, 1);
    b->left = false;
    b->lingering = lingering;
    b->cap = cap;
    b->used = 0;
    b->pos = pos;
    b->base_offset = base_offset;
    return b;
}

static void count(struct plog_block *b, int64_t n)
{
    if (b->lingering)
        atomic_fetch_add_explicit(b->lingering, n, memory_order_relaxed);
}

void plog_block_leave(struct plog_block *b)
{
    b->left = !MUTANT(kept_uncounted);
    count(b, b->left ? b->cap : 0);
}

void plog_block_ref(struct plog_block *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
}

void plog_block_unref(void *block)
{
    struct plog_block *b = block;
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (b->left)
        count(b, -(int64_t)b->cap);
    free(b);
}
