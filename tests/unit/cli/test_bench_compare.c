/* Reading results, pairing them, weighing their figures, and conditions on those. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_compare.h"
#include "cli/bench_setting.h"
#include "cli/bench_weigh.h"
#include "tests/unit/unit.h"

/* A result of `clients` clients with that rate and p99. */
#define RESULT                                                                        \
    "{\"mode\":\"produce\",\"concurrency\":%d,\"acks\":\"all\",\"message_size\":256," \
    "\"duration_secs\":10.0,\"throughput_msg_per_sec\":%g,"                           \
    "\"latency_us\":{\"p50\":100,\"p99\":%g}}\n"

static const char *result(int clients, double rate, double p99)
{
    static char texts[16][512];
    static int next;
    char *text = texts[next++ % 16];
    snprintf(text, sizeof texts[0], RESULT, clients, rate, p99);
    return text;
}

/* A file of these texts, up to NULL. */
static const char *file_of(const char *name, ...)
{
    const char *path = unit_path(unit_dir(), name), *text;
    FILE *f = fopen(path, "w");
    va_list ap;
    ck_assert_ptr_nonnull(f);
    va_start(ap, name);
    while ((text = va_arg(ap, const char *)) != NULL)
        fputs(text, f);
    va_end(ap);
    fclose(f);
    return path;
}

static size_t count_in(const char *path)
{
    struct bench_results r;
    struct err e;
    ck_assert_msg(bench_results_read(&r, path, &e) == 0, "%s", e.text);
    size_t n = r.n;
    bench_results_release(&r);
    return n;
}

START_TEST(results_stand_in_a_row_or_in_arrays)
{
    const char *r = result(1, 10, 20);
    ck_assert_uint_eq(count_in(file_of("one", r, NULL)), 1);
    ck_assert_uint_eq(count_in(file_of("rows", r, r, "\n\n", r, NULL)), 3);
    ck_assert_uint_eq(count_in(file_of("array", "[", r, ",", r, "]", NULL)), 2);
    ck_assert_uint_eq(count_in(file_of("both", "[", r, ",", r, "]", r, NULL)), 3);
}
END_TEST

START_TEST(what_is_no_result_is_refused)
{
    static const struct {
        const char *text, *why;
    } rows[] = {{"", "no result is in it"},
                {" \n", "no result is in it"},
                {"[]", "no result is in it"},
                {"{", "from byte 0"},
                {"{}", "mode is not there"},
                {"7", "mode is not there"},
                {"[[]]", "mode is not there"},
                {"{\"mode\":\"durability\",\"kills\":3}", "duration_secs is not there"}};
    struct bench_results r;
    struct err e;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *path = file_of("bad", rows[i].text, NULL);
        ck_assert_int_eq(bench_results_read(&r, path, &e), ERR_MALFORMED);
        ck_assert_msg(strstr(e.text, rows[i].why) && strstr(e.text, path), "%s", e.text);
        bench_results_release(&r);
    }
    ck_assert_int_eq(bench_results_read(&r, "/no/such/file", &e), -ENOENT);
    bench_results_release(&r);
}
END_TEST

START_TEST(runs_that_measured_nothing_are_refused)
{
    static const char *const rows[] = {
        /* as earlier versions wrote it */
        "{\"mode\":\"produce\",\"duration_secs\":1,\"throughput_msg_per_sec\":0,"
        "\"total_messages\":0,\"latency_us\":{\"p99\":0,\"max\":0}}",
        "{\"mode\":\"produce\",\"duration_secs\":1,\"throughput_msg_per_sec\":0,"
        "\"latency_us\":{\"p99\":null,\"max\":null}}"};
    struct bench_results r;
    struct err e;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *path = file_of("none", result(8, 1, 1), rows[i], NULL);
        ck_assert_int_eq(bench_results_read(&r, path, &e), ERR_INVALID);
        ck_assert_msg(strstr(e.text, "nothing was measured in the run of result 2") &&
                          strstr(e.text, path),
                      "%s", e.text);
        bench_results_release(&r);
    }
}
END_TEST

static struct bench_comparison c;

