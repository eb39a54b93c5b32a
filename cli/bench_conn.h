/* bench_conn.h - a client's connection to a broker on a loop: a socket that feeds a client_conn.
 *
 * Once it is ready, the owner queues requests with client_conn_send(&c->proto, ...) and calls
 * bench_conn_flush; what is queued while answers are being handed on leaves together, at their end.
 *
 * For the thread of its loop. Callbacks may close it; failed is called once it has closed itself.
 */
#ifndef CLI_BENCH_CONN_H
#define CLI_BENCH_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "client/conn.h"
#include "loop/loop.h"

struct bench_conn;
struct bench_conn_ops {
    /* Connected, and the broker's versions are known. */
    void (*ready)(struct bench_conn *c);
    /* An answer; gone when this returns. */
    void (*answer)(struct bench_conn *c, struct client_response *r);
    /* The socket has taken all that was queued, after it once could not. */
    void (*drained)(struct bench_conn *c);
    /* Refused or lost: e says why. */
    void (*failed)(struct bench_conn *c, const struct err *e);
};

struct bench_conn {
    struct loop *loop;
    const struct bench_conn_ops *ops;
    struct client_conn proto;
    struct loop_fd *watch;
    int fd; /* -1: closed */
    bool connecting;
    bool reading;  /* answers are being handed on */
    uint32_t life; /* counts openings, so that a callback that closed and opened is noticed */
};

void bench_conn_init(struct bench_conn *c, struct loop *loop, const struct bench_conn_ops *ops);
/* Begin to connect. 0, or a negated errno (then failed is not called). */
int bench_conn_open(struct bench_conn *c, const struct sockaddr *addr, socklen_t len);
/* Let what is queued leave as far as the socket takes it. Failures are told by `failed` in a later
 * iteration. */
void bench_conn_flush(struct bench_conn *c);
/* Has the socket taken everything? */
bool bench_conn_drained(const struct bench_conn *c);
void bench_conn_close(struct bench_conn *c);
void bench_conn_release(struct bench_conn *c);

#endif
