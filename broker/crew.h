/* crew.h - threads that do blocking work for others: writing the log, making checkpoints, opening
 * cold files, expanding large batches. One thread keeps the order of its jobs; several share one queue.
 *
 * A job is a loop_msg: its run does the work and posts the result to whom it concerns. Crew threads
 * are registered with RCU.
 */
#ifndef BROKER_CREW_H
#define BROKER_CREW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct loop_msg *first, *last;
    bool stop, held;
    uint32_t n;
    pthread_t *threads;
};

/* n threads named "<name>". 0 or a negated errno. */
int crew_start(struct crew *c, const char *name, uint32_t n);
/* Any thread. */
void crew_post(struct crew *c, struct loop_msg *job);
/* Begin no job, until released or stopped. */
void crew_hold(struct crew *c);
/* A crew that is not held, or never started, is fine. */
void crew_release(struct crew *c);
/* Do what is queued, then end the threads. A crew that never started is fine. */
void crew_stop(struct crew *c);

#endif
