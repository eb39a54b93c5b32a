/* h_produce.c - Produce: check every batch, hand those that pass to their shards, answer once.
 *
 * Each partition is looked up in the image and its batch is checked (batch_admit) against the
 * topic's settings. A refusal is that partition's answer and holds up nothing else.
 *
 * Batches that expand to much, or slowly, and those that the topic wants compressed otherwise, go
 * to the pool first (recompress.h). What passed goes to its shards, one message each (stage.h), the
 * records still in the request's frame. When the last shard is back, the answer leaves. With acks=0 there is none; if anything failed,
 * the connection is closed, as Kafka does.
 *
 * timeout.ms runs out first: partitions that are not settled are answered REQUEST_TIMED_OUT. Their
 * records may still be written, so the request's memory stays until its shards are back. A client
 * that names no time gets what others ask for by default: nobody waits for ever.
 */
#include <stdio.h>

#include "batch/batch.h"
#include "broker/api.h"
#include "broker/broker.h"
#include "broker/conn.h"
#include "broker/container.h"
#include "broker/deadline.h"
#include "broker/errors.h"
#include "broker/shard_thread.h"
#include "broker/stage.h"
#include "broker/topics.h"
#include "broker/worker.h"

/* What a batch may expand to when it is checked: so many times max.message.bytes, within bounds.
 * Clients bound their batches by that before they compress them, so what is far beyond is a bomb,
 * which would cost a loop its time and the broker its memory. */
enum { EXPANDED_TIMES = 16, EXPANDED_MIN = 16 << 20, EXPANDED_MAX = 128 << 20 };
/* What a loop expands itself: a fraction of a millisecond. The pool does the rest, from the start.
 */
enum { EXPANDED_HERE = 256 << 10 };

/* One batch on its way. */
struct part {
    struct kp_produce_resp_responses_partition_responses *answer;
    struct shard_thread *shard; /* NULL: refused */
    struct shard_produce batch;
    bool on_pool;      /* the pool had to do with it */
    int32_t max_bytes; /* of the batch as it is stored */
    struct recompress_batch again;
};

struct produce {
    struct request *q;
    struct kp_produce_resp resp;
    struct part *parts; /* in the order of the request */
    uint32_t n;
    struct recompress recompress;
    struct stage *stages;
    uint32_t n_stages, left;
    struct deadline deadline;
    bool answered;
};

/* ---- one partition */

static void refuse(struct request *q, struct part *p, int16_t error, const char *reason)
{
    p->shard = NULL;
    p->answer->error_code = error;
    p->answer->base_offset = -1;
    if (reason)
        p->answer->error_message = kp_str(arena_printf(&q->arena, "%s", reason));
}

/* Which record was at fault, where it was one. */
static void name_record(struct request *q, struct part *p, int32_t record)
{
    if (record < 0)
        return;
    p->answer->record_errors = request_alloc(q, 1, sizeof *p->answer->record_errors);
    if (!p->answer->record_errors)
        return;
    p->answer->n_record_errors = 1;
    p->answer->record_errors[0].batch_index = record;
    p->answer->record_errors[0].batch_index_error_message = p->answer->error_message;
}

static size_t expanded_max(const struct meta_settings *ts)
{
    int64_t max = (int64_t)ts->max_message_bytes * EXPANDED_TIMES;
    return max < EXPANDED_MIN ? EXPANDED_MIN : max > EXPANDED_MAX ? EXPANDED_MAX : (size_t)max;
}

static void rules_of(struct request *q, const struct meta_settings *ts, struct batch_rules *rules)
{
    struct clock *clock = request_broker(q)->clock;
    *rules = (struct batch_rules){
        .produce_version = q->header.version,
        .max_bytes = ts->max_message_bytes,
        .now_ms = clock->wall_ms(clock),
        .before_max_ms = ts->message_timestamp_before_max_ms,
        .after_max_ms = ts->message_timestamp_after_max_ms,
        .append_time = ts->message_timestamp_type == META_LOG_APPEND_TIME,
        .compacted = ts->cleanup_policy & META_CLEANUP_COMPACT,
        .max_expanded = expanded_max(ts),
    };
}