static int set_up(const char *a, const char *b, struct err *e)
{
    c = (struct bench_comparison){0};
    ck_assert_ok(bench_results_read(&c.a, a, e));
    ck_assert_ok(bench_results_read(&c.b, b, e));
    return bench_pairs_make(&c.pairs, &c.a, &c.b, e);
}

static void tear_down(void)
{
    bench_pairs_release(&c.pairs);
    bench_results_release(&c.a);
    bench_results_release(&c.b);
}

START_TEST(like_is_paired_with_like)
{
    struct err e;
    ck_assert_ok(set_up(file_of("a", result(8, 1, 1), result(64, 2, 2), result(8, 3, 3), NULL),
                        file_of("b", result(64, 4, 4), result(8, 5, 5), NULL), &e));
    ck_assert_uint_eq(c.pairs.n, 2);
    ck_assert_uint_eq(c.pairs.v[0].a.n, 2);
    ck_assert_uint_eq(c.pairs.v[0].b.n, 1);
    ck_assert_uint_eq(c.pairs.v[1].a.n, 1);
    ck_assert_ptr_eq(c.pairs.v[0].b.v[0], c.b.v[1]);
    tear_down();
}
END_TEST

START_TEST(unlike_work_is_refused_by_what_differs)
{
    static const char consume[] =
        "{\"mode\":\"consume\",\"duration_secs\":1.0,\"throughput_msg_per_sec\":1.0,"
        "\"latency_us\":{}}";
    struct err e;
    const char *a = file_of("a", result(8, 1, 1), NULL);
    const char *b = file_of("b", result(64, 1, 1), result(9, 1, 1), consume, NULL);
    ck_assert_int_eq(set_up(a, b, &e), ERR_INVALID);
    ck_assert_msg(strstr(e.text, "clients 8 and ") != NULL, "%s", e.text);
    tear_down();
    ck_assert_int_eq(set_up(a, file_of("b", result(8, 1, 1), consume, NULL), &e), ERR_INVALID);
    ck_assert_msg(strstr(e.text, "has work that ") && strstr(e.text, ": consume"), "%s", e.text);
    tear_down();
}
END_TEST

static struct bench_figure named(const char *name)
{
    struct bench_figure f;
    ck_assert_msg(bench_figure_find(span_str(name), &f), "%s", name);
    return f;
}

START_TEST(figures_have_one_table_by_both_names)
{
    struct bench_figure f;
    ck_assert_str_eq(named("p99.9").field, "p999");
    ck_assert_str_eq(named("p999").name, "p99.9");
    ck_assert_str_eq(named("rate").field, "throughput_msg_per_sec");
    ck_assert(named("rate").more_is_better && !named("cpu").more_is_better);
    ck_assert(!bench_figure_find(span_str("p98"), &f) && !bench_figure_find(span_str(""), &f));
    for (size_t i = 0; i < bench_figures(); i++)
        ck_assert_str_eq(named(bench_figure_at(i).name).field, bench_figure_at(i).field);
}
END_TEST

START_TEST(medians_and_ranges_decide_what_is_claimed)
{
    struct err e;
    struct bench_spread a, b;
    struct bench_figure p99 = named("p99"), rate = named("rate"), cpu = named("cpu");
    ck_assert_ok(set_up(file_of("a", result(8, 10, 30), result(8, 40, 10), result(8, 20, 20),
                                result(8, 30, 15), NULL),
                        file_of("b", result(8, 35, 40), result(8, 45, 50), NULL), &e));
    ck_assert_ok(bench_spread_of(&a, &c.pairs.v[0].a, &p99));
    ck_assert_ok(bench_spread_of(&b, &c.pairs.v[0].b, &p99));
    ck_assert(a.n == 4 && fabs(a.median - 17.5) < 1e-9 && fabs(a.min - 10) < 1e-9);
    ck_assert(b.n == 2 && fabs(b.median - 45) < 1e-9 && fabs(b.max - 50) < 1e-9);
    ck_assert_int_eq(bench_weigh(&a, &b, false), VERDICT_WORSE);
    ck_assert_int_eq(bench_weigh(&b, &a, false), VERDICT_BETTER);
    ck_assert_int_eq(bench_weigh(&a, &b, true), VERDICT_BETTER);
    ck_assert_ok(bench_spread_of(&a, &c.pairs.v[0].a, &rate));
    ck_assert_ok(bench_spread_of(&b, &c.pairs.v[0].b, &rate));
    ck_assert_int_eq(bench_weigh(&a, &b, true), VERDICT_OVERLAP);
    b.n = 1;
    b.min = b.max = 100;
    ck_assert_int_eq(bench_weigh(&a, &b, true), VERDICT_SINGLE);
    ck_assert_ok(bench_spread_of(&a, &c.pairs.v[0].a, &cpu));
    ck_assert_int_eq(bench_weigh(&a, &b, true), VERDICT_UNKNOWN);
    tear_down();
    ck_assert_double_eq_tol(bench_chance_pct(1, 1), 100, 1e-9);
    ck_assert_double_eq_tol(bench_chance_pct(3, 3), 10, 1e-9);
    ck_assert_double_eq_tol(bench_chance_pct(2, 3), 20, 1e-9);
    ck_assert(bench_chance_pct(5, 5) < 1);
}
END_TEST

