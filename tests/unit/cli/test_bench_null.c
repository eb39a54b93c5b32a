#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "cli/bench_null.h"
#include "kp/error.h"
#include "kp/kp.h"
#include "tests/unit/unit.h"

enum { PARTITIONS = 3, BATCH = 61, CORRELATION = 77 };

static struct null_state state;
static atomic_llong ends[PARTITIONS];
static struct arena arena, decoded;
static struct wr out;

static void begin(void)
{
    for (int i = 0; i < PARTITIONS; i++)
        atomic_store(&ends[i], 0);
    state = (struct null_state){.port = 4711, .partitions = PARTITIONS, .ends = ends};
    arena_init(&arena, 0);
    arena_init(&decoded, 0);
    wr_init(&out, 0);
}

static void end(void)
{
    arena_free(&arena);
    arena_free(&decoded);
    wr_free(&out);
}

/* Ask it; the code. */
static int ask(int16_t key, int16_t version, const void *req)
{
    struct kp_req_header h = {key, version, CORRELATION, kp_str("test")};
    struct wr w;
    wr_init(&w, 0);
    kp_encode_req_header(&w, &h);
    kp_encode(kp_api(key)->req, version, req, &w);
    ck_assert_int_eq(w.err, 0);
    wr_reset(&out);
    int rc = null_answer(&state, rd_of(w.buf, w.len), &arena, &out);
    wr_free(&w);
    return rc;
}

/* The answer, whole and alone in out. */
static void answered(int16_t key, int16_t version, void *resp)
{
    int32_t correlation;
    struct rd r = rd_of(out.buf, out.len);
    ck_assert_uint_eq(rd_be32(&r), out.len - 4);
    ck_assert_int_eq(kp_decode_resp_header(&r, key, version, &correlation), 0);
    ck_assert_int_eq(correlation, CORRELATION);
    ck_assert_int_eq(kp_decode(kp_api(key)->resp, version, &r, &decoded, resp), 0);
    ck_assert_uint_eq(rd_left(&r), 0);
}

/* Produce `size` bytes of a batch of `count` records; the code. */
static int produce(int16_t version, int32_t partition, int32_t count, int32_t size, int16_t acks)
{
    uint8_t batch[BATCH] = {0};
    put_be32(batch + 57, (uint32_t)count);
    struct kp_produce_req_topic_data_partition_data data = {.index = partition,
                                                            .records = {.p = batch, .n = size}};
    struct kp_produce_req_topic_data topic = {
        .name = kp_str("t"), .n_partition_data = 1, .partition_data = &data};
    struct kp_produce_req req = {.transactional_id = kp_str(NULL),
                                 .acks = acks,
                                 .timeout_ms = 1000,
                                 .n_topic_data = 1,
                                 .topic_data = &topic};
    return ask(KP_PRODUCE, version, &req);
}

static int64_t offset_of(int16_t version, int32_t partition, int16_t error)
{
    struct kp_produce_resp resp;
    answered(KP_PRODUCE, version, &resp);
    ck_assert_int_eq(resp.n_responses, 1);
    ck_assert(kp_str_is(resp.responses[0].name, "t"));
    ck_assert_int_eq(resp.responses[0].n_partition_responses, 1);
    const struct kp_produce_resp_responses_partition_responses *p =
        resp.responses[0].partition_responses;
    ck_assert_int_eq(p->index, partition);
    ck_assert_int_eq(p->error_code, error);
    return p->base_offset;
}

START_TEST(offsets_follow_one_another_in_each_partition)
{
    begin();
    int64_t next[PARTITIONS] = {0};
    for (int16_t version = kp_api(KP_PRODUCE)->min; version <= 12; version++)
        for (int32_t i = 0; i < PARTITIONS; i++) {
            ck_assert_int_eq(produce(version, i, 10 + i, BATCH, -1), 0);
            ck_assert_int_eq(offset_of(version, i, 0), next[i]);
            next[i] += 10 + i;
        }
    end();
}
END_TEST

START_TEST(without_acks_there_is_no_answer)
{
    begin();
    ck_assert_int_eq(produce(7, 1, 5, BATCH, 0), 0);
    ck_assert_uint_eq(out.len, 0);
    ck_assert_int_eq(produce(7, 1, 5, BATCH, 1), 0);
    ck_assert_int_eq(offset_of(7, 1, 0), 5);
    end();
}
END_TEST

