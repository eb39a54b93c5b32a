/* h_delete_topics.c - DeleteTopics, by name or by id; otherwise like CreateTopics. */
#include <stdlib.h>
#include <string.h>

#include "broker/api.h"
#include "broker/broker.h"
#include "broker/changes.h"
#include "broker/container.h"
#include "broker/errors.h"
#include "broker/topics.h"

struct deletion {
    struct kp_delete_topics_resp_responses *answer;
    struct change change;
    struct uuid id;
    bool sound; /* nothing speaks against it so far */
};

struct delete
{
    struct request *q;
    struct kp_delete_topics_resp resp;
    struct deletion *topics;
    int32_t n;
    struct changes *changes;
};

static void refuse(struct deletion *t, int16_t error, const char *message)
{
    t->answer->error_code = error;
    t->answer->error_message = kp_str(message);
}

/* ---- once they are proposed */

static bool settle(struct changes *all, struct change *change, int code)
{
    (void)all;
    if (code)
        refuse(container_of(change, struct deletion, change), kafka_error(code), err_str(code));
    return true;
}

static void late(struct changes *all, struct change *change)
{
    (void)all;
    refuse(container_of(change, struct deletion, change), KP_ERR_REQUEST_TIMED_OUT,
           "not known yet whether the topic was deleted: ask for its metadata");
}

static void propose(struct changes *all, struct change *change)
{
    struct meta_topic_delete command = {.topic_id =
                                            container_of(change, struct deletion, change)->id};
    changes_propose(all, change, META_TOPIC_DELETE, &command);
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
        broker_topic_find(image_get(&request_broker(d->q)->image), name, id, &error);
    if (!found) {
        refuse(t, error, kp_error_text(error));
        return;
    }
    if (broker_topic_is_internal(found->name)) {
        refuse(t, KP_ERR_INVALID_REQUEST, "the broker needs this topic itself");
        return;
    }
    t->id = found->id;
    t->answer->name =
        kp_strn(arena_strn(&d->q->arena, found->name, strlen(found->name)), strlen(found->name));
    t->answer->topic_id = found->id;
    t->sound = true;
}

static bool prepare(struct delete *d)
{
    const struct kp_delete_topics_req *req = d->q->msg;
    static const struct uuid no_id;
    size_t n = (size_t)req->n_topics + (size_t)req->n_topic_names;
    kp_init(&kp_delete_topics_resp_schema, &d->resp);
    d->topics = request_alloc(d->q, n, sizeof *d->topics);
    d->resp.responses = request_alloc(d->q, n, sizeof *d->resp.responses);
    d->changes = changes_new(d->q, &d->resp);
    if (!d->topics || !d->resp.responses || !d->changes)
        return false;
    d->changes->propose = propose;
    d->changes->settle = settle;
    d->changes->late = late;
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
        if (d->topics[i].sound)
            sorted[n++] = &d->topics[i];
    }
    qsort(sorted, (size_t)n, sizeof *sorted, by_id);
    for (int32_t i = 0; i < n; i++) {
        bool twice = (i > 0 && by_id(&sorted[i - 1], &sorted[i]) == 0) ||
                     (i + 1 < n && by_id(&sorted[i], &sorted[i + 1]) == 0);
        if (twice)
            refuse(sorted[i], KP_ERR_INVALID_REQUEST, "the request names the topic twice");
        else
            changes_add(d->changes, &sorted[i]->change);
    }
    return true;
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
    changes_run(d->changes, req->timeout_ms);
}
