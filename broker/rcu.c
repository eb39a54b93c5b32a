#include "broker/rcu.h"

#include <stdlib.h>

#include "broker/container.h"

static char sections; /* stands for all read sections, for ThreadSanitizer */

void rcu_register(void)
{
    urcu_memb_register_thread();
}

void rcu_unregister(void)
{
    urcu_memb_unregister_thread();
}

void rcu_enter(void)
{
    urcu_memb_read_lock();
}

void rcu_leave(void)
{
    rcu_published(&sections);
    urcu_memb_read_unlock();
}

static void run_deferred(struct rcu_head *head)
{
    struct rcu_deferred *d = container_of(head, struct rcu_deferred, head);
    rcu_found(d);
    rcu_found(&sections);
    d->fn(d->arg);
}

void rcu_defer(struct rcu_deferred *d, void (*fn)(void *arg), void *arg)
{
    d->fn = fn;
    d->arg = arg;
    rcu_published(d);
    urcu_memb_call_rcu(&d->head, run_deferred);
}

struct later {
    struct rcu_deferred deferred;
    void (*fn)(void *arg);
    void *arg;
};

static void run_later(void *arg)
{
    struct later *l = arg;
    l->fn(l->arg);
    free(l);
}

void rcu_later(void *ctx, void (*fn)(void *arg), void *arg)
{
    (void)ctx;
    struct later *l = malloc(sizeof *l);
    if (!l) {
        urcu_memb_synchronize_rcu(); /* slow, but it needs no memory */
        fn(arg);
        return;
    }
    l->fn = fn;
    l->arg = arg;
    rcu_defer(&l->deferred, run_later, l);
}

void rcu_wait(void)
{
    urcu_memb_barrier();
}

#ifdef __SANITIZE_THREAD__
/* What liburcu does with memory of its own is not to be judged. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:liburcu-memb.so\ncalled_from_lib:liburcu-cds.so\n";
}
#endif
