#include "broker/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/api.h"
#include "broker/broker.h"
#include "broker/conn.h"
#include "broker/container.h"
#include "broker/lone.h"
#include "broker/rcu.h"
#include "broker/worker.h"

enum {
    SPARES_MAX = 64,        /* requests kept for reuse by a worker, */
    REPLY_KEEP = 64 * 1024, /* each with a reply buffer of so much at most */
    DECODED_BASE = 1 << 20, /* memory for the decoded form of a request: so much, */
    DECODED_FACTOR = 16,    /* and this times its bytes, */
    DECODED_MAX = 64 << 20, /* but never more than this */
    ANSWER_MAX = 256 << 20, /* memory for an answer's struct, and for its bytes: a small request
                             * may name the same large topic again and again */
};

/* ---- memory */

static struct request *take_spare(struct worker *w)
{
    struct request *q = w->spares;
    if (q) {
        w->spares = q->next;
        w->n_spares--;
        return q;
    }
    q = calloc(1, sizeof *q);
    if (q) {
        arena_init(&q->arena, 0);
        wr_init(&q->reply, ANSWER_MAX);
    }
    return q;
}

static void free_spare(struct request *q)
{
    arena_free(&q->arena);
    wr_free(&q->reply);
    free(q);
}

static void put_spare(struct worker *w, struct request *q)
{
    if (w->n_spares >= SPARES_MAX) {
        free_spare(q);
        return;
    }
    struct arena arena = q->arena;
    struct wr reply = q->reply;
    arena_reset(&arena);
    if (reply.cap > REPLY_KEEP)
        wr_free(&reply);
    else
        wr_reset(&reply);
    *q = (struct request){.next = w->spares, .arena = arena, .reply = reply};
    w->spares = q;
    w->n_spares++;
}

void request_free_spares(struct worker *w)
{
    for (struct request *q = w->spares, *next; q; q = next) {
        next = q->next;
        free_spare(q);
    }
    w->spares = NULL;
    w->n_spares = 0;
}

static void drop_frame(struct request *q)
{
    free(q->frame);
    q->frame = NULL;
    budget_give(&q->worker->broker->memory, q->charged);
    if (!q->gone)
        q->conn->queued -= q->charged;
    q->charged = 0;
}

static void charge_reply(struct request *q)
{
    q->charged_reply = (int64_t)(q->reply.len + q->arena.used);
    budget_charge(&q->worker->broker->replies, q->charged_reply);
    q->conn->queued += q->charged_reply;
    q->conn->unsent += q->charged_reply;
}

static void drop_reply(struct request *q)
{
    budget_give(&q->worker->broker->replies, q->charged_reply);
    q->conn->queued -= q->charged_reply;
    q->conn->unsent -= q->charged_reply;
    q->charged_reply = 0;
}

void request_free(struct request *q)
{
    struct worker *w = q->worker;
    if (!q->gone) {
        if (q->release)
            q->release(q);
        drop_reply(q);
        if (q->pinned) {
            q->conn->queued -= q->charged;
            q->gone = true;
            return;
        }
    }
    drop_frame(q);
    w->n_requests--;
    put_spare(w, q);
    worker_check_drained(w);
}

void request_pin(struct request *q)
{
    q->pinned = true;
}

void request_unpin(struct request *q)
{
    q->pinned = false;
    if (q->gone)
        request_free(q);
    else if (q->state == REQUEST_READY)
        drop_frame(q);
}

/* ---- the beginning */

static int decode_header(struct request *q, struct rd *r, struct err *why)
{
    int rc = kp_decode_req_header(r, &q->header);
    if (rc)
        return err_code(why, rc, "a request's header cannot be read");
    q->reply_version = q->header.version;
    q->api = api_find(q->header.key);
    if (!q->api)
        return err_set(why, ERR_UNSUPPORTED, "request of unknown API key=%d version=%d",
                       q->header.key, q->header.version);
    return 0;
}

static bool is_served(const struct request *q)
{
    return q->header.version >= q->api->min && q->header.version <= q->api->max;
}

