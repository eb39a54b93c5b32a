/* Every command: what it does, what it refuses, and that the image it starts from stays as it was.
 */
#include "tests/unit/meta/kit.h"

/* The command is refused for that reason, has no effect, and the index moves all the same. */
static void refused(struct meta_image *from, enum meta_command_type type, const void *msg, int code)
{
    struct meta_image *m = meta_image_ref(from);
    struct meta_result res = kit_run(&m, type, msg);
    ck_assert_msg(res.code == code, "%s: %s instead of %s", meta_command_name(type),
                  err_name(res.code), err_name(code));
    ck_assert_int_eq(res.producer_ids, -1);
    ck_assert_uint_eq(meta_index(m), meta_index(from) + 1);
    kit_same(m, from);
    meta_image_unref(m);
}

static const struct meta_topic *topic(const struct meta_image *m, const char *name)
{
    const struct meta_topic *t = meta_topic_by_name(m, span_str(name));
    ck_assert_msg(t != NULL, "no topic %s", name);
    return t;
}

/* Text of n bytes. */
static struct kp_str long_text(int32_t n)
{
    static char text[META_STRING_MAX + 1];
    memset(text, 'x', sizeof text);
    return kp_strn(text, (size_t)n);
}

START_TEST(create_makes_a_topic)
{
    struct meta_image *m = kit_new();
    kit_create(&m, "orders", 7);
    const struct meta_topic *t = topic(m, "orders");
    struct uuid id = kit_id(7);
    ck_assert_ptr_eq(meta_topic_by_id(m, &id), t);
    ck_assert(uuid_eq(&t->id, &id));
    ck_assert_str_eq(t->name, "orders");
    ck_assert_int_eq(t->created_ms, KIT_CREATED);
    ck_assert_int_eq(t->n_partitions, KIT_PARTITIONS);
    for (int32_t i = 0; i < KIT_PARTITIONS; i++) {
        const struct meta_partition *p = &t->partitions[i];
        ck_assert_uint_eq(p->shard, (uint32_t)i + 1);
        ck_assert_int_eq(p->leader, i);
        ck_assert_int_eq(p->n_replicas, KIT_REPLICAS);
        for (int32_t j = 0; j < KIT_REPLICAS; j++)
            ck_assert_int_eq(p->replicas[j], i + j);
    }
    ck_assert_int_eq(t->n_configs, 2);
    ck_assert_str_eq(t->configs[0].name, "cleanup.policy");
    ck_assert_str_eq(t->configs[1].name, "retention.ms");
    ck_assert_str_eq(meta_config_get(t, "retention.ms"), "1000");
    ck_assert_ptr_null(meta_config_get(t, "retention"));
    ck_assert_uint_eq(meta_index(m), 1);
    ck_assert_uint_eq(meta_term(m), KIT_TERM);
    meta_image_unref(m);
}
END_TEST

/* A TOPIC_CREATE with one thing wrong. */
#define REFUSE_CREATE(code, ...)                     \
    do {                                             \
        struct kit_topic t;                          \
        kit_topic(&t, "new", 100);                   \
        __VA_ARGS__;                                 \
        refused(m, META_TOPIC_CREATE, &t.msg, code); \
    } while (0)

