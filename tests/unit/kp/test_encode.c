/* What the encoder writes and refuses. */
#include <stdlib.h>

#include "base/err.h"
#include "kp/kp.h"
#include "tests/unit/unit.h"

static struct wr w;

static void open_writer(void)
{
    wr_init(&w, 0);
}

static void close_writer(void)
{
    wr_free(&w);
}

#define WRITES(schema, version, msg, ...)                            \
    do {                                                             \
        static const uint8_t expected[] = {__VA_ARGS__};             \
        wr_reset(&w);                                                \
        kp_encode(&(schema), version, &(msg), &w);                   \
        ck_assert_int_eq(w.err, 0);                                  \
        ck_assert_bytes_eq(w.buf, w.len, expected, sizeof expected); \
    } while (0)

#define REFUSES(schema, version, msg, error)       \
    do {                                           \
        wr_reset(&w);                              \
        kp_encode(&(schema), version, &(msg), &w); \
        ck_assert_int_eq(w.err, error);            \
        wr_free(&w);                               \
        open_writer();                             \
    } while (0)

START_TEST(versions_choose_the_fields)
{
    open_writer();
    struct kp_heartbeat_req req = {.group_id = kp_str("g"),
                                   .generation_id = 7,
                                   .member_id = kp_str("m"),
                                   .group_instance_id = kp_str(NULL)};
    WRITES(kp_heartbeat_req_schema, 0, req, 0, 1, 'g', 0, 0, 0, 7, 0, 1, 'm');
    WRITES(kp_heartbeat_req_schema, 3, req, 0, 1, 'g', 0, 0, 0, 7, 0, 1, 'm', 0xff, 0xff);
    WRITES(kp_heartbeat_req_schema, 4, req, 2, 'g', 0, 0, 0, 7, 2, 'm', 0, 0);
    close_writer();
}
END_TEST

START_TEST(null_where_none_is_allowed)
{
    open_writer();
    struct kp_heartbeat_req req = {.group_id = kp_str(NULL), .member_id = kp_str("m")};
    REFUSES(kp_heartbeat_req_schema, 0, req, ERR_INVALID);
    REFUSES(kp_heartbeat_req_schema, 4, req, ERR_INVALID);
    struct kp_metadata_req meta = {.n_topics = -1};
    REFUSES(kp_metadata_req_schema, 0, meta, ERR_INVALID);
    WRITES(kp_metadata_req_schema, 1, meta, 0xff, 0xff, 0xff, 0xff);
    WRITES(kp_metadata_req_schema, 9, meta, 0, 0, 0, 0, 0);
    close_writer();
}
END_TEST

START_TEST(a_string_may_lack_its_pointer_if_it_is_empty)
{
    open_writer();
    struct kp_heartbeat_req req = {.generation_id = 1};
    WRITES(kp_heartbeat_req_schema, 0, req, 0, 0, 0, 0, 0, 1, 0, 0);
    close_writer();
}
END_TEST

START_TEST(strings_are_at_most_32767)
{
    open_writer();
    char *text = malloc(32768);
    memset(text, 'x', 32768);
    struct kp_heartbeat_req req = {.group_id = kp_strn(text, 32768)};
    REFUSES(kp_heartbeat_req_schema, 0, req, ERR_INVALID);
    REFUSES(kp_heartbeat_req_schema, 4, req, ERR_INVALID);
    req.group_id.n = 32767;
    kp_encode(&kp_heartbeat_req_schema, 0, &req, &w);
    ck_assert_int_eq(w.err, 0);
    free(text);
    close_writer();
}
END_TEST

START_TEST(unknown_versions)
{
    open_writer();
    struct kp_heartbeat_req req;
    kp_init(&kp_heartbeat_req_schema, &req);
    REFUSES(kp_heartbeat_req_schema, 5, req, ERR_UNSUPPORTED);
    REFUSES(kp_heartbeat_req_schema, -1, req, ERR_UNSUPPORTED);
    close_writer();
}
END_TEST

