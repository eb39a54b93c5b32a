/* What the decoder refuses and what it lets pass, by hand-made bytes. */
#include <stdlib.h>

#include "tests/unit/kp/message.h"
#include "tests/unit/unit.h"

#define REFUSED(schema, version, err, ...)                                                \
    do {                                                                                  \
        static const uint8_t refused[] = {__VA_ARGS__};                                   \
        ck_assert_int_eq(decode(&(schema), version, refused, sizeof refused, NULL), err); \
    } while (0)

/* Decode an exact copy; msg gets the struct if it is not NULL (strings in it are gone by then). */
static int decode(const struct kp_schema *s, int version, const void *p, size_t n, void *msg)
{
    struct message m;
    uint8_t *copy = malloc(n ? n : 1);
    if (n)
        memcpy(copy, p, n);
    int err = message_decode(&m, s, version, copy, n, 1 << 20, NULL);
    if (msg)
        memcpy(msg, m.msg, kp_sizeof(s));
    message_free(&m);
    free(copy);
    return err;
}

START_TEST(null_where_none_is_allowed)
{
    REFUSED(kp_heartbeat_req_schema, 0, ERR_MALFORMED, 0xff, 0xff, 0, 0, 0, 1, 0, 0);
    REFUSED(kp_heartbeat_req_schema, 4, ERR_MALFORMED, 0, 0, 0, 0, 1, 1, 0, 0);
    /* The topics of a Metadata request: not in version 0, from 1 on. */
    REFUSED(kp_metadata_req_schema, 0, ERR_MALFORMED, 0xff, 0xff, 0xff, 0xff);
    static const uint8_t all[] = {0xff, 0xff, 0xff, 0xff};
    struct kp_metadata_req req;
    ck_assert_ok(decode(&kp_metadata_req_schema, 1, all, sizeof all, &req));
    ck_assert_int_eq(req.n_topics, -1);
    ck_assert_ptr_null(req.topics);
}
END_TEST

START_TEST(lengths_below_null)
{
    REFUSED(kp_heartbeat_req_schema, 0, ERR_MALFORMED, 0xff, 0xfe, 0, 0, 0, 1, 0, 0);
    REFUSED(kp_metadata_req_schema, 1, ERR_MALFORMED, 0xff, 0xff, 0xff, 0xfe);
    REFUSED(kp_sync_group_resp_schema, 0, ERR_MALFORMED, 0, 0, 0x80, 0, 0, 0);
}
END_TEST

START_TEST(varints_that_are_too_long)
{
    /* ListGroups v3 request is nothing but its tag count. */
    REFUSED(kp_list_groups_req_schema, 3, ERR_MALFORMED, 0x80, 0x80, 0x80, 0x80, 0x80, 0);
    REFUSED(kp_list_groups_req_schema, 3, ERR_MALFORMED, 0x80, 0x80, 0x80, 0x80, 0x10);
    REFUSED(kp_delete_groups_req_schema, 2, ERR_MALFORMED, 0xff, 0xff, 0xff, 0xff, 0x1f, 0);
}
END_TEST

static int decode_string_of(uint32_t n, struct kp_heartbeat_req *req)
{
    static const uint8_t rest[] = {0, 0, 0, 0, 1, 0, 0};
    struct wr w;
    wr_init(&w, 0);
    wr_uvarint(&w, n + 1);
    wr_zero(&w, n);
    wr_bytes(&w, rest, sizeof rest);
    int err = decode(&kp_heartbeat_req_schema, 4, w.buf, w.len, req);
    wr_free(&w);
    return err;
}

START_TEST(strings_are_at_most_32767)
{
    struct kp_heartbeat_req req;
    ck_assert_ok(decode_string_of(32767, &req));
    ck_assert_int_eq(req.group_id.n, 32767);
    ck_assert_int_eq(decode_string_of(32768, &req), ERR_MALFORMED);
}
END_TEST

/* A count that the bytes left cannot hold costs no memory at all. */
START_TEST(lying_counts_allocate_nothing)
{
    static const uint8_t lies[][4] = {{0x7f, 0xff, 0xff, 0xff}, {0, 1, 0, 0}, {0, 0, 0, 2}};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        uint8_t bytes[7] = {0};
        struct message m;
        memcpy(bytes, lies[i], 4);
        /* A topic takes two bytes at least, three are left: one would be possible, two are a lie.
         */
        ck_assert_int_eq(
            message_decode(&m, &kp_metadata_req_schema, 1, bytes, sizeof bytes, 0, NULL),
            ERR_SHORT);
        ck_assert_uint_eq(m.arena.used, 0);
        message_free(&m);
    }
    static const uint8_t compact[] = {0xff, 0xff, 0xff, 0xff, 0x07, 0, 0, 0, 0};
    struct message m;
    ck_assert_int_eq(
        message_decode(&m, &kp_metadata_req_schema, 9, compact, sizeof compact, 0, NULL),
        ERR_SHORT);
    ck_assert_uint_eq(m.arena.used, 0);
    message_free(&m);
}
END_TEST

