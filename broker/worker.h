/* worker.h - a thread with an event loop and the connections it serves. Everything here belongs to
 * that thread. */
#ifndef BROKER_WORKER_H
#define BROKER_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <sys/socket.h>

#include "base/clock.h"
#include "batch/codec.h"
#include "broker/conn.h"
#include "broker/deadline.h"
#include "broker/lone.h"
#include "broker/stats.h"
#include "broker/wait.h"
#include "loop/loop.h"

struct broker;

enum { WORKER_SCRATCH = 128 * 1024 };

struct worker {
    struct broker *broker;
    uint32_t index;
    pthread_t thread;
    struct loop *loop;
    struct deadlines deadlines;
    struct waiting waiting; /* fetches that wait for records */
    struct conn *conns;
    uint32_t n_requests; /* alive, those without a connection included */
    struct lone lone;
    struct request *spares;
    uint32_t n_spares;
    uint8_t *scratch;         /* WORKER_SCRATCH bytes, used within one callback */
    struct codec_state codec; /* for checking compressed batches */
    struct clock_watch clock;
    struct deadline clock_look;
    struct deadline hungry; /* look again whether the budget has room */
    bool draining;
    void (*drained)(void *arg); /* called once when the last connection and request are gone */
    void *drained_arg;          /* both set before the message that sets draining */
    int64_t complained_ms;      /* when a bad client last got a log line, */
    uint32_t complaints;        /* and how many did not since */
    struct stats stats;
    int64_t pressed_ms; /* when it last told all that memory is short */
    struct loop_msg drain_msg, cut_msg, stop_msg, stats_msg, press_msg;
    _Atomic bool stats_asked, press_asked;
};

/* A worker that is ready to run. NULL when out of memory or descriptors. */
struct worker *worker_new(struct broker *b, uint32_t index);
int worker_start(struct worker *w);
/* After worker_join. */
void worker_free(struct worker *w);
/* Any thread: let the loop end once the mailbox is empty; then wait for the thread. */
void worker_join(struct worker *w);

/* Any thread: answer what is there, then close all connections; drained is called on the worker's
 * thread. */
void worker_drain(struct worker *w, void (*drained)(void *arg), void *arg);
/* Any thread: close all connections now. */
void worker_cut(struct worker *w);
/* Any thread: hand it a new connection, which the broker counts already. Closes fd if there is no
 * memory for that. */
void worker_give(struct worker *w, int fd, const struct sockaddr_storage *peer);
/* Any thread: let it log what it counted. */
void worker_log_stats(struct worker *w);

/* The worker's thread: a line about a client's fault, at most one in a second. */
void worker_complain(struct worker *w, const char *peer, const char *reason);
/* The worker's thread: look after connections that the budget stopped, soon. */
void worker_hungry(struct worker *w);
/* Any worker's thread: all look for connections that hold memory and do not go on (conn_press). */
void workers_press(struct broker *b);
/* The worker's thread: a request or connection is gone. */
void worker_check_drained(struct worker *w);

#endif