START_TEST(tags_are_written_unless_default)
{
    open_writer();
    struct kp_api_versions_resp resp;
    kp_init(&kp_api_versions_resp_schema, &resp);
    WRITES(kp_api_versions_resp_schema, 3, resp, 0, 0, 1, 0, 0, 0, 0, 0);
    resp.finalized_features_epoch = 0;
    WRITES(kp_api_versions_resp_schema, 3, resp, 0, 0, 1, 0, 0, 0, 0, 1, 1, 8, 0, 0, 0, 0, 0, 0, 0,
           0);
    /* Not in a version that knows no tags. */
    WRITES(kp_api_versions_resp_schema, 2, resp, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    close_writer();
}
END_TEST

START_TEST(long_tags_have_long_sizes)
{
    open_writer();
    struct kp_api_versions_resp resp;
    struct kp_api_versions_resp_supported_features f[20];
    kp_init(&kp_api_versions_resp_schema, &resp);
    for (int i = 0; i < 20; i++)
        f[i] = (struct kp_api_versions_resp_supported_features){kp_str("ten-letter"), 1, 2};
    resp.n_supported_features = 20;
    resp.supported_features = f;
    resp.zk_migration_ready = true;
    kp_encode(&kp_api_versions_resp_schema, 3, &resp, &w);
    ck_assert_int_eq(w.err, 0);
    /* 1 + 20 * (1 + 10 + 2 + 2 + 1) = 321 bytes: 0xc1 0x02 */
    static const uint8_t head[] = {0, 0, 1, 0, 0, 0, 0, 2, 0, 0xc1, 0x02, 21, 11, 't'};
    static const uint8_t tail[] = {0, 1, 0, 2, 0, 3, 1, 1};
    ck_assert_uint_eq(w.len, 11 + 321 + 3);
    ck_assert_mem_eq(w.buf, head, sizeof head);
    ck_assert_mem_eq(w.buf + w.len - sizeof tail, tail, sizeof tail);
    close_writer();
}
END_TEST

START_TEST(records_leave_as_slices)
{
    open_writer();
    static const struct wr_slice s[] = {{.fd = 7, .pos = 4096, .len = 100},
                                        {.fd = 8, .pos = 0, .len = 50}};
    struct kp_produce_req_topic_data_partition_data part = {
        .records = {.n = 150, .slices = s, .n_slices = 2}};
    struct kp_produce_req_topic_data topic = {
        .name = kp_str("t"), .n_partition_data = 1, .partition_data = &part};
    struct kp_produce_req req = {.n_topic_data = 1, .topic_data = &topic, .transactional_id.n = -1};
    kp_encode(&kp_produce_req_schema, 9, &req, &w);
    ck_assert_int_eq(w.err, 0);
    ck_assert_uint_eq(w.n_slices, 2);
    ck_assert_int_eq(w.slices[1].fd, 8);
    ck_assert_uint_eq(w.slices[0].len, 100);
    ck_assert_uint_eq(w.slices[0].at,
                      w.len - 3); /* the ends of partition, topic and request follow */
    ck_assert_uint_eq(wr_size(&w), w.len + 150);
    part.records.n = 151;
    REFUSES(kp_produce_req_schema, 9, req, ERR_INVALID);
    close_writer();
}
END_TEST

START_TEST(an_earlier_error_stays)
{
    open_writer();
    struct kp_heartbeat_req req = {.group_id = kp_str(NULL)};
    w.err = ERR_TOOBIG;
    kp_encode(&kp_heartbeat_req_schema, 0, &req, &w);
    ck_assert_int_eq(w.err, ERR_TOOBIG);
    ck_assert_uint_eq(w.len, 0);
    close_writer();
}
END_TEST

START_TEST(records_open_with_their_version)
{
    open_writer();
    struct kp_group_metadata_key key = {.group = kp_str("g")};
    static const uint8_t expected[] = {0, 2, 0, 1, 'g'};
    kp_encode_record(&kp_group_metadata_key_schema, 2, &key, &w);
    ck_assert_bytes_eq(w.buf, w.len, expected, sizeof expected);
    close_writer();
}
END_TEST

START_TEST(arrays_come_at_their_defaults)
{
    struct arena a;
    arena_init(&a, 4096);
    struct kp_fetch_resp_responses_partitions *p =
        kp_array(&kp_fetch_resp_responses_partitions_schema, &a, 3);
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(p[2].current_leader.leader_id, -1);
    ck_assert_int_eq(p[2].last_stable_offset, -1);
    ck_assert_ptr_null(kp_array(&kp_fetch_resp_responses_partitions_schema, &a, 1000));
    arena_free(&a);
}
END_TEST

UNIT_MAIN(versions_choose_the_fields, null_where_none_is_allowed,
          a_string_may_lack_its_pointer_if_it_is_empty, strings_are_at_most_32767, unknown_versions,
          tags_are_written_unless_default, long_tags_have_long_sizes, records_leave_as_slices,
          an_earlier_error_stays, records_open_with_their_version, arrays_come_at_their_defaults)
