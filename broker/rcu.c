#include "broker/rcu.h"

#include <stdlib.h>
#include <urcu/urcu-memb.h>

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

struct later {
    struct rcu_head head;
    void (*fn)(void *arg);
    void *arg;
};

static void run_later(struct rcu_head *head)
{
    struct later *l = container_of(head, struct later, head);
    rcu_found(l);
    rcu_found(&sections);
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
    rcu_published(l);
    urcu_memb_call_rcu(&l->head, run_later);
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