static int decode_body(struct request *q, struct rd *r, struct err *why)
{
    const struct kp_schema *schema = q->api->kp->req;
    q->msg = arena_alloc(&q->arena, kp_sizeof(schema));
    if (!q->msg)
        return err_set(why, -ENOMEM, "out of memory for a request");
    if (!is_served(q)) {
        if (q->header.key != KP_API_VERSIONS)
            return err_set(why, ERR_UNSUPPORTED, "request of unknown version api=%s version=%d",
                           q->api->kp->name, q->header.version);
        /* KIP-511: answered in version 0, whose body cannot be told from here. */
        kp_init(schema, q->msg);
        q->reply_version = 0;
        return 0;
    }
    int rc = kp_decode(schema, q->header.version, r, &q->arena, q->msg);
    /* Bytes behind the message are let pass, as Kafka does: librdkafka 2.16 leaves three behind a
     * Metadata request for all topics. */
    if (rc)
        return err_code(why, rc, "a request cannot be read api=%s version=%d", q->api->kp->name,
                        q->header.version);
    return 0;
}

static size_t decoded_max(size_t frame)
{
    if (frame > (DECODED_MAX - DECODED_BASE) / DECODED_FACTOR)
        return DECODED_MAX;
    return DECODED_BASE + DECODED_FACTOR * frame;
}

int request_decode(struct request *q, struct span frame, struct err *why)
{
    struct rd r = rd_of(frame.p, frame.n);
    q->arena.cap = decoded_max(frame.n);
    int rc = decode_header(q, &r, why);
    return rc ? rc : decode_body(q, &r, why);
}

int request_start(struct conn *c, uint8_t *frame, uint32_t n, struct err *why)
{
    struct worker *w = c->w;
    struct request *q = take_spare(w);
    if (!q) {
        free(frame);
        budget_give(&w->broker->memory, n);
        return err_set(why, -ENOMEM, "out of memory for a request");
    }
    q->conn = c;
    q->worker = w;
    q->frame = frame;
    q->charged = n;
    c->queued += n;
    w->n_requests++;
    lone_note(w, c);
    conn_add(c, q);

    int rc = request_decode(q, span_of(frame, n), why);
    if (rc) {
        conn_remove(c, q);
        return rc;
    }
    q->arena.cap = q->arena.used + ANSWER_MAX;
    budget_charge(&w->broker->memory, (int64_t)q->arena.used);
    q->charged += (int64_t)q->arena.used;
    c->queued += (int64_t)q->arena.used;
    w->stats.requests[q->header.key]++;

    rcu_enter();
    q->api->handle(q);
    rcu_leave();
    return 0;
}

/* ---- the end */

void request_reply(struct request *q, const void *resp)
{
    struct conn *c = q->conn;
    if (c->fd < 0) {
        request_end(q);
        return;
    }
    struct wr *w = &q->reply;
    wr_be32(w, 0);
    kp_encode_resp_header(w, q->header.key, q->reply_version, q->header.correlation_id);
    kp_encode(q->api->kp->resp, q->reply_version, resp, w);
    if (!w->err && wr_size(w) - 4 > INT32_MAX)
        w->err = ERR_TOOBIG;
    q->state = REQUEST_READY;
    q->cancel = NULL;
    charge_reply(q);
    if (w->err) {
        conn_close(c, err_str(w->err));
        return;
    }
    wr_patch_be32(w, 0, (uint32_t)(wr_size(w) - 4));
    if (!q->pinned)
        drop_frame(q);
    conn_touch(c);
}

void request_silence(struct request *q)
{
    if (q->conn->fd >= 0)
        conn_silence(q->conn, q);
}

void request_end(struct request *q)
{
    conn_remove(q->conn, q);
}

void request_abort(struct request *q, const char *reason)
{
    conn_close(q->conn, reason);
    request_end(q);
}

static void run_resumed(struct loop_msg *m)
{
    struct request *q = container_of(m, struct request, resume);
    rcu_enter();
    q->resumed(q);
    rcu_leave();
}

void request_resume(struct request *q, void (*resumed)(struct request *q))
{
    q->resumed = resumed;
    q->resume.run = run_resumed;
    loop_post(q->worker->loop, &q->resume);
}

/* ---- small things */

struct broker *request_broker(const struct request *q)
{
    return q->worker->broker;
}

void *request_alloc(struct request *q, size_t n, size_t size)
{
    return arena_array(&q->arena, n, size);
}
