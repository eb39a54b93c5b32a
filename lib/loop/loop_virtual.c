#include "loop/loop_virtual.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "loop/hooks.h"
#include "loop/mailbox.h"

struct loop_fd {
    struct loop *l;
    struct loop_fd *next;
    int fd, events;
    uint64_t born; /* the iteration it was added in, which does not serve it */
    void (*cb)(void *arg, int events);
    void *arg;
};

struct loop_timer {
    struct loop *l;
    struct loop_timer *next;
    bool armed;
    int64_t due_ms;
    uint64_t set; /* rank among those due at the same time */
    void (*cb)(void *arg);
    void *arg;
};

struct loop {
    struct mailbox box;
    struct hooks hooks;
    struct loop_fd *fds;     /* in the order they were added */
    struct loop_fd *fd_next; /* whom serve_fds asks next */
    struct loop_timer *timers;
    int64_t now_ms;
    uint64_t iteration, settings;
    atomic_bool stop;
};

struct loop *loop_new(void)
{
    struct loop *l = calloc(1, sizeof *l);
    if (l)
        hooks_init(&l->hooks);
    return l;
}

void loop_free(struct loop *l)
{
    free(l);
}

void loop_stop(struct loop *l)
{
    atomic_store(&l->stop, true);
}

int64_t loop_now_ms(const struct loop *l)
{
    return l->now_ms;
}

void loop_post(struct loop *l, struct loop_msg *m)
{
    mailbox_push(&l->box, m);
}

void loop_at_end(struct loop *l, struct loop_hook *h)
{
    hooks_add(&l->hooks, h);
}

void loop_at_end_cancel(struct loop *l, struct loop_hook *h)
{
    hooks_cancel(&l->hooks, h);
}

struct loop_fd *loop_fd_add(struct loop *l, int fd, int events, void (*cb)(void *arg, int events),
                            void *arg)
{
    struct loop_fd *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    *f = (struct loop_fd){
        .l = l, .fd = fd, .events = events, .born = l->iteration, .cb = cb, .arg = arg};
    struct loop_fd **p = &l->fds;
    while (*p)
        p = &(*p)->next;
    *p = f;
    return f;
}

int loop_fd_set(struct loop_fd *f, int events)
{
    f->events = events;
    return 0;
}

void loop_fd_del(struct loop_fd *f)
{
    if (!f)
        return;
    struct loop *l = f->l;
    if (l->fd_next == f)
        l->fd_next = f->next;
    struct loop_fd **p = &l->fds;
    while (*p != f)
        p = &(*p)->next;
    *p = f->next;
    free(f);
}

struct loop_timer *loop_timer_new(struct loop *l, void (*cb)(void *arg), void *arg)
{
    struct loop_timer *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    *t = (struct loop_timer){.l = l, .next = l->timers, .cb = cb, .arg = arg};
    l->timers = t;
    return t;
}

int loop_timer_set(struct loop_timer *t, int64_t ms)
{
    if (ms < 0)
        ms = 0;
    if (ms > LOOP_TIMER_MAX_MS)
        ms = LOOP_TIMER_MAX_MS;
    t->armed = true;
    t->due_ms = t->l->now_ms + ms;
    t->set = t->l->settings++;
    return 0;
}

void loop_timer_clear(struct loop_timer *t)
{
    t->armed = false;
}

void loop_timer_free(struct loop_timer *t)
{
    if (!t)
        return;
    struct loop_timer **p = &t->l->timers;
    while (*p != t)
        p = &(*p)->next;
    *p = t->next;
    free(t);
}

/* What of f's events has happened; or a negated errno. */
static int ready(const struct loop_fd *f)
{
    short want =
        (short)((f->events & LOOP_READ ? POLLIN : 0) | (f->events & LOOP_WRITE ? POLLOUT : 0));
    struct pollfd p = {.fd = f->fd, .events = want};
    if (!want)
        return 0;
    if (poll(&p, 1, 0) < 0)
        return errno == EINTR ? 0 : -errno;
    if (p.revents & POLLNVAL)
        return -EBADF;
    if (p.revents & (POLLERR | POLLHUP))
        return f->events;
    return (p.revents & POLLIN ? LOOP_READ : 0) | (p.revents & POLLOUT ? LOOP_WRITE : 0);
}

static int serve_fds(struct loop *l)
{
    int n = 0;
    for (struct loop_fd *f = l->fds; f; f = l->fd_next) {
        l->fd_next = f->next; /* loop_fd_del moves it on */
        int events = f->born == l->iteration ? 0 : ready(f);
        if (events < 0)
            return events;
        if (!events)
            continue;
        f->cb(f->arg, events);
        n++;
    }
    return n;
}

static struct loop_timer *next_timer(const struct loop *l)
{
    struct loop_timer *first = NULL;
    for (struct loop_timer *t = l->timers; t; t = t->next) {
        if (!t->armed)
            continue;
        if (!first || t->due_ms < first->due_ms ||
            (t->due_ms == first->due_ms && t->set < first->set))
            first = t;
    }
    return first;
}

static int serve_timers(struct loop *l)
{
    uint64_t until = l->settings; /* what is set from here on waits for the next iteration */
    struct loop_timer *t;
    int n = 0;
    while ((t = next_timer(l)) && t->due_ms <= l->now_ms && t->set < until) {
        t->armed = false;
        t->cb(t->arg);
        n++;
    }
    return n;
}

int loop_virtual_step(struct loop *l)
{
    l->iteration++;
    int n = serve_fds(l);
    if (n < 0)
        return n;
    n += serve_timers(l);
    n += mailbox_run(&l->box);
    return n + hooks_run(&l->hooks);
}

int loop_virtual_advance(struct loop *l, int64_t ms)
{
    int64_t end = l->now_ms + ms;
    for (;;) {
        int n = loop_virtual_step(l);
        if (n < 0)
            return n;
        if (n > 0)
            continue;
        const struct loop_timer *t = next_timer(l);
        if (!t || t->due_ms > end)
            break;
        l->now_ms = t->due_ms;
    }
    l->now_ms = end;
    return 0;
}

int loop_run(struct loop *l)
{
    int rc = 0;
    while (!rc && !atomic_load(&l->stop)) {
        int n = loop_virtual_step(l);
        const struct loop_timer *t = next_timer(l);
        if (n < 0)
            rc = n;
        else if (n == 0 && !t)
            rc = atomic_load(&l->stop) ? 0 : -EDEADLK;
        else if (n == 0 && t->due_ms > l->now_ms)
            l->now_ms = t->due_ms;
    }
    atomic_store(&l->stop, false);
    return rc;
}
