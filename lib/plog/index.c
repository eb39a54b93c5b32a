#include "plog/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"

void plog_grow_init(struct plog_grow *g, size_t size)
{
    memset(g, 0, sizeof *g);
    g->size = size;
    atomic_init(&g->n, 0);
}

void plog_grow_release(struct plog_grow *g)
{
    for (int i = 0; i < PLOG_GROW_BLOCKS; i++)
        free(g->block[i]);
}

/* Block k begins with element FIRST * (2^k - 1). */
static unsigned block_of(uint32_t i)
{
    return 31 - (unsigned)__builtin_clz(i / PLOG_GROW_FIRST + 1);
}

static size_t block_start(unsigned block)
{
    return PLOG_GROW_FIRST * (((size_t)1 << block) - 1);
}

void *plog_grow_at(const struct plog_grow *g, uint32_t i)
{
    unsigned block = block_of(i);
    return (uint8_t *)g->block[block] + (i - block_start(block)) * g->size;
}

int plog_grow_push(struct plog_grow *g, const void *element)
{
    uint32_t n = atomic_load_explicit(&g->n, memory_order_relaxed);
    unsigned block = block_of(n);
    if (block >= PLOG_GROW_BLOCKS)
        return -ENOMEM;
    if (!g->block[block]) {
        g->block[block] = calloc((size_t)PLOG_GROW_FIRST << block, g->size);
        if (!g->block[block])
            return -ENOMEM;
    }
    memcpy(plog_grow_at(g, n), element, g->size);
    atomic_store_explicit(&g->n, n + 1, memory_order_release);
    return 0;
}

void plog_grow_cut(struct plog_grow *g, uint32_t n)
{
    atomic_store_explicit(&g->n, n, memory_order_relaxed);
}

void plog_index_init(struct plog_index *ix)
{
    plog_grow_init(&ix->offsets, sizeof(struct plog_offset_entry));
    plog_grow_init(&ix->times, sizeof(struct plog_time_entry));
}

void plog_index_release(struct plog_index *ix)
{
    plog_grow_release(&ix->offsets);
    plog_grow_release(&ix->times);
}

void plog_tally_init(struct plog_tally *t)
{
    *t = (struct plog_tally){.max_timestamp = -1, .max_timestamp_offset = -1, .last_time = -1};
}

uint32_t plog_sum(uint32_t sum, const struct batch *b)
{
    uint8_t place[20];
    put_be64(place, (uint64_t)b->base_offset);
    put_be32(place + 8, (uint32_t)b->length);
    put_be32(place + 12, (uint32_t)b->leader_epoch);
    put_be32(place + 16, b->crc);
    return crc32c(sum, place, sizeof place);
}

static void add_entries(struct plog_index *ix, struct plog_tally *t, int64_t base,
                        const struct batch *b, uint64_t pos)
{
    struct plog_offset_entry o = {(uint32_t)(batch_last_offset(b) - base), (uint32_t)pos, t->sum};
    if (plog_grow_push(&ix->offsets, &o) < 0)
        return;
    t->since = 0;
    t->sum = 0;
    if (t->max_timestamp <= t->last_time)
        return;
    struct plog_time_entry e = {t->max_timestamp, (uint32_t)(t->max_timestamp_offset - base)};
    if (plog_grow_push(&ix->times, &e) == 0)
        t->last_time = t->max_timestamp;
}

void plog_index_note(struct plog_index *ix, struct plog_tally *t, uint32_t interval, int64_t base,
                     const struct batch *b, uint64_t pos)
{
    if (b->max_timestamp > t->max_timestamp) {
        t->max_timestamp = b->max_timestamp;
        t->max_timestamp_offset = batch_last_offset(b);
    }
    if (t->since > (interval < PLOG_REGION_MAX ? interval : PLOG_REGION_MAX))
        add_entries(ix, t, base, b, pos);
    t->since += batch_size(b);
    t->sum = plog_sum(t->sum, b);
}

/* The number of leading elements for which holds(element, arg) is true; it is false for all others.
 */
static uint32_t count_while(const struct plog_grow *g, bool (*holds)(const void *, const void *),
                            const void *arg)
{
    uint32_t low = 0, high = plog_grow_count(g);
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (holds(plog_grow_at(g, mid), arg))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool ends_by(const void *element, const void *arg)
{
    return ((const struct plog_offset_entry *)element)->last <= *(const uint32_t *)arg;
}

bool plog_index_by_offset(const struct plog_index *ix, uint32_t last, struct plog_offset_entry *out)
{
    uint32_t n = count_while(&ix->offsets, ends_by, &last);
    if (n)
        *out = *(struct plog_offset_entry *)plog_grow_at(&ix->offsets, n - 1);
    return n > 0;
}

struct reach {
    uint64_t pos, limit;
};

static bool within(const void *element, const void *arg)
{
    const struct plog_offset_entry *o = element;
    const struct reach *r = arg;
    return o->pos <= r->pos && o->last < r->limit;
}

bool plog_index_by_pos(const struct plog_index *ix, uint64_t pos, uint64_t limit,
                       struct plog_offset_entry *out)
{
    struct reach r = {pos, limit};
    uint32_t n = count_while(&ix->offsets, within, &r);
    if (n)
        *out = *(struct plog_offset_entry *)plog_grow_at(&ix->offsets, n - 1);
    return n > 0;
}

uint32_t plog_index_count(const struct plog_index *ix, uint64_t pos)
{
    struct reach r = {pos, UINT64_MAX};
    return count_while(&ix->offsets, within, &r);
}

static bool earlier(const void *element, const void *arg)
{
    return ((const struct plog_time_entry *)element)->timestamp < *(const int64_t *)arg;
}

static bool known_by(const void *element, const void *arg)
{
    return ((const struct plog_time_entry *)element)->last <= *(const uint32_t *)arg;
}

bool plog_index_time_at(const struct plog_index *ix, uint32_t last, struct plog_time_entry *out)
{
    uint32_t n = count_while(&ix->times, known_by, &last);
    if (n)
        *out = *(struct plog_time_entry *)plog_grow_at(&ix->times, n - 1);
    return n > 0;
}

bool plog_index_by_time(const struct plog_index *ix, int64_t ts, struct plog_time_entry *out)
{
    uint32_t n = count_while(&ix->times, earlier, &ts);
    if (n)
        *out = *(struct plog_time_entry *)plog_grow_at(&ix->times, n - 1);
    return n > 0;
}
