/* wait.h - the one way in which a request waits: until a partition's high watermark moves, or a
 * deadline.
 *
 * A loop that wants to hear of a partition hangs a watch on it (watchers: a lock-free stack in the
 * partition). The shard thread that moves the high watermark takes the whole stack and posts each
 * watch to its loop, which wakes whoever waits there. Watches are hung up again when somebody still
 * waits, so a partition nobody waits for costs the shard thread one exchange.
 *
 * No wake-up is lost: the waiter hangs up its watch and then looks at the high watermark once more;
 * the shard thread moves the high watermark and then takes the stack.
 *
 * A wait may stand on many partitions. It is woken at the end of the loop's iteration, once,
 * however many of them moved.
 */
#ifndef BROKER_WAIT_H
#define BROKER_WAIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"
#include "broker/deadline.h"
#include "loop/loop.h"

struct watch; /* a loop's interest in one partition */
struct wait;

/* In the partition. */
struct watchers {
    _Atomic(struct watch *) top;
    _Atomic bool closed; /* the partition is gone: whoever hangs up a watch is told at once */
};
/* The shard's thread, after the high watermark moved: this is the only notification there is. */
void watchers_notify(struct watchers *all);
/* The shard's thread: the partition goes. */
void watchers_close(struct watchers *all);

/* Per loop. */
struct waiting {
    struct loop *loop;
    struct deadlines *deadlines;
    struct watch *watches; /* by partition */
    struct wait *all;      /* every wait under way */
    struct wait *woken;    /* those to be told at the end of the iteration */
    struct loop_hook hook;
};
void waiting_init(struct waiting *w, struct loop *loop, struct deadlines *deadlines);
/* No wait is under way, and no shard thread runs any more. */
void waiting_release(struct waiting *w);
/* Tell every wait that its time is up. */
void waiting_expire(struct waiting *w);

struct wait_link { /* between a wait and a watch */
    struct wait *wait;
    struct watch *watch;
    struct wait_link *next, **prev; /* of the watch's list */
};
struct wait {
    struct waiting *home;
    struct deadline deadline;
    struct wait_link *links;
    uint32_t n;
    struct wait *next, **prev;             /* of all */
    struct wait *next_woken, **prev_woken; /* prev NULL: not woken */
    void (*over)(struct wait *w, bool woken);
};

/* Wait at most ms. over is called once, on the loop, when the wait is over already: woken by a
 * partition, or by the deadline. links: room for one per partition, the caller's, kept until the
 * wait is over. 0 or -ENOMEM. */
int wait_begin(struct waiting *home, struct wait *w, struct wait_link *links, int64_t ms,
               void (*over)(struct wait *w, bool woken));
/* Wait for this partition too; look at its high watermark after this call. In the read section in
 * which the watchers were found. 0 or -ENOMEM. */
int wait_on(struct wait *w, const struct uuid *topic_id, int32_t partition,
            struct watchers *watchers);
/* Wait no more; over is not called. */
void wait_end(struct wait *w);

#endif
