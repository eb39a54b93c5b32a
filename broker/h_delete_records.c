/* h_delete_records.c - DeleteRecords: move the start of partitions up.
 *
 * Each partition becomes a trim of its shard; all that one request has for a shard go there by one
 * message and come back by one, when the last is settled. The answer waits for all shards: a trim
 * is settled when it is durable and the log starts where it was asked to.
 *
 * timeout_ms runs out first: partitions that are not settled are answered REQUEST_TIMED_OUT. They
 * may still be trimmed, so the request's memory stays until its shards are back.
 */
#include "broker/api.h"
#include "broker/broker.h"
#include "broker/container.h"
#include "broker/errors.h"
#include "broker/rcu.h"
#include "broker/shard_thread.h"
#include "broker/topics.h"
#include "broker/worker.h"

struct part {
    struct kp_delete_records_resp_topics_partitions *answer;
    struct shard_thread *shard; /* NULL: refused */
    struct shard_trim trim;
    struct part *next; /* for the same shard */
};

struct deletion;

/* What goes to one shard. */
struct errand {
    struct deletion *of;
    struct shard_thread *to;
    struct part *parts;
    uint32_t left; /* the shard's thread */
    bool back;
    struct loop_msg msg;
};

struct deletion {
    struct request *q;
    struct kp_delete_records_resp resp;
    struct part *parts;
    uint32_t n;
    struct errand *errands; /* by shard's number */
    uint32_t left;
    struct deadline deadline;
    bool answered;
};

/* ---- the answer */

static void refuse(struct part *p, int16_t error)
{
    p->shard = NULL;
    p->answer->error_code = error;
    p->answer->low_watermark = -1;
}

static void finish(struct deletion *d)
{
    deadline_clear(&d->q->worker->deadlines, &d->deadline);
    if (d->answered)
        request_unpin(d->q);
    else
        request_reply(d->q, &d->resp);
}

static void settle(struct part *p)
{
    p->answer->error_code = kafka_error(p->trim.code);
    p->answer->low_watermark = p->trim.low_watermark;
}

static void timed_out(struct deadline *at)
{
    struct deletion *d = container_of(at, struct deletion, deadline);
    for (uint32_t i = 1; i < request_broker(d->q)->n_shards; i++) {
        struct errand *x = &d->errands[i];
        for (struct part *p = x->back ? NULL : x->parts; p; p = p->next)
            refuse(p, KP_ERR_REQUEST_TIMED_OUT);
    }
    d->answered = true;
    request_pin(d->q);
    request_reply(d->q, &d->resp);
}

/* ---- the way to the shards and back */

static void come_home(struct loop_msg *m)
{
    struct errand *x = container_of(m, struct errand, msg);
    struct deletion *d = x->of;
    rcu_enter();
    x->back = true;
    for (struct part *p = d->answered ? NULL : x->parts; p; p = p->next)
        settle(p);
    if (--d->left == 0)
        finish(d);
    rcu_leave();
}

/* The shard's thread. */
static void part_done(struct shard_trim *t)
{
    struct errand *x = t->arg;
    if (--x->left)
        return;
    x->msg.run = come_home;
    loop_post(x->of->q->worker->loop, &x->msg);
}

/* The shard's thread. */
static void arrive(struct loop_msg *m)
{
    struct errand *x = container_of(m, struct errand, msg);
    struct shard *shard = shard_thread_shard(x->to);
    for (struct part *p = x->parts, *next; p; p = next) {
        next = p->next; /* the last one done may end the request */
        shard_trim(shard, &p->trim);
    }
}

static void add_to_errand(struct deletion *d, struct part *p, uint32_t number)
{
    struct errand *x = &d->errands[number];
    if (!x->parts)
        d->left++;
    x->of = d;
    x->to = p->shard;
    x->left++;
    p->next = x->parts;
    x->parts = p;
    p->trim.done = part_done;
    p->trim.arg = x;
}

/* ---- the beginning */

