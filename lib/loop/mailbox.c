#include "loop/mailbox.h"

#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>

/* Stands in `next` until the sender has linked its message; the address of nothing else. */
static struct loop_msg unlinked;

bool mailbox_push(struct mailbox *box, struct loop_msg *m)
{
    atomic_store_explicit(&m->next, &unlinked, memory_order_relaxed);
    struct loop_msg *below = atomic_exchange_explicit(&box->top, m, memory_order_acq_rel);
    atomic_store_explicit(&m->next, below, memory_order_release);
    return !below; /* m may be gone by now */
}

static struct loop_msg *below(struct loop_msg *m)
{
    struct loop_msg *next = atomic_load_explicit(&m->next, memory_order_acquire);
    while (next == &unlinked) {
        sched_yield(); /* its sender lost the processor between swap and link */
        next = atomic_load_explicit(&m->next, memory_order_acquire);
    }
    return next;
}

int mailbox_run(struct mailbox *box)
{
    struct loop_msg *m = atomic_exchange_explicit(&box->top, NULL, memory_order_acq_rel);
    struct loop_msg *oldest = NULL;
    while (m) {
        struct loop_msg *next = below(m);
        atomic_store_explicit(&m->next, oldest, memory_order_relaxed);
        oldest = m;
        m = next;
    }
    int n = 0;
    for (struct loop_msg *next; oldest; oldest = next, n++) {
        next =
            atomic_load_explicit(&oldest->next, memory_order_relaxed); /* before it may be freed */
        oldest->run(oldest);
    }
    return n;
}
