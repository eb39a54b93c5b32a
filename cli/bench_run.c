#include "cli/bench_run.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { START_AHEAD_MS = 20 }; /* so that every thread has the start before it comes */

/* ---- interruption: SIGINT and SIGTERM end a phase early, a second one kills ---- */

static struct loop *volatile interruptible;
static volatile sig_atomic_t interruptions;

static void on_signal(int sig)
{
    (void)sig;
    interruptions++;
    if (interruptible)
        loop_stop(interruptible);
}

static struct sigaction before_int, before_term;

static void catch_signals(struct loop *l)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    interruptible = l;
    interruptions = 0;
    sigaction(SIGINT, &sa, &before_int);
    sigaction(SIGTERM, &sa, &before_term);
}

static void release_signals(void)
{
    sigaction(SIGINT, &before_int, NULL);
    sigaction(SIGTERM, &before_term, NULL);
    interruptible = NULL;
}

/* ---- for workers ---- */

int32_t run_take(struct run *r, int32_t n)
{
    if (!r->plan.count)
        return n;
    long long before = atomic_fetch_sub(&r->remaining, n);
    return before <= 0 ? 0 : before < n ? (int32_t)before : n;
}

int64_t run_end_ns(const struct run *r)
{
    int64_t end = atomic_load_explicit(&r->end_ns, memory_order_relaxed);
    int64_t until =
        r->plan.until_ns ? atomic_load_explicit(r->plan.until_ns, memory_order_relaxed) : INT64_MAX;
    return end < until ? end : until;
}

int64_t run_give_up_ns(const struct run *r)
{
    int64_t end = run_end_ns(r), grace = r->b->opt->request_timeout_ms * 1000000;
    return end > INT64_MAX - grace ? INT64_MAX : end + grace;
}

void run_break(struct run *r, const struct err *e)
{
    pthread_mutex_lock(&r->err_lock);
    if (!atomic_load(&r->broken))
        r->err = *e;
    atomic_store(&r->broken, true);
    pthread_mutex_unlock(&r->err_lock);
    loop_stop(r->loop);
}

/* ---- the control thread ---- */

static void one_less(struct run *r)
{
    if (--r->waiting == 0)
        loop_stop(r->loop);
}

void run_worker_opened(struct run *r)
{
    one_less(r);
}

void run_worker_done(struct run *r)
{
    one_less(r);
}

/* All threads have told what the last interval brought. */
static void print_interval(struct run *r)
{
    static struct hdr latency;
    uint64_t records = 0, bytes = 0, failed = 0;
    hdr_init(&latency);
    for (uint32_t i = 0; i < r->n_workers; i++) {
        const struct worker_interval *k = &r->workers[i].asked;
        records += k->records;
        bytes += k->bytes;
        failed += k->failed;
        hdr_add(&latency, &k->latency);
    }
    int64_t now = bench_now_ns();
    double s = (double)(now - r->reported_ns) / 1e9;
    r->reported_ns = now;
    cli_warn("%.1f s%s: %.0f/s, %.1f MB/s, p50 %.2f ms, p99 %.2f ms, max %.2f ms, %" PRIu64
             " failed",
             (double)(now - r->start_ns) / 1e9, now < r->measure_ns ? " (warm-up)" : "",
             (double)records / s, (double)bytes / s / 1e6,
             (double)hdr_percentile(&latency, 50) / 1e6, (double)hdr_percentile(&latency, 99) / 1e6,
             (double)hdr_percentile(&latency, 100) / 1e6, failed);
}

void run_worker_told(struct run *r)
{
    if (--r->asked)
        return;
    print_interval(r);
    loop_timer_set(r->report, r->b->opt->report_ms);
}

static void on_report(void *arg)
{
    struct run *r = arg;
    r->asked = r->n_workers;
    for (uint32_t i = 0; i < r->n_workers; i++)
        worker_ask(&r->workers[i]);
}

static void on_connect_timeout(void *arg)
{
    struct run *r = arg;
    struct err e;
    err_set(&e, ERR_UNREACHABLE, "not all clients could connect within %" PRId64 " ms",
            r->b->opt->common.timeout_ms);
    run_break(r, &e);
}

/* Serve until all workers have reported. 0 or the code of r->err. */
static int wait_for_workers(struct run *r)
{
    r->waiting = r->n_workers;
    while (r->waiting && !atomic_load(&r->broken)) {
        int rc = loop_run(r->loop);
        if (rc)
            return err_code(&r->err, rc, "the event loop failed");
        if (interruptions && !r->interrupted) {
            r->interrupted = true;
            atomic_store(&r->stopping, true);
            atomic_store(&r->end_ns, bench_now_ns());
        }
        if (r->interrupted && !r->start_ns)
            return err_set(&r->err, ERR_INTERRUPTED, "interrupted while connecting");
    }
    return atomic_load(&r->broken) ? r->err.code : 0;
}

