/* blocking.h - connections for programs that may wait: sockets, deadlines, poll(2).
 *
 * Everything that waits takes a struct client_wait. Sockets are non-blocking underneath, and
 * writing never raises SIGPIPE. Only looking up a host's name waits on the resolver's own terms.
 */
#ifndef CLIENT_BLOCKING_H
#define CLIENT_BLOCKING_H

#include "base/clock.h"
#include "client/conn.h"

/* How long to wait. */
struct client_wait {
    struct clock *clock;
    int64_t deadline_ms; /* of the monotonic clock */
    int interrupt_fd;    /* once it is readable: give up with ERR_INTERRUPTED; -1: none */
};

/* Milliseconds left, never below 0. */
int64_t client_wait_left(const struct client_wait *w);
/* Wait until fd (-1: nothing) has one of events (POLLIN, POLLOUT). The events, ERR_TIMEOUT,
 * ERR_INTERRUPTED, or a negated errno. */
int client_wait_fd(const struct client_wait *w, int fd, short events);
/* Wait for ms, but not beyond the deadline. 0, ERR_TIMEOUT (the deadline has passed) or
 * ERR_INTERRUPTED. */
int client_wait_ms(const struct client_wait *w, int64_t ms);

/* One connection to a broker. */
struct client_link {
    int fd; /* -1: not connected */
    struct client_conn conn;
    char peer[300]; /* "host:port", for messages */
};

void client_link_init(struct client_link *l, const char *name, size_t max_response);
/* Connect, to the first of the host's addresses that answers, each having its share of the time, and
 * learn the broker's versions. 0, ERR_UNREACHABLE, ERR_TIMEOUT, ERR_INTERRUPTED, or a
 * negative code; e names the peer. */
int client_link_open(struct client_link *l, const char *host, int port, const struct client_wait *w,
                     struct err *e);
/* Close the socket; the link can be opened again. */
void client_link_close(struct client_link *l);
void client_link_release(struct client_link *l);

/* Queue a request in the highest common version not above max. 0 or a negative code. */
int client_link_send(struct client_link *l, int16_t key, int16_t max, const void *req,
                     struct err *e);
/* The same for one that is never answered. */
int client_link_send_unanswered(struct client_link *l, int16_t key, int16_t max, const void *req,
                                struct err *e);
/* Write all that is queued. After a failure the link is closed. */
int client_link_flush(struct client_link *l, const struct client_wait *w, struct err *e);
/* Write what is queued and decode the next answer into resp; it points into the link's buffer (good
 * until the link is used again) and into a. After a failure the link is closed. */
int client_link_receive(struct client_link *l, void *resp, struct arena *a,
                        const struct client_wait *w, struct err *e);
/* The same, but the answer lives in a alone. */
int client_link_receive_copy(struct client_link *l, void *resp, struct arena *a,
                             const struct client_wait *w, struct err *e);
/* Send and receive; the answer lives in a. */
int client_link_call(struct client_link *l, int16_t key, int16_t max, const void *req, void *resp,
                     struct arena *a, const struct client_wait *w, struct err *e);

#endif
