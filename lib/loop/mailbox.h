/* mailbox.h - how messages of other threads reach a loop.
 *
 * Senders push onto a stack: swap yourself in as its top, then link to the one that was there. The
 * loop takes the whole stack with one swap and turns it around. Pushing takes two instructions
 * whatever the others do (wait-free); only the loop may have to wait, and only for a sender that
 * was interrupted between the two. Whoever finds the stack empty wakes the loop; the others of the
 * burst need not.
 *
 * It is liburcu's wait-free stack in C11 atomics: ThreadSanitizer cannot follow the assembly of the
 * original.
 */
#ifndef LOOP_MAILBOX_H
#define LOOP_MAILBOX_H

#include <stdbool.h>

#include "loop/loop.h"

struct mailbox {
    _Atomic(struct loop_msg *) top;
};

/* Any thread. True: it was empty, so the caller wakes the loop. m belongs to the loop afterwards.
 */
bool mailbox_push(struct mailbox *box, struct loop_msg *m);
/* The loop's thread: run all that is there, oldest first. What is posted meanwhile stays for the
 * next call. Returns how many were run. */
int mailbox_run(struct mailbox *box);

#endif
