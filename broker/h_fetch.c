/* h_fetch.c - Fetch: choose what to send (fetch_read.c), wait while that is too little, answer.
 *
 *   a log that is not open yet, or whose index is not in memory: choose on the pool
 *   enough, or something other than records to tell, or no time to wait: answer
 *   else wait for the partitions (wait.h), and choose anew when one of them moved
 *   before the answer leaves: slices that a loop must not touch go over a reader (fetch_prepare.c)
 *
 * Sessions (KIP-227) are answered with id 0: clients then ask in full each time. A request that
 * goes on with a session is refused, whatever its id: we never gave one.
 */
#include <string.h>

#include "broker/api.h"
#include "broker/broker.h"
#include "broker/container.h"
#include "broker/fetch.h"
#include "broker/rcu.h"
#include "broker/topics.h"
#include "broker/worker.h"

static void start_reading(struct fetch *f);

static void release(struct request *q)
{
    fetch_drop(q->local);
}

/* ---- the answer */

/* A slice of memory keeps a block of the partition's log until the client has taken it. When too
 * much is kept so, the slice is copied, which counts as the reply's own, and lets go. */
static bool take_memory(struct request *q, struct plog_slice *s, struct wr_slice *out)
{
    *out = (struct wr_slice){.fd = -1, .mem = s->mem, .len = s->len};
    if (!budget_is_over(&request_broker(q)->blocks))
        return true;
    uint8_t *copy = request_alloc(q, s->len, 1);
    if (!copy)
        return false;
    out->mem = memcpy(copy, s->mem, s->len);
    plog_slice_release(s);
    return true;
}

static bool take_slice(struct request *q, struct plog_slice *s, struct wr_slice *out)
{
    if (s->mem)
        return take_memory(q, s, out);
    *out = (struct wr_slice){.fd = io_fd(s->file), .pos = (off_t)s->pos, .len = s->len};
    return true;
}

static bool fill_records(struct fetch *f)
{
    for (uint32_t i = 0; i < f->n; i++) {
        struct fetch_part *p = &f->parts[i];
        if (!p->n_slices)
            continue;
        struct wr_slice *slices = request_alloc(f->q, p->n_slices, sizeof *slices);
        if (!slices)
            return false;
        int32_t n = 0;
        for (uint32_t j = 0; j < p->n_slices; j++) {
            if (!take_slice(f->q, &f->slices[p->slice + j].slice, &slices[j]))
                return false;
            n += (int32_t)slices[j].len;
        }
        p->answer->records =
            (struct kp_records){.n = n, .slices = slices, .n_slices = (int32_t)p->n_slices};
    }
    return true;
}

static void answer(struct fetch *f)
{
    if (fill_records(f))
        request_reply(f->q, &f->resp);
    else
        request_abort(f->q, "out of memory");
}

static void prepared(struct request *q)
{
    answer(q->local);
}

static void dispatch(struct fetch *f)
{
    if (fetch_is_ready(f))
        answer(f);
    else
        fetch_prepare(f, prepared);
}

/* ---- waiting */

static void cancel(struct request *q)
{
    struct fetch *f = q->local;
    wait_end(&f->wait);
    request_end(q);
}

static void over(struct wait *w, bool woken)
{
    struct fetch *f = container_of(w, struct fetch, wait);
    if (woken)
        f->q->worker->stats.fetch_wakes++;
    rcu_enter();
    f->may_wait = woken;
    start_reading(f);
    rcu_leave();
}

/* Wait for all parts. False: one has moved since it was read, or cannot be waited for. */
static bool wait_for_parts(struct fetch *f)
{
    struct broker *b = request_broker(f->q);
    for (uint32_t i = 0; i < f->n; i++) {
        struct fetch_part *p = &f->parts[i];
        struct partition *found =
            partitions_find(&b->partitions, &p->topic_id, p->asked->partition);
        if (!found || wait_on(&f->wait, &p->topic_id, p->asked->partition, &found->watchers) ||
            plog_high_watermark(found->log) != p->seen)
            return false;
    }
    return true;
}

static int64_t time_left(const struct fetch *f)
{
    const struct kp_fetch_req *req = f->q->msg;
    return f->deadline_ms ? f->deadline_ms - loop_now_ms(f->q->worker->loop) : req->max_wait_ms;
}

/* What waits keeps its memory. Large requests do so only while half of all is free: a few that ask
 * for much, and have time, would else keep everybody's from being read. */
static bool may_stay(const struct request *q)
{
    enum { SMALL_REQUEST = 16 * 1024 };
    return q->charged <= SMALL_REQUEST || !budget_is_short(&request_broker(q)->memory);
}

enum wait_state { WAITING, MOVED, CANNOT };

