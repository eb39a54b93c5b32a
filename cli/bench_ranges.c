#include "cli/bench_ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void ranges_release(struct ranges *r)
{
    free(r->v);
    *r = (struct ranges){0};
}

/* The first range that ends at or behind x. */
static size_t find(const struct ranges *r, uint64_t x)
{
    size_t lo = 0, hi = r->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (r->v[mid].to < x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static int insert(struct ranges *r, size_t at, uint64_t from, uint64_t to)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 4;
        struct range *v = reallocarray(r->v, cap, sizeof *v);
        if (!v)
            return -ENOMEM;
        r->v = v;
        r->cap = cap;
    }
    memmove(r->v + at + 1, r->v + at, (r->n - at) * sizeof *r->v);
    r->v[at] = (struct range){from, to};
    r->n++;
    return 0;
}

static uint64_t overlap(struct range a, uint64_t from, uint64_t to)
{
    uint64_t lo = a.from > from ? a.from : from, hi = a.to < to ? a.to : to;
    return lo < hi ? hi - lo : 0;
}

int ranges_add(struct ranges *r, uint64_t from, uint64_t to, uint64_t *twice)
{
    uint64_t already = 0;
    if (!twice)
        twice = &already;
    *twice = 0;
    if (r->n && r->v[r->n - 1].to == from) { /* in order: the common case */
        r->v[r->n - 1].to = to;
        return 0;
    }
    size_t at = find(r, from), end = at;
    for (; end < r->n && r->v[end].from <= to; end++) /* those it meets or touches become one */
        *twice += overlap(r->v[end], from, to);
    if (end == at)
        return insert(r, at, from, to);
    struct range *first = &r->v[at], *last = &r->v[end - 1];
    first->from = first->from < from ? first->from : from;
    first->to = last->to > to ? last->to : to;
    memmove(first + 1, last + 1, (r->n - end) * sizeof *r->v);
    r->n -= end - at - 1;
    return 0;
}

bool ranges_has(const struct ranges *r, uint64_t x)
{
    size_t at = find(r, x + 1);
    return at < r->n && r->v[at].from <= x;
}

uint64_t ranges_count(const struct ranges *r)
{
    uint64_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        n += r->v[i].to - r->v[i].from;
    return n;
}

uint64_t ranges_missing(const struct ranges *a, const struct ranges *b)
{
    uint64_t missing = ranges_count(a);
    for (size_t i = 0, j = 0; i < a->n; i++) {
        while (j < b->n && b->v[j].to <= a->v[i].from)
            j++;
        for (size_t k = j; k < b->n && b->v[k].from < a->v[i].to; k++)
            missing -= overlap(b->v[k], a->v[i].from, a->v[i].to);
    }
    return missing;
}

void ranges_trim(struct ranges *r, size_t keep)
{
    if (r->n <= keep)
        return;
    memmove(r->v, r->v + (r->n - keep), keep * sizeof *r->v);
    r->n = keep;
}
