/* h_delete_topics.c - DeleteTopics, by name or by id; otherwise like CreateTopics. */
#include <stdlib.h>
#include <string.h>

#include "broker/api.h"
#include "broker/broker.h"
#include "broker/container.h"
#include "broker/errors.h"
#include "broker/metadata.h"
#include "broker/topics.h"
#include "broker/worker.h"

struct deletion {
    struct kp_delete_topics_resp_responses *answer;
    struct proposal proposal;
    struct uuid id;
    bool proposed, settled;
};

struct delete
{
    struct request *q;
    struct kp_delete_topics_resp resp;
    struct deletion *topics;
    int32_t n, left;
    struct deadline deadline;
    bool answered;
};

static void refuse(struct deletion *t, int16_t error, const char *message)
{
    t->answer->error_code = error;
    t->answer->error_message = kp_str(message);
}

/* ---- the answer */

static void finish(struct delete *d)
{
    deadline_clear(&d->q->worker->deadlines, &d->deadline);
    if (d->answered)
        request_unpin(d->q);
    else
        request_reply(d->q, &d->resp);
}

static void settled(struct proposal *p)
{
    struct deletion *t = container_of(p, struct deletion, proposal);
    struct delete *d = p->arg;
    int code = p->command.code ? p->command.code : p->command.result.code;
    proposal_release(p);
    t->settled = true;
    if (code && !d->answered)
        refuse(t, kafka_error(code), err_str(code));
    if (--d->left == 0)
        finish(d);
}

static void timed_out(struct deadline *at)
{
    struct delete *d = container_of(at, struct delete, deadline);
    for (int32_t i = 0; i < d->n; i++) {
        if (d->topics[i].proposed && !d->topics[i].settled)
            refuse(&d->topics[i], KP_ERR_REQUEST_TIMED_OUT,
                   "not known yet whether the topic was deleted: ask for its metadata");
    }
    d->answered = true;
    request_pin(d->q);
    request_reply(d->q, &d->resp);
}

/* ---- the beginning */

static int by_id(const void *a, const void *b)
{
    return memcmp(&(*(struct deletion *const *)a)->id, &(*(struct deletion *const *)b)->id,
                  sizeof(struct uuid));
}

static void check(struct delete *d, struct deletion *t, struct kp_str name, const struct uuid *id)
{
    t->answer->name = name;
    t->answer->topic_id = *id;
    if (name.n > 0 && !uuid_is_zero(id)) {
        refuse(t, KP_ERR_INVALID_REQUEST, "a topic is given by its name and by its id");
        return;
    }
    if (name.n <= 0 && uuid_is_zero(id)) {
        refuse(t, KP_ERR_INVALID_REQUEST, "a topic is given neither by its name nor by its id");
        return;
    }
    int16_t error;
    const struct meta_topic *found =
        topics_find(image_get(&request_broker(d->q)->image), name, id, &error);
    if (!found) {
        refuse(t, error, kp_error_text(error));
        return;
    }
    if (topics_is_internal(found->name)) {
        refuse(t, KP_ERR_INVALID_REQUEST, "the broker needs this topic itself");
        return;
    }
    t->id = found->id;
    t->answer->name =
        kp_strn(arena_strn(&d->q->arena, found->name, strlen(found->name)), strlen(found->name));
    t->answer->topic_id = found->id;
    t->proposed = true;
}

static bool prepare(struct delete *d)
{
    const struct kp_delete_topics_req *req = d->q->msg;
    static const struct uuid no_id;
    size_t n = (size_t)req->n_topics + (size_t)req->n_topic_names;
    kp_init(&kp_delete_topics_resp_schema, &d->resp);
    d->topics = request_alloc(d->q, n, sizeof *d->topics);
    d->resp.responses = request_alloc(d->q, n, sizeof *d->resp.responses);
    if (!d->topics || !d->resp.responses)
        return false;
    d->n = d->resp.n_responses = (int32_t)n;
    for (int32_t i = 0; i < d->n; i++) {
        struct deletion *t = &d->topics[i];
        t->answer = &d->resp.responses[i];
        kp_init(&kp_delete_topics_resp_responses_schema, t->answer);
        if (i < req->n_topics)
            check(d, t, req->topics[i].name, &req->topics[i].topic_id);
        else
            check(d, t, req->topic_names[i - req->n_topics], &no_id);
    }
    return true;
}

/* Topics that are named twice are refused, all of them. */
static bool refuse_doubles(struct delete *d)
{
    struct deletion **sorted = request_alloc(d->q, (size_t)d->n, sizeof *sorted);
    if (!sorted)
        return false;
    int32_t n = 0;
    for (int32_t i = 0; i < d->n; i++) {
        if (d->topics[i].proposed)
            sorted[n++] = &d->topics[i];
    }
    qsort(sorted, (size_t)n, sizeof *sorted, by_id);
    for (int32_t i = 0; i < n; i++) {
        bool twice = (i > 0 && by_id(&sorted[i - 1], &sorted[i]) == 0) ||
                     (i + 1 < n && by_id(&sorted[i], &sorted[i + 1]) == 0);
        if (twice)
            refuse(sorted[i], KP_ERR_INVALID_REQUEST, "the request names the topic twice");
        sorted[i]->proposed = !twice;
        d->left += !twice;
    }
    return true;
}

static void propose(struct delete *d)
{
    for (int32_t i = 0; i < d->n; i++) {
        struct deletion *t = &d->topics[i];
        if (!t->proposed)
            continue;
        t->proposal.home = d->q->worker;
        t->proposal.done = settled;
        t->proposal.arg = d;
        struct meta_topic_delete command = {.topic_id = t->id};
        metadata_propose(request_broker(d->q)->metadata, &t->proposal, META_TOPIC_DELETE, &command);
    }
}

void h_delete_topics(struct request *q)
{
    const struct kp_delete_topics_req *req = q->msg;
    struct delete *d = request_alloc(q, 1, sizeof *d);
    if (d)
        d->q = q;
    if (!d || !prepare(d) || !refuse_doubles(d)) {
        request_abort(q, "out of memory");
        return;
    }
    if (!d->left) {
        request_reply(q, &d->resp);
        return;
    }
    if (deadline_set(&q->worker->deadlines, &d->deadline, req->timeout_ms, timed_out)) {
        request_abort(q, "out of memory");
        return;
    }
    propose(d);
}
