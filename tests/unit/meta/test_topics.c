/* The sorted set under the image, against a plain sorted array. */
#include "meta/topics.h"
#include "tests/unit/meta/kit.h"

enum { MAX = 3000 };

/* Topic n; its name is n in decimal, so that "10" sorts before "9" and behind its prefix "1". */
static struct topic *make(uint32_t n)
{
    char name[24];
    snprintf(name, sizeof name, "%u", n);
    struct meta_topic like = {.name = name, .id = kit_id(n)};
    struct topic *t = topic_new(&like);
    ck_assert_ptr_nonnull(t);
    return t;
}

static struct span key(enum topics_order order, const struct topic *t)
{
    return order == TOPICS_BY_NAME ? span_str(t->t.name) : span_of(&t->t.id, sizeof t->t.id);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct topic *const *)a)->t.name, (*(struct topic *const *)b)->t.name);
}

/* The set holds just the topics of all[] for which in[] is true, in the order of the (sorted)
 * array. */
static void check(const struct topics *s, enum topics_order order, struct topic **all,
                  const bool *in, size_t n)
{
    struct span at = {NULL, 0};
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        struct span k = key(order, all[i]);
        ck_assert_ptr_eq(topics_get(s, k), in[i] ? all[i] : NULL);
        if (!in[i])
            continue;
        ck_assert_ptr_eq(topics_next(s, at), all[i]);
        at = k;
        count++;
    }
    ck_assert_ptr_null(topics_next(s, at));
    ck_assert_uint_eq(topics_len(s), count);
}

struct expected {
    struct topic **all;
    const bool *was, *is;
    size_t n, at;
};

static int is_next_difference(void *ctx, struct topic *was, struct topic *is)
{
    struct expected *x = ctx;
    while (x->at < x->n && x->was[x->at] == x->is[x->at])
        x->at++;
    ck_assert_uint_lt(x->at, x->n);
    ck_assert_ptr_eq(was, x->was[x->at] ? x->all[x->at] : NULL);
    ck_assert_ptr_eq(is, x->is[x->at] ? x->all[x->at] : NULL);
    x->at++;
    return 0;
}

/* Two sets differ by just what the arrays do. */
static void check_diff(const struct topics *from, const struct topics *to, struct topic **all,
                       const bool *was, const bool *is, size_t n)
{
    struct expected x = {all, was, is, n, 0};
    ck_assert_ok(topics_diff(from, to, is_next_difference, &x));
    while (x.at < n && was[x.at] == is[x.at])
        x.at++;
    ck_assert_uint_eq(x.at, n);
}

/* Fill and empty a set in random order, keeping a version now and then to see that it does not
 * change. */
static void churn(enum topics_order order, unsigned seed)
{
    static struct topic *all[MAX];
    static bool in[MAX], kept_in[MAX];
    struct topics *s = topics_new(order), *kept = topics_ref(s);
    srandom(seed);
    memset(in, 0, sizeof in);
    memset(kept_in, 0, sizeof kept_in);
    for (uint32_t i = 0; i < MAX; i++)
        all[i] = make(i);
    if (order == TOPICS_BY_NAME)
        qsort(all, MAX, sizeof *all, by_name);
    for (int step = 0; step < 4 * MAX; step++) {
        /* Mostly adding in the first half, mostly removing in the second. */
        bool add = (random() % 8 != 0) == (step < 2 * MAX);
        size_t i = (size_t)random() % MAX;
        if (!add && !in[i])
            continue;
        struct topics *next = add ? topics_with(s, all[i]) : topics_without(s, key(order, all[i]));
        ck_assert_ptr_nonnull(next);
        topics_unref(s);
        s = next;
        in[i] = add;
        if (step % 300 == 0) {
            check(s, order, all, in, MAX);
            check(kept, order, all, kept_in, MAX);
            check_diff(kept, s, all, kept_in, in, MAX);
            check_diff(s, kept, all, in, kept_in, MAX);
            topics_unref(kept);
            kept = topics_ref(s);
            memcpy(kept_in, in, sizeof in);
        }
    }
    for (size_t i = 0; i < MAX; i++) {
        if (!in[i])
            continue;
        struct topics *next = topics_without(s, key(order, all[i]));
        topics_unref(s);
        s = next;
    }
    ck_assert_uint_eq(topics_len(s), 0);
    ck_assert_ptr_null(topics_next(s, span_of(NULL, 0)));
    topics_unref(s);
    topics_unref(kept);
    for (size_t i = 0; i < MAX; i++) {
        ck_assert_uint_eq(atomic_load(&all[i]->refs), 1);
        topic_unref(all[i]);
    }
}

