/* bench_durability.c - see bench_durability.h. The load runs on the main thread, as in mode
 * produce; a second thread kills the broker, starts it again, and ends the load. */
#include "cli/bench_durability.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "cli/bench_acked.h"
#include "cli/bench_outcome.h"
#include "cli/bench_process.h"
#include "cli/bench_session.h"
#include "cli/bench_setup.h"

enum {
    LOOK_US = 10000,
    GONE_MS = 10000,   /* at most, for a killed broker to be gone */
    REST_MS = 500,     /* load after the broker is back */
    END_MS = 10000,    /* how long the broker that was started here may take to stop in the end */
    PROBE_MS = 2000,   /* of one try to reach the broker */
    KILLER_MS = 60000, /* of the command that kills */
};

struct cycle {
    int64_t number;
    int64_t kill_ms;  /* after the first acknowledgement */
    int64_t down_ms;  /* from the kill until it served again */
    struct err error; /* what went wrong beside the verdict; code 0: nothing */
    bool judged;      /* all it wrote was read back */
    struct ack_verdict found;
};

struct durability {
    struct bench_options *o;
    uint64_t seed, random;
    char own_log[IO_PATH_MAX]; /* the ack log, if it is a temporary file */
    struct process broker;
    struct cycle *cycles;
    size_t n;
    struct ack_verdict all; /* of what was judged */
    struct out *rows;
};

/* ---- chance: splitmix64 */

static uint64_t draw(struct durability *d)
{
    uint64_t z = d->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* ---- interruption, outside of the load, which has its own way */

static atomic_bool interrupted; /* set by a handler, and by the load's thread for the injector */

static void on_signal(int number)
{
    (void)number;
    interrupted = true;
}

static void catch_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
}

/* ---- the broker */

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

/* One try to be answered. */
static int probe(const struct durability *d, struct err *e)
{
    struct bench_options o = *d->o;
    struct bench b;
    if (o.common.timeout_ms > PROBE_MS)
        o.common.timeout_ms = PROBE_MS;
    int rc = bench_setup(&b, &o, false, e);
    bench_release(&b);
    return rc;
}

/* Until the broker answers. A command that fails will not bring that about; one that ends well may
 * have left the broker in the background. */
static int wait_ready(struct durability *d, struct err *e)
{
    int64_t until = now_ms() + d->o->ready_ms;
    struct err why;
    while (probe(d, &why) != 0) {
        int rc = process_ended(&d->broker) ? process_verdict(&d->broker, d->o->start, e) : 0;
        if (rc)
            return rc;
        if (interrupted)
            return err_set(e, ERR_INTERRUPTED, "interrupted");
        if (now_ms() >= until) {
            err_wrap(&why, "the broker did not answer within %" PRId64 " ms after '%s'",
                     d->o->ready_ms, d->o->start);
            *e = why;
            e->code = ERR_UNREACHABLE;
            return e->code;
        }
        usleep(LOOK_US);
    }
    return 0;
}

static int start_broker(struct durability *d, struct err *e)
{
    int rc = process_start(&d->broker, d->o->start, 0, e);
    return rc ? rc : wait_ready(d, e);
}

static int run_killer(struct durability *d, struct err *e)
{
    struct process killer;
    if (!d->o->kill) {
        if (process_ended(&d->broker))
            return err_set(e, ERR_INVALID,
                           "'%s' does not stay in the foreground: name a --kill command",
                           d->o->start);
        process_signal(&d->broker, SIGKILL);
        return 0;
    }
    int rc = process_start(&killer, d->o->kill, d->broker.pid, e);
    if (rc)
        return rc;
    if (!process_wait(&killer, KILLER_MS)) {
        process_signal(&killer, SIGKILL);
        process_wait(&killer, INT64_MAX / 2);
        return err_set(e, ERR_TIMEOUT, "'%s' did not end within %d ms", d->o->kill, KILLER_MS);
    }
    return process_verdict(&killer, d->o->kill, e);
}

