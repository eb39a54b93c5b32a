/* listener.c - when the process has no descriptor left, a waiting connection could neither be
 * accepted nor refused, and the loop would spin on it: a spare descriptor is closed to make room,
 * the connection is accepted and closed, and the spare is opened again. Where that does not help
 * (another thread took the room, memory is short), nothing is accepted for a moment. */
#include "broker/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/broker.h"
#include "broker/container.h"
#include "broker/deadline.h"
#include "broker/worker.h"

enum {
    ACCEPT_MAX = 64, /* in one callback: connections that are there already want the loop too */
    PAUSE_MS = 100   /* when none can be accepted */
};

struct listener {
    struct broker *broker;
    int fd, spare;
    struct loop_fd *watch;
    uint32_t next; /* connections dealt out */
    struct loop_msg stop;
    struct deadline pause;
};

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* False: not even that can be done. */
static bool refuse_one(struct listener *l)
{
    worker_complain(l->broker->workers[0], "a new client",
                    "no descriptors left: raise RLIMIT_NOFILE or lower max.connections");
    if (l->spare < 0)
        l->spare = open_spare();
    if (l->spare < 0)
        return false;
    close(l->spare);
    int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    l->spare = open_spare();
    return true;
}

static void go_on(struct deadline *d)
{
    struct listener *l = container_of(d, struct listener, pause);
    if (l->watch)
        loop_fd_set(l->watch, LOOP_READ);
}

static void pause_accepting(struct listener *l)
{
    if (deadline_set(&l->broker->workers[0]->deadlines, &l->pause, PAUSE_MS, go_on) == 0)
        loop_fd_set(l->watch, 0);
}

/* Of a connection that was gone before it was accepted (accept(2) names these). */
static bool is_of_connection(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EOPNOTSUPP:
        return true;
    default:
        return false;
    }
}

/* What to do when none was accepted. True: look for the next one. */
static bool not_accepted(struct listener *l, int error)
{
    if (error == EAGAIN || is_of_connection(error))
        return error != EAGAIN; /* all are in */
    if ((error == EMFILE || error == ENFILE) && refuse_one(l))
        return true;
    if (error != EMFILE && error != ENFILE)
        worker_complain(l->broker->workers[0], "a new client", err_str(-error));
    pause_accepting(l);
    return false;
}

static void deal_out(struct listener *l, int fd, const struct sockaddr_storage *peer)
{
    struct broker *b = l->broker;
    uint32_t n = atomic_fetch_add_explicit(&b->n_conns, 1, memory_order_relaxed);
    if (n >= live_now(b, max_connections) || n >= b->room_for_conns) {
        close(fd);
        atomic_fetch_sub_explicit(&b->n_conns, 1, memory_order_relaxed);
        worker_complain(b->workers[0], "a new client",
                        "there are as many as max.connections and RLIMIT_NOFILE allow");
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
        if (!not_accepted(l, errno))
            return;
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
    deadline_clear(&l->broker->workers[0]->deadlines, &l->pause);
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
