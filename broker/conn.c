#include "broker/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "broker/broker.h"
#include "broker/container.h"
#include "broker/worker.h"

enum {
    DISCARDS = 64, /* reads of what a client sent in vain */
    LOOKS = 4,     /* at a connection in the time that it may stall */
    BEYOND = 4,    /* replies may exceed their budget by that part of it */
};

static void on_event(void *arg, int events)
{
    struct conn *c = arg;
    if (events & LOOP_WRITE)
        c->blocked = false;
    if (events & LOOP_READ)
        conn_in_readable(c);
    conn_touch(c);
}

static bool replies_are_too_many(const struct broker *b)
{
    return atomic_load_explicit(&b->replies.used, memory_order_relaxed) >
           b->replies.max + b->replies.max / BEYOND;
}

bool conn_has_room(const struct conn *c)
{
    struct broker *b = c->w->broker;
    return !c->closing && !c->draining &&
           c->n_requests < live_now(b, connection_max_queued_requests) &&
           c->queued < live_now(b, connection_max_queued_bytes) &&
           !(c->unsent && budget_is_over(&b->replies)) && !replies_are_too_many(b);
}

/* What is waited for: bytes while there is a place for them, and the socket while it is full. */
static int wanted_events(const struct conn *c)
{
    bool reads = !c->in.ended && !c->in.held && !c->in.starved && conn_has_room(c);
    return (reads ? LOOP_READ : 0) | (c->blocked ? LOOP_WRITE : 0);
}

static void watch_socket(struct conn *c)
{
    int events = wanted_events(c);
    bool read_before = c->reading;
    c->reading = events & LOOP_READ;
    if (c->reading && !read_before)
        conn_in_be_patient(c); /* its time begins when ours ends */
    if (loop_fd_set(c->watch, events))
        c->closing = true;
}

static void format_peer(struct conn *c, const struct sockaddr *peer)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (peer->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)peer;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(c->peer, sizeof c->peer, "%s:%d", host, ntohs(in->sin_port));
    } else if (peer->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)peer;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(c->peer, sizeof c->peer, "[%s]:%d", host, ntohs(in6->sin6_port));
    } else {
        snprintf(c->peer, sizeof c->peer, "%s", host);
    }
}

/* ---- the end */

static void free_ghost(struct conn *c)
{
    loop_at_end_cancel(c->w->loop, &c->hook);
    free(c);
}

/* A socket that is closed over unread bytes is reset, and answers still on their way are lost. What
 * the client asked behind the last request that was taken is not wanted any more. */
static void discard_input(struct conn *c)
{
    for (int i = 0; i < DISCARDS; i++) {
        if (recv(c->fd, c->w->scratch, WORKER_SCRATCH, MSG_DONTWAIT) <= 0)
            return;
    }
}

/* Close the socket and let go of all requests but those that somebody else still works on. */
static void tear_down(struct conn *c)
{
    struct worker *w = c->w;
    deadline_clear(&w->deadlines, &c->watchdog);
    loop_fd_del(c->watch);
    if (c->draining)
        discard_input(c);
    close(c->fd);
    c->fd = -1;
    conn_in_release(c);
    *c->prev = c->next;
    if (c->next)
        c->next->prev = c->prev;
    w->stats.closed++;
    atomic_fetch_sub_explicit(&w->broker->n_conns, 1, memory_order_relaxed);

    c->n_requests++; /* so that the struct outlives the loop below */
    for (struct request *q = c->first, *next; q; q = next) {
        next = q->next;
        if (q->state == REQUEST_READY)
            conn_remove(c, q);
        else if (q->cancel)
            q->cancel(q);
    }
    if (--c->n_requests == 0)
        free_ghost(c);
    worker_check_drained(w);
}

/* The end of an iteration in which something happened. */
static void settle(struct loop_hook *h)
{
    struct conn *c = container_of(h, struct conn, hook);
    if (c->fd < 0)
        return;
    conn_out_flush(c);
    if (conn_has_room(c))
        conn_in_resume(c);
    if (conn_in_end_turn(c))
        conn_touch(c);
    /* Bytes that came in the iteration in which draining began are held, and stay unread. */
    if (c->n_requests == 0 && (c->draining || (c->in.ended && !c->in.held)))
        c->closing = true;
    if (!c->closing && replies_are_too_many(c->w->broker)) {
        c->in.starved = true; /* until those have gone that do not take theirs */
        worker_hungry(c->w);
        if (c->blocked)
            workers_press(c->w->broker);
    }
    if (!c->closing)
        watch_socket(c);
    if (c->closing)
        tear_down(c);
}

void conn_touch(struct conn *c)
{
    if (c->fd >= 0)
        loop_at_end(c->w->loop, &c->hook);
}

void conn_close(struct conn *c, const char *reason)
{
    if (c->closing || c->fd < 0)
        return;
    if (reason)
        worker_complain(c->w, c->peer, reason);
    c->closing = true;
    conn_touch(c);
}

