#include "cli/bench_run.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    START_AHEAD_MS = 20, /* so that every thread has the start before it comes */
    TICK_MS = 1000,      /* between looks at the workers, at most */
};

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

int32_t run_take(struct run *r, int32_t n, int64_t due_ns)
{
    if (!r->plan.count || due_ns < r->measure_ns)
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

/* What came since the last line. */
static void print_line(struct run *r, int64_t now)
{
    const struct bench_interval *i = &r->untold;
    double s = (double)(now - r->told_ns) / 1e9;
    cli_warn("%.1f s%s: %.0f/s, %.1f MB/s, p50 %.2f ms, p99 %.2f ms, max %.2f ms, %" PRIu64
             " failed",
             (double)(now - r->start_ns) / 1e9, now <= r->measure_ns ? " (warm-up)" : "",
             (double)i->records / s, (double)i->bytes / s / 1e6,
             (double)hdr_percentile(&i->latency, 50) / 1e6,
             (double)hdr_percentile(&i->latency, 99) / 1e6,
             (double)hdr_percentile(&i->latency, 100) / 1e6, i->failed);
    bench_interval_init(&r->untold);
    r->told_ns = now;
}

static struct worker_time time_of(const struct worker *w)
{
    return (struct worker_time){bench_usage_thread_ns(w->thread), bench_usage_waited_ns(w->number)};
}

/* Measuring begins now: what was used so far was used for warming up. */
static void begin_measuring(struct run *r)
{
    r->begin = r->seen;
    for (uint32_t i = 0; i < r->n_workers; i++)
        r->times[i] = time_of(&r->workers[i]);
}

/* An interval is over, and all workers have told what it brought. */
static void end_interval(struct run *r, int64_t now)
{
    struct bench_usage used;
    bench_usage_read(&used, now);
    if (r->begin.at_ns) {
        struct bench_cost cost = bench_cost_between(&r->seen, &used);
        series_add(&r->series, &r->gathered, r->seen.at_ns - r->measure_ns, now - r->measure_ns,
                   bench_cost_cores(&cost));
    }
    r->seen = used;
    if (!r->begin.at_ns && now >= r->measure_ns)
        begin_measuring(r);
    bench_interval_add(&r->untold, &r->gathered);
    bench_interval_init(&r->gathered);
}

static void take(struct run *r, struct bench_interval *i)
{
    bench_interval_add(&r->gathered, i);
    bench_interval_init(i);
}

static int64_t tick_length_ns(const struct run *r)
{
    int64_t report = r->b->opt->report_ms;
    return (report && report < TICK_MS ? report : TICK_MS) * 1000000;
}

static int set_timer(struct run *r, int64_t now)
{
    return loop_timer_set(r->tick, (r->tick_ns - now + 999999) / 1000000);
}

/* The next moment behind `after` that is a whole number of intervals from measure_ns. */
static int set_tick(struct run *r, int64_t after)
{
    int64_t step = tick_length_ns(r), passed = after - r->measure_ns;
    int64_t n = passed >= 0 ? passed / step + 1 : -(-passed / step);
    r->tick_ns = r->measure_ns + n * step;
    if (r->tick_ns <= after)
        r->tick_ns += step;
    return set_timer(r, bench_now_ns());
}

void run_worker_told(struct run *r, struct worker *w)
{
    take(r, &w->asked);
    if (--r->asked)
        return;
    int64_t now = bench_now_ns(), report = r->b->opt->report_ms * 1000000;
    end_interval(r, now);
    /* A tick comes a little late, and the next a little less so. */
    if (!r->plan.quiet && report && now - r->told_ns + tick_length_ns(r) / 2 > report)
        print_line(r, now);
    set_tick(r, now);
}

static void on_tick(void *arg)
{
    struct run *r = arg;
    int64_t now = bench_now_ns();
    if (now < r->tick_ns) { /* the loop's clock is coarser */
        set_timer(r, now);
        return;
    }
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

/* The load is over; its threads are still there. */
static void count_cost(struct run *r)
{
    struct bench_usage end;
    bench_usage_read(&end, bench_now_ns());
    if (!r->begin.at_ns)
        return;
    r->cost = bench_cost_between(&r->begin, &end);
    for (uint32_t i = 0; i < r->n_workers; i++) {
        struct worker_time then = r->times[i], now = time_of(&r->workers[i]);
        bool known = then.waited_ns >= 0 && now.waited_ns >= 0;
        bench_cost_thread(&r->cost, now.busy_ns - then.busy_ns,
                          known ? now.waited_ns - then.waited_ns : -1);
    }
}

static int drive(struct run *r)
{
    const struct run_plan *plan = &r->plan;
    r->start_ns = bench_now_ns() + START_AHEAD_MS * 1000000;
    r->measure_ns = r->start_ns + plan->warmup_ms * 1000000;
    if (plan->duration_ms)
        atomic_store(&r->end_ns, r->measure_ns + plan->duration_ms * 1000000);
    r->told_ns = r->start_ns;
    bench_usage_read(&r->seen, r->start_ns);
    if (!plan->warmup_ms)
        begin_measuring(r);
    if (set_tick(r, r->start_ns))
        return err_code(&r->err, -ENOMEM, "a timer");
    for (uint32_t i = 0; i < r->n_workers; i++)
        worker_go(&r->workers[i]);
    int rc = wait_for_workers(r);
    count_cost(r);
    return rc;
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
        pace_stats_add(&r->paced, &w->paced);
        take(r, &w->asked);
        take(r, &w->interval);
    }
    bench_stats_init(&r->load);
    static const enum bench_metric of_load[] = {METRIC_MAIN, METRIC_CREATE, METRIC_DELETE};
    for (size_t i = 0; i < sizeof of_load / sizeof *of_load; i++)
        bench_stats_add(&r->load, &r->stats[of_load[i]]);
    if (r->begin.at_ns && r->gathered.latency.count) /* since the last tick */
        end_interval(r, bench_now_ns());
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
    bench_interval_init(&r->gathered);
    bench_interval_init(&r->untold);
    pace_stats_init(&r->paced);
    r->cost.busiest = r->cost.waiting = -1;
    r->loop = loop_new();
    r->times = calloc(r->n_workers, sizeof *r->times);
    r->workers = calloc(r->n_workers, sizeof *r->workers);
    r->tick = r->loop ? loop_timer_new(r->loop, on_tick, r) : NULL;
    if (!r->workers || !r->tick || !r->times)
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
    free(r->times);
    series_release(&r->series);
    loop_timer_free(r->tick);
    loop_free(r->loop);
    pthread_mutex_destroy(&r->err_lock);
}