/* The records are checked, too: the frame is ours, so the batch may be put right in place. */
static void correct_timestamp(struct part *p, const struct batch_rules *rules)
{
    if (!rules->append_time)
        batch_set_max_timestamp((uint8_t *)p->batch.bytes, p->batch.n,
                                p->batch.batch.max_timestamp);
}

/* Is it known at once that to expand it takes longer than all else that is done for a request, and
 * than two hand-overs between threads? gzip's 64 KiB are some 200 us; the other codecs' are not. */
static bool expands_slowly(const struct part *p, struct span bytes)
{
    enum { GZIP_HERE = 16 * 1024 };
    return batch_codec(&p->batch.batch) == BATCH_GZIP && bytes.n > GZIP_HERE;
}

/* Check the records, unless they expand to more than the loop has the time for: then the pool is
 * to. */
static int admit_records(struct request *q, struct part *p, struct span bytes,
                         const struct batch_rules *rules, int32_t *record, struct err *why)
{
    if (expands_slowly(p, bytes)) {
        p->again.to_check = true;
        return 0;
    }
    struct batch_rules here = *rules;
    here.state = &q->worker->codec; /* the pool has none: it is other threads */
    if (here.max_expanded > EXPANDED_HERE && batch_codec(&p->batch.batch) != BATCH_NONE)
        here.max_expanded = EXPANDED_HERE;
    int refused = batch_admit_records(bytes, &here, &p->batch.batch, record, why);
    if (refused != BATCH_REFUSED_SIZE || here.max_expanded == rules->max_expanded)
        return refused;
    p->again.to_check = true;
    return 0;
}

/* Does the batch meet the rules, as far as is checked here? Fills in what the shard gets. */
static bool admit(struct request *q, struct part *p, const struct batch_rules *rules,
                  const struct kp_records *records)
{
    struct err why = {0};
    int32_t record = -1;
    struct span bytes = span_of(records->p, records->n > 0 ? (size_t)records->n : 0);
    p->again = (struct recompress_batch){0};
    int refused = batch_admit_header(bytes, rules, &p->batch.batch, &why);
    if (!refused)
        refused = admit_records(q, p, bytes, rules, &record, &why);
    if (refused) {
        refuse(q, p, (int16_t)refused, why.text);
        name_record(q, p, record);
        return false;
    }
    if (p->batch.batch.attributes & BATCH_ATTR_TXN) {
        refuse(q, p, KP_ERR_INVALID_TXN_STATE, "transactions are not supported");
        return false;
    }
    p->batch.bytes = bytes.p;
    p->batch.n = bytes.n;
    p->batch.append_time = rules->append_time;
    if (!p->again.to_check)
        correct_timestamp(p, rules);
    return true;
}

/* What the topic wants its batches compressed by. */
static const struct compression {
    enum batch_codec codec;
    size_t level_at; /* in struct meta_settings; 0: the codec has none */
} compressions[] = {
    [META_COMPRESSION_NONE] = {BATCH_NONE, 0},
    [META_COMPRESSION_GZIP] = {BATCH_GZIP, offsetof(struct meta_settings, compression_gzip_level)},
    [META_COMPRESSION_SNAPPY] = {BATCH_SNAPPY, 0},
    [META_COMPRESSION_LZ4] = {BATCH_LZ4, offsetof(struct meta_settings, compression_lz4_level)},
    [META_COMPRESSION_ZSTD] = {BATCH_ZSTD, offsetof(struct meta_settings, compression_zstd_level)},
};

