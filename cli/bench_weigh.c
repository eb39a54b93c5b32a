#include "cli/bench_weigh.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int bench_spread_of(struct bench_spread *s, const struct bench_group *g,
                    const struct bench_figure *f)
{
    *s = (struct bench_spread){0, NAN, NAN, NAN};
    double *v = calloc(g->n, sizeof *v);
    if (!v)
        return -ENOMEM;
    for (size_t i = 0; i < g->n; i++) {
        double one = bench_figure_of(g->v[i], f);
        if (!isnan(one))
            v[s->n++] = one;
    }
    qsort(v, s->n, sizeof *v, by_value);
    if (s->n) {
        s->median = (v[(s->n - 1) / 2] + v[s->n / 2]) / 2;
        s->min = v[0];
        s->max = v[s->n - 1];
    }
    free(v);
    return 0;
}

enum bench_verdict bench_weigh(const struct bench_spread *a, const struct bench_spread *b,
                               bool more_is_better)
{
    if (!a->n || !b->n)
        return VERDICT_UNKNOWN;
    if (a->min <= b->max && b->min <= a->max)
        return VERDICT_OVERLAP;
    if (a->n == 1 || b->n == 1)
        return VERDICT_SINGLE;
    return (b->min > a->max) == more_is_better ? VERDICT_BETTER : VERDICT_WORSE;
}

const char *bench_verdict_name(enum bench_verdict v)
{
    static const char *const names[] = {[VERDICT_BETTER] = "better",
                                        [VERDICT_WORSE] = "worse",
                                        [VERDICT_OVERLAP] = "overlap",
                                        [VERDICT_SINGLE] = "single",
                                        [VERDICT_UNKNOWN] = NULL};
    return names[v];
}

/* Of all ways to deal a + b values out to both, two put the ranges apart. */
double bench_chance_pct(size_t a, size_t b)
{
    double ways = 1;
    for (size_t i = 1; i <= a; i++)
        ways *= (double)(b + i) / (double)i;
    return ways < 2 ? 100 : 200 / ways;
}
