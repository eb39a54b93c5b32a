/* write_back.h - inside lib/shard only: partition logs are written back as they grow. */
#ifndef SHARD_WRITE_BACK_H
#define SHARD_WRITE_BACK_H

#include <stdatomic.h>

#include "shard/shard_impl.h"

struct data_partition;
struct data_key;

enum { WRITE_BACK_LOGS = 32 }; /* in one task: to have as many write takes about a millisecond */

struct write_back {
    struct shard_task task; /* first: one is handed out at a time */
    bool running;           /* it is */
    bool missing;           /* this system has no such thing */
    /* What is in the task */
    size_t n;
    struct write_back_log *logs; /* room for WRITE_BACK_LOGS of them; NULL: not needed yet */
    size_t failed_log;
    int rc;
    struct err why;
    atomic_bool failed; /* one has: no checkpoint is saved, not even one under way */

    struct data_partition *due; /* logs with something to write back, in the order they are taken */
    size_t n_due;
    bool ahead;                /* of a checkpoint: of all logs, in steps */
    int64_t step_ms, until_ms; /* the next one, and when the last should be, monotonic */
};

/* A log was appended to, or wrote what had gathered. */
void write_back_note(struct shard *s, struct data_partition *p);
void write_back_forget(struct shard *s, struct data_partition *p); /* it goes */
void write_back_release(struct shard *s);

/* Before a checkpoint: have all logs write what has gathered, and it written back, over some time.
 * True: done, or there is nothing to gain. False: call again at *again, monotonic ms. */
bool write_back_ahead(struct shard *s, int64_t *again);
/* The checkpoint has begun, whether that was over or not. */
void write_back_captured(struct shard *s);
/* Any thread, with a checkpoint's syncs done: has a write-back failed since it began? The shard may
 * not have heard of it yet. 0, or a code. */
int write_back_failed(const struct shard *s, struct err *e);

#endif