/* Is the batch to be compressed otherwise? Then note how. */
static void plan_compression(struct part *p, const struct meta_settings *ts)
{
    if (ts->compression_type == META_COMPRESSION_PRODUCER)
        return;
    const struct compression *c = &compressions[ts->compression_type];
    if (c->codec == batch_codec(&p->batch.batch))
        return;
    p->again.to_compress = true;
    p->again.codec = c->codec;
    if (c->level_at)
        p->again.level = *(const int32_t *)((const char *)ts + c->level_at);
}

/* Hand over what the pool is to do, if anything. */
static void plan_pool(struct produce *pr, struct part *p, const struct meta_settings *ts,
                      const struct batch_rules *rules)
{
    plan_compression(p, ts);
    p->on_pool = p->again.to_check || p->again.to_compress;
    if (!p->on_pool)
        return;
    p->max_bytes = ts->max_message_bytes;
    p->again.in = span_of(p->batch.bytes, p->batch.n);
    p->again.rules = *rules;
    p->again.batch = &p->batch.batch;
    recompress_add(&pr->recompress, &p->again);
}

/* The pool has compressed it: that is the batch now. */
static void take_recompressed(struct produce *pr, struct part *p)
{
    struct request *q = pr->q;
    const struct wr *out = &p->again.out;
    if (p->again.code) {
        refuse(q, p, kafka_error(p->again.code), err_str(p->again.code));
        return;
    }
    /* It counts with the request, and goes with its frame. */
    budget_charge(&request_broker(q)->memory, (int64_t)out->len);
    q->charged += (int64_t)out->len;
    q->conn->queued += (int64_t)out->len;
    if (out->len > (size_t)p->max_bytes) {
        refuse(q, p, KP_ERR_MESSAGE_TOO_LARGE, "the batch is too large as the topic compresses it");
        return;
    }
    p->batch.bytes = out->buf;
    p->batch.n = out->len;
    if (batch_peek(span_of(out->buf, out->len), &p->batch.batch))
        refuse(q, p, KP_ERR_UNKNOWN_SERVER_ERROR, NULL);
}

/* The pool is done with it. */
static void take_back(struct produce *pr, struct part *p)
{
    const struct recompress_batch *b = &p->again;
    if (b->refused) {
        refuse(pr->q, p, (int16_t)b->refused, b->why.text);
        name_record(pr->q, p, b->record);
        return;
    }
    int64_t max_timestamp = p->batch.batch.max_timestamp; /* as it was found to be */
    if (b->to_compress)
        take_recompressed(pr, p);
    if (!b->to_check || !p->shard)
        return;
    p->batch.batch.max_timestamp = max_timestamp;
    correct_timestamp(p, &b->rules);
}

static void drop_recompressed(struct produce *pr)
{
    for (uint32_t i = 0; i < pr->n; i++) {
        if (pr->parts[i].on_pool)
            wr_free(&pr->parts[i].again.out);
    }
}

/* May anything be written to the topic with these acks? */
static int16_t check_topic(const struct kp_produce_req *req, const struct meta_topic *t,
                           const struct meta_settings *ts, int32_t partition)
{
    if (broker_topic_is_internal(t->name))
        return KP_ERR_INVALID_TOPIC_EXCEPTION;
    if (partition < 0 || partition >= t->n_partitions)
        return KP_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (req->acks == -1 && ts->min_insync_replicas > t->partitions[partition].n_replicas)
        return KP_ERR_NOT_ENOUGH_REPLICAS;
    return KP_ERR_NONE;
}

/* ---- the request */

static bool acks_are_valid(int16_t acks)
{
    return acks >= -1 && acks <= 1;
}

/* One topic of the request: its parts begin at *next. */
static void check_partitions(struct produce *pr, const struct kp_produce_req_topic_data *topic,
                             struct part **next)
{
    struct request *q = pr->q;
    struct broker *b = request_broker(q);
    const struct kp_produce_req *req = q->msg;
    const struct meta_image *image = image_get(&b->image);
    int16_t error;
    const struct meta_topic *t = broker_topic_find(image, topic->name, &topic->topic_id, &error);
    struct meta_settings ts;
    meta_settings_of(image, b->node_id, &b->settings->topic, t, &ts);
    struct batch_rules rules;
    rules_of(q, &ts, &rules);
    if (!acks_are_valid(req->acks))
        error = KP_ERR_INVALID_REQUIRED_ACKS;

