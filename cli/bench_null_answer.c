/* bench_null_answer.c - what the broker that keeps nothing says. */
#include <errno.h>
#include <stddef.h>

#include "base/endian.h"
#include "cli/bench_null.h"
#include "kp/error.h"
#include "kp/kp.h"

enum {
    NODE = 1,
    BATCH_COUNT_AT = 57, /* in a batch: its number of records */
    BATCH_MIN = 61,
};

struct exchange {
    struct null_state *state;
    struct kp_req_header header;
    struct rd *body;
    struct arena *a;
};

static int decode(struct exchange *x, void *req)
{
    const struct kp_api *api = kp_api(x->header.key);
    return kp_decode(api->req, x->header.version, x->body, x->a, req);
}

static void say(struct exchange *x, const void *resp, struct wr *out)
{
    const struct kp_req_header *h = &x->header;
    size_t at = out->len;
    wr_be32(out, 0);
    kp_encode_resp_header(out, h->key, h->version, h->correlation_id);
    kp_encode(kp_api(h->key)->resp, h->version, resp, out);
    if (!out->err)
        wr_patch_be32(out, at, (uint32_t)(out->len - at - 4));
}

/* ---- Produce ---- */

static void take_batch(struct null_state *s,
                       const struct kp_produce_req_topic_data_partition_data *data,
                       struct kp_produce_resp_responses_partition_responses *p)
{
    bool known = data->index >= 0 && (uint32_t)data->index < s->partitions;
    kp_init(&kp_produce_resp_responses_partition_responses_schema, p);
    p->index = data->index;
    if (!known || data->records.n < BATCH_MIN) {
        p->error_code = known ? KP_ERR_CORRUPT_MESSAGE : KP_ERR_UNKNOWN_TOPIC_OR_PARTITION;
        p->base_offset = -1;
        return;
    }
    int32_t count = (int32_t)get_be32(data->records.p + BATCH_COUNT_AT);
    p->base_offset = atomic_fetch_add_explicit(&s->ends[data->index], count > 0 ? count : 0,
                                               memory_order_relaxed);
}

static int take_topic(struct exchange *x, const struct kp_produce_req_topic_data *data,
                      struct kp_produce_resp_responses *t)
{
    kp_init(&kp_produce_resp_responses_schema, t);
    t->name = data->name;
    t->n_partition_responses = data->n_partition_data;
    t->partition_responses =
        arena_array(x->a, (size_t)data->n_partition_data, sizeof *t->partition_responses);
    if (!t->partition_responses)
        return -ENOMEM;
    for (int32_t i = 0; i < data->n_partition_data; i++)
        take_batch(x->state, &data->partition_data[i], &t->partition_responses[i]);
    return 0;
}

static int produce(struct exchange *x, struct wr *out)
{
    struct kp_produce_req req;
    struct kp_produce_resp resp;
    int rc = decode(x, &req);
    if (rc)
        return rc;
    kp_init(&kp_produce_resp_schema, &resp);
    if (req.n_topic_data < 0)
        return ERR_MALFORMED;
    resp.n_responses = req.n_topic_data;
    resp.responses = arena_array(x->a, (size_t)req.n_topic_data, sizeof *resp.responses);
    if (!resp.responses)
        return -ENOMEM;
    for (int32_t i = 0; i < req.n_topic_data && !rc; i++)
        rc = req.topic_data[i].n_partition_data < 0
                 ? ERR_MALFORMED
                 : take_topic(x, &req.topic_data[i], &resp.responses[i]);
    if (!rc && req.acks != 0)
        say(x, &resp, out);
    return rc;
}

/* ---- Metadata ---- */

