#include "cli/bench_csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/bench_step.h"

/* What only some runs tell has its columns at the end of every row. */
static const char *const optional_timings[] = {"service_us", "ack_latency_us", "create_us",
                                               "delete_us", "schedule_lag_us"};
static const char *const optional_values[] = {"queued_requests"};
enum {
    TIMINGS = sizeof optional_timings / sizeof *optional_timings,
    VALUES = sizeof optional_values / sizeof *optional_values
};

static bool is_one_of(const char *const *names, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(names[i], key))
            return true;
    return false;
}

/* "latency_us": its p50 becomes latency_p50_us. */
static void put_timing(struct json *row, const char *key, const struct json *timing)
{
    char name[80];
    for (int i = 0; i < BENCH_QUANTILES; i++) {
        const char *quantile = bench_quantiles[i].name;
        const struct json *v = json_get(timing, quantile);
        snprintf(name, sizeof name, "%.*s_%s_us", (int)strlen(key) - 3, key, quantile);
        json_set(row, name, v ? json_clone(v) : json_new_null());
    }
}

static int put_field(void *ctx, const char *key, const struct json *v)
{
    struct json *row = ctx;
    enum json_type type = json_type_of(v);
    size_t n = strlen(key);
    if (is_one_of(optional_timings, TIMINGS, key) || is_one_of(optional_values, VALUES, key))
        return 0;
    if (type == JSON_T_OBJECT && n > 3 && !strcmp(key + n - 3, "_us"))
        put_timing(row, key, v);
    else if (type < JSON_T_ARRAY)
        json_set(row, key, json_clone(v));
    return 0;
}

int bench_csv_write(const struct json *report, FILE *out, bool header)
{
    struct json *row = json_new_object();
    json_set(row, "timestamp", json_clone(json_get(json_get(report, "environment"), "time")));
    json_each(report, put_field, row);
    for (size_t i = 0; i < TIMINGS; i++)
        put_timing(row, optional_timings[i], json_get(report, optional_timings[i]));
    for (size_t i = 0; i < VALUES; i++) {
        const struct json *v = json_get(report, optional_values[i]);
        json_set(row, optional_values[i], v ? json_clone(v) : json_new_null());
    }
    return out_single(out, OUT_CSV, header, row);
}

/* ---- does a file take them? ---- */

/* The header comes of a run in which nothing happened. */
static int write_header_of_run(const struct bench_options *o, FILE *out)
{
    struct bench_stats *stats = calloc(1, sizeof *stats);
    if (!stats)
        return -ENOMEM;
    bench_stats_init(stats);
    const struct bench_result r = {.opt = o, .stats = stats, .latency = &stats->latency};
    struct json *report = bench_report(&r);
    int rc = report ? bench_csv_write(report, out, true) : -ENOMEM;
    json_free(report);
    free(stats);
    return rc;
}

static int write_header(const struct bench_options *o, FILE *out)
{
    if (o->ramp || o->find_max)
        return out_free(step_rows(out, OUT_CSV, true, o->find_max));
    return write_header_of_run(o, out);
}

/* The line that rows have to stand behind, with its newline. NULL: out of memory. */
static char *header_of(const struct bench_options *o)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    int rc = f ? write_header(o, f) : -ENOMEM;
    if ((f && fclose(f)) || rc || !text) {
        free(text);
        return NULL;
    }
    text[strcspn(text, "\n") + 1] = 0;
    return text;
}

static int compare_first_line(FILE *f, const struct bench_options *o)
{
    char *want = header_of(o), *line = NULL;
    size_t size = 0;
    struct err e;
    int status = CLI_OK;
    if (!want) {
        err_code(&e, -ENOMEM, "%s", o->csv_path);
        return (int)cli_fail(&e);
    }
    ssize_t n = getline(&line, &size, f);
    if (n > 0 && strcmp(line, want) != 0)
        status = (int)cli_misuse(
            "--csv-output %s: the file has other columns than %s; name another", o->csv_path,
            o->ramp       ? "the rows of a ramp"
            : o->find_max ? "the rows of a search"
                          : "the row of a run");
    free(line);
    free(want);
    return status;
}

/* Of what is no file, a pipe say, nothing may be read. */
int bench_csv_check(const struct bench_options *o)
{
    struct stat st;
    if (!o->csv_path || stat(o->csv_path, &st) || !S_ISREG(st.st_mode) || !st.st_size)
        return CLI_OK;
    FILE *f = fopen(o->csv_path, "re");
    struct err e;
    if (!f) {
        err_code(&e, -errno, "%s", o->csv_path);
        return (int)cli_fail(&e);
    }
    int status = compare_first_line(f, o);
    fclose(f);
    return status;
}