/* How long a killed broker may take to be gone. */
static int64_t gone_ms(const struct durability *d)
{
    return d->o->ready_ms < GONE_MS ? d->o->ready_ms : GONE_MS;
}

static int kill_broker(struct durability *d, struct err *e)
{
    struct err why;
    bool foreground = !process_ended(&d->broker);
    int rc = run_killer(d, e);
    int64_t until = now_ms() + gone_ms(d);
    while (rc == 0 && probe(d, &why) == 0) {
        if (now_ms() >= until)
            return err_set(e, ERR_CHECK, "the broker still answers after it was killed");
        usleep(LOOK_US);
    }
    if (rc == 0 && foreground && !process_wait(&d->broker, gone_ms(d)))
        rc = err_set(e, ERR_CHECK, "'%s' still runs after it was killed", d->o->start);
    return rc;
}

/* ---- the thread that kills */

struct injection {
    struct durability *d;
    struct cycle *c;
    atomic_llong until_ns; /* when the load ends */
    atomic_bool over;      /* the load has ended, whyever */
    off_t before;          /* size of the ack log when the cycle began */
};

static off_t log_size(const struct durability *d)
{
    struct stat st;
    return stat(d->o->ack_log, &st) == 0 ? st.st_size : 0;
}

/* The run's own line stands in the log before the first acknowledgement. */
static bool acknowledged(const struct injection *in, off_t *begun)
{
    off_t size = log_size(in->d);
    if (*begun == 0 && size > in->before)
        *begun = size;
    return *begun && size > *begun;
}

static int wait_for_acks(struct injection *in, struct err *e)
{
    int64_t until = now_ms() + in->d->o->ready_ms;
    off_t begun = 0;
    while (!acknowledged(in, &begun)) {
        if (atomic_load(&in->over) || now_ms() >= until)
            return err_set(e, ERR_CHECK, "no record was acknowledged, so nothing was killed");
        usleep(LOOK_US / 10);
    }
    return 0;
}

/* Sleep, unless the load is over before. */
static void pause_ms(const struct injection *in, int64_t ms)
{
    for (int64_t until = now_ms() + ms; now_ms() < until && !atomic_load(&in->over);)
        usleep(LOOK_US / 10);
}

static int inject(struct injection *in, struct err *e)
{
    struct cycle *c = in->c;
    int rc = wait_for_acks(in, e);
    if (rc)
        return rc;
    pause_ms(in, c->kill_ms);
    int64_t killed = now_ms();
    rc = kill_broker(in->d, e);
    if (rc)
        return rc;
    rc = start_broker(in->d, e);
    c->down_ms = now_ms() - killed;
    pause_ms(in, REST_MS);
    return rc;
}

static void *injector(void *arg)
{
    struct injection *in = arg;
    struct err e;
    if (inject(in, &e) != 0)
        in->c->error = e;
    atomic_store(&in->until_ns, bench_now_ns());
    return NULL;
}

/* ---- a cycle */

/* What the load came to. An end of the load that the kill brought about is as good as any. */
static void note_session(struct cycle *c, const struct bench_session *s, int rc,
                         const struct err *e)
{
    if (c->error.code && rc && !c->down_ms) { /* it ended by itself, before a kill */
        struct err why = *e;
        err_wrap(&why, "%s", c->error.text);
        why.code = c->error.code;
        c->error = why;
    }
    if (c->error.code)
        return;
    if (rc)
        c->error = *e;
    else if (s->run && s->run->bad_offsets)
        c->error = s->run->first;
}

static int load(struct durability *d, struct cycle *c, struct err *e)
{
    struct injection in = {.d = d, .c = c, .before = log_size(d)};
    struct bench_options o = *d->o;
    struct bench_session s;
    pthread_t thread;
    atomic_init(&in.until_ns, INT64_MAX);
    o.mode = BENCH_PRODUCE;
    o.until_ns = &in.until_ns;
    int rc = pthread_create(&thread, NULL, injector, &in);
    if (rc)
        return err_code(e, -rc, "cannot start a thread");
    rc = session_execute(&s, &o, e);
    atomic_store(&in.over, true);
    if (s.run && s.run->interrupted) /* whoever waits for the broker is to know */
        interrupted = true;
    pthread_join(thread, NULL);
    note_session(c, &s, rc, e);
    session_release(&s);
    return 0;
}