START_TEST(true_counts_are_bounded_by_the_arena)
{
    struct message m;
    size_t n = 4 + 2 * 100000;
    uint8_t *bytes = calloc(1, n);
    put_be32(bytes, 100000);
    ck_assert_ok(message_decode(&m, &kp_metadata_req_schema, 0, bytes, n, 0, NULL));
    message_free(&m);
    ck_assert_int_eq(message_decode(&m, &kp_metadata_req_schema, 0, bytes, n, 1 << 20, NULL),
                     ERR_TOOBIG);
    ck_assert_uint_le(m.arena.used, 1 << 20);
    message_free(&m);
    free(bytes);
}
END_TEST

START_TEST(unknown_versions)
{
    REFUSED(kp_fetch_req_schema, 3, ERR_UNSUPPORTED, 0);
    REFUSED(kp_fetch_req_schema, 18, ERR_UNSUPPORTED, 0);
    REFUSED(kp_fetch_req_schema, -1, ERR_UNSUPPORTED, 0);
}
END_TEST

START_TEST(fields_of_other_versions_have_their_defaults)
{
    static const uint8_t v0[] = {0, 1, 'g', 0, 0, 0, 9, 0, 0};
    struct kp_join_group_req join;
    struct kp_heartbeat_req beat;
    ck_assert_ok(decode(&kp_heartbeat_req_schema, 0, v0, sizeof v0, &beat));
    ck_assert_int_eq(beat.generation_id, 9);
    ck_assert_int_eq(beat.group_instance_id.n, -1);
    static const uint8_t join0[] = {0, 1, 'g', 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0};
    ck_assert_ok(decode(&kp_join_group_req_schema, 0, join0, sizeof join0, &join));
    ck_assert_int_eq(join.session_timeout_ms, 9);
    ck_assert_int_eq(join.rebalance_timeout_ms, -1);
}
END_TEST

START_TEST(absent_strings_are_empty_and_not_null)
{
    static const uint8_t v0[] = {0, 0, 0, 0};
    struct kp_api_versions_req req;
    ck_assert_ok(decode(&kp_api_versions_req_schema, 0, v0, 0, &req));
    ck_assert_int_eq(req.client_software_name.n, 0);
    ck_assert_ptr_nonnull(req.client_software_name.p);
}
END_TEST

/* ApiVersions v3 response up to its tags: no error, no APIs, no throttling. */
#define NO_APIS 0, 0, 1, 0, 0, 0, 0
#define TAGGED_OK(resp, ...)                                                                   \
    do {                                                                                       \
        static const uint8_t tagged[] = {NO_APIS, __VA_ARGS__};                                \
        ck_assert_ok(decode(&kp_api_versions_resp_schema, 3, tagged, sizeof tagged, &(resp))); \
    } while (0)

START_TEST(unknown_tags_are_skipped)
{
    struct kp_api_versions_resp resp;
    TAGGED_OK(resp, 0);
    ck_assert_int_eq(resp.finalized_features_epoch, -1);
    TAGGED_OK(resp, 2, 1, 8, 0, 0, 0, 0, 0, 0, 0, 5, 99, 3, 'a', 'b', 'c');
    ck_assert_int_eq(resp.finalized_features_epoch, 5);
    TAGGED_OK(resp, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0);
}
END_TEST

START_TEST(tags_in_any_order_and_twice)
{
    struct kp_api_versions_resp resp;
    TAGGED_OK(resp, 2, 3, 1, 1, 1, 8, 0, 0, 0, 0, 0, 0, 0, 5);
    ck_assert(resp.zk_migration_ready);
    ck_assert_int_eq(resp.finalized_features_epoch, 5);
    TAGGED_OK(resp, 2, 1, 8, 0, 0, 0, 0, 0, 0, 0, 5, 1, 8, 0, 0, 0, 0, 0, 0, 0, 6);
    ck_assert_int_eq(resp.finalized_features_epoch, 6);
}
END_TEST

/* A structure that comes twice does not keep anything of its first coming. */
START_TEST(a_tagged_structure_starts_from_its_defaults)
{
    struct kp_fetch_req req;
    struct wr w;
    wr_init(&w, 0);
    kp_init(&kp_fetch_req_schema, &req);
    kp_encode(&kp_fetch_req_schema, 15, &req, &w);
    ck_assert_int_eq(w.err, 0);
    ck_assert_uint_eq(w.buf[w.len - 1], 0);
    w.len--;
    static const uint8_t tags[] = {1, 1, 13, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 8, 0};
    wr_bytes(&w, tags, sizeof tags);
    ck_assert_ok(decode(&kp_fetch_req_schema, 15, w.buf, w.len, &req));
    ck_assert_int_eq(req.replica_state.replica_id, 7);
    ck_assert_int_eq(req.replica_state.replica_epoch, 8);
    ck_assert_int_eq(req.replica_id, -1);
    wr_free(&w);
}
END_TEST

