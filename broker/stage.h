/* stage.h - record batches on their way to one shard and back: what one request has for it goes and
 * returns together, by one message each way.
 */
#ifndef BROKER_STAGE_H
#define BROKER_STAGE_H

#include <stdint.h>

#include "loop/loop.h"
#include "shard/shard.h"

struct shard_thread;
struct worker;

struct stage {
    struct shard_thread *to;
    struct worker *home;
    uint32_t n;
    struct shard_produce *
        *parts; /* filled in but for done and arg; all memory is the caller's, until done */
    /* On home's loop, in an RCU read section, when the last part has its result. */
    void (*done)(struct stage *s);
    void *arg;
    /* private */
    struct loop_msg msg;
    uint32_t left;
    struct stage *next;
};

/* Home's thread. n is at least 1. */
void stage_send(struct stage *s);

/* Those that a shard thread has finished for one worker, until it posts them together. */
struct stage_list {
    struct stage *first, **last;
};
/* The shard's thread. */
void stage_list_init(struct stage_list *l);
void stage_list_post(struct stage_list *l);

#endif