/* Leave only the last run in it. */
static void keep_last_run(struct acklog *log)
{
    size_t n = 0;
    for (size_t i = 0; i < log->n; i++)
        if (log->v[i].run + 1 == log->n_runs)
            log->v[n++] = log->v[i];
    log->n = n;
}

static int read_back(const struct durability *d, bool all, struct ack_verdict *v, struct err *e)
{
    struct acklog log;
    int rc = acklog_read(&log, d->o->ack_log, e);
    if (!rc && !all)
        keep_last_run(&log);
    if (!rc) {
        acklog_sort(&log);
        rc = bench_acked_check(d->o, &log, v, e);
        if (!all)
            v->runs = 1;
    }
    acklog_release(&log);
    return rc;
}

static bool clean(const struct ack_verdict *v)
{
    return !v->lost && !v->altered && !v->duplicated && !v->reordered;
}

/* 0; or a code that ends the whole thing: the broker is not there to be asked. */
static int run_cycle(struct durability *d, struct cycle *c, struct err *e)
{
    c->kill_ms = (int64_t)(draw(d) % (uint64_t)(d->o->kill_within_ms + 1));
    cli_say(1, "cycle %" PRId64 ": killed %" PRId64 " ms after the first acknowledgement",
            c->number, c->kill_ms);
    int rc = load(d, c, e);
    if (!rc)
        rc = wait_ready(d, e);
    struct ack_verdict found = {0};
    if (!rc)
        rc = read_back(d, false, &found, e);
    if (!rc) {
        c->found = found;
        c->judged = true;
    }
    if (rc && c->error.code) /* what came first explains the rest */
        *e = c->error;
    return rc;
}

/* ---- the result */

static const struct out_column columns[] = {
    {"cycle", OUT_INT, 5},       {"kill_ms", OUT_INT, 8},   {"down_ms", OUT_INT, 8},
    {"records", OUT_INT, 10},    {"found", OUT_INT, 10},    {"lost", OUT_INT, 8},
    {"duplicated", OUT_INT, 10}, {"reordered", OUT_INT, 9}, {"altered", OUT_INT, 8},
    {"error", OUT_STR, 5},
};

static void put_counts(struct durability *d, const struct ack_verdict *v, bool known)
{
    const uint64_t counts[] = {v->records,    v->found,     v->lost,
                               v->duplicated, v->reordered, v->altered};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (known)
            out_int(d->rows, (int64_t)counts[i]);
        else
            out_null(d->rows);
}

static void put_cycle(struct durability *d, const struct cycle *c)
{
    if (!d->rows)
        return;
    out_int(d->rows, c->number);
    out_int(d->rows, c->kill_ms);
    out_int(d->rows, c->down_ms);
    put_counts(d, &c->found, c->judged);
    out_str(d->rows, c->error.code ? c->error.text : NULL);
    out_row(d->rows);
    out_flush(d->rows);
}

/* The row of everything: without a number. */
static void put_all(struct durability *d)
{
    if (!d->rows)
        return;
    for (int i = 0; i < 3; i++)
        out_null(d->rows);
    put_counts(d, &d->all, true);
    out_null(d->rows);
    out_row(d->rows);
}

