#include "cli/bench_conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

enum { ANSWER_MAX = 512 << 20 }; /* bytes */

void bench_conn_init(struct bench_conn *c, struct loop *loop, const struct bench_conn_ops *ops)
{
    *c = (struct bench_conn){.loop = loop, .ops = ops, .fd = -1};
    client_conn_init(&c->proto, "chronik-bench", ANSWER_MAX);
}

void bench_conn_close(struct bench_conn *c)
{
    loop_fd_del(c->watch);
    c->watch = NULL;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    client_conn_reset(&c->proto);
}

void bench_conn_release(struct bench_conn *c)
{
    bench_conn_close(c);
    client_conn_release(&c->proto);
}

static void fail(struct bench_conn *c, const struct err *e)
{
    bench_conn_close(c);
    c->ops->failed(c, e);
}

static void fail_code(struct bench_conn *c, int code)
{
    struct err e;
    err_set(&e, code, "%s", err_str(code));
    fail(c, &e);
}

bool bench_conn_drained(const struct bench_conn *c)
{
    return client_conn_out(&c->proto).n == 0;
}

/* Offer what waits to the socket. 0 or a negated errno. */
static int offer(struct bench_conn *c)
{
    struct span out;
    while ((out = client_conn_out(&c->proto)).n) {
        ssize_t k = send(c->fd, out.p, out.n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return errno == EAGAIN ? 0 : -errno;
        client_conn_sent(&c->proto, (size_t)k);
    }
    return 0;
}

static int watch_what_matters(struct bench_conn *c)
{
    return loop_fd_set(c->watch, LOOP_READ | (bench_conn_drained(c) ? 0 : LOOP_WRITE));
}

void bench_conn_flush(struct bench_conn *c)
{
    if (c->reading || c->fd < 0)
        return;
    /* An error is met again, where it can be told, by the callback for what is left. */
    if (offer(c) || !bench_conn_drained(c))
        loop_fd_set(c->watch, LOOP_READ | LOOP_WRITE);
}

/* Hand on the whole answers among the bytes read. 1: a callback closed the connection. */
static int hand_on(struct bench_conn *c, struct err *e)
{
    struct client_response r;
    uint32_t life = c->life;
    bool was_ready = client_conn_ready(&c->proto);
    int rc;
    while ((rc = client_conn_next(&c->proto, &r, e)) == 1) {
        c->ops->answer(c, &r);
        if (c->fd < 0 || c->life != life)
            return 1;
    }
    if (rc == 0 && !was_ready && client_conn_ready(&c->proto)) {
        c->ops->ready(c);
        if (c->fd < 0 || c->life != life)
            return 1;
    }
    return rc;
}

/* Read once. 1: there may be more; 0: not now; negative: failed, ERR_CLOSED by the peer. */
static int read_some(struct bench_conn *c)
{
    size_t room;
    uint8_t *p = client_conn_room(&c->proto, &room);
    if (!p)
        return -ENOMEM;
    ssize_t k = recv(c->fd, p, room, 0);
    if (k < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (k == 0)
        return ERR_CLOSED;
    client_conn_received(&c->proto, (size_t)k);
    return (size_t)k == room;
}

static void on_readable(struct bench_conn *c)
{
    struct err e;
    int more, rc = 0;
    c->reading = true;
    do {
        more = read_some(c);
        if (more >= 0)
            rc = hand_on(c, &e);
    } while (more > 0 && rc == 0);
    c->reading = false;
    if (rc > 0)
        return;
    if (rc < 0) {
        fail(c, &e);
        return;
    }
    rc = more < 0 ? more : offer(c);
    if (!rc)
        rc = watch_what_matters(c);
    if (rc)
        fail_code(c, rc);
}

static void on_writable(struct bench_conn *c)
{
    int rc = offer(c);
    if (!rc)
        rc = watch_what_matters(c);
    if (rc)
        fail_code(c, rc);
    else if (bench_conn_drained(c) && client_conn_ready(&c->proto))
        c->ops->drained(c);
}

static void on_connected(struct bench_conn *c)
{
    int err = 0;
    socklen_t len = sizeof err;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len))
        err = errno;
    c->connecting = false;
    int rc = err ? -err : client_conn_hello(&c->proto);
    if (rc)
        fail_code(c, rc);
    else
        on_writable(c);
}

static void on_events(void *arg, int events)
{
    struct bench_conn *c = arg;
    uint32_t life = c->life;
    if (c->connecting) {
        on_connected(c);
        return;
    }
    if (events & LOOP_WRITE)
        on_writable(c);
    if (events & LOOP_READ && c->fd >= 0 && c->life == life)
        on_readable(c);
}

int bench_conn_open(struct bench_conn *c, const struct sockaddr *addr, socklen_t len)
{
    int one = 1;
    c->life++;
    c->fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return -errno;
    int rc = 0;
    if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one))
        rc = -errno;
    else if (connect(c->fd, addr, len) && errno != EINPROGRESS)
        rc = -errno;
    if (!rc) {
        c->connecting = true;
        c->watch = loop_fd_add(c->loop, c->fd, LOOP_WRITE, on_events, c);
        rc = c->watch ? 0 : -ENOMEM;
    }
    if (rc)
        bench_conn_close(c);
    return rc;
}
