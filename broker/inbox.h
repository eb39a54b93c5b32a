/* inbox.h - the mailbox of a thread that is no event loop: it sleeps on a futex.
 *
 * Posting is wait-free and makes a system call only if the receiver really sleeps, so a burst of
 * messages costs at most one.
 */
#ifndef BROKER_INBOX_H
#define BROKER_INBOX_H

#include <stdint.h>

#include "loop/mailbox.h"

struct inbox {
    struct mailbox box;
    _Atomic uint32_t asleep; /* the futex: 1 while the receiver sleeps or is about to */
};

/* Any thread. m belongs to the receiver afterwards. */
void inbox_post(struct inbox *in, struct loop_msg *m);
/* The receiver: run everything posted so far, in order; returns how many. */
int inbox_run(struct inbox *in);
/* The receiver: sleep until something is posted, at most ns (INT64_MAX: as long as it takes; 0 or
 * less: not at all). May return early. */
void inbox_wait(struct inbox *in, int64_t ns);

#endif
