/* What groups leave in the log: bytes written out by hand from the definitions of Kafka's records,
 * and what a partition of them comes to. */
#include <string.h>

#include "broker/group_records.h"
#include "broker/group_replay.h"
#include "broker/owned.h"
#include "tests/unit/unit.h"

#define BYTES(text) ((struct span){(const uint8_t *)(text), sizeof(text) - 1})
#define CONST_BYTES(text)                         \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }
#define TOPIC_ID "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"

static const char offset_key[] = "\0\1"                         /* OffsetCommitKey, version 1 */
                                 "\0\2g1"                       /* group */
                                 "\0\3top"                      /* topic */
                                 "\0\0\0\7";                    /* partition */
static const char offset_value[] = "\0\4"                       /* version 4 */
                                   "\0\0\0\0\0\0\1\2"           /* offset 258 */
                                   "\0\0\0\5"                   /* leader epoch */
                                   "\3md"                       /* metadata, length + 1 */
                                   "\0\0\x01\x8b\xcf\xe5\x68\0" /* 1700000000000 */
                                   "\1\0\x10" TOPIC_ID;         /* one tag: 0, 16 bytes */
static const char state_key[] = "\0\2"                          /* GroupMetadataKey, version 2 */
                                "\0\2g1";                       /* group */
static const char state_value[] = "\0\3"                        /* version 3 */
                                  "\0\x08"
                                  "consumer"                   /* protocol type */
                                  "\0\0\0\1"                   /* generation */
                                  "\0\5range"                  /* protocol */
                                  "\0\3m-1"                    /* leader */
                                  "\0\0\x01\x8b\xcf\xe5\x68\0" /* time of this state */
                                  "\0\0\0\1"                   /* members */
                                  "\0\3m-1"                    /* id */
                                  "\0\2i1"                     /* instance id */
                                  "\0\1c"                      /* client id */
                                  "\0\2/h"                     /* host */
                                  "\0\0\xea\x60"               /* rebalance timeout 60000 */
                                  "\0\0\x27\x10"               /* session timeout 10000 */
                                  "\0\0\0\3sub"                /* subscription */
                                  "\0\0\0\3asg";               /* assignment */
static const char empty_value[] = "\0\3"
                                  "\0\x08"
                                  "consumer"
                                  "\0\0\0\2" /* generation */
                                  "\xff\xff" /* no protocol */
                                  "\xff\xff" /* no leader */
                                  "\0\0\x01\x8b\xcf\xe5\x68\0"
                                  "\0\0\0\0"; /* no members */

enum { WALL = 1700000000 };
static const int64_t wall_ms = (int64_t)WALL * 1000;

/* ---- fixture */

static struct budget memory;
static struct group_limits limits;
static struct batch_builder builder;
static struct wr out;
static struct records it;
static struct record record;
static struct arena arena;
static struct group_replay replay;

static void nothing_joined(void *waiter, const struct group_joined *r)
{
    *(int16_t *)waiter = r->error;
}
static void nothing_synced(void *waiter, const struct group_synced *r)
{
    *(int16_t *)waiter = r->error;
}
static void nothing_stored(struct group *g)
{
    (void)g;
}
static const struct group_host host = {nothing_joined, nothing_synced, nothing_stored};

static void setup(void)
{
    memory = (struct budget){.max = 1 << 20};
    limits = (struct group_limits){
        .min_session_ms = 6000, .max_session_ms = 1800000, .max_members = 10, .memory = &memory};
    batch_builder_init(&builder, BATCH_NONE);
    wr_init(&out, 0);
    arena_init(&arena, 0);
    group_replay_init(&replay, &host, &limits, NULL);
}

static void finish(void)
{
    group_replay_release(&replay);
    arena_free(&arena);
    wr_free(&out);
    batch_builder_release(&builder);
    ck_assert_int_eq(memory.used, 0);
}

/* The builder's batch, walked to its first record. */
static void first_record(void)
{
    ck_assert_ok(batch_builder_finish(&builder, &out));
    ck_assert_ok(records_init(&it, span_of(out.buf, out.len), 1 << 20));
    ck_assert_int_eq(records_next(&it, &record), 1);
}

static void add(struct span key, struct span value)
{
    batch_builder_add(&builder, wall_ms, key, value, NULL, 0);
}

