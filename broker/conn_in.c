/* conn_in.c - from the socket to requests.
 *
 * A read goes first into what is missing of the frame under way, and what comes behind that into
 * the worker's scratch memory, from which frames are copied out. When the connection has no room
 * for more (too many requests, too many bytes, or the broker's budget is spent) the rest of the
 * scratch is held and the socket is left alone until there is.
 *
 * A frame's place is taken from the budget at once and in full, so that one that has begun can
 * always be finished. Part of the budget is kept from those whose bytes are still to come: a
 * thousand clients that announce frames and never send them do not stop who sends his whole.
 *
 * A turn is what one connection may have handled in one iteration of the loop: so many requests, or
 * fewer whose answers are long. Thousands of small requests fit into what is read at once, and a
 * request for all topics is small; the rest waits, held, for the next iteration, which does not
 * sleep then but serves the others too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/endian.h"
#include "broker/broker.h"
#include "broker/conn.h"
#include "broker/worker.h"

enum {
    FRAME_MIN = 8,            /* a key, a version and a correlation id */
    FRAME_SMALL = 128 * 1024, /* up to this a request may use the budget's reserve, */
    RESERVE = 4,              /* which is that part of the budget */
    TURN_REQUESTS = 32,       /* in a turn, */
    TURN_ANSWERS = 8 * 1024,  /* until they were answered at once with so many bytes */
    PRESSED_MS = 60000,       /* for a frame that others wait for, */
    PRESSED_GRACE_MS = 1000   /* whose first part may take so much longer */
};

/* Patience with what is read. */

bool conn_in_is_under_way(const struct conn *c)
{
    return c->in.frame || c->in.head_n;
}

void conn_in_be_patient(struct conn *c)
{
    int64_t now = loop_now_ms(c->w->loop);
    c->in.begun_ms = now;
    c->in.due_ms = clock_after(now, live_now(c->w->broker, connection_stall_ms));
}

/* n bytes came: a millisecond for each. */
static void earn(struct conn *c, size_t n)
{
    int64_t full = clock_after(c->active_ms, live_now(c->w->broker, connection_stall_ms));
    int64_t due = clock_after(c->in.due_ms, (int64_t)n);
    c->in.due_ms = due < full ? due : full;
}

bool conn_in_is_late(const struct conn *c)
{
    if (!c->in.frame || !c->reading)
        return false;
    int64_t taken = loop_now_ms(c->w->loop) - c->in.begun_ms - PRESSED_GRACE_MS;
    return taken * c->in.frame_size > (int64_t)PRESSED_MS * c->in.frame_n;
}

/* Have all bytes of a frame come, those in the socket's buffer included? */
static bool is_here(const struct conn *c, size_t size, size_t read)
{
    int more = 0;
    if (read >= size)
        return true;
    return ioctl(c->fd, FIONREAD, &more) == 0 && more > 0 && (size_t)more >= size - read;
}

/* Take the frame's bytes from the budget; who is small, and here, may use the reserve. */
static bool take_budget(struct conn *c, int32_t size, size_t read)
{
    struct budget *memory = &c->w->broker->memory;
    if (budget_take(memory, size, 0))
        return true;
    return size <= FRAME_SMALL && is_here(c, (size_t)size, read) &&
           budget_take(memory, size, memory->max / RESERVE);
}

/* Place for the frame that the head announces and of which so many bytes are read. False: not now,
 * or never (closing). */
static bool admit(struct conn *c, size_t read)
{
    struct broker *b = c->w->broker;
    int32_t size = (int32_t)get_be32(c->in.head);
    if (size < FRAME_MIN || size > b->settings->socket_request_max_bytes) {
        c->w->stats.refused++;
        conn_close(c, size < FRAME_MIN ? "a request is shorter than its header"
                                       : "a request is larger than socket.request.max.bytes");
        return false;
    }
    c->in.starved = !take_budget(c, size, read);
    if (c->in.starved) {
        worker_hungry(c->w);
        return false;
    }
    c->in.frame = malloc((size_t)size);
    if (!c->in.frame) {
        budget_give(&b->memory, size);
        conn_close(c, "out of memory for a request");
        return false;
    }
    c->in.frame_size = (uint32_t)size;
    c->in.frame_n = 0;
    c->in.head_n = 0;
    conn_in_be_patient(c);
    return true;
}

static bool turn_is_over(const struct conn *c)
{
    return c->in.turn_requests >= TURN_REQUESTS || c->in.turn_answers >= TURN_ANSWERS;
}

bool conn_in_end_turn(struct conn *c)
{
    bool more = turn_is_over(c) && (c->in.held || c->in.head_n == sizeof c->in.head);
    c->in.turn_requests = 0;
    c->in.turn_answers = 0;
    return more;
}

