#include "meta/topic.h"

#include <stdlib.h>

#include "meta/pack.h"

static void lay_out(struct pack *k, const struct meta_topic *like, struct meta_topic *out)
{
    size_t n_partitions = (size_t)like->n_partitions, n_configs = (size_t)like->n_configs;
    struct meta_partition *parts = pack_copy(k, like->partitions, n_partitions * sizeof *parts);
    struct meta_config *configs = pack_copy(k, like->configs, n_configs * sizeof *configs);
    const struct meta_overrides *own = NULL;
    if (n_configs > 0) {
        struct meta_overrides parsed = {0};
        if (k->mem)
            meta_overrides_parse(like->configs, n_configs, META_NAMES_TOPIC, &parsed);
        own = pack_copy(k, &parsed, sizeof parsed);
    }
    for (size_t i = 0; i < n_partitions; i++) {
        const struct meta_partition *p = &like->partitions[i];
        const int32_t *ids = pack_copy(k, p->replicas, (size_t)p->n_replicas * sizeof *ids);
        if (parts)
            parts[i].replicas = ids;
    }
    for (size_t i = 0; i < n_configs; i++) {
        struct meta_config copy = {pack_str(k, like->configs[i].name),
                                   pack_str(k, like->configs[i].value)};
        if (configs)
            configs[i] = copy;
    }
    *out = *like;
    out->name = pack_str(k, like->name);
    out->partitions = parts;
    out->configs = configs;
    out->own = own;
}

struct topic *topic_new(const struct meta_topic *like)
{
    struct meta_topic measured;
    struct pack k = {NULL, 0};
    lay_out(&k, like, &measured);
    struct topic *topic = malloc(sizeof *topic + k.used);
    if (!topic)
        return NULL;
    atomic_init(&topic->refs, 1);
    k = (struct pack){(uint8_t *)(topic + 1), 0};
    lay_out(&k, like, &topic->t);
    return topic;
}

struct topic *topic_ref(struct topic *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void topic_unref(struct topic *t)
{
    if (t && atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1)
        free(t);
}
