/* The image: a handful of counted parts. A new image shares every part that its command leaves
 * alone. */
#include "meta/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "meta/pack.h"

/* ---- what is known of nodes */

static void lay_out(struct pack *k, const struct brokers *like, struct brokers *out)
{
    struct meta_server *servers = pack_copy(k, like->servers, like->n_servers * sizeof *servers);
    struct meta_node *nodes = pack_copy(k, like->nodes, like->n_nodes * sizeof *nodes);
    struct meta_broker_configs *sets = pack_copy(k, like->configs, like->n_configs * sizeof *sets);
    for (size_t i = 0; i < like->n_configs; i++) {
        const struct meta_broker_configs *c = &like->configs[i];
        struct meta_config *copy = pack_copy(k, c->configs, (size_t)c->n * sizeof *copy);
        struct meta_overrides parsed = {0};
        if (sets)
            meta_overrides_parse(c->configs, (size_t)c->n, META_NAMES_SERVER, &parsed);
        const struct meta_overrides *own = pack_copy(k, &parsed, sizeof parsed);
        if (sets) {
            sets[i].configs = copy;
            sets[i].own = own;
        }
    }
    for (size_t i = 0; i < like->n_configs; i++) {
        const struct meta_broker_configs *c = &like->configs[i];
        for (int32_t j = 0; j < c->n; j++) {
            struct meta_config copy = {pack_str(k, c->configs[j].name),
                                       pack_str(k, c->configs[j].value)};
            if (sets)
                ((struct meta_config *)sets[i].configs)[j] = copy;
        }
    }
    for (size_t i = 0; i < like->n_nodes; i++) {
        const char *host = pack_str(k, like->nodes[i].host),
                   *rack = pack_str(k, like->nodes[i].rack);
        if (nodes) {
            nodes[i].host = host;
            nodes[i].rack = rack;
        }
    }
    out->n_servers = like->n_servers;
    out->servers = servers;
    out->n_nodes = like->n_nodes;
    out->nodes = nodes;
    out->n_configs = like->n_configs;
    out->configs = sets;
}

static struct brokers *brokers_new(const struct brokers *like)
{
    struct brokers measured;
    struct pack k = {NULL, 0};
    lay_out(&k, like, &measured);
    struct brokers *b = malloc(sizeof *b + k.used);
    if (!b)
        return NULL;
    atomic_init(&b->refs, 1);
    k = (struct pack){(uint8_t *)(b + 1), 0};
    lay_out(&k, like, b);
    return b;
}

