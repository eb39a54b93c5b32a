/* reader.h - threads that read old records from the disk into the page cache, for those who then
 * send them: a piece at a time, each reading in turn, at the pace that pace.h allows.
 */
#ifndef BROKER_READER_H
#define BROKER_READER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "broker/pace.h"

enum { READER_PIECE = 256 * 1024 };

struct reading {
    struct reading *next;
    /* Read the next piece, READER_PIECE bytes at most, for which there is room at buf; sparing: do
     * not let the system read beyond it. False: there was nothing more to read. */
    bool (*piece)(struct reading *r, uint8_t *buf, bool sparing);
    /* It was the last one; the reading is the caller's again. */
    void (*done)(struct reading *r);
};

struct reader_thread {
    struct reader *reader;
    pthread_t id;
    uint8_t *buf;
};

struct reader {
    struct clock *clock;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct reading *first, *last;
    struct pace pace;
    bool stop;
    uint32_t n;
    struct reader_thread *threads;
};

/* n threads, which are registered with RCU. commits: borrowed, NULL: reads need not give way. 0 or
 * a negated errno. */
int reader_start(struct reader *r, struct clock *clock, const struct commits *commits, uint32_t n);
/* Any thread. */
void reader_post(struct reader *r, struct reading *what);
/* Do what is queued, without pauses, then end the threads. One that never started is fine. */
void reader_stop(struct reader *r);

#endif
