/* conn.h - the client's end of one connection to a broker, without the socket.
 *
 * Bytes go in and out by the caller's hands, so that a blocking program and an event loop with
 * thousands of connections use the same code:
 *
 *     client_conn_init(&c, "name", max);
 *     client_conn_hello(&c);                      // asks for the broker's versions
 *     for (;;) {
 *         out = client_conn_out(&c);              // write these to the socket,
 *         client_conn_sent(&c, n);                // n of them are gone
 *         p = client_conn_room(&c, &room);        // read from the socket to here,
 *         client_conn_received(&c, n);            // n have come
 *         while (client_conn_next(&c, &r, &e) == 1)
 *             client_response_decode(&r, &arena, &msg, &e);
 *     }
 *
 * Once client_conn_ready, requests are queued by client_conn_send in a version that
 * client_conn_version chose. A broker answers in the order of the requests; an answer out of order,
 * of an absurd size, or to nothing is an error after which the connection is of no use: close the
 * socket and client_conn_reset.
 *
 * ApiVersions is asked in our newest version. A broker that does not know it answers in version 0
 * with UNSUPPORTED_VERSION and (KIP-511) the range it knows, or nothing: it is asked again in what
 * both know, at worst in 0.
 */
#ifndef CLIENT_CONN_H
#define CLIENT_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "kp/kp.h"

enum { CLIENT_KEYS = 128 }; /* API keys whose versions are remembered */

enum client_conn_state {
    CLIENT_CONN_NEW,    /* nothing said yet */
    CLIENT_CONN_ASKING, /* ApiVersions is under way */
    CLIENT_CONN_READY,
    CLIENT_CONN_FAILED,
};

/* A request that waits for its answer. */
struct client_pending {
    int32_t correlation_id;
    int16_t key, version;
    void *tag;
};

struct client_conn {
    enum client_conn_state state;
    const char *name; /* the client id; borrowed */
    size_t max_response;
    int32_t next_id;

    struct wr tx;
    size_t tx_sent; /* bytes of tx that are gone */
    uint8_t *rx;    /* bytes from rx_start to rx_end are not consumed yet */
    size_t rx_cap, rx_start, rx_end;

    struct client_pending *pending; /* a ring of pending_cap, a power of two */
    uint32_t pending_cap, pending_first, n_pending;

    struct {
        int16_t min, max; /* max -1: not spoken */
    } broker[CLIENT_KEYS];
};

struct client_response {
    int16_t key, version;
    void *tag;      /* of the request */
    struct rd body; /* behind the header; points into the connection's buffer and is good until
                     * client_conn_room, client_conn_reset or client_conn_release */
};

/* An unconnected one; allocates nothing. name (the client id) is borrowed. max_response: bytes of
 * the largest answer that is accepted. */
void client_conn_init(struct client_conn *c, const char *name, size_t max_response);
/* Back to unconnected: forget what was queued, awaited and learnt, keep the memory. */
void client_conn_reset(struct client_conn *c);
void client_conn_release(struct client_conn *c);

/* Queue the question for the broker's versions. 0 or a negative code. */
int client_conn_hello(struct client_conn *c);
static inline bool client_conn_ready(const struct client_conn *c)
{
    return c->state == CLIENT_CONN_READY;
}

/* The highest version of the API that the broker and our schema know and that is not above max
 * (INT16_MAX: no wish). ERR_UNSUPPORTED if there is none; e says what either speaks. */
int client_conn_version(const struct client_conn *c, int16_t key, int16_t max, struct err *e);

/* Queue a request; its answer will carry tag. 0, ERR_INVALID (the message cannot be said in that
 * version), ERR_TOOBIG or -ENOMEM; on failure nothing is queued. */
int client_conn_send(struct client_conn *c, int16_t key, int16_t version, const void *msg,
                     void *tag);
/* The same for a request that is never answered (Produce with acks=0). */
int client_conn_send_unanswered(struct client_conn *c, int16_t key, int16_t version,
                                const void *msg);

/* Bytes to be written to the socket, n 0 if there are none; good until the next send. */
struct span client_conn_out(const struct client_conn *c);
/* The first n of them are written. */
void client_conn_sent(struct client_conn *c, size_t n);

/* Where received bytes are to be put, *n > 0 of them at most. NULL when out of memory. */
uint8_t *client_conn_room(struct client_conn *c, size_t *n);
void client_conn_received(struct client_conn *c, size_t n);

/* The next answer. 1 and *r, 0 if more bytes are needed, or a negative code: ERR_MALFORMED,
 * ERR_TOOBIG, ERR_UNSUPPORTED (no common ApiVersions). The answer to client_conn_hello is taken by
 * the connection itself. */
int client_conn_next(struct client_conn *c, struct client_response *r, struct err *e);

/* Requests that wait for their answer. */
static inline uint32_t client_conn_pending(const struct client_conn *c)
{
    return c->n_pending;
}

/* Decode the body into msg, the response struct of r's API; everything points into the connection's
 * buffer or a. 0, or a negative code with e set (bytes left over included). */
int client_response_decode(struct client_response *r, struct arena *a, void *msg, struct err *e);

#endif
