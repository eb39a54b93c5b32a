/* inbox.c - why no wake-up is lost: the receiver first announces that it will sleep, then looks
 * into the box a last time; the sender first pushes, then looks at the announcement. With a full
 * fence between the two steps on both sides at least one of them sees the other.
 */
#include "broker/inbox.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void inbox_post(struct inbox *in, struct loop_msg *m)
{
    if (!mailbox_push(&in->box, m))
        return; /* whoever found it empty wakes the receiver for both */
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&in->asleep, memory_order_relaxed) &&
        atomic_exchange(&in->asleep, 0) == 1)
        syscall(SYS_futex, &in->asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

int inbox_run(struct inbox *in)
{
    return mailbox_run(&in->box);
}

void inbox_wait(struct inbox *in, int64_t ms)
{
    if (ms <= 0)
        return;
    atomic_store_explicit(&in->asleep, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    if (!atomic_load_explicit(&in->box.top, memory_order_relaxed)) {
        struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
        syscall(SYS_futex, &in->asleep, FUTEX_WAIT_PRIVATE, 1, ms == INT64_MAX ? NULL : &ts, NULL,
                0);
    }
    atomic_store_explicit(&in->asleep, 0, memory_order_relaxed);
}
