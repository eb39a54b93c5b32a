/* fiber.h - work of "another thread" that can stop in the middle, without another thread.
 *
 * Writes and jobs of a shard run in fibers: at each call of the disk one may stop, other events
 * happen, and it goes on later. One fiber runs at a time, none in parallel.
 */
#ifndef TESTS_SIM_FIBER_H
#define TESTS_SIM_FIBER_H

#include <stdbool.h>

struct fiber; /* opaque */

/* Run fn(arg) until it returns or stops. NULL if it returned, else the fiber, to be resumed. */
struct fiber *fiber_start(void (*fn)(void *arg), void *arg);
/* Go on. True if fn returned: f is gone then. */
bool fiber_resume(struct fiber *f);
/* Inside a fiber: stop here. */
void fiber_yield(void);
/* Is this code running in a fiber that can stop? */
bool fiber_inside(void);
/* Free the stacks kept for later. */
void fiber_cleanup(void);

#endif
