#include "batch/batch.h"

#include "tests/unit/batch/make.h"

static struct wr w;

static void fresh(int n)
{
    wr_free(&w);
    wr_init(&w, 0);
    make_batch(&w, BATCH_NONE, n);
}

START_TEST(peek_reads_every_field)
{
    struct batch b;
    fresh(3);
    batch_place(w.buf, 1000, 7);
    put_be64(w.buf + AT_PRODUCER, 4711);
    put_be16(w.buf + AT_EPOCH, 2);
    put_be32(w.buf + AT_SEQUENCE, 99);
    put_be16(w.buf + AT_ATTRIBUTES, BATCH_ATTR_TXN | BATCH_ZSTD);
    put_be32(w.buf + AT_CRC, 0xdeadbeef);
    ck_assert_ok(batch_peek(make_span(&w), &b));
    ck_assert_int_eq(b.base_offset, 1000);
    ck_assert_int_eq(b.leader_epoch, 7);
    ck_assert_int_eq(b.magic, 2);
    ck_assert_uint_eq(b.crc, 0xdeadbeef);
    ck_assert_int_eq(b.attributes, BATCH_ATTR_TXN | BATCH_ZSTD);
    ck_assert_int_eq(batch_codec(&b), BATCH_ZSTD);
    ck_assert_int_eq(b.last_offset_delta, 2);
    ck_assert_int_eq(batch_last_offset(&b), 1002);
    ck_assert_int_eq(b.base_timestamp, MAKE_TIME);
    ck_assert_int_eq(b.max_timestamp, MAKE_TIME + 2);
    ck_assert_int_eq(b.producer_id, 4711);
    ck_assert_int_eq(b.producer_epoch, 2);
    ck_assert_int_eq(b.base_sequence, 99);
    ck_assert_int_eq(b.count, 3);
    ck_assert_uint_eq(batch_size(&b), w.len);
}
END_TEST

START_TEST(peek_refuses_what_is_not_safe)
{
    struct batch b;
    fresh(3);
    ck_assert_int_eq(batch_peek(span_of(w.buf, BATCH_HEADER - 1), &b), ERR_SHORT);
    ck_assert_ok(batch_peek(span_of(w.buf, BATCH_HEADER), &b));
    w.buf[AT_MAGIC] = 1;
    ck_assert_int_eq(batch_peek(make_span(&w), &b), ERR_MALFORMED);
    fresh(3);
    put_be32(w.buf + AT_LENGTH, BATCH_HEADER - BATCH_PREFIX - 1);
    ck_assert_int_eq(batch_peek(make_span(&w), &b), ERR_MALFORMED);
    put_be32(w.buf + AT_LENGTH, UINT32_MAX);
    ck_assert_int_eq(batch_peek(make_span(&w), &b), ERR_MALFORMED);
    fresh(3);
    batch_place(w.buf, INT64_MAX - 1, 0);
    ck_assert_int_eq(batch_peek(make_span(&w), &b), ERR_MALFORMED);
    batch_place(w.buf, INT64_MAX - 2, 0);
    ck_assert_ok(batch_peek(make_span(&w), &b));
    put_be32(w.buf + AT_LAST_DELTA, UINT32_MAX);
    ck_assert_int_eq(batch_peek(make_span(&w), &b), ERR_MALFORMED);
}
END_TEST

START_TEST(verify_finds_every_flipped_bit)
{
    struct batch b;
    struct err e;
    fresh(3);
    ck_assert_ok(batch_verify(make_span(&w), &b, &e));
    for (size_t bit = 8 * AT_MAGIC; bit < 8 * w.len; bit++) {
        w.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_lt(batch_verify(make_span(&w), &b, &e), 0);
        w.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    w.buf[w.len - 1] ^= 1;
    ck_assert_int_eq(batch_verify(make_span(&w), &b, &e), ERR_CRC);
}
END_TEST

START_TEST(verify_finds_every_truncation)
{
    struct batch b;
    fresh(3);
    for (size_t n = 0; n < w.len; n++)
        ck_assert_int_eq(batch_verify(span_of(w.buf, n), &b, NULL), ERR_SHORT);
    wr_zero(&w, 10); /* what follows is not looked at */
    ck_assert_ok(batch_verify(make_span(&w), &b, NULL));
}
END_TEST

START_TEST(verify_judges_the_header)
{
    struct batch b;
    fresh(3);
    put_be16(w.buf + AT_ATTRIBUTES, 5);
    make_seal(&w);
    ck_assert_int_eq(batch_verify(make_span(&w), &b, NULL), ERR_MALFORMED);
    fresh(3);
    put_be32(w.buf + AT_COUNT, 4);
    make_seal(&w);
    ck_assert_int_eq(batch_verify(make_span(&w), &b, NULL), ERR_MALFORMED);
    put_be32(w.buf + AT_COUNT, UINT32_MAX);
    make_seal(&w);
    ck_assert_int_eq(batch_verify(make_span(&w), &b, NULL), ERR_MALFORMED);
    put_be32(w.buf + AT_COUNT, 0); /* compaction may leave nothing but the header's offsets */
    make_seal(&w);
    ck_assert_ok(batch_verify(make_span(&w), &b, NULL));
}
END_TEST

START_TEST(place_leaves_the_crc_right)
{
    struct batch b;
    fresh(3);
    batch_place(w.buf, INT64_C(1) << 40, 77);
    ck_assert_ok(batch_verify(make_span(&w), &b, NULL));
    ck_assert_int_eq(b.base_offset, INT64_C(1) << 40);
    ck_assert_int_eq(b.leader_epoch, 77);
}
END_TEST

START_TEST(stamp_sets_the_time_and_the_crc)
{
    struct batch b;
    fresh(3);
    batch_stamp(w.buf, w.len, 123456789);
    ck_assert_ok(batch_verify(make_span(&w), &b, NULL));
    ck_assert_int_eq(b.max_timestamp, 123456789);
    ck_assert_int_eq(b.attributes, BATCH_ATTR_APPEND_TIME);
}
END_TEST

START_TEST(max_timestamp_is_corrected)
{
    struct batch b;
    fresh(3);
    batch_set_max_timestamp(w.buf, w.len, 5);
    ck_assert_ok(batch_verify(make_span(&w), &b, NULL));
    ck_assert_int_eq(b.max_timestamp, 5);
    ck_assert_int_eq(b.attributes, 0);
}
END_TEST

START_TEST(codecs_have_names)
{
    static const char *const names[BATCH_CODECS] = {"none", "gzip", "snappy", "lz4", "zstd"};
    for (int i = 0; i < BATCH_CODECS; i++)
        ck_assert_str_eq(batch_codec_name((enum batch_codec)i), names[i]);
    ck_assert_str_eq(batch_codec_name((enum batch_codec)6), "unknown");
}
END_TEST

UNIT_MAIN(peek_reads_every_field, peek_refuses_what_is_not_safe, verify_finds_every_flipped_bit,
          verify_finds_every_truncation, verify_judges_the_header, place_leaves_the_crc_right,
          stamp_sets_the_time_and_the_crc, max_timestamp_is_corrected, codecs_have_names)
