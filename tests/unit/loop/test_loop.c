/* What loop.h promises; built twice, on libevent's loop and on the one with virtual time. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop.h"
#include "tests/unit/unit.h"

/* What happened, in order: a letter an event. */
static char seen[256];
static size_t n_seen;
static struct loop *loop;

static void see(char c)
{
    ck_assert_uint_lt(n_seen, sizeof seen - 1);
    seen[n_seen++] = c;
}

static void setup_loop(void)
{
    loop = loop_new();
    ck_assert_ptr_nonnull(loop);
}

/* ---- timers ---- */

struct tick {
    struct loop_timer *t;
    char letter;
    bool last;
    int64_t due;
};

static void on_tick(void *arg)
{
    struct tick *k = arg;
    see(k->letter);
    ck_assert_int_ge(loop_now_ms(loop), k->due);
    if (k->last)
        loop_stop(loop);
}

static void tick_start(struct tick *k, char letter, int64_t ms, bool last)
{
    *k = (struct tick){loop_timer_new(loop, on_tick, k), letter, last, loop_now_ms(loop) + ms};
    ck_assert_ptr_nonnull(k->t);
    ck_assert_ok(loop_timer_set(k->t, ms));
}

START_TEST(timers_fire_in_order_of_time_and_not_early)
{
    setup_loop();
    struct tick a, b, c;
    tick_start(&c, 'c', 60, true);
    tick_start(&a, 'a', 0, false);
    tick_start(&b, 'b', 30, false);
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "abc");
    loop_timer_free(a.t);
    loop_timer_free(b.t);
    loop_timer_free(c.t);
    loop_free(loop);
}
END_TEST

START_TEST(timer_set_again_moves_it_and_clear_disarms_it)
{
    setup_loop();
    struct tick a, b, c;
    tick_start(&a, 'a', 0, false);
    tick_start(&b, 'b', 1, false);
    tick_start(&c, 'c', 20, true);
    a.due = loop_now_ms(loop) + 10;
    ck_assert_ok(loop_timer_set(a.t, 10));
    loop_timer_clear(b.t);
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "ac");
    loop_timer_free(a.t);
    loop_timer_free(b.t);
    loop_timer_free(c.t);
    loop_free(loop);
}
END_TEST

static int left;
static void on_again(void *arg)
{
    struct loop_timer **t = arg;
    see('r');
    if (--left)
        ck_assert_ok(loop_timer_set(*t, 0));
    else {
        loop_timer_free(*t); /* itself, while it is being called */
        *t = NULL;
        loop_stop(loop);
    }
}

START_TEST(timer_may_set_and_free_itself)
{
    setup_loop();
    left = 3;
    struct loop_timer *t = NULL;
    t = loop_timer_new(loop, on_again, &t);
    ck_assert_ok(loop_timer_set(t, 0));
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "rrr");
    ck_assert_ptr_null(t);
    loop_free(loop);
}
END_TEST

/* ---- descriptors ---- */

struct end {
    struct loop_fd *f;
    int fd, peer;
    char letter;
    struct end *kill; /* removed by the callback; may be itself */
};

static void end_release(struct end *e)
{
    loop_fd_del(e->f);
    e->f = NULL;
}

static void on_end(void *arg, int events)
{
    struct end *e = arg;
    see(e->letter);
    if (events & LOOP_READ)
        see('r');
    if (events & LOOP_WRITE)
        see('w');
    if (e->kill && e->kill->f)
        end_release(e->kill);
    loop_stop(loop);
}

static void end_start(struct end *e, char letter, int events)
{
    int sv[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
    *e = (struct end){.fd = sv[0], .peer = sv[1], .letter = letter};
    e->f = loop_fd_add(loop, e->fd, events, on_end, e);
    ck_assert_ptr_nonnull(e->f);
}

static void end_finish(struct end *e)
{
    loop_fd_del(e->f);
    close(e->fd);
    close(e->peer);
}

START_TEST(what_happened_is_told_together)
{
    setup_loop();
    struct end e;
    end_start(&e, 'e', LOOP_READ | LOOP_WRITE);
    ck_assert_int_eq(write(e.peer, "x", 1), 1);
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "erw");
    end_finish(&e);
    loop_free(loop);
}
END_TEST

START_TEST(readiness_is_told_until_it_is_gone)
{
    setup_loop();
    struct end e;
    end_start(&e, 'e', LOOP_READ);
    ck_assert_int_eq(write(e.peer, "x", 1), 1);
    ck_assert_ok(loop_run(loop));
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "erer");
    end_finish(&e);
    loop_free(loop);
}
END_TEST

