/* What AlterConfigs and IncrementalAlterConfigs make of what is set: the command, or why not. What
 * clients see of it is tests/func/test_broker_configs.py's. */
#include "broker/alter.h"
#include "broker/broker.h"
#include "kp/error.h"
#include "tests/unit/meta/kit.h"

static struct settings settings;
static struct broker broker;
static struct meta_image *image;
static struct arena arena;
static struct meta_config_set command;
static struct err why;

/* Broker 2, with a topic "t" and settings of brokers. */
static void begin(void)
{
    ck_assert_ok(settings_init(&settings));
    ck_assert_ok(settings_resolve(&settings, &why));
    broker = (struct broker){.settings = &settings, .node_id = 2};
    image = kit_new();
    kit_create(&image, "t", 1); /* cleanup.policy=delete, retention.ms=1000 */
    kit_broker_config(&image, -1, "log.segment.bytes", "5000");
    kit_broker_config(&image, 2, "log.retention.ms", "7000");
    arena_init(&arena, 0);
}

static void end(void)
{
    arena_free(&arena);
    meta_image_unref(image);
    settings_release(&settings);
}

static int16_t plan(int8_t type, const char *name, bool replace, const struct alter_item *items,
                    int32_t n)
{
    const struct alteration asked = {type, kp_str(name), replace, n, items};
    why = (struct err){0};
    int16_t error = alter_plan(&broker, image, &asked, &arena, &command, &why);
    ck_assert_int_eq(error != 0, why.text[0] != 0);
    return error;
}

#define ITEM(op, name, value)                   \
    (struct alter_item)                         \
    {                                           \
        kp_str(name), kp_str(value), ALTER_##op \
    }
#define PLAN(type, name, ...)                                         \
    plan(type, name, false, (const struct alter_item[]){__VA_ARGS__}, \
         sizeof((const struct alter_item[]){__VA_ARGS__}) / sizeof(struct alter_item))
#define TOPIC(...) PLAN(META_RESOURCE_TOPIC, "t", __VA_ARGS__)
#define SELF(...) PLAN(META_RESOURCE_BROKER, "2", __VA_ARGS__)
#define ALL(...) PLAN(META_RESOURCE_BROKER, "", __VA_ARGS__)

/* The command changes just that. */
static void changes(const char *name, const char *value)
{
    ck_assert_int_eq(command.n_configs, 1);
    ck_assert(kp_str_is(command.configs[0].name, name));
    ck_assert_int_eq(command.configs[0].value.n < 0, value == NULL);
    if (value)
        ck_assert_msg(kp_str_is(command.configs[0].value, value), "%.*s",
                      command.configs[0].value.n, command.configs[0].value.p);
}

START_TEST(a_command_says_what_was_seen)
{
    begin();
    ck_assert_int_eq(TOPIC(ITEM(SET, "segment.ms", "9")), 0);
    changes("segment.ms", "9");
    ck_assert(command.checked);
    ck_assert(uuid_eq(&command.topic_id, &meta_topic_by_name(image, span_str("t"))->id));
    ck_assert_int_eq(command.n_seen, 2);
    ck_assert(kp_str_is(command.seen[1].name, "retention.ms"));
    ck_assert(kp_str_is(command.seen[1].value, "1000"));
    struct meta_image *before = meta_image_ref(image); /* from which the command borrows */
    ck_assert_int_eq(kit_run(&image, META_CONFIG_SET, &command).code, 0);
    ck_assert_int_eq(kit_run(&image, META_CONFIG_SET, &command).code, ERR_STALE);
    meta_image_unref(before);

    ck_assert_int_eq(SELF(ITEM(SET, "log.segment.bytes", "6000")), 0);
    ck_assert_int_eq(command.node_id, 2);
    ck_assert_int_eq(command.n_seen, 1);
    ck_assert(kp_str_is(command.seen[0].name, "log.retention.ms"));
    ck_assert_int_eq(ALL(ITEM(SET, "log.retention.ms", "6000")), 0);
    ck_assert_int_eq(command.node_id, -1);
    ck_assert(kp_str_is(command.seen[0].name, "log.segment.bytes"));
    end();
}
END_TEST

