/* request.h - one request from its last byte to its reply's last byte.
 *
 * The connection cuts a frame from the stream and starts a request with it; the API's handler gets
 * it decoded and answers when it can: at once, or later on the same loop. A request lives on one
 * loop thread; what another thread finishes for it comes back by request_resume. Everything a
 * request needs sits in its arena and in its frame, and is freed with it.
 *
 * RUNNING: with its handler. The connection may end meanwhile: then cancel is called, if the
 * handler set it; else the request runs on, and its answer goes nowhere.
 *
 * READY: has its reply; waits for those before it, then for the socket.
 *
 * Gone: the reply has left, or there is nobody to send it to. If the request is pinned, its memory
 * stays until it is not: another thread still reads the frame of a request that was answered with a
 * timeout.
 */
#ifndef BROKER_REQUEST_H
#define BROKER_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/wr.h"
#include "kp/error.h"
#include "kp/kp.h"
#include "loop/loop.h"

struct api;
struct broker;
struct conn;
struct worker;

enum request_state { REQUEST_RUNNING, REQUEST_READY };

/* A place in a reply, whose file slices stand between the bytes of its buffer. */
struct reply_place {
    size_t at;       /* bytes of the buffer before it */
    size_t slice;    /* slices before it */
    size_t in_slice; /* bytes of the next slice before it */
};

struct request {
    struct request *next; /* of its connection, oldest first */
    struct conn *conn;    /* outlives the request */
    struct worker *worker;
    const struct api *api;
    struct kp_req_header header;
    int16_t reply_version; /* the request's, but for an ApiVersions that we cannot speak */
    enum request_state state;
    bool silent; /* no reply will come: nobody waits for this one */
    bool pinned; /* memory is in use by another thread */
    bool gone;   /* pinned, and otherwise free */
    struct arena arena;
    uint8_t *frame;                     /* the decoded message points into it */
    int64_t charged;                    /* bytes in the broker's budgets: for the request, */
    int64_t charged_reply;              /* and for the reply and what it was made of */
    void *msg;                          /* the decoded request, of the API's schema */
    struct wr reply;                    /* from its length field on */
    struct reply_place place;           /* how much of it is gone */
    void *local;                        /* the handler's */
    void (*cancel)(struct request *q);  /* the handler's: finish it without a reply, now */
    void (*release)(struct request *q); /* the handler's: let go of what the reply was made of */
    struct loop_msg resume;
    void (*resumed)(struct request *q);
};

/* ---- for the connection */

/* Start with a whole frame (without its length field), malloc'ed, the request's from here on. ERR_*
 * when the connection has to be closed; why gets the reason, and the frame is freed. */
int request_start(struct conn *c, uint8_t *frame, uint32_t n, struct err *why);
/* Read a frame's header and body: sets q's api, header, reply_version and msg, which points into
 * the frame and q's arena, whose cap this sets; touches nothing else. Errors as above. */
int request_decode(struct request *q, struct span frame, struct err *why);
/* Let go of everything. Unlinks nothing. */
void request_free(struct request *q);
/* The spare requests that a worker keeps, at its end. */
void request_free_spares(struct worker *w);

/* ---- for handlers, on the request's loop */

/* Encode the answer (the API's response struct) and send it in its turn. q may be gone afterwards.
 */
void request_reply(struct request *q, const void *resp);
/* No reply is going to be sent; later ones need not wait. q stays until request_end. */
void request_silence(struct request *q);
/* End without a reply: a silent one, or one that is cancelled. q is gone afterwards. */
void request_end(struct request *q);
/* Give up on the connection, for a reason that is logged, and on the request. */
void request_abort(struct request *q, const char *reason);

/* Keep the request's memory beyond its reply, until request_unpin. */
void request_pin(struct request *q);
void request_unpin(struct request *q);

/* Any thread that has the request in hand: call resumed(q) on its loop. */
void request_resume(struct request *q, void (*resumed)(struct request *q));

/* Whose request it is. */
struct broker *request_broker(const struct request *q);
/* Zeroed, from the arena. NULL: out of memory; there is nothing left to do but request_abort. */
void *request_alloc(struct request *q, size_t n, size_t size);

#endif
