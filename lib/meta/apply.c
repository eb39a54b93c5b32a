/* Apply: a pure function of an image and a command. Each command is checked whole before the draft
 * is touched, so that a refused one has no effect; the checks look at nothing but the image and the
 * command, so that all nodes refuse alike. */
#include "meta/apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "meta/command.h"

struct apply {
    struct meta_image *draft;
    struct arena *arena;
    struct meta_result *res;
};

/* ---- checks and conversions */

/* Between least and most bytes, none of them NUL: images keep C strings. */
static bool text_ok(struct kp_str s, int32_t least, int32_t most)
{
    return s.n >= least && s.n <= most && (s.n == 0 || !memchr(s.p, 0, (size_t)s.n));
}

static bool partition_ok(const struct meta_partition *p)
{
    bool led = p->leader == -1;
    if (p->shard == 0 || p->n_replicas < 1 || p->n_replicas > META_REPLICAS_MAX)
        return false;
    for (int32_t i = 0; i < p->n_replicas; i++) {
        if (p->replicas[i] < 0)
            return false;
        for (int32_t j = 0; j < i; j++) {
            if (p->replicas[j] == p->replicas[i])
                return false;
        }
        led = led || p->replicas[i] == p->leader;
    }
    return led;
}

/* A setting to be changed; a null value removes it. *to is good if the result is 0. */
static int take_config(struct apply *x, struct kp_str name, struct kp_str value, bool removable,
                       struct meta_config *to)
{
    if (!text_ok(name, 1, META_STRING_MAX))
        return ERR_INVALID;
    if (value.n < 0 ? !removable : !text_ok(value, 0, META_STRING_MAX))
        return ERR_INVALID;
    to->name = arena_strn(x->arena, name.p, (size_t)name.n);
    to->value = value.n < 0 ? NULL : arena_strn(x->arena, value.p, (size_t)value.n);
    return to->name && (value.n < 0 || to->value) ? 0 : -ENOMEM;
}

static int config_cmp(const void *a, const void *b)
{
    return strcmp(((const struct meta_config *)a)->name, ((const struct meta_config *)b)->name);
}

/* Settings by name. */
struct config_list {
    int32_t n;
    struct meta_config *all;
};

/* What `old` becomes by the changes, which get sorted. A change to what is not set is fine. */
static int merge_configs(struct apply *x, const struct meta_config *old, int32_t n_old,
                         struct config_list changes, struct config_list *out)
{
    if (changes.n > 1)
        qsort(changes.all, (size_t)changes.n, sizeof *changes.all, config_cmp);
    for (int32_t i = 1; i < changes.n; i++) {
        if (config_cmp(&changes.all[i - 1], &changes.all[i]) == 0)
            return ERR_INVALID;
    }
    out->n = 0;
    out->all = arena_array(x->arena, (size_t)n_old + (size_t)changes.n, sizeof *out->all);
    if (!out->all)
        return -ENOMEM;
    for (int32_t i = 0, j = 0; i < n_old || j < changes.n;) {
        int c = i == n_old ? 1 : j == changes.n ? -1 : config_cmp(&old[i], &changes.all[j]);
        struct meta_config next = c < 0 ? old[i] : changes.all[j];
        i += c <= 0;
        j += c >= 0;
        if (next.value)
            out->all[out->n++] = next;
    }
    return out->n <= META_CONFIGS_MAX ? 0 : ERR_INVALID;
}

/* Put a changed topic into the draft. */
static int put_topic(struct apply *x, const struct meta_topic *like)
{
    struct topic *topic = topic_new(like);
    if (!topic)
        return -ENOMEM;
    int rc = image_put_topic(x->draft, topic);
    topic_unref(topic);
    return rc;
}

static struct topic *topic_of(struct apply *x, const struct uuid *id)
{
    return topics_get(x->draft->by_id, span_of(id, sizeof *id));
}

/* ---- topics */

static int create_partitions(struct apply *x, const struct meta_topic_create *c,
                             struct meta_topic *topic)
{
    if (c->n_partitions < 1 || c->n_partitions > META_PARTITIONS_MAX)
        return ERR_INVALID;
    struct meta_partition *parts = arena_array(x->arena, (size_t)c->n_partitions, sizeof *parts);
    if (!parts)
        return -ENOMEM;
    for (int32_t i = 0; i < c->n_partitions; i++) {
        const struct meta_topic_create_partitions *p = &c->partitions[i];
        parts[i] = (struct meta_partition){p->shard, p->leader, p->n_replicas, p->replicas};
        if (p->partition != i || !partition_ok(&parts[i]))
            return ERR_INVALID;
    }
    topic->n_partitions = c->n_partitions;
    topic->partitions = parts;
    return 0;
}