    for (int32_t i = 0; i < topic->n_partition_data; i++) {
        const struct kp_produce_req_topic_data_partition_data *data = &topic->partition_data[i];
        struct part *p = (*next)++;
        int16_t refused = error ? error : check_topic(req, t, &ts, data->index);
        if (refused) {
            refuse(q, p, refused, NULL);
            continue;
        }
        if (!admit(q, p, &rules, &data->records))
            continue;
        p->shard = broker_topic_shard(b, t, data->index);
        if (!p->shard) {
            refuse(q, p, KP_ERR_NOT_LEADER_OR_FOLLOWER, NULL);
            continue;
        }
        plan_pool(pr, p, &ts, &rules);
        p->batch.topic_id = t->id;
        p->batch.partition = data->index;
        p->batch.meta_index = meta_index(image);
    }
}

/* Room for the answer, an entry for each partition. */
static bool prepare(struct produce *pr)
{
    struct request *q = pr->q;
    const struct kp_produce_req *req = q->msg;
    kp_init(&kp_produce_resp_schema, &pr->resp);
    pr->resp.responses = request_alloc(q, (size_t)req->n_topic_data, sizeof *pr->resp.responses);
    if (!pr->resp.responses)
        return false;
    pr->resp.n_responses = req->n_topic_data;
    for (int32_t i = 0; i < req->n_topic_data; i++) {
        const struct kp_produce_req_topic_data *t = &req->topic_data[i];
        struct kp_produce_resp_responses *r = &pr->resp.responses[i];
        r->name = t->name;
        r->topic_id = t->topic_id;
        r->n_partition_responses = t->n_partition_data;
        r->partition_responses =
            request_alloc(q, (size_t)t->n_partition_data, sizeof *r->partition_responses);
        if (!r->partition_responses)
            return false;
        pr->n += (uint32_t)t->n_partition_data;
    }
    pr->parts = request_alloc(q, pr->n, sizeof *pr->parts);
    return pr->parts != NULL;
}

static void check(struct produce *pr)
{
    const struct kp_produce_req *req = pr->q->msg;
    struct part *p = pr->parts;
    for (int32_t i = 0; i < req->n_topic_data; i++) {
        struct kp_produce_resp_responses *r = &pr->resp.responses[i];
        for (int32_t j = 0; j < r->n_partition_responses; j++, p++) {
            p->answer = &r->partition_responses[j];
            kp_init(&kp_produce_resp_responses_partition_responses_schema, p->answer);
            p->answer->index = req->topic_data[i].partition_data[j].index;
        }
    }
    p = pr->parts;
    for (int32_t i = 0; i < req->n_topic_data; i++)
        check_partitions(pr, &req->topic_data[i], &p);
}

/* ---- the answer */

static void settle(const struct shard_produce *result)
{
    const struct part *p = container_of(result, struct part, batch);
    p->answer->error_code = kafka_error(result->code);
    if (result->code < 0) {
        p->answer->base_offset = -1;
        return;
    }
    p->answer->base_offset = result->base_offset;
    p->answer->log_append_time_ms = result->append_time_ms;
    p->answer->log_start_offset = result->log_start;
}

/* acks=0: the only way to tell the client is to hang up. */
static void hang_up_on_failure(struct produce *pr)
{
    for (uint32_t i = 0; i < pr->n; i++) {
        int16_t error = pr->parts[i].answer->error_code;
        if (!error)
            continue;
        char reason[128];
        snprintf(reason, sizeof reason, "a Produce with acks=0 failed: %s", kp_error_name(error));
        conn_close(pr->q->conn, reason);
        return;
    }
}

