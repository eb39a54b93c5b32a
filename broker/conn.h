/* conn.h - a client's connection: frames in, replies out in the order of the requests.
 *
 * In (conn_in.c): the socket is read into the worker's scratch memory; a frame that is there whole
 * is copied into memory of its own, a larger one is read into its place directly. An idle
 * connection owns no buffer.
 *
 * Out (conn_out.c): replies that are ready are gathered until the end of the loop's iteration and
 * leave by one writev; large file slices by sendfile.
 *
 * Bounds: a connection is not read while it has connection.max.queued.requests requests running, or
 * connection.max.queued.bytes of requests and replies, or while the broker's budget has no room for
 * its next frame. While the replies that clients have not taken exceed their budget, each
 * connection has one at a time. TCP then slows the client down. What was read and cannot be used
 * yet has a budget too; while that is spent, no more than the head of a frame is read. Of replies on
 * their way the kernel holds socket.send.buffer.bytes, in its count twice as many.
 *
 * In one iteration of the loop a connection has so many requests handled, then the others come.
 *
 * A client in the middle of a frame has connection.stall.ms, and for each byte it sends a
 * millisecond more, but never more than connection.stall.ms at a time: a trickle of less than a
 * kilobyte a second ends like silence. Who takes no replies, or does nothing, is closed after
 * connections.max.idle.ms.
 *
 * Pressure (conn_press): while others wait for memory, a frame has to be there within a minute, in
 * equal steps; and when the replies that are not taken exceed their budget by a quarter, those who
 * hold more than their share of them are closed.
 *
 * Closing is asked for (conn_close) and happens at the end of the iteration, so no callback loses
 * the connection it works on. The struct goes with its last request.
 */
#ifndef BROKER_CONN_H
#define BROKER_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "broker/deadline.h"
#include "broker/recompress.h"
#include "broker/request.h"

enum { CONN_PEER_TEXT = 64 };

struct conn_in {
    uint8_t head[4]; /* of the next frame */
    uint32_t head_n;
    uint8_t *frame; /* the frame that is being received, NULL between frames */
    uint32_t frame_size, frame_n;
    int64_t begun_ms; /* when the frame got its place, */
    int64_t due_ms;   /* and when patience with it, or with its head, ends */
    uint8_t *held;    /* read, but not to be looked at yet */
    size_t held_n, held_at;
    uint32_t turn_requests; /* that were begun in this turn, */
    int64_t turn_answers;   /* and bytes of answers they got at once */
    bool starved;           /* the budget had no room for the next frame */
    bool ended;             /* the client has shut its side */
};

struct conn {
    struct worker *w;
    struct conn *next, **prev; /* of the worker's list */
    int fd;                    /* -1: closed */
    struct loop_fd *watch;
    char peer[CONN_PEER_TEXT]; /* "127.0.0.1:4711" */
    struct conn_in in;
    struct request *first, **last; /* in the order of arrival; silent ones leave early */
    struct request *silent;        /* no reply will come, but still running */
    struct recompress_line line;   /* Produce requests that are not staged yet */
    uint32_t n_requests;
    int64_t queued; /* bytes of requests and of replies not sent, */
    int64_t unsent; /* of these replies alone */
    bool blocked;   /* the socket took no more */
    bool closing;   /* conn_close was called */
    bool draining;  /* close once everything is answered */
    struct loop_hook hook;
    struct deadline watchdog;
    bool reading;      /* the socket is waited for */
    int64_t active_ms; /* when bytes last moved */
};

/* A connection on fd, which is its own from now on, and which the broker counts already. The
 * worker's loop. 0, or -ENOMEM (fd is closed). */
int conn_open(struct worker *w, int fd, const struct sockaddr *peer);
/* Ask for the end. reason: a log line at warn (NULL: no line); rate limited. */
void conn_close(struct conn *c, const char *reason);
/* Read no more requests; close once all is answered. */
void conn_drain(struct conn *c);
/* Memory is short: close it if it holds what others need and does not go on. */
void conn_press(struct conn *c);

/* ---- between the files of the connection */

/* Something changed: look after replies, reading and closing at the end of the iteration. */
void conn_touch(struct conn *c);
/* Is there room for another request? */
bool conn_has_room(const struct conn *c);
/* Read and start what is there. */
void conn_in_readable(struct conn *c);
/* Start what is held, as far as there is room. */
void conn_in_resume(struct conn *c);
/* The loop's iteration ends. True: there is more to do in the next one. */
bool conn_in_end_turn(struct conn *c);
/* Is the client in the middle of a frame or its head? */
bool conn_in_is_under_way(const struct conn *c);
/* All patience with what is under way begins anew. */
void conn_in_be_patient(struct conn *c);
/* Would the frame under way come too late at the pace it has had so far, others waiting for it? */
bool conn_in_is_late(const struct conn *c);
/* Forget what is held. */
void conn_in_drop_held(struct conn *c);
void conn_in_release(struct conn *c);
/* Send what is ready; frees what has left. */
void conn_out_flush(struct conn *c);

/* ---- for requests */
void conn_add(struct conn *c, struct request *q);
void conn_remove(struct conn *c, struct request *q); /* and free it */
/* The same within conn_out_flush, after which its caller looks what that makes room for. */
void conn_drop(struct conn *c, struct request *q);
/* Move it out of the order. */
void conn_silence(struct conn *c, struct request *q);

#endif