START_TEST(create_refusals)
{
    struct meta_image *m = kit_full();
    REFUSE_CREATE(ERR_EXISTS, t.msg.name = kp_str("orders"));
    REFUSE_CREATE(ERR_EXISTS, t.msg.topic_id = kit_id(2));
    REFUSE_CREATE(ERR_INVALID, t.msg.name = kp_str(""));
    REFUSE_CREATE(ERR_INVALID, t.msg.name = kp_strn("a\0b", 3));
    REFUSE_CREATE(ERR_INVALID, t.msg.name = long_text(META_NAME_MAX + 1));
    REFUSE_CREATE(ERR_INVALID, memset(&t.msg.topic_id, 0, sizeof t.msg.topic_id));
    REFUSE_CREATE(ERR_INVALID, t.msg.n_partitions = 0);
    REFUSE_CREATE(ERR_INVALID, t.parts[0].partition = 1);
    REFUSE_CREATE(ERR_INVALID, t.parts[2].partition = 3);
    REFUSE_CREATE(ERR_INVALID, t.parts[1].partition = 0);
    REFUSE_CREATE(ERR_INVALID, t.parts[1].shard = 0);
    REFUSE_CREATE(ERR_INVALID, t.parts[1].n_replicas = 0);
    REFUSE_CREATE(ERR_INVALID, t.parts[1].leader = 9);
    REFUSE_CREATE(ERR_INVALID, t.parts[1].leader = -2);
    REFUSE_CREATE(ERR_INVALID, t.replicas[1][2] = t.replicas[1][0]);
    REFUSE_CREATE(ERR_INVALID, t.replicas[1][2] = -1);
    REFUSE_CREATE(ERR_INVALID, t.configs[1].name = t.configs[0].name);
    REFUSE_CREATE(ERR_INVALID, t.configs[1].name = kp_str(""));
    REFUSE_CREATE(ERR_INVALID, t.configs[1].name = kp_strn("\0", 1));
    REFUSE_CREATE(ERR_INVALID, t.configs[1].value = kp_strn("\0", 1));
    meta_image_unref(m);
}
END_TEST

START_TEST(create_takes_what_is_at_the_limits)
{
    struct meta_image *m = kit_new();
    struct kit_topic t;
    kit_topic(&t, "new", 1);
    t.msg.name = long_text(META_NAME_MAX);
    t.parts[1].leader = -1;
    t.configs[0].value = kp_str("");
    t.configs[1].value = long_text(META_STRING_MAX);
    ck_assert_int_eq(kit_run(&m, META_TOPIC_CREATE, &t.msg).code, 0);
    ck_assert_int_eq(meta_topic_next(m, NULL)->partitions[1].leader, -1);
    meta_image_unref(m);
}
END_TEST

START_TEST(create_bounds_replicas)
{
    struct meta_image *m = kit_new();
    struct kit_topic t;
    int32_t ids[META_REPLICAS_MAX + 1];
    for (int32_t i = 0; i <= META_REPLICAS_MAX; i++)
        ids[i] = i;
    kit_topic(&t, "new", 1);
    t.parts[1].replicas = ids;
    t.parts[1].n_replicas = META_REPLICAS_MAX + 1;
    refused(m, META_TOPIC_CREATE, &t.msg, ERR_INVALID);
    t.parts[1].n_replicas = META_REPLICAS_MAX;
    ck_assert_int_eq(kit_run(&m, META_TOPIC_CREATE, &t.msg).code, 0);
    meta_image_unref(m);
}
END_TEST

START_TEST(create_bounds_partitions)
{
    struct meta_image *m = kit_new();
    struct kit_topic t;
    struct meta_topic_create_partitions *parts = calloc(META_PARTITIONS_MAX + 1, sizeof *parts);
    kit_topic(&t, "new", 1);
    for (int32_t i = 0; i <= META_PARTITIONS_MAX; i++) {
        parts[i] = t.parts[0];
        parts[i].partition = i;
    }
    t.msg.partitions = parts;
    t.msg.n_partitions = META_PARTITIONS_MAX + 1;
    refused(m, META_TOPIC_CREATE, &t.msg, ERR_INVALID);
    t.msg.n_partitions = META_PARTITIONS_MAX;
    ck_assert_int_eq(kit_run(&m, META_TOPIC_CREATE, &t.msg).code, 0);

    /* And no more can be added to it. */
    struct meta_partitions_add_partitions more = {META_PARTITIONS_MAX, 1, 0, KIT_REPLICAS,
                                                  t.replicas[0]};
    struct meta_partitions_add add = {kit_id(1), 1, &more};
    refused(m, META_PARTITIONS_ADD, &add, ERR_INVALID);
    free(parts);
    meta_image_unref(m);
}
END_TEST

