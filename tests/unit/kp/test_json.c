/* Messages as JSON. */
#include <stdlib.h>

#include "kp/kp.h"
#include "tests/unit/unit.h"

static void says(const struct kp_schema *s, int version, const void *msg, const char *expected)
{
    struct json *j = kp_json(s, version, msg);
    ck_assert_ptr_nonnull(j);
    char *text = json_text(j, 0);
    ck_assert_str_eq(text, expected);
    free(text);
    json_free(j);
}

START_TEST(only_fields_of_the_version_in_kafkas_spelling)
{
    struct kp_heartbeat_req req = {.group_id = kp_str("g"),
                                   .generation_id = -1,
                                   .member_id = kp_str(""),
                                   .group_instance_id = kp_str(NULL)};
    says(&kp_heartbeat_req_schema, 0, &req,
         "{\"GroupId\":\"g\",\"GenerationId\":-1,\"MemberId\":\"\"}");
    says(&kp_heartbeat_req_schema, 4, &req,
         "{\"GroupId\":\"g\",\"GenerationId\":-1,\"MemberId\":\"\",\"GroupInstanceId\":null}");
}
END_TEST

START_TEST(bytes_are_base64_and_records_a_size)
{
    struct kp_sync_group_resp resp = {.assignment = {.p = (const uint8_t *)"\0\1\2", .n = 3}};
    says(&kp_sync_group_resp_schema, 0, &resp, "{\"ErrorCode\":0,\"Assignment\":\"AAEC\"}");
    struct kp_produce_req_topic_data_partition_data part = {.records = {.p = NULL, .n = 700}};
    says(&kp_produce_req_topic_data_partition_data_schema, 9, &part,
         "{\"Index\":0,\"Records\":700}");
    part.records.n = -1;
    says(&kp_produce_req_topic_data_partition_data_schema, 9, &part,
         "{\"Index\":0,\"Records\":null}");
}
END_TEST

START_TEST(arrays_nested_and_null)
{
    struct kp_str names[] = {kp_str("a"), kp_str("b")};
    struct kp_describe_configs_req_resources res[] = {
        {.resource_type = 2,
         .resource_name = kp_str("t"),
         .n_configuration_keys = 2,
         .configuration_keys = names},
        {.resource_type = 4, .resource_name = kp_str("1"), .n_configuration_keys = -1}};
    struct kp_describe_configs_req req = {
        .n_resources = 2, .resources = res, .include_synonyms = true};
    says(&kp_describe_configs_req_schema, 1, &req,
         "{\"Resources\":[{\"ResourceType\":2,\"ResourceName\":\"t\",\"ConfigurationKeys\":[\"a\","
         "\"b\"]},"
         "{\"ResourceType\":4,\"ResourceName\":\"1\",\"ConfigurationKeys\":null}],"
         "\"IncludeSynonyms\":true}");
}
END_TEST

START_TEST(wide_numbers_stay_exact)
{
    struct kp_offset_commit_value v = {.offset = INT64_MAX, .commit_timestamp = INT64_MIN};
    says(&kp_offset_commit_value_schema, 0, &v,
         "{\"offset\":9223372036854775807,\"metadata\":\"\",\"commitTimestamp\":-"
         "9223372036854775808}");
}
END_TEST

START_TEST(ids_in_their_text_form)
{
    struct kp_fetch_req_topics t = {.topic_id = {{0}}};
    says(&kp_fetch_req_topics_schema, 13, &t,
         "{\"TopicId\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"Partitions\":[]}");
}
END_TEST

UNIT_MAIN(only_fields_of_the_version_in_kafkas_spelling, bytes_are_base64_and_records_a_size,
          arrays_nested_and_null, wide_numbers_stay_exact, ids_in_their_text_form)
