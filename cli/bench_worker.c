#include "cli/bench_worker.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cli/bench_run.h"

enum {
    OPEN_AT_ONCE =
        64, /* connections a thread opens at the same time: a listener's queue is short */
    SWEEP_MS = 100,
    /* Requests that are due within it begin together: a wake-up for each costs the generator more
     * than the request, and the processors are the broker's, too. Latency counts from when they
     * were due all the same. */
    PACE_STEP_NS = 100000,
};
#define ARENA_MAX ((size_t)256 << 20) /* of a decoded reply: no honest one comes near */

/* ---- pace ---- */

static void pace_arm(struct worker *w, int64_t at_ns)
{
    if (at_ns < 1)
        at_ns = 1; /* 0 would disarm */
    struct itimerspec t = {
        .it_value = {.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000}};
    if (timerfd_settime(w->pace_fd, TFD_TIMER_ABSTIME, &t, NULL)) {
        struct err e;
        err_code(&e, -errno, "cannot set a timer");
        worker_fail(w, &e);
    }
}

static bool is_paced(const struct worker *w)
{
    return w->n_paced && w->run->plan.kind->paced && w->run->plan.rate;
}

static void pump_all(struct worker *w)
{
    for (size_t i = 0; i < w->n_loads; i++)
        load_pump(&w->loads[i]);
}

/* A request is due: let it begin, or wait until its client has room. */
static void pace_begin(struct worker *w, int64_t due_ns)
{
    struct load *l = &w->loads[w->pace.client / w->pace.step];
    int64_t late = bench_now_ns() - due_ns;
    l->arrived++;
    load_pump(l);
    if (due_ns < w->run->measure_ns)
        return;
    hdr_record(&w->paced.late, late > 0 ? (uint64_t)late : 0);
    w->paced.no_room += l->started < l->arrived;
}

/* Requests that are due and wait for room on their connection. */
static uint64_t waiting(const struct worker *w)
{
    uint64_t n = 0;
    for (size_t i = 0; i < w->n_paced; i++)
        n += w->loads[i].arrived - w->loads[i].started;
    return n;
}

/* The schedule has come to due_ns: is that half way? */
static void pace_look(struct worker *w, int64_t due_ns)
{
    int64_t half_ns = w->run->measure_ns + w->run->plan.duration_ms * 500000;
    if (w->pace_halfway || due_ns < half_ns)
        return;
    w->pace_halfway = true;
    w->paced.waiting_half = waiting(w);
}

/* Is the schedule at its end? Of a count of records the first requests behind the warm-up count,
 * whichever thread comes to its own first. */
static bool pace_ended(const struct worker *w, int64_t due_ns)
{
    const struct run *run = w->run;
    uint64_t count = (uint64_t)run->plan.count, batch = (uint64_t)run->plan.batch;
    if (due_ns >= run_end_ns(run))
        return true;
    return count &&
           pace_number(&w->pace) >=
               pace_before(&w->pace, run->measure_ns - run->start_ns) + (count - 1) / batch + 1;
}

/* Let every request that is due by now begin, and wait for the next. */
static void pace_run(struct worker *w)
{
    int64_t now = bench_now_ns(), linger = w->b->opt->linger_ms * 1000000;
    while (!w->pace_over) {
        int64_t due = w->run->start_ns + pace_next(&w->pace);
        pace_look(w, due);
        if (pace_ended(w, due)) {
            w->pace_over = true;
            w->paced.waiting_end = waiting(w);
            pump_all(w);
            return;
        }
        if (due + linger > now) {
            int64_t step = now + PACE_STEP_NS;
            pace_arm(w, due + linger > step ? due + linger : step);
            return;
        }
        pace_begin(w, due + linger);
        pace_advance(&w->pace);
    }
}

/* The timer fires first at the start of the run, then whenever a request is due. */
static void on_pace(void *arg, int events)
{
    (void)events;
    struct worker *w = arg;
    uint64_t times;
    if (read(w->pace_fd, &times, sizeof times) != sizeof times)
        return;
    if (is_paced(w))
        pace_run(w);
    if (!w->started) {
        w->started = true;
        pump_all(w);
    }
}

/* ---- the run's messages ---- */

static void on_go(struct loop_msg *m)
{
    struct worker *w = (struct worker *)((char *)m - offsetof(struct worker, go));
    w->going = true;
    pace_arm(w, w->run->start_ns);
}

static void on_ask(struct loop_msg *m)
{
    struct worker *w = (struct worker *)((char *)m - offsetof(struct worker, ask));
    bench_interval_add(&w->asked, &w->interval);
    bench_interval_init(&w->interval);
    loop_post(w->run->loop, &w->told);
}

static void on_told(struct loop_msg *m)
{
    struct worker *w = (struct worker *)((char *)m - offsetof(struct worker, told));
    run_worker_told(w->run, w);
}

static void on_opened_msg(struct loop_msg *m)
{
    run_worker_opened(((struct worker *)((char *)m - offsetof(struct worker, opened_msg)))->run);
}

static void on_done_msg(struct loop_msg *m)
{
    run_worker_done(((struct worker *)((char *)m - offsetof(struct worker, done_msg)))->run);
}

void worker_go(struct worker *w)
{
    loop_post(w->loop, &w->go);
}

void worker_ask(struct worker *w)
{
    loop_post(w->loop, &w->ask);
}

/* ---- for loads ---- */

