/* kit.h - images for tests, made by commands as any image is. */
#ifndef TESTS_META_KIT_H
#define TESTS_META_KIT_H

#include <stdio.h>
#include <stdlib.h>

#include "meta/meta.h"
#include "tests/unit/unit.h"

enum { KIT_TERM = 3, KIT_CREATED = 1700000000 };

static inline struct uuid kit_id(uint32_t n)
{
    struct uuid u = {{0xc1, 0x05}};
    put_be32(u.b + 12, n);
    return u;
}

static inline struct meta_image *kit_new(void)
{
    struct uuid cluster = kit_id(0xffffffff);
    struct meta_image *m = meta_image_new(&cluster);
    ck_assert_ptr_nonnull(m);
    return m;
}

/* Apply encoded bytes as the next entry: *m becomes the new image. The result's code. */
static inline struct meta_result kit_apply(struct meta_image **m, struct span command)
{
    struct meta_image *next = NULL;
    struct meta_result res;
    struct err e = {0, ""};
    int rc = meta_apply(*m, meta_index(*m) + 1, KIT_TERM, command, &next, &res, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    meta_image_unref(*m);
    *m = next;
    return res;
}

static inline struct meta_result kit_run(struct meta_image **m, enum meta_command_type type,
                                         const void *msg)
{
    struct wr w;
    wr_init(&w, 0);
    meta_command_encode(type, msg, &w);
    ck_assert_ok(w.err);
    struct meta_result res = kit_apply(m, span_of(w.buf, w.len));
    wr_free(&w);
    return res;
}

/* A TOPIC_CREATE to be changed and run: two settings and KIT_PARTITIONS partitions, the i-th on
 * shard i + 1 with replicas i, i + 1, i + 2 and leader i. */
enum { KIT_PARTITIONS = 3, KIT_REPLICAS = 3 };
struct kit_topic {
    struct meta_topic_create msg;
    struct meta_topic_create_partitions parts[KIT_PARTITIONS];
    int32_t replicas[KIT_PARTITIONS][KIT_REPLICAS];
    struct meta_topic_create_configs configs[2];
};

static inline void kit_topic(struct kit_topic *t, const char *name, uint32_t id)
{
    *t = (struct kit_topic){
        .msg = {kp_str(name), kit_id(id), KIT_CREATED, KIT_PARTITIONS, t->parts, 2, t->configs}};
    for (int32_t i = 0; i < KIT_PARTITIONS; i++) {
        for (int32_t j = 0; j < KIT_REPLICAS; j++)
            t->replicas[i][j] = i + j;
        t->parts[i] = (struct meta_topic_create_partitions){i, (uint32_t)i + 1, i, KIT_REPLICAS,
                                                            t->replicas[i]};
    }
    t->configs[0] = (struct meta_topic_create_configs){kp_str("retention.ms"), kp_str("1000")};
    t->configs[1] = (struct meta_topic_create_configs){kp_str("cleanup.policy"), kp_str("delete")};
}

static inline void kit_create(struct meta_image **m, const char *name, uint32_t id)
{
    struct kit_topic t;
    kit_topic(&t, name, id);
    ck_assert_int_eq(kit_run(m, META_TOPIC_CREATE, &t.msg).code, 0);
}

static inline void kit_node(struct meta_image **m, int32_t id, const char *host, const char *rack)
{
    struct meta_node_register r = {id, kp_str(host), 9092, kp_str(rack)};
    ck_assert_int_eq(kit_run(m, META_NODE_REGISTER, &r).code, 0);
}

/* Set or (value NULL) remove a broker's setting. */
static inline void kit_broker_config(struct meta_image **m, int32_t node, const char *name,
                                     const char *value)
{
    struct meta_config_set_configs c = {kp_str(name), kp_str(value)};
    struct meta_config_set r = {
        .resource_type = META_RESOURCE_BROKER, .node_id = node, .n_configs = 1, .configs = &c};
    ck_assert_int_eq(kit_run(m, META_CONFIG_SET, &r).code, 0);
}

static inline void kit_servers(struct meta_image **m)
{
    static const struct meta_server servers[] = {
        {3, META_VOTER}, {1, META_VOTER}, {2, META_STANDBY}, {9, META_SPARE}};
    struct meta_image *next = meta_change(*m, meta_index(*m) + 1, KIT_TERM, servers, 4);
    ck_assert_ptr_nonnull(next);
    meta_image_unref(*m);
    *m = next;
}

/* An image with some of everything. */
static inline struct meta_image *kit_full(void)
{
    struct meta_image *m = kit_new();
    struct meta_producer_ids ids = {1, 1000};
    kit_servers(&m);
    kit_node(&m, 2, "b.example", NULL);
    kit_node(&m, 1, "a.example", "r1");
    kit_broker_config(&m, 2, "log.retention.ms", "5");
    kit_broker_config(&m, -1, "message.max.bytes", "77");
    kit_create(&m, "orders", 1);
    kit_create(&m, "events", 2);
    ck_assert_int_eq(kit_run(&m, META_PRODUCER_IDS, &ids).code, 0);
    return m;
}

/* All an image says but its index and term: the same text, the same content. malloc'ed. */
static inline char *kit_text(const struct meta_image *m)
{
    struct json *j = meta_image_json(m);
    json_set_int(j, "index", 0);
    json_set_int(j, "term", 0);
    char *text = json_text(j, 0);
    ck_assert_ptr_nonnull(text);
    json_free(j);
    return text;
}

static inline void kit_same(const struct meta_image *a, const struct meta_image *b)
{
    char *x = kit_text(a), *y = kit_text(b);
    ck_assert_str_eq(x, y);
    free(x);
    free(y);
}

#endif