START_TEST(conditions_are_about_changes_or_bounds)
{
    static const struct {
        const char *text;
        double a, b;
        bool met;
    } rows[] = {
        {"p99>+10%", 100, 111, true},    {"p99>+10%", 100, 109, false},
        {"p99>10%", 100, 111, true},     {"p99<-5%", 100, 94, true},
        {"p99<-5%", 100, 96, false},     {"p99>=+10%", 100, 110, true},
        {"p99.9>5ms", 1, 5001, true},    {"p999>5ms", 1, 4999, false},
        {"max>=1.5s", 1, 1500000, true}, {"p50>150us", 1, 150, false},
        {"rate<100000", 0, 99999, true}, {"rate<=100000", 0, 100000, true},
        {"mb<10MB/s", 0, 9.5, true},     {"p99>+1000%", 0, 1, true},
        {"p99>+0%", 0, 0, false},
    };
    struct bench_condition k;
    struct err e;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_msg(!bench_condition_parse(&k, rows[i].text, &e), "%s", e.text);
        ck_assert_msg(bench_condition_met(&k, rows[i].a, rows[i].b) == rows[i].met, "%s",
                      rows[i].text);
    }
}
END_TEST

START_TEST(what_is_no_condition_is_refused)
{
    static const char *const texts[] = {
        "",         "p99",      "p98>1%",  ">1%",      "p99>",     "p99>fast",  "p99>5",
        "p99>+5ms", "p99>-5ms", "p99>5m",  "rate<5ms", "p99>1e3%", "p99>0x1%",  "p99>inf%",
        "p99>nan%", "p99=1%",   "p99>>1%", "p99>5 ms", "p99>1%%",  "p99>1.2.3%"};
    struct bench_condition k;
    struct err e;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ck_assert_msg(bench_condition_parse(&k, texts[i], &e) == ERR_INVALID, "accepted: %s",
                      texts[i]);
        ck_assert_msg(strstr(e.text, texts[i]) != NULL, "%s", e.text);
    }
}
END_TEST

/* The texts of an array, one after the other. */
static const char *joined(const struct json *all)
{
    static char text[2000];
    size_t n = 0;
    *text = 0;
    for (size_t i = 0; i < json_len(all); i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s\n",
                              (const char *)json_str(json_at(all, i)).p);
    return text;
}

START_TEST(notes_say_what_weakens_a_comparison)
{
    static const char odd[] =
        "{\"mode\":\"produce\",\"concurrency\":8,\"acks\":\"all\",\"message_size\":256,"
        "\"duration_secs\":60.0,\"throughput_msg_per_sec\":10.0,\"latency_us\":{\"p99\":1},"
        "\"warnings\":[\"a warning\"],\"environment\":{\"cpu\":\"slow\"}}";
    static const char even[] =
        "{\"mode\":\"produce\",\"concurrency\":8,\"acks\":\"all\",\"message_size\":256,"
        "\"duration_secs\":10.0,\"throughput_msg_per_sec\":10.0,\"latency_us\":{\"p99\":1},"
        "\"environment\":{\"cpu\":\"fast\"}}";
    struct err e;
    struct json *doc;
    ck_assert_ok(set_up(file_of("a", even, even, NULL), file_of("b", odd, odd, NULL), &e));
    ck_assert_ok(bench_contrast(&c, &doc, &e));
    const struct json *pair = json_at(json_get(doc, "pairs"), 0);
    const char *notes = joined(json_get(pair, "notes"));
    ck_assert_ptr_nonnull(strstr(notes, "in 33 % of cases"));
    ck_assert_ptr_nonnull(strstr(notes, "the runs took 10.0 s and 60.0 s"));
    ck_assert_ptr_nonnull(strstr(notes, "different processors: fast and slow"));
    ck_assert_ptr_nonnull(strstr(notes, "B, 2 of 2 runs: a warning\n"));
    ck_assert_uint_eq(json_len(json_get(pair, "notes")), 4);
    json_free(doc);
    tear_down();
}
END_TEST

