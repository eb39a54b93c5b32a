#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/settings.h"
#include "tests/unit/unit.h"

static struct settings s;
static struct err e;

static void begin(void)
{
    ck_assert_ok(settings_init(&s));
}

static const char *file_with(const char *text)
{
    const char *path = unit_path(unit_dir(), "chronik.json");
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
    return path;
}

START_TEST(rows_are_sound)
{
    size_t n, n_topic;
    const struct setting *rows = settings_rows(&n);
    const struct setting *topic = settings_topic_rows(&n_topic);
    for (size_t i = 0; i < n; i++) {
        ck_assert_ptr_eq(settings_find(rows, n, span_str(rows[i].name)), &rows[i]); /* unique */
        ck_assert_msg(setting_check(&rows[i], span_str(rows[i].dflt), &e) == 0, "%s", e.text);
        ck_assert_int_le(rows[i].min, rows[i].max);
        ck_assert_int_eq(rows[i].sentence[strlen(rows[i].sentence) - 1], '.');
    }
    for (size_t i = 0; i < n_topic; i++) {
        const struct setting *behind = settings_find(rows, n, span_str(topic[i].synonym));
        ck_assert_ptr_nonnull(behind);
        ck_assert_int_eq(behind->type, topic[i].type);
        ck_assert_int_le(topic[i].min, behind->min);
        ck_assert_int_ge(topic[i].max, behind->max);
    }
}
END_TEST

START_TEST(defaults_are_kafkas)
{
    begin();
    ck_assert_int_eq(s.message_max_bytes, 1048588);
    ck_assert_int_eq(s.socket_request_max_bytes, 104857600);
    ck_assert_int_eq(s.log_retention_ms, 604800000);
    ck_assert(s.auto_create_topics_enable);
    ck_assert_str_eq(s.log_cleanup_policy, "delete");
    ck_assert_int_eq(s.topic.max_message_bytes, s.message_max_bytes);
    settings_release(&s);
}
END_TEST

START_TEST(values_outside_their_bounds_are_refused)
{
    static const char *const bad[][2] = {
        {"num.partitions", "0"},
        {"num.partitions", "100001"},
        {"num.partitions", "1.5"},
        {"num.partitions", "1 "},
        {"num.partitions", " 1"},
        {"num.partitions", "+1"},
        {"num.partitions", ""},
        {"num.partitions", "9223372036854775808"},
        {"num.partitions", "0x10"},
        {"auto.create.topics.enable", "yes"},
        {"wal.profile", "enormous"},
        {"log.message.timestamp.type", "createtime"},
        {"log.cleanup.policy", "compact,"},
        {"log.dir", "a\nb"},
        {"no.such.setting", "1"},
        {"compression.type", "gzip"},
    };
    begin();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        e = (struct err){0};
        int rc = settings_set(&s, bad[i][0], span_str(bad[i][1]), SETTING_ARGUMENT, &e);
        ck_assert_msg(rc == ERR_INVALID, "%s=%s: %d", bad[i][0], bad[i][1], rc);
        ck_assert_msg(strncmp(e.text, bad[i][0], strlen(bad[i][0])) == 0, "%s", e.text);
    }
    ck_assert_int_eq(s.num_partitions, 1);
    settings_release(&s);
}
END_TEST

START_TEST(stronger_sources_win_in_any_order)
{
    begin();
    ck_assert_int_eq(setenv("CHRONIK_NUM_PARTITIONS", "4", 1), 0);
    ck_assert_ok(settings_argument(&s, "num.partitions=5", &e));
    ck_assert_ok(settings_environment(&s, &e));
    ck_assert_ok(settings_file(&s, file_with("{\"num.partitions\": 3, \"node.id\": 7}"), &e));
    ck_assert_int_eq(s.num_partitions, 5);
    ck_assert_int_eq(s.node_id, 7);
    ck_assert_int_eq(s.source[SETTING_ROW_num_partitions], SETTING_ARGUMENT);
    ck_assert_int_eq(s.source[SETTING_ROW_node_id], SETTING_FILE);
    settings_release(&s);
    begin();
    ck_assert_ok(settings_file(&s, file_with("{\"num.partitions\": 3}"), &e));
    ck_assert_ok(settings_environment(&s, &e));
    ck_assert_int_eq(s.num_partitions, 4);
    settings_release(&s);
}
END_TEST

START_TEST(files_are_read_strictly)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{\"num.partitions\": 0}",
        "{\"num.partitions\": 1.5}",
        "{\"num.partitions\": null}",
        "{\"num.partitions\": [1]}",
        "{\"num.partition\": 1}",
        "{\"num.partitions\": 1, \"num.partitions\": 2}",
        "{\"num.partitions\": 1",
    };
    begin();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *path = file_with(bad[i]);
        ck_assert_msg(settings_file(&s, path, &e) < 0, "'%s' was accepted", bad[i]);
        ck_assert_msg(strncmp(e.text, path, strlen(path)) == 0, "%s", e.text);
    }
    ck_assert_int_lt(settings_file(&s, "/nonexistent/chronik.json", &e), 0);
    ck_assert_ok(settings_file(
        &s, file_with("{\"auto.create.topics.enable\": false, \"wal.profile\": \"low\"}"), &e));
    ck_assert(!s.auto_create_topics_enable);
    settings_release(&s);
}
END_TEST

