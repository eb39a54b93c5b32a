/* h_epochs.c - OffsetForLeaderEpoch: where a leader epoch ended, so that a consumer learns whether
 * the log took another turn behind what it has read. */
#include "broker/api.h"
#include "broker/broker.h"
#include "broker/shard_thread.h"
#include "broker/topics.h"
#include "plog/plog.h"

static int16_t check(struct partition *found, int32_t epoch)
{
    int32_t ours = shard_thread_epoch(found->shard);
    if (!shard_thread_leads(found->shard))
        return KP_ERR_NOT_LEADER_OR_FOLLOWER;
    if (epoch < 0 || epoch == ours)
        return KP_ERR_NONE;
    return epoch < ours ? KP_ERR_FENCED_LEADER_EPOCH : KP_ERR_UNKNOWN_LEADER_EPOCH;
}

static void answer(struct broker *b, const struct meta_topic *t,
                   const struct kp_offset_for_leader_epoch_req_topics_partitions *asked,
                   struct kp_offset_for_leader_epoch_resp_topics_partitions *out)
{
    kp_init(&kp_offset_for_leader_epoch_resp_topics_partitions_schema, out);
    out->partition = asked->partition;
    struct partition *found = t ? partitions_find(&b->partitions, &t->id, asked->partition) : NULL;
    out->error_code = found ? check(found, asked->current_leader_epoch)
                            : (int16_t)KP_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (out->error_code)
        return;
    int32_t ours = shard_thread_epoch(found->shard);
    if (asked->leader_epoch > ours)
        return; /* one to come: where it ends nobody can know */
    if (asked->leader_epoch == ours) {
        /* The epoch under way, even if nothing was written in it yet. */
        out->leader_epoch = asked->leader_epoch;
        out->end_offset = plog_high_watermark(found->log);
        return;
    }
    struct plog_epoch epoch;
    int64_t end;
    plog_epoch_end(found->log, asked->leader_epoch, &epoch, &end);
    out->leader_epoch = epoch.epoch;
    out->end_offset = end;
}

void h_offset_for_leader_epoch(struct request *q)
{
    struct broker *b = request_broker(q);
    const struct kp_offset_for_leader_epoch_req *req = q->msg;
    struct kp_offset_for_leader_epoch_resp resp;
    kp_init(&kp_offset_for_leader_epoch_resp_schema, &resp);
    resp.n_topics = req->n_topics;
    resp.topics = request_alloc(q, (size_t)req->n_topics, sizeof *resp.topics);
    for (int32_t i = 0; resp.topics && i < req->n_topics; i++) {
        const struct kp_offset_for_leader_epoch_req_topics *asked = &req->topics[i];
        struct kp_offset_for_leader_epoch_resp_topics *out = &resp.topics[i];
        int16_t ignored;
        const struct meta_topic *t =
            broker_topic_find(image_get(&b->image), asked->topic, &(struct uuid){{0}}, &ignored);
        out->topic = asked->topic;
        out->n_partitions = asked->n_partitions;
        out->partitions = request_alloc(q, (size_t)asked->n_partitions, sizeof *out->partitions);
        for (int32_t j = 0; out->partitions && j < asked->n_partitions; j++)
            answer(b, t, &asked->partitions[j], &out->partitions[j]);
        if (!out->partitions)
            resp.topics = NULL;
    }
    if (resp.topics)
        request_reply(q, &resp);
    else
        request_abort(q, "out of memory");
}