START_TEST(changed_interest_is_what_counts)
{
    setup_loop();
    struct end e;
    struct tick stop;
    end_start(&e, 'e', LOOP_READ);
    ck_assert_int_eq(write(e.peer, "x", 1), 1);
    ck_assert_ok(loop_fd_set(e.f, 0));
    tick_start(&stop, 't', 5, true);
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "t");
    ck_assert_ok(loop_fd_set(e.f, LOOP_WRITE));
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "tew");
    ck_assert_ok(loop_fd_set(e.f, LOOP_READ));
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "tewer");
    end_finish(&e);
    loop_timer_free(stop.t);
    loop_free(loop);
}
END_TEST

START_TEST(hang_up_wakes_the_reader)
{
    setup_loop();
    struct end e;
    end_start(&e, 'e', LOOP_READ);
    ck_assert_int_eq(shutdown(e.peer, SHUT_RDWR), 0);
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "er");
    end_finish(&e);
    loop_free(loop);
}
END_TEST

START_TEST(descriptor_removed_by_another_is_not_called)
{
    setup_loop();
    struct end a, b;
    end_start(&a, 'a', LOOP_READ);
    end_start(&b, 'a', LOOP_READ); /* same letter: either may come first */
    a.kill = &b;
    b.kill = &a;
    ck_assert_int_eq(write(a.peer, "x", 1), 1);
    ck_assert_int_eq(write(b.peer, "x", 1), 1);
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "ar");
    end_finish(&a);
    end_finish(&b);
    loop_free(loop);
}
END_TEST

START_TEST(descriptor_may_remove_itself)
{
    setup_loop();
    struct end a;
    struct tick stop;
    end_start(&a, 'a', LOOP_READ);
    a.kill = &a;
    ck_assert_int_eq(write(a.peer, "x", 1), 1);
    ck_assert_ok(loop_run(loop));
    tick_start(&stop, 't', 5, true);
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "art");
    end_finish(&a);
    loop_timer_free(stop.t);
    loop_free(loop);
}
END_TEST

/* A descriptor that was closed and whose number comes back in the same iteration is another one. */
static struct end reborn;
static void on_reborn(void *arg)
{
    (void)arg;
    loop_fd_del(reborn.f);
    close(reborn.fd);
    close(reborn.peer);
    end_start(&reborn, 'n', LOOP_READ);
    ck_assert_int_eq(write(reborn.peer, "x", 1), 1);
}

START_TEST(number_of_a_closed_descriptor_may_come_back)
{
    setup_loop();
    end_start(&reborn, 'o', LOOP_READ);
    struct loop_timer *t = loop_timer_new(loop, on_reborn, NULL);
    ck_assert_ok(loop_timer_set(t, 5));
    int before = reborn.fd;
    ck_assert_ok(loop_run(loop));
    ck_assert_int_eq(before, reborn.fd);
    ck_assert_str_eq(seen, "nr");
    end_finish(&reborn);
    loop_timer_free(t);
    loop_free(loop);
}
END_TEST

/* ---- hooks ---- */

struct letter_hook {
    struct loop_hook h;
    char letter;
    struct letter_hook *ask, *cancel;
};

static void on_hook(struct loop_hook *h)
{
    struct letter_hook *k = (struct letter_hook *)h;
    see(k->letter);
    if (k->ask)
        loop_at_end(loop, &k->ask->h);
    if (k->cancel)
        loop_at_end_cancel(loop, &k->cancel->h);
    k->ask = k->cancel = NULL;
}

static struct letter_hook hook_x = {.h.run = on_hook, .letter = 'x'};
static struct letter_hook hook_y = {.h.run = on_hook, .letter = 'y'};
static struct letter_hook hook_z = {.h.run = on_hook, .letter = 'z'};

static void on_ask(void *arg, int events)
{
    (void)events;
    struct end *e = arg;
    see(e->letter);
    loop_at_end(loop, &hook_x.h);
    loop_at_end(loop, &hook_y.h);
    end_release(e);
}

START_TEST(hooks_run_once_after_all_callbacks)
{
    setup_loop();
    struct end e[3];
    for (int i = 0; i < 3; i++) {
        end_start(&e[i], 'e', LOOP_READ);
        loop_fd_del(e[i].f);
        e[i].f = loop_fd_add(loop, e[i].fd, LOOP_READ, on_ask, &e[i]);
        ck_assert_int_eq(write(e[i].peer, "x", 1), 1);
    }
    struct tick stop;
    tick_start(&stop, 't', 20, true);
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "eeexyt");
    for (int i = 0; i < 3; i++)
        end_finish(&e[i]);
    loop_timer_free(stop.t);
    loop_free(loop);
}
END_TEST

START_TEST(hook_asked_for_by_a_hook_runs_in_the_next_iteration_without_waiting)
{
    setup_loop();
    struct tick far;
    tick_start(&far, 't', 20, true);
    hook_x.ask = &hook_x;
    hook_y.ask = &hook_z;
    loop_at_end(loop, &hook_x.h);
    loop_at_end(loop, &hook_y.h);
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "xyxzt");
    loop_timer_free(far.t);
    loop_free(loop);
}
END_TEST

