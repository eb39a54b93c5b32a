#include "cli/bench_null.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop.h"

enum { BACKLOG = 1024, ROOM = 64 << 10, FRAME_MAX = 512 << 20 };

struct null_thread {
    struct null_broker *broker;
    struct loop *loop;
    pthread_t thread;
    struct arena arena;
};

/* Made by the accepting thread, then that of its thread; freed at the end of all. */
struct null_conn {
    struct null_conn *next;
    struct null_thread *t;
    struct loop_msg begin;
    struct loop_fd *watch;
    int fd;
    uint8_t *in; /* bytes received and not yet served */
    size_t n, cap;
    struct wr out;
    size_t sent; /* bytes of out that are gone */
};

struct null_broker {
    struct null_state state;
    char address[32];
    int listener;
    struct loop_fd *accepting;
    struct null_thread *threads;
    uint32_t n_threads, running, turn;
    struct null_conn *conns;
};

/* ---- a connection ---- */

static void conn_close(struct null_conn *c)
{
    loop_fd_del(c->watch);
    c->watch = NULL;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    free(c->in);
    c->in = NULL;
    wr_free(&c->out);
}

/* Room for the rest of the frame that is coming, or for what comes at once. */
static int make_room(struct null_conn *c)
{
    size_t need = ROOM;
    if (c->n >= 4) {
        need = (size_t)get_be32(c->in) + 4;
        if (need > FRAME_MAX)
            return ERR_TOOBIG;
    }
    need = need > c->n ? need : c->n + ROOM;
    if (need <= c->cap)
        return 0;
    uint8_t *p = realloc(c->in, need);
    if (!p)
        return -ENOMEM;
    c->in = p;
    c->cap = need;
    return 0;
}

/* Answer the whole requests among the bytes received. */
static int serve(struct null_conn *c)
{
    size_t at = 0;
    int rc = 0;
    while (!rc && c->n - at >= 4) {
        size_t size = get_be32(c->in + at);
        if (c->n - at - 4 < size)
            break;
        rc = null_answer(&c->t->broker->state, rd_of(c->in + at + 4, size), &c->t->arena, &c->out);
        at += 4 + size;
    }
    memmove(c->in, c->in + at, c->n - at);
    c->n -= at;
    return rc;
}