static int create_configs(struct apply *x, const struct meta_topic_create *c,
                          struct meta_topic *topic)
{
    struct config_list set = {c->n_configs, NULL}, merged;
    if (c->n_configs > META_CONFIGS_MAX)
        return ERR_INVALID;
    set.all = arena_array(x->arena, (size_t)set.n, sizeof *set.all);
    if (!set.all)
        return -ENOMEM;
    for (int32_t i = 0; i < set.n; i++) {
        int rc = take_config(x, c->configs[i].name, c->configs[i].value, false, &set.all[i]);
        if (rc < 0)
            return rc;
    }
    int rc = merge_configs(x, NULL, 0, set, &merged);
    if (rc == 0) {
        topic->n_configs = merged.n;
        topic->configs = merged.all;
    }
    return rc;
}

static int apply_topic_create(struct apply *x, const struct meta_topic_create *c)
{
    struct meta_topic topic = {.id = c->topic_id, .created_ms = c->created_ms};
    if (!text_ok(c->name, 1, META_NAME_MAX) || uuid_is_zero(&c->topic_id))
        return ERR_INVALID;
    int rc = create_partitions(x, c, &topic);
    if (rc == 0)
        rc = create_configs(x, c, &topic);
    if (rc < 0)
        return rc;
    if (topics_get(x->draft->by_name, span_of(c->name.p, (size_t)c->name.n)) ||
        topic_of(x, &c->topic_id))
        return ERR_EXISTS;
    if (topics_len(x->draft->by_name) >= META_TOPICS_MAX)
        return ERR_INVALID;
    topic.name = arena_strn(x->arena, c->name.p, (size_t)c->name.n);
    return topic.name ? put_topic(x, &topic) : -ENOMEM;
}

static int apply_topic_delete(struct apply *x, const struct meta_topic_delete *c)
{
    struct topic *topic = topic_of(x, &c->topic_id);
    return topic ? image_drop_topic(x->draft, topic) : ERR_NOTFOUND;
}

static int apply_partitions_add(struct apply *x, const struct meta_partitions_add *c)
{
    struct topic *old = topic_of(x, &c->topic_id);
    if (!old)
        return ERR_NOTFOUND;
    int32_t first = old->t.n_partitions;
    if (c->n_partitions < 1 || c->n_partitions > META_PARTITIONS_MAX - first)
        return ERR_INVALID;
    struct meta_topic topic = old->t;
    topic.n_partitions += c->n_partitions;
    struct meta_partition *parts = arena_array(x->arena, (size_t)topic.n_partitions, sizeof *parts);
    if (!parts)
        return -ENOMEM;
    memcpy(parts, old->t.partitions, (size_t)first * sizeof *parts);
    for (int32_t i = 0; i < c->n_partitions; i++) {
        const struct meta_partitions_add_partitions *p = &c->partitions[i];
        parts[first + i] = (struct meta_partition){p->shard, p->leader, p->n_replicas, p->replicas};
        if (p->partition != first + i || !partition_ok(&parts[first + i]))
            return ERR_INVALID;
    }
    topic.partitions = parts;
    return put_topic(x, &topic);
}

/* ---- settings */

/* Is that what whoever made up the changes saw? Those of two who change a list at once must not
 * lose one's. */
static bool as_seen(const struct meta_config_set *c, const struct meta_config *now, int32_t n)
{
    if (!c->checked)
        return true;
    if (c->n_seen != n)
        return false;
    for (int32_t i = 0; i < n; i++) {
        if (!kp_str_is(c->seen[i].name, now[i].name) || !kp_str_is(c->seen[i].value, now[i].value))
            return false;
    }
    return true;
}

static int set_topic_configs(struct apply *x, const struct meta_config_set *c,
                             struct config_list changes)
{
    struct topic *old = topic_of(x, &c->topic_id);
    if (!old)
        return ERR_NOTFOUND;
    if (!as_seen(c, old->t.configs, old->t.n_configs))
        return ERR_STALE;
    struct config_list merged;
    int rc = merge_configs(x, old->t.configs, old->t.n_configs, changes, &merged);
    if (rc < 0)
        return rc;
    struct meta_topic topic = old->t;
    topic.n_configs = merged.n;
    topic.configs = merged.all;
    return put_topic(x, &topic);
}

static int set_broker_configs(struct apply *x, const struct meta_config_set *c,
                              struct config_list changes)
{
    const struct brokers *old = x->draft->brokers;
    int32_t node = c->node_id;
    if (node < -1)
        return ERR_INVALID;
    size_t at = 0;
    while (at < old->n_configs && old->configs[at].node < node)
        at++;
    size_t known = at < old->n_configs && old->configs[at].node == node;
    struct meta_broker_configs was =
        known ? old->configs[at] : (struct meta_broker_configs){.node = node};
    if (!as_seen(c, was.configs, was.n))
        return ERR_STALE;
    struct config_list merged;
    int rc = merge_configs(x, was.configs, was.n, changes, &merged);
    if (rc < 0)
        return rc;