START_TEST(cancelled_hooks_do_not_run)
{
    setup_loop();
    struct tick stop;
    loop_at_end(loop, &hook_x.h);
    loop_at_end(loop, &hook_y.h);
    loop_at_end(loop, &hook_z.h);
    loop_at_end_cancel(loop, &hook_z.h); /* the last of the queue */
    loop_at_end_cancel(loop, &hook_z.h); /* again: nothing */
    hook_x.cancel = &hook_y;             /* from within, while y waits its turn */
    tick_start(&stop, 't', 5, true);
    ck_assert_ok(loop_run(loop));
    loop_at_end(loop, &hook_z.h); /* the queue is whole again */
    ck_assert_ok(loop_timer_set(stop.t, 5));
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "xtzt");
    loop_timer_free(stop.t);
    loop_free(loop);
}
END_TEST

/* ---- messages ---- */

enum { SENDERS = 8, EACH = 2000 };
struct letter {
    struct loop_msg m;
    int sender, number;
};
static int next_of[SENDERS], received;

static void on_letter(struct loop_msg *m)
{
    struct letter *l = (struct letter *)m;
    ck_assert_int_eq(l->number, next_of[l->sender]);
    next_of[l->sender]++;
    free(l);
    if (++received == SENDERS * EACH)
        loop_stop(loop);
}

static void *send_all(void *arg)
{
    int sender = (int)(intptr_t)arg;
    for (int i = 0; i < EACH; i++) {
        struct letter *l = malloc(sizeof *l);
        ck_assert_ptr_nonnull(l);
        *l = (struct letter){.m.run = on_letter, .sender = sender, .number = i};
        loop_post(loop, &l->m);
    }
    return NULL;
}

static void on_idle(void *arg)
{
    loop_timer_set(*(struct loop_timer **)arg, 1); /* keeps virtual time from ending the run */
}

START_TEST(messages_of_many_threads_arrive_all_and_in_order)
{
    setup_loop();
    struct loop_timer *idle = NULL;
    idle = loop_timer_new(loop, on_idle, &idle);
    loop_timer_set(idle, 1);
    pthread_t t[SENDERS];
    for (int i = 0; i < SENDERS; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, send_all, (void *)(intptr_t)i), 0);
    ck_assert_ok(loop_run(loop));
    for (int i = 0; i < SENDERS; i++)
        pthread_join(t[i], NULL);
    ck_assert_int_eq(received, SENDERS * EACH);
    loop_timer_free(idle);
    loop_free(loop);
}
END_TEST

static void on_repost(struct loop_msg *m)
{
    see('m');
    loop_at_end(loop, &hook_x.h);
    if (n_seen < 5)
        loop_post(loop, m);
    else
        loop_stop(loop);
}

START_TEST(message_posted_by_a_message_waits_for_the_next_iteration)
{
    setup_loop();
    struct loop_msg m = {.run = on_repost};
    loop_post(loop, &m);
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "mxmxmx");
    loop_free(loop);
}
END_TEST

/* ---- stop ---- */

START_TEST(stop_before_run_makes_it_return_once)
{
    setup_loop();
    struct tick k;
    loop_stop(loop);
    tick_start(&k, 't', 0, true);
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "");
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "t");
    loop_timer_free(k.t);
    loop_free(loop);
}
END_TEST

static void on_signal(int sig)
{
    (void)sig;
    loop_stop(loop);
}

static void on_raise(void *arg)
{
    (void)arg;
    see('k');
    loop_at_end(loop, &hook_x.h);
    raise(SIGUSR1);
}

START_TEST(stop_in_a_signal_handler_ends_after_the_hooks)
{
    setup_loop();
    ck_assert_ptr_ne(signal(SIGUSR1, on_signal), SIG_ERR);
    struct loop_timer *t = loop_timer_new(loop, on_raise, NULL);
    ck_assert_ok(loop_timer_set(t, 0));
    ck_assert_ok(loop_run(loop));
    ck_assert_str_eq(seen, "kx");
    loop_timer_free(t);
    loop_free(loop);
}
END_TEST

UNIT_MAIN(timers_fire_in_order_of_time_and_not_early, timer_set_again_moves_it_and_clear_disarms_it,
          timer_may_set_and_free_itself, what_happened_is_told_together,
          readiness_is_told_until_it_is_gone, changed_interest_is_what_counts,
          hang_up_wakes_the_reader, descriptor_removed_by_another_is_not_called,
          descriptor_may_remove_itself, number_of_a_closed_descriptor_may_come_back,
          hooks_run_once_after_all_callbacks,
          hook_asked_for_by_a_hook_runs_in_the_next_iteration_without_waiting,
          cancelled_hooks_do_not_run, messages_of_many_threads_arrive_all_and_in_order,
          message_posted_by_a_message_waits_for_the_next_iteration,
          stop_before_run_makes_it_return_once, stop_in_a_signal_handler_ends_after_the_hooks)