#define TIMED(time, more)                                                                   \
    "{\"mode\":\"produce\",\"duration_secs\":10.0,\"throughput_msg_per_sec\":10.0,"         \
    "\"latency_us\":{\"p99\":1}" more ",\"environment\":{\"time\":\"2026-01-02T03:04:" time \
    "Z\"}}"

/* Is that among the notes on these runs, two a side? */
static bool noted(const char *a1, const char *a2, const char *b1, const char *b2, const char *text)
{
    struct err e;
    struct json *doc;
    ck_assert_ok(set_up(file_of("a", a1, a2, NULL), file_of("b", b1, b2, NULL), &e));
    ck_assert_ok(bench_contrast(&c, &doc, &e));
    const struct json *pair = json_at(json_get(doc, "pairs"), 0);
    bool found = strstr(joined(json_get(pair, "notes")), text) != NULL;
    json_free(doc);
    tear_down();
    return found;
}

START_TEST(sides_measured_one_after_the_other_are_noted)
{
    static const char timeless[] =
        "{\"mode\":\"produce\",\"duration_secs\":1,\"throughput_msg_per_sec\":1,"
        "\"latency_us\":{}}";
    const char *v[] = {TIMED("10", ""), TIMED("20", ""), TIMED("30", ""), TIMED("40", "")};
    ck_assert(noted(v[0], v[1], v[2], v[3], "all runs of A are older than all of B: a drift"));
    ck_assert(noted(v[3], v[2], v[0], v[1], "all runs of B are older than all of A: a drift"));
    ck_assert(!noted(v[0], v[2], v[1], v[3], "older"));
    ck_assert(!noted(v[0], v[3], v[1], v[2], "older"));
    ck_assert(!noted(v[0], v[1], v[1], v[0], "older"));
    ck_assert(!noted(v[0], v[1], v[1], v[2], "older"));
    ck_assert(!noted(v[0], v[1], v[2], timeless, "older"));
    ck_assert(!noted(timeless, timeless, v[2], v[3], "older"));
}
END_TEST

START_TEST(settings_that_leave_the_load_as_it_is_are_noted)
{
    static const char plain[] = TIMED("10", ",\"warmup_ms\":0,\"ack_log\":false"),
                      warm[] = TIMED("20", ",\"warmup_ms\":5000,\"ack_log\":false"),
                      logged[] = TIMED("20", ",\"warmup_ms\":0,\"ack_log\":true"),
                      old[] = TIMED("20", "");
    ck_assert(noted(plain, plain, plain, warm, "the runs differ in ms of warm-up: 0 and 5000\n"));
    ck_assert(noted(logged, plain, plain, plain, "the runs differ in ack log: yes and no\n"));
    ck_assert(!noted(plain, plain, plain, plain, "the runs differ"));
    ck_assert(!noted(plain, plain, plain, old, "the runs differ"));
}
END_TEST

START_TEST(a_condition_on_what_nobody_told_is_an_error)
{
    struct err e;
    struct json *doc = NULL;
    struct bench_condition k;
    ck_assert_ok(bench_condition_parse(&k, "cpu>+10%", &e));
    const char *one = file_of("a", result(8, 1, 1), NULL);
    ck_assert_ok(set_up(one, one, &e));
    c.conditions = &k;
    c.n_conditions = 1;
    ck_assert_int_eq(bench_contrast(&c, &doc, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.text, "do not tell cpu"));
    tear_down();
}
END_TEST