    struct brokers next = brokers_like(old);
    size_t put = merged.n > 0, behind = old->n_configs - at - known;
    next.n_configs = at + put + behind;
    if (next.n_configs > META_NODES_MAX)
        return ERR_INVALID;
    next.configs = arena_array(x->arena, next.n_configs, sizeof *next.configs);
    if (!next.configs)
        return -ENOMEM;
    memcpy(next.configs, old->configs, at * sizeof *next.configs);
    if (put)
        next.configs[at] =
            (struct meta_broker_configs){.node = node, .n = merged.n, .configs = merged.all};
    memcpy(next.configs + at + put, old->configs + at + known, behind * sizeof *next.configs);
    return image_set_brokers(x->draft, &next);
}

static int apply_config_set(struct apply *x, const struct meta_config_set *c)
{
    struct config_list changes = {c->n_configs, NULL};
    if (c->n_configs > META_CONFIGS_MAX)
        return ERR_INVALID;
    changes.all = arena_array(x->arena, (size_t)changes.n, sizeof *changes.all);
    if (!changes.all)
        return -ENOMEM;
    for (int32_t i = 0; i < changes.n; i++) {
        int rc = take_config(x, c->configs[i].name, c->configs[i].value, true, &changes.all[i]);
        if (rc < 0)
            return rc;
    }
    switch (c->resource_type) {
    case META_RESOURCE_TOPIC:
        return set_topic_configs(x, c, changes);
    case META_RESOURCE_BROKER:
        return set_broker_configs(x, c, changes);
    default:
        return ERR_INVALID;
    }
}

/* ---- producers and nodes */

static int apply_producer_ids(struct apply *x, const struct meta_producer_ids *c)
{
    int64_t next;
    if (c->count < 1 || c->count > META_PRODUCER_IDS_MAX ||
        __builtin_add_overflow(x->draft->next_producer_id, c->count, &next))
        return ERR_INVALID;
    x->res->producer_ids = x->draft->next_producer_id;
    x->draft->next_producer_id = next;
    return 0;
}

static int apply_node_register(struct apply *x, const struct meta_node_register *c)
{
    const struct brokers *old = x->draft->brokers;
    if (c->node_id < 0 || c->port < 1 || c->port > UINT16_MAX ||
        !text_ok(c->host, 1, META_STRING_MAX) ||
        (c->rack.n >= 0 && !text_ok(c->rack, 0, META_STRING_MAX)))
        return ERR_INVALID;
    size_t at = 0;
    while (at < old->n_nodes && old->nodes[at].id < c->node_id)
        at++;
    size_t known = at < old->n_nodes && old->nodes[at].id == c->node_id;
    size_t behind = old->n_nodes - at - known;

    struct brokers next = brokers_like(old);
    next.n_nodes = at + 1 + behind;
    if (next.n_nodes > META_NODES_MAX)
        return ERR_INVALID;
    next.nodes = arena_array(x->arena, next.n_nodes, sizeof *next.nodes);
    const char *host = arena_strn(x->arena, c->host.p, (size_t)c->host.n);
    const char *rack = c->rack.n < 0 ? NULL : arena_strn(x->arena, c->rack.p, (size_t)c->rack.n);
    if (!next.nodes || !host || (c->rack.n >= 0 && !rack))
        return -ENOMEM;
    memcpy(next.nodes, old->nodes, at * sizeof *next.nodes);
    next.nodes[at] = (struct meta_node){c->node_id, host, c->port, rack};
    memcpy(next.nodes + at + 1, old->nodes + at + known, behind * sizeof *next.nodes);
    return image_set_brokers(x->draft, &next);
}

/* ---- all of them */

static int dispatch(struct apply *x, enum meta_command_type type, const void *msg)
{
    switch (type) {
#define META_COMMAND(name, number, schema, sentence) \
    case META_##name:                                \
        return apply_##schema(x, msg);
#include "meta/command.def"
#undef META_COMMAND
    }
    return ERR_INVALID;
}

int apply_message(struct meta_image *draft, enum meta_command_type type, const void *msg,
                  struct arena *a, struct meta_result *res)
{
    struct apply x = {draft, a, res};
    *res = (struct meta_result){0, -1};
    int rc = dispatch(&x, type, msg);
    if (rc == -ENOMEM)
        return rc;
    res->code = rc;
    return 0;
}

int meta_apply(const struct meta_image *m, uint64_t index, uint64_t term, struct span bytes,
               struct meta_image **out, struct meta_result *res, struct err *e)
{
    struct arena a;
    struct command c;
    struct meta_image *next = NULL;
    if (index < m->index)
        return err_set(e, ERR_STALE, "entry %llu is before the image's %llu",
                       (unsigned long long)index, (unsigned long long)m->index);
    arena_init(&a, COMMAND_MEMORY);
    int rc = command_decode(bytes, &a, &c, e);
    if (rc == 0) {
        next = meta_advance(m, index, term);
        rc = next ? apply_message(next, c.type, c.msg, &a, res) : -ENOMEM;
        if (rc < 0)
            err_code(e, rc, "metadata command %s", meta_command_name(c.type));
    }
    arena_free(&a);
    if (rc < 0) {
        meta_image_unref(next);
        return rc;
    }
    *out = next;
    return 0;
}
