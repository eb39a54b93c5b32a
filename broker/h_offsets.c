/* h_offsets.c - OffsetCommit, OffsetFetch, OffsetDelete: how far a group has read.
 *
 * What needs the cluster's metadata is checked here, on the request's loop; the coordinator gets
 * what passed, with the ids of the topics.
 */
#include "broker/api.h"
#include "broker/broker.h"
#include "broker/group_request.h"
#include "broker/topics.h"

static const struct meta_topic *topic_of(struct request *q, struct kp_str name)
{
    int16_t ignored; /* these APIs go by name */
    return broker_topic_find(image_get(&request_broker(q)->image), name, &(struct uuid){{0}},
                             &ignored);
}

/* ---- OffsetCommit */

static int16_t check_commit(struct request *q, const struct meta_topic *t,
                            const struct kp_offset_commit_req_topics_partitions *p)
{
    if (!t || p->partition_index < 0 || p->partition_index >= t->n_partitions)
        return KP_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (p->committed_metadata.n > live_now(request_broker(q), offset_metadata_max_bytes))
        return KP_ERR_OFFSET_METADATA_TOO_LARGE;
    return KP_ERR_NONE;
}

/* One topic: its answers, and the parts for the coordinator. */
static bool take_topic(struct request *q, const struct kp_offset_commit_req_topics *in,
                       struct kp_offset_commit_resp_topics *out, struct group_commit *commit)
{
    const struct meta_topic *t = topic_of(q, in->name);
    out->name = in->name;
    out->partitions = kp_array(&kp_offset_commit_resp_topics_partitions_schema, &q->arena,
                               (size_t)in->n_partitions);
    if (!out->partitions)
        return false;
    out->n_partitions = in->n_partitions;
    for (int32_t i = 0; i < in->n_partitions; i++) {
        const struct kp_offset_commit_req_topics_partitions *p = &in->partitions[i];
        out->partitions[i].partition_index = p->partition_index;
        out->partitions[i].error_code = check_commit(q, t, p);
        if (out->partitions[i].error_code)
            continue;
        commit->parts[commit->n++] = (struct group_commit_part){
            .offset = {.topic = in->name,
                       .partition = p->partition_index,
                       .topic_id = t->id,
                       .offset = p->committed_offset,
                       .leader_epoch = p->committed_leader_epoch,
                       .metadata = p->committed_metadata},
            .error = &out->partitions[i].error_code,
        };
    }
    return true;
}

static bool take_commit(struct request *q, struct kp_offset_commit_resp *resp,
                        struct group_commit *commit)
{
    const struct kp_offset_commit_req *req = q->msg;
    size_t n = 0;
    for (int32_t i = 0; i < req->n_topics; i++)
        n += (size_t)req->topics[i].n_partitions;
    resp->topics = kp_array(&kp_offset_commit_resp_topics_schema, &q->arena, (size_t)req->n_topics);
    commit->parts = request_alloc(q, n, sizeof *commit->parts);
    if (!resp->topics || !commit->parts)
        return false;
    for (int32_t i = 0; i < req->n_topics; i++) {
        if (!take_topic(q, &req->topics[i], &resp->topics[resp->n_topics++], commit))
            return false;
    }
    return true;
}

static void refuse_commit(struct group_commit *commit, int16_t error)
{
    for (int32_t i = 0; i < commit->n; i++)
        *commit->parts[i].error = error;
}

void h_offset_commit(struct request *q)
{
    const struct kp_offset_commit_req *req = q->msg;
    struct group_call *call = group_request(q, &kp_offset_commit_resp_schema);
    if (!call)
        return;
    struct group_commit *commit = request_alloc(q, 1, sizeof *commit);
    if (!commit || !take_commit(q, call->resp, commit)) {
        request_abort(q, "out of memory");
        return;
    }
    commit->group = req->group_id;
    commit->retention_ms = req->retention_time_ms;
    commit->who = (struct group_caller){req->member_id, req->group_instance_id,
                                        req->generation_id_or_member_epoch};
    call->req = commit;
    if (req->group_id.n > 0) {
        group_request_send(q, coordinator_commit, NULL);
        return;
    }
    refuse_commit(commit, KP_ERR_INVALID_GROUP_ID);
    request_reply(q, call->resp);
}

/* ---- OffsetFetch: up to version 7 it names one group, in fields of its own */

static bool name_one(struct request *q, struct kp_offset_fetch_req_groups *g)
{
    const struct kp_offset_fetch_req *req = q->msg;
    kp_init(&kp_offset_fetch_req_groups_schema, g);
    g->group_id = req->group_id;
    g->n_topics = req->n_topics;
    g->topics = kp_array(&kp_offset_fetch_req_groups_topics_schema, &q->arena,
                         req->n_topics > 0 ? (size_t)req->n_topics : 0);
    if (!g->topics)
        return false;
    for (int32_t i = 0; i < req->n_topics; i++) {
        g->topics[i].name = req->topics[i].name;
        g->topics[i].n_partition_indexes = req->topics[i].n_partition_indexes;
        g->topics[i].partition_indexes = req->topics[i].partition_indexes;
    }
    return true;
}

static bool copy_topic(struct request *q, const struct kp_offset_fetch_resp_groups_topics *from,
                       struct kp_offset_fetch_resp_topics *to)
{
    to->name = from->name;
    to->partitions = kp_array(&kp_offset_fetch_resp_topics_partitions_schema, &q->arena,
                              (size_t)from->n_partitions);
    if (!to->partitions)
        return false;
    to->n_partitions = from->n_partitions;
    for (int32_t i = 0; i < from->n_partitions; i++) {
        const struct kp_offset_fetch_resp_groups_topics_partitions *p = &from->partitions[i];
        to->partitions[i] = (struct kp_offset_fetch_resp_topics_partitions){
            .partition_index = p->partition_index,
            .committed_offset = p->committed_offset,
            .committed_leader_epoch = p->committed_leader_epoch,
            .metadata = p->metadata,
            .error_code = p->error_code};
    }
    return true;
}