static int describe(struct exchange *x, struct kp_str name, struct kp_metadata_resp_topics *t)
{
    static int32_t self[] = {NODE};
    kp_init(&kp_metadata_resp_topics_schema, t);
    t->name = name;
    t->n_partitions = (int32_t)x->state->partitions;
    t->partitions =
        kp_array(&kp_metadata_resp_topics_partitions_schema, x->a, x->state->partitions);
    if (!t->partitions)
        return -ENOMEM;
    for (int32_t i = 0; i < t->n_partitions; i++) {
        struct kp_metadata_resp_topics_partitions *p = &t->partitions[i];
        p->partition_index = i;
        p->leader_id = NODE;
        p->n_replica_nodes = p->n_isr_nodes = 1;
        p->replica_nodes = p->isr_nodes = self;
    }
    return 0;
}

static int metadata(struct exchange *x, struct wr *out)
{
    struct kp_metadata_req req;
    struct kp_metadata_resp resp;
    struct kp_metadata_resp_brokers broker;
    int rc = decode(x, &req);
    if (rc)
        return rc;
    kp_init(&kp_metadata_resp_schema, &resp);
    kp_init(&kp_metadata_resp_brokers_schema, &broker);
    broker.node_id = resp.controller_id = NODE;
    broker.host = kp_str("127.0.0.1");
    broker.port = x->state->port;
    resp.n_brokers = 1;
    resp.brokers = &broker;
    resp.n_topics = req.n_topics > 0 ? req.n_topics : 0;
    resp.topics = arena_array(x->a, (size_t)resp.n_topics, sizeof *resp.topics);
    if (!resp.topics)
        return -ENOMEM;
    for (int32_t i = 0; i < resp.n_topics && !rc; i++)
        rc = describe(x, req.topics[i].name, &resp.topics[i]);
    if (!rc)
        say(x, &resp, out);
    return rc;
}

/* ---- the others ---- */

static int producer_id(struct exchange *x, struct wr *out)
{
    struct kp_init_producer_id_resp resp;
    kp_init(&kp_init_producer_id_resp_schema, &resp);
    resp.producer_id = atomic_fetch_add(&x->state->next_producer, 1);
    resp.producer_epoch = 0;
    say(x, &resp, out);
    return 0;
}

static int api_versions(struct exchange *x, struct wr *out);

static const struct {
    int16_t key;
    int (*serve)(struct exchange *x, struct wr *out);
} served[] = {{KP_PRODUCE, produce},
              {KP_METADATA, metadata},
              {KP_API_VERSIONS, api_versions},
              {KP_INIT_PRODUCER_ID, producer_id}};
enum { SERVED = sizeof served / sizeof *served };

/* All versions that there are schemas for; the generator takes the one it takes of any broker. */
static int api_versions(struct exchange *x, struct wr *out)
{
    struct kp_api_versions_resp_api_keys keys[SERVED];
    struct kp_api_versions_resp resp;
    kp_init(&kp_api_versions_resp_schema, &resp);
    for (int i = 0; i < SERVED; i++) {
        const struct kp_api *api = kp_api(served[i].key);
        kp_init(&kp_api_versions_resp_api_keys_schema, &keys[i]);
        keys[i].api_key = api->key;
        keys[i].min_version = api->min;
        keys[i].max_version = api->max;
    }
    resp.n_api_keys = SERVED;
    resp.api_keys = keys;
    say(x, &resp, out);
    return 0;
}

static int serve(struct exchange *x, struct wr *out)
{
    for (int i = 0; i < SERVED; i++) {
        const struct kp_api *api = kp_api(served[i].key);
        if (api->key == x->header.key)
            return x->header.version < api->min || x->header.version > api->max
                       ? ERR_UNSUPPORTED
                       : served[i].serve(x, out);
    }
    return ERR_UNSUPPORTED;
}

int null_answer(struct null_state *s, struct rd frame, struct arena *a, struct wr *out)
{
    struct exchange x = {.state = s, .body = &frame, .a = a};
    arena_reset(a);
    int rc = kp_decode_req_header(&frame, &x.header);
    if (!rc)
        rc = serve(&x, out);
    return rc ? rc : out->err;
}