void conn_drain(struct conn *c)
{
    c->draining = true;
    conn_in_drop_held(c);
    conn_touch(c);
}

/* ---- stalled and idle clients */

/* When it has to be closed if nothing happens; INT64_MAX while it waits for us. */
static int64_t closing_time(const struct conn *c)
{
    int64_t idle = clock_after(c->active_ms, live_now(c->w->broker, connections_max_idle_ms));
    if (c->blocked)
        return idle;
    if (!c->reading)
        return INT64_MAX;
    if (conn_in_is_under_way(c))
        return c->in.due_ms;
    return c->n_requests ? INT64_MAX : idle;
}

static void watchdog(struct deadline *d)
{
    struct conn *c = container_of(d, struct conn, watchdog);
    int64_t stall = live_now(c->w->broker, connection_stall_ms);
    int64_t idle = live_now(c->w->broker, connections_max_idle_ms);
    int64_t now = loop_now_ms(c->w->loop), end = closing_time(c);
    if (end == INT64_MAX)
        c->active_ms = now; /* its time begins when ours ends */
    if (now >= end) {
        conn_close(c, end == c->in.due_ms ? "stalled for connection.stall.ms" : NULL);
        return;
    }
    int64_t look = stall / LOOKS < idle ? stall / LOOKS : idle;
    if (end - now < look)
        look = end - now;
    if (deadline_set(&c->w->deadlines, d, look, watchdog))
        conn_close(c, "out of memory");
}

/* What one connection may keep of the replies when there are too many. */
static int64_t share_of_replies(const struct broker *b)
{
    return b->replies.max / (1 + (int64_t)atomic_load_explicit(&b->n_conns, memory_order_relaxed));
}

void conn_press(struct conn *c)
{
    struct broker *b = c->w->broker;
    if (conn_in_is_late(c))
        conn_close(c, "its request comes too slowly for the memory that it keeps from others");
    else if (c->blocked && replies_are_too_many(b) && c->unsent > share_of_replies(b))
        conn_close(c, "does not take its replies, and memory is short");
}

/* ---- the beginning */

static int give_up(struct worker *w, int fd, struct conn *c)
{
    close(fd);
    free(c);
    atomic_fetch_sub_explicit(&w->broker->n_conns, 1, memory_order_relaxed);
    return -ENOMEM;
}

/* Slower, and slower to notice a dead client, without; not wrong. A bounded send buffer also bounds
 * what a client that takes nothing keeps of the kernel's memory. Left to itself, the kernel holds
 * megabytes; bbr then measures the connection's speed and sets a timer for each packet, which on
 * one machine costs more than the packets (docs/performance.md). */
static void set_options(int fd, const struct settings *s)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    int room = s->socket_send_buffer_bytes;
    if (room >= 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
}

int conn_open(struct worker *w, int fd, const struct sockaddr *peer)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c)
        return give_up(w, fd, c);
    c->w = w;
    c->fd = fd;
    c->hook.run = settle;
    c->last = &c->first;
    c->active_ms = loop_now_ms(w->loop);
    format_peer(c, peer);
    set_options(fd, w->broker->settings);
    c->watch = loop_fd_add(w->loop, fd, LOOP_READ, on_event, c);
    if (!c->watch)
        return give_up(w, fd, c);
    c->next = w->conns;
    c->prev = &w->conns;
    if (c->next)
        c->next->prev = &c->next;
    w->conns = c;
    c->reading = true;
    w->stats.accepted++;
    watchdog(&c->watchdog);
    if (w->draining)
        conn_drain(c);
    return 0;
}

/* ---- requests */

void conn_add(struct conn *c, struct request *q)
{
    q->next = NULL;
    *c->last = q;
    c->last = &q->next;
    c->n_requests++;
}

/* Take q out of a list that holds it; gives the place of the link that pointed to it, NULL if it is
 * not there. */
static struct request **unlink_from(struct request **first, struct request *q)
{
    for (struct request **p = first; *p; p = &(*p)->next) {
        if (*p == q) {
            *p = q->next;
            return p;
        }
    }
    return NULL;
}

static void unlink_request(struct conn *c, struct request *q)
{
    if (q->silent) {
        unlink_from(&c->silent, q);
        return;
    }
    struct request **p = unlink_from(&c->first, q);
    if (c->last == &q->next)
        c->last = p;
}

void conn_silence(struct conn *c, struct request *q)
{
    unlink_request(c, q);
    q->silent = true;
    q->next = c->silent;
    c->silent = q;
    conn_touch(c);
}

void conn_drop(struct conn *c, struct request *q)
{
    unlink_request(c, q);
    request_free(q);
    c->n_requests--;
}

void conn_remove(struct conn *c, struct request *q)
{
    conn_drop(c, q);
    if (c->fd >= 0)
        conn_touch(c);
    else if (c->n_requests == 0)
        free_ghost(c);
}
