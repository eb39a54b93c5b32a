#include "cli/bench_load.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "cli/bench_run.h"

enum {
    BACKOFF_MIN_MS = 20, /* before the first try to reconnect; doubles with each */
    BACKOFF_MAX_MS = 500,
    PAUSE_MS = 10, /* after a refusal, so that a broker that refuses all is not stormed */
    BURST = 64,    /* unanswered requests a client sends before others have their turn */
};

static const struct bench_options *options(const struct load *l)
{
    return l->w->b->opt;
}

static const char *broker_name(const struct load *l)
{
    return l->w->b->brokers[l->broker].name;
}

static struct slot *slot_at(struct load *l, uint32_t i)
{
    return &l->slots[(l->head + i) % l->depth];
}

static bool is_paced(const struct load *l)
{
    return l->kind->paced && l->w->run->plan.rate;
}

/* ---- counting ---- */

static void count_ok(struct load *l, const struct slot *s, uint64_t records, uint64_t bytes)
{
    struct worker *w = l->w;
    int64_t now = bench_now_ns();
    uint64_t latency = (uint64_t)(now - s->due_ns);
    if (s->stats == &w->stats[METRIC_MAIN]) {
        w->interval.records += records;
        w->interval.bytes += bytes;
        hdr_record(&w->interval.latency, latency);
    }
    if (s->due_ns < w->run->measure_ns) {
        s->stats->warmup_records += records;
        return;
    }
    hdr_record(&s->stats->latency, latency);
    hdr_record(&s->stats->service, (uint64_t)(now - s->sent_ns));
    s->stats->requests++;
    s->stats->records += records;
    s->stats->bytes += bytes;
    if (!s->stats->first_ns)
        s->stats->first_ns = now;
    s->stats->last_ns = now;
}

static void count_failed(struct load *l, const struct slot *s)
{
    struct worker *w = l->w;
    w->interval.failed += (uint64_t)s->count;
    if (s->fence || s->due_ns < w->run->measure_ns)
        return;
    struct bench_stats *all = &w->stats[METRIC_MAIN]; /* whatever kind of request it was */
    all->failed_requests++;
    all->failed_records += (uint64_t)s->count;
    all->last_ns = bench_now_ns();
    l->troubled = false;
}

/* An error that may pass: the same is asked for again. */
static void count_retried(struct load *l, const struct slot *s, const struct err *e)
{
    struct worker *w = l->w;
    worker_note(w, e);
    l->troubled = true;
    if (s->due_ns >= w->run->measure_ns)
        w->stats[METRIC_MAIN].retried_requests++;
}

static void pop(struct load *l)
{
    l->head = (l->head + 1) % l->depth;
    l->n--;
}

/* What is in flight will not be settled any more. */
static void fail_in_flight(struct load *l)
{
    l->asking_again = false;
    for (; l->n; pop(l))
        count_failed(l, slot_at(l, 0));
}

/* ---- the connection ---- */

static void finish(struct load *l)
{
    if (l->troubled && !l->kind->to_the_end) /* some of what it asked for never came */
        l->w->stats[METRIC_MAIN].failed_requests++;
    bench_conn_close(&l->conn);
    l->open = false;
    loop_timer_clear(l->timer);
    loop_at_end_cancel(l->w->loop, &l->again);
    l->finished = true;
    worker_finished(l);
}