#define ck_span_eq(s, text) ck_assert_bytes_eq((s).p, (s).n, text, sizeof(text) - 1)
#define ck_str_is(s, text) \
    ck_assert_msg(kp_str_is(s, text), "%.*s is not %s", (s).n, (s).p ? (s).p : "", text)

static struct group_offset an_offset(void)
{
    struct group_offset c = {.topic = kp_str("top"),
                             .partition = 7,
                             .offset = 258,
                             .leader_epoch = 5,
                             .metadata = kp_str("md"),
                             .commit_ms = wall_ms,
                             .expire_ms = -1};
    memcpy(c.topic_id.b, TOPIC_ID, 16);
    return c;
}

/* ---- the format */

START_TEST(an_offset_is_written_as_kafka_does)
{
    setup();
    struct group_offset c = an_offset();
    group_records_offset(&builder, wall_ms, kp_str("g1"), &c);
    first_record();
    ck_span_eq(record.key, offset_key);
    ck_span_eq(record.value, offset_value);
    ck_assert_int_eq(record.timestamp, wall_ms);
    records_release(&it);
    finish();
}
END_TEST

START_TEST(an_offset_that_says_when_it_goes_keeps_its_topics_id)
{
    static const char expiring[] = "\0\4"                       /* version 4 */
                                   "\0\0\0\0\0\0\1\2"           /* offset 258 */
                                   "\0\0\0\5"                   /* leader epoch */
                                   "\3md"                       /* metadata, length + 1 */
                                   "\0\0\x01\x8b\xcf\xe5\x68\0" /* 1700000000000 */
                                   "\2\0\x10" TOPIC_ID          /* two tags: 0, 16 bytes; */
                                   "\x90\x4e\x08"               /* 10000, 8 bytes: */
                                   "\0\0\0\0\0\0\0\0";          /* it goes at the next look */
    struct group_record g;
    setup();
    struct group_offset c = an_offset();
    c.expire_ms = 0;
    group_records_offset(&builder, wall_ms, kp_str("g1"), &c);
    first_record();
    ck_span_eq(record.key, offset_key);
    ck_span_eq(record.value, expiring);
    ck_assert_ok(group_record_decode(&record, &arena, &g));
    ck_assert_int_eq(g.offset.expire_ms, 0);
    ck_assert_int_eq(g.offset.offset, 258);
    ck_assert_int_eq(g.offset.leader_epoch, 5);
    ck_assert(uuid_eq(&g.offset.topic_id, &c.topic_id));
    records_release(&it);
    finish();
}
END_TEST

START_TEST(no_offset_is_a_null_value)
{
    setup();
    group_records_no_offset(&builder, wall_ms, kp_str("g1"), kp_str("top"), 7);
    first_record();
    ck_span_eq(record.key, offset_key);
    ck_assert_ptr_null(record.value.p);
    records_release(&it);
    finish();
}
END_TEST

static struct group *a_group(void)
{
    struct group *g = group_new(&host, &limits, kp_str("g1"));
    struct kp_join_group_req_protocols p = {kp_str("range"), {(const uint8_t *)"sub", 3}};
    struct group_join in = {.member_id = kp_str(""),
                            .instance_id = kp_str("i1"),
                            .fresh_id = kp_str("m-1"),
                            .client_id = kp_str("c"),
                            .client_host = kp_str("/h"),
                            .protocol_type = kp_str("consumer"),
                            .protocols = &p,
                            .n_protocols = 1,
                            .session_ms = 10000,
                            .rebalance_ms = 60000};
    static int16_t answers[2];
    group_join(g, 0, &in, &answers[0]);
    struct kp_sync_group_req_assignments asg = {kp_str("m-1"), {(const uint8_t *)"asg", 3}};
    struct group_sync sync = {.caller = {kp_str("m-1"), kp_str("i1"), 1},
                              .protocol_type = kp_str(NULL),
                              .protocol = kp_str(NULL),
                              .assignments = &asg,
                              .n_assignments = 1};
    group_sync(g, 0, &sync, &answers[1]);
    return g;
}