START_TEST(names_churn)
{
    churn(TOPICS_BY_NAME, 1);
}
END_TEST

START_TEST(ids_churn)
{
    churn(TOPICS_BY_ID, 2);
}
END_TEST

/* However a set has become small, its list of pages is short. */
START_TEST(pages_join)
{
    struct topics *s = topics_new(TOPICS_BY_ID);
    struct topic *all[MAX];
    for (uint32_t i = 0; i < MAX; i++) {
        all[i] = make(i);
        struct topics *next = topics_with(s, all[i]);
        topics_unref(s);
        s = next;
    }
    size_t full = topics_pages(s);
    for (uint32_t i = 0; i < MAX; i++) {
        if (i % 10 == 0)
            continue;
        struct topics *next = topics_without(s, key(TOPICS_BY_ID, all[i]));
        topics_unref(s);
        s = next;
    }
    ck_assert_uint_eq(topics_len(s), MAX / 10);
    ck_assert_uint_lt(topics_pages(s), full / 3);
    topics_unref(s);
    for (size_t i = 0; i < MAX; i++)
        topic_unref(all[i]);
}
END_TEST

static int count(void *ctx, struct topic *was, struct topic *is)
{
    int *n = ctx;
    ck_assert_ptr_ne(was, is);
    return ++*n == 3; /* the third one ends it */
}

/* Who compares two images pays for what differs, not for what they have in common. */
START_TEST(what_is_shared_is_not_looked_at)
{
    struct topics *s = topics_new(TOPICS_BY_ID);
    struct topic *all[MAX];
    struct uuid ids[MAX];
    int n = 0;
    for (uint32_t i = 0; i < MAX; i++) {
        all[i] = make(i);
        struct topics *next = topics_with(s, all[i]);
        topics_unref(s);
        s = next;
    }
    struct topic *other = topic_new(&(struct meta_topic){.name = "x", .id = all[MAX / 2]->t.id});
    struct topics *with = topics_with(s, other),
                  *without = topics_without(s, key(TOPICS_BY_ID, all[7]));
    for (uint32_t i = 0; i < MAX; i++) { /* an order in which comparing would go wrong */
        ids[i] = all[i]->t.id;
        if (i > 3 * 64 && (i < MAX / 2 - 3 * 64 || i > MAX / 2 + 3 * 64))
            all[i]->t.id = (struct uuid){{0}};
    }
    ck_assert_int_eq(topics_diff(s, s, count, &n), 0);
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(topics_diff(s, with, count, &n), 0);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(topics_diff(with, without, count, &n), 1);
    ck_assert_int_eq(n, 3);
    for (uint32_t i = 0; i < MAX; i++)
        all[i]->t.id = ids[i];
    topics_unref(s);
    topics_unref(with);
    topics_unref(without);
    topic_unref(other);
    for (size_t i = 0; i < MAX; i++)
        topic_unref(all[i]);
}
END_TEST

START_TEST(next_goes_on_behind_a_key_that_is_gone)
{
    struct topics *empty = topics_new(TOPICS_BY_NAME), *one, *two;
    struct topic *a = make(1), *b = make(2);
    one = topics_with(empty, a);
    two = topics_with(one, b);
    ck_assert_ptr_eq(topics_next(two, span_str("")), a);
    ck_assert_ptr_eq(topics_next(two, span_str("1")), b);
    ck_assert_ptr_eq(topics_next(two, span_str("10")), b);
    ck_assert_ptr_null(topics_next(two, span_str("2")));
    ck_assert_ptr_null(topics_next(empty, span_str("")));
    topics_unref(empty);
    topics_unref(one);
    topics_unref(two);
    topic_unref(a);
    topic_unref(b);
}
END_TEST

START_TEST(with_replaces_a_topic_of_the_same_key)
{
    struct topics *empty = topics_new(TOPICS_BY_NAME);
    struct topic *a = make(1), *b = make(1);
    struct topics *one = topics_with(empty, a), *other = topics_with(one, b);
    ck_assert_uint_eq(topics_len(other), 1);
    ck_assert_ptr_eq(topics_get(one, span_str("1")), a);
    ck_assert_ptr_eq(topics_get(other, span_str("1")), b);
    topics_unref(empty);
    topics_unref(one);
    topics_unref(other);
    ck_assert_uint_eq(atomic_load(&a->refs), 1);
    topic_unref(a);
    topic_unref(b);
}
END_TEST

UNIT_MAIN(names_churn, ids_churn, pages_join, what_is_shared_is_not_looked_at,
          next_goes_on_behind_a_key_that_is_gone, with_replaces_a_topic_of_the_same_key)