/* n settings with different names; the strings are good until the next call. */
static void many_configs(struct meta_config_set_configs *c, int32_t n)
{
    static char names[META_CONFIGS_MAX + 1][16];
    for (int32_t i = 0; i < n; i++) {
        snprintf(names[i], sizeof names[i], "k%d", i);
        c[i] = (struct meta_config_set_configs){kp_str(names[i]), kp_str("v")};
    }
}

START_TEST(settings_are_bounded)
{
    struct meta_image *m = kit_new();
    struct kit_topic t;
    struct meta_config_set_configs set[META_CONFIGS_MAX + 1];
    struct meta_topic_create_configs create[META_CONFIGS_MAX + 1];
    many_configs(set, META_CONFIGS_MAX + 1);
    for (size_t i = 0; i <= META_CONFIGS_MAX; i++)
        create[i] = (struct meta_topic_create_configs){set[i].name, set[i].value};
    kit_topic(&t, "new", 1);
    t.msg.configs = create;
    t.msg.n_configs = META_CONFIGS_MAX + 1;
    refused(m, META_TOPIC_CREATE, &t.msg, ERR_INVALID);
    t.msg.n_configs = META_CONFIGS_MAX;
    ck_assert_int_eq(kit_run(&m, META_TOPIC_CREATE, &t.msg).code, 0);

    /* One more by CONFIG_SET is refused, for topics and for brokers, in one command or in two. */
    struct meta_config_set one = {.resource_type = META_RESOURCE_TOPIC,
                                  .topic_id = kit_id(1),
                                  .n_configs = 1,
                                  .configs = &set[META_CONFIGS_MAX]};
    refused(m, META_CONFIG_SET, &one, ERR_INVALID);
    struct meta_config_set all = {
        .resource_type = META_RESOURCE_BROKER, .n_configs = META_CONFIGS_MAX + 1, .configs = set};
    refused(m, META_CONFIG_SET, &all, ERR_INVALID);
    all.n_configs = META_CONFIGS_MAX;
    ck_assert_int_eq(kit_run(&m, META_CONFIG_SET, &all).code, 0);
    one.resource_type = META_RESOURCE_BROKER;
    refused(m, META_CONFIG_SET, &one, ERR_INVALID);
    meta_image_unref(m);
}
END_TEST

START_TEST(delete_ends_a_topic)
{
    struct meta_image *m = kit_full();
    struct meta_topic_delete d = {kit_id(1)};
    ck_assert_int_eq(kit_run(&m, META_TOPIC_DELETE, &d).code, 0);
    ck_assert_ptr_null(meta_topic_by_name(m, span_str("orders")));
    ck_assert_ptr_null(meta_topic_by_id(m, &d.topic_id));
    ck_assert_uint_eq(meta_n_topics(m), 1);
    refused(m, META_TOPIC_DELETE, &d, ERR_NOTFOUND);
    /* The name is free again, for another id. */
    kit_create(&m, "orders", 3);
    meta_image_unref(m);
}
END_TEST

/* A PARTITIONS_ADD of two partitions to "orders". */
struct add {
    struct meta_partitions_add msg;
    struct meta_partitions_add_partitions parts[2];
    int32_t replicas[2];
};

static void add_init(struct add *a)
{
    *a = (struct add){.msg = {kit_id(1), 2, a->parts}, .replicas = {4, 5}};
    for (int32_t i = 0; i < 2; i++)
        a->parts[i] =
            (struct meta_partitions_add_partitions){KIT_PARTITIONS + i, 9, 4, 2, a->replicas};
}

