/* bench_worker.h - a thread of the load: a loop, its share of the clients, its counters. */
#ifndef CLI_BENCH_WORKER_H
#define CLI_BENCH_WORKER_H

#include <pthread.h>

#include "base/arena.h"
#include "base/clock.h"
#include "cli/bench.h"
#include "cli/bench_check.h"
#include "cli/bench_load.h"
#include "cli/bench_pace.h"
#include "cli/bench_series.h"
#include "loop/loop.h"

struct run;

/* What requests are counted as: most modes have one kind. */
enum bench_metric {
    METRIC_MAIN,       /* produce, or what else the mode is about */
    METRIC_FETCH,      /* of the readers beside producers */
    METRIC_END_TO_END, /* from when a record was to be sent until it was read */
    METRIC_CREATE,
    METRIC_DELETE,
    BENCH_METRICS
};

struct worker {
    struct run *run;
    struct bench *b;
    uint32_t index;
    pthread_t thread;
    pid_t number; /* of the thread, once its clients are open */
    struct loop *loop;

    struct load *loads; /* the paced ones first, by id; then the others */
    size_t n_loads, n_paced;
    size_t next_open, opened, unfinished;
    bool going;   /* the start has been given, */
    bool started; /* and has come */

    struct pace pace;
    int pace_fd; /* timerfd: fires when the next request is due */
    struct loop_fd *pace_watch;
    bool pace_halfway; /* half of what is measured has been due, */
    bool pace_over;    /* every request of the run has */
    struct pace_stats paced;
    struct loop_timer *sweep;

    struct arena arena; /* the reply being read */
    struct bench_batch batch;
    bool has_batch;
    struct wr acks; /* lines of the ack log gathered in this iteration */
    struct loop_hook acks_hook;
    struct check *check;
    struct bench_stats stats[BENCH_METRICS];
    struct bench_interval interval; /* what came since it was asked last */
    uint64_t bad_offsets;           /* acknowledged offsets that cannot be */
    struct err first;               /* the first failure, if any */

    struct loop_msg go, ask;                    /* from the control thread */
    struct loop_msg opened_msg, done_msg, told; /* to it */
    struct bench_interval asked; /* the control thread empties it once it has been told */
};

static inline int64_t bench_now_ns(void)
{
    return clock_system()->mono_ns(clock_system());
}

/* Prepare worker `index` of run: its loads too. 0 or a code; worker_release in every case. */
int worker_init(struct worker *w, struct run *run, uint32_t index, struct err *e);
void worker_release(struct worker *w);
/* The thread: connects all clients, tells the run, waits for go, drives the load, tells the run
 * when all clients have finished. Ends when its loop is stopped. */
void *worker_main(void *worker);
/* The control thread, once the times of the run are set: begin the load. */
void worker_go(struct worker *w);
/* The control thread: have the interval put into `asked` and reset; run_worker_told follows. */
void worker_ask(struct worker *w);

/* For loads. */
void worker_opened(struct load *l);
void worker_finished(struct load *l);
/* Count a failure that the run survives; the first one is kept to be told. */
void worker_note(struct worker *w, const struct err *e);
/* The run cannot go on. */
void worker_fail(struct worker *w, const struct err *e);
/* Remember an acknowledged batch for the ack log, written at the end of this iteration. */
void worker_acked(struct worker *w, const struct acked *a);

#endif
