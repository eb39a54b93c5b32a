/* The loop on libevent.
 *
 * Each turn of loop_run is one event_base_loop(EVLOOP_ONCE): wait until something is ready, call
 * all that is; then the hooks. A message is announced through an eventfd that is watched like any
 * other descriptor. No event base is ever touched from another thread, so libevent runs without its
 * locks.
 */
#include "loop/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/hooks.h"
#include "loop/mailbox.h"

struct loop {
    struct event_base *base;
    struct mailbox box;
    struct hooks hooks;
    int wake_fd;
    struct event wake;
    atomic_bool stop;
    bool ticked; /* now_ms is this iteration's */
    int64_t now_ms;
};

struct loop_fd {
    struct loop *l;
    int events; /* LOOP_*, what is watched */
    void (*cb)(void *arg, int events);
    void *arg;
    struct event ev;
};

struct loop_timer {
    struct loop *l;
    int64_t due_ms;
    void (*cb)(void *arg);
    void *arg;
    struct event ev;
};

/* libevent 2.1 has no callback between waiting and serving, so the first thing served takes the
 * time. */
static void tick(struct loop *l)
{
    if (l->ticked)
        return;
    l->now_ms = clock_mono_ms(clock_system());
    l->ticked = true;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct loop *l = arg;
    tick(l);
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0 && errno != EAGAIN && errno != EINTR)
        abort(); /* an eventfd of ours cannot fail otherwise */
    mailbox_run(&l->box);
}

static void wake(struct loop *l)
{
    int saved = errno; /* a signal handler must not be seen in what it interrupted */
    uint64_t one = 1;
    while (write(l->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue; /* EAGAIN: 2^64 - 2 wake-ups are waiting already */
    errno = saved;
}

static struct event_base *base_new(void)
{
    struct event_config *cfg = event_config_new();
    if (!cfg)
        return NULL;
    /* No EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST: it would tell epoll of a removal only at the next
     * wait, when the descriptor may be closed and its number another thread's. */
    event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(cfg);
    event_config_free(cfg);
    return base;
}

struct loop *loop_new(void)
{
    struct loop *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    hooks_init(&l->hooks);
    l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    l->base = l->wake_fd < 0 ? NULL : base_new();
    if (!l->base || event_assign(&l->wake, l->base, l->wake_fd, EV_READ | EV_PERSIST, on_wake, l) ||
        event_add(&l->wake, NULL)) {
        loop_free(l);
        return NULL;
    }
    return l;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    if (l->base) {
        if (event_initialized(&l->wake))
            event_del(&l->wake);
        event_base_free(l->base);
    }
    if (l->wake_fd >= 0)
        close(l->wake_fd);
    free(l);
}

int loop_run(struct loop *l)
{
    int rc = 0;
    while (!rc && !atomic_load(&l->stop)) {
        errno = 0;
        int flags = EVLOOP_ONCE | (l->hooks.first ? EVLOOP_NONBLOCK : 0);
        if (event_base_loop(l->base, flags) < 0)
            rc = errno ? -errno : -EIO;
        else
            hooks_run(&l->hooks);
        l->ticked = false;
    }
    atomic_store(&l->stop, false);
    return rc;
}

void loop_stop(struct loop *l)
{
    atomic_store(&l->stop, true);
    wake(l);
}

int64_t loop_now_ms(const struct loop *l)
{
    return l->ticked ? l->now_ms : clock_mono_ms(clock_system());
}

void loop_post(struct loop *l, struct loop_msg *m)
{
    if (mailbox_push(&l->box, m))
        wake(l);
}

void loop_at_end(struct loop *l, struct loop_hook *h)
{
    hooks_add(&l->hooks, h);
}

void loop_at_end_cancel(struct loop *l, struct loop_hook *h)
{
    hooks_cancel(&l->hooks, h);
}

static void on_fd(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    struct loop_fd *f = arg;
    tick(f->l);
    int events = (what & EV_READ ? LOOP_READ : 0) | (what & EV_WRITE ? LOOP_WRITE : 0);
    f->cb(f->arg, events); /* may have freed f */
}

/* Begin to watch for events; f is not watched now. */
static int watch(struct loop_fd *f, int fd, int events)
{
    short what = (short)((events & LOOP_READ ? EV_READ : 0) | (events & LOOP_WRITE ? EV_WRITE : 0));
    f->events = 0;
    if (event_assign(&f->ev, f->l->base, fd, (short)(what | EV_PERSIST), on_fd, f))
        return -EINVAL;
    errno = 0;
    if (what && event_add(&f->ev, NULL))
        return errno ? -errno : -ENOMEM;
    f->events = events;
    return 0;
}

struct loop_fd *loop_fd_add(struct loop *l, int fd, int events, void (*cb)(void *arg, int events),
                            void *arg)
{
    struct loop_fd *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->l = l;
    f->cb = cb;
    f->arg = arg;
    if (watch(f, fd, events)) {
        free(f);
        return NULL;
    }
    return f;
}

int loop_fd_set(struct loop_fd *f, int events)
{
    if (events == f->events)
        return 0;
    event_del(&f->ev);
    return watch(f, event_get_fd(&f->ev), events);
}

void loop_fd_del(struct loop_fd *f)
{
    if (!f)
        return;
    event_del(&f->ev);
    free(f);
}

static int arm(struct loop_timer *t, int64_t ms)
{
    struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
    errno = 0;
    if (event_add(&t->ev, &tv))
        return errno ? -errno : -ENOMEM;
    return 0;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct loop_timer *t = arg;
    tick(t->l);
    /* libevent counts from the kernel's coarse clock, which may be some ms behind, hence early. */
    if (t->l->now_ms < t->due_ms && !arm(t, t->due_ms - t->l->now_ms))
        return;
    t->cb(t->arg); /* may have freed t */
}

struct loop_timer *loop_timer_new(struct loop *l, void (*cb)(void *arg), void *arg)
{
    struct loop_timer *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->l = l;
    t->cb = cb;
    t->arg = arg;
    if (event_assign(&t->ev, l->base, -1, 0, on_timer, t)) {
        free(t);
        return NULL;
    }
    return t;
}

int loop_timer_set(struct loop_timer *t, int64_t ms)
{
    if (ms < 0)
        ms = 0;
    if (ms > LOOP_TIMER_MAX_MS)
        ms = LOOP_TIMER_MAX_MS;
    t->due_ms = loop_now_ms(t->l) + ms;
    return arm(t, ms);
}

void loop_timer_clear(struct loop_timer *t)
{
    event_del(&t->ev);
}

void loop_timer_free(struct loop_timer *t)
{
    if (!t)
        return;
    event_del(&t->ev);
    free(t);
}
