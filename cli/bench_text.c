/* bench_text.c - the report as text for people. */
#include <stdio.h>

#include "cli/bench_report.h"

static double real_of(const struct json *j, const char *key)
{
    return json_double(json_get(j, key), 0);
}

static long long int_of(const struct json *j, const char *key)
{
    return (long long)json_int(json_get(j, key), 0);
}

static bool is_number(const struct json *j, const char *key)
{
    return json_type_of(json_get(j, key)) == JSON_T_REAL;
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

static void print_writes(const struct json *j, FILE *out)
{
    fprintf(out, "%-13s %lld bytes and a sync each, one after the other", "writes",
            int_of(j, "write_size"));
    if (json_bool(json_get(j, "open_loop"), false))
        fprintf(out, ", %lld/s due", int_of(j, "rate_limit"));
    fputc('\n', out);
}

static void print_timing(const struct json *j, const char *key, const char *label, FILE *out)
{
    const struct json *t = json_get(j, key);
    if (!t)
        return;
    fprintf(out, "%-13s", label);
    for (int i = 0; i < BENCH_QUANTILES; i++) {
        const char *name = bench_quantiles[i].name;
        if (is_number(t, name))
            fprintf(out, " %10.1f", real_of(t, name));
        else
            fprintf(out, " %10s", "-");
    }
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

/* What the generator itself took. */
static void print_bench(const struct json *j, FILE *out)
{
    struct span how = json_str(json_get(j, "bench_ceiling"));
    if (!is_number(j, "bench_cpu_pct"))
        return;
    fprintf(out, "%-13s %.0f %% of a core (%.2f s user, %.2f s system)", "bench",
            real_of(j, "bench_cpu_pct"), real_of(j, "bench_cpu_user_secs"),
            real_of(j, "bench_cpu_sys_secs"));
    if (is_number(j, "bench_cpu_us_per_request"))
        fprintf(out, ", %.1f us a request", real_of(j, "bench_cpu_us_per_request"));
    if (is_number(j, "bench_busiest_thread_pct"))
        fprintf(out, ", busiest thread %.0f %% busy", real_of(j, "bench_busiest_thread_pct"));
    if (is_number(j, "bench_busiest_wait_pct"))
        fprintf(out, " and waiting for a processor %.0f %%", real_of(j, "bench_busiest_wait_pct"));
    fputc('\n', out);
    if (how.p)
        fprintf(out, "%-13s %.0f records/s is what it could drive (%.*s)\n", "",
                real_of(j, "bench_ceiling_msg_per_sec"), (int)how.n, (const char *)how.p);
}

static void print_schedule(const struct json *j, FILE *out)
{
    const struct json *lag = json_get(j, "schedule_lag_us");
    if (lag && is_number(lag, "max"))
        fprintf(out, "%-13s requests begun late by p50 %.1f, p99 %.1f, max %.1f us; %lld queued\n",
                "schedule", real_of(lag, "p50"), real_of(lag, "p99"), real_of(lag, "max"),
                int_of(j, "queued_requests"));
}

static void print_warnings(const struct json *j, FILE *out)
{
    const struct json *all = json_get(j, "warnings");
    for (size_t i = 0; i < json_len(all); i++) {
        struct span s = json_str(json_at(all, i));
        fprintf(out, "%-13s %.*s\n", "warning", (int)s.n, (const char *)s.p);
    }
}

static void print_environment(const struct json *j, FILE *out)
{
    const struct json *env = json_get(j, "environment");
    struct span cpu = json_str(json_get(env, "cpu")), kernel = json_str(json_get(env, "kernel"));
    fprintf(out, "%-13s %.*s, %lld cores, %.*s\n", "machine", (int)cpu.n, (const char *)cpu.p,
            int_of(env, "cores"), (int)kernel.n, (const char *)kernel.p);
    print_str(env, "bootstrap_server", "broker", out);
    print_str(env, "broker_features", "", out);
}

void bench_text(const struct json *j, FILE *out)
{
    bool disk = json_str(json_get(j, "path")).p != NULL;
    print_str(j, "mode", "mode", out);
    print_str(j, "topic", "topic", out);
    print_str(j, "path", "file", out);
    print_str(j, "sync_method", "synced by", out);
    if (disk)
        print_writes(j, out);
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
    print_schedule(j, out);
    print_bench(j, out);
    print_environment(j, out);
    print_warnings(j, out);
}
