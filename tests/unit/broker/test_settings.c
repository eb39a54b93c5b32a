#include <sched.h>
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
    const struct setting *rows = settings_rows();
    for (size_t i = 0; i < SETTINGS; i++) {
        ck_assert_ptr_eq(settings_find(span_str(rows[i].name)), &rows[i]); /* unique */
        if (*rows[i].dflt || rows[i].type == SETTING_STRING)
            ck_assert_msg(setting_check(&rows[i], span_str(rows[i].dflt), &e) == 0, "%s", e.text);
        ck_assert_int_le(rows[i].min, rows[i].max);
        ck_assert_int_eq(rows[i].sentence[strlen(rows[i].sentence) - 1], '.');
    }
}
END_TEST

START_TEST(a_broker_setting_stands_behind_each_topic_setting)
{
    const struct setting *topic = meta_setting_rows(), *behind[SETTINGS_BEHIND_MAX];
    for (int i = 0; i < META_SETTINGS; i++) {
        size_t n = settings_behind((enum meta_setting)i, behind);
        ck_assert_uint_ge(n, 1);
        ck_assert_str_eq(behind[0]->name, meta_setting_server(&topic[i]));
        ck_assert_int_eq(behind[0]->type, topic[i].type);
        ck_assert_int_eq(settings_change(behind[0]), SETTING_DYNAMIC);
        for (size_t j = 0; j < n; j++) {
            ck_assert_ptr_eq(settings_in_front(behind[j]), &topic[i]);
            ck_assert_int_eq(settings_unit(behind[j]) != 0, j > 0);
        }
    }
    ck_assert_ptr_null(settings_in_front(settings_find(span_str("node.id"))));
}
END_TEST

START_TEST(defaults_are_kafkas)
{
    begin();
    ck_assert_ok(settings_resolve(&s, &e));
    ck_assert_int_eq(s.socket_request_max_bytes, 104857600);
    ck_assert(s.auto_create_topics_enable);
    struct meta_settings topic;
    meta_settings_init(&topic);
    for (int i = 0; i < META_SETTINGS; i++) {
        char ours[SETTING_TEXT_MAX], table[SETTING_TEXT_MAX];
        setting_text(&meta_setting_rows()[i], &s.topic, ours, sizeof ours);
        setting_text(&meta_setting_rows()[i], &topic, table, sizeof table);
        ck_assert_str_eq(ours, table);
    }
    settings_release(&s);
}
END_TEST

/* What retention.ms is by these three, in any order of setting; "" sets none. */
static int64_t retention(const char *ms, const char *minutes, const char *hours)
{
    begin();
    if (*hours)
        ck_assert_ok(
            settings_set(&s, "log.retention.hours", span_str(hours), SETTING_ARGUMENT, &e));
    if (*ms)
        ck_assert_ok(settings_set(&s, "log.retention.ms", span_str(ms), SETTING_FILE, &e));
    if (*minutes)
        ck_assert_ok(settings_set(&s, "log.retention.minutes", span_str(minutes), SETTING_ENV, &e));
    ck_assert_ok(settings_resolve(&s, &e));
    int64_t out = s.topic.retention_ms;
    settings_release(&s);
    return out;
}

START_TEST(other_units_count_in_kafkas_order)
{
    ck_assert_int_eq(retention("", "", ""), 168 * 3600000LL);
    ck_assert_int_eq(retention("", "", "1"), 3600000);
    ck_assert_int_eq(retention("", "2", "1"), 120000);
    ck_assert_int_eq(retention("3", "2", "1"), 3);
    ck_assert_int_eq(retention("-1", "2", "1"), -1);
    ck_assert_int_eq(retention("", "", "-1"), -1);
    ck_assert_int_eq(retention("", "2147483647", ""), 2147483647LL * 60000);
    begin();
    ck_assert_ok(settings_argument(&s, "log.roll.hours=2", &e));
    ck_assert_ok(settings_argument(&s, "log.roll.jitter.hours=1", &e));
    ck_assert_ok(settings_argument(&s, "log.flush.scheduler.interval.ms=7", &e));
    ck_assert_ok(settings_resolve(&s, &e));
    ck_assert_int_eq(s.topic.segment_ms, 7200000);
    ck_assert_int_eq(s.topic.segment_jitter_ms, 3600000);
    ck_assert_int_eq(s.topic.flush_ms, 7);
    settings_release(&s);
}
END_TEST