START_TEST(a_group_is_written_as_kafka_does)
{
    setup();
    struct group *g = a_group();
    group_records_state(&builder, wall_ms, g);
    group_stored(g, 0, 1, KP_ERR_NONE);
    group_leave(g, 0, kp_str("m-1"), kp_str(NULL));
    group_records_state(&builder, wall_ms, g); /* empty now */
    group_records_no_state(&builder, wall_ms, kp_str("g1"));
    first_record();
    ck_span_eq(record.key, state_key);
    ck_span_eq(record.value, state_value);
    ck_assert_int_eq(records_next(&it, &record), 1);
    ck_span_eq(record.key, state_key);
    ck_span_eq(record.value, empty_value);
    ck_assert_int_eq(records_next(&it, &record), 1);
    ck_span_eq(record.key, state_key);
    ck_assert_ptr_null(record.value.p);
    records_release(&it);
    group_free(g, 0);
    finish();
}
END_TEST

/* Decode one record; 0 or the code. */
static int decode(struct span key, struct span value, struct group_record *g)
{
    struct record r = {.key = key, .value = value};
    return group_record_decode(&r, &arena, g);
}

START_TEST(offsets_of_all_versions_are_read)
{
    static const struct {
        struct span value;
        int32_t epoch;
        int64_t expire;
    } all[] = {
        {CONST_BYTES("\0\0"
                     "\0\0\0\0\0\0\0\x2a"
                     "\0\1m"
                     "\0\0\0\0\0\0\0\7"),
         -1, -1},
        {CONST_BYTES("\0\1"
                     "\0\0\0\0\0\0\0\x2a"
                     "\0\1m"
                     "\0\0\0\0\0\0\0\7"
                     "\0\0\0\0\0\0\0\x09"),
         -1, 9},
        {CONST_BYTES("\0\2"
                     "\0\0\0\0\0\0\0\x2a"
                     "\0\1m"
                     "\0\0\0\0\0\0\0\7"),
         -1, -1},
        {CONST_BYTES("\0\3"
                     "\0\0\0\0\0\0\0\x2a"
                     "\0\0\0\3"
                     "\0\1m"
                     "\0\0\0\0\0\0\0\7"),
         3, -1},
        {CONST_BYTES("\0\4"
                     "\0\0\0\0\0\0\0\x2a"
                     "\0\0\0\3"
                     "\2m"
                     "\0\0\0\0\0\0\0\7"
                     "\0"),
         3, -1},
    };
    setup();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct group_record g;
        ck_assert_ok(decode(BYTES(offset_key), all[i].value, &g));
        ck_assert_int_eq(g.kind, GROUP_RECORD_OFFSET);
        ck_str_is(g.group, "g1");
        ck_str_is(g.offset.topic, "top");
        ck_assert_int_eq(g.offset.partition, 7);
        ck_assert_int_eq(g.offset.offset, 42);
        ck_assert_int_eq(g.offset.leader_epoch, all[i].epoch);
        ck_assert_int_eq(g.offset.commit_ms, 7);
        ck_assert_int_eq(g.offset.expire_ms, all[i].expire);
        ck_str_is(g.offset.metadata, "m");
        ck_assert(uuid_is_zero(&g.offset.topic_id));
    }
    finish();
}
END_TEST

START_TEST(what_cannot_be_understood_is_an_error)
{
    struct group_record g;
    setup();
    ck_assert_int_eq(decode(BYTES("\0"), BYTES("x"), &g), ERR_MALFORMED);
    ck_assert_int_eq(decode(BYTES("\0\1\0\2g"), BYTES(offset_value), &g), ERR_MALFORMED);
    ck_assert_int_eq(decode(BYTES(offset_key), BYTES("\0\3\0\0"), &g), ERR_MALFORMED);
    ck_assert_int_eq(decode(BYTES(offset_key), BYTES("\0\5\0\0"), &g), ERR_UNSUPPORTED);
    ck_assert_int_eq(decode(BYTES(state_key), BYTES("\0\3\0\x20"), &g), ERR_MALFORMED);
    ck_assert_ok(decode(BYTES("\0\3abc"), BYTES("x"), &g)); /* of a newer Kafka */
    ck_assert_int_eq(g.kind, GROUP_RECORD_OTHER);
    finish();
}
END_TEST

/* ---- a partition */

static int feed(struct err *e)
{
    out.len = 0;
    ck_assert_ok(batch_builder_finish(&builder, &out));
    return group_replay_add(&replay, span_of(out.buf, out.len), e);
}

