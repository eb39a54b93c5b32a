#include "cli/bench_pair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_setting.h"

static size_t differences(const struct json *a, const struct json *b)
{
    size_t n = 0;
    for (size_t i = 0; i < n_bench_settings; i++)
        n += bench_setting_differs(&bench_settings[i], a, b);
    return n;
}

static int push(struct bench_group *g, const struct json *j)
{
    const struct json **v = reallocarray(g->v, g->n + 1, sizeof *v);
    if (!v)
        return -ENOMEM;
    g->v = v;
    g->v[g->n++] = j;
    return 0;
}

/* The pair whose work is that of j; a new one if there is none yet. NULL: out of memory. */
static struct bench_pair *pair_of(struct bench_pairs *p, const struct json *j)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct bench_group *g = p->v[i].a.n ? &p->v[i].a : &p->v[i].b;
        if (!differences(g->v[0], j))
            return &p->v[i];
    }
    struct bench_pair *v = reallocarray(p->v, p->n + 1, sizeof *v);
    if (!v)
        return NULL;
    p->v = v;
    p->v[p->n] = (struct bench_pair){0};
    return &p->v[p->n++];
}

static int sort_in(struct bench_pairs *p, const struct bench_results *r, bool first)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < r->n; i++) {
        struct bench_pair *pair = pair_of(p, r->v[i]);
        rc = pair ? push(first ? &pair->a : &pair->b, r->v[i]) : -ENOMEM;
    }
    return rc;
}

/* "clients 64 and 128, acks 1 and all" */
static void tell_differences(const struct json *a, const struct json *b, char *out, size_t size)
{
    char x[80], y[80];
    size_t used = 0;
    *out = 0;
    for (size_t i = 0; i < n_bench_settings && used < size; i++) {
        const struct bench_setting *s = &bench_settings[i];
        if (!bench_setting_differs(s, a, b))
            continue;
        used += (size_t)snprintf(out + used, size - used, "%s%s %s and %s", used ? ", " : "",
                                 s->title, bench_value_text(json_get(a, s->field), x, sizeof x),
                                 bench_value_text(json_get(b, s->field), y, sizeof y));
    }
}

/* The one with work of b alone that is nearest to that; NULL: there is none. */
static const struct json *nearest(const struct bench_pairs *p, const struct json *to)
{
    const struct json *found = NULL;
    for (size_t i = 0; i < p->n; i++) {
        const struct json *j = p->v[i].a.n ? NULL : p->v[i].b.v[0];
        if (j && (!found || differences(to, j) < differences(to, found)))
            found = j;
    }
    return found;
}

static int refuse(const struct bench_pairs *p, const struct bench_pair *lone,
                  const struct bench_results *a, const struct bench_results *b, struct err *e)
{
    char text[320];
    const struct json *of_a = lone->a.n ? lone->a.v[0] : NULL;
    const struct json *of_b = of_a ? nearest(p, of_a) : lone->b.v[0];
    if (of_a && of_b) {
        tell_differences(of_a, of_b, text, sizeof text);
        return err_set(e, ERR_INVALID, "%s and %s are of unlike work: %s", a->path, b->path, text);
    }
    bench_settings_text(of_a ? of_a : of_b, text, sizeof text);
    return err_set(e, ERR_INVALID, "%s has work that %s has not: %s", of_a ? a->path : b->path,
                   of_a ? b->path : a->path, text);
}

int bench_pairs_make(struct bench_pairs *p, const struct bench_results *a,
                     const struct bench_results *b, struct err *e)
{
    *p = (struct bench_pairs){0};
    int rc = sort_in(p, a, true);
    if (!rc)
        rc = sort_in(p, b, false);
    if (rc)
        return err_code(e, rc, "results");
    for (size_t i = 0; i < p->n; i++)
        if (!p->v[i].a.n || !p->v[i].b.n)
            return refuse(p, &p->v[i], a, b, e);
    return 0;
}

void bench_pairs_release(struct bench_pairs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->v[i].a.v);
        free(p->v[i].b.v);
    }
    free(p->v);
    *p = (struct bench_pairs){0};
}
