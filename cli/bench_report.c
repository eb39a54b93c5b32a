#include "cli/bench_report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/bench_caveats.h"
#include "cli/bench_csv.h"
#include "cli/bench_env.h"
#include "cli/bench_figure.h"
#include "cli/bench_page.h"
#include "cli/bench_setting.h"

static double per_second(uint64_t n, int64_t ns)
{
    return ns > 0 ? (double)n * 1e9 / (double)ns : 0;
}

static void set_count(struct json *j, const char *key, uint64_t v)
{
    json_set_int(j, key, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

static struct json *environment(const struct bench_result *r)
{
    struct bench_env env;
    struct json *j = json_new_object();
    bench_env_read(&env);
    json_set_str(j, "time", env.time);
    json_set_str(j, "command", r->opt->command_line);
    json_set_str(j, "chronik_version", CHRONIK_VERSION);
    json_set_str(j, "cpu", env.cpu);
    json_set_int(j, "cores", env.cores);
    json_set_int(j, "memory_bytes", env.memory);
    json_set_str(j, "kernel", env.kernel);
    json_set_str(j, "bootstrap_server", r->b ? r->opt->common.bootstrap : NULL);
    json_set_str(j, "cluster_id", r->b ? r->b->cluster_id : NULL);
    json_set(j, "brokers", r->b ? json_new_int((int64_t)r->b->n_brokers) : json_new_null());
    json_set_str(j, "broker_features", r->b ? r->b->broker_features : NULL);
    return j;
}

static void put_checks(struct json *j, const struct bench_result *r)
{
    static const struct check_counts none;
    const struct check_counts *c = r->checked ? r->checked : &none;
    const struct {
        const char *name;
        uint64_t v;
    } rows[] = {{"lost", c->lost},       {"duplicated", c->duplicated}, {"reordered", c->reordered},
                {"altered", c->altered}, {"foreign", c->foreign},       {"read_back", c->records}};
    json_set_bool(j, "validated", r->checked != NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (r->checked)
            set_count(j, rows[i].name, rows[i].v);
        else
            json_set(j, rows[i].name, json_new_null());
    }
    set_count(j, "bad_offsets", r->bad_offsets);
}

double bench_result_ceiling(const struct bench_result *r)
{
    if (r->ceiling > 0)
        return r->ceiling;
    double taken = bench_cost_taken(&r->cost);
    return r->cost.busiest > 0 ? per_second(r->records, r->elapsed_ns) / taken : 0;
}

/* What the generator itself took, and how much more it could have driven. */
static void put_cost(struct json *j, const struct bench_result *r)
{
    const struct bench_cost *c = &r->cost;
    double ceiling = bench_result_ceiling(r);
    uint64_t requests = bench_result_load(r)->requests;
    const struct {
        const char *name;
        bool known;
        double v;
    } rows[] = {
        {"bench_cpu_user_secs", c->wall_ns > 0, (double)c->user_ns / 1e9},
        {"bench_cpu_sys_secs", c->wall_ns > 0, (double)c->sys_ns / 1e9},
        {"bench_cpu_pct", c->wall_ns > 0, round(bench_cost_cores(c) * 1000) / 10},
        {"bench_cpu_us_per_request", c->wall_ns > 0 && requests,
         requests ? round((double)(c->user_ns + c->sys_ns) / (double)requests / 10) / 100 : 0},
        {"bench_busiest_thread_pct", c->busiest >= 0, round(c->busiest * 1000) / 10},
        {"bench_busiest_wait_pct", c->waiting >= 0, round(c->waiting * 1000) / 10},
        {"bench_ceiling_msg_per_sec", ceiling > 0, round(ceiling)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        json_set(j, rows[i].name, rows[i].known ? json_new_real(rows[i].v) : json_new_null());
    json_set_str(j, "bench_ceiling",
                 r->ceiling > 0 ? "measured"
                 : ceiling > 0  ? "estimated"
                                : NULL);
}

static void put_schedule(struct json *j, const struct pace_stats *p)
{
    json_set(j, "schedule_lag_us", bench_latency_json(&p->late));
    set_count(j, "queued_requests", p->no_room);
}

struct json *bench_report_about(const struct bench_result *r)
{
    struct json *j = json_new_object();
    bench_settings_put(j, r);
    json_set(j, "environment", environment(r));
    return j;
}

struct json *bench_report(const struct bench_result *r)
{
    struct json *j = json_new_object();
    const struct bench_stats *s = bench_result_load(r);
    uint64_t all = s->records + s->failed_records;
    bench_settings_put(j, r);
    json_set_real(j, "duration_secs", (double)r->elapsed_ns / 1e9);
    set_count(j, "total_messages", r->records);
    set_count(j, "failed_messages", s->failed_records);
    set_count(j, "total_bytes", r->bytes);
    bench_figures_put(j, r);
    json_set_real(j, "success_rate_pct", all ? 100 * (double)s->records / (double)all : 0);
    json_set(j, "latency_us", bench_latency_json(r->latency));
    for (size_t i = 0; i < sizeof r->more / sizeof *r->more && r->more[i].name; i++) {
        char key[40];
        snprintf(key, sizeof key, "%s_us", r->more[i].name);
        json_set(j, key, bench_latency_json(r->more[i].ns));
    }
    put_checks(j, r);
    set_count(j, "total_requests", s->requests);
    set_count(j, "failed_requests", s->failed_requests);
    set_count(j, "retried_requests", s->retried_requests);
    set_count(j, "warmup_messages", r->stats->warmup_records);
    json_set_real(j, "bench_cpu_secs", bench_env_cpu_secs());
    put_cost(j, r);
    if (r->paced)
        put_schedule(j, r->paced);
    json_set(j, "warnings", bench_caveats(r));
    json_set(j, "latency_curve_us", bench_curve_json(r->latency));
    if (r->series)
        json_set(j, "series", series_json(r->series));
    json_set(j, "environment", environment(r));
    return j;
}

/* ---- where it goes ---- */

static int to_file(const char *path, const char *how, const struct json *report,
                   int (*write)(const struct json *, FILE *), struct err *e)
{
    if (!path)
        return 0;
    errno = 0;
    FILE *f = fopen(path, how);
    int rc = f ? write(report, f) : -errno;
    if (f && fclose(f) && !rc)
        rc = errno ? -errno : -EIO;
    return rc ? err_code(e, rc, "%s", path) : 0;
}

static int json_file(const struct json *report, FILE *f)
{
    int rc = json_write(report, f, 2);
    fputc('\n', f);
    return rc ? rc : ferror(f) ? -EIO : 0;
}

/* A row is added to what is there; a new file gets the header first. */
static int csv_file(const struct json *report, FILE *f)
{
    struct stat st;
    if (fstat(fileno(f), &st))
        return -errno;
    return bench_csv_write(report, f, st.st_size == 0);
}

/* What the text tells in its place. */
static void say_warnings(const struct json *report)
{
    const struct json *all = json_get(report, "warnings");
    for (size_t i = 0; i < json_len(all); i++) {
        struct span s = json_str(json_at(all, i));
        cli_warn("%.*s", (int)s.n, (const char *)s.p);
    }
}

/* A file that is there stays as it is; so does what is none, a pipe, say. */
static int check_file(const char *path, struct err *e)
{
    struct stat st;
    if (!path)
        return 0;
    bool there = stat(path, &st) == 0;
    if (there && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return 0;
    FILE *f = fopen(path, "ae");
    if (!f)
        return err_code(e, -errno, "%s", path);
    fclose(f);
    if (!there)
        unlink(path);
    return 0;
}

int bench_report_check(const struct bench_options *o, struct err *e)
{
    const char *paths[] = {o->json_path, o->csv_path, o->html_path};
    int rc = 0;
    for (size_t i = 0; i < sizeof paths / sizeof *paths && !rc; i++)
        rc = check_file(paths[i], e);
    return rc;
}

/* Of several attempts the first failure is told. */
static int first_of(int rc, struct err *e, int later, const struct err *why)
{
    if (rc || !later)
        return rc;
    *e = *why;
    return later;
}

static int to_stdout(const struct bench_options *o, const struct json *report, struct err *e)
{
    int rc = 0;
    switch ((enum out_format)o->common.format) {
    case OUT_JSON:
        rc = json_file(report, stdout);
        break;
    case OUT_JSONL:
        rc = json_write(report, stdout, 0);
        fputc('\n', stdout);
        break;
    case OUT_CSV:
        rc = bench_csv_write(report, stdout, !o->common.no_header);
        break;
    default:
        bench_text(report, stdout);
        break;
    }
    return rc ? err_code(e, rc, "standard output") : 0;
}

static int page(const struct bench_options *o, const struct json *j, struct err *e)
{
    return o->html_path ? bench_page_run(o->html_path, j, e) : 0;
}

int bench_report_write(const struct bench_options *o, const struct json *report, struct err *e)
{
    struct err why;
    if (o->common.format != OUT_TEXT)
        say_warnings(report);
    int rc = to_stdout(o, report, e);
    rc = first_of(rc, e, to_file(o->json_path, "we", report, json_file, &why), &why);
    rc = first_of(rc, e, to_file(o->csv_path, "ae", report, csv_file, &why), &why);
    return first_of(rc, e, page(o, report, &why), &why);
}

int bench_report_document(const struct bench_options *o, const struct json *j, struct err *e)
{
    struct err why;
    bool wanted = (enum out_format)o->common.format == OUT_JSON;
    int rc = wanted ? to_stdout(o, j, e) : 0;
    rc = first_of(rc, e, to_file(o->json_path, "we", j, json_file, &why), &why);
    return first_of(rc, e, page(o, j, &why), &why);
}
