/* The catalogue at size: lookups, order, sharing and the bound on topics. */
#include "meta/image.h"
#include "tests/unit/meta/kit.h"

enum { MANY = 10000 };

static void name_of(char name[24], int i)
{
    snprintf(name, 24, "topic-%d", i);
}

/* Nothing here judges the time; a change that copied the catalogue would make this test one that is
 * noticed. */
START_TEST(ten_thousand_topics)
{
    struct meta_image *m = kit_new(), *half = NULL;
    char name[24];
    for (int i = 0; i < MANY; i++) {
        if (i == MANY / 2)
            half = meta_image_ref(m);
        name_of(name, i);
        kit_create(&m, name, (uint32_t)i + 1);
    }
    ck_assert_uint_eq(meta_n_topics(m), MANY);
    ck_assert_uint_eq(meta_n_topics(half), MANY / 2);
    for (int i = 0; i < MANY; i++) {
        name_of(name, i);
        const struct meta_topic *t = meta_topic_by_name(m, span_str(name));
        struct uuid id = kit_id((uint32_t)i + 1);
        ck_assert_str_eq(t->name, name);
        ck_assert_ptr_eq(meta_topic_by_id(m, &id), t);
        ck_assert_ptr_eq(meta_topic_by_name(half, span_str(name)), i < MANY / 2 ? t : NULL);
    }
    size_t n = 0;
    const char *last = "";
    for (const struct meta_topic *t = meta_topic_next(m, NULL); t; t = meta_topic_next(m, t)) {
        ck_assert_int_lt(strcmp(last, t->name), 0);
        last = t->name;
        n++;
    }
    ck_assert_uint_eq(n, MANY);
    for (int i = 0; i < MANY; i += 2) {
        struct meta_topic_delete d = {kit_id((uint32_t)i + 1)};
        ck_assert_int_eq(kit_run(&m, META_TOPIC_DELETE, &d).code, 0);
    }
    ck_assert_uint_eq(meta_n_topics(m), MANY / 2);
    meta_image_unref(half);
    meta_image_unref(m);
}
END_TEST

START_TEST(names_are_not_prefixes)
{
    struct meta_image *m = kit_new();
    kit_create(&m, "orders", 1);
    ck_assert_ptr_null(meta_topic_by_name(m, span_str("order")));
    ck_assert_ptr_null(meta_topic_by_name(m, span_str("orders2")));
    ck_assert_ptr_null(meta_topic_by_name(m, span_of("orders\0", 7)));
    ck_assert_ptr_nonnull(meta_topic_by_name(m, span_of("orders2", 6)));
    meta_image_unref(m);
}
END_TEST

/* The walk goes on in another image from a topic that this one no longer has. */
START_TEST(a_walk_survives_deletion)
{
    struct meta_image *m = kit_new();
    kit_create(&m, "a", 1);
    kit_create(&m, "b", 2);
    kit_create(&m, "c", 3);
    struct meta_image *before = meta_image_ref(m);
    const struct meta_topic *b = meta_topic_by_name(before, span_str("b"));
    struct meta_topic_delete d = {kit_id(2)};
    ck_assert_int_eq(kit_run(&m, META_TOPIC_DELETE, &d).code, 0);
    ck_assert_str_eq(meta_topic_next(m, b)->name, "c");
    meta_image_unref(m);
    meta_image_unref(before);
}
END_TEST

START_TEST(topics_are_bounded)
{
    struct meta_image *m = kit_new();
    struct kit_topic t;
    struct topic *full = NULL;
    kit_topic(&t, "zzz", 0x7fffffff);
    for (uint32_t i = 0; i < META_TOPICS_MAX; i++) {
        char name[24];
        name_of(name, (int)i);
        struct meta_topic like = {.name = name, .id = kit_id(i + 1)};
        full = topic_new(&like);
        ck_assert_ok(image_put_topic(m, full));
        topic_unref(full);
    }
    ck_assert_int_eq(kit_run(&m, META_TOPIC_CREATE, &t.msg).code, ERR_INVALID);
    struct meta_topic_delete d = {kit_id(1)};
    ck_assert_int_eq(kit_run(&m, META_TOPIC_DELETE, &d).code, 0);
    ck_assert_int_eq(kit_run(&m, META_TOPIC_CREATE, &t.msg).code, 0);
    meta_image_unref(m);
}
END_TEST

START_TEST(json_says_everything)
{
    struct meta_image *m = kit_full();
    char *text = kit_text(m), cluster[UUID_TEXT], orders[UUID_TEXT], events[UUID_TEXT],
         *want = NULL;
    struct uuid id = kit_id(1);
    uuid_text(&id, orders);
    id = kit_id(2);
    uuid_text(&id, events);
    uuid_text(meta_cluster_id(m), cluster);
    static const char partitions[] =
        "\"partitions\":[{\"partition\":0,\"shard\":1,\"leader\":0,\"replicas\":[0,1,2]},"
        "{\"partition\":1,\"shard\":2,\"leader\":1,\"replicas\":[1,2,3]},"
        "{\"partition\":2,\"shard\":3,\"leader\":2,\"replicas\":[2,3,4]}],"
        "\"configs\":{\"cleanup.policy\":\"delete\",\"retention.ms\":\"1000\"}";
    int n = asprintf(
        &want,
        "{\"cluster_id\":\"%s\",\"index\":0,\"term\":0,\"voters\":[3,1],\"standbys\":[2],"
        "\"spares\":[9],\"next_producer_id\":1000,"
        "\"brokers\":[{\"node_id\":1,\"host\":\"a.example\",\"port\":9092,\"rack\":\"r1\"},"
        "{\"node_id\":2,\"host\":\"b.example\",\"port\":9092,\"rack\":null}],"
        "\"broker_configs\":[{\"node_id\":-1,\"configs\":{\"message.max.bytes\":\"77\"}},"
        "{\"node_id\":2,\"configs\":{\"log.retention.ms\":\"5\"}}],"
        "\"topics\":[{\"name\":\"events\",\"id\":\"%s\",\"created_ms\":1700000000,%s},"
        "{\"name\":\"orders\",\"id\":\"%s\",\"created_ms\":1700000000,%s}]}",
        cluster, events, partitions, orders, partitions);
    ck_assert_int_gt(n, 0);
    ck_assert_str_eq(text, want);
    free(text);
    free(want);
    meta_image_unref(m);
}
END_TEST

UNIT_MAIN(ten_thousand_topics, names_are_not_prefixes, a_walk_survives_deletion, topics_are_bounded,
          json_says_everything)
