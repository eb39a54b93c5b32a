/* kp_equal sees every kind of difference, and only those of the version. */
#include "kp/kp.h"
#include "tests/unit/unit.h"

START_TEST(only_fields_of_the_version_count)
{
    struct kp_heartbeat_req a = {.group_id = kp_str("g"), .group_instance_id = kp_str("x")}, b = a;
    b.group_instance_id = kp_str(NULL);
    ck_assert(kp_equal(&kp_heartbeat_req_schema, 2, &a, &b));
    ck_assert(!kp_equal(&kp_heartbeat_req_schema, 3, &a, &b));
}
END_TEST

START_TEST(null_is_not_empty)
{
    struct kp_heartbeat_req a = {.group_instance_id = kp_str("")}, b = {.group_instance_id.n = -1};
    ck_assert(!kp_equal(&kp_heartbeat_req_schema, 4, &a, &b));
    struct kp_metadata_req all = {.n_topics = -1}, none = {.n_topics = 0};
    ck_assert(!kp_equal(&kp_metadata_req_schema, 4, &all, &none));
}
END_TEST

START_TEST(arrays_differ_by_length_and_elements)
{
    int32_t one[] = {1, 2, 3}, two[] = {1, 2, 4};
    struct kp_metadata_resp_topics_partitions p = {.n_isr_nodes = 3, .isr_nodes = one}, q = p;
    const struct kp_schema *s = &kp_metadata_resp_topics_partitions_schema;
    ck_assert(kp_equal(s, 1, &p, &q));
    q.isr_nodes = two;
    ck_assert(!kp_equal(s, 1, &p, &q));
    q.n_isr_nodes = 2;
    ck_assert(!kp_equal(s, 1, &p, &q));
    p.n_isr_nodes = 2;
    ck_assert(kp_equal(s, 1, &p, &q));
}
END_TEST

START_TEST(nested_structures_and_tags_count)
{
    struct kp_fetch_req a, b;
    kp_init(&kp_fetch_req_schema, &a);
    kp_init(&kp_fetch_req_schema, &b);
    ck_assert(kp_equal(&kp_fetch_req_schema, 15, &a, &b));
    b.replica_state.replica_epoch = 4;
    ck_assert(!kp_equal(&kp_fetch_req_schema, 15, &a, &b));
    ck_assert(kp_equal(&kp_fetch_req_schema, 14, &a, &b));
}
END_TEST

START_TEST(records_differ_by_bytes_or_places)
{
    const struct kp_schema *s = &kp_produce_req_topic_data_partition_data_schema;
    const uint8_t x[] = {1, 2}, y[] = {1, 3};
    struct wr_slice f = {.fd = 3, .pos = 10, .len = 2}, g = {.fd = 3, .pos = 12, .len = 2};
    struct kp_produce_req_topic_data_partition_data a = {.records = {.p = x, .n = 2}}, b = a;
    ck_assert(kp_equal(s, 9, &a, &b));
    b.records.p = y;
    ck_assert(!kp_equal(s, 9, &a, &b));
    b.records = (struct kp_records){.p = x, .n = 1};
    ck_assert(!kp_equal(s, 9, &a, &b));
    a.records = b.records = (struct kp_records){.n = 2, .slices = &f, .n_slices = 1};
    ck_assert(kp_equal(s, 9, &a, &b));
    b.records.slices = &g;
    ck_assert(!kp_equal(s, 9, &a, &b));
    g = f;
    g.mem = x;
    ck_assert(!kp_equal(s, 9, &a, &b));
    b.records = (struct kp_records){.p = x, .n = 2};
    ck_assert(!kp_equal(s, 9, &a, &b));
}
END_TEST

UNIT_MAIN(only_fields_of_the_version_count, null_is_not_empty, arrays_differ_by_length_and_elements,
          nested_structures_and_tags_count, records_differ_by_bytes_or_places)
