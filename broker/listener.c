/* listener.c - when the process has no descriptor left, a waiting connection could neither be
 * accepted nor refused, and the loop would spin on it: a spare descriptor is closed to make room,
 * the connection is accepted and closed, and the spare is opened again. */
#include "broker/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/broker.h"
#include "broker/container.h"
#include "broker/worker.h"

enum {
    ACCEPT_MAX = 64
}; /* in one callback: connections that are there already want the loop too */

struct listener {
    struct broker *broker;
    int fd, spare;
    struct loop_fd *watch;
    uint32_t next; /* connections dealt out */
    struct loop_msg stop;
};

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void refuse_one(struct listener *l)
{
    close(l->spare);
    int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    l->spare = open_spare();
    worker_complain(l->broker->workers[0], "a new client", "no descriptors left (RLIMIT_NOFILE)");
}

static void deal_out(struct listener *l, int fd, const struct sockaddr_storage *peer)
{
    struct broker *b = l->broker;
    uint32_t n = atomic_fetch_add_explicit(&b->n_conns, 1, memory_order_relaxed);
    if (n >= live_now(b, max_connections)) {
        close(fd);
        atomic_fetch_sub_explicit(&b->n_conns, 1, memory_order_relaxed);
        worker_complain(b->workers[0], "a new client", "there are max.connections already");
        return;
    }
    /* In turn, each round beginning one further: clients open connections in pairs (one to learn
     * who leads, one to work on), and all the second ones must not meet on the same loop. */
    uint32_t turn = l->next++;
    worker_give(b->workers[(turn + turn / b->n_workers) % b->n_workers], fd, peer);
}

static void on_ready(void *arg, int events)
{
    (void)events;
    struct listener *l = arg;
    for (int i = 0; i < ACCEPT_MAX; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t n = sizeof peer;
        int fd = accept4(l->fd, (struct sockaddr *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            deal_out(l, fd, &peer);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE)
            refuse_one(l);
        else if (errno != EINTR && errno != ECONNABORTED)
            return; /* EAGAIN: all are in; anything else is this connection's trouble */
    }
}

struct listener *listener_new(struct broker *b, int fd, struct err *e)
{
    struct listener *l = calloc(1, sizeof *l);
    if (!l) {
        close(fd);
        err_set(e, -ENOMEM, "out of memory");
        return NULL;
    }
    l->broker = b;
    l->fd = fd;
    l->spare = open_spare();
    if (listen(fd, b->settings->socket_listen_backlog_size)) {
        err_code(e, -errno, "cannot listen");
        listener_free(l);
        return NULL;
    }
    l->watch = loop_fd_add(b->workers[0]->loop, fd, LOOP_READ, on_ready, l);
    if (!l->watch) {
        err_set(e, -ENOMEM, "out of memory");
        listener_free(l);
        return NULL;
    }
    return l;
}

static void stop(struct loop_msg *m)
{
    struct listener *l = container_of(m, struct listener, stop);
    loop_fd_del(l->watch);
    l->watch = NULL;
    close(l->fd);
    l->fd = -1;
}

void listener_stop(struct listener *l)
{
    l->stop.run = stop;
    loop_post(l->broker->workers[0]->loop, &l->stop);
}

void listener_free(struct listener *l)
{
    if (!l)
        return;
    loop_fd_del(l->watch);
    if (l->fd >= 0)
        close(l->fd);
    if (l->spare >= 0)
        close(l->spare);
    free(l);
}
