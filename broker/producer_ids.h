/* producer_ids.h - ids for idempotent producers. The metadata log hands out blocks of them; only
 * ids of a block that is durable are given away, and each once, restarts included (what is left of
 * a block is then lost).
 */
#ifndef BROKER_PRODUCER_IDS_H
#define BROKER_PRODUCER_IDS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "broker/metadata.h"
#include "loop/loop.h"

struct broker;
struct worker;

struct producer_id_wait {
    struct worker *home;
    /* On home's loop, in an RCU read section: code is 0 and id is one, or why there is none. */
    void (*done)(struct producer_id_wait *w, int code, int64_t id);
    void *arg;
    int code;                      /* private */
    int64_t id;                    /* private */
    struct loop_msg msg;           /* private */
    struct producer_id_wait *next; /* private */
};

struct producer_ids {
    struct broker *broker;
    pthread_mutex_t lock;
    int64_t next, end; /* of the block */
    bool asking;       /* for the next block */
    struct producer_id_wait *waits, **last;
    struct proposal proposal;
};

void producer_ids_init(struct producer_ids *ids, struct broker *b);
void producer_ids_release(struct producer_ids *ids);
/* Any thread. */
void producer_ids_want(struct producer_ids *ids, struct producer_id_wait *w);

#endif
