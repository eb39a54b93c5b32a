/* The image as chronik-meta prints it; field names are frozen. */
#include <inttypes.h>

#include "meta/image.h"

static void set_uuid(struct json *obj, const char *key, const struct uuid *u)
{
    char text[UUID_TEXT];
    uuid_text(u, text);
    json_set_str(obj, key, text);
}

static void set_u64(struct json *obj, const char *key, uint64_t v)
{
    json_set_int(obj, key, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

static struct json *configs_json(const struct meta_config *configs, size_t n)
{
    struct json *obj = json_new_object();
    for (size_t i = 0; i < n; i++)
        json_set_str(obj, configs[i].name, configs[i].value);
    return obj;
}

static struct json *partition_json(int32_t number, const struct meta_partition *p)
{
    struct json *obj = json_new_object(), *replicas = json_new_array();
    for (int32_t i = 0; i < p->n_replicas; i++)
        json_push(replicas, json_new_int(p->replicas[i]));
    json_set_int(obj, "partition", number);
    json_set_int(obj, "shard", p->shard);
    json_set_int(obj, "leader", p->leader);
    json_set(obj, "replicas", replicas);
    return obj;
}

struct json *meta_topic_json(const struct meta_topic *t)
{
    struct json *obj = json_new_object(), *parts = json_new_array();
    for (int32_t i = 0; i < t->n_partitions; i++)
        json_push(parts, partition_json(i, &t->partitions[i]));
    json_set_str(obj, "name", t->name);
    set_uuid(obj, "id", &t->id);
    json_set_int(obj, "created_ms", t->created_ms);
    json_set(obj, "partitions", parts);
    json_set(obj, "configs", configs_json(t->configs, (size_t)t->n_configs));
    return obj;
}

static struct json *node_json(const struct meta_node *n)
{
    struct json *obj = json_new_object();
    json_set_int(obj, "node_id", n->id);
    json_set_str(obj, "host", n->host);
    json_set_int(obj, "port", n->port);
    json_set_str(obj, "rack", n->rack);
    return obj;
}

static struct json *broker_configs_json(const struct meta_broker_configs *c)
{
    struct json *obj = json_new_object();
    json_set_int(obj, "node_id", c->node);
    json_set(obj, "configs", configs_json(c->configs, (size_t)c->n));
    return obj;
}

static struct json *servers_json(const struct meta_image *m, enum meta_role role)
{
    struct json *ids = json_new_array();
    for (size_t i = 0; i < m->brokers->n_servers; i++) {
        if (m->brokers->servers[i].role == role)
            json_push(ids, json_new_int((int64_t)m->brokers->servers[i].id));
    }
    return ids;
}

static struct json *head_json(const struct meta_image *m)
{
    struct json *obj = json_new_object();
    set_uuid(obj, "cluster_id", &m->cluster_id);
    set_u64(obj, "index", m->index);
    set_u64(obj, "term", m->term);
    json_set(obj, "voters", servers_json(m, META_VOTER));
    json_set(obj, "standbys", servers_json(m, META_STANDBY));
    json_set(obj, "spares", servers_json(m, META_SPARE));
    json_set_int(obj, "next_producer_id", m->next_producer_id);
    return obj;
}

struct json *meta_image_json(const struct meta_image *m)
{
    struct json *obj = head_json(m), *nodes = json_new_array(), *sets = json_new_array(),
                *topics = json_new_array();
    for (size_t i = 0; i < m->brokers->n_nodes; i++)
        json_push(nodes, node_json(&m->brokers->nodes[i]));
    for (size_t i = 0; i < m->brokers->n_configs; i++)
        json_push(sets, broker_configs_json(&m->brokers->configs[i]));
    for (const struct meta_topic *t = meta_topic_next(m, NULL); t; t = meta_topic_next(m, t))
        json_push(topics, meta_topic_json(t));
    json_set(obj, "brokers", nodes);
    json_set(obj, "broker_configs", sets);
    json_set(obj, "topics", topics);
    return obj;
}
