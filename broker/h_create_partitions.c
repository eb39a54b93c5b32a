/* h_create_partitions.c - CreatePartitions: topics get more partitions, numbered on from those they
 * have. Otherwise like CreateTopics.
 *
 * Two who want more for one topic at once see the same number; the second command is then refused
 * where it is applied, and its request is looked at anew.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/api.h"
#include "broker/broker.h"
#include "broker/changes.h"
#include "broker/container.h"
#include "broker/errors.h"
#include "broker/topics.h"

struct growth {
    const struct kp_create_partitions_req_topics *asked;
    struct kp_create_partitions_resp_results *answer;
    struct meta_partitions_add command;
    struct change change;
    bool twice;
};

struct grow {
    struct request *q;
    struct kp_create_partitions_resp resp;
    struct growth *topics;
    int32_t n;
    struct changes *changes;
};

/* Refuse, with a reason of this printf form. */
#define refuse(g, t, error, ...) refuse_text(t, error, arena_printf(&(g)->q->arena, __VA_ARGS__))

static int16_t refuse_text(struct growth *t, int16_t error, const char *message)
{
    t->answer->error_code = error;
    t->answer->error_message = kp_str(message);
    return error;
}

/* ---- checks */

static int16_t check_count(struct grow *g, struct growth *t, const struct meta_topic *topic)
{
    int32_t count = t->asked->count;
    if (count == topic->n_partitions)
        return refuse(g, t, KP_ERR_INVALID_PARTITIONS, "the topic has %d partitions already",
                      topic->n_partitions);
    if (count < topic->n_partitions)
        return refuse(g, t, KP_ERR_INVALID_PARTITIONS,
                      "the topic has %d partitions; there cannot be fewer, such as %d",
                      topic->n_partitions, count);
    if (count > META_PARTITIONS_MAX)
        return refuse(g, t, KP_ERR_INVALID_PARTITIONS, "%d partitions are more than %d", count,
                      META_PARTITIONS_MAX);
    return KP_ERR_NONE;
}

/* A list of brokers for each new partition, of as many as the old ones have: this one alone. */
static int16_t check_assignments(struct grow *g, struct growth *t, const struct meta_topic *topic)
{
    int32_t wanted = t->asked->count - topic->n_partitions, given = t->asked->n_assignments;
    if (given < 0)
        return KP_ERR_NONE; /* null: the broker chooses */
    if (given != wanted)
        return refuse(g, t, KP_ERR_INVALID_REPLICA_ASSIGNMENT,
                      "%d partitions are to be added, but %d are assigned", wanted, given);
    for (int32_t i = 0; i < given; i++) {
        const struct kp_create_partitions_req_topics_assignments *a = &t->asked->assignments[i];
        if (a->n_broker_ids != topic->partitions[0].n_replicas)
            return refuse(g, t, KP_ERR_INVALID_REPLICA_ASSIGNMENT,
                          "a partition is assigned to %d brokers; the others have %d replicas",
                          a->n_broker_ids, topic->partitions[0].n_replicas);
        if (a->broker_ids[0] != request_broker(g->q)->node_id)
            return refuse(g, t, KP_ERR_INVALID_REPLICA_ASSIGNMENT,
                          "a partition is assigned to broker %d, which there is not",
                          a->broker_ids[0]);
    }
    return KP_ERR_NONE;
}

/* Check, and fill in the command. */
static int16_t plan(struct grow *g, struct growth *t)
{
    struct broker *b = request_broker(g->q);
    int16_t error;
    const struct meta_topic *topic =
        broker_topic_find(image_get(&b->image), t->asked->name, &(struct uuid){{0}}, &error);
    if (!topic)
        return refuse(g, t, KP_ERR_UNKNOWN_TOPIC_OR_PARTITION, "there is no such topic");
    if (broker_topic_is_internal(topic->name))
        return refuse(g, t, KP_ERR_INVALID_TOPIC_EXCEPTION,
                      "the broker counts on the partitions that this topic of its own has");
    error = check_count(g, t, topic);
    if (!error)
        error = check_assignments(g, t, topic);
    if (error)
        return error;
    int rc = broker_topic_plan_more(b, &g->q->arena, topic, t->asked->count, &t->command);
    return rc ? refuse(g, t, kafka_error(rc), "%s", err_str(rc)) : KP_ERR_NONE;
}