static struct brokers *brokers_ref(struct brokers *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

static void brokers_unref(struct brokers *b)
{
    if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
        free(b);
}

/* ---- images */

static void image_release(struct meta_image *m)
{
    topics_unref(m->by_name);
    topics_unref(m->by_id);
    brokers_unref(m->brokers);
    free(m);
}

struct meta_image *meta_image_new(const struct uuid *cluster_id)
{
    static const struct brokers none;
    struct meta_image *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    atomic_init(&m->refs, 1);
    m->cluster_id = *cluster_id;
    m->by_name = topics_new(TOPICS_BY_NAME);
    m->by_id = topics_new(TOPICS_BY_ID);
    m->brokers = brokers_new(&none);
    if (m->by_name && m->by_id && m->brokers)
        return m;
    image_release(m);
    return NULL;
}

struct meta_image *meta_image_ref(struct meta_image *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void meta_image_unref(struct meta_image *m)
{
    if (m && atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) == 1)
        image_release(m);
}

struct meta_image *image_draft(const struct meta_image *m)
{
    struct meta_image *draft = malloc(sizeof *draft);
    if (!draft)
        return NULL;
    atomic_init(&draft->refs, 1);
    draft->cluster_id = m->cluster_id;
    draft->index = m->index;
    draft->term = m->term;
    draft->next_producer_id = m->next_producer_id;
    draft->by_name = topics_ref(m->by_name);
    draft->by_id = topics_ref(m->by_id);
    draft->brokers = brokers_ref(m->brokers);
    return draft;
}

struct meta_image *meta_advance(const struct meta_image *m, uint64_t index, uint64_t term)
{
    struct meta_image *next = image_draft(m);
    if (next) {
        next->index = index;
        next->term = term;
    }
    return next;
}

struct meta_image *meta_change(const struct meta_image *m, uint64_t index, uint64_t term,
                               const struct meta_server *servers, size_t n)
{
    struct meta_image *next = meta_advance(m, index, term);
    if (next && image_set_servers(next, servers, n) < 0) {
        meta_image_unref(next);
        return NULL;
    }
    return next;
}

static struct span name_key(const struct topic *t)
{
    return span_str(t->t.name);
}

static struct span id_key(const struct topic *t)
{
    return span_of(&t->t.id, sizeof t->t.id);
}

/* Take over a changed pair of sets; either may be NULL: out of memory. */
static int set_topics(struct meta_image *draft, struct topics *by_name, struct topics *by_id)
{
    if (!by_name || !by_id) {
        topics_unref(by_name);
        topics_unref(by_id);
        return -ENOMEM;
    }
    topics_unref(draft->by_name);
    topics_unref(draft->by_id);
    draft->by_name = by_name;
    draft->by_id = by_id;
    return 0;
}

int image_put_topic(struct meta_image *draft, struct topic *t)
{
    return set_topics(draft, topics_with(draft->by_name, t), topics_with(draft->by_id, t));
}

int image_drop_topic(struct meta_image *draft, const struct topic *t)
{
    return set_topics(draft, topics_without(draft->by_name, name_key(t)),
                      topics_without(draft->by_id, id_key(t)));
}

int image_set_brokers(struct meta_image *draft, const struct brokers *like)
{
    struct brokers *b = brokers_new(like);
    if (!b)
        return -ENOMEM;
    brokers_unref(draft->brokers);
    draft->brokers = b;
    return 0;
}

int image_set_servers(struct meta_image *draft, const struct meta_server *servers, size_t n)
{
    struct brokers like = brokers_like(draft->brokers);
    like.n_servers = n;
    like.servers = (struct meta_server *)servers;
    return image_set_brokers(draft, &like);
}

/* ---- reading */

const struct uuid *meta_cluster_id(const struct meta_image *m)
{
    return &m->cluster_id;
}

uint64_t meta_index(const struct meta_image *m)
{
    return m->index;
}

uint64_t meta_term(const struct meta_image *m)
{
    return m->term;
}

int64_t meta_next_producer_id(const struct meta_image *m)
{
    return m->next_producer_id;
}

/* NULL for NULL. */
static const struct meta_topic *public_topic(const struct topic *t)
{
    return t ? &t->t : NULL;
}

const struct meta_topic *meta_topic_by_name(const struct meta_image *m, struct span name)
{
    return public_topic(topics_get(m->by_name, name));
}

const struct meta_topic *meta_topic_by_id(const struct meta_image *m, const struct uuid *id)
{
    return public_topic(topics_get(m->by_id, span_of(id, sizeof *id)));
}

size_t meta_n_topics(const struct meta_image *m)
{
    return topics_len(m->by_name);
}

const struct meta_topic *meta_topic_next(const struct meta_image *m, const struct meta_topic *after)
{
    return public_topic(topics_next(m->by_name, span_str(after ? after->name : NULL)));
}

struct diff {
    int (*each)(void *ctx, const struct meta_topic *was, const struct meta_topic *is);
    void *ctx;
};

static int differs(void *ctx, struct topic *was, struct topic *is)
{
    const struct diff *d = ctx;
    return d->each(d->ctx, public_topic(was), public_topic(is));
}

int meta_topics_diff(const struct meta_image *from, const struct meta_image *to,
                     int (*each)(void *ctx, const struct meta_topic *was,
                                 const struct meta_topic *is),
                     void *ctx)
{
    struct diff d = {each, ctx};
    return topics_diff(from->by_name, to->by_name, differs, &d);
}

const struct meta_node *meta_nodes(const struct meta_image *m, size_t *n)
{
    *n = m->brokers->n_nodes;
    return m->brokers->nodes;
}

const struct meta_server *meta_servers(const struct meta_image *m, size_t *n)
{
    *n = m->brokers->n_servers;
    return m->brokers->servers;
}

const char *meta_config_get(const struct meta_topic *t, const char *name)
{
    for (int32_t i = 0; i < t->n_configs; i++) {
        if (strcmp(t->configs[i].name, name) == 0)
            return t->configs[i].value;
    }
    return NULL;
}

const struct meta_broker_configs *meta_all_broker_configs(const struct meta_image *m, size_t *n)
{
    *n = m->brokers->n_configs;
    return m->brokers->configs;
}

const struct meta_config *meta_broker_configs(const struct meta_image *m, int32_t node, size_t *n)
{
    for (size_t i = 0; i < m->brokers->n_configs; i++) {
        const struct meta_broker_configs *c = &m->brokers->configs[i];
        if (c->node == node) {
            *n = (size_t)c->n;
            return c->configs;
        }
    }
    *n = 0;
    return NULL;
}