static int connect_all(struct run *r)
{
    struct loop_timer *t = loop_timer_new(r->loop, on_connect_timeout, r);
    if (!t || loop_timer_set(t, r->b->opt->common.timeout_ms))
        return err_code(&r->err, -ENOMEM, "a timer");
    int rc = wait_for_workers(r);
    loop_timer_free(t);
    return rc;
}

static int drive(struct run *r)
{
    const struct run_plan *plan = &r->plan;
    r->start_ns = bench_now_ns() + START_AHEAD_MS * 1000000;
    r->measure_ns = r->start_ns + plan->warmup_ms * 1000000;
    if (plan->duration_ms)
        atomic_store(&r->end_ns, r->measure_ns + plan->duration_ms * 1000000);
    r->reported_ns = r->start_ns;
    if (!plan->quiet && r->b->opt->report_ms && loop_timer_set(r->report, r->b->opt->report_ms))
        return err_code(&r->err, -ENOMEM, "a timer");
    for (uint32_t i = 0; i < r->n_workers; i++)
        worker_go(&r->workers[i]);
    return wait_for_workers(r);
}

/* ---- threads ---- */

static uint32_t workers_for(const struct bench_options *o, const struct run_plan *plan)
{
    uint64_t loads = (uint64_t)plan->clients + plan->sides;
    uint64_t threads = (uint64_t)o->threads;
    return (uint32_t)(threads < loads ? threads : loads);
}

static int start_threads(struct run *r, uint32_t *running)
{
    sigset_t all, before; /* signals are for the control thread */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = 0;
    for (*running = 0; *running < r->n_workers && !rc; ++*running) {
        struct worker *w = &r->workers[*running];
        rc = pthread_create(&w->thread, NULL, worker_main, w);
        if (rc)
            break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc ? err_code(&r->err, -rc, "cannot start a thread") : 0;
}

static void collect(struct run *r)
{
    int64_t last = 0;
    for (uint32_t i = 0; i < r->n_workers; i++) {
        struct worker *w = &r->workers[i];
        for (int m = 0; m < BENCH_METRICS; m++)
            bench_stats_add(&r->stats[m], &w->stats[m]);
        if (!r->first.code || w->bad_offsets > 0)
            r->first = w->first;
        r->bad_offsets += w->bad_offsets;
    }
    for (int m = 0; m < BENCH_METRICS; m++)
        if (m != METRIC_FETCH) /* readers beside producers end with a request that waits in vain */
            last = r->stats[m].last_ns > last ? r->stats[m].last_ns : last;
    r->elapsed_ns = last > r->measure_ns ? last - r->measure_ns : 0;
}

static int prepare(struct run *r)
{
    const struct run_plan *plan = &r->plan;
    pthread_mutex_init(&r->err_lock, NULL);
    atomic_init(&r->end_ns, INT64_MAX);
    atomic_init(&r->remaining, plan->count);
    atomic_init(&r->busy_clients, plan->clients);
    for (int m = 0; m < BENCH_METRICS; m++)
        bench_stats_init(&r->stats[m]);
    r->n_workers = workers_for(r->b->opt, plan);
    r->loop = loop_new();
    r->workers = calloc(r->n_workers, sizeof *r->workers);
    r->report = r->loop ? loop_timer_new(r->loop, on_report, r) : NULL;
    if (!r->workers || !r->report)
        return err_code(&r->err, -ENOMEM, "cannot prepare the load");
    for (uint32_t i = 0; i < r->n_workers; i++) {
        int rc = worker_init(&r->workers[i], r, i, &r->err);
        if (rc)
            return rc;
    }
    return 0;
}

int run_execute(struct run *r, struct bench *b, const struct run_plan *plan)
{
    uint32_t running = 0;
    memset(r, 0, sizeof *r);
    r->b = b;
    r->plan = *plan;
    int rc = prepare(r);
    if (rc)
        return rc;
    catch_signals(r->loop);
    rc = start_threads(r, &running);
    if (!rc)
        rc = connect_all(r);
    if (!rc)
        rc = drive(r);
    for (uint32_t i = 0; i < running; i++)
        loop_stop(r->workers[i].loop);
    for (uint32_t i = 0; i < running; i++)
        pthread_join(r->workers[i].thread, NULL);
    release_signals();
    if (!rc && atomic_load(&r->broken)) /* while the threads were ending */
        rc = r->err.code;
    collect(r);
    return rc;
}

void run_gaps(struct run *r)
{
    for (uint32_t i = 0; i < r->n_workers; i++)
        if (r->workers[i].check)
            check_gaps(r->workers[i].check);
}

void run_counts(const struct run *r, struct check_counts *counts)
{
    *counts = (struct check_counts){0};
    for (uint32_t i = 0; i < r->n_workers; i++)
        if (r->workers[i].check)
            check_counts_add(counts, check_counts(r->workers[i].check));
}

void run_release(struct run *r)
{
    for (uint32_t i = 0; r->workers && i < r->n_workers; i++)
        if (r->workers[i].run)
            worker_release(&r->workers[i]);
    free(r->workers);
    loop_timer_free(r->report);
    loop_free(r->loop);
    pthread_mutex_destroy(&r->err_lock);
}
