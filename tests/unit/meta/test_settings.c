#include "meta/settings.h"

#include "tests/unit/meta/kit.h"

static struct err e;

START_TEST(the_table_is_sound)
{
    const struct setting *rows = meta_setting_rows();
    struct meta_settings s;
    meta_settings_init(&s);
    ck_assert_ok(meta_settings_check(&s, &e));
    for (size_t i = 0; i < META_SETTINGS; i++) {
        char text[SETTING_TEXT_MAX];
        ck_assert_ptr_eq(setting_find(rows, META_SETTINGS, span_str(rows[i].name)), &rows[i]);
        ck_assert_msg(setting_check(&rows[i], span_str(rows[i].dflt), &e) == 0, "%s", e.text);
        setting_text(&rows[i], &s, text, sizeof text);
        ck_assert_str_eq(text, rows[i].dflt);
        ck_assert_int_eq(rows[i].sentence[strlen(rows[i].sentence) - 1], '.');
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(meta_setting_server(&rows[i]), meta_setting_server(&rows[j]));
    }
}
END_TEST

/* The enums that readers compare with have the numbers of the table's choices. */
START_TEST(enums_say_what_the_choices_say)
{
    static const struct {
        enum meta_setting row;
        int64_t number;
        const char *text;
    } cases[] = {
        {META_SETTING_cleanup_policy, META_CLEANUP_COMPACT, "compact"},
        {META_SETTING_cleanup_policy, META_CLEANUP_DELETE, "delete"},
        {META_SETTING_cleanup_policy, META_CLEANUP_COMPACT | META_CLEANUP_DELETE, "compact,delete"},
        {META_SETTING_message_timestamp_type, META_CREATE_TIME, "CreateTime"},
        {META_SETTING_message_timestamp_type, META_LOG_APPEND_TIME, "LogAppendTime"},
        {META_SETTING_compression_type, META_COMPRESSION_PRODUCER, "producer"},
        {META_SETTING_compression_type, META_COMPRESSION_NONE, "uncompressed"},
        {META_SETTING_compression_type, META_COMPRESSION_GZIP, "gzip"},
        {META_SETTING_compression_type, META_COMPRESSION_SNAPPY, "snappy"},
        {META_SETTING_compression_type, META_COMPRESSION_LZ4, "lz4"},
        {META_SETTING_compression_type, META_COMPRESSION_ZSTD, "zstd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        union setting_value v;
        ck_assert_ok(
            setting_parse(&meta_setting_rows()[cases[i].row], span_str(cases[i].text), &v, &e));
        ck_assert_int_eq(v.number, cases[i].number);
    }
}
END_TEST

static void set_on_topic(struct meta_image **m, const char *name, const char *value)
{
    struct meta_config_set_configs c = {kp_str(name), kp_str(value)};
    struct meta_config_set r = {
        .resource_type = META_RESOURCE_TOPIC, .topic_id = kit_id(1), .n_configs = 1, .configs = &c};
    ck_assert_int_eq(kit_run(m, META_CONFIG_SET, &r).code, 0);
}

/* retention.ms of the topic "t" for broker 2, whose own configuration says 4. */
static int64_t retention(const struct meta_image *m)
{
    struct meta_settings fixed, s;
    meta_settings_init(&fixed);
    fixed.retention_ms = 4;
    meta_settings_of(m, 2, &fixed, meta_topic_by_name(m, span_str("t")), &s);
    ck_assert_int_eq(s.segment_bytes, fixed.segment_bytes); /* the rest is as it was */
    return s.retention_ms;
}

START_TEST(the_nearest_source_wins)
{
    struct meta_image *m = kit_new();
    kit_create(&m, "t", 1);
    ck_assert_int_eq(retention(m), 1000); /* set when it was created */
    set_on_topic(&m, "retention.ms", NULL);
    ck_assert_int_eq(retention(m), 4);
    kit_broker_config(&m, -1, "log.retention.ms", "3");
    ck_assert_int_eq(retention(m), 3);
    kit_broker_config(&m, 2, "log.retention.ms", "2");
    ck_assert_int_eq(retention(m), 2);
    kit_broker_config(&m, 1, "log.retention.ms", "9"); /* another broker's */
    ck_assert_int_eq(retention(m), 2);
    set_on_topic(&m, "retention.ms", "1");
    ck_assert_int_eq(retention(m), 1);
    set_on_topic(&m, "retention.ms", NULL);
    kit_broker_config(&m, 2, "log.retention.ms", NULL);
    ck_assert_int_eq(retention(m), 3);
    kit_broker_config(&m, -1, "log.retention.ms", NULL);
    ck_assert_int_eq(retention(m), 4);
    meta_image_unref(m);
}
END_TEST

START_TEST(what_cannot_be_read_counts_as_not_set)
{
    struct meta_image *m = kit_new();
    struct meta_settings s;
    kit_create(&m, "t", 1);
    set_on_topic(&m, "retention.ms", "not a number");
    set_on_topic(&m, "from.another.time", "1");
    set_on_topic(&m, "log.retention.ms", "7");      /* the broker's name of it */
    kit_broker_config(&m, -1, "retention.ms", "8"); /* the topic's */
    kit_broker_config(&m, -1, "log.segment.bytes", "1");
    meta_settings_of(m, 1, NULL, meta_topic_by_name(m, span_str("t")), &s);
    ck_assert_int_eq(s.retention_ms, 604800000);
    ck_assert_int_eq(s.segment_bytes, 1 << 30);
    ck_assert_uint_eq(s.cleanup_policy, META_CLEANUP_DELETE);
    meta_settings_of(m, 1, NULL, NULL, &s);
    ck_assert_int_eq(s.retention_ms, 604800000);
    meta_image_unref(m);
}
END_TEST

START_TEST(an_older_image_keeps_what_it_said)
{
    struct meta_image *m = kit_new();
    kit_create(&m, "t", 1);
    struct meta_image *old = meta_image_ref(m);
    set_on_topic(&m, "retention.ms", "6");
    ck_assert_int_eq(retention(m), 6);
    ck_assert_int_eq(retention(old), 1000);
    meta_image_unref(old);
    meta_image_unref(m);
}
END_TEST

START_TEST(topic_settings_are_checked)
{
    static const char *const good[][2] = {
        {"retention.ms", "-1"},
        {"cleanup.policy", "compact,delete"},
        {"cleanup.policy", ""},
        {"compression.type", "zstd"},
        {"min.cleanable.dirty.ratio", "0"},
        {"compression.zstd.level", "-131072"},
    };
    static const char *const bad[][2] = {
        {"retention.ms", "-2"},
        {"num.partitions", "1"},
        {"log.retention.ms", "1"},
        {"", "1"},
        {"segment.ms", "0"},
        {"max.compaction.lag.ms", "0"},
        {"compression.type", "lz"},
        {"cleanup.policy", "x"},
        {"min.insync.replicas", "0"},
        {"max.message.bytes", "-1"},
        {"compression.gzip.level", "10"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_ok(meta_setting_check(span_str(good[i][0]), span_str(good[i][1]), &e));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(meta_setting_check(span_str(bad[i][0]), span_str(bad[i][1]), &e),
                         ERR_INVALID);
    struct meta_settings s;
    meta_settings_init(&s);
    s.min_compaction_lag_ms = 5;
    s.max_compaction_lag_ms = 5;
    ck_assert_ok(meta_settings_check(&s, &e));
    s.compression_gzip_level = 0;
    ck_assert_int_eq(meta_settings_check(&s, &e), ERR_INVALID);
    s.compression_gzip_level = 1;
    s.max_compaction_lag_ms = 4;
    ck_assert_int_eq(meta_settings_check(&s, &e), ERR_INVALID);
}
END_TEST

UNIT_MAIN(the_table_is_sound, enums_say_what_the_choices_say, the_nearest_source_wins,
          what_cannot_be_read_counts_as_not_set, an_older_image_keeps_what_it_said,
          topic_settings_are_checked)
