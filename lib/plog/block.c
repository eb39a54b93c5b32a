#include "plog/block.h"

#include <stdlib.h>

struct plog_block *plog_block_new(uint32_t cap, uint64_t pos, int64_t base_offset)
{
    struct plog_block *b = malloc(sizeof *b + cap);
    if (!b)
        return NULL;
    atomic_init(&b->refs, 1);
    b->cap = cap;
    b->used = 0;
    b->pos = pos;
    b->base_offset = base_offset;
    return b;
}

void plog_block_ref(struct plog_block *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
}

void plog_block_unref(void *block)
{
    struct plog_block *b = block;
    if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
        free(b);
}
