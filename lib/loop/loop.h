/* loop.h - the event loop as the broker and the bench see it: descriptors, timers, a mailbox, and a
 * hook at the end of each iteration. loop_event.c is the only file that includes libevent;
 * loop_virtual.c offers the same functions on a time that stands still until told
 * (loop/loop_virtual.h), chosen when linking.
 *
 * A loop belongs to the thread that runs it; every function but loop_post and loop_stop is for that
 * thread (or for the time before it runs). Callbacks may add and remove anything, themselves
 * included.
 *
 * An iteration is: wait; the ready descriptors, due timers and messages, in no promised order among
 * these three; the hooks. What a callback adds is served in a later iteration, hooks excepted.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;    /* opaque */
struct loop_fd; /* a watched descriptor */
struct loop_timer;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop *loop_new(void); /* NULL when out of memory or descriptors */
/* Descriptors and timers are to be removed before. Messages still in the mailbox are not run. NULL
 * is fine. */
void loop_free(struct loop *l);
/* Serve until loop_stop; a stop that came before makes it return at once. 0, or a negated errno.
 * May be called again. */
int loop_run(struct loop *l);
/* Any thread, and signal handlers. The iteration under way is finished, hooks included. */
void loop_stop(struct loop *l);
/* Monotonic ms, as of the start of this iteration; outside of one: now. */
int64_t loop_now_ms(const struct loop *l);

/* Watch fd (non-blocking, not owned) for events; cb gets those that happened. Level-triggered. A
 * hang-up or an error is reported as whatever is watched, so that the next read or write meets it.
 * NULL when out of memory. */
struct loop_fd *loop_fd_add(struct loop *l, int fd, int events, void (*cb)(void *arg, int events),
                            void *arg);
/* Change what is watched; 0: nothing for now. Cheap when it is the same. 0 or a negated errno. */
int loop_fd_set(struct loop_fd *f, int events);
void loop_fd_del(struct loop_fd *f); /* does not close fd: do that after; NULL is fine */

enum { LOOP_TIMER_MAX_MS = 15 * 24 * 3600 * 1000 }; /* a longer setting counts as that */
/* A one-shot timer, made unarmed; NULL when out of memory. */
struct loop_timer *loop_timer_new(struct loop *l, void (*cb)(void *arg), void *arg);
/* Fire once, at least ms from loop_now_ms (0 or less: next iteration); replaces an earlier setting.
 * 0 or a negated errno. */
int loop_timer_set(struct loop_timer *t, int64_t ms);
void loop_timer_clear(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* NULL is fine */

/* A message to a loop, embedded in whatever it is about. */
struct loop_msg {
    _Atomic(struct loop_msg *) next; /* private */
    void (*run)(
        struct loop_msg *m); /* on the loop's thread; may free what holds m, or post it again */
};
/* Any thread: wait-free hand-over; wakes the loop at most once for a burst. Messages of one sender
 * run in order. */
void loop_post(struct loop *l, struct loop_msg *m);

/* Call run at the end of the current iteration, once, after all ready callbacks have run (to write
 * replies that were gathered). Several requests for the same hook in an iteration are one. A hook
 * asked for by a hook runs at the end of the next iteration, which then does not wait. */
struct loop_hook {
    struct loop_hook *next; /* private */
    bool queued;            /* private; false to begin with */
    void (*run)(struct loop_hook *h);
};
/* On the loop's thread. h stays the caller's and lives until it ran or was cancelled. */
void loop_at_end(struct loop *l, struct loop_hook *h);
/* Take it back, if it is queued. */
void loop_at_end_cancel(struct loop *l, struct loop_hook *h);

#endif