START_TEST(what_changes_nothing_is_left_out)
{
    begin();
    ck_assert_int_eq(TOPIC(ITEM(SET, "retention.ms", "1000"), ITEM(DELETE, "segment.ms", NULL),
                           ITEM(APPEND, "cleanup.policy", "delete")),
                     0);
    ck_assert_int_eq(command.n_configs, 0);
    ck_assert_int_eq(TOPIC(ITEM(DELETE, "retention.ms", "whatever")), 0);
    changes("retention.ms", NULL);
    ck_assert_int_eq(plan(META_RESOURCE_TOPIC, "t", false, NULL, 0), 0);
    ck_assert_int_eq(command.n_configs, 0);
    end();
}
END_TEST

START_TEST(a_replacement_removes_the_rest)
{
    const struct alter_item one = ITEM(SET, "cleanup.policy", "delete");
    begin();
    ck_assert_int_eq(plan(META_RESOURCE_TOPIC, "t", true, &one, 1), 0);
    changes("retention.ms", NULL);
    ck_assert_int_eq(plan(META_RESOURCE_TOPIC, "t", true, NULL, 0), 0);
    ck_assert_int_eq(command.n_configs, 2);
    end();
}
END_TEST

START_TEST(lists_keep_their_order)
{
    begin();
    ck_assert_int_eq(TOPIC(ITEM(APPEND, "cleanup.policy", "compact")), 0);
    changes("cleanup.policy", "delete,compact");
    ck_assert_int_eq(TOPIC(ITEM(APPEND, "cleanup.policy", "delete,,compact,compact")), 0);
    changes("cleanup.policy", "delete,compact");
    ck_assert_int_eq(TOPIC(ITEM(SUBTRACT, "cleanup.policy", "compact,delete")), 0);
    changes("cleanup.policy", "");
    /* One that is not set begins as what holds. */
    ck_assert_int_eq(ALL(ITEM(APPEND, "log.cleanup.policy", "compact")), 0);
    changes("log.cleanup.policy", "delete,compact");
    settings.topic.cleanup_policy = META_CLEANUP_COMPACT;
    ck_assert_int_eq(SELF(ITEM(APPEND, "log.cleanup.policy", "delete")), 0);
    changes("log.cleanup.policy", "compact,delete");
    end();
}
END_TEST

START_TEST(values_are_judged_together)
{
    begin();
    ck_assert_int_eq(
        TOPIC(ITEM(SET, "min.compaction.lag.ms", "5"), ITEM(SET, "max.compaction.lag.ms", "4")),
        KP_ERR_INVALID_CONFIG);
    /* With what others set, and without what is removed. */
    kit_broker_config(&image, -1, "log.cleaner.max.compaction.lag.ms", "4");
    ck_assert_int_eq(TOPIC(ITEM(SET, "min.compaction.lag.ms", "5")), KP_ERR_INVALID_CONFIG);
    ck_assert_int_eq(
        TOPIC(ITEM(SET, "min.compaction.lag.ms", "5"), ITEM(SET, "max.compaction.lag.ms", "6")), 0);
    ck_assert_int_eq(SELF(ITEM(SET, "log.cleaner.min.compaction.lag.ms", "5")),
                     KP_ERR_INVALID_CONFIG);
    ck_assert_int_eq(ALL(ITEM(SET, "log.cleaner.min.compaction.lag.ms", "5"),
                         ITEM(DELETE, "log.cleaner.max.compaction.lag.ms", NULL)),
                     0);
    /* What one broker overrules must make sense all the same: it may be removed there. */
    ck_assert_int_eq(ALL(ITEM(SET, "log.retention.ms", "0")), KP_ERR_INVALID_CONFIG);
    end();
}
END_TEST

