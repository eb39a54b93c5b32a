/* h_metadata.c - Metadata: brokers, topics, partitions and who leads them.
 *
 * A topic that is named, missing, and may be created is created first; the answer waits until it is
 * served, but not for ever: then it says LEADER_NOT_AVAILABLE, and clients ask again. The same it
 * says of those that are more than are created at a time (creator.h). Versions differ in how they
 * ask for all topics: an empty list in 0, none from 1 on.
 */
#include "broker/api.h"
#include "broker/broker.h"
#include "broker/container.h"
#include "broker/creator.h"
#include "broker/deadline.h"
#include "broker/errors.h"
#include "broker/operations.h"
#include "broker/rcu.h"
#include "broker/shard_thread.h"
#include "broker/topics.h"
#include "broker/worker.h"

enum { CREATE_MS = 5000 }; /* so long an answer waits */

struct creating {
    struct request *q;
    int32_t left;
    int *codes; /* by topic of the request; ERR_TIMEOUT: not created yet */
    struct creation_wait *waits;
    struct deadline deadline;
    bool answered;
};

/* ---- the answer */

static bool fill_brokers(struct request *q, const struct meta_image *image,
                         struct kp_metadata_resp *resp)
{
    size_t n;
    const struct meta_node *nodes = meta_nodes(image, &n);
    resp->brokers = request_alloc(q, n, sizeof *resp->brokers);
    if (!resp->brokers)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct kp_metadata_resp_brokers *b = &resp->brokers[resp->n_brokers++];
        b->node_id = nodes[i].id;
        b->host = kp_str(nodes[i].host);
        b->port = nodes[i].port;
        b->rack = kp_str(nodes[i].rack);
    }
    return true;
}

static void fill_partition(struct broker *b, const struct meta_topic *t, int32_t i,
                           struct kp_metadata_resp_topics_partitions *p)
{
    const struct meta_partition *from = &t->partitions[i];
    struct shard_thread *shard = broker_topic_shard(b, t, i);
    kp_init(&kp_metadata_resp_topics_partitions_schema, p);
    p->partition_index = i;
    p->leader_id = from->leader;
    if (!shard || !shard_thread_leads(shard)) {
        p->error_code = KP_ERR_LEADER_NOT_AVAILABLE;
        p->leader_id = -1;
    } else {
        p->leader_epoch = shard_thread_epoch(shard);
    }
    p->n_replica_nodes = p->n_isr_nodes = from->n_replicas;
    p->replica_nodes = p->isr_nodes = (int32_t *)from->replicas; /* only read by the encoder */
}

static bool fill_topic(struct request *q, const struct meta_topic *t,
                       struct kp_metadata_resp_topics *out)
{
    const struct kp_metadata_req *req = q->msg;
    kp_init(&kp_metadata_resp_topics_schema, out);
    out->name = kp_str(t->name);
    out->topic_id = t->id;
    out->is_internal = broker_topic_is_internal(t->name);
    if (req->include_topic_authorized_operations)
        out->topic_authorized_operations = OPERATIONS_TOPIC;
    out->partitions = request_alloc(q, (size_t)t->n_partitions, sizeof *out->partitions);
    if (!out->partitions)
        return false;
    out->n_partitions = t->n_partitions;
    for (int32_t i = 0; i < t->n_partitions; i++)
        fill_partition(request_broker(q), t, i, &out->partitions[i]);
    return true;
}

static bool fill_all(struct request *q, const struct meta_image *image,
                     struct kp_metadata_resp *resp)
{
    resp->topics = request_alloc(q, meta_n_topics(image), sizeof *resp->topics);
    if (!resp->topics)
        return false;
    for (const struct meta_topic *t = meta_topic_next(image, NULL); t;
         t = meta_topic_next(image, t)) {
        if (!fill_topic(q, t, &resp->topics[resp->n_topics++]))
            return false;
    }
    return true;
}

static int16_t why_missing(const struct kp_metadata_req_topics *asked, int code, int16_t error)
{
    if (error == KP_ERR_UNKNOWN_TOPIC_ID)
        return error;
    if (broker_topic_check_name(asked->name, NULL))
        return KP_ERR_INVALID_TOPIC_EXCEPTION;
    if (code == ERR_TIMEOUT) /* it may come yet; what clients know as such */
        return KP_ERR_LEADER_NOT_AVAILABLE;
    return code ? kafka_error(code) : error;
}