/* Try again in a while. */
static void reconnect_later(struct load *l)
{
    l->open = false;
    bench_conn_close(&l->conn);
    loop_timer_set(l->timer, l->backoff_ms);
    l->backoff_ms = l->backoff_ms * 2 < BACKOFF_MAX_MS ? l->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static void lost(struct load *l, const struct err *why)
{
    struct err e = *why;
    if (l->w->going)
        err_wrap(&e, "%s %u: the connection to %s was lost", l->kind->name, l->id, broker_name(l));
    else
        err_wrap(&e, "%s %u: cannot connect to %s", l->kind->name, l->id, broker_name(l));
    e.code = l->w->going ? -ECONNABORTED : ERR_UNREACHABLE; /* ending in status 1, or 5 */
    if (!l->w->going || !options(l)->keep_going) {
        worker_fail(l->w, &e);
        return;
    }
    worker_note(l->w, &e);
    l->in_vain_ns = 0;
    if (!l->repeatable)
        fail_in_flight(l);
    reconnect_later(l);
}

void load_open(struct load *l)
{
    const struct bench_broker *b = &l->w->b->brokers[l->broker];
    l->opened_ns = bench_now_ns();
    int rc = bench_conn_open(&l->conn, (const struct sockaddr *)&b->addr, b->addr_len);
    struct err e;
    if (rc) {
        err_set(&e, rc, "%s", err_str(rc));
        lost(l, &e);
    }
}

int load_send(struct load *l, int16_t key, int16_t max, const void *req, struct err *e)
{
    struct client_conn *proto = &l->conn.proto;
    int version = client_conn_version(proto, key, max, e);
    if (version < 0)
        return version;
    int rc = l->unanswered && key == KP_PRODUCE
                 ? client_conn_send_unanswered(proto, key, (int16_t)version, req)
                 : client_conn_send(proto, key, (int16_t)version, req, NULL);
    return rc ? err_code(e, rc, "%s", kp_api(key)->name) : 0;
}

/* A request every broker answers, whatever was sent before it. */
static int send_fence(struct load *l, struct err *e)
{
    struct kp_api_versions_req req;
    kp_init(&kp_api_versions_req_schema, &req);
    return load_send(l, KP_API_VERSIONS, 0, &req, e);
}

static void transmit(struct load *l, struct slot *s)
{
    struct err e;
    int rc = s->fence ? send_fence(l, &e) : l->kind->send(l, s, &e);
    if (rc) {
        err_wrap(&e, "%s %u: cannot make a request", l->kind->name, l->id);
        worker_fail(l->w, &e);
        return;
    }
    s->sent_ns = bench_now_ns();
    bench_conn_flush(&l->conn);
}

static struct load *load_of(struct bench_conn *c)
{
    return (struct load *)((char *)c - offsetof(struct load, conn));
}

static void on_ready(struct bench_conn *c)
{
    struct load *l = load_of(c);
    l->open = true;
    if (!l->w->going) {
        worker_opened(l);
        return;
    }
    for (uint32_t i = 0; i < l->n; i++)
        transmit(l, slot_at(l, i));
    load_pump(l);
}

static void on_failed(struct bench_conn *c, const struct err *e)
{
    lost(load_of(c), e);
}

/* ---- replies ---- */

static void pause_for(struct load *l, int64_t ms)
{
    l->paused = true;
    loop_timer_set(l->timer, ms);
}

/* The request stays in flight, and has been due since it was first. */
static void ask_again(struct load *l)
{
    l->asking_again = false;
    if (!atomic_load_explicit(&l->w->run->stopping, memory_order_relaxed)) {
        transmit(l, slot_at(l, 0));
        return;
    }
    fail_in_flight(l);
    l->exhausted = true;
}

static void on_timer(void *arg)
{
    struct load *l = arg;
    l->paused = false;
    if (l->conn.fd < 0) {
        load_open(l);
        return;
    }
    if (l->asking_again)
        ask_again(l);
    load_pump(l);
}

/* In a closed loop the next request is due now, and leaves later. */
static void linger(struct load *l)
{
    if (!options(l)->linger_ms || !l->kind->paced || is_paced(l))
        return;
    l->lingering_ns = bench_now_ns();
    pause_for(l, options(l)->linger_ms);
}

static void refused(struct load *l, struct slot *s, const struct err *e)
{
    worker_note(l->w, e);
    l->in_vain_ns = 0;
    count_failed(l, s);
    pop(l);
    pause_for(l, PAUSE_MS);
}

/* Has nothing but errors come for as long as an answer may take? */
static bool in_vain(struct load *l)
{
    int64_t now = bench_now_ns();
    if (!l->in_vain_ns)
        l->in_vain_ns = now;
    return now - l->in_vain_ns > options(l)->request_timeout_ms * 1000000;
}

/* A producer whose sequence must have no gap, and a reader that is to read everything, can do
 * nothing else; another reader is of no more use. */
static void give_up_asking(struct load *l, struct slot *s, struct err *e)
{
    err_wrap(e, "%s %u: nothing better within %lld ms", l->kind->name, l->id,
             (long long)options(l)->request_timeout_ms);
    if (l->repeatable || l->kind->to_the_end) {
        worker_fail(l->w, e);
        return;
    }
    l->exhausted = !l->kind->paced;
    refused(l, s, e);
}

static void try_again(struct load *l, struct slot *s, struct err *e)
{
    bool vain = in_vain(l);
    count_retried(l, s, e);
    if (vain && !(l->repeatable && options(l)->keep_going)) {
        give_up_asking(l, s, e);
    } else if (l->repeatable) { /* the same bytes, in the same order, or the sequence breaks */
        reconnect_later(l);
    } else {
        l->asking_again = true;
        pause_for(l, PAUSE_MS);
    }
}

static void settle(struct load *l, struct slot *s, struct client_response *r)
{
    struct err e = {.code = ERR_REFUSED};
    uint64_t records = 0, bytes = 0;
    enum load_verdict verdict = l->kind->reply(l, s, r, &records, &bytes, &e);
    switch (verdict) {
    case LOAD_OK:
    case LOAD_PARTLY:
        l->in_vain_ns = 0;
        l->troubled = false;
        if (verdict == LOAD_PARTLY)
            count_retried(l, s, &e);
        count_ok(l, s, records, bytes);
        pop(l);
        l->backoff_ms = BACKOFF_MIN_MS;
        linger(l);
        return;
    case LOAD_FAILED:
        refused(l, s, &e);
        return;
    case LOAD_AGAIN:
        try_again(l, s, &e);
        return;
    case LOAD_BROKEN:
        worker_fail(l->w, &e);
        return;
    }
}

/* By now the broker has read everything that was sent: only that ends the measuring. */
static void end_fence(struct load *l)
{
    struct bench_stats *s = &l->w->stats[METRIC_MAIN];
    pop(l);
    if (s->requests)
        s->last_ns = bench_now_ns();
}

static void on_answer(struct bench_conn *c, struct client_response *r)
{
    struct load *l = load_of(c);
    struct slot *s = slot_at(l, 0); /* the connection has seen to the order */
    if (s->fence)
        end_fence(l);
    else
        settle(l, s, r);
    load_pump(l);
}

/* ---- requests ---- */

/* May another request begin now, and when was it due? */
static bool due(struct load *l, int64_t *due_ns)
{
    struct run *run = l->w->run;
    if (l->exhausted)
        return false;
    if (is_paced(l)) {
        if (l->started == l->arrived)
            return false;
        *due_ns = run->start_ns + pace_due_of(&l->w->pace, l->id, l->started);
        return true;
    }
    *due_ns = l->lingering_ns ? l->lingering_ns : bench_now_ns();
    return l->kind->to_the_end || *due_ns < run_end_ns(run);
}

/* Is there nothing more to begin, ever? */
static bool ended(struct load *l)
{
    if (l->exhausted)
        return true;
    if (is_paced(l))
        return l->started == l->arrived && l->w->pace_over;
    return !l->kind->to_the_end && bench_now_ns() >= run_end_ns(l->w->run);
}

static struct slot *begin(struct load *l, int64_t due_ns)
{
    struct slot *s = slot_at(l, l->n);
    *s = (struct slot){.due_ns = due_ns, .count = 1};
    l->n++;
    l->started++;
    l->lingering_ns = 0;
    return s;
}

static bool start(struct load *l, int64_t due_ns)
{
    struct slot *s = begin(l, due_ns);
    s->stats = &l->w->stats[METRIC_MAIN];
    if (!l->kind->next(l, s)) {
        l->n--;
        l->started--;
        l->exhausted = true;
        return false;
    }
    transmit(l, s);
    return true;
}

/* Requests without replies are settled once the socket has taken them. */
static void settle_unanswered(struct load *l)
{
    while (l->n && !slot_at(l, 0)->fence) {
        struct slot *s = slot_at(l, 0);
        count_ok(l, s, (uint64_t)s->count, (uint64_t)s->count * (uint64_t)options(l)->message_size);
        pop(l);
    }
}

static void on_drained(struct bench_conn *c)
{
    struct load *l = load_of(c);
    if (!l->unanswered)
        return;
    settle_unanswered(l);
    load_pump(l);
}

static void on_again(struct loop_hook *h)
{
    load_pump((struct load *)((char *)h - offsetof(struct load, again)));
}

/* All was sent without replies: one last request has one, and then the broker has read everything.
 */
static void begin_fence(struct load *l)
{
    l->fenced = true;
    struct slot *s = begin(l, bench_now_ns());
    s->fence = true;
    transmit(l, s);
}

void load_pump(struct load *l)
{
    int64_t due_ns;
    if (!l->w->going || l->finished ||
        atomic_load_explicit(&l->w->run->broken, memory_order_relaxed))
        return;
    int budget = BURST;
    while (l->open && !l->paused && l->n < l->depth && due(l, &due_ns) && start(l, due_ns)) {
        if (!l->open || !l->unanswered)
            continue;
        if (bench_conn_drained(&l->conn))
            settle_unanswered(l);
        if (--budget == 0) {
            loop_at_end(l->w->loop, &l->again);
            return;
        }
    }
    if (l->n || !ended(l))
        return;
    if (l->unanswered && !l->fenced && l->open)
        begin_fence(l);
    else
        finish(l);
}

static void give_up(struct load *l)
{
    struct err e;
    uint64_t unsent = is_paced(l) && !l->exhausted ? l->arrived - l->started : 0;
    if (l->n || unsent) {
        err_set(&e, ERR_TIMEOUT, "%s %u: %llu requests unsettled when time was up", l->kind->name,
                l->id, (unsigned long long)(l->n + unsent));
        worker_note(l->w, &e);
    }
    fail_in_flight(l);
    struct bench_stats *s = &l->w->stats[METRIC_MAIN];
    s->failed_requests += unsent;
    s->failed_records += unsent * (uint64_t)l->w->run->plan.batch;
    finish(l);
}

/* How long the broker has kept it waiting: for the oldest answer, or for a connection. */
static int64_t waited_ns(struct load *l, int64_t now_ns)
{
    if (l->conn.fd < 0)
        return 0;
    if (!l->open)
        return now_ns - l->opened_ns;
    return l->n ? now_ns - slot_at(l, 0)->sent_ns : 0;
}

void load_sweep(struct load *l, int64_t now_ns)
{
    if (l->finished)
        return;
    if (waited_ns(l, now_ns) > options(l)->request_timeout_ms * 1000000) {
        struct err e;
        err_set(&e, ERR_TIMEOUT, "no answer within %lld ms",
                (long long)options(l)->request_timeout_ms);
        bench_conn_close(&l->conn);
        lost(l, &e);
    } else if (!l->kind->to_the_end && now_ns > run_give_up_ns(l->w->run)) {
        give_up(l);
    } else {
        load_pump(l);
    }
}

static const struct bench_conn_ops conn_ops = {on_ready, on_answer, on_drained, on_failed};

int load_init(struct load *l, struct worker *w, const struct load_kind *kind, uint32_t id,
              uint32_t depth, struct err *e)
{
    l->w = w;
    l->kind = kind;
    l->id = id;
    l->depth = depth;
    l->backoff_ms = BACKOFF_MIN_MS;
    l->again.run = on_again;
    bench_conn_init(&l->conn, w->loop, &conn_ops);
    l->slots = calloc(depth, sizeof *l->slots);
    l->timer = loop_timer_new(w->loop, on_timer, l);
    if (!l->slots || !l->timer)
        return err_code(e, -ENOMEM, "%s %u", kind->name, id);
    return kind->init(l, e);
}

void load_release(struct load *l)
{
    if (!l->kind)
        return;
    l->kind->release(l);
    bench_conn_release(&l->conn);
    loop_timer_free(l->timer);
    free(l->slots);
}
