#include "meta/topics.h"

#include <stdlib.h>
#include <string.h>

enum { TOPICS_PAGE = 64 };

/* Never empty. */
struct page {
    atomic_uint refs;
    size_t n;
    struct topic *topic[];
};

struct topics {
    atomic_uint refs;
    enum topics_order order;
    size_t n; /* topics in all pages */
    size_t n_pages;
    struct page *page[];
};

static struct span key_of(const struct topics *s, const struct topic *t)
{
    return s->order == TOPICS_BY_NAME ? span_str(t->t.name) : span_of(&t->t.id, sizeof t->t.id);
}

static int key_cmp(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n > 0 ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* ---- pages */

/* A page of n topics whose references the caller puts in. */
static struct page *page_new(size_t n)
{
    struct page *p = malloc(sizeof *p + n * sizeof(struct topic *));
    if (p) {
        atomic_init(&p->refs, 1);
        p->n = n;
    }
    return p;
}

static struct page *page_ref(struct page *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

static void page_unref(struct page *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < p->n; i++)
        topic_unref(p->topic[i]);
    free(p);
}

/* A page of the n topics at `from`, each counted once more. */
static struct page *page_of(struct topic *const *from, size_t n)
{
    struct page *p = page_new(n);
    for (size_t i = 0; p && i < n; i++)
        p->topic[i] = topic_ref(from[i]);
    return p;
}

/* ---- places */

/* Where a key stands, or would be put. */
struct place {
    size_t page, at;
    bool found;
};

/* The last page that begins at or before the key; the first page if none does. */
static size_t find_page(const struct topics *s, struct span key)
{
    size_t lo = 0, hi = s->n_pages;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (key_cmp(key_of(s, s->page[mid]->topic[0]), key) <= 0)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static struct place find_place(const struct topics *s, struct span key)
{
    struct place where = {find_page(s, key), 0, false};
    if (s->n_pages == 0)
        return where;
    const struct page *p = s->page[where.page];
    size_t lo = 0, hi = p->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = key_cmp(key_of(s, p->topic[mid]), key);
        if (c == 0) {
            where.found = true;
            lo = hi = mid;
        } else if (c < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    where.at = lo;
    return where;
}

/* ---- sets */

static struct topics *set_new(enum topics_order order, size_t n_pages)
{
    struct topics *s = malloc(sizeof *s + n_pages * sizeof(struct page *));
    if (s) {
        atomic_init(&s->refs, 1);
        s->order = order;
        s->n = 0;
        s->n_pages = n_pages;
    }
    return s;
}

struct topics *topics_new(enum topics_order order)
{
    return set_new(order, 0);
}

struct topics *topics_ref(struct topics *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void topics_unref(struct topics *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < s->n_pages; i++)
        page_unref(s->page[i]);
    free(s);
}

size_t topics_len(const struct topics *s)
{
    return s->n;
}

size_t topics_pages(const struct topics *s)
{
    return s->n_pages;
}

struct topic *topics_get(const struct topics *s, struct span key)
{
    struct place where = find_place(s, key);
    return where.found ? s->page[where.page]->topic[where.at] : NULL;
}

struct topic *topics_next(const struct topics *s, struct span key)
{
    struct place where = {0, 0, false};
    if (key.p)
        where = find_place(s, key);
    if (where.found)
        where.at++;
    if (where.page < s->n_pages && where.at == s->page[where.page]->n)
        where = (struct place){where.page + 1, 0, false};
    return where.page < s->n_pages ? s->page[where.page]->topic[where.at] : NULL;
}

/* ---- what differs */

struct cursor {
    const struct topics *s;
    size_t page, at;
};

static const struct page *page_at(const struct cursor *c)
{
    return c->page < c->s->n_pages ? c->s->page[c->page] : NULL;
}

static struct topic *topic_at(const struct cursor *c)
{
    const struct page *p = page_at(c);
    return p ? p->topic[c->at] : NULL;
}

static void step(struct cursor *c)
{
    if (++c->at == c->s->page[c->page]->n) {
        c->page++;
        c->at = 0;
    }
}

static void pass_shared_pages(struct cursor *a, struct cursor *b)
{
    while (a->at == 0 && b->at == 0 && page_at(a) && page_at(a) == page_at(b)) {
        a->page++;
        b->page++;
    }
}

int topics_diff(const struct topics *from, const struct topics *to,
                int (*each)(void *ctx, struct topic *was, struct topic *is), void *ctx)
{
    struct cursor a = {.s = from}, b = {.s = to};
    for (;;) {
        pass_shared_pages(&a, &b);
        struct topic *was = topic_at(&a), *is = topic_at(&b);
        if (!was && !is)
            return 0;
        int order = !was        ? 1
                    : !is       ? -1
                    : was == is ? 0
                                : key_cmp(key_of(from, was), key_of(to, is));
        if (order <= 0)
            step(&a);
        if (order >= 0)
            step(&b);
        int rc = was == is ? 0 : each(ctx, order <= 0 ? was : NULL, order >= 0 ? is : NULL);
        if (rc)
            return rc;
    }
}

/* ---- changes */

/* The set s with `cut` pages from `at` on replaced by put[0..n_put), whose references it takes,
 * also when it fails. A NULL among them is an allocation that failed before. */
static struct topics *splice(const struct topics *s, size_t at, size_t cut, struct page **put,
                             size_t n_put, size_t n_topics)
{
    struct topics *out = set_new(s->order, s->n_pages - cut + n_put);
    bool ok = out != NULL;
    for (size_t i = 0; i < n_put; i++)
        ok = ok && put[i];
    if (!ok) {
        for (size_t i = 0; i < n_put; i++)
            page_unref(put[i]);
        free(out);
        return NULL;
    }
    size_t to = 0;
    for (size_t i = 0; i < at; i++)
        out->page[to++] = page_ref(s->page[i]);
    for (size_t i = 0; i < n_put; i++)
        out->page[to++] = put[i];
    for (size_t i = at + cut; i < s->n_pages; i++)
        out->page[to++] = page_ref(s->page[i]);
    out->n = n_topics;
    return out;
}

/* A topic in the place of another of the same key. */
static struct topics *replace(const struct topics *s, struct place where, struct topic *t)
{
    const struct page *old = s->page[where.page];
    struct page *p = page_of(old->topic, old->n);
    if (p) {
        topic_unref(p->topic[where.at]);
        p->topic[where.at] = topic_ref(t);
    }
    return splice(s, where.page, 1, &p, 1, s->n);
}

struct topics *topics_with(const struct topics *s, struct topic *t)
{
    struct place where = find_place(s, key_of(s, t));
    if (where.found)
        return replace(s, where, t);

    size_t cut = s->n_pages ? 1 : 0, n = cut ? s->page[where.page]->n : 0;
    struct topic *all[TOPICS_PAGE + 1];
    if (n > 0) {
        struct topic *const *old = s->page[where.page]->topic;
        memcpy(all, old, where.at * sizeof *all);
        memcpy(all + where.at + 1, old + where.at, (n - where.at) * sizeof *all);
    }
    all[where.at] = t;
    n++;
    if (n <= TOPICS_PAGE) {
        struct page *p = page_of(all, n);
        return splice(s, where.page, cut, &p, 1, s->n + 1);
    }
    struct page *halves[2] = {page_of(all, n / 2), page_of(all + n / 2, n - n / 2)};
    return splice(s, where.page, cut, halves, 2, s->n + 1);
}

struct topics *topics_without(const struct topics *s, struct span key)
{
    struct place where = find_place(s, key);
    size_t first = where.page, cut = 1, n = 0;
    struct topic *all[2 * TOPICS_PAGE];
    /* A page that has become small joins its neighbour, so that pages stay about full. */
    if (s->page[first]->n <= TOPICS_PAGE / 4 && s->n_pages > 1) {
        if (first + 1 == s->n_pages)
            first--;
        if (s->page[first]->n + s->page[first + 1]->n <= TOPICS_PAGE)
            cut = 2;
        else
            first = where.page;
    }
    for (size_t i = first; i < first + cut; i++) {
        for (size_t j = 0; j < s->page[i]->n; j++) {
            if (i != where.page || j != where.at)
                all[n++] = s->page[i]->topic[j];
        }
    }
    struct page *p = n > 0 ? page_of(all, n) : NULL;
    return splice(s, first, cut, &p, n > 0 ? 1 : 0, s->n - 1);
}