static bool fill_named(struct request *q, const struct meta_image *image, const int *codes,
                       struct kp_metadata_resp *resp)
{
    const struct kp_metadata_req *req = q->msg;
    resp->topics = request_alloc(q, (size_t)req->n_topics, sizeof *resp->topics);
    if (!resp->topics)
        return false;
    resp->n_topics = req->n_topics;
    for (int32_t i = 0; i < req->n_topics; i++) {
        const struct kp_metadata_req_topics *asked = &req->topics[i];
        struct kp_metadata_resp_topics *out = &resp->topics[i];
        int16_t error;
        const struct meta_topic *t =
            broker_topic_find(image, asked->name, &asked->topic_id, &error);
        if (t) {
            if (!fill_topic(q, t, out))
                return false;
            continue;
        }
        kp_init(&kp_metadata_resp_topics_schema, out);
        out->name = asked->name;
        out->topic_id = asked->topic_id;
        out->error_code = why_missing(asked, codes ? codes[i] : 0, error);
    }
    return true;
}

static bool wants_all(const struct request *q)
{
    const struct kp_metadata_req *req = q->msg;
    return q->header.version == 0 ? req->n_topics <= 0 : req->n_topics < 0;
}

static void answer(struct request *q, const int *codes)
{
    struct broker *b = request_broker(q);
    const struct kp_metadata_req *req = q->msg;
    const struct meta_image *image = image_get(&b->image);
    struct kp_metadata_resp resp;
    kp_init(&kp_metadata_resp_schema, &resp);
    resp.cluster_id = kp_str(b->cluster_id);
    resp.controller_id = b->node_id;
    if (req->include_cluster_authorized_operations)
        resp.cluster_authorized_operations = OPERATIONS_CLUSTER;
    if (!fill_brokers(q, image, &resp) ||
        !(wants_all(q) ? fill_all(q, image, &resp) : fill_named(q, image, codes, &resp))) {
        request_abort(q, "out of memory");
        return;
    }
    request_reply(q, &resp);
}

/* ---- creation */

static void created(struct creation_wait *w, int code)
{
    struct creating *c = w->arg;
    c->codes[w - c->waits] = code;
    if (--c->left > 0)
        return;
    deadline_clear(&c->q->worker->deadlines, &c->deadline);
    if (c->answered)
        request_unpin(c->q);
    else
        answer(c->q, c->codes);
}

/* The creations go on, and report to this request's memory. */
static void timed_out(struct deadline *d)
{
    struct creating *c = container_of(d, struct creating, deadline);
    c->answered = true;
    request_pin(c->q);
    rcu_enter();
    answer(c->q, c->codes);
    rcu_leave();
}

static bool to_be_created(const struct meta_image *image, const struct kp_metadata_req_topics *t)
{
    int16_t error;
    return !broker_topic_find(image, t->name, &t->topic_id, &error) &&
           error == KP_ERR_UNKNOWN_TOPIC_OR_PARTITION && !broker_topic_check_name(t->name, NULL);
}

/* NULL: out of memory. */
static struct creating *creating_new(struct request *q)
{
    const struct kp_metadata_req *req = q->msg;
    struct creating *c = request_alloc(q, 1, sizeof *c);
    if (!c)
        return NULL;
    c->q = q;
    c->left = 1; /* ours, until all are on their way */
    c->codes = request_alloc(q, (size_t)req->n_topics, sizeof *c->codes);
    c->waits = request_alloc(q, (size_t)req->n_topics, sizeof *c->waits);
    return c->codes && c->waits ? c : NULL;
}

/* Begin to create what is missing. False: there is nothing to wait for. */
static bool create_missing(struct request *q)
{
    struct broker *b = request_broker(q);
    const struct kp_metadata_req *req = q->msg;
    if (!live_now(b, auto_create_topics_enable) || !req->allow_auto_topic_creation || wants_all(q))
        return false;
    const struct meta_image *image = image_get(&b->image);
    struct creating *c = NULL;
    for (int32_t i = 0; i < req->n_topics; i++) {
        if (!to_be_created(image, &req->topics[i]))
            continue;
        if (!c && !(c = creating_new(q)))
            return false;
        c->codes[i] = ERR_TIMEOUT;
        if (c->left > CREATIONS_MAX) /* with ours */
            continue;
        c->left++;
        c->waits[i] = (struct creation_wait){.home = q->worker, .done = created, .arg = c};
        creator_want(&b->creator, req->topics[i].name, &c->waits[i]);
    }
    if (!c)
        return false;
    if (deadline_set(&q->worker->deadlines, &c->deadline, CREATE_MS, timed_out))
        worker_complain(q->worker, "a Metadata", "out of memory for its deadline: it has none");
    c->left--; /* the answers come by messages, so none is here yet */
    return true;
}

void h_metadata(struct request *q)
{
    if (!create_missing(q))
        answer(q, NULL);
}
