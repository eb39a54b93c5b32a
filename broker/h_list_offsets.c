/* h_list_offsets.c - ListOffsets: the offset at an end of the log, or at a time.
 *
 * The ends are known; a time has to be looked up in files, so a request that asks for one goes over
 * a pool thread as a whole.
 */
#include <errno.h>

#include "broker/api.h"
#include "broker/broker.h"
#include "broker/container.h"
#include "broker/errors.h"
#include "broker/rcu.h"
#include "broker/shard_thread.h"
#include "broker/topics.h"
#include "plog/plog.h"

/* Timestamps that stand for something else. */
enum {
    TIME_LATEST = -1,
    TIME_EARLIEST = -2,
    TIME_MAX = -3,            /* the record with the largest timestamp */
    TIME_EARLIEST_LOCAL = -4, /* nothing is stored elsewhere, so the earliest */
    TIME_LATEST_TIERED = -5,  /* and so none */
};

struct lookup {
    struct request *q;
    struct kp_list_offsets_resp resp;
    struct loop_msg job;
};

static bool needs_files(int64_t timestamp)
{
    return timestamp >= 0 || timestamp == TIME_MAX;
}

/* The epoch of the record at offset, which the client keeps with it; -1 where there is none yet. */
static int32_t epoch_at(struct plog *log, int64_t offset)
{
    bool there = offset >= plog_log_start(log) && offset < plog_high_watermark(log);
    return there ? plog_epoch_of(log, offset) : -1;
}

static int look_up_time(struct plog *log, int64_t timestamp, int64_t limit,
                        struct kp_list_offsets_resp_topics_partitions *out, struct err *why)
{
    struct plog_time found;
    int rc = timestamp == TIME_MAX ? plog_find_max_time(log, limit, &found, why)
                                   : plog_find_time(log, timestamp, limit, &found, why);
    if (rc)
        return rc;
    out->offset = found.offset;
    out->timestamp = found.timestamp;
    out->leader_epoch = found.leader_epoch;
    return 0;
}

static int look_up(struct plog *log, int64_t timestamp,
                   struct kp_list_offsets_resp_topics_partitions *out, struct err *why)
{
    int64_t end = plog_high_watermark(log);
    switch (timestamp) {
    case TIME_LATEST:
        out->offset = end;
        out->leader_epoch = epoch_at(log, end - 1);
        return 0;
    case TIME_EARLIEST:
    case TIME_EARLIEST_LOCAL:
        out->offset = plog_log_start(log);
        out->leader_epoch = epoch_at(log, out->offset);
        return 0;
    case TIME_LATEST_TIERED:
        return 0;
    default:
        if (needs_files(timestamp))
            return look_up_time(log, timestamp, end, out, why);
        return ERR_INVALID;
    }
}

static int16_t check(struct partition *found, int32_t epoch)
{
    if (!shard_thread_leads(found->shard))
        return KP_ERR_NOT_LEADER_OR_FOLLOWER;
    if (plog_failed(found->log))
        return KP_ERR_KAFKA_STORAGE_ERROR;
    int32_t ours = shard_thread_epoch(found->shard);
    if (epoch < 0 || epoch == ours)
        return KP_ERR_NONE;
    return epoch < ours ? KP_ERR_FENCED_LEADER_EPOCH : KP_ERR_UNKNOWN_LEADER_EPOCH;
}

/* In a read section. */
static void answer_partition(struct broker *b, const struct meta_topic *t,
                             const struct kp_list_offsets_req_topics_partitions *asked,
                             struct kp_list_offsets_resp_topics_partitions *out)
{
    struct partition *found =
        t ? partitions_find(&b->partitions, &t->id, asked->partition_index) : NULL;
    out->error_code = found ? check(found, asked->current_leader_epoch)
                            : (int16_t)KP_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (out->error_code)
        return;
    struct err why = {0};
    int rc = look_up(found->log, asked->timestamp, out, &why);
    out->error_code = kafka_error(rc);
    if (rc && rc != ERR_INVALID && rc != ERR_NOTFOUND)
        log_error(b->log, "list-offsets", "%s", why.text);
}

/* All of them; on the loop, or on a pool thread. Uses the request, but not its arena. */
static void look_up_all(struct lookup *l)
{
    struct broker *b = request_broker(l->q);
    const struct kp_list_offsets_req *req = l->q->msg;
    for (int32_t i = 0; i < req->n_topics; i++) {
        rcu_enter();
        int16_t ignored; /* ListOffsets goes by name only */
        const struct meta_topic *t = broker_topic_find(image_get(&b->image), req->topics[i].name,
                                                       &(struct uuid){{0}}, &ignored);
        for (int32_t j = 0; j < req->topics[i].n_partitions; j++)
            answer_partition(b, t, &req->topics[i].partitions[j], &l->resp.topics[i].partitions[j]);
        rcu_leave();
    }
}

static void looked_up(struct request *q)
{
    struct lookup *l = q->local;
    request_reply(q, &l->resp);
}

static void on_pool(struct loop_msg *m)
{
    struct lookup *l = container_of(m, struct lookup, job);
    look_up_all(l);
    request_resume(l->q, looked_up);
}

/* Room for the answers. *files: one of them is a matter of files. */
static bool prepare(struct lookup *l, bool *files)
{
    struct request *q = l->q;
    const struct kp_list_offsets_req *req = q->msg;
    kp_init(&kp_list_offsets_resp_schema, &l->resp);
    l->resp.topics = request_alloc(q, (size_t)req->n_topics, sizeof *l->resp.topics);
    if (!l->resp.topics)
        return false;
    l->resp.n_topics = req->n_topics;
    for (int32_t i = 0; i < req->n_topics; i++) {
        const struct kp_list_offsets_req_topics *asked = &req->topics[i];
        struct kp_list_offsets_resp_topics *out = &l->resp.topics[i];
        out->name = asked->name;
        out->n_partitions = asked->n_partitions;
        out->partitions = request_alloc(q, (size_t)asked->n_partitions, sizeof *out->partitions);
        if (!out->partitions)
            return false;
        for (int32_t j = 0; j < asked->n_partitions; j++) {
            kp_init(&kp_list_offsets_resp_topics_partitions_schema, &out->partitions[j]);
            out->partitions[j].partition_index = asked->partitions[j].partition_index;
            *files = *files || needs_files(asked->partitions[j].timestamp);
        }
    }
    return true;
}

void h_list_offsets(struct request *q)
{
    bool files = false;
    struct lookup *l = request_alloc(q, 1, sizeof *l);
    if (l) {
        l->q = q;
        q->local = l;
    }
    if (!l || !prepare(l, &files)) {
        request_abort(q, "out of memory");
        return;
    }
    if (files) {
        l->job.run = on_pool;
        crew_post(&request_broker(q)->pool, &l->job);
    } else {
        look_up_all(l);
        request_reply(q, &l->resp);
    }
}
