/* The bytes themselves: headers, names, payloads, frames and bodies. */
#include <errno.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "tests/unit/unit.h"
#include "wal/group.h"
#include "wal/writer.h"

static const struct wal_segment_header header = {.id = 0x1122334455667788,
                                                 .size = 16 * WAL_BLOCK,
                                                 .salt = 0xa1a2a3a4a5a6a7a8,
                                                 .created_ms = -5,
                                                 .owner = {{{9, 8, 7}}, 0x01020304, 0x05060708}};

START_TEST(segment_header_is_as_documented)
{
    uint8_t b[WAL_BLOCK];
    memset(b, 0xff, sizeof b);
    wal_segment_header_encode(b, &header);
    ck_assert_mem_eq(b, "CHRONWAL\1\0\0\0", 12);
    ck_assert_mem_eq(b + 16, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
    ck_assert_mem_eq(b + 24, "\0\0\1\0\0\0\0\0", 8);
    ck_assert_mem_eq(b + 32, "\x9\x8\x7\0", 4);
    ck_assert_mem_eq(b + 48, "\4\3\2\1\10\7\6\5", 8);
    ck_assert_mem_eq(b + 56, "\0\0\0\0\0\0\0\0\xa8\xa7\xa6\xa5\xa4\xa3\xa2\xa1\xfb\xff", 18);
    for (size_t i = 80; i < sizeof b; i++)
        ck_assert_uint_eq(b[i], 0);
    uint32_t crc = get_le32(b + 12);
    put_le32(b + 12, 0);
    ck_assert_uint_eq(crc, crc32c(0, b, sizeof b));
    put_le32(b + 12, crc);

    struct wal_segment_header h;
    ck_assert_ok(wal_segment_header_decode(b, &h, NULL));
    ck_assert_uint_eq(h.id, header.id);
    ck_assert_uint_eq(h.size, header.size);
    ck_assert_uint_eq(h.salt, header.salt);
    ck_assert_int_eq(h.created_ms, -5);
    ck_assert_uint_eq(h.version, 1);
    ck_assert_uint_eq(h.owner.node_id, header.owner.node_id);
    ck_assert_uint_eq(h.owner.shard, header.owner.shard);
    ck_assert(uuid_eq(&h.owner.cluster_id, &header.owner.cluster_id));
}
END_TEST

static void recompute(uint8_t *b)
{
    put_le32(b + 12, 0);
    put_le32(b + 12, crc32c(0, b, WAL_BLOCK));
}

START_TEST(flipped_header_is_corrupt_and_a_newer_one_is_newer)
{
    uint8_t b[WAL_BLOCK];
    struct wal_segment_header h;
    wal_segment_header_encode(b, &header);
    for (size_t i = 0; i < sizeof b * 8; i++) {
        b[i / 8] ^= (uint8_t)(1 << i % 8);
        ck_assert_int_eq(wal_segment_header_decode(b, &h, NULL), ERR_CORRUPT);
        b[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    static const struct {
        size_t at;
        uint8_t value;
        int rc;
    } made[] = {
        {8, 2, ERR_VERSION},  {8, 0, ERR_VERSION},  {56, 1, ERR_VERSION}, {63, 0x80, ERR_VERSION},
        {24, 1, ERR_CORRUPT}, {26, 0, ERR_CORRUPT}, {200, 1, 0},
    };
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        wal_segment_header_encode(b, &header);
        b[made[i].at] = made[i].value;
        recompute(b);
        ck_assert_int_eq(wal_segment_header_decode(b, &h, NULL), made[i].rc);
    }
    wal_segment_header_encode(b, &header);
    memset(b + 16, 0, 8); /* there is no segment 0 */
    recompute(b);
    ck_assert_int_eq(wal_segment_header_decode(b, &h, NULL), ERR_CORRUPT);
}
END_TEST

START_TEST(names)
{
    char path[64];
    uint64_t id = 0;
    ck_assert_ok(wal_segment_path(path, sizeof path, "/d", 42));
    ck_assert_str_eq(path, "/d/00000000000000000042.wal");
    ck_assert_int_eq(wal_segment_path(path, 20, "/d", 42), -ENAMETOOLONG);
    ck_assert(wal_segment_name("00000000000000000042.wal", &id));
    ck_assert_uint_eq(id, 42);
    ck_assert(wal_segment_name("18446744073709551615.wal", &id));
    ck_assert_uint_eq(id, UINT64_MAX);
    static const char *const others[] = {
        "",
        "42.wal",
        "18446744073709551616.wal",
        "00000000000000000000.wal",
        "00000000000000000042.tmp",
        "00000000000000000042.wal~",
        "0000000000000000042.wal",
        "000000000000000000042.wal",
        "0000000000000000004x.wal",
        "+0000000000000000042.wal",
        "checkpoint.0",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!wal_segment_name(others[i], &id), "%s", others[i]);
}
END_TEST

START_TEST(frame_type_names)
{
    ck_assert_str_eq(wal_frame_name(WAL_BATCH), "BATCH");
    ck_assert_str_eq(wal_frame_name(WAL_TOPIC), "TOPIC");
    ck_assert_str_eq(wal_frame_name(0), "?");
    ck_assert_str_eq(wal_frame_name(-1), "?");
    ck_assert_str_eq(wal_frame_name(255), "?");
}
END_TEST

START_TEST(group_header_is_as_documented)
{
    static uint8_t g[WAL_BLOCK];
    struct wal_group in = {.pos = {2, 3 * WAL_BLOCK},
                           .synced = {4, 5},
                           .index = 6,
                           .term = 7,
                           .payload_len = 20,
                           .prev_sync_us = 8};
    memset(g + WAL_GROUP_HEADER, 0x5a, 20);
    wal_group_header_encode(g, &in);
    wal_group_seal(g, header.salt);
    ck_assert_mem_eq(g, "CKWG", 4);
    ck_assert_uint_eq(get_le32(g + 8), crc32c(0, g + 80, 20));
    ck_assert_uint_eq(get_le32(g + 12), 20);
    static const uint64_t words[] = {2, 3 * WAL_BLOCK, 6, 7, 4, 5, 8, 0};
    for (size_t i = 0; i < 8; i++)
        ck_assert_uint_eq(get_le64(g + 16 + 8 * i), words[i]);
    uint32_t crc = crc32c(0, "\xa8\xa7\xa6\xa5\xa4\xa3\xa2\xa1", 8);
    ck_assert_uint_eq(get_le32(g + 4), crc32c(crc, g + 8, 72));

    ck_assert_ptr_null(wal_group_header_check(g, header.salt, in.pos));
    ck_assert_ptr_nonnull(wal_group_header_check(g, header.salt + 1, in.pos));
    ck_assert_ptr_nonnull(
        wal_group_header_check(g, header.salt, (struct wal_pos){3, 3 * WAL_BLOCK}));
    ck_assert_ptr_nonnull(
        wal_group_header_check(g, header.salt, (struct wal_pos){2, 4 * WAL_BLOCK}));
    struct wal_group out;
    wal_group_header_decode(g, &out);
    ck_assert_int_eq(wal_pos_cmp(out.pos, in.pos), 0);
    ck_assert_int_eq(wal_pos_cmp(out.synced, in.synced), 0);
    ck_assert_uint_eq(out.prev_sync_us, 8);
    ck_assert_ptr_null(wal_group_payload_check(g, &out));
    g[WAL_BLOCK - 1] = 1;
    ck_assert_ptr_nonnull(wal_group_payload_check(g, &out));
}
END_TEST

START_TEST(groups_fill_whole_blocks)
{
    ck_assert_uint_eq(wal_group_bytes(16), 4096);
    ck_assert_uint_eq(wal_group_bytes(4016), 4096);
    ck_assert_uint_eq(wal_group_bytes(4017), 8192);
    ck_assert_uint_eq(wal_group_bytes(UINT32_MAX), UINT64_C(0x100001000));
}
END_TEST

START_TEST(payload_grows_and_keeps_its_frames)
{
    struct wal_payload p;
    ck_assert_ok(wal_payload_init(&p, 0));
    ck_assert(wal_payload_empty(&p));
    for (size_t i = 0; i < 300; i++) {
        uint8_t *body = wal_payload_frame(&p, WAL_BATCH, (uint8_t)(i % 2), i * 7);
        ck_assert_ptr_nonnull(body);
        memset(body, (int)i, i * 7);
        ck_assert_uint_eq((uintptr_t)p.mem % WAL_BLOCK, 0);
        ck_assert_uint_ge(p.cap, wal_group_bytes((uint32_t)p.len));
    }
    wal_payload_stamp(&p, 11, -12);
    struct span s = wal_payload_span(&p);
    ck_assert_uint_eq(get_le64(s.p), 11);
    ck_assert_int_eq((int64_t)get_le64(s.p + 8), -12);
    struct wal_payload copy;
    ck_assert_ok(wal_payload_init(&copy, 100));
    ck_assert_ok(wal_payload_set(&copy, s));
    ck_assert(span_eq(wal_payload_span(&copy), s));
    struct wal_frame f;
    size_t at = WAL_PAYLOAD_HEADER;
    for (size_t i = 0; i < 300; i++) {
        ck_assert_int_eq(wal_frame_next(s, &at, &f), 1);
        ck_assert_int_eq(f.type, WAL_BATCH);
        ck_assert_uint_eq(f.flags, i % 2);
        ck_assert_uint_eq(f.body.n, i * 7);
        for (size_t k = 0; k < f.body.n; k++)
            ck_assert_uint_eq(f.body.p[k], (uint8_t)i);
    }
    ck_assert_int_eq(wal_frame_next(s, &at, &f), 0);
    wal_payload_reset(&copy);
    ck_assert(wal_payload_empty(&copy));
    ck_assert_int_eq(wal_payload_set(&copy, span_of("short", 5)), ERR_MALFORMED);
    ck_assert_ptr_null(wal_payload_frame(&copy, WAL_BATCH, 0, (size_t)UINT32_MAX));
    ck_assert_ptr_null(wal_payload_frame(&copy, WAL_BATCH, 0, SIZE_MAX));
    ck_assert(wal_payload_empty(&copy));
    wal_payload_release(&p);
    wal_payload_release(&copy);
}
END_TEST

START_TEST(malformed_frames_are_refused)
{
    uint8_t b[40] = {0};
    struct wal_frame f;
    size_t at = WAL_PAYLOAD_HEADER;
    b[16] = 200; /* unknown, skippable: given as it is */
    b[17] = 1;
    put_le32(b + 20, 16);
    ck_assert_int_eq(wal_frame_next(span_of(b, 40), &at, &f), 1);
    ck_assert_int_eq(f.type, 200);
    ck_assert_uint_eq(f.flags, WAL_FRAME_SKIPPABLE);
    ck_assert_uint_eq(at, 40);
    for (size_t n = 17; n < 40; n++) { /* cut anywhere */
        at = WAL_PAYLOAD_HEADER;
        ck_assert_int_eq(wal_frame_next(span_of(b, n), &at, &f), ERR_MALFORMED);
    }
    put_le32(b + 20, UINT32_MAX);
    at = WAL_PAYLOAD_HEADER;
    ck_assert_int_eq(wal_frame_next(span_of(b, 40), &at, &f), ERR_MALFORMED);
    put_le32(b + 20, 16);
    b[18] = 1;
    ck_assert_int_eq(wal_frame_next(span_of(b, 40), &at, &f), ERR_MALFORMED);
    at = 41;
    ck_assert_int_eq(wal_frame_next(span_of(b, 40), &at, &f), ERR_MALFORMED);
}
END_TEST

START_TEST(bodies_come_back)
{
    uint8_t b[64];
    struct uuid id = {{1, 2, 3}};
    struct wal_batch batch = {.topic_id = id, .partition = 70000}, batch2;
    wal_batch_encode(b, &batch);
    ck_assert_ok(wal_batch_decode(span_of(b, 30), &batch2));
    ck_assert(uuid_eq(&batch2.topic_id, &id));
    ck_assert_uint_eq(batch2.partition, 70000);
    ck_assert_uint_eq(batch2.batch.n, 10);
    ck_assert_ptr_eq(batch2.batch.p, b + 20);
    struct wal_trim trim = {id, 5, -1}, trim2;
    wal_trim_encode(b, &trim);
    ck_assert_ok(wal_trim_decode(span_of(b, WAL_TRIM_SIZE), &trim2));
    ck_assert(uuid_eq(&trim2.topic_id, &id));
    ck_assert_uint_eq(trim2.partition, 5);
    ck_assert_int_eq(trim2.log_start, -1);
    struct wal_open open = {1, 2, {3, 4}}, open2;
    wal_open_encode(b, &open);
    ck_assert_ok(wal_open_decode(span_of(b, WAL_OPEN_SIZE), &open2));
    ck_assert_mem_eq(&open, &open2, sizeof open);
    struct wal_state state = {5, 6}, state2;
    wal_state_encode(b, &state);
    ck_assert_ok(wal_state_decode(span_of(b, WAL_STATE_SIZE), &state2));
    ck_assert_mem_eq(&state, &state2, sizeof state);
    uint64_t next;
    wal_roll_encode(b, 77);
    ck_assert_ok(wal_roll_decode(span_of(b, WAL_ROLL_SIZE), &next));
    ck_assert_uint_eq(next, 77);
    struct wal_topic topic = {.topic_id = id}, topic2;
    wal_topic_encode(b, &topic);
    memcpy(b + WAL_TOPIC_FIXED, "name", 4);
    ck_assert_ok(wal_topic_decode(span_of(b, 20), &topic2));
    ck_assert(span_eq(topic2.name, span_str("name")));
}
END_TEST

START_TEST(bodies_of_wrong_length_are_refused)
{
    uint8_t b[64] = {0};
    struct wal_batch batch;
    struct wal_trim trim;
    struct wal_open open;
    struct wal_state state;
    struct wal_topic topic;
    uint64_t next;
    for (size_t n = 0; n <= sizeof b; n++) {
        struct span s = span_of(b, n);
        ck_assert_int_eq(wal_batch_decode(s, &batch), n >= WAL_BATCH_FIXED ? 0 : ERR_MALFORMED);
        ck_assert_int_eq(wal_trim_decode(s, &trim), n == WAL_TRIM_SIZE ? 0 : ERR_MALFORMED);
        ck_assert_int_eq(wal_open_decode(s, &open), n == WAL_OPEN_SIZE ? 0 : ERR_MALFORMED);
        ck_assert_int_eq(wal_state_decode(s, &state), n == WAL_STATE_SIZE ? 0 : ERR_MALFORMED);
        ck_assert_int_eq(wal_roll_decode(s, &next), n == WAL_ROLL_SIZE ? 0 : ERR_MALFORMED);
        ck_assert_int_eq(wal_topic_decode(s, &topic), n > WAL_TOPIC_FIXED ? 0 : ERR_MALFORMED);
    }
}
END_TEST

UNIT_MAIN(segment_header_is_as_documented, flipped_header_is_corrupt_and_a_newer_one_is_newer,
          names, frame_type_names, group_header_is_as_documented, groups_fill_whole_blocks,
          payload_grows_and_keeps_its_frames, malformed_frames_are_refused, bodies_come_back,
          bodies_of_wrong_length_are_refused)
