/* bench_fetch.h - clients that read: to measure it, to check what was written, to time it on its
 * way.
 *
 * A client reads its partitions from their start, one request for all of them in flight, those that
 * were first in the last request last in the next. It is through with a partition at its end, or
 * when the broker has twice waited its time and found nothing anywhere. What is done with the
 * batches is the reader's affair.
 */
#ifndef CLI_BENCH_FETCH_H
#define CLI_BENCH_FETCH_H

#include "cli/bench_worker.h"

/* A partition being read. */
struct fetch_part {
    uint32_t part; /* index into the topic's partitions */
    int64_t next;  /* offset */
    bool done;
    struct ack_cursor *acks; /* bench_acked's */
};

struct fetch_plan {
    bool follow; /* go on until the producers have finished and all they were promised was read */
    bool repeat; /* begin again at the start until time is up */
    /* A whole batch of a partition, its header read. 0, or a code that ends the run. May be NULL.
     */
    int (*batch)(struct load *l, struct fetch_part *p, struct span bytes, const struct batch *b,
                 struct err *e);
    /* A client is through with a partition. May be NULL. */
    void (*ended)(struct load *l, struct fetch_part *p);
    void *own; /* the reader's */
};

/* plan.own of the run is a struct fetch_plan, and the topic's partitions have start and end. The
 * first ends with the run's time, the second when everything was read. */
extern const struct load_kind fetch_kind, fetch_whole_kind;

/* Readers: give every record to the worker's check; the same, and time those of this run from when
 * they were to be sent. */
int fetch_check_batch(struct load *l, struct fetch_part *p, struct span bytes,
                      const struct batch *b, struct err *e);
int fetch_time_batch(struct load *l, struct fetch_part *p, struct span bytes, const struct batch *b,
                     struct err *e);

/* Records of a batch that stand at p->next or behind. */
int32_t fetch_new_records(const struct fetch_part *p, const struct batch *b);

#endif