static void put(const char *group, const char *topic, int32_t partition, int64_t offset)
{
    struct group_offset c = an_offset();
    c.topic = kp_str(topic);
    c.partition = partition;
    c.offset = offset;
    group_records_offset(&builder, wall_ms, kp_str(group), &c);
}

static int64_t offset_of(struct group *g, const char *topic, int32_t partition)
{
    const struct group_offset *c = group_offsets_find(&g->offsets, kp_str(topic), partition);
    return c ? c->offset : -1;
}

START_TEST(the_last_value_of_a_key_counts)
{
    setup();
    put("g1", "t", 0, 10);
    put("g1", "t", 1, 20);
    put("g2", "t", 0, 30);
    ck_assert_ok(feed(NULL));
    put("g1", "t", 0, 11);
    put("g1", "t", 0, 12);
    ck_assert_ok(feed(NULL));
    ck_assert_ok(group_replay_finish(&replay, NULL));
    struct group *seen[2] = {0};
    for (struct group *g; (g = group_replay_take(&replay));)
        seen[kp_str_is(g->id, "g2")] = g;
    ck_assert_int_eq(offset_of(seen[0], "t", 0), 12);
    ck_assert_int_eq(offset_of(seen[0], "t", 1), 20);
    ck_assert_int_eq(offset_of(seen[1], "t", 0), 30);
    ck_assert_int_eq(seen[0]->state, GROUP_EMPTY);
    ck_assert_mem_eq(group_offsets_find(&seen[0]->offsets, kp_str("t"), 0)->topic_id.b, TOPIC_ID,
                     16);
    group_free(seen[0], 0);
    group_free(seen[1], 0);
    finish();
}
END_TEST

START_TEST(a_null_value_takes_the_key_away)
{
    setup();
    put("g1", "t", 0, 10);
    put("g1", "t", 1, 20);
    put("g2", "t", 0, 30);
    add(BYTES("\0\2\0\2g3"), BYTES(state_value));
    group_records_no_offset(&builder, wall_ms, kp_str("g1"), kp_str("t"), 0);
    group_records_no_offset(&builder, wall_ms, kp_str("g2"), kp_str("t"), 0);
    group_records_no_offset(&builder, wall_ms, kp_str("g4"), kp_str("t"), 0);
    group_records_no_state(&builder, wall_ms, kp_str("g3"));
    ck_assert_ok(feed(NULL));
    ck_assert_ok(group_replay_finish(&replay, NULL));
    struct group *g = group_replay_take(&replay);
    ck_str_is(g->id, "g1");
    ck_assert_int_eq(offset_of(g, "t", 0), -1);
    ck_assert_int_eq(offset_of(g, "t", 1), 20);
    group_free(g, 0);
    ck_assert_ptr_null(group_replay_take(&replay)); /* nothing is left of the others */
    finish();
}
END_TEST

START_TEST(the_last_state_of_a_group_counts)
{
    setup();
    add(BYTES(state_key), BYTES(empty_value));
    add(BYTES(state_key), BYTES(state_value));
    ck_assert_ok(feed(NULL));
    ck_assert_ok(group_replay_finish(&replay, NULL));
    struct group *g = group_replay_take(&replay);
    ck_assert_int_eq(g->state, GROUP_STABLE);
    ck_assert_int_eq(g->generation, 1);
    ck_assert_int_eq(g->n_members, 1);
    ck_assert_int_eq(g->since_ms, wall_ms);
    ck_str_is(g->protocol, "range");
    ck_str_is(g->members->instance_id, "i1");
    ck_assert_mem_eq(g->members->assignment.p, "asg", 3);
    ck_assert_int_eq(g->members->session_ms, 10000);
    ck_assert_int_eq(g->members->rebalance_ms, 60000);
    group_free(g, 0);
    finish();
}
END_TEST

START_TEST(an_old_state_needs_not_be_readable)
{
    setup();
    add(BYTES(state_key), BYTES(state_value));
    add(BYTES(state_key), span_of(NULL, 0));
    ck_assert_ok(feed(NULL));
    ck_assert_ok(group_replay_finish(&replay, NULL));
    ck_assert_ptr_null(group_replay_take(&replay));
    finish();
}
END_TEST

