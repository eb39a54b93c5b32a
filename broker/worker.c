#include "broker/worker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/api.h"
#include "broker/broker.h"
#include "broker/container.h"
#include "broker/rcu.h"

enum { HUNGRY_MS = 10, PRESS_MS = 250, COMPLAIN_MS = 1000, CLOCK_MS = 5000 };

/* ---- life */

struct worker *worker_new(struct broker *b, uint32_t index)
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->broker = b;
    w->index = index;
    w->complained_ms = INT64_MIN / 2;
    w->scratch = malloc(WORKER_SCRATCH);
    codec_state_init(&w->codec);
    w->loop = loop_new();
    if (!w->scratch || !w->loop || deadlines_init(&w->deadlines, w->loop)) {
        loop_free(w->loop);
        free(w->scratch);
        free(w);
        return NULL;
    }
    waiting_init(&w->waiting, w->loop, &w->deadlines);
    return w;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    request_free_spares(w);
    waiting_release(&w->waiting);
    deadlines_release(&w->deadlines);
    loop_free(w->loop);
    codec_state_release(&w->codec);
    free(w->scratch);
    free(w);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    rcu_register();
    int rc = loop_run(w->loop);
    if (rc)
        log_error(w->broker->log, "loop", "event loop %u ended: %s", w->index, err_str(rc));
    rcu_unregister();
    return NULL;
}

/* One loop looks at the clock for all. */
static void look_at_clock(struct deadline *d)
{
    struct worker *w = container_of(d, struct worker, clock_look);
    int64_t by = clock_watch(&w->clock, w->broker->clock);
    if (by)
        log_warn(
            w->broker->log, "broker",
            "the system's clock was set %s by %" PRId64
            " ms: timestamps that are given now follow it, timeouts and the order of records do "
            "not",
            by > 0 ? "forward" : "back", by > 0 ? by : -by);
    deadline_set(&w->deadlines, d, CLOCK_MS, look_at_clock);
}

int worker_start(struct worker *w)
{
    if (w->index == 0)
        look_at_clock(&w->clock_look);
    int rc = pthread_create(&w->thread, NULL, run, w);
    if (rc)
        return -rc;
    char name[16];
    snprintf(name, sizeof name, "loop-%u", w->index);
    pthread_setname_np(w->thread, name);
    return 0;
}

static void stop(struct loop_msg *m)
{
    loop_stop(container_of(m, struct worker, stop_msg)->loop);
}

void worker_join(struct worker *w)
{
    w->stop_msg.run = stop;
    loop_post(w->loop, &w->stop_msg);
    pthread_join(w->thread, NULL);
}

/* ---- connections */

struct gift {
    struct loop_msg msg;
    struct worker *w;
    int fd;
    struct sockaddr_storage peer;
};

static void unwrap(struct loop_msg *m)
{
    struct gift *g = container_of(m, struct gift, msg);
    if (conn_open(g->w, g->fd, (const struct sockaddr *)&g->peer))
        worker_complain(g->w, "a new client", "out of memory for a connection");
    free(g);
}

void worker_give(struct worker *w, int fd, const struct sockaddr_storage *peer)
{
    struct gift *g = malloc(sizeof *g);
    if (!g) {
        close(fd);
        atomic_fetch_sub_explicit(&w->broker->n_conns, 1, memory_order_relaxed);
        return;
    }
    *g = (struct gift){.msg.run = unwrap, .w = w, .fd = fd, .peer = *peer};
    loop_post(w->loop, &g->msg);
}

static void press(struct loop_msg *m)
{
    struct worker *w = container_of(m, struct worker, press_msg);
    atomic_store(&w->press_asked, false);
    for (struct conn *c = w->conns; c; c = c->next)
        conn_press(c);
}

void workers_press(struct broker *b)
{
    for (uint32_t i = 0; i < b->n_workers; i++) {
        struct worker *w = b->workers[i];
        if (atomic_exchange(&w->press_asked, true))
            continue;
        w->press_msg.run = press;
        loop_post(w->loop, &w->press_msg);
    }
}

static void feed_hungry(struct deadline *d)
{
    struct worker *w = container_of(d, struct worker, hungry);
    int64_t now = loop_now_ms(w->loop);
    if (now - w->pressed_ms >= PRESS_MS) {
        w->pressed_ms = now;
        workers_press(w->broker);
    }
    for (struct conn *c = w->conns; c; c = c->next) {
        if (c->in.starved) {
            c->in.starved = false;
            conn_touch(c);
        }
    }
}

void worker_hungry(struct worker *w)
{
    if (!deadline_is_set(&w->hungry))
        deadline_set(&w->deadlines, &w->hungry, HUNGRY_MS, feed_hungry);
}

void worker_complain(struct worker *w, const char *peer, const char *reason)
{
    int64_t now = loop_now_ms(w->loop);
    if (now - w->complained_ms < COMPLAIN_MS) {
        w->complaints++;
        return;
    }
    log_warn(w->broker->log, "conn", "closed peer=%s unlogged=%u: %s", peer, w->complaints, reason);
    w->complained_ms = now;
    w->complaints = 0;
}

/* ---- the end of service */

void worker_check_drained(struct worker *w)
{
    if (!w->draining || w->conns || w->n_requests || !w->drained)
        return;
    void (*drained)(void *arg) = w->drained;
    w->drained = NULL;
    drained(w->drained_arg);
}

static void drain(struct loop_msg *m)
{
    struct worker *w = container_of(m, struct worker, drain_msg);
    w->draining = true;
    for (struct conn *c = w->conns; c; c = c->next)
        conn_drain(c);
    waiting_expire(&w->waiting);
    worker_check_drained(w);
}

void worker_drain(struct worker *w, void (*drained)(void *arg), void *arg)
{
    w->drained = drained;
    w->drained_arg = arg;
    w->drain_msg.run = drain;
    loop_post(w->loop, &w->drain_msg);
}

static void cut(struct loop_msg *m)
{
    struct worker *w = container_of(m, struct worker, cut_msg);
    for (struct conn *c = w->conns; c; c = c->next)
        conn_close(c, NULL);
}

void worker_cut(struct worker *w)
{
    w->cut_msg.run = cut;
    loop_post(w->loop, &w->cut_msg);
}

/* ---- counters */

static void log_stats(struct loop_msg *m)
{
    struct worker *w = container_of(m, struct worker, stats_msg);
    const struct stats *st = &w->stats;
    char line[1024];
    size_t n;
    const struct api *all = api_all(&n);
    int at = snprintf(line, sizeof line,
                      "loop=%u accepted=%" PRIu64 " closed=%" PRIu64 " refused=%" PRIu64
                      " bytes_in=%" PRIu64 " bytes_out=%" PRIu64 " fetch_waits=%" PRIu64
                      " fetch_wakes=%" PRIu64 " fetch_colds=%" PRIu64,
                      w->index, st->accepted, st->closed, st->refused, st->bytes_in, st->bytes_out,
                      st->fetch_waits, st->fetch_wakes, st->fetch_colds);
    for (size_t i = 0; i < n && at > 0 && (size_t)at < sizeof line; i++) {
        if (st->requests[all[i].key])
            at += snprintf(line + at, sizeof line - (size_t)at, " %s=%" PRIu64, all[i].kp->name,
                           st->requests[all[i].key]);
    }
    log_info(w->broker->log, "stats", "%s", line);
    atomic_store(&w->stats_asked, false);
}

void worker_log_stats(struct worker *w)
{
    if (atomic_exchange(&w->stats_asked, true))
        return;
    w->stats_msg.run = log_stats;
    loop_post(w->loop, &w->stats_msg);
}