static void set_counts(struct json *j, const struct ack_verdict *v, bool known)
{
    const struct {
        const char *name;
        uint64_t v;
    } counts[] = {{"batches", v->batches},       {"records", v->records},
                  {"found", v->found},           {"lost", v->lost},
                  {"duplicated", v->duplicated}, {"reordered", v->reordered},
                  {"altered", v->altered}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_set(j, counts[i].name, known ? json_new_int((int64_t)counts[i].v) : json_new_null());
}

/* failure: what ended it before its time; NULL: nothing. */
static struct json *document(const struct durability *d, bool good, const struct err *failure)
{
    struct json *j = json_new_object(), *cycles = json_new_array();
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, d->seed);
    for (size_t i = 0; i < d->n; i++) {
        const struct cycle *c = &d->cycles[i];
        struct json *row = json_new_object();
        json_set_int(row, "cycle", c->number);
        json_set_int(row, "kill_ms", c->kill_ms);
        json_set_int(row, "down_ms", c->down_ms);
        set_counts(row, &c->found, c->judged);
        json_set_str(row, "error", c->error.code ? c->error.text : NULL);
        json_push(cycles, row);
    }
    json_set_str(j, "mode", "durability");
    json_set_str(j, "topic", d->o->topic);
    json_set_str(j, "seed", seed); /* all 64 bits */
    json_set_int(j, "kills", (int64_t)d->n);
    json_set_bool(j, "idempotent", d->o->idempotent);
    set_counts(j, &d->all, true);
    json_set_bool(j, "good", good && !failure);
    json_set_str(j, "error", failure ? failure->text : NULL);
    json_set(j, "cycles", cycles);
    return j;
}

/* Is there a verdict on each cycle? */
static bool all_judged(const struct durability *d)
{
    for (size_t i = 0; i < d->n; i++)
        if (!d->cycles[i].judged)
            return false;
    return true;
}

/* Where not everything could be read once more: what the cycles came to. */
static void sum_up(struct durability *d)
{
    d->all = (struct ack_verdict){0};
    for (size_t i = 0; i < d->n; i++) {
        const struct ack_verdict *v = &d->cycles[i].found;
        d->all.batches += v->batches;
        d->all.records += v->records;
        d->all.found += v->found;
        d->all.lost += v->lost;
        d->all.duplicated += v->duplicated;
        d->all.reordered += v->reordered;
        d->all.altered += v->altered;
    }
}

/* ---- the whole */

/* The status of what the cycles found, with a line if that is bad. */
static int conclude(const struct durability *d, bool good)
{
    int status = interrupted ? CLI_INTERRUPTED : CLI_OK;
    for (size_t i = 0; i < d->n; i++)
        if (d->cycles[i].error.code)
            status = outcome_worse(status, (int)cli_exit_of(d->cycles[i].error.code));
    if (good)
        return status;
    cli_error("the check failed: %" PRIu64 " lost, %" PRIu64 " duplicated, %" PRIu64
              " reordered, %" PRIu64 " altered after %zu kills (seed %" PRIu64 ")",
              d->all.lost, d->all.duplicated, d->all.reordered, d->all.altered, d->n, d->seed);
    return CLI_CHECK;
}

/* The acknowledgements are the evidence of what was lost, and all there is where nobody looked. */
static void leave_log(struct durability *d)
{
    if (*d->own_log)
        cli_warn("the acknowledgements stay in %s", d->own_log);
    *d->own_log = 0;
}

/* Tell what became of it. failure: what ended it before its time; code 0: nothing. */
static int finish(struct durability *d, struct err *failure)
{
    struct err e;
    bool good = true;
    int status = failure->code ? (int)cli_fail(failure) : CLI_OK;
    if (!failure->code && read_back(d, true, &d->all, &e)) {
        *failure = e;
        err_wrap(failure, "reading everything once more");
        status = (int)cli_fail(failure);
    }
    if (failure->code) {
        sum_up(d);
        cli_warn("not everything was read once more: the sums are those of the cycles");
    }
    put_all(d);
    for (size_t i = 0; i < d->n; i++)
        good = good && clean(&d->cycles[i].found);
    good = good && clean(&d->all);
    struct json *j = document(d, good, failure->code ? failure : NULL);
    if (bench_report_document(d->o, j, &e))
        status = outcome_worse(status, (int)cli_fail(&e));
    json_free(j);
    status = outcome_worse(status, conclude(d, good));
    if (!good || (!all_judged(d) && failure->code != ERR_INTERRUPTED))
        leave_log(d);
    return status;
}

