/* loop_virtual.h - the loop of tests: time stands still until told, and what is due runs in an
 * order that is always the same (descriptors in the order they were added, timers by due time and
 * then in the order they were set, messages, hooks).
 *
 * Descriptors are asked with poll(2) without waiting: socket pairs and eventfds of the test itself
 * work, peers in other processes would be a race. loop_run serves what there is, jumps to the next
 * timer when nothing is ready, and ends with -EDEADLK when no timer is armed either. Everything is
 * for one thread; loop_post and loop_stop for any.
 */
#ifndef LOOP_LOOP_VIRTUAL_H
#define LOOP_LOOP_VIRTUAL_H

#include "loop/loop.h"

/* One iteration, without waiting. How many callbacks and hooks ran, or a negated errno. */
int loop_virtual_step(struct loop *l);
/* Let ms pass, stopping at every timer on the way; serve all that becomes ready, until nothing is.
 * 0 or a negated errno. */
int loop_virtual_advance(struct loop *l, int64_t ms);

#endif
