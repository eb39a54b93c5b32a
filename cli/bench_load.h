/* bench_load.h - a client under load: one connection, some requests in flight, a pace.
 *
 * What it asks is its kind's affair (bench_produce, bench_fetch, bench_meta); everything that is
 * the same for all is here:
 *
 * - Closed loop: a request is due when there is room for it, that is when a reply has come. Open
 *   loop: at the times of bench_pace; what finds no room waits, and its wait counts.
 * - Replies come in the order of the requests. The time from due to reply is the latency, that from
 *   sending the service time. Requests due before measuring begins are not counted.
 * - A lost connection ends the run, unless it is to keep going. Then what was in flight has failed
 *   (it is not known whether it took effect) or, if the kind can repeat itself without harm, is
 *   sent again, in the same order, after reconnecting.
 * - No reply within the request timeout is a lost connection.
 * - A refusal that may pass (LOAD_AGAIN) is noted and counted, and the request is asked again after
 * a pause; its latency counts from when it was due all the same. If for the request timeout nothing
 * better comes, the load gives up: the request has failed.
 *
 * For the thread of its worker.
 */
#ifndef CLI_BENCH_LOAD_H
#define CLI_BENCH_LOAD_H

#include "base/err.h"
#include "cli/bench_conn.h"
#include "cli/bench_stats.h"

struct worker;
struct load;

/* A request from when it is due to when it is settled. */
struct slot {
    bool fence; /* the engine's own last request, behind requests that have no replies */
    int64_t due_ns, sent_ns;
    struct bench_stats *stats; /* where it counts; set by next */
    int32_t count;             /* records asked for or sent */
    /* The kind's: enough to judge the reply and to make the same bytes again. */
    uint32_t which;
    uint64_t sequence;
    int64_t timestamp_ms;
    uint32_t crc;
};

enum load_verdict {
    LOAD_OK,     /* well */
    LOAD_PARTLY, /* well, but for a part with an error (e) that the next request asks for again */
    LOAD_FAILED, /* it did not; go on after a short pause */
    LOAD_AGAIN,  /* ask the same again after a pause. Of a load that is repeatable or has only one
                  * request in flight */
    LOAD_BROKEN, /* no use to go on: the run ends with e */
};

struct load_kind {
    const char *name; /* "producer": for messages */
    bool paced;       /* obeys the rate limit */
    bool to_the_end;  /* goes on until next has nothing more, whatever the time */
    int (*init)(struct load *l, struct err *e); /* 0 or a code */
    void (*release)(struct load *l);            /* also after a failed init */
    /* Decide on the next request: all of s but its times; when it is due is known. False: nothing
     * is left to ask. */
    bool (*next)(struct load *l, struct slot *s);
    /* Queue it on the load's connection (load_send). 0 or a code. May be called again for the same
     * s. */
    int (*send)(struct load *l, struct slot *s, struct err *e);
    /* Judge its answer. records and bytes: what it brought. */
    enum load_verdict (*reply)(struct load *l, struct slot *s, struct client_response *r,
                               uint64_t *records, uint64_t *bytes, struct err *e);
};

struct load {
    struct worker *w;
    const struct load_kind *kind;
    uint32_t id;     /* within its kind, over all threads */
    uint32_t broker; /* index of the one it talks to; set by init */
    bool repeatable; /* set by init: what is in flight may be sent again */
    bool unanswered; /* set by init: its requests have no replies (acks=0) */
    void *own;       /* the kind's */

    struct bench_conn conn;    /* fd -1: none at the moment */
    bool open;                 /* ready for requests */
    int64_t opened_ns;         /* when it last began to connect */
    struct loop_timer *timer;  /* reconnecting, pausing, lingering */
    bool paused, asking_again; /* asking_again: when the pause is over */
    bool troubled;        /* the last answer had an error that may pass, not yet counted failed */
    int64_t in_vain_ns;   /* since when nothing but such errors has come; 0: they have not */
    int64_t lingering_ns; /* since when a request that is due waits for company; 0: none does */
    int64_t backoff_ms;
    struct loop_hook again; /* goes on sending in the next iteration (unanswered) */

    struct slot *slots; /* a ring of `depth`; n in flight from head on */
    uint32_t depth, head, n;
    uint64_t arrived, started; /* open loop: requests due so far, begun so far */
    bool exhausted;            /* next had nothing more */
    bool fenced;               /* the last request of an unanswered one is sent */
    bool finished;
};

/* Prepare; l is zeroed. 0 or a code. load_release in every case. */
int load_init(struct load *l, struct worker *w, const struct load_kind *kind, uint32_t id,
              uint32_t depth, struct err *e);
void load_release(struct load *l);
/* Begin to connect. worker_opened or worker_fail follows. */
void load_open(struct load *l);
/* Send what is due and has room. */
void load_pump(struct load *l);
/* Called now and then: notices requests without reply and, behind the run's last moment, gives up.
 */
void load_sweep(struct load *l, int64_t now_ns);
/* For kinds: queue a request in the highest common version not above max. 0 or a code. */
int load_send(struct load *l, int16_t key, int16_t max, const void *req, struct err *e);

#endif