START_TEST(bad_environment_is_named)
{
    begin();
    ck_assert_int_eq(setenv("CHRONIK_WAL_PROFILE", "huge", 1), 0);
    ck_assert_int_eq(settings_environment(&s, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.text, "CHRONIK_WAL_PROFILE"));
    settings_release(&s);
}
END_TEST

START_TEST(profiles_fill_in_what_is_not_set)
{
    static const struct {
        const char *name;
        int32_t records, bytes;
    } profiles[] = {{"low", 500, 5000000},
                    {"medium", 2000, 15000000},
                    {"high", 10000, 50000000},
                    {"ultra", 20000, 100000000}};
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        begin();
        ck_assert_ok(
            settings_set(&s, "wal.profile", span_str(profiles[i].name), SETTING_ARGUMENT, &e));
        ck_assert_ok(settings_resolve(&s, &e));
        ck_assert_int_eq(s.wal_group_records, profiles[i].records);
        ck_assert_int_eq(s.wal_group_bytes, profiles[i].bytes);
        settings_release(&s);
    }
    begin();
    ck_assert_ok(settings_argument(&s, "wal.group.records=77", &e));
    ck_assert_ok(settings_resolve(&s, &e));
    ck_assert_int_eq(s.wal_group_records, 77);
    ck_assert_int_gt(s.wal_group_bytes, 0);
    ck_assert_int_gt(s.num_network_threads, 0);
    ck_assert_int_ge(s.queued_max_request_bytes, s.socket_request_max_bytes);
    settings_release(&s);
}
END_TEST

START_TEST(settings_that_contradict_each_other_are_refused)
{
    begin();
    ck_assert_ok(settings_argument(&s, "wal.max.bytes=16777216", &e));
    ck_assert_int_eq(settings_resolve(&s, &e), ERR_INVALID);
    settings_release(&s);
    begin();
    ck_assert_ok(settings_argument(&s, "group.max.session.timeout.ms=5000", &e));
    ck_assert_int_eq(settings_resolve(&s, &e), ERR_INVALID);
    settings_release(&s);
}
END_TEST

START_TEST(a_topics_own_settings_come_first)
{
    static const struct meta_config own[] = {
        {"cleanup.policy", "compact"},
        {"from.another.time", "1"},
        {"max.message.bytes", "10"},
        {"retention.ms", "not a number"},
    };
    const struct meta_topic t = {.name = "t", .n_configs = 4, .configs = own};
    struct topic_settings ts;
    begin();
    ck_assert_ok(settings_argument(&s, "log.retention.ms=5", &e));
    ck_assert_ok(settings_argument(&s, "message.max.bytes=99", &e));
    settings_of_topic(&s, &t, &ts);
    ck_assert_str_eq(ts.cleanup_policy, "compact");
    ck_assert_int_eq(ts.max_message_bytes, 10);
    ck_assert_int_eq(ts.retention_ms, 5);
    settings_of_topic(&s, NULL, &ts);
    ck_assert_int_eq(ts.max_message_bytes, 99);
    ck_assert_str_eq(ts.cleanup_policy, "delete");
    settings_release(&s);
}
END_TEST

START_TEST(topic_settings_are_checked)
{
    ck_assert_ok(settings_check_topic(span_str("retention.ms"), span_str("-1"), &e));
    ck_assert_int_eq(settings_check_topic(span_str("retention.ms"), span_str("-2"), &e),
                     ERR_INVALID);
    ck_assert_int_eq(settings_check_topic(span_str("num.partitions"), span_str("1"), &e),
                     ERR_INVALID);
    ck_assert_int_eq(settings_check_topic(span_of(NULL, 0), span_str("1"), &e), ERR_INVALID);
}
END_TEST

START_TEST(values_read_back_as_they_were_written)
{
    char text[64];
    size_t n;
    begin();
    const struct setting *rows = settings_rows(&n);
    for (size_t i = 0; i < n; i++) {
        settings_text(&s, &rows[i], text, sizeof text);
        ck_assert_str_eq(text, rows[i].dflt);
    }
    settings_release(&s);
}
END_TEST

UNIT_MAIN(rows_are_sound, defaults_are_kafkas, values_outside_their_bounds_are_refused,
          stronger_sources_win_in_any_order, files_are_read_strictly, bad_environment_is_named,
          profiles_fill_in_what_is_not_set, settings_that_contradict_each_other_are_refused,
          a_topics_own_settings_come_first, topic_settings_are_checked,
          values_read_back_as_they_were_written)
