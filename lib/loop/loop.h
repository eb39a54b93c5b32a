/* loop.h - the event loop as the broker and the bench see it: descriptors, timers, a mailbox, and a hook at the
 * end of each iteration. loop_event.c is the only file that includes libevent.
 *
 * A loop belongs to the thread that runs it; every function but loop_post and loop_stop is for that
 * thread (or for the time before it runs). Callbacks may add and remove anything, themselves included.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;       /* opaque */
struct loop_fd;    /* a watched descriptor */
struct loop_timer;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop *loop_new(void); /* NULL when out of memory or descriptors */
void loop_free(struct loop *l);
/* Serve until loop_stop. 0, or a negated errno. */
int loop_run(struct loop *l);
/* Any thread, and signal handlers. */
void loop_stop(struct loop *l);
/* Monotonic ms, as of the start of this iteration. */
int64_t loop_now_ms(const struct loop *l);

/* Watch fd (non-blocking, not owned) for events; cb gets those that happened. Level-triggered. */
struct loop_fd *loop_fd_add(struct loop *l, int fd, int events, void (*cb)(void *arg, int events), void *arg);
/* Change what is watched; 0: nothing for now. Cheap when it is the same. */
int loop_fd_set(struct loop_fd *f, int events);
void loop_fd_del(struct loop_fd *f); /* does not close fd */

/* A one-shot timer, made unarmed. */
struct loop_timer *loop_timer_new(struct loop *l, void (*cb)(void *arg), void *arg);
/* Fire once, ms from now (0: next iteration); replaces an earlier setting. */
int loop_timer_set(struct loop_timer *t, int64_t ms);
void loop_timer_clear(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t);

/* A message to a loop, embedded in whatever it is about. */
struct loop_msg {
    struct loop_msg *next; /* private */
    void (*run)(struct loop_msg *m); /* on the loop's thread; may free what holds m */
};
/* Any thread: wait-free hand-over; wakes the loop at most once for a burst. Messages of one sender run in order. */
void loop_post(struct loop *l, struct loop_msg *m);

/* Call cb at the end of the current iteration, once, after all ready callbacks have run (to write replies that were
 * gathered). Several requests for the same hook in an iteration are one. */
struct loop_hook {
    struct loop_hook *next; /* private */
    bool queued;            /* private */
    void (*run)(struct loop_hook *h);
};
void loop_at_end(struct loop *l, struct loop_hook *h);
/* Take it back, if it is queued. */
void loop_at_end_cancel(struct loop *l, struct loop_hook *h);

#endif
