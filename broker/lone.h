/* lone.h - a loop whose only busy client waits for a write does that write itself.
 *
 * From the loop to the shard's thread and back takes two wake-ups of sleeping threads, with one
 * small request under way most of what a broker adds to the disk's time. They buy that the loop
 * serves others meanwhile. Where there are no others, the loop runs the shard by itself
 * (shard_thread_run_here) and the shard's thread sleeps on.
 *
 * A loop that writes serves nobody, so it does so only if
 * - the last LONE_ROW requests, whatever they were, came from one connection. In a crowd some
 *   request is always the first of a group, too, and to write it alone would keep the group
 *   waiting;
 * - there is no other request on the loop, not even one that waits (a consumer's Fetch), and none
 *   comes until the end of the iteration, when all who were ready have been served;
 * - no other stage of this loop is away: its end may wait in the mailbox, and stages come home in
 *   the order in which they ended (a group's commits, coordinator_commit.c);
 * - what is to be written is small;
 * - the shard's last write was quick, and so was the last turn of a loop (wal.loop.write.us): of a
 *   disk that begins to stall a loop meets one write, and the shard's thread the others.
 */
#ifndef BROKER_LONE_H
#define BROKER_LONE_H

#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"

struct conn;
struct stage;
struct worker;

/* A worker's; its thread's. */
struct lone {
    const struct conn *last; /* who asked last; to compare only, it may be gone */
    uint32_t row;            /* so many requests in a row */
    uint32_t away;           /* stages that have not come home, the one that is kept included */
    struct stage *stage;     /* for the end of this iteration; NULL: none */
    struct loop_hook hook;
};

/* A request of c begins, before it is handled. A stage that was kept is sent: requests keep their
 * order, and this one is no longer alone. */
void lone_note(struct worker *w, const struct conn *c);
/* May the stage stay here? Then it is on its way when the iteration ends, by the loop or the
 * shard's thread. False: send it. */
bool lone_keep(struct worker *w, struct stage *s);

#endif
