/* rcu.h - what the broker uses of liburcu (flavour memb): readers that cost next to nothing, and
 * memory that is freed when no reader can hold it any more.
 *
 * A thread registers before it uses any of it. A read section must not outlive the callback it is
 * in, and nothing in it waits for other threads. ThreadSanitizer cannot follow liburcu's assembly,
 * so it is told here what that guarantees.
 */
#ifndef BROKER_RCU_H
#define BROKER_RCU_H

#include <urcu/urcu-memb.h>

/* The calling thread, at its begin and its end. */
void rcu_register(void);
void rcu_unregister(void);
/* A read section; they nest. */
void rcu_enter(void);
void rcu_leave(void);
/* Call fn(arg), on a thread of its own, once every read section of now is over. Fits
 * plog_config.retire; ctx is not used. Not in a read section: without memory it waits for all. */
void rcu_later(void *ctx, void (*fn)(void *arg), void *arg);
/* The same for what has its room for it and so needs no memory: may be called in a read section. */
struct rcu_deferred {
    struct rcu_head head;
    void (*fn)(void *arg);
    void *arg;
};
/* d lives until fn was called, which may free what holds it. */
void rcu_defer(struct rcu_deferred *d, void (*fn)(void *arg), void *arg);
/* Wait until everything handed to rcu_later and rcu_defer so far was called. Not in a read section.
 */
void rcu_wait(void);

/* What is written before the one is seen behind the other, of the same p. */
#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *p);
void __tsan_release(void *p);
#define rcu_published(p) __tsan_release(p)
#define rcu_found(p) __tsan_acquire(p)
#else
#define rcu_published(p) ((void)(p))
#define rcu_found(p) ((void)(p))
#endif

#endif