START_TEST(a_row_that_others_stand_for_has_no_value_of_its_own)
{
    const struct setting *ms = settings_find(span_str("log.retention.ms"));
    const struct setting *minutes = settings_find(span_str("log.retention.minutes"));
    char text[SETTING_TEXT_MAX];
    begin();
    ck_assert_ok(settings_resolve(&s, &e));
    ck_assert(!settings_has(&s, ms) && !settings_has(&s, minutes));
    ck_assert(settings_has(&s, settings_find(span_str("log.retention.hours"))));
    ck_assert(settings_has(&s, settings_find(span_str("log.retention.bytes"))));
    settings_text(&s, ms, text, sizeof text);
    ck_assert_str_eq(text, "604800000"); /* what holds */
    settings_text(&s, minutes, text, sizeof text);
    ck_assert_str_eq(text, "");
    ck_assert_ok(settings_argument(&s, "log.retention.ms=5", &e));
    ck_assert(settings_has(&s, ms) && !settings_has_default(ms));
    settings_release(&s);
}
END_TEST

START_TEST(values_outside_their_bounds_are_refused)
{
    static const char *const bad[][2] = {
        {"num.partitions", "0"},
        {"num.partitions", "100001"},
        {"num.partitions", "1.5"},
        {"num.partitions", "1 1"},
        {"num.partitions", "+1"},
        {"num.partitions", ""},
        {"num.partitions", "9223372036854775808"},
        {"num.partitions", "0x10"},
        {"auto.create.topics.enable", "yes"},
        {"wal.profile", "enormous"},
        {"log.message.timestamp.type", "createtime"},
        {"log.retention.hours", ""},
        {"log.cleaner.min.cleanable.ratio", "1.1"},
        {"log.cleanup.policy", "compact,"},
        {"log.dir", "a\nb"},
        {"no.such.setting", "1"},
        {"compression.type", "gz"},
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

/* The test has a process of its own. */
START_TEST(loops_are_as_many_as_the_processors_it_may_use_allow)
{
    cpu_set_t all, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    begin();
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_ok(settings_resolve(&s, &e));
    ck_assert_int_eq(sched_setaffinity(0, sizeof all, &all), 0);
    ck_assert_int_eq(s.num_network_threads, 1);
    ck_assert_int_eq(s.wal_group_records, 500); /* those of a small machine */
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

START_TEST(defaults_of_topics_are_checked_as_the_brokers)
{
    begin();
    ck_assert_ok(settings_argument(&s, "log.retention.ms=0", &e));
    ck_assert_int_eq(settings_resolve(&s, &e), ERR_INVALID);
    settings_release(&s);
    begin();
    ck_assert_ok(settings_argument(&s, "log.cleaner.max.compaction.lag.ms=5", &e));
    ck_assert_ok(settings_argument(&s, "log.cleaner.min.compaction.lag.ms=6", &e));
    ck_assert_int_eq(settings_resolve(&s, &e), ERR_INVALID);
    settings_release(&s);
}
END_TEST

START_TEST(values_read_back_as_they_were_written)
{
    char text[SETTING_TEXT_MAX];
    const struct setting *rows = settings_rows();
    begin();
    for (size_t i = 0; i < SETTINGS; i++) {
        settings_text(&s, &rows[i], text, sizeof text);
        ck_assert_str_eq(text, rows[i].dflt);
    }
    settings_release(&s);
}
END_TEST

UNIT_MAIN(rows_are_sound, a_broker_setting_stands_behind_each_topic_setting, defaults_are_kafkas,
          other_units_count_in_kafkas_order, a_row_that_others_stand_for_has_no_value_of_its_own,
          values_outside_their_bounds_are_refused, stronger_sources_win_in_any_order,
          files_are_read_strictly, bad_environment_is_named, profiles_fill_in_what_is_not_set,
          loops_are_as_many_as_the_processors_it_may_use_allow,
          settings_that_contradict_each_other_are_refused,
          defaults_of_topics_are_checked_as_the_brokers, values_read_back_as_they_were_written)