/* The frame is there whole: it becomes a request. */
static void complete(struct conn *c)
{
    uint8_t *frame = c->in.frame;
    int64_t unsent = c->unsent;
    c->in.frame = NULL;
    c->w->stats.bytes_in += c->in.frame_size;
    struct err why = {0};
    if (request_start(c, frame, c->in.frame_size, &why)) {
        c->w->stats.refused++;
        conn_close(c, why.text);
    }
    c->in.turn_requests++;
    c->in.turn_answers += c->unsent - unsent;
}

/* Cut frames from the bytes until they or the room end; gives how many were used. */
static size_t feed(struct conn *c, const uint8_t *p, size_t n)
{
    struct conn_in *in = &c->in;
    size_t used = 0;
    for (;;) {
        if (!in->frame) {
            size_t k = sizeof in->head - in->head_n;
            if (k > n - used)
                k = n - used;
            memcpy(in->head + in->head_n, p + used, k);
            in->head_n += (uint32_t)k;
            used += k;
            if (in->head_n < sizeof in->head || turn_is_over(c) || !conn_has_room(c) ||
                !admit(c, n - used))
                return used;
        }
        size_t k = in->frame_size - in->frame_n;
        if (k > n - used)
            k = n - used;
        memcpy(in->frame + in->frame_n, p + used, k);
        in->frame_n += (uint32_t)k;
        used += k;
        if (in->frame_n < in->frame_size)
            return used;
        complete(c);
        if (c->closing)
            return used;
    }
}

/* Keep what cannot be used yet. */
static void hold(struct conn *c, const uint8_t *p, size_t n)
{
    if (!n || c->closing)
        return;
    c->in.held = malloc(n);
    if (!c->in.held) {
        conn_close(c, "out of memory for what was read");
        return;
    }
    memcpy(c->in.held, p, n);
    c->in.held_n = n;
    c->in.held_at = 0;
    budget_charge(&c->w->broker->held, (int64_t)n);
}

void conn_in_drop_held(struct conn *c)
{
    if (c->in.held)
        budget_give(&c->w->broker->held, (int64_t)c->in.held_n);
    free(c->in.held);
    c->in.held = NULL;
}

/* How much may be read that has no place yet: when too much is held, what needs none. */
static size_t room_for_more(const struct conn *c)
{
    if (!budget_is_over(&c->w->broker->held))
        return WORKER_SCRATCH;
    return c->in.frame ? 0 : sizeof c->in.head - c->in.head_n;
}

/* Bytes of the socket: the first go where the frame under way wants them. */
static ssize_t fill(struct conn *c, size_t *direct)
{
    struct iovec iov[2];
    int n = 0;
    *direct = c->in.frame ? c->in.frame_size - c->in.frame_n : 0;
    if (*direct)
        iov[n++] = (struct iovec){c->in.frame + c->in.frame_n, *direct};
    iov[n++] = (struct iovec){c->w->scratch, room_for_more(c)};
    return readv(c->fd, iov, n);
}

void conn_in_readable(struct conn *c)
{
    size_t direct;
    ssize_t got = fill(c, &direct);
    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR)
            conn_close(c, NULL); /* reset by the client: nothing to tell */
        return;
    }
    if (got == 0) {
        c->in.ended = true;
        return;
    }
    size_t n = (size_t)got;
    c->active_ms = loop_now_ms(c->w->loop);
    if (conn_in_is_under_way(c))
        earn(c, n);
    else
        conn_in_be_patient(c);
    if (direct > n)
        direct = n;
    if (direct) {
        c->in.frame_n += (uint32_t)direct;
        if (c->in.frame_n < c->in.frame_size)
            return;
        complete(c);
        if (c->closing)
            return;
    }
    size_t rest = n - direct;
    size_t used = feed(c, c->w->scratch, rest);
    hold(c, c->w->scratch + used, rest - used);
}

void conn_in_resume(struct conn *c)
{
    struct conn_in *in = &c->in;
    if (!in->held && in->head_n < sizeof in->head)
        return;
    if (!in->held) {
        feed(c, c->w->scratch, 0); /* a head without a byte behind it */
        return;
    }
    in->held_at += feed(c, in->held + in->held_at, in->held_n - in->held_at);
    if (in->held_at == in->held_n)
        conn_in_drop_held(c);
}

void conn_in_release(struct conn *c)
{
    if (c->in.frame)
        budget_give(&c->w->broker->memory, c->in.frame_size);
    free(c->in.frame);
    c->in.frame = NULL;
    conn_in_drop_held(c);
}