/* ---- once they are proposed */

static void propose(struct changes *all, struct change *change)
{
    struct growth *t = container_of(change, struct growth, change);
    changes_propose(all, change, META_PARTITIONS_ADD, &t->command);
}

/* Do both begin behind the same partition of the same topic? */
static bool same_place(const struct meta_partitions_add *a, const struct meta_partitions_add *b)
{
    return uuid_eq(&a->topic_id, &b->topic_id) &&
           a->partitions[0].partition == b->partitions[0].partition;
}

static bool settle(struct changes *all, struct change *change, int code)
{
    struct growth *t = container_of(change, struct growth, change);
    struct grow *g = all->q->local;
    if (!code)
        return true;
    struct meta_partitions_add before = t->command;
    if (plan(g, t))
        return true; /* what there is now says why */
    if (same_place(&before, &t->command)) {
        refuse(g, t, kafka_error(code), "%s", err_str(code));
        return true;
    }
    propose(all, change);
    return false;
}

static void late(struct changes *all, struct change *change)
{
    struct grow *g = all->q->local;
    refuse(g, container_of(change, struct growth, change), KP_ERR_REQUEST_TIMED_OUT,
           "not known yet whether the partitions were created: ask for the topic's metadata");
}

/* ---- the beginning */

static int by_name(const void *a, const void *b)
{
    struct kp_str x = (*(struct growth *const *)a)->asked->name;
    struct kp_str y = (*(struct growth *const *)b)->asked->name;
    if (x.n != y.n)
        return x.n < y.n ? -1 : 1;
    return x.n > 0 ? memcmp(x.p, y.p, (size_t)x.n) : 0;
}

/* Mark the topics that the request names twice: all of them are refused. */
static bool find_doubles(struct grow *g)
{
    struct growth **sorted = request_alloc(g->q, (size_t)g->n, sizeof *sorted);
    if (!sorted)
        return false;
    for (int32_t i = 0; i < g->n; i++)
        sorted[i] = &g->topics[i];
    qsort(sorted, (size_t)g->n, sizeof *sorted, by_name);
    for (int32_t i = 1; i < g->n; i++) {
        if (by_name(&sorted[i - 1], &sorted[i]) == 0)
            sorted[i - 1]->twice = sorted[i]->twice = true;
    }
    return true;
}

static bool prepare(struct grow *g)
{
    const struct kp_create_partitions_req *req = g->q->msg;
    kp_init(&kp_create_partitions_resp_schema, &g->resp);
    g->topics = request_alloc(g->q, (size_t)req->n_topics, sizeof *g->topics);
    g->resp.results = request_alloc(g->q, (size_t)req->n_topics, sizeof *g->resp.results);
    g->changes = changes_new(g->q, &g->resp);
    if (!g->topics || !g->resp.results || !g->changes)
        return false;
    g->changes->propose = propose;
    g->changes->settle = settle;
    g->changes->late = late;
    g->n = g->resp.n_results = req->n_topics;
    for (int32_t i = 0; i < g->n; i++) {
        struct growth *t = &g->topics[i];
        t->asked = &req->topics[i];
        t->answer = &g->resp.results[i];
        kp_init(&kp_create_partitions_resp_results_schema, t->answer);
        t->answer->name = t->asked->name;
    }
    return find_doubles(g);
}

void h_create_partitions(struct request *q)
{
    const struct kp_create_partitions_req *req = q->msg;
    struct grow *g = request_alloc(q, 1, sizeof *g);
    if (g)
        g->q = q;
    if (!g || !prepare(g)) {
        request_abort(q, "out of memory");
        return;
    }
    q->local = g;
    for (int32_t i = 0; i < g->n; i++) {
        struct growth *t = &g->topics[i];
        if (t->twice)
            refuse(g, t, KP_ERR_INVALID_REQUEST, "the request names the topic twice");
        else if (!plan(g, t) && !req->validate_only)
            changes_add(g->changes, &t->change);
    }
    changes_run(g->changes, req->timeout_ms);
}