START_TEST(add_appends_partitions)
{
    struct meta_image *m = kit_full();
    struct add a;
    add_init(&a);
    ck_assert_int_eq(kit_run(&m, META_PARTITIONS_ADD, &a.msg).code, 0);
    const struct meta_topic *t = topic(m, "orders");
    ck_assert_int_eq(t->n_partitions, KIT_PARTITIONS + 2);
    ck_assert_int_eq(t->partitions[0].replicas[1], 1);
    ck_assert_uint_eq(t->partitions[KIT_PARTITIONS + 1].shard, 9);
    ck_assert_int_eq(t->partitions[KIT_PARTITIONS + 1].replicas[1], 5);
    ck_assert_int_eq(t->n_configs, 2);
    refused(m, META_PARTITIONS_ADD, &a.msg, ERR_INVALID); /* those numbers are taken now */
    meta_image_unref(m);
}
END_TEST

#define REFUSE_ADD(code, ...)                          \
    do {                                               \
        struct add a;                                  \
        add_init(&a);                                  \
        __VA_ARGS__;                                   \
        refused(m, META_PARTITIONS_ADD, &a.msg, code); \
    } while (0)

START_TEST(add_refusals)
{
    struct meta_image *m = kit_full();
    REFUSE_ADD(ERR_NOTFOUND, a.msg.topic_id = kit_id(9));
    REFUSE_ADD(ERR_INVALID, a.msg.n_partitions = 0);
    REFUSE_ADD(ERR_INVALID, a.parts[0].partition = 0);
    REFUSE_ADD(ERR_INVALID, a.parts[1].partition = KIT_PARTITIONS + 2);
    REFUSE_ADD(ERR_INVALID, a.parts[1].shard = 0);
    REFUSE_ADD(ERR_INVALID, a.parts[1].leader = 6);
    REFUSE_ADD(ERR_INVALID, a.parts[0].n_replicas = 0);
    REFUSE_ADD(ERR_INVALID, a.replicas[1] = 4);
    meta_image_unref(m);
}
END_TEST

START_TEST(config_set_changes_a_topic)
{
    struct meta_image *m = kit_full();
    struct meta_config_set_configs c[] = {{kp_str("segment.bytes"), kp_str("5")},
                                          {kp_str("cleanup.policy"), kp_str(NULL)},
                                          {kp_str("retention.ms"), kp_str("2000")},
                                          {kp_str("not.set"), kp_str(NULL)}};
    struct meta_config_set r = {
        .resource_type = META_RESOURCE_TOPIC, .topic_id = kit_id(1), .n_configs = 4, .configs = c};
    ck_assert_int_eq(kit_run(&m, META_CONFIG_SET, &r).code, 0);
    const struct meta_topic *t = topic(m, "orders");
    ck_assert_int_eq(t->n_configs, 2);
    ck_assert_str_eq(meta_config_get(t, "retention.ms"), "2000");
    ck_assert_str_eq(meta_config_get(t, "segment.bytes"), "5");
    ck_assert_int_eq(t->n_partitions, KIT_PARTITIONS);
    ck_assert_str_eq(meta_config_get(topic(m, "events"), "retention.ms"), "1000");
    meta_image_unref(m);
}
END_TEST

