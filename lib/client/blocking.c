#include "client/blocking.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int64_t client_wait_left(const struct client_wait *w)
{
    int64_t left = w->deadline_ms - clock_mono_ms(w->clock);
    return left > 0 ? left : 0;
}

/* poll until `until` (monotonic ms): the events of fd, 0 when the time has come, or a negative
 * code. */
static int poll_until(const struct client_wait *w, int fd, short events, int64_t until)
{
    for (;;) {
        struct pollfd p[2] = {{fd, events, 0}, {w->interrupt_fd, POLLIN, 0}};
        int64_t left = until - clock_mono_ms(w->clock);
        int n = poll(p, 2, left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0 && p[1].revents)
            return ERR_INTERRUPTED;
        if (n > 0)
            return p[0].revents;
        if (n == 0 && left <= 0)
            return 0;
    }
}

int client_wait_fd(const struct client_wait *w, int fd, short events)
{
    int rc = poll_until(w, fd, events, w->deadline_ms);
    return rc ? rc : ERR_TIMEOUT;
}

int client_wait_ms(const struct client_wait *w, int64_t ms)
{
    int64_t until = clock_mono_ms(w->clock) + ms;
    if (until < w->deadline_ms)
        return poll_until(w, -1, 0, until);
    return client_wait_fd(w, -1, 0);
}

void client_link_init(struct client_link *l, const char *name, size_t max_response)
{
    *l = (struct client_link){.fd = -1};
    client_conn_init(&l->conn, name, max_response);
}

void client_link_close(struct client_link *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    client_conn_reset(&l->conn);
}

void client_link_release(struct client_link *l)
{
    client_link_close(l);
    client_conn_release(&l->conn);
}

/* The link is of no use any more: close it and say so in e, once. */
static int fail(struct client_link *l, int rc, struct err *e)
{
    client_link_close(l);
    return err_code(e, rc, "%s", l->peer);
}

/* Like fail, for an e that says the reason already. */
static int fail_with(struct client_link *l, int rc, struct err *e)
{
    client_link_close(l);
    err_wrap(e, "%s", l->peer);
    return rc;
}

/* Wait for a connect that is under way, and take its outcome. */
static int await_connect(int fd, const struct client_wait *w)
{
    int rc = client_wait_fd(w, fd, POLLOUT);
    if (rc < 0)
        return rc;
    int error = 0;
    socklen_t n = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n))
        return -errno;
    return -error;
}

static int connect_to(const struct addrinfo *ai, const struct client_wait *w, int *fd)
{
    int s = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0)
        return -errno;
    int rc = connect(s, ai->ai_addr, ai->ai_addrlen) ? -errno : 0;
    if (rc == -EINPROGRESS)
        rc = await_connect(s, w);
    if (rc) {
        close(s);
        return rc;
    }
    /* Requests are written whole; waiting to join them only delays. Failing to say so costs speed
     * only. */
    int on = 1;
    (void)setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *fd = s;
    return 0;
}

static int64_t count(const struct addrinfo *ai)
{
    int64_t n = 0;
    for (; ai; ai = ai->ai_next)
        n++;
    return n;
}

/* Connect to the first address that can be. Each has its share of the time that is left: where one
 * swallows everything (IPv6 that leads nowhere, say), the next may still answer. */
static int connect_any(const struct addrinfo *list, const struct client_wait *w, int *fd)
{
    int rc = 0;
    for (const struct addrinfo *ai = list; ai; ai = ai->ai_next) {
        struct client_wait share = *w;
        share.deadline_ms = clock_mono_ms(w->clock) + client_wait_left(w) / count(ai);
        rc = connect_to(ai, &share, fd);
        if (!rc || rc == ERR_INTERRUPTED || (rc == ERR_TIMEOUT && !client_wait_left(w)))
            break;
    }
    return rc;
}