static void finish(struct produce *pr)
{
    struct request *q = pr->q;
    drop_recompressed(pr);
    deadline_clear(&q->worker->deadlines, &pr->deadline);
    if (pr->answered) {
        request_unpin(q);
    } else if (q->silent) {
        hang_up_on_failure(pr);
        request_end(q);
    } else {
        request_reply(q, &pr->resp);
    }
}

static void stage_done(struct stage *s)
{
    struct produce *pr = s->arg;
    for (uint32_t i = 0; i < s->n && !pr->answered; i++)
        settle(s->parts[i]);
    s->n = 0; /* its parts are settled */
    if (--pr->left == 0)
        finish(pr);
}

static void timed_out(struct deadline *d)
{
    struct produce *pr = container_of(d, struct produce, deadline);
    for (uint32_t i = 0; i < pr->n_stages; i++) {
        for (uint32_t j = 0; j < pr->stages[i].n; j++) {
            struct part *p = container_of(pr->stages[i].parts[j], struct part, batch);
            refuse(pr->q, p, KP_ERR_REQUEST_TIMED_OUT, "not settled in the request's time");
        }
    }
    pr->answered = true;
    request_pin(pr->q);
    request_reply(pr->q, &pr->resp);
}

/* ---- the way to the shards */

/* Gather what goes to one shard. */
static bool fill_stage(struct produce *pr, struct shard_thread *shard)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < pr->n; i++)
        n += pr->parts[i].shard == shard;
    if (!n)
        return true;
    struct stage *s = &pr->stages[pr->n_stages];
    *s = (struct stage){.to = shard, .home = pr->q->worker, .done = stage_done, .arg = pr};
    s->parts = request_alloc(pr->q, n, sizeof(struct shard_produce *));
    if (!s->parts)
        return false;
    for (uint32_t i = 0; i < pr->n; i++) {
        if (pr->parts[i].shard == shard)
            s->parts[s->n++] = &pr->parts[i].batch;
    }
    pr->n_stages++;
    return true;
}

static bool fill_stages(struct produce *pr)
{
    struct broker *b = request_broker(pr->q);
    pr->stages = request_alloc(pr->q, b->n_shards, sizeof *pr->stages);
    if (!pr->stages)
        return false;
    for (uint32_t i = 1; i < b->n_shards; i++) {
        if (!fill_stage(pr, b->shards[i]))
            return false;
    }
    return true;
}

static void abort_produce(struct produce *pr)
{
    if (pr->parts)
        drop_recompressed(pr);
    request_abort(pr->q, "out of memory");
}

/* All batches are as they are to be stored. */
static void stage_all(struct request *q)
{
    const struct kp_produce_req *req = q->msg;
    struct produce *pr = q->local;
    for (uint32_t i = 0; i < pr->n; i++) {
        if (pr->parts[i].on_pool)
            take_back(pr, &pr->parts[i]);
    }
    if (!fill_stages(pr)) {
        abort_produce(pr);
        return;
    }
    if (req->acks == 0)
        request_silence(q);
    if (!pr->n_stages) {
        finish(pr);
        return;
    }
    pr->left = pr->n_stages;
    int32_t timeout_ms = deadline_ms(req->timeout_ms);
    if (req->acks != 0 &&
        deadline_set(&q->worker->deadlines, &pr->deadline, timeout_ms, timed_out)) {
        abort_produce(pr);
        return;
    }
    for (uint32_t i = 0; i < pr->n_stages; i++)
        stage_send(&pr->stages[i]);
}

void h_produce(struct request *q)
{
    struct produce *pr = request_alloc(q, 1, sizeof *pr);
    if (pr)
        pr->q = q;
    if (!pr || !prepare(pr)) {
        request_abort(q, "out of memory");
        return;
    }
    q->local = pr;
    recompress_init(&pr->recompress, q, stage_all);
    check(pr);
    recompress_run(&pr->recompress);
}