/* What b has of the faults, and whether all is good: with no condition, or with that one. */
static void faults(const char *a, const char *b, const char *condition, size_t want, bool good)
{
    struct err e;
    struct json *doc;
    struct bench_condition k;
    ck_assert_ok(set_up(file_of("a", a, NULL), file_of("b", b, NULL), &e));
    if (condition) {
        ck_assert_ok(bench_condition_parse(&k, condition, &e));
        c.conditions = &k;
        c.n_conditions = 1;
    }
    ck_assert_ok(bench_contrast(&c, &doc, &e));
    ck_assert_uint_eq(json_len(json_get(doc, "faults")), want);
    ck_assert(json_bool(json_get(doc, "good"), !good) == good);
    json_free(doc);
    tear_down();
}

#define COUNTS(failed, lost)                                                        \
    "{\"mode\":\"produce\",\"duration_secs\":10.0,\"throughput_msg_per_sec\":10.0," \
    "\"latency_us\":{\"p99\":1},\"failed_messages\":" failed ",\"lost\":" lost "}"

START_TEST(faults_of_b_alone_are_not_good_until_a_condition_allows_them)
{
    faults(COUNTS("0", "0"), COUNTS("0", "0"), NULL, 0, true);
    faults(COUNTS("0", "0"), COUNTS("0", "5000"), NULL, 1, false);
    faults(COUNTS("0", "null"), COUNTS("9", "5000"), NULL, 2, false);
    faults(COUNTS("0", "0"), COUNTS("0", "5000"), "p99>+10%", 1, false);
    faults(COUNTS("0", "0"), COUNTS("9", "0"), "failed>10", 0, true);
    faults(COUNTS("0", "0"), COUNTS("9", "0"), "failed>8", 0, false);
    faults(COUNTS("1", "0"), COUNTS("9", "0"), NULL, 0, true);
    faults(COUNTS("9", "5000"), COUNTS("0", "0"), NULL, 0, true);
}
END_TEST

START_TEST(faults_are_told_where_there_are_any)
{
    struct err e;
    struct json *doc;
    ck_assert_ok(set_up(file_of("a", COUNTS("0", "0"), NULL),
                        file_of("b", COUNTS("0", "7"), COUNTS("0", "5"), NULL), &e));
    ck_assert_ok(bench_contrast(&c, &doc, &e));
    const struct json *pair = json_at(json_get(doc, "pairs"), 0), *all = json_get(pair, "figures");
    const struct json *last = json_at(all, json_len(all) - 1);
    ck_assert_uint_eq(json_len(all), 3 + BENCH_QUANTILES + 1);
    ck_assert(span_eq(json_str(json_get(last, "figure")), span_str("lost")));
    ck_assert_double_eq(json_double(json_get(last, "b_median"), 0), 6);
    ck_assert_ptr_nonnull(strstr(joined(json_get(pair, "notes")),
                                 "B has lost records, up to 7 a run, and A has none"));
    json_free(doc);
    tear_down();
}
END_TEST

START_TEST(work_reads_as_a_line)
{
    char text[200], tiny[9];
    struct err e;
    struct json *j = json_parse(result(8, 1, 1), strlen(result(8, 1, 1)), &e);
    bench_settings_text(j, text, sizeof text);
    ck_assert_str_eq(text, "produce, 256 bytes a record, 8 clients, acks all");
    bench_settings_text(j, tiny, sizeof tiny);
    ck_assert_str_eq(tiny, "produce,");
    json_free(j);
}
END_TEST

UNIT_MAIN(results_stand_in_a_row_or_in_arrays, what_is_no_result_is_refused,
          runs_that_measured_nothing_are_refused, like_is_paired_with_like,
          unlike_work_is_refused_by_what_differs, figures_have_one_table_by_both_names,
          medians_and_ranges_decide_what_is_claimed, conditions_are_about_changes_or_bounds,
          what_is_no_condition_is_refused, notes_say_what_weakens_a_comparison,
          a_condition_on_what_nobody_told_is_an_error, sides_measured_one_after_the_other_are_noted,
          settings_that_leave_the_load_as_it_is_are_noted,
          faults_of_b_alone_are_not_good_until_a_condition_allows_them,
          faults_are_told_where_there_are_any, work_reads_as_a_line)