START_TEST(what_it_cannot_take_is_refused)
{
    begin();
    ck_assert_int_eq(produce(7, PARTITIONS, 5, BATCH, 1), 0);
    ck_assert_int_eq(offset_of(7, PARTITIONS, KP_ERR_UNKNOWN_TOPIC_OR_PARTITION), -1);
    ck_assert_int_eq(produce(7, -1, 5, BATCH, 1), 0);
    ck_assert_int_eq(offset_of(7, -1, KP_ERR_UNKNOWN_TOPIC_OR_PARTITION), -1);
    ck_assert_int_eq(produce(7, 0, 5, BATCH - 1, 1), 0);
    ck_assert_int_eq(offset_of(7, 0, KP_ERR_CORRUPT_MESSAGE), -1);
    ck_assert_int_eq(produce(7, 0, -5, BATCH, 1), 0);
    ck_assert_int_eq(offset_of(7, 0, 0), 0);
    ck_assert_int_eq(produce(7, 0, 1, BATCH, 1), 0);
    ck_assert_int_eq(offset_of(7, 0, 0), 0); /* no count takes offsets back */
    struct kp_list_offsets_req other;
    kp_init(&kp_list_offsets_req_schema, &other);
    ck_assert_int_eq(ask(KP_LIST_OFFSETS, 1, &other), ERR_UNSUPPORTED);
    end();
}
END_TEST

START_TEST(it_leads_every_partition_of_any_topic)
{
    begin();
    struct kp_metadata_req_topics topic;
    struct kp_metadata_req req;
    struct kp_metadata_resp resp;
    kp_init(&kp_metadata_req_topics_schema, &topic);
    kp_init(&kp_metadata_req_schema, &req);
    topic.name = kp_str("any");
    req.n_topics = 1;
    req.topics = &topic;
    ck_assert_int_eq(ask(KP_METADATA, 9, &req), 0);
    answered(KP_METADATA, 9, &resp);
    ck_assert_int_eq(resp.n_brokers, 1);
    ck_assert_int_eq(resp.brokers[0].port, 4711);
    ck_assert_int_eq(resp.n_topics, 1);
    ck_assert(kp_str_is(resp.topics[0].name, "any"));
    ck_assert_int_eq(resp.topics[0].n_partitions, PARTITIONS);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        ck_assert_int_eq(resp.topics[0].partitions[i].partition_index, i);
        ck_assert_int_eq(resp.topics[0].partitions[i].leader_id, resp.brokers[0].node_id);
    }
    end();
}
END_TEST

START_TEST(it_says_what_it_speaks_and_gives_out_producer_ids)
{
    begin();
    struct kp_api_versions_req req;
    struct kp_api_versions_resp versions;
    struct kp_init_producer_id_req id_req;
    struct kp_init_producer_id_resp id;
    kp_init(&kp_api_versions_req_schema, &req);
    req.client_software_name = req.client_software_version = kp_str("x");
    ck_assert_int_eq(ask(KP_API_VERSIONS, 3, &req), 0);
    answered(KP_API_VERSIONS, 3, &versions);
    ck_assert_int_eq(versions.n_api_keys, 4);
    kp_init(&kp_init_producer_id_req_schema, &id_req);
    for (int64_t i = 0; i < 2; i++) {
        ck_assert_int_eq(ask(KP_INIT_PRODUCER_ID, 1, &id_req), 0);
        answered(KP_INIT_PRODUCER_ID, 1, &id);
        ck_assert_int_eq(id.producer_id, i);
    }
    end();
}
END_TEST

/* It stands on a port that others may find. */
START_TEST(no_bytes_bring_it_down)
{
    begin();
    uint8_t frame[80];
    srand(1);
    for (int i = 0; i < 20000; i++) {
        size_t n = (size_t)rand() % sizeof frame;
        for (size_t k = 0; k < n; k++)
            frame[k] = (uint8_t)(rand() % 4 ? 0 : rand());
        if (n > 4) {
            put_be16(frame, (uint16_t)(int[]){KP_PRODUCE, KP_METADATA, KP_API_VERSIONS}[i % 3]);
            put_be16(frame + 2, (uint16_t)(rand() % 13));
        }
        wr_reset(&out);
        null_answer(&state, rd_of(frame, n), &arena, &out);
    }
    end();
}
END_TEST

UNIT_MAIN(offsets_follow_one_another_in_each_partition, without_acks_there_is_no_answer,
          what_it_cannot_take_is_refused, it_leads_every_partition_of_any_topic,
          it_says_what_it_speaks_and_gives_out_producer_ids, no_bytes_bring_it_down)
