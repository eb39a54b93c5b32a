/* The table of APIs and what a schema says about itself. */
#include "kp/kp.h"
#include "tests/unit/unit.h"

START_TEST(the_table_is_sorted_and_found)
{
    size_t n;
    const struct kp_api *api = kp_apis(&n);
    ck_assert_uint_eq(n, KP_API_COUNT);
    for (size_t i = 0; i < n; i++) {
        ck_assert(i == 0 || api[i - 1].key < api[i].key);
        ck_assert_ptr_eq(kp_api(api[i].key), &api[i]);
        ck_assert_ptr_eq(kp_api_by_name(api[i].name), &api[i]);
        ck_assert_int_le(api[i].min, api[i].max);
    }
    ck_assert_ptr_null(kp_api(-1));
    ck_assert_ptr_null(kp_api(4));
    ck_assert_ptr_null(kp_api(INT16_MAX));
    ck_assert_ptr_null(kp_api_by_name("produce"));
}
END_TEST

/* Kafka's numbers: keys, versions that this release speaks, the first flexible one. */
START_TEST(keys_and_versions)
{
    static const struct {
        const char *name;
        int key, min, max, flexible;
    } rows[] = {
        {"Produce", 0, 0, 13, 9},
        {"Fetch", 1, 4, 17, 12},
        {"ListOffsets", 2, 1, 10, 6},
        {"Metadata", 3, 0, 13, 9},
        {"OffsetCommit", 8, 2, 9, 8},
        {"OffsetFetch", 9, 1, 9, 6},
        {"FindCoordinator", 10, 0, 6, 3},
        {"JoinGroup", 11, 0, 9, 6},
        {"Heartbeat", 12, 0, 4, 4},
        {"LeaveGroup", 13, 0, 5, 4},
        {"SyncGroup", 14, 0, 5, 4},
        {"DescribeGroups", 15, 0, 6, 5},
        {"ListGroups", 16, 0, 5, 3},
        {"ApiVersions", 18, 0, 4, 3},
        {"CreateTopics", 19, 2, 7, 5},
        {"DeleteTopics", 20, 1, 6, 4},
        {"DeleteRecords", 21, 0, 2, 2},
        {"InitProducerId", 22, 0, 5, 2},
        {"OffsetForLeaderEpoch", 23, 2, 4, 4},
        {"DescribeConfigs", 32, 1, 4, 4},
        {"AlterConfigs", 33, 0, 2, 2},
        {"CreatePartitions", 37, 0, 3, 2},
        {"DeleteGroups", 42, 0, 2, 2},
        {"IncrementalAlterConfigs", 44, 0, 1, 1},
        {"OffsetDelete", 47, 0, 0, INT16_MAX},
        {"DescribeCluster", 60, 0, 2, 0},
    };
    size_t n = sizeof rows / sizeof *rows;
    ck_assert_uint_eq(n, KP_API_COUNT);
    for (size_t i = 0; i < n; i++) {
        const struct kp_api *api = kp_api_by_name(rows[i].name);
        ck_assert_msg(api != NULL, "%s", rows[i].name);
        ck_assert_int_eq(api->key, rows[i].key);
        ck_assert_int_eq(api->min, rows[i].min);
        ck_assert_int_eq(api->max, rows[i].max);
        ck_assert_int_eq(api->flexible, rows[i].flexible);
    }
}
END_TEST

START_TEST(a_schema_knows_itself)
{
    int16_t min, max;
    ck_assert_str_eq(kp_schema_name(&kp_produce_req_schema), "ProduceRequest");
    ck_assert_str_eq(kp_schema_name(&kp_offset_commit_value_schema), "OffsetCommitValue");
    ck_assert_uint_eq(kp_sizeof(&kp_fetch_resp_schema), sizeof(struct kp_fetch_resp));
    kp_versions(&kp_group_metadata_key_schema, &min, &max);
    ck_assert_int_eq(min, 2);
    ck_assert_int_eq(max, 2);
}
END_TEST

START_TEST(defaults)
{
    struct kp_metadata_resp_topics t;
    struct kp_metadata_req req;
    struct kp_produce_req produce;
    kp_init(&kp_metadata_resp_topics_schema, &t);
    ck_assert_int_eq(t.topic_authorized_operations, INT32_MIN);
    kp_init(&kp_metadata_req_schema, &req);
    ck_assert(req.allow_auto_topic_creation);
    kp_init(&kp_produce_req_schema, &produce);
    ck_assert_int_eq(produce.transactional_id.n, -1);
}
END_TEST

UNIT_MAIN(the_table_is_sorted_and_found, keys_and_versions, a_schema_knows_itself, defaults)