START_TEST(config_set_may_depend_on_what_was_seen)
{
    struct meta_image *m = kit_full();
    struct meta_config_set_configs c = {kp_str("cleanup.policy"), kp_str("compact")};
    struct meta_config_set_seen seen[] = {{kp_str("cleanup.policy"), kp_str("delete")},
                                          {kp_str("retention.ms"), kp_str("1000")}};
    struct meta_config_set r = {.resource_type = META_RESOURCE_TOPIC,
                                .topic_id = kit_id(1),
                                .n_configs = 1,
                                .configs = &c,
                                .checked = true,
                                .n_seen = 2,
                                .seen = seen};
    r.n_seen = 1;
    refused(m, META_CONFIG_SET, &r, ERR_STALE);
    r.n_seen = 0;
    refused(m, META_CONFIG_SET, &r, ERR_STALE);
    r.n_seen = 2;
    seen[1].value = kp_str("1001");
    refused(m, META_CONFIG_SET, &r, ERR_STALE);
    seen[1] = (struct meta_config_set_seen){kp_str("retention.m"), kp_str("1000")};
    refused(m, META_CONFIG_SET, &r, ERR_STALE);
    seen[1] = (struct meta_config_set_seen){kp_str("retention.ms"), kp_str("1000")};
    ck_assert_int_eq(kit_run(&m, META_CONFIG_SET, &r).code, 0);
    ck_assert_str_eq(meta_config_get(topic(m, "orders"), "cleanup.policy"), "compact");
    refused(m, META_CONFIG_SET, &r, ERR_STALE); /* the second of two who saw the same */

    r.resource_type = META_RESOURCE_BROKER;
    r.node_id = 2;
    refused(m, META_CONFIG_SET, &r, ERR_STALE);
    seen[0] = (struct meta_config_set_seen){kp_str("log.retention.ms"), kp_str("5")};
    r.n_seen = 1;
    ck_assert_int_eq(kit_run(&m, META_CONFIG_SET, &r).code, 0);
    r.node_id = 3; /* has none */
    refused(m, META_CONFIG_SET, &r, ERR_STALE);
    r.n_seen = 0;
    ck_assert_int_eq(kit_run(&m, META_CONFIG_SET, &r).code, 0);
    meta_image_unref(m);
}
END_TEST