static struct cycle *add_cycle(struct durability *d, struct err *e)
{
    struct cycle *v = reallocarray(d->cycles, d->n + 1, sizeof *v);
    if (!v) {
        err_code(e, -ENOMEM, "cycles");
        return NULL;
    }
    d->cycles = v;
    v[d->n] = (struct cycle){.number = (int64_t)d->n + 1};
    return &v[d->n++];
}

static int run_cycles(struct durability *d)
{
    int64_t until = d->o->duration_ms ? now_ms() + d->o->duration_ms : INT64_MAX;
    struct err e = {0};
    for (int64_t i = 0; i < d->o->cycles && now_ms() < until && !interrupted && !e.code; i++) {
        struct cycle *c = add_cycle(d, &e);
        if (!c)
            break;
        if (run_cycle(d, c, &e) != 0) {
            c->error = e;
            err_wrap(&e, "cycle %" PRId64, c->number);
        } else {
            e.code = 0; /* what its load complained of ends nothing */
            if (c->error.code)
                cli_error("cycle %" PRId64 ": %s", c->number, c->error.text);
        }
        put_cycle(d, c);
    }
    if (!d->n)
        return e.code ? (int)cli_fail(&e) : CLI_INTERRUPTED;
    return finish(d, &e);
}

static int open_log(struct durability *d, struct err *e)
{
    if (d->o->ack_log)
        return 0;
    const char *dir = getenv("TMPDIR");
    int n = snprintf(d->own_log, sizeof d->own_log, "%s/chronik-bench-acks-%ld-%" PRIu64,
                     dir && *dir ? dir : "/tmp", (long)getpid(), d->seed);
    bool fits = n > 0 && (size_t)n < sizeof d->own_log;
    int fd = fits ? open(d->own_log, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (!fits)
        errno = ENAMETOOLONG;
    if (fd < 0) {
        int rc = -errno;
        *d->own_log = 0;
        return err_code(e, rc, "cannot make a file for the acknowledgements");
    }
    close(fd);
    d->o->ack_log = d->own_log;
    return 0;
}

static int prepare(struct durability *d, struct err *e)
{
    d->seed = (uint64_t)d->o->seed;
    if (d->o->seed < 0 && getrandom(&d->seed, sizeof d->seed, 0) != (ssize_t)sizeof d->seed)
        return err_code(e, -errno, "random number");
    d->seed &= INT64_MAX; /* what --seed takes */
    d->random = d->seed;
    cli_warn("seed %" PRIu64, d->seed);
    if ((enum out_format)d->o->common.format != OUT_JSON)
        d->rows = out_new(stdout, (enum out_format)d->o->common.format, !d->o->common.no_header,
                          OUT_COLUMNS(columns));
    int rc = open_log(d, e);
    if (rc)
        return rc;
    /* One that runs already may be the one to test; else the first start is ours too. */
    return probe(d, e) == 0 ? 0 : start_broker(d, e);
}

/* The broker that runs in the foreground of a command is stopped with it. */
static void clean_up(struct durability *d)
{
    if (!process_ended(&d->broker)) {
        process_signal(&d->broker, SIGTERM);
        if (!process_wait(&d->broker, END_MS)) {
            process_signal(&d->broker, SIGKILL);
            process_wait(&d->broker, END_MS);
        }
    }
    if (*d->own_log)
        unlink(d->own_log);
    if (d->rows)
        out_free(d->rows);
    free(d->cycles);
}

int bench_durability(struct bench_options *o)
{
    struct durability d = {.o = o};
    struct err e;
    catch_signals();
    int rc = prepare(&d, &e);
    int status = rc ? (int)cli_fail(&e) : run_cycles(&d);
    clean_up(&d);
    return status;
}
