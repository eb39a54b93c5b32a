#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_opt.h"
#include "cli/bench_report.h"
#include "tests/unit/unit.h"

static struct bench_options o;
static struct bench_stats stats;
static struct bench_result result;

static void fill(void)
{
    o = bench_options_default();
    o.mode = BENCH_DISK;
    o.message_size = 4096;
    o.clients = 1;
    bench_stats_init(&stats);
    for (uint64_t us = 1; us <= 1000; us++)
        hdr_record(&stats.latency, us * 1000);
    stats.requests = 990;
    stats.failed_records = 10;
    stats.records = 990;
    result = (struct bench_result){.opt = &o,
                                   .stats = &stats,
                                   .latency = &stats.latency,
                                   .elapsed_ns = 2000000000,
                                   .records = 990,
                                   .bytes = 4000000,
                                   .threads = 1,
                                   .disk_path = "/d/f",
                                   .disk_write = 4096};
}

static double number(const struct json *j, const char *key)
{
    ck_assert_msg(json_get(j, key) != NULL, "%s is missing", key);
    return json_double(json_get(j, key), -1);
}

START_TEST(rates_and_quantiles_are_those_of_the_samples)
{
    fill();
    struct json *j = bench_report(&result);
    const struct json *latency = json_get(j, "latency_us");
    ck_assert_double_eq(number(j, "duration_secs"), 2);
    ck_assert_double_eq(number(j, "throughput_msg_per_sec"), 495);
    ck_assert_double_eq(number(j, "throughput_mb_per_sec"), 2);
    ck_assert_double_eq(number(j, "success_rate_pct"), 99);
    ck_assert_double_eq(number(latency, "min"), 1);
    ck_assert_double_eq(number(latency, "max"), 1000);
    ck_assert_double_eq_tol(number(latency, "mean"), 500.5, 0.1);
    ck_assert_double_eq_tol(number(latency, "p50"), 500, 5);
    ck_assert_double_eq_tol(number(latency, "p99"), 990, 9);
    ck_assert_double_eq_tol(number(latency, "p9999"), 1000, 1);
    json_free(j);
}
END_TEST

START_TEST(without_a_sample_there_is_no_latency)
{
    fill();
    hdr_init(&stats.latency);
    struct json *j = bench_report(&result);
    const struct json *latency = json_get(j, "latency_us");
    ck_assert_uint_eq(json_len(latency), BENCH_QUANTILES);
    for (int i = 0; i < BENCH_QUANTILES; i++)
        ck_assert_int_eq(json_type_of(json_get(latency, bench_quantiles[i].name)), JSON_T_NULL);
    json_free(j);
}
END_TEST

START_TEST(what_was_not_checked_is_null_and_what_was_is_a_number)
{
    static const char *const names[] = {"lost", "duplicated", "reordered", "altered"};
    struct check_counts counts = {.lost = 1, .duplicated = 2, .reordered = 3, .altered = 4};
    fill();
    struct json *j = bench_report(&result);
    for (int i = 0; i < 4; i++) {
        ck_assert_ptr_nonnull(json_get(j, names[i]));
        ck_assert_int_eq(json_type_of(json_get(j, names[i])), JSON_T_NULL);
    }
    json_free(j);
    result.checked = &counts;
    j = bench_report(&result);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(json_int(json_get(j, names[i]), -1), i + 1);
    json_free(j);
}
END_TEST

START_TEST(a_file_of_rows_has_one_header)
{
    struct err e;
    char line[8192];
    int lines = 0, commas[4] = {0};
    fill();
    o.csv_path = unit_path(unit_dir(), "csv");
    o.json_path = unit_path(unit_dir(), "json");
    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stdout));
    for (int i = 0; i < 2; i++) {
        struct json *j = bench_report(&result);
        ck_assert_ok(bench_report_write(&o, j, &e));
        json_free(j);
    }
    FILE *f = fopen(o.csv_path, "r");
    ck_assert_ptr_nonnull(f);
    while (lines < 4 && fgets(line, sizeof line, f)) {
        for (const char *p = line; *p; p++)
            commas[lines] += *p == ',';
        ck_assert_int_eq(strstr(line, "latency_p50_us") != NULL, lines == 0);
        lines++;
    }
    fclose(f);
    ck_assert_int_eq(lines, 3);
    ck_assert_int_eq(commas[0], commas[1]);
    ck_assert_int_eq(commas[1], commas[2]);
}
END_TEST

START_TEST(a_report_that_cannot_be_written_is_an_error)
{
    struct err e;
    fill();
    o.json_path = unit_path(unit_path(unit_dir(), "missing"), "json");
    struct json *j = bench_report(&result);
    ck_assert_int_lt(bench_report_write(&o, j, &e), 0);
    ck_assert_ptr_nonnull(strstr(e.text, o.json_path));
    json_free(j);
}
END_TEST

UNIT_MAIN(rates_and_quantiles_are_those_of_the_samples, without_a_sample_there_is_no_latency,
          what_was_not_checked_is_null_and_what_was_is_a_number, a_file_of_rows_has_one_header,
          a_report_that_cannot_be_written_is_an_error)