/* 0 or a negated errno. */
static int offer(struct null_conn *c)
{
    while (c->sent < c->out.len) {
        ssize_t k = send(c->fd, c->out.buf + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return errno == EAGAIN ? 0 : -errno;
        c->sent += (size_t)k;
    }
    wr_reset(&c->out);
    c->sent = 0;
    return 0;
}

/* 0 or a code; ERR_CLOSED by the client. */
static int receive(struct null_conn *c)
{
    int rc = make_room(c);
    if (rc)
        return rc;
    ssize_t k = recv(c->fd, c->in + c->n, c->cap - c->n, 0);
    if (k < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (k == 0)
        return ERR_CLOSED;
    c->n += (size_t)k;
    return serve(c);
}

/* A client that does not read its answers gets no more of them. */
static void on_ready(void *arg, int events)
{
    struct null_conn *c = arg;
    int rc = events & LOOP_READ ? receive(c) : 0;
    if (!rc)
        rc = offer(c);
    if (!rc)
        rc = loop_fd_set(c->watch, c->out.len ? LOOP_WRITE : LOOP_READ);
    if (rc)
        conn_close(c);
}

static void on_begin(struct loop_msg *m)
{
    struct null_conn *c = (struct null_conn *)((char *)m - offsetof(struct null_conn, begin));
    c->watch = loop_fd_add(c->t->loop, c->fd, LOOP_READ, on_ready, c);
    if (!c->watch)
        conn_close(c);
}

/* ---- accepting ---- */

/* Connections are dealt out to the threads in turn. */
static void take(struct null_broker *n, int fd)
{
    int one = 1;
    struct null_conn *c = calloc(1, sizeof *c);
    if (!c || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one)) {
        free(c);
        close(fd); /* which the client tells */
        return;
    }
    c->fd = fd;
    c->t = &n->threads[n->turn++ % n->n_threads];
    c->begin.run = on_begin;
    wr_init(&c->out, 0);
    c->next = n->conns;
    n->conns = c;
    loop_post(c->t->loop, &c->begin);
}

static void on_accept(void *arg, int events)
{
    (void)events;
    struct null_broker *n = arg;
    int fd;
    while ((fd = accept4(n->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        take(n, fd);
}

static int open_listener(struct null_broker *n)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    n->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (n->listener < 0 || bind(n->listener, (struct sockaddr *)&at, sizeof at) ||
        listen(n->listener, BACKLOG) || getsockname(n->listener, (struct sockaddr *)&at, &len))
        return -errno;
    n->state.port = ntohs(at.sin_port);
    snprintf(n->address, sizeof n->address, "127.0.0.1:%d", n->state.port);
    return 0;
}

/* ---- threads ---- */

static void *thread_main(void *arg)
{
    struct null_thread *t = arg;
    loop_run(t->loop); /* if it fails the clients wait in vain, and say so */
    return NULL;
}

static int make_threads(struct null_broker *n)
{
    n->threads = calloc(n->n_threads, sizeof *n->threads);
    for (uint32_t i = 0; n->threads && i < n->n_threads; i++) {
        n->threads[i].broker = n;
        arena_init(&n->threads[i].arena, 0);
        n->threads[i].loop = loop_new();
        if (!n->threads[i].loop)
            return -ENOMEM;
    }
    if (!n->threads)
        return -ENOMEM;
    n->accepting = loop_fd_add(n->threads[0].loop, n->listener, LOOP_READ, on_accept, n);
    return n->accepting ? 0 : -ENOMEM;
}

static int start_threads(struct null_broker *n)
{
    sigset_t all, before; /* signals are for the main thread */
    int rc = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    while (!rc && n->running < n->n_threads) {
        struct null_thread *t = &n->threads[n->running];
        rc = -pthread_create(&t->thread, NULL, thread_main, t);
        n->running += !rc;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

static int start(struct null_broker *n)
{
    n->state.ends = calloc(n->state.partitions, sizeof *n->state.ends);
    if (!n->state.ends)
        return -ENOMEM;
    int rc = open_listener(n);
    if (!rc)
        rc = make_threads(n);
    return rc ? rc : start_threads(n);
}

struct null_broker *null_start(uint32_t threads, uint32_t partitions, struct err *e)
{
    struct null_broker *n = calloc(1, sizeof *n);
    if (!n) {
        err_code(e, -ENOMEM, "the bench's own broker");
        return NULL;
    }
    n->listener = -1;
    n->n_threads = threads;
    n->state.partitions = partitions;
    int rc = start(n);
    if (!rc)
        return n;
    err_code(e, rc, "the bench's own broker");
    null_stop(n);
    return NULL;
}

const char *null_address(const struct null_broker *n)
{
    return n->address;
}

void null_stop(struct null_broker *n)
{
    if (!n)
        return;
    for (uint32_t i = 0; i < n->running; i++)
        loop_stop(n->threads[i].loop);
    for (uint32_t i = 0; i < n->running; i++)
        pthread_join(n->threads[i].thread, NULL);
    while (n->conns) {
        struct null_conn *c = n->conns;
        n->conns = c->next;
        conn_close(c);
        free(c);
    }
    loop_fd_del(n->accepting);
    if (n->listener >= 0)
        close(n->listener);
    for (uint32_t i = 0; n->threads && i < n->n_threads; i++) {
        arena_free(&n->threads[i].arena);
        loop_free(n->threads[i].loop);
    }
    free(n->threads);
    free(n->state.ends);
    free(n);
}
