/* cluster.h - the brokers of a cluster, and who leads what, for programs that may wait.
 *
 *     struct client_cluster c;
 *     struct client_options o = {
 *         .bootstrap = "127.0.0.1:9092", .name = "chronik-topic", .interrupt_fd = -1};
 *     client_cluster_init(&c, &o);
 *     client_begin(&c, 30000); // what follows has 30 s
 *     client_metadata(&c, names, n, &arena, &md, &e);
 *     ...
 *     client_cluster_release(&c);
 *
 * The first broker of the bootstrap list that answers tells about the others. Not reaching any of
 * them is an error at once: nothing says that there is a cluster. After that, whatever a later try
 * may mend (a broker that restarts, a leader that moves) is tried again until the time is up.
 *
 * Operations: topics.h, offsets.h, produce.h, fetch.h. One thread at a time; no err is NULL.
 */
#ifndef CLIENT_CLUSTER_H
#define CLIENT_CLUSTER_H

#include "client/blocking.h"
#include "kp/kp.h"

struct client_options {
    const char *bootstrap; /* host:port[,...] */
    const char *name;      /* client id */
    int interrupt_fd;      /* once readable, whatever waits gives ERR_INTERRUPTED; -1: none */
    struct clock *clock;   /* NULL: the system's */
    void (*trace)(void *ctx, const char *line); /* told about tries that failed; may be NULL */
    void *trace_ctx;
};

struct client_broker {
    int32_t id;
    char host[256];
    int32_t port;
    struct client_link link;
};

/* What is known of one topic. */
struct client_topic; /* private */

struct client_cluster {
    struct client_options o;
    struct client_wait wait;
    struct client_link first; /* to the bootstrap broker; stands in until it is known by its id */
    struct client_broker **brokers;
    size_t n_brokers;
    int32_t controller;          /* -1: not known */
    struct client_topic *topics; /* a hash of them */
    int64_t pause_ms;            /* before the next try */
};

/* Connects to nothing yet. The texts of o are borrowed. */
void client_cluster_init(struct client_cluster *c, const struct client_options *o);
void client_cluster_release(struct client_cluster *c);

/* What follows has ms milliseconds. */
void client_begin(struct client_cluster *c, int64_t ms);

/* Ask for topics, or for all of them (names NULL). The answer lives in a until it is reset; each
 * name asked for is in it. Topics are not created by being asked for. 0 or a negative code. */
int client_metadata(struct client_cluster *c, const char *const *names, size_t n, struct arena *a,
                    const struct kp_metadata_resp **answer, struct err *e);

/* Call any broker, with what may be repeated. The answer lives in a. */
int client_call_any(struct client_cluster *c, int16_t key, int16_t max, const void *req, void *resp,
                    struct arena *a, struct err *e);
/* Call the controller once; the answer lives in a. If the connection is lost after the request was
 * sent, the outcome is ERR_UNKNOWN_OUTCOME. */
int client_call_controller(struct client_cluster *c, int16_t key, int16_t max, const void *req,
                           void *resp, struct arena *a, struct err *e);
/* The same of the broker with that id, 0 or more; ERR_NOTFOUND if the cluster has none. */
int client_call_broker(struct client_cluster *c, int32_t id, int16_t key, int16_t max,
                       const void *req, void *resp, struct arena *a, struct err *e);

/* Number of the topic's partitions; asks for them if they are not known. Negative code:
 * ERR_NOTFOUND... */
int32_t client_partitions(struct client_cluster *c, const char *topic, struct err *e);
/* The open link to the leader of a partition: finds the leader and connects as needed, once. Codes
 * that client_may_retry knows are worth another try. */
int client_leader(struct client_cluster *c, const char *topic, int32_t partition,
                  struct client_link **link, struct err *e);
/* What is known of the topic is out of date. */
void client_forget(struct client_cluster *c, const char *topic);

/* Is it worth trying again after this code? */
bool client_may_retry(int code);
/* Wait before the next try: 10 ms, then twice as long each time, up to half a second. 0;
 * ERR_TIMEOUT at the deadline, with `e`, which says why the last try failed, wrapped; or
 * ERR_INTERRUPTED. */
int client_pause(struct client_cluster *c, struct err *e);
/* The next pause is a short one again. */
void client_progress(struct client_cluster *c);

#endif
