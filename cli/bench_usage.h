/* bench_usage.h - what the load generator itself costs: the processor time of this process and of
 * the threads that drive clients. A generator that is busy all the time measures itself. */
#ifndef CLI_BENCH_USAGE_H
#define CLI_BENCH_USAGE_H

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

/* From which share of its time on a thread is called busy: above it requests wait for the thread
 * often enough to show in the latencies. */
#define BENCH_BUSY 0.8

/* A look at the clocks. */
struct bench_usage {
    int64_t at_ns;           /* bench_now_ns */
    int64_t user_ns, sys_ns; /* of the process */
};
/* now_ns: the caller's bench_now_ns. Processor times are 0 if the system does not tell them. */
void bench_usage_read(struct bench_usage *u, int64_t now_ns);
/* Processor time of a thread that has not been joined yet, ns. */
int64_t bench_usage_thread_ns(pthread_t thread);
/* How long a thread of this process, by its number, was ready to run and had no processor, ns; -1:
 * the system does not tell. */
int64_t bench_usage_waited_ns(pid_t thread);

/* What a phase of measuring cost. */
struct bench_cost {
    int64_t wall_ns, user_ns, sys_ns;
    /* Of the thread that left the least of its time idle, shares of the wall time: running, and
     * ready to run without a processor. < 0: not known. */
    double busiest, waiting;
};
/* Of the process; threads are to be added by bench_cost_thread. */
struct bench_cost bench_cost_between(const struct bench_usage *begin,
                                     const struct bench_usage *end);
/* Another thread's share of the time, as that of the busiest if it is. waited_ns < 0: not known. */
void bench_cost_thread(struct bench_cost *c, int64_t busy_ns, int64_t waited_ns);
/* The share of the time that the busiest thread was not idle: what waits for a processor is as late
 * as what waits for the thread. */
double bench_cost_taken(const struct bench_cost *c);
/* Cores' worth of processor time: 1 is one core all the time. */
double bench_cost_cores(const struct bench_cost *c);

#endif