START_TEST(refusals_are_kafkas)
{
    struct alter_item many[META_CONFIGS_MAX + 1];
    char names[META_CONFIGS_MAX + 1][16];
    begin();
    for (int i = 0; i <= META_CONFIGS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "x%d", i);
        many[i] = ITEM(DELETE, names[i], NULL);
    }
    ck_assert_int_eq(plan(META_RESOURCE_TOPIC, "t", false, many, META_CONFIGS_MAX), 0);
    ck_assert_int_eq(plan(META_RESOURCE_TOPIC, "t", false, many, META_CONFIGS_MAX + 1),
                     KP_ERR_INVALID_REQUEST);
    ck_assert_int_eq(TOPIC(ITEM(SET, "segment.ms", NULL)), KP_ERR_INVALID_REQUEST);
    ck_assert_int_eq(TOPIC(ITEM(SET, "segment.ms", "1"), ITEM(SET, "segment.ms", "1")),
                     KP_ERR_INVALID_REQUEST);
    ck_assert_int_eq(TOPIC((struct alter_item){kp_str("segment.ms"), kp_str("1"), -1}),
                     KP_ERR_INVALID_REQUEST);
    ck_assert_int_eq(TOPIC(ITEM(APPEND, "segment.ms", "1")), KP_ERR_INVALID_CONFIG);
    ck_assert_int_eq(TOPIC(ITEM(SET, "no.such", "1")), KP_ERR_INVALID_CONFIG);
    ck_assert_int_eq(SELF(ITEM(SET, "node.id", "1")), KP_ERR_INVALID_REQUEST);
    ck_assert_int_eq(SELF(ITEM(SET, "log.roll.hours", "1")), KP_ERR_INVALID_REQUEST);
    ck_assert_int_eq(SELF(ITEM(SET, "max.connections", "0")), KP_ERR_INVALID_REQUEST);
    ck_assert_int_eq(SELF(ITEM(SET, "no.such", "1")), KP_ERR_INVALID_CONFIG);
    static const char *const brokers[] = {"1", "-2", " 2", "2 ", "two", "99999999999999999999"};
    for (size_t i = 0; i < sizeof brokers / sizeof *brokers; i++)
        ck_assert_int_eq(PLAN(META_RESOURCE_BROKER, brokers[i], ITEM(SET, "max.connections", "1")),
                         KP_ERR_INVALID_REQUEST);
    ck_assert_int_eq(PLAN(META_RESOURCE_TOPIC, "", ITEM(SET, "segment.ms", "1")),
                     KP_ERR_INVALID_REQUEST);
    ck_assert_int_eq(PLAN(META_RESOURCE_TOPIC, "a b", ITEM(SET, "segment.ms", "1")),
                     KP_ERR_INVALID_TOPIC_EXCEPTION);
    ck_assert_int_eq(PLAN(META_RESOURCE_TOPIC, "none", ITEM(SET, "segment.ms", "1")),
                     KP_ERR_UNKNOWN_TOPIC_OR_PARTITION);
    ck_assert_int_eq(PLAN(META_RESOURCE_TOPIC, "none", ITEM(SET, "segment.ms", "x")),
                     KP_ERR_INVALID_CONFIG);
    ck_assert_int_eq(PLAN(0, "t", ITEM(SET, "segment.ms", "1")), KP_ERR_INVALID_REQUEST);
    end();
}
END_TEST

START_TEST(what_is_altered_lives_at_once)
{
    struct live live;
    begin();
    live_init(&live, &settings);
    ck_assert_int_eq(live_get(&live, SETTING_ROW_max_connections), settings.max_connections);
    kit_broker_config(&image, -1, "max.connections", "5");
    kit_broker_config(&image, 1, "max.connections", "6"); /* another broker's */
    live_update(&live, &settings, image, 2);
    ck_assert_int_eq(live_get(&live, SETTING_ROW_max_connections), 5);
    kit_broker_config(&image, 2, "max.connections", "7");
    kit_broker_config(&image, 2, "num.partitions", "not a number");
    live_update(&live, &settings, image, 2);
    ck_assert_int_eq(live_get(&live, SETTING_ROW_max_connections), 7);
    ck_assert_int_eq(live_get(&live, SETTING_ROW_num_partitions), settings.num_partitions);
    kit_broker_config(&image, 2, "max.connections", NULL);
    kit_broker_config(&image, -1, "max.connections", NULL);
    live_update(&live, &settings, image, 2);
    ck_assert_int_eq(live_get(&live, SETTING_ROW_max_connections), settings.max_connections);
    end();
}
END_TEST

UNIT_MAIN(a_command_says_what_was_seen, what_changes_nothing_is_left_out,
          a_replacement_removes_the_rest, lists_keep_their_order, values_are_judged_together,
          refusals_are_kafkas, what_is_altered_lives_at_once)
