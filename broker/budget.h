/* budget.h - bytes that may be in use at a time, counted by all threads. */
#ifndef BROKER_BUDGET_H
#define BROKER_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct budget {
    _Atomic int64_t used;
    int64_t max;
};

/* Take n bytes if they fit, the reserve counted in: who asks for little may go that far beyond the
 * maximum, so that a few who ask for much cannot shut out everybody else. */
static inline bool budget_take(struct budget *b, int64_t n, int64_t reserve)
{
    if (atomic_fetch_add_explicit(&b->used, n, memory_order_relaxed) + n <= b->max + reserve)
        return true;
    atomic_fetch_sub_explicit(&b->used, n, memory_order_relaxed);
    return false;
}

/* Take them even if they do not fit: for what has happened already. */
static inline void budget_charge(struct budget *b, int64_t n)
{
    atomic_fetch_add_explicit(&b->used, n, memory_order_relaxed);
}

/* Was more charged than there is? */
static inline bool budget_is_over(const struct budget *b)
{
    return atomic_load_explicit(&b->used, memory_order_relaxed) > b->max;
}

/* Is less than half of it left? */
static inline bool budget_is_short(const struct budget *b)
{
    return atomic_load_explicit(&b->used, memory_order_relaxed) > b->max / 2;
}

static inline void budget_give(struct budget *b, int64_t n)
{
    atomic_fetch_sub_explicit(&b->used, n, memory_order_relaxed);
}

#endif