START_TEST(a_tag_fills_its_size_exactly)
{
    REFUSED(kp_api_versions_resp_schema, 3, ERR_MALFORMED, NO_APIS, 1, 1, 7, 0, 0, 0, 0, 0, 0, 0,
            5);
    REFUSED(kp_api_versions_resp_schema, 3, ERR_MALFORMED, NO_APIS, 1, 1, 9, 0, 0, 0, 0, 0, 0, 0, 5,
            0);
    REFUSED(kp_api_versions_resp_schema, 3, ERR_SHORT, NO_APIS, 1, 1, 8, 0, 0, 0, 0, 0, 0, 0);
    REFUSED(kp_api_versions_resp_schema, 3, ERR_SHORT, NO_APIS, 1, 99, 0xff, 0xff, 0xff, 0xff,
            0x0f);
    /* A tag of a later version is an unknown one. */
    struct kp_fetch_req req;
    static const uint8_t v12[] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                  0,    0,    0,    0,    0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 9, 9};
    ck_assert_ok(decode(&kp_fetch_req_schema, 12, v12, sizeof v12, &req));
    ck_assert_int_eq(req.replica_state.replica_id, -1);
}
END_TEST

START_TEST(bytes_behind_the_message_stay)
{
    static const uint8_t bytes[] = {0, 5, 0xaa, 0xbb};
    struct message m;
    size_t left;
    ck_assert_ok(message_decode(&m, &kp_heartbeat_resp_schema, 0, bytes, sizeof bytes, 0, &left));
    ck_assert_uint_eq(left, 2);
    ck_assert_int_eq(((struct kp_heartbeat_resp *)m.msg)->error_code, 5);
    message_free(&m);
}
END_TEST

START_TEST(a_failed_cursor_stays_failed)
{
    static const uint8_t bytes[] = {0, 0};
    struct kp_heartbeat_resp resp;
    struct arena a;
    struct rd r = rd_of(bytes, sizeof bytes);
    arena_init(&a, 0);
    rd_fail(&r, ERR_MALFORMED);
    ck_assert_int_eq(kp_decode(&kp_heartbeat_resp_schema, 0, &r, &a, &resp), ERR_MALFORMED);
    arena_free(&a);
}
END_TEST

START_TEST(any_byte_but_zero_is_true)
{
    static const uint8_t v4[] = {0, 0, 0, 0, 2};
    struct kp_metadata_req req;
    ck_assert_ok(decode(&kp_metadata_req_schema, 4, v4, sizeof v4, &req));
    ck_assert(req.allow_auto_topic_creation == true);
}
END_TEST

START_TEST(records_open_with_their_version)
{
    static const uint8_t key[] = {0, 1, 0, 1, 'g', 0, 1, 't', 0, 0, 0, 3}, newer[] = {0, 9, 0};
    struct kp_offset_commit_key k;
    struct arena a;
    int16_t version;
    arena_init(&a, 0);
    struct rd r = rd_of(key, sizeof key);
    ck_assert_ok(kp_decode_record(&kp_offset_commit_key_schema, &r, &a, &version, &k));
    ck_assert_int_eq(version, 1);
    ck_assert(kp_str_is(k.group, "g"));
    ck_assert(kp_str_is(k.topic, "t"));
    ck_assert_int_eq(k.partition, 3);
    r = rd_of(newer, sizeof newer);
    ck_assert_int_eq(kp_decode_record(&kp_offset_commit_key_schema, &r, &a, &version, &k),
                     ERR_UNSUPPORTED);
    ck_assert_int_eq(version, 9);
    r = rd_of(newer, 1);
    ck_assert_int_eq(kp_decode_record(&kp_offset_commit_key_schema, &r, &a, &version, &k),
                     ERR_SHORT);
    arena_free(&a);
}
END_TEST

UNIT_MAIN(null_where_none_is_allowed, lengths_below_null, varints_that_are_too_long,
          strings_are_at_most_32767, lying_counts_allocate_nothing,
          true_counts_are_bounded_by_the_arena, unknown_versions,
          fields_of_other_versions_have_their_defaults, absent_strings_are_empty_and_not_null,
          unknown_tags_are_skipped, tags_in_any_order_and_twice,
          a_tagged_structure_starts_from_its_defaults, a_tag_fills_its_size_exactly,
          bytes_behind_the_message_stay, a_failed_cursor_stays_failed, any_byte_but_zero_is_true,
          records_open_with_their_version)