void worker_opened(struct load *l)
{
    struct worker *w = l->w;
    if (++w->opened == w->n_loads)
        loop_post(w->run->loop, &w->opened_msg);
    else if (w->next_open < w->n_loads)
        load_open(&w->loads[w->next_open++]);
}

void worker_finished(struct load *l)
{
    struct worker *w = l->w;
    if (l->kind == w->run->plan.kind)
        atomic_fetch_sub(&w->run->busy_clients, 1);
    if (--w->unfinished == 0)
        loop_post(w->run->loop, &w->done_msg);
}

void worker_note(struct worker *w, const struct err *e)
{
    if (!w->first.code)
        w->first = *e;
}

void worker_fail(struct worker *w, const struct err *e)
{
    run_break(w->run, e);
}

static void on_acks(struct loop_hook *h)
{
    struct worker *w = (struct worker *)((char *)h - offsetof(struct worker, acks_hook));
    int rc = acklog_write(&w->b->acklog, &w->acks);
    wr_reset(&w->acks);
    if (rc) {
        struct err e;
        err_code(&e, rc, "%s: cannot write the ack log", w->b->opt->ack_log);
        worker_fail(w, &e);
    }
}

void worker_acked(struct worker *w, const struct acked *a)
{
    if (!w->b->acklogged)
        return;
    acklog_line(&w->acks, a);
    loop_at_end(w->loop, &w->acks_hook);
}

/* ---- the thread ---- */

static void on_sweep(void *arg)
{
    struct worker *w = arg;
    if (w->started) {
        int64_t now = bench_now_ns();
        for (size_t i = 0; i < w->n_loads; i++)
            load_sweep(&w->loads[i], now);
        if (is_paced(w))
            pace_run(w); /* the end may have been moved up */
    }
    loop_timer_set(w->sweep, SWEEP_MS);
}

void *worker_main(void *arg)
{
    struct worker *w = arg;
    w->number = gettid();
    loop_timer_set(w->sweep, SWEEP_MS);
    while (w->next_open < w->n_loads && w->next_open < OPEN_AT_ONCE)
        load_open(&w->loads[w->next_open++]);
    int rc = loop_run(w->loop);
    if (rc) {
        struct err e;
        err_code(&e, rc, "the event loop failed");
        worker_fail(w, &e);
    }
    return NULL;
}

/* This thread's share of n clients of a kind: its index and every n_workers-th after it. */
static size_t share(const struct worker *w, uint32_t n)
{
    uint32_t workers = w->run->n_workers;
    return n > w->index ? (n - w->index - 1) / workers + 1 : 0;
}

static int init_loads(struct worker *w, struct err *e)
{
    const struct run_plan *plan = &w->run->plan;
    uint32_t workers = w->run->n_workers;
    size_t n = share(w, plan->clients), sides = share(w, plan->sides);
    w->loads = calloc(n + sides, sizeof *w->loads);
    if (!w->loads)
        return err_code(e, -ENOMEM, "clients");
    int rc = 0;
    for (uint32_t i = 0; i < n && !rc; i++)
        rc = load_init(&w->loads[w->n_loads++], w, plan->kind, w->index + i * workers, plan->depth,
                       e);
    for (uint32_t i = 0; i < sides && !rc; i++)
        rc = load_init(&w->loads[w->n_loads++], w, plan->side, w->index + i * workers, 1, e);
    w->n_paced = n;
    w->unfinished = n + sides;
    return rc;
}

static int init_loop(struct worker *w, struct err *e)
{
    w->loop = loop_new();
    w->pace_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (!w->loop || w->pace_fd < 0)
        return err_code(e, -EMFILE, "cannot make an event loop");
    w->pace_watch = loop_fd_add(w->loop, w->pace_fd, LOOP_READ, on_pace, w);
    w->sweep = loop_timer_new(w->loop, on_sweep, w);
    if (!w->pace_watch || !w->sweep)
        return err_code(e, -ENOMEM, "timers");
    return 0;
}

int worker_init(struct worker *w, struct run *run, uint32_t index, struct err *e)
{
    const struct run_plan *plan = &run->plan;
    *w = (struct worker){.run = run, .b = run->b, .index = index, .pace_fd = -1};
    w->go.run = on_go;
    w->ask.run = on_ask;
    w->told.run = on_told;
    w->opened_msg.run = on_opened_msg;
    w->done_msg.run = on_done_msg;
    w->acks_hook.run = on_acks;
    wr_init(&w->acks, 0);
    arena_init(&w->arena, ARENA_MAX);
    bench_interval_init(&w->interval);
    bench_interval_init(&w->asked);
    pace_stats_init(&w->paced);
    for (int i = 0; i < BENCH_METRICS; i++)
        bench_stats_init(&w->stats[i]);
    pace_init(&w->pace, plan->rate, plan->batch, plan->clients, index, run->n_workers);
    int rc = init_loop(w, e);
    if (!rc && plan->checked && !(w->check = check_new()))
        rc = err_code(e, -ENOMEM, "the check");
    return rc ? rc : init_loads(w, e);
}

void worker_release(struct worker *w)
{
    for (size_t i = 0; i < w->n_loads; i++)
        load_release(&w->loads[i]);
    free(w->loads);
    loop_timer_free(w->sweep);
    loop_fd_del(w->pace_watch);
    if (w->pace_fd >= 0)
        close(w->pace_fd);
    loop_free(w->loop);
    if (w->has_batch)
        bench_batch_release(&w->batch);
    check_free(w->check);
    wr_free(&w->acks);
    arena_free(&w->arena);
}
