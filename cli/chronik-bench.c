/* chronik-bench: put load on a broker, time it honestly, and check what became of it. See bench.h
 * for a tour. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "batch/codec.h"
#include "cli/bench_acked.h"
#include "cli/bench_ceiling.h"
#include "cli/bench_compare.h"
#include "cli/bench_csv.h"
#include "cli/bench_disk.h"
#include "cli/bench_durability.h"
#include "cli/bench_find.h"
#include "cli/bench_opt.h"
#include "cli/bench_outcome.h"
#include "cli/bench_ramp.h"
#include "cli/bench_report.h"
#include "cli/bench_session.h"

static int bench(void *values, const struct opt_args *args);

static const struct opt_command commands[] = {
    [BENCH_RUN] = {NULL, "[MODE]", 0, 1, "put load on a broker", OPT_FILL_NONE, bench,
                   .words = bench_modes},
    [BENCH_COMPARE] = {"compare", "A B", 2, 2, "compare the results of two files, like with like",
                       OPT_FILL_FILE, bench_compare, .own_options = true},
};

/* The command line as one text, for the report. */
static char *join(int argc, char **argv)
{
    struct wr w;
    wr_init(&w, 0);
    for (int i = 0; i < argc; i++) {
        wr_bytes(&w, i ? " " : "", i ? 1 : 0);
        wr_bytes(&w, argv[i], strlen(argv[i]));
    }
    wr_u8(&w, 0);
    return w.err ? NULL : (char *)w.buf;
}

int main(int argc, char **argv)
{
    const struct opt_program program = {
        "chronik-bench",
        "Put load on a Kafka-compatible broker, time it, and check what became of it.",
        bench_opts,
        n_bench_opts,
        OPT_COMMANDS(commands),
        codec_load};
    struct bench_options o = bench_options_default();
    o.command_line = join(argc, argv);
    int status = cli_main(&program, argc, argv, &o, &o.common);
    free(o.command_line);
    return status;
}

static int report(const struct bench_result *r, int status)
{
    struct err e;
    struct json *j = bench_report(r);
    int rc = j ? bench_report_write(r->opt, j, &e) : err_code(&e, -ENOMEM, "report");
    json_free(j);
    if (rc)
        return outcome_worse(status, (int)cli_fail(&e));
    if (status == CLI_OK && !r->latency->count) {
        cli_error("nothing was measured");
        return CLI_FAILED;
    }
    return status;
}

/* ---- the modes ---- */

static int load_broker(struct bench_options *o)
{
    struct bench_session s;
    struct err e;
    int rc = session_execute(&s, o, &e), status = rc ? (int)cli_fail(&e) : CLI_OK;
    if (s.loaded) { /* what failed behind it takes nothing from it */
        struct bench_result r = outcome_result(&s);
        r.behind = rc ? e.text : NULL;
        status = outcome_worse(outcome_status(&s), status);
        struct err why;
        if (o->ceiling && !rc && !r.interrupted &&
            bench_ceiling(o, (uint32_t)s.b.n_parts, &r.ceiling, &why))
            status = outcome_worse(status, (int)cli_fail(&why));
        status = report(&r, status);
    }
    session_release(&s);
    return status;
}

static int load_disk(const struct bench_options *o)
{
    struct disk_result *d = calloc(1, sizeof *d);
    struct err e;
    int rc = d ? disk_execute(o, d, &e) : err_code(&e, -ENOMEM, "histogram"), status;
    if (rc) {
        status = (int)cli_fail(&e);
    } else {
        struct bench_result r = {.opt = o,
                                 .stats = &d->stats,
                                 .latency = &d->stats.latency,
                                 .more = {{"service", &d->stats.service}},
                                 .elapsed_ns = d->elapsed_ns,
                                 .records = d->stats.records,
                                 .bytes = d->stats.bytes,
                                 .threads = 1,
                                 .disk_path = d->path,
                                 .disk_sync = d->sync_method,
                                 .disk_write = d->write_size,
                                 .disk_file_size = d->file_size,
                                 .cost = d->cost,
                                 .interrupted = d->interrupted};
        int whole = d->stats.failed_records ? CLI_FAILED : CLI_OK;
        status = report(&r, d->interrupted ? CLI_INTERRUPTED : whole);
    }
    free(d);
    return status;
}

/* ---- checking an ack log ---- */

/* The topic all runs of the log are about. */
static int topic_of(const struct acklog *log, struct bench_options *o, bool given, struct err *e)
{
    if (!log->n_runs)
        return err_set(e, ERR_MALFORMED, "%s: no run is in it", o->check_ack_log);
    if (!given)
        o->topic = log->runs[0].topic;
    for (size_t i = 0; i < log->n_runs; i++)
        if (strcmp(log->runs[i].topic, o->topic) != 0)
            return err_set(e, ERR_INVALID,
                           "%s: it has a run on topic %s beside those on %s: one log, one topic",
                           o->check_ack_log, log->runs[i].topic, o->topic);
    return 0;
}

static int print_verdict(const struct bench_options *o, const struct ack_verdict *v)
{
    struct json *j = json_new_object();
    const struct {
        const char *name;
        uint64_t v;
    } rows[] = {{"runs", v->runs},
                {"batches", v->batches},
                {"records", v->records},
                {"found", v->found},
                {"lost", v->lost},
                {"altered", v->altered},
                {"duplicated", v->duplicated},
                {"reordered", v->reordered}};
    json_set_str(j, "file", o->check_ack_log);
    json_set_str(j, "topic", o->topic);
    bool good = !v->lost && !v->altered && !v->duplicated && !v->reordered;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        json_set_int(j, rows[i].name, (int64_t)rows[i].v);
    json_set_bool(j, "good", good);
    int rc = out_single(stdout, (enum out_format)o->common.format, !o->common.no_header, j);
    if (rc)
        return CLI_FAILED; /* cli_main tells that standard output is broken */
    if (!good)
        cli_error("%s: the check failed: %llu lost, %llu altered, %llu duplicated, %llu reordered",
                  o->check_ack_log, (unsigned long long)v->lost, (unsigned long long)v->altered,
                  (unsigned long long)v->duplicated, (unsigned long long)v->reordered);
    return good ? CLI_OK : CLI_CHECK;
}

static int check_ack_log(struct bench_options *o, bool topic_given)
{
    struct acklog log;
    struct ack_verdict v;
    struct err e;
    int rc = acklog_read(&log, o->check_ack_log, &e);
    if (!rc)
        rc = topic_of(&log, o, topic_given, &e);
    if (!rc) {
        acklog_sort(&log);
        rc = bench_acked_check(o, &log, &v, &e);
    }
    int status = rc ? (int)cli_fail(&e) : print_verdict(o, &v);
    acklog_release(&log);
    return status;
}

static int bench(void *values, const struct opt_args *args)
{
    struct bench_options *o = values;
    int status = bench_options_check(o, args);
    if (!status)
        status = bench_csv_check(o);
    struct err e;
    if (!status && bench_report_check(o, &e))
        status = (int)cli_fail(&e);
    if (status)
        return status;
    if (o->check_ack_log)
        return check_ack_log(o, opt_given(args, "topic"));
    if (o->mode == BENCH_DURABILITY)
        return bench_durability(o);
    if (o->ramp)
        return bench_ramp(o);
    if (o->find_max)
        return bench_find(o);
    return o->mode == BENCH_DISK ? load_disk(o) : load_broker(o);
}
