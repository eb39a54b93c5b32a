#include "broker/group_offsets.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "broker/owned.h"

enum { OFFSET_OVERHEAD = 64 }; /* malloc and the tree's node */

static int order(const void *a, const void *b)
{
    const struct group_offset *x = a, *y = b;
    int by_topic = owned_order(x->topic, y->topic);
    return by_topic ? by_topic : (x->partition > y->partition) - (x->partition < y->partition);
}

static int64_t cost(const struct group_offset *c)
{
    return (int64_t)sizeof *c + OFFSET_OVERHEAD + c->topic.n +
           (c->metadata.n > 0 ? c->metadata.n : 0);
}

/* One block with its strings. */
static struct group_offset *copy(const struct group_offset *c)
{
    size_t topic = (size_t)c->topic.n, metadata = c->metadata.n > 0 ? (size_t)c->metadata.n : 0;
    struct group_offset *mine = malloc(sizeof *mine + topic + metadata);
    if (!mine)
        return NULL;
    *mine = *c;
    char *at = (char *)(mine + 1);
    memcpy(at, c->topic.p, topic);
    mine->topic.p = at;
    if (metadata)
        memcpy(at + topic, c->metadata.p, metadata);
    mine->metadata = kp_strn(at + topic, metadata);
    return mine;
}

static struct group_offset **find(const struct group_offsets *o, struct kp_str topic,
                                  int32_t partition)
{
    struct group_offset key = {.topic = topic, .partition = partition};
    return tfind(&key, &o->tree, order);
}

void group_offsets_init(struct group_offsets *o, struct budget *memory)
{
    *o = (struct group_offsets){.memory = memory};
}

void group_offsets_release(struct group_offsets *o)
{
    while (o->tree) {
        struct group_offset *c = *(struct group_offset **)o->tree;
        group_offsets_remove(o, c->topic, c->partition);
    }
}

size_t group_offsets_count(const struct group_offsets *o)
{
    return o->n;
}

bool group_offsets_room(const struct group_offsets *o, size_t bytes)
{
    if (!budget_take(o->memory, (int64_t)bytes, 0))
        return false;
    budget_give(o->memory, (int64_t)bytes);
    return true;
}

int group_offsets_put(struct group_offsets *o, const struct group_offset *c)
{
    struct group_offset *mine = copy(c);
    if (!mine)
        return -ENOMEM;
    struct group_offset **at = tsearch(mine, &o->tree, order);
    if (!at) {
        free(mine);
        return -ENOMEM;
    }
    if (*at != mine) {
        budget_give(o->memory, cost(*at));
        free(*at);
        *at = mine;
    } else {
        o->n++;
    }
    budget_charge(o->memory, cost(mine));
    return 0;
}

void group_offsets_remove(struct group_offsets *o, struct kp_str topic, int32_t partition)
{
    struct group_offset **at = find(o, topic, partition);
    if (!at)
        return;
    struct group_offset *c = *at;
    tdelete(c, &o->tree, order);
    budget_give(o->memory, cost(c));
    free(c);
    o->n--;
}

const struct group_offset *group_offsets_find(const struct group_offsets *o, struct kp_str topic,
                                              int32_t partition)
{
    struct group_offset **at = find(o, topic, partition);
    return at ? *at : NULL;
}

struct walk {
    void (*each)(void *ctx, const struct group_offset *c);
    void *ctx;
};

static void visit(const void *node, VISIT when, void *arg)
{
    const struct walk *w = arg;
    if (when == postorder || when == leaf) /* between its subtrees */
        w->each(w->ctx, *(struct group_offset *const *)node);
}

void group_offsets_each(const struct group_offsets *o,
                        void (*each)(void *ctx, const struct group_offset *c), void *ctx)
{
    struct walk w = {each, ctx};
    twalk_r(o->tree, visit, &w);
}
