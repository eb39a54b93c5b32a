/* bench_usage.h - what the load generator itself costs: the processor time of this process and of
 * the threads that drive clients. A generator that is busy all the time measures itself. */
#ifndef CLI_BENCH_USAGE_H
#define CLI_BENCH_USAGE_H

#include <pthread.h>
#include <stdint.h>

/* From which share of its time on a thread is called busy: above it requests wait for the thread
 * often enough to show in the latencies. */
#define BENCH_BUSY 0.8

/* A look at the clocks. */
struct bench_usage {
    int64_t at_ns;           /* bench_now_ns */
    int64_t user_ns, sys_ns; /* of the process */
};
void bench_usage_read(struct bench_usage *u, int64_t now_ns);
/* Processor time of a thread that has not been joined yet, ns. */
int64_t bench_usage_thread_ns(pthread_t thread);

/* What a phase of measuring cost. */
struct bench_cost {
    int64_t wall_ns, user_ns, sys_ns;
    double busiest; /* share of the wall time its busiest thread was running; < 0: not known */
};
struct bench_cost bench_cost_between(const struct bench_usage *begin,
                                     const struct bench_usage *end);
/* Cores' worth of processor time: 1 is one core all the time. */
double bench_cost_cores(const struct bench_cost *c);

#endif
