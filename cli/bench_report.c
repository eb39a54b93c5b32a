#include "cli/bench_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/bench_env.h"

static const char *const mode_names[] = {"produce",  "consume", "round-trip",
                                         "metadata", "disk",    "durability"};

static const char *acks_name(int acks)
{
    return acks == 0 ? "0" : acks == 1 ? "1" : "all";
}

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

/* What was asked for, as far as it shapes the load. */
static void put_load(struct json *j, const struct bench_result *r)
{
    const struct bench_options *o = r->opt;
    bool writes = o->mode == BENCH_PRODUCE || o->mode == BENCH_ROUND_TRIP;
    json_set_int(j, "message_size", writes || r->disk_path ? o->message_size : 0);
    json_set_int(j, "concurrency", o->clients);
    json_set_str(j, "acks", acks_name(o->acks));
    json_set_str(j, "compression", batch_codec_name((enum batch_codec)o->codec));
    json_set_int(j, "partitions", r->b ? (int64_t)r->b->n_parts : 0);
    json_set_int(j, "batch_size", writes ? o->batch_records : 0);
    json_set_int(j, "in_flight", o->in_flight);
    json_set_int(j, "rate_limit", o->rate);
    json_set_bool(j, "open_loop", o->rate > 0);
    json_set_int(j, "linger_ms", o->linger_ms);
    json_set_bool(j, "idempotent", o->idempotent);
    json_set_int(j, "threads", r->threads);
    if (!r->disk_path)
        return;
    json_set_str(j, "path", r->disk_path);
    json_set_int(j, "write_size", r->disk_write);
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

struct json *bench_report(const struct bench_result *r)
{
    struct json *j = json_new_object();
    const struct bench_stats *s = r->stats;
    uint64_t all = r->records + s->failed_records;
    json_set_str(j, "mode", mode_names[r->opt->mode]);
    json_set_str(j, "topic", r->b ? r->opt->topic : NULL);
    json_set_real(j, "duration_secs", (double)r->elapsed_ns / 1e9);
    set_count(j, "total_messages", r->records);
    set_count(j, "failed_messages", s->failed_records);
    set_count(j, "total_bytes", r->bytes);
    json_set_real(j, "throughput_msg_per_sec", per_second(r->records, r->elapsed_ns));
    json_set_real(j, "throughput_mb_per_sec", per_second(r->bytes, r->elapsed_ns) / 1e6);
    json_set_real(j, "success_rate_pct", all ? 100 * (double)r->records / (double)all : 0);
    json_set(j, "latency_us", bench_latency_json(r->latency));
    for (size_t i = 0; i < sizeof r->more / sizeof *r->more && r->more[i].name; i++) {
        char key[40];
        snprintf(key, sizeof key, "%s_us", r->more[i].name);
        json_set(j, key, bench_latency_json(r->more[i].ns));
    }
    put_load(j, r);
    put_checks(j, r);
    set_count(j, "total_requests", s->requests);
    set_count(j, "failed_requests", s->failed_requests);
    set_count(j, "warmup_messages", s->warmup_records);
    json_set_real(j, "bench_cpu_secs", bench_env_cpu_secs());
    json_set(j, "environment", environment(r));
    return j;
}

/* ---- CSV: the same without what is nested too deep ---- */

struct flat {
    struct json *out;
    const char *prefix; /* "latency_us": its p50 becomes latency_p50_us */
};

static struct json *copy_scalar(const struct json *v)
{
    switch (json_type_of(v)) {
    case JSON_T_INT:
        return json_new_int(json_int(v, 0));
    case JSON_T_REAL:
        return json_new_real(json_double(v, 0));
    case JSON_T_BOOL:
        return json_new_bool(json_bool(v, false));
    case JSON_T_STR:
        return json_new_str(json_str(v));
    default:
        return json_new_null();
    }
}

static int flatten(void *ctx, const char *key, const struct json *v)
{
    struct flat *f = ctx;
    char name[80];
    if (json_type_of(v) == JSON_T_OBJECT) {
        size_t n = strlen(key);
        struct flat inner = {f->out, key};
        return n > 3 && !strcmp(key + n - 3, "_us") ? json_each(v, flatten, &inner) : 0;
    }
    snprintf(name, sizeof name, "%s", key);
    if (f->prefix)
        snprintf(name, sizeof name, "%.*s_%s_us", (int)strlen(f->prefix) - 3, f->prefix, key);
    json_set(f->out, name, copy_scalar(v));
    return 0;
}

static int write_csv(const struct json *report, FILE *out, bool header)
{
    struct flat f = {json_new_object(), NULL};
    json_set(f.out, "timestamp", copy_scalar(json_get(json_get(report, "environment"), "time")));
    json_each(report, flatten, &f);
    return out_single(out, OUT_CSV, header, f.out);
}

/* ---- text ---- */

static double real_of(const struct json *j, const char *key)
{
    return json_double(json_get(j, key), 0);
}

static long long int_of(const struct json *j, const char *key)
{
    return (long long)json_int(json_get(j, key), 0);
}

static void print_str(const struct json *j, const char *key, const char *label, FILE *out)
{
    struct span s = json_str(json_get(j, key));
    if (s.p)
        fprintf(out, "%-13s %.*s\n", label, (int)s.n, (const char *)s.p);
}

static void print_load(const struct json *j, FILE *out)
{
    struct span acks = json_str(json_get(j, "acks")), codec = json_str(json_get(j, "compression"));
    fprintf(out, "%-13s %lld clients on %lld threads, ", "load", int_of(j, "concurrency"),
            int_of(j, "threads"));
    if (json_bool(json_get(j, "open_loop"), false))
        fprintf(out, "open loop, %lld records/s due\n", int_of(j, "rate_limit"));
    else
        fprintf(out, "closed loop, %lld in flight each\n", int_of(j, "in_flight"));
    if (int_of(j, "batch_size"))
        fprintf(out,
                "%-13s %lld records of %lld bytes, acks %.*s, compression %.*s, %lld partitions\n",
                "requests", int_of(j, "batch_size"), int_of(j, "message_size"), (int)acks.n,
                (const char *)acks.p, (int)codec.n, (const char *)codec.p, int_of(j, "partitions"));
}

static void print_timing(const struct json *j, const char *key, const char *label, FILE *out)
{
    const struct json *t = json_get(j, key);
    if (!t)
        return;
    fprintf(out, "%-13s", label);
    for (int i = 0; i < BENCH_QUANTILES; i++)
        fprintf(out, " %10.1f", real_of(t, bench_quantiles[i].name));
    fputc('\n', out);
}

static void print_timings(const struct json *j, FILE *out)
{
    static const char *const keys[][2] = {{"latency_us", "latency"}, {"service_us", "service"},
                                          {"ack_latency_us", "ack"}, {"create_us", "create"},
                                          {"delete_us", "delete"},   {"fetch_us", "fetch"}};
    fprintf(out, "%-13s", "microseconds");
    for (int i = 0; i < BENCH_QUANTILES; i++)
        fprintf(out, " %10s", bench_quantiles[i].name);
    fputc('\n', out);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        print_timing(j, keys[i][0], keys[i][1], out);
}

static void print_checks(const struct json *j, FILE *out)
{
    if (json_bool(json_get(j, "validated"), false))
        fprintf(out,
                "%-13s %lld records read back: %lld lost, %lld duplicated, %lld reordered, %lld "
                "altered\n",
                "check", int_of(j, "read_back"), int_of(j, "lost"), int_of(j, "duplicated"),
                int_of(j, "reordered"), int_of(j, "altered"));
    if (int_of(j, "bad_offsets"))
        fprintf(out, "%-13s %lld acknowledgements with an offset that cannot be\n", "",
                int_of(j, "bad_offsets"));
}

static void print_environment(const struct json *j, FILE *out)
{
    const struct json *env = json_get(j, "environment");
    struct span cpu = json_str(json_get(env, "cpu")), kernel = json_str(json_get(env, "kernel"));
    fprintf(out, "%-13s %.2f s of processor time\n", "bench", real_of(j, "bench_cpu_secs"));
    fprintf(out, "%-13s %.*s, %lld cores, %.*s\n", "machine", (int)cpu.n, (const char *)cpu.p,
            int_of(env, "cores"), (int)kernel.n, (const char *)kernel.p);
    print_str(env, "bootstrap_server", "broker", out);
    print_str(env, "broker_features", "", out);
}

static void print_text(const struct json *j, FILE *out)
{
    bool disk = json_str(json_get(j, "path")).p != NULL;
    print_str(j, "mode", "mode", out);
    print_str(j, "topic", "topic", out);
    print_str(j, "path", "file", out);
    if (disk)
        fprintf(out, "%-13s %lld bytes and a sync each, one after the other\n", "writes",
                int_of(j, "write_size"));
    else
        print_load(j, out);
    fprintf(out, "%-13s %.3f s", "time", real_of(j, "duration_secs"));
    if (int_of(j, "warmup_messages"))
        fprintf(out, ", after %lld records of warm-up", int_of(j, "warmup_messages"));
    fprintf(out, "\n%-13s %lld in %lld requests, %lld failed (%.2f %% well)\n",
            disk ? "writes" : "records", int_of(j, "total_messages"), int_of(j, "total_requests"),
            int_of(j, "failed_messages"), real_of(j, "success_rate_pct"));
    fprintf(out, "%-13s %.1f/s, %.3f MB/s\n", "throughput", real_of(j, "throughput_msg_per_sec"),
            real_of(j, "throughput_mb_per_sec"));
    print_timings(j, out);
    print_checks(j, out);
    print_environment(j, out);
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
    return write_csv(report, f, st.st_size == 0);
}

int bench_report_write(const struct bench_options *o, const struct json *report, struct err *e)
{
    int rc = to_file(o->json_path, "we", report, json_file, e);
    if (!rc)
        rc = to_file(o->csv_path, "ae", report, csv_file, e);
    if (rc)
        return rc;
    switch ((enum out_format)o->common.format) {
    case OUT_JSON:
        rc = json_file(report, stdout);
        break;
    case OUT_JSONL:
        rc = json_write(report, stdout, 0);
        fputc('\n', stdout);
        break;
    case OUT_CSV:
        rc = write_csv(report, stdout, !o->common.no_header);
        break;
    default:
        print_text(report, stdout);
        break;
    }
    return rc ? err_code(e, rc, "standard output") : 0;
}