/* Version 1 has no error but the partitions'. */
static bool spread_error(struct request *q, const struct kp_offset_fetch_req_groups *asked,
                         struct kp_offset_fetch_resp_groups *g)
{
    if (!g->error_code || asked->n_topics <= 0)
        return true;
    g->topics =
        kp_array(&kp_offset_fetch_resp_groups_topics_schema, &q->arena, (size_t)asked->n_topics);
    if (!g->topics)
        return false;
    for (g->n_topics = 0; g->n_topics < asked->n_topics; g->n_topics++) {
        const struct kp_offset_fetch_req_groups_topics *t = &asked->topics[g->n_topics];
        struct kp_offset_fetch_resp_groups_topics *to = &g->topics[g->n_topics];
        to->name = t->name;
        to->partitions = kp_array(&kp_offset_fetch_resp_groups_topics_partitions_schema, &q->arena,
                                  (size_t)t->n_partition_indexes);
        if (!to->partitions)
            return false;
        for (; to->n_partitions < t->n_partition_indexes; to->n_partitions++) {
            struct kp_offset_fetch_resp_groups_topics_partitions *p =
                &to->partitions[to->n_partitions];
            p->partition_index = t->partition_indexes[to->n_partitions];
            p->committed_offset = -1;
            p->metadata = kp_strn("", 0);
            p->error_code = g->error_code;
        }
    }
    return true;
}

static bool copy_one(struct request *q, struct kp_offset_fetch_resp *resp)
{
    const struct group_call *call = q->local;
    const struct group_fetch *in = call->req;
    struct kp_offset_fetch_resp_groups *g = call->resp;
    if (!spread_error(q, in->groups, g))
        return false;
    resp->error_code = g->error_code;
    resp->topics = kp_array(&kp_offset_fetch_resp_topics_schema, &q->arena, (size_t)g->n_topics);
    if (!resp->topics)
        return false;
    for (int32_t i = 0; i < g->n_topics; i++) {
        if (!copy_topic(q, &g->topics[i], &resp->topics[resp->n_topics++]))
            return false;
    }
    return true;
}

static void reply_fetch(struct request *q)
{
    const struct group_call *call = q->local;
    const struct group_fetch *in = call->req;
    struct kp_offset_fetch_resp resp;
    kp_init(&kp_offset_fetch_resp_schema, &resp);
    if (q->header.version >= 8) {
        resp.groups = call->resp;
        resp.n_groups = in->n;
    } else if (!copy_one(q, &resp)) {
        request_abort(q, "out of memory");
        return;
    }
    request_reply(q, &resp);
}

void h_offset_fetch(struct request *q)
{
    const struct kp_offset_fetch_req *req = q->msg;
    struct group_call *call = group_request(q, &kp_offset_fetch_resp_groups_schema);
    if (!call)
        return;
    struct group_fetch *in = request_alloc(q, 1, sizeof *in);
    struct kp_offset_fetch_req_groups *one = request_alloc(q, 1, sizeof *one);
    bool ok = in && one;
    if (ok && q->header.version >= 8) {
        *in = (struct group_fetch){req->groups, req->n_groups};
        call->resp =
            kp_array(&kp_offset_fetch_resp_groups_schema, &q->arena, (size_t)req->n_groups);
        ok = call->resp != NULL;
    } else if (ok) {
        *in = (struct group_fetch){one, 1};
        ok = name_one(q, one);
    }
    if (!ok) {
        request_abort(q, "out of memory");
        return;
    }
    call->req = in;
    group_request_send(q, coordinator_fetch, reply_fetch);
}

/* ---- OffsetDelete */

static bool prepare_delete(struct request *q, struct kp_offset_delete_resp *resp)
{
    const struct kp_offset_delete_req *req = q->msg;
    resp->topics = kp_array(&kp_offset_delete_resp_topics_schema, &q->arena, (size_t)req->n_topics);
    if (!resp->topics)
        return false;
    for (int32_t i = 0; i < req->n_topics; i++) {
        const struct kp_offset_delete_req_topics *in = &req->topics[i];
        struct kp_offset_delete_resp_topics *out = &resp->topics[resp->n_topics++];
        const struct meta_topic *t = topic_of(q, in->name);
        out->name = in->name;
        out->partitions = kp_array(&kp_offset_delete_resp_topics_partitions_schema, &q->arena,
                                   (size_t)in->n_partitions);
        if (!out->partitions)
            return false;
        for (; out->n_partitions < in->n_partitions; out->n_partitions++) {
            int32_t index = in->partitions[out->n_partitions].partition_index;
            out->partitions[out->n_partitions].partition_index = index;
            if (!t || index < 0 || index >= t->n_partitions)
                out->partitions[out->n_partitions].error_code = KP_ERR_UNKNOWN_TOPIC_OR_PARTITION;
        }
    }
    return true;
}

void h_offset_delete(struct request *q)
{
    const struct kp_offset_delete_req *req = q->msg;
    struct group_call *call = group_request(q, &kp_offset_delete_resp_schema);
    if (!call)
        return;
    struct kp_offset_delete_resp *resp = call->resp;
    if (req->group_id.n <= 0) {
        resp->error_code = KP_ERR_INVALID_GROUP_ID;
        request_reply(q, resp);
    } else if (!prepare_delete(q, resp)) {
        request_abort(q, "out of memory");
    } else {
        group_request_send(q, coordinator_delete_offsets, NULL);
    }
}