START_TEST(config_set_changes_brokers)
{
    struct meta_image *m = kit_full();
    size_t n;
    const struct meta_config *c = meta_broker_configs(m, -1, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(c[0].value, "77");
    kit_broker_config(&m, -1, "message.max.bytes", "78");
    kit_broker_config(&m, 2, "a", "b");
    c = meta_broker_configs(m, -1, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(c[0].value, "78");
    c = meta_broker_configs(m, 2, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(c[0].name, "a");
    ck_assert_str_eq(c[1].name, "log.retention.ms");
    kit_broker_config(&m, -1, "message.max.bytes", NULL);
    meta_broker_configs(m, -1, &n);
    ck_assert_uint_eq(n, 0);
    meta_broker_configs(m, 1, &n);
    ck_assert_uint_eq(n, 0);
    meta_image_unref(m);
}
END_TEST

#define REFUSE_SET(code, ...)                                               \
    do {                                                                    \
        struct meta_config_set_configs c[] = {{kp_str("a"), kp_str("1")},   \
                                              {kp_str("b"), kp_str(NULL)}}; \
        struct meta_config_set r = {.resource_type = META_RESOURCE_TOPIC,   \
                                    .topic_id = kit_id(1),                  \
                                    .n_configs = 2,                         \
                                    .configs = c};                          \
        __VA_ARGS__;                                                        \
        refused(m, META_CONFIG_SET, &r, code);                              \
    } while (0)

START_TEST(config_set_refusals)
{
    struct meta_image *m = kit_full();
    REFUSE_SET(ERR_NOTFOUND, r.topic_id = kit_id(9));
    REFUSE_SET(ERR_INVALID, r.resource_type = 0);
    REFUSE_SET(ERR_INVALID, r.resource_type = 3);
    REFUSE_SET(ERR_INVALID, (r.resource_type = META_RESOURCE_BROKER, r.node_id = -2));
    REFUSE_SET(ERR_INVALID, c[1].name = c[0].name);
    REFUSE_SET(ERR_INVALID, c[1].name = kp_str(""));
    REFUSE_SET(ERR_INVALID, c[0].value = kp_strn("1\0", 2));
    meta_image_unref(m);
}
END_TEST

START_TEST(nodes_with_settings_are_bounded)
{
    struct meta_image *m = kit_new();
    for (int32_t i = 0; i < META_NODES_MAX; i++)
        kit_broker_config(&m, i, "a", "b");
    struct meta_config_set_configs c = {kp_str("a"), kp_str("b")};
    struct meta_config_set r = {.resource_type = META_RESOURCE_BROKER,
                                .node_id = META_NODES_MAX,
                                .n_configs = 1,
                                .configs = &c};
    refused(m, META_CONFIG_SET, &r, ERR_INVALID);
    meta_image_unref(m);
}
END_TEST

START_TEST(producer_ids_are_handed_out_once)
{
    struct meta_image *m = kit_new();
    struct meta_producer_ids r = {1, 1000};
    struct meta_result res = kit_run(&m, META_PRODUCER_IDS, &r);
    ck_assert_int_eq(res.code, 0);
    ck_assert_int_eq(res.producer_ids, 0);
    r.count = META_PRODUCER_IDS_MAX;
    ck_assert_int_eq(kit_run(&m, META_PRODUCER_IDS, &r).producer_ids, 1000);
    ck_assert_int_eq(meta_next_producer_id(m), 1000 + META_PRODUCER_IDS_MAX);
    r.count = 0;
    refused(m, META_PRODUCER_IDS, &r, ERR_INVALID);
    r.count = -1;
    refused(m, META_PRODUCER_IDS, &r, ERR_INVALID);
    r.count = META_PRODUCER_IDS_MAX + 1;
    refused(m, META_PRODUCER_IDS, &r, ERR_INVALID);
    meta_image_unref(m);
}
END_TEST

START_TEST(nodes_register_and_change)
{
    struct meta_image *m = kit_full();
    size_t n;
    const struct meta_node *nodes = meta_nodes(m, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(nodes[0].id, 1);
    ck_assert_str_eq(nodes[0].host, "a.example");
    ck_assert_str_eq(nodes[0].rack, "r1");
    ck_assert_int_eq(nodes[0].port, 9092);
    ck_assert_int_eq(nodes[1].id, 2);
    ck_assert_ptr_null(nodes[1].rack);
    kit_node(&m, 1, "c.example", NULL);
    nodes = meta_nodes(m, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(nodes[0].host, "c.example");
    ck_assert_ptr_null(nodes[0].rack);
    ck_assert_str_eq(nodes[1].host, "b.example");
    meta_broker_configs(m, 2, &n);
    ck_assert_uint_eq(n, 1); /* settings are left alone */
    meta_image_unref(m);
}
END_TEST

#define REFUSE_NODE(...)                                                   \
    do {                                                                   \
        struct meta_node_register r = {1, kp_str("h"), 9092, kp_str("r")}; \
        __VA_ARGS__;                                                       \
        refused(m, META_NODE_REGISTER, &r, ERR_INVALID);                   \
    } while (0)

START_TEST(node_refusals)
{
    struct meta_image *m = kit_new();
    REFUSE_NODE(r.node_id = -1);
    REFUSE_NODE(r.host = kp_str(""));
    REFUSE_NODE(r.host = kp_strn("a\0", 2));
    REFUSE_NODE(r.rack = kp_strn("a\0", 2));
    REFUSE_NODE(r.port = 0);
    REFUSE_NODE(r.port = 65536);
    for (int32_t i = 0; i < META_NODES_MAX; i++)
        kit_node(&m, i, "h", NULL);
    REFUSE_NODE(r.node_id = META_NODES_MAX);
    meta_image_unref(m);
}
END_TEST

/* Each kind of command, on an image that somebody else still looks at. */
START_TEST(the_image_before_stays)
{
    struct meta_image *before = kit_full(), *m = meta_image_ref(before);
    char *text = kit_text(before);
    const struct meta_topic *events = topic(before, "events");
    struct meta_topic_delete d = {kit_id(1)};
    struct meta_producer_ids ids = {1, 5};
    struct add a;
    add_init(&a);
    ck_assert_int_eq(kit_run(&m, META_PARTITIONS_ADD, &a.msg).code, 0);
    ck_assert_int_eq(kit_run(&m, META_PRODUCER_IDS, &ids).code, 0);
    kit_create(&m, "another", 50);
    kit_node(&m, 1, "else.example", NULL);
    kit_broker_config(&m, 2, "log.retention.ms", NULL);
    ck_assert_int_eq(kit_run(&m, META_TOPIC_DELETE, &d).code, 0);
    char *after = kit_text(before);
    ck_assert_str_eq(after, text);
    ck_assert_uint_eq(meta_index(before) + 6, meta_index(m));
    /* What no command touched is the very same memory. */
    ck_assert_ptr_eq(topic(m, "events"), events);
    meta_image_unref(before);
    ck_assert_ptr_eq(topic(m, "events"), events);
    ck_assert_str_eq(meta_config_get(events, "retention.ms"), "1000");
    meta_image_unref(m);
    free(text);
    free(after);
}
END_TEST

START_TEST(entries_without_a_command_move_the_index)
{
    struct meta_image *m = kit_full(), *next = meta_advance(m, 70, 9);
    ck_assert_uint_eq(meta_index(next), 70);
    ck_assert_uint_eq(meta_term(next), 9);
    kit_same(m, next);
    meta_image_unref(m);
    meta_image_unref(next);
}
END_TEST

START_TEST(a_change_replaces_the_servers)
{
    struct meta_image *m = kit_full(), *next;
    struct meta_server sole = {7, META_VOTER};
    size_t n;
    next = meta_change(m, 70, 9, &sole, 1);
    ck_assert_uint_eq(meta_index(next), 70);
    ck_assert_uint_eq(meta_term(next), 9);
    const struct meta_server *s = meta_servers(next, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(s[0].id, 7);
    ck_assert_uint_eq(s[0].role, META_VOTER);
    meta_servers(m, &n);
    ck_assert_uint_eq(n, 4);
    meta_nodes(next, &n);
    ck_assert_uint_eq(n, 2);
    meta_image_unref(m);
    meta_image_unref(next);
}
END_TEST

START_TEST(an_entry_may_hold_several_commands)
{
    struct meta_image *m = kit_full(), *one = NULL, *two = NULL;
    struct meta_topic_delete d = {kit_id(1)};
    struct meta_result res;
    struct wr w;
    wr_init(&w, 0);
    meta_command_encode(META_TOPIC_DELETE, &d, &w);
    struct span bytes = span_of(w.buf, w.len);
    ck_assert_ok(meta_apply(m, 70, KIT_TERM, bytes, &one, &res, NULL));
    ck_assert_int_eq(res.code, 0);
    ck_assert_ok(meta_apply(one, 70, KIT_TERM, bytes, &two, &res, NULL));
    ck_assert_int_eq(res.code, ERR_NOTFOUND);
    ck_assert_uint_eq(meta_index(two), 70);
    wr_free(&w);
    meta_image_unref(m);
    meta_image_unref(one);
    meta_image_unref(two);
}
END_TEST

START_TEST(an_entry_before_the_image_is_refused)
{
    struct meta_image *m = kit_full(), *out;
    struct meta_topic_delete d = {kit_id(1)};
    struct meta_result res;
    struct err e;
    struct wr w;
    wr_init(&w, 0);
    meta_command_encode(META_TOPIC_DELETE, &d, &w);
    ck_assert_int_eq(
        meta_apply(m, meta_index(m) - 1, KIT_TERM, span_of(w.buf, w.len), &out, &res, &e),
        ERR_STALE);
    wr_free(&w);
    meta_image_unref(m);
}
END_TEST

UNIT_MAIN(create_makes_a_topic, create_refusals, create_takes_what_is_at_the_limits,
          create_bounds_replicas, create_bounds_partitions, settings_are_bounded,
          delete_ends_a_topic, add_appends_partitions, add_refusals, config_set_changes_a_topic,
          config_set_may_depend_on_what_was_seen, config_set_changes_brokers, config_set_refusals,
          nodes_with_settings_are_bounded, producer_ids_are_handed_out_once,
          nodes_register_and_change, node_refusals, the_image_before_stays,
          entries_without_a_command_move_the_index, a_change_replaces_the_servers,
          an_entry_may_hold_several_commands, an_entry_before_the_image_is_refused)