/* May records of the topic be deleted by clients? */
static int16_t check_topic(struct request *q, const struct meta_topic *t)
{
    struct broker *b = request_broker(q);
    struct meta_settings set;
    if (broker_topic_is_internal(t->name))
        return KP_ERR_INVALID_TOPIC_EXCEPTION;
    meta_settings_of(image_get(&b->image), b->node_id, &b->settings->topic, t, &set);
    return set.cleanup_policy & META_CLEANUP_DELETE ? KP_ERR_NONE : KP_ERR_POLICY_VIOLATION;
}

static void check(struct deletion *d, const struct meta_topic *t, int16_t error, struct part *p,
                  int64_t offset)
{
    int32_t number = p->answer->partition_index;
    p->shard = error ? NULL : broker_topic_shard(request_broker(d->q), t, number);
    if (error || !p->shard) {
        refuse(p, error ? error : KP_ERR_UNKNOWN_TOPIC_OR_PARTITION);
        return;
    }
    if (offset < -1) { /* -1: the high watermark */
        refuse(p, KP_ERR_OFFSET_OUT_OF_RANGE);
        return;
    }
    p->trim.topic_id = t->id;
    p->trim.partition = number;
    p->trim.log_start = offset;
    add_to_errand(d, p, t->partitions[number].shard);
}

static void check_topic_parts(struct deletion *d, int32_t i, struct part *parts)
{
    const struct kp_delete_records_req *req = d->q->msg;
    const struct kp_delete_records_req_topics *asked = &req->topics[i];
    int16_t error;
    const struct meta_topic *t = broker_topic_find(image_get(&request_broker(d->q)->image),
                                                   asked->name, &(struct uuid){{0}}, &error);
    if (t)
        error = check_topic(d->q, t);
    for (int32_t j = 0; j < asked->n_partitions; j++) {
        struct kp_delete_records_resp_topics_partitions *answer = &d->resp.topics[i].partitions[j];
        kp_init(&kp_delete_records_resp_topics_partitions_schema, answer);
        answer->partition_index = asked->partitions[j].partition_index;
        parts[j].answer = answer;
        check(d, t, error, &parts[j], asked->partitions[j].offset);
    }
}

/* Room for the answer, an entry for each partition. */
static bool prepare(struct deletion *d)
{
    struct request *q = d->q;
    const struct kp_delete_records_req *req = q->msg;
    kp_init(&kp_delete_records_resp_schema, &d->resp);
    d->resp.topics = request_alloc(q, (size_t)req->n_topics, sizeof *d->resp.topics);
    d->errands = request_alloc(q, request_broker(q)->n_shards, sizeof *d->errands);
    if (!d->resp.topics || !d->errands)
        return false;
    d->resp.n_topics = req->n_topics;
    for (int32_t i = 0; i < req->n_topics; i++) {
        struct kp_delete_records_resp_topics *t = &d->resp.topics[i];
        t->name = req->topics[i].name;
        t->n_partitions = req->topics[i].n_partitions;
        t->partitions = request_alloc(q, (size_t)t->n_partitions, sizeof *t->partitions);
        if (!t->partitions)
            return false;
        d->n += (uint32_t)t->n_partitions;
    }
    d->parts = request_alloc(q, d->n, sizeof *d->parts);
    return d->parts != NULL;
}

static void send_errands(struct deletion *d)
{
    for (uint32_t i = 1, n = request_broker(d->q)->n_shards; i < n; i++) {
        struct errand *x = &d->errands[i];
        if (!x->parts)
            continue;
        x->msg.run = arrive;
        shard_thread_post(x->to, &x->msg);
    }
}

void h_delete_records(struct request *q)
{
    const struct kp_delete_records_req *req = q->msg;
    struct deletion *d = request_alloc(q, 1, sizeof *d);
    if (d)
        d->q = q;
    if (!d || !prepare(d)) {
        request_abort(q, "out of memory");
        return;
    }
    struct part *p = d->parts;
    for (int32_t i = 0; i < req->n_topics; i++) {
        check_topic_parts(d, i, p);
        p += req->topics[i].n_partitions;
    }
    if (!d->left) {
        request_reply(q, &d->resp);
        return;
    }
    if (deadline_set(&q->worker->deadlines, &d->deadline, deadline_ms(req->timeout_ms),
                     timed_out)) {
        request_abort(q, "out of memory");
        return;
    }
    send_errands(d);
}