START_TEST(records_of_unknown_kinds_are_passed_over)
{
    setup();
    add(BYTES("\0\3newer"), BYTES("x"));
    put("g1", "t", 0, 10);
    ck_assert_ok(feed(NULL));
    ck_assert_uint_eq(replay.unknown, 1);
    ck_assert_uint_eq(replay.records, 2);
    finish();
}
END_TEST

START_TEST(damage_is_reported_with_its_offset)
{
    setup();
    struct err e = {0};
    put("g1", "t", 0, 10);
    ck_assert_ok(batch_builder_finish(&builder, &out));
    batch_place(out.buf, 4711, 0);
    out.buf[out.len - 3] ^= 1;
    ck_assert_int_eq(group_replay_add(&replay, span_of(out.buf, out.len), &e), ERR_CRC);
    ck_assert_ptr_nonnull(strstr(e.text, "4711"));
    ck_assert_int_eq(group_replay_add(&replay, span_of(out.buf, out.len - 1), &e), ERR_SHORT);
    add(BYTES(offset_key), BYTES("\0\3"));
    out.len = 0;
    ck_assert_ok(batch_builder_finish(&builder, &out));
    batch_place(out.buf, 4712, 0);
    ck_assert_int_eq(group_replay_add(&replay, span_of(out.buf, out.len), &e), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(e.text, "4712"));
    finish();
}
END_TEST

START_TEST(a_state_that_contradicts_itself_is_reported)
{
    setup();
    struct err e = {0};
    struct kp_group_metadata_value v;
    struct kp_group_metadata_value_members m;
    kp_init(&kp_group_metadata_value_schema, &v);
    kp_init(&kp_group_metadata_value_members_schema, &m);
    v.protocol = kp_str(NULL);
    v.n_members = 1;
    v.members = &m;
    struct wr value;
    wr_init(&value, 0);
    kp_encode_record(&kp_group_metadata_value_schema, 3, &v, &value);
    add(BYTES(state_key), span_of(value.buf, value.len));
    ck_assert_ok(feed(NULL));
    ck_assert_int_eq(group_replay_finish(&replay, &e), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(e.text, "g1"));
    wr_free(&value);
    finish();
}
END_TEST

/* ---- what was committed */

static void count(void *ctx, const struct group_offset *c)
{
    int64_t *sum = ctx;
    ck_assert_int_gt(c->offset, *sum % 100); /* in order */
    *sum = *sum * 100 + c->offset;
}

START_TEST(offsets_are_kept_by_topic_and_partition)
{
    setup();
    struct group_offsets o;
    group_offsets_init(&o, &memory);
    static const struct {
        const char *topic;
        int32_t partition;
        int64_t offset;
    } in[] = {{"b", 0, 4}, {"a", 10, 3}, {"a", 2, 2}, {"", 0, 1}, {"b", 1, 5}, {"a", 2, 2}};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
        struct group_offset c = an_offset();
        c.topic = kp_str(in[i].topic);
        c.partition = in[i].partition;
        c.offset = in[i].offset;
        ck_assert_ok(group_offsets_put(&o, &c));
    }
    ck_assert_uint_eq(group_offsets_count(&o), 5);
    int64_t sum = 0;
    group_offsets_each(&o, count, &sum);
    ck_assert_int_eq(sum, 102030405);
    group_offsets_remove(&o, kp_str("a"), 2);
    group_offsets_remove(&o, kp_str("a"), 3);
    ck_assert_ptr_null(group_offsets_find(&o, kp_str("a"), 2));
    ck_assert_uint_eq(group_offsets_count(&o), 4);
    group_offsets_release(&o);
    finish();
}
END_TEST

UNIT_MAIN(an_offset_is_written_as_kafka_does, an_offset_that_says_when_it_goes_keeps_its_topics_id,
          no_offset_is_a_null_value, a_group_is_written_as_kafka_does,
          offsets_of_all_versions_are_read, what_cannot_be_understood_is_an_error,
          the_last_value_of_a_key_counts, a_null_value_takes_the_key_away,
          the_last_state_of_a_group_counts, an_old_state_needs_not_be_readable,
          records_of_unknown_kinds_are_passed_over, damage_is_reported_with_its_offset,
          a_state_that_contradicts_itself_is_reported, offsets_are_kept_by_topic_and_partition)