static int dial(struct client_link *l, const char *host, int port, const struct client_wait *w,
                struct err *e)
{
    char service[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *list;
    snprintf(service, sizeof service, "%d", port);
    int found = getaddrinfo(host, service, &hints, &list);
    if (found)
        return err_set(e, ERR_UNREACHABLE, "%s: %s", l->peer, gai_strerror(found));
    int rc = connect_any(list, w, &l->fd);
    freeaddrinfo(list);
    if (!rc || rc == ERR_TIMEOUT || rc == ERR_INTERRUPTED)
        return rc ? err_code(e, rc, "%s", l->peer) : 0;
    return err_set(e, ERR_UNREACHABLE, "%s: %s", l->peer, err_str(rc));
}

static int send_some(struct client_link *l, struct err *e)
{
    struct span out = client_conn_out(&l->conn);
    ssize_t n = send(l->fd, out.p, out.n, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return fail(l, -errno, e);
    client_conn_sent(&l->conn, n > 0 ? (size_t)n : 0);
    return 0;
}

static int receive_some(struct client_link *l, struct err *e)
{
    size_t room;
    uint8_t *p = client_conn_room(&l->conn, &room);
    if (!p)
        return fail(l, -ENOMEM, e);
    ssize_t n = recv(l->fd, p, room, 0);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return fail(l, -errno, e);
    if (n == 0) {
        client_link_close(l);
        return err_set(e, ERR_CLOSED, "%s: the broker closed the connection", l->peer);
    }
    client_conn_received(&l->conn, n > 0 ? (size_t)n : 0);
    return 0;
}

/* Wait, and move some bytes in one direction or both. Reading goes on while writing: a broker that
 * cannot get rid of its answers may stop reading requests. */
static int move(struct client_link *l, const struct client_wait *w, struct err *e)
{
    bool more = client_conn_out(&l->conn).n > 0;
    int events = client_wait_fd(w, l->fd, (short)(POLLIN | (more ? POLLOUT : 0)));
    if (events < 0)
        return fail(l, events, e);
    int rc = more && events & POLLOUT ? send_some(l, e) : 0;
    return !rc && events & ~POLLOUT ? receive_some(l, e) : rc;
}

/* The next answer, 0 or a negative code. */
static int await_answer(struct client_link *l, struct client_response *r,
                        const struct client_wait *w, struct err *e)
{
    for (;;) {
        int rc = client_conn_next(&l->conn, r, e);
        if (rc)
            return rc < 0 ? fail_with(l, rc, e) : 0;
        rc = move(l, w, e);
        if (rc)
            return rc;
    }
}

/* Exchange ApiVersions, whose answer the connection takes itself. */
static int greet(struct client_link *l, const struct client_wait *w, struct err *e)
{
    struct client_response r;
    int rc = client_conn_hello(&l->conn);
    if (rc)
        return fail(l, rc, e);
    for (;;) {
        rc = client_conn_next(&l->conn, &r, e);
        if (rc < 0)
            return fail_with(l, rc, e);
        if (client_conn_ready(&l->conn))
            return 0;
        rc = move(l, w, e);
        if (rc)
            return rc;
    }
}

int client_link_open(struct client_link *l, const char *host, int port, const struct client_wait *w,
                     struct err *e)
{
    client_link_close(l);
    snprintf(l->peer, sizeof l->peer, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
    int rc = dial(l, host, port, w, e);
    return rc ? rc : greet(l, w, e);
}

static int queue(struct client_link *l, int16_t key, int16_t max, const void *req, bool answered,
                 struct err *e)
{
    int rc = client_conn_version(&l->conn, key, max, e);
    if (rc < 0)
        return err_wrap(e, "%s", l->peer);
    int16_t version = (int16_t)rc;
    rc = answered ? client_conn_send(&l->conn, key, version, req, NULL)
                  : client_conn_send_unanswered(&l->conn, key, version, req);
    return rc ? err_code(e, rc, "%s: %s request", l->peer, kp_api(key)->name) : 0;
}

int client_link_send(struct client_link *l, int16_t key, int16_t max, const void *req,
                     struct err *e)
{
    return queue(l, key, max, req, true, e);
}

int client_link_send_unanswered(struct client_link *l, int16_t key, int16_t max, const void *req,
                                struct err *e)
{
    return queue(l, key, max, req, false, e);
}

int client_link_flush(struct client_link *l, const struct client_wait *w, struct err *e)
{
    int rc = 0;
    while (!rc && client_conn_out(&l->conn).n)
        rc = move(l, w, e);
    return rc;
}

int client_link_receive(struct client_link *l, void *resp, struct arena *a,
                        const struct client_wait *w, struct err *e)
{
    struct client_response r;
    int rc = await_answer(l, &r, w, e);
    if (rc)
        return rc;
    rc = client_response_decode(&r, a, resp, e);
    return rc ? fail_with(l, rc, e) : 0;
}

int client_link_receive_copy(struct client_link *l, void *resp, struct arena *a,
                             const struct client_wait *w, struct err *e)
{
    struct client_response r;
    int rc = await_answer(l, &r, w, e);
    if (rc)
        return rc;
    size_t n = rd_left(&r.body);
    uint8_t *own = arena_alloc(a, n);
    if (!own)
        return fail(l, -ENOMEM, e);
    memcpy(own, r.body.p, n);
    r.body = rd_of(own, n);
    rc = client_response_decode(&r, a, resp, e);
    return rc ? fail_with(l, rc, e) : 0;
}

int client_link_call(struct client_link *l, int16_t key, int16_t max, const void *req, void *resp,
                     struct arena *a, const struct client_wait *w, struct err *e)
{
    int rc = client_link_send(l, key, max, req, e);
    return rc ? rc : client_link_receive_copy(l, resp, a, w, e);
}
