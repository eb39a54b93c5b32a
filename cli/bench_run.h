/* bench_run.h - one phase of load: clients of one or two kinds over some threads, from connecting
 * to the last reply.
 *
 * All connect first; then the start is given, a moment ahead, to all threads at once. Requests due
 * before measure_ns are warm-up. After end_ns none is begun (those that were due before are); the
 * phase is over when every client has finished, at the latest at give_up_ns.
 */
#ifndef CLI_BENCH_RUN_H
#define CLI_BENCH_RUN_H

#include "cli/bench_usage.h"
#include "cli/bench_worker.h"

/* What a phase consists of. */
struct run_plan {
    const struct load_kind *kind, *side; /* side: NULL or a second kind beside it */
    uint32_t clients, sides;
    uint32_t depth;                 /* requests in flight of the first kind; the second has one */
    int64_t rate, batch;            /* of the paced; rate 0: closed loop */
    int64_t warmup_ms, duration_ms; /* duration 0: no bound */
    int64_t count;                  /* records to be measured, 0: no bound */
    const atomic_llong *until_ns;   /* another thread's word on when it ends; NULL: nobody's */
    bool quiet;                     /* no lines in between */
    bool checked;                   /* each worker has a check */
    void *own;                      /* for the kinds */
};

struct run {
    struct bench *b;
    struct run_plan plan;
    struct worker *workers;
    uint32_t n_workers;
    struct loop *loop; /* of the control thread */

    int64_t start_ns, measure_ns; /* written before `go` is posted */
    atomic_llong end_ns;          /* INT64_MAX: when the count is reached */
    atomic_llong remaining;       /* records not yet begun, of a count */
    atomic_uint busy_clients;     /* of the first kind, not yet finished */
    atomic_bool stopping;         /* the user wants it to end now */
    atomic_bool broken;           /* by a failure: err says which */
    pthread_mutex_t err_lock;

    uint32_t waiting; /* control thread: workers that have not yet opened, or finished */
    uint32_t asked;
    struct loop_timer *tick;        /* asks the workers, each second or more often */
    int64_t tick_ns;                /* when it is due next, */
    struct bench_usage seen;        /* and what was used when it was last */
    struct bench_interval gathered; /* what came since then, of the workers asked so far */
    struct bench_interval untold;   /* and since the last line was printed */
    int64_t told_ns;
    struct bench_usage begin; /* when measuring began; at_ns 0: it has not */
    struct worker_time {      /* of each worker by then: */
        int64_t busy_ns;      /* its processor time, */
        int64_t waited_ns;    /* and that it waited for one; -1: not known */
    } * times;
    struct err err;   /* why it broke */
    bool interrupted; /* by the user */

    /* The result. */
    struct bench_stats stats[BENCH_METRICS];
    struct bench_stats load; /* of every request that was due in its turn, whatever its kind */
    uint64_t bad_offsets;
    struct err first;
    int64_t elapsed_ns; /* from measure_ns to the last reply */
    struct bench_cost cost;
    struct pace_stats paced;
    struct series series; /* of the measured part */
};

/* Run it. 0, or the code of r->err; the result is in r either way. run_release in every case. */
int run_execute(struct run *r, struct bench *b, const struct run_plan *plan);
void run_release(struct run *r);
/* Let every check count the gaps in what it has seen (check_gaps). */
void run_gaps(struct run *r);
/* What the workers' checks have counted, all together. */
void run_counts(const struct run *r, struct check_counts *counts);

/* For workers: take up to n records of the count for a request that is due then; how many there
 * were to take. Warm-up takes nothing from it. */
int32_t run_take(struct run *r, int32_t n, int64_t due_ns);
/* When clients begin no further request, and when they give up on what is unsettled. */
int64_t run_end_ns(const struct run *r);
int64_t run_give_up_ns(const struct run *r);

/* On the control thread, by the workers' messages. */
void run_worker_opened(struct run *r);
void run_worker_done(struct run *r);
void run_worker_told(struct run *r, struct worker *w);
/* Any thread: the run cannot go on. The first reason stays. */
void run_break(struct run *r, const struct err *e);

#endif
