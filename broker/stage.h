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

/* Home's thread, no other loop's or shard's. n is at least 1. */
void stage_send(struct stage *s);

/* Those that a shard has finished for one worker, until they are posted together. */
struct stage_list {
    struct stage *first, **last;
};
/* Whoever runs the shard. */
void stage_list_init(struct stage_list *l);
void stage_list_post(struct stage_list *l);
/* The same at home: take all of them, and then, outside of the shard's turn, let them be done. */
struct stage *stage_list_take(struct stage_list *l);
void stage_come_home(struct stage *first); /* NULL: none */

#endif
