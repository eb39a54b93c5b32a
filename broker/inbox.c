/* inbox.c - why no wake-up is lost: the receiver exchanges `asleep` for 1 and then looks into the
 * box a last time; the sender pushes and then exchanges `asleep` for 0. If the receiver's exchange
 * comes first, the sender sees that it has to wake it; if it comes second, the receiver has seen
 * the sender's, and with it the message.
 */
#include "broker/inbox.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_S = 1000000000 };

void inbox_post(struct inbox *in, struct loop_msg *m)
{
    if (!mailbox_push(&in->box, m))
        return; /* whoever found it empty wakes the receiver for both */
    if (atomic_exchange(&in->asleep, 0) == 1)
        syscall(SYS_futex, &in->asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

int inbox_run(struct inbox *in)
{
    return mailbox_run(&in->box);
}

void inbox_wait(struct inbox *in, int64_t ns)
{
    if (ns <= 0)
        return;
    atomic_exchange(&in->asleep, 1);
    if (!atomic_load_explicit(&in->box.top, memory_order_relaxed)) {
        struct timespec ts = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
        syscall(SYS_futex, &in->asleep, FUTEX_WAIT_PRIVATE, 1, ns == INT64_MAX ? NULL : &ts, NULL,
                0);
    }
    atomic_store_explicit(&in->asleep, 0, memory_order_relaxed);
}