static enum wait_state begin_wait(struct fetch *f)
{
    struct worker *w = f->q->worker;
    int64_t ms = time_left(f);
    if (ms <= 0 || !may_stay(f->q))
        return CANNOT;
    if (!f->links) {
        f->deadline_ms = loop_now_ms(w->loop) + ms;
        f->links = request_alloc(f->q, f->n, sizeof *f->links);
        w->stats.fetch_waits++;
    }
    if (!f->links || wait_begin(&w->waiting, &f->wait, f->links, ms, over))
        return CANNOT;
    if (wait_for_parts(f)) {
        f->q->cancel = cancel;
        return WAITING;
    }
    wait_end(&f->wait);
    return MOVED;
}

static bool is_enough(const struct fetch *f)
{
    const struct kp_fetch_req *req = f->q->msg;
    return !f->n || f->settled || f->bytes >= (uint64_t)(req->min_bytes > 0 ? req->min_bytes : 0);
}

/* ---- choosing */

/* It is chosen: answer, or wait for more. False: a part moved meanwhile, choose anew. */
static bool answer_or_wait(struct fetch *f)
{
    if (!is_enough(f) && f->may_wait && !f->q->worker->draining) {
        enum wait_state state = begin_wait(f);
        if (state == MOVED)
            return false;
        if (state == WAITING) {
            fetch_drop(f);
            return true;
        }
    }
    dispatch(f);
    return true;
}

static void chosen(struct request *q)
{
    struct fetch *f = q->local;
    if (q->conn->fd < 0)
        request_end(q); /* nobody is left to wait for */
    else if (f->rc)
        request_abort(q, "out of memory");
    else if (!answer_or_wait(f))
        start_reading(f);
}

/* A pool thread. */
static void choose(struct loop_msg *m)
{
    struct fetch *f = container_of(m, struct fetch, job);
    rcu_enter();
    f->rc = fetch_read(f, false);
    rcu_leave();
    request_resume(f->q, chosen);
}

static void start_reading(struct fetch *f)
{
    do {
        f->q->cancel = NULL;
        if (fetch_read(f, true)) {
            request_abort(f->q, "out of memory");
            return;
        }
        if (f->cold) {
            f->q->worker->stats.fetch_colds++;
            f->job.run = choose;
            crew_post(&request_broker(f->q)->pool, &f->job);
            return;
        }
    } while (!answer_or_wait(f));
}

/* ---- the beginning */

static bool prepare_topic(struct fetch *f, const struct meta_image *image, int32_t i)
{
    const struct kp_fetch_req *req = f->q->msg;
    const struct kp_fetch_req_topics *asked = &req->topics[i];
    struct kp_fetch_resp_responses *r = &f->resp.responses[i];
    r->topic = asked->topic;
    r->topic_id = asked->topic_id;
    r->n_partitions = asked->n_partitions;
    r->partitions = request_alloc(f->q, (size_t)asked->n_partitions, sizeof *r->partitions);
    if (!r->partitions)
        return false;
    int16_t missing;
    const struct meta_topic *t = broker_topic_find(image, asked->topic, &asked->topic_id, &missing);
    for (int32_t j = 0; j < asked->n_partitions; j++) {
        struct fetch_part *p = &f->parts[f->n++];
        p->asked = &asked->partitions[j];
        p->answer = &r->partitions[j];
        p->missing = missing;
        if (t)
            p->topic_id = t->id;
    }
    return true;
}

static bool prepare_parts(struct fetch *f)
{
    const struct kp_fetch_req *req = f->q->msg;
    size_t n = 0;
    for (int32_t i = 0; i < req->n_topics; i++)
        n += (size_t)req->topics[i].n_partitions;
    f->parts = request_alloc(f->q, n, sizeof *f->parts);
    f->resp.responses = request_alloc(f->q, (size_t)req->n_topics, sizeof *f->resp.responses);
    if (!f->parts || !f->resp.responses)
        return false;
    f->resp.n_responses = req->n_topics;
    const struct meta_image *image = image_get(&request_broker(f->q)->image);
    for (int32_t i = 0; i < req->n_topics; i++) {
        if (!prepare_topic(f, image, i))
            return false;
    }
    if (f->n)
        f->first = (uint32_t)(f->q->worker->stats.requests[KP_FETCH] % f->n);
    return true;
}

void h_fetch(struct request *q)
{
    const struct kp_fetch_req *req = q->msg;
    struct fetch *f = request_alloc(q, 1, sizeof *f);
    if (!f) {
        request_abort(q, "out of memory");
        return;
    }
    f->q = q;
    kp_init(&kp_fetch_resp_schema, &f->resp);
    enum { NEW_SESSION = 0, NO_SESSION = -1 };
    if (req->session_epoch != NEW_SESSION && req->session_epoch != NO_SESSION) {
        f->resp.error_code = KP_ERR_FETCH_SESSION_ID_NOT_FOUND;
        request_reply(q, &f->resp);
        return;
    }
    if (!prepare_parts(f)) {
        request_abort(q, "out of memory");
        return;
    }
    q->local = f;
    q->release = release;
    f->may_wait = true;
    start_reading(f);
}
