/* conn_out.c - from replies to the socket, in order.
 *
 * Bytes in memory and small slices of files of as many ready replies as fit are gathered into one
 * sendmsg; a large slice goes by sendfile, without passing through this process. What fetch put
 * there was checked before, and is in the page cache or was just brought there, so reading it does
 * not block the loop.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "broker/conn.h"
#include "broker/worker.h"

enum {
    GATHER = 64,             /* pieces in one sendmsg */
    SMALL_SLICE = 32 * 1024, /* up to this, copying is cheaper than a system call of its own */
    TURN = 4 << 20,          /* bytes of one connection before others get their turn */
};

/* What comes next in a reply. */
struct piece {
    const uint8_t *p;             /* in memory, or NULL: in the slice's file, */
    off_t pos;                    /* from here */
    const struct wr_slice *slice; /* NULL: of the buffer */
    size_t n;                     /* 0: the reply is over */
};

static struct piece next_piece(const struct wr *w, const struct reply_place *at)
{
    const struct wr_slice *s = at->slice < w->n_slices ? &w->slices[at->slice] : NULL;
    if (s && s->at <= at->at)
        return (struct piece){.p = s->mem ? (const uint8_t *)s->mem + at->in_slice : NULL,
                              .pos = s->pos + (off_t)at->in_slice,
                              .slice = s,
                              .n = s->len - at->in_slice};
    return (struct piece){.p = w->buf + at->at, .n = (s ? s->at : w->len) - at->at};
}

/* Go n bytes on, n within the piece. */
static void go_on(const struct piece *piece, struct reply_place *at, size_t n)
{
    if (!piece->slice) {
        at->at += n;
        return;
    }
    at->in_slice += n;
    if (at->in_slice == piece->slice->len) {
        at->slice++;
        at->in_slice = 0;
    }
}

struct gather {
    struct iovec iov[GATHER];
    int n;
    size_t scratch;     /* bytes of it in use */
    struct piece large; /* n not 0: a slice for sendfile comes behind these */
    int err;
};

static int read_slice(uint8_t *to, const struct piece *piece)
{
    for (size_t n = 0; n < piece->n;) {
        ssize_t got = pread(piece->slice->fd, to + n, piece->n - n, piece->pos + (off_t)n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -EIO; /* the file ends before its index says so */
        n += (size_t)got;
    }
    return 0;
}

/* Add the pieces of one reply; false when no more is to be gathered. */
static bool gather_reply(struct conn *c, const struct request *q, struct gather *g)
{
    struct reply_place at = q->place;
    for (;;) {
        struct piece piece = next_piece(&q->reply, &at);
        if (!piece.n)
            return true;
        if (g->n == GATHER)
            return false;
        if (!piece.p) {
            if (piece.n > SMALL_SLICE) {
                g->large = piece;
                return false;
            }
            if (piece.n > WORKER_SCRATCH - g->scratch)
                return false;
            uint8_t *to = c->w->scratch + g->scratch;
            g->err = read_slice(to, &piece);
            if (g->err)
                return false;
            g->scratch += piece.n;
            piece.p = to;
        }
        g->iov[g->n++] = (struct iovec){(void *)piece.p, piece.n};
        go_on(&piece, &at, piece.n);
    }
}

/* n bytes have left: move the places on and let finished requests go. */
static void sent(struct conn *c, size_t n)
{
    c->w->stats.bytes_out += n;
    c->active_ms = loop_now_ms(c->w->loop);
    for (;;) {
        struct request *q = c->first;
        if (!q || q->state != REQUEST_READY)
            return;
        struct piece piece = next_piece(&q->reply, &q->place);
        if (!piece.n) {
            conn_drop(c, q);
            continue;
        }
        if (!n)
            return;
        size_t k = piece.n < n ? piece.n : n;
        go_on(&piece, &q->place, k);
        n -= k;
    }
}

/* One system call; bytes that left, 0 if nothing is ready, or a negated errno. */
static ssize_t send_some(struct conn *c)
{
    struct gather g = {.n = 0};
    for (const struct request *q = c->first; q && q->state == REQUEST_READY; q = q->next) {
        if (!gather_reply(c, q, &g))
            break;
    }
    if (g.err)
        return g.err;
    if (!g.n && !g.large.n)
        return 0;
    ssize_t n;
    if (g.n) {
        struct msghdr m = {.msg_iov = g.iov, .msg_iovlen = (size_t)g.n};
        n = sendmsg(c->fd, &m, MSG_NOSIGNAL | (g.large.n ? MSG_MORE : 0));
    } else {
        off_t pos = g.large.pos;
        n = sendfile(c->fd, g.large.slice->fd, &pos, g.large.n);
        if (n == 0)
            return -EIO; /* as in read_slice */
    }
    return n < 0 ? -errno : n;
}

void conn_out_flush(struct conn *c)
{
    size_t total = 0;
    while (!c->blocked && !c->closing) {
        if (total >= TURN) {
            conn_touch(c);
            return;
        }
        ssize_t n = send_some(c);
        if (n == 0)
            return;
        if (n > 0) {
            sent(c, (size_t)n);
            total += (size_t)n;
        } else if (n == -EAGAIN) {
            c->blocked = true;
        } else if (n != -EINTR) {
            conn_close(c, n == -EPIPE || n == -ECONNRESET ? NULL : "a reply could not be sent");
        }
    }
}
