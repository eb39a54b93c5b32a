/* list.c - the list of a log's segments, replaced as a whole. */
#include <stdlib.h>

#include "plog/plog_impl.h"

struct plog_list *plog_list_new(size_t n)
{
    struct plog_list *l = calloc(1, sizeof *l + n * sizeof *l->seg);
    if (l)
        l->n = n;
    return l;
}

ptrdiff_t plog_list_find(const struct plog_list *l, int64_t offset)
{
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (l->seg[mid]->base <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    return (ptrdiff_t)low - 1;
}

void plog_retire(const struct plog *p, void (*fn)(void *arg), void *arg)
{
    if (p->cfg.retire)
        p->cfg.retire(p->cfg.retire_ctx, fn, arg);
    else
        fn(arg);
}

static bool is_loaded(const struct plog_segment *s)
{
    return atomic_load_explicit(&s->file, memory_order_relaxed) ||
           atomic_load_explicit(&s->old, memory_order_relaxed) ||
           atomic_load_explicit(&s->tail, memory_order_relaxed);
}

/* Nothing is lost by forgetting what is in memory of it. */
static bool may_cool(const struct plog_segment *s)
{
    return !s->dirty && !s->pinned &&
           atomic_load_explicit(&s->saved_bytes, memory_order_relaxed) == plog_segment_bytes(s);
}

/* The same segment with nothing loaded; NULL when out of memory. */
static struct plog_segment *cold_twin(const struct plog *p, const struct plog_segment *s)
{
    struct plog_segment *twin = plog_segment_new(p->cfg.io, p->dir, &s->id);
    if (!twin)
        return NULL;
    plog_segment_set_old(twin, plog_segment_bytes(s), plog_segment_end(s), s->own_from);
    if (atomic_load_explicit(&s->max_known, memory_order_acquire)) {
        atomic_store_explicit(&twin->max_time, s->max_time, memory_order_relaxed);
        atomic_store_explicit(&twin->max_time_offset, s->max_time_offset, memory_order_relaxed);
        atomic_store_explicit(&twin->max_known, true, memory_order_relaxed);
    }
    twin->gaps = s->gaps;
    atomic_store_explicit(&twin->sealed, true, memory_order_relaxed);
    return twin;
}

/* Bound the descriptors and indexes that old segments keep: all but the newest two and
 * PLOG_WARM_OLD more are exchanged for cold twins. Slices in use keep theirs. */
static void cool(const struct plog *p, struct plog_list *l)
{
    size_t warm = 0;
    for (size_t i = l->n > 2 ? l->n - 2 : 0; i-- > 0;) {
        if (!is_loaded(l->seg[i]) || warm++ < PLOG_WARM_OLD || !may_cool(l->seg[i]))
            continue;
        struct plog_segment *twin = cold_twin(p, l->seg[i]);
        if (twin)
            l->seg[i] = twin;
    }
}

static bool holds(const struct plog_list *l, const struct plog_segment *s)
{
    ptrdiff_t i = plog_list_find(l, s->base);
    return i >= 0 && l->seg[i] == s;
}

void plog_list_publish(struct plog *p, struct plog_list *l)
{
    struct plog_list *was = atomic_load_explicit(&p->list, memory_order_relaxed);
    for (size_t i = 0; i + 1 < l->n; i++)
        plog_segment_seal(l->seg[i]);
    cool(p, l);
    atomic_store_explicit(&p->list, l, memory_order_release);
    if (!was)
        return;
    for (size_t i = 0; i < was->n; i++) {
        if (!holds(l, was->seg[i]))
            plog_retire(p, plog_segment_unref, was->seg[i]);
    }
    plog_retire(p, free, was);
}
