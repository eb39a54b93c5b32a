#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "cli/wal_tool.h"

struct wal_topic_name {
    struct uuid id;
    UT_hash_handle hh;
    size_t n;
    uint8_t name[];
};

struct span wal_topics_name(const struct wal_topics *t, const struct uuid *id)
{
    struct wal_topic_name *found;
    HASH_FIND(hh, t->by_id, id, sizeof *id, found);
    return found ? span_of(found->name, found->n) : span_of(NULL, 0);
}

int wal_topics_add(struct wal_topics *t, const struct wal_topic *topic)
{
    if (wal_topics_name(t, &topic->topic_id).p)
        return 0; /* an id has one name for ever */
    struct wal_topic_name *n = calloc(1, sizeof *n + topic->name.n);
    if (!n)
        return -ENOMEM;
    n->id = topic->topic_id;
    n->n = topic->name.n;
    memcpy(n->name, topic->name.p, topic->name.n);
    HASH_ADD(hh, t->by_id, id, sizeof n->id, n);
    return 0;
}

static int learn_from(void *ctx, struct wal_visit *v)
{
    struct wal_frame f;
    struct wal_topic topic;
    size_t at = WAL_PAYLOAD_HEADER;
    int rc = 0;
    if (v->group->index != 0)
        return 0;
    while (rc == 0 && wal_frame_next(v->group->payload, &at, &f) == 1)
        if (f.type == WAL_TOPIC && wal_topic_decode(f.body, &topic) == 0)
            rc = wal_topics_add(ctx, &topic);
    return rc;
}

int wal_topics_learn(struct wal_topics *t, const struct wal_log *log)
{
    struct wal_outcome outcome;
    wal_walk(log, learn_from, t, &outcome);
    return outcome.rc == -ENOMEM ? outcome.rc : 0;
}

int wal_topics_each(const struct wal_topics *t, int (*f)(void *ctx, const struct wal_topic *topic),
                    void *ctx)
{
    struct wal_topic_name *n, *next;
    int rc = 0;
    HASH_ITER(hh, t->by_id, n, next)
    {
        struct wal_topic topic = {n->id, span_of(n->name, n->n)};
        if (rc == 0)
            rc = f(ctx, &topic);
    }
    return rc;
}

void wal_topics_release(struct wal_topics *t)
{
    struct wal_topic_name *n, *next;
    HASH_ITER(hh, t->by_id, n, next)
    {
        HASH_DEL(t->by_id, n);
        free(n);
    }
}
