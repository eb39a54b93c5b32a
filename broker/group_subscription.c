#include "broker/group_subscription.h"

#include <stdlib.h>
#include <string.h>

#include "broker/owned.h"

enum { SUBSCRIPTION_MEMORY = 16 << 20, SUBSCRIPTION_NEWEST = 3 };

/* Newer versions only add to the end, so one that is not known is read as the newest that is. */
static bool decode(struct kp_bytes metadata, struct arena *a,
                   struct kp_consumer_protocol_subscription *out)
{
    struct rd r = rd_of(metadata.p, metadata.n > 0 ? (size_t)metadata.n : 0);
    int version = (int16_t)rd_be16(&r);
    if (r.err || version < 0)
        return false;
    if (version > SUBSCRIPTION_NEWEST)
        version = SUBSCRIPTION_NEWEST;
    return kp_decode(&kp_consumer_protocol_subscription_schema, version, &r, a, out) == 0;
}

static int order(const void *a, const void *b)
{
    return owned_order(*(const struct kp_str *)a, *(const struct kp_str *)b);
}

static void sort_topics(struct kp_consumer_protocol_subscription *s)
{
    if (s->n_topics > 1)
        qsort(s->topics, (size_t)s->n_topics, sizeof *s->topics, order);
}

static bool same_topics(struct kp_consumer_protocol_subscription *a,
                        struct kp_consumer_protocol_subscription *b)
{
    if (a->n_topics != b->n_topics)
        return false;
    sort_topics(a);
    sort_topics(b);
    for (int32_t i = 0; i < a->n_topics; i++) {
        if (!kp_str_eq(a->topics[i], b->topics[i]))
            return false;
    }
    return true;
}

bool group_subscription_same(struct kp_str protocol_type, struct kp_bytes a, struct kp_bytes b)
{
    if (a.n == b.n && (a.n <= 0 || memcmp(a.p, b.p, (size_t)a.n) == 0))
        return true;
    if (!kp_str_is(protocol_type, "consumer"))
        return false;
    struct arena arena;
    arena_init(&arena, SUBSCRIPTION_MEMORY);
    struct kp_consumer_protocol_subscription x, y;
    bool same = decode(a, &arena, &x) && decode(b, &arena, &y) && same_topics(&x, &y);
    arena_free(&arena);
    return same;
}

bool group_subscription_has(struct kp_bytes metadata, struct kp_str topic)
{
    struct arena arena;
    arena_init(&arena, SUBSCRIPTION_MEMORY);
    struct kp_consumer_protocol_subscription s;
    bool has = !decode(metadata, &arena, &s);
    for (int32_t i = 0; !has && i < s.n_topics; i++)
        has = kp_str_eq(s.topics[i], topic);
    arena_free(&arena);
    return has;
}
