/* Every rule of batch_admit: a batch that just passes, and one that just does not. */
#include "batch/batch.h"
#include "tests/unit/batch/make.h"

static struct wr w;
static struct batch_rules rules;
static struct batch b;
static struct err e;
static int32_t bad;

static void setup(void)
{
    wr_free(&w);
    wr_init(&w, 0);
    rules = (struct batch_rules){
        .produce_version = 9,
        .max_bytes = 1048588,
        .now_ms = MAKE_TIME,
        .before_max_ms = INT64_MAX,
        .after_max_ms = INT64_MAX,
        .max_expanded = 1 << 20,
    };
    e.text[0] = 0;
    bad = -7;
}

static void fresh(enum batch_codec codec, int n)
{
    setup();
    make_batch(&w, codec, n);
}

static int admit(void)
{
    e.text[0] = 0;
    int why = batch_admit(make_span(&w), &rules, &b, &bad, &e);
    ck_assert_msg((why == 0) == (e.text[0] == 0), "a refusal has a sentence: %d %s", why, e.text);
    return why;
}

/* Is the batch refused so once `v`, of `size` bytes, stands at `at` under a right CRC? */
static int admit_with(size_t at, size_t size, int64_t v)
{
    for (size_t i = 0; i < size; i++)
        w.buf[at + i] = (uint8_t)((uint64_t)v >> (8 * (size - 1 - i)));
    make_seal(&w);
    return admit();
}

START_TEST(a_good_batch_passes_in_every_codec)
{
    for (int c = 0; c < BATCH_CODECS; c++) {
        fresh((enum batch_codec)c, 100);
        ck_assert_int_eq(admit(), 0);
        ck_assert_int_eq(b.count, 100);
        ck_assert_int_eq(bad, -1);
    }
}
END_TEST

START_TEST(exactly_one_batch)
{
    fresh(BATCH_NONE, 2);
    size_t n = w.len;
    ck_assert_int_eq(batch_admit(span_of(NULL, 0), &rules, &b, NULL, &e), BATCH_REFUSED_INVALID);
    for (size_t cut = 1; cut < n; cut++)
        ck_assert_int_eq(batch_admit(span_of(w.buf, cut), &rules, &b, NULL, &e),
                         BATCH_REFUSED_INVALID);
    make_batch(&w, BATCH_NONE, 1);
    ck_assert_int_eq(admit(), BATCH_REFUSED_INVALID);
    w.len = n + 1;
    ck_assert_int_eq(admit(), BATCH_REFUSED_INVALID);
    w.len = n;
    ck_assert_int_eq(admit(), 0);
}
END_TEST

START_TEST(only_magic_2)
{
    for (int magic = 0; magic < 256; magic++) {
        fresh(BATCH_NONE, 1);
        w.buf[AT_MAGIC] = (uint8_t)magic;
        ck_assert_int_eq(admit(), magic == 2 ? 0 : BATCH_REFUSED_INVALID);
    }
}
END_TEST

START_TEST(a_length_below_a_header_is_damage)
{
    fresh(BATCH_NONE, 1);
    put_be32(w.buf + AT_LENGTH, BATCH_HEADER - BATCH_PREFIX - 1);
    ck_assert_int_eq(admit(), BATCH_REFUSED_CORRUPT);
    put_be32(w.buf + AT_LENGTH, 0x80000000);
    ck_assert_int_eq(admit(), BATCH_REFUSED_CORRUPT);
}
END_TEST

START_TEST(size_counts_the_compressed_batch_with_its_header)
{
    fresh(BATCH_NONE, 5);
    rules.max_bytes = (int32_t)w.len;
    ck_assert_int_eq(admit(), 0);
    rules.max_bytes--;
    ck_assert_int_eq(admit(), BATCH_REFUSED_SIZE);
    fresh(BATCH_GZIP, 1000);
    rules.max_bytes = (int32_t)w.len;
    ck_assert_int_eq(admit(), 0);
}
END_TEST

START_TEST(a_wrong_crc_comes_before_other_faults_of_the_content)
{
    fresh(BATCH_NONE, 3);
    for (size_t at = AT_CRC; at < w.len; at++) {
        w.buf[at] ^= 0x10;
        ck_assert_int_eq(admit(), BATCH_REFUSED_CORRUPT);
        w.buf[at] ^= 0x10;
    }
    ck_assert_int_eq(admit(), 0);
}
END_TEST

START_TEST(zstd_needs_produce_7)
{
    fresh(BATCH_ZSTD, 3);
    rules.produce_version = 6;
    ck_assert_int_eq(admit(), BATCH_REFUSED_CODEC);
    rules.produce_version = 7;
    ck_assert_int_eq(admit(), 0);
    fresh(BATCH_LZ4, 3);
    rules.produce_version = 3;
    ck_assert_int_eq(admit(), 0);
}
END_TEST

START_TEST(unknown_codecs_are_refused)
{
    for (int codec = BATCH_CODECS; codec < 8; codec++) {
        fresh(BATCH_NONE, 3);
        ck_assert_int_eq(admit_with(AT_ATTRIBUTES, 2, codec), BATCH_REFUSED_CODEC);
    }
}
END_TEST

START_TEST(count_and_last_delta_agree)
{
    fresh(BATCH_NONE, 3);
    ck_assert_int_eq(admit_with(AT_LAST_DELTA, 4, 1), BATCH_REFUSED_INVALID);
    ck_assert_int_eq(admit_with(AT_LAST_DELTA, 4, 3), BATCH_REFUSED_INVALID);
    ck_assert_int_eq(admit_with(AT_LAST_DELTA, 4, -1), BATCH_REFUSED_INVALID);
    ck_assert_int_eq(admit_with(AT_LAST_DELTA, 4, INT32_MAX), BATCH_REFUSED_INVALID);
    ck_assert_int_eq(admit_with(AT_COUNT, 4, INT32_MIN), BATCH_REFUSED_INVALID);
    ck_assert_int_eq(admit_with(AT_LAST_DELTA, 4, 2), BATCH_REFUSED_INVALID);
    ck_assert_int_eq(admit_with(AT_COUNT, 4, 3), 0);
}
END_TEST

START_TEST(no_empty_batch)
{
    setup();
    make_raw(&w, BATCH_NONE, 0, "", 0);
    ck_assert_int_eq(admit(), BATCH_REFUSED_INVALID);
    ck_assert_int_eq(admit_with(AT_LAST_DELTA, 4, 0), BATCH_REFUSED_INVALID);
}
END_TEST

START_TEST(the_header_tells_the_true_number_of_records)
{
    for (int c = 0; c < BATCH_CODECS; c++) {
        fresh((enum batch_codec)c, 3);
        put_be32(w.buf + AT_LAST_DELTA, 1);
        ck_assert_int_eq(admit_with(AT_COUNT, 4, 2), BATCH_REFUSED_INVALID);
        ck_assert_int_eq(bad, -1); /* there is no such record */
        put_be32(w.buf + AT_LAST_DELTA, 3);
        ck_assert_int_eq(admit_with(AT_COUNT, 4, 4), BATCH_REFUSED_INVALID);
        ck_assert_int_eq(bad, 3);
    }
}
END_TEST

START_TEST(control_batches_are_the_brokers)
{
    fresh(BATCH_NONE, 1);
    ck_assert_int_eq(admit_with(AT_ATTRIBUTES, 2, BATCH_ATTR_CONTROL), BATCH_REFUSED_INVALID);
    rules.internal = true;
    ck_assert_int_eq(admit(), 0);
    ck_assert_int_eq(admit_with(AT_PRODUCER, 8, 5), 0); /* and need no sequence */
}
END_TEST

START_TEST(a_producer_id_needs_epoch_and_sequence)
{
    fresh(BATCH_NONE, 1);
    ck_assert_int_eq(admit_with(AT_PRODUCER, 8, 0), BATCH_REFUSED_INVALID);
    ck_assert_int_eq(admit_with(AT_EPOCH, 2, 0), BATCH_REFUSED_INVALID);
    ck_assert_int_eq(admit_with(AT_SEQUENCE, 4, 0), 0);
    ck_assert_int_eq(admit_with(AT_EPOCH, 2, -1), BATCH_REFUSED_INVALID);
}
END_TEST

START_TEST(a_transaction_needs_a_producer_id)
{
    fresh(BATCH_NONE, 1);
    ck_assert_int_eq(admit_with(AT_ATTRIBUTES, 2, BATCH_ATTR_TXN), BATCH_REFUSED_INVALID);
    put_be64(w.buf + AT_PRODUCER, 9);
    put_be16(w.buf + AT_EPOCH, 0);
    ck_assert_int_eq(admit_with(AT_SEQUENCE, 4, 0), 0);
}
END_TEST

START_TEST(append_time_and_delete_horizon_are_the_brokers)
{
    fresh(BATCH_NONE, 1);
    ck_assert_int_eq(admit_with(AT_ATTRIBUTES, 2, BATCH_ATTR_APPEND_TIME), BATCH_REFUSED_TIMESTAMP);
    rules.append_time = true;
    ck_assert_int_eq(admit(), BATCH_REFUSED_TIMESTAMP);
    ck_assert_int_eq(admit_with(AT_ATTRIBUTES, 2, BATCH_ATTR_DELETE_HORIZON),
                     BATCH_REFUSED_INVALID);
}
END_TEST

START_TEST(timestamps_are_neither_too_old_nor_too_far_ahead)
{
    for (int c = 0; c < BATCH_CODECS; c++) {
        fresh((enum batch_codec)c, 10); /* from now to now + 9 */
        rules.after_max_ms = 9;
        ck_assert_int_eq(admit(), 0);
        rules.after_max_ms = 6;
        ck_assert_int_eq(admit(), BATCH_REFUSED_TIMESTAMP);
        ck_assert_int_eq(bad, 7);
        rules.append_time = true;
        ck_assert_int_eq(admit(), 0);
        rules.append_time = false;
        rules.after_max_ms = INT64_MAX;
        rules.now_ms = MAKE_TIME + 100;
        rules.before_max_ms = 100;
        ck_assert_int_eq(admit(), 0);
        rules.before_max_ms = 99;
        ck_assert_int_eq(admit(), BATCH_REFUSED_TIMESTAMP);
        ck_assert_int_eq(bad, 0);
    }
}
END_TEST

static void one_record_at(int64_t ts)
{
    struct batch_builder builder;
    setup();
    batch_builder_init(&builder, BATCH_NONE);
    make_records(&builder, 1, ts);
    ck_assert_ok(batch_builder_finish(&builder, &w));
    batch_builder_release(&builder);
}

START_TEST(extreme_timestamps_do_not_overflow)
{
    one_record_at(INT64_MIN);
    rules.before_max_ms = rules.after_max_ms = 1000;
    ck_assert_int_eq(admit(), BATCH_REFUSED_TIMESTAMP);
    rules.before_max_ms = INT64_MAX;
    ck_assert_int_eq(admit(), 0);
    one_record_at(INT64_MAX);
    rules.before_max_ms = rules.after_max_ms = 1000;
    ck_assert_int_eq(admit(), BATCH_REFUSED_TIMESTAMP);
    rules.after_max_ms = INT64_MAX;
    ck_assert_int_eq(admit(), 0);
    one_record_at(-1); /* says: none */
    rules.before_max_ms = rules.after_max_ms = 0;
    ck_assert_int_eq(admit(), 0);
}
END_TEST

START_TEST(the_true_max_timestamp_is_found)
{
    for (int c = 0; c < BATCH_CODECS; c++) {
        fresh((enum batch_codec)c, 10);
        ck_assert_int_eq(admit_with(AT_MAX_TIME, 8, 12345), 0);
        ck_assert_int_eq(b.max_timestamp, MAKE_TIME + 9);
        rules.append_time = true; /* the broker will stamp it anyway */
        ck_assert_int_eq(admit(), 0);
        ck_assert_int_eq(b.max_timestamp, 12345);
    }
}
END_TEST

START_TEST(compacted_topics_need_keys)
{
    for (int c = 0; c < BATCH_CODECS; c++) {
        struct batch_builder builder;
        setup();
        batch_builder_init(&builder, (enum batch_codec)c);
        make_records(&builder, 4, MAKE_TIME);
        batch_builder_add(&builder, MAKE_TIME, span_str(""), span_str("v"), NULL, 0);
        batch_builder_add(&builder, MAKE_TIME, span_of(NULL, 0), span_str("v"), NULL, 0);
        ck_assert_ok(batch_builder_finish(&builder, &w));
        batch_builder_release(&builder);
        ck_assert_int_eq(admit(), 0);
        rules.compacted = true;
        ck_assert_int_eq(admit(), BATCH_REFUSED_INVALID);
        ck_assert_int_eq(bad, 5);
    }
}
END_TEST

START_TEST(records_follow_the_format)
{
    static const struct {
        const char *what;
        int count;
        size_t n;
        const char *bytes;
        int32_t bad;
    } cases[] = {
        {"good", 1, 7, "\x0c\0\0\0\x01\x01\0", -2},
        {"good, with a header", 1, 10, "\x12\0\0\0\x01\x01\x02\x02h\x01", -2},
        {"a byte behind the records", 1, 8, "\x0c\0\0\0\x01\x01\0\0", -1},
        {"no record", 1, 0, "", 0},
        {"length beyond the batch", 1, 7, "\x0e\0\0\0\x01\x01\0", 0},
        {"length below the record", 1, 7, "\x0a\0\0\0\x01\x01\0", 0},
        {"length 0", 1, 7, "\0\0\0\0\x01\x01\0", 0},
        {"negative length", 1, 7, "\x0b\0\0\0\x01\x01\0", 0},
        {"length varint of six bytes", 1, 13, "\x8c\x80\x80\x80\x80\x80\0\0\0\0\x01\x01\0", 0},
        {"key length -2", 1, 7, "\x0c\0\0\0\x03\x01\0", 0},
        {"key beyond the record", 1, 7, "\x0c\0\0\0\x7e\x01\0", 0},
        {"value length -2", 1, 7, "\x0c\0\0\0\x01\x03\0", 0},
        {"value beyond the record", 1, 7, "\x0c\0\0\0\x01\x04\0", 0},
        {"header count -1", 1, 7, "\x0c\0\0\0\x01\x01\x01", 0},
        {"a header too few", 1, 7, "\x0c\0\0\0\x01\x01\x02", 0},
        {"a header too many", 1, 9, "\x10\0\0\0\x01\x01\0\0\x01", 0},
        {"null header key", 1, 9, "\x10\0\0\0\x01\x01\x02\x01\x01", 0},
        {"header value length -2", 1, 9, "\x10\0\0\0\x01\x01\x02\0\x03", 0},
        {"offset delta 1 first", 1, 7, "\x0c\0\0\x02\x01\x01\0", 0},
        {"offset delta -1", 1, 7, "\x0c\0\0\x01\x01\x01\0", 0},
        {"offset delta repeated", 2, 14, "\x0c\0\0\0\x01\x01\0\x0c\0\0\0\x01\x01\0", 1},
        {"timestamp overflow", 1, 16, "\x1e\0\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\x01\x01\0",
         0},
        {"endless timestamp varint", 1, 18,
         "\x22\0\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\x01\x01\0", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setup();
        make_raw(&w, BATCH_NONE, cases[i].count, cases[i].bytes, cases[i].n);
        int why = admit();
        bool good = cases[i].bad == -2;
        ck_assert_msg(why == (good ? 0 : BATCH_REFUSED_INVALID), "%s: %d", cases[i].what, why);
        ck_assert_msg(bad == (good ? -1 : cases[i].bad), "%s: record %d", cases[i].what, bad);
    }
}
END_TEST

START_TEST(what_cannot_be_expanded_is_not_stored)
{
    for (int c = BATCH_GZIP; c < BATCH_CODECS; c++) {
        setup();
        make_raw(&w, (enum batch_codec)c, 1, "not compressed at all", 21);
        ck_assert_int_eq(admit(), BATCH_REFUSED_INVALID);
        fresh((enum batch_codec)c, 50);
        w.len--; /* the last byte is missing */
        put_be32(w.buf + AT_LENGTH, (uint32_t)(w.len - BATCH_PREFIX));
        make_seal(&w);
        ck_assert_int_eq(admit(), BATCH_REFUSED_INVALID);
    }
}
END_TEST

START_TEST(expansion_is_bounded)
{
    struct batch_builder builder;
    for (int c = BATCH_GZIP; c < BATCH_CODECS; c++) {
        setup();
        batch_builder_init(&builder, (enum batch_codec)c);
        make_records(&builder, 1000, MAKE_TIME);
        size_t expanded = batch_builder_size(&builder) - BATCH_HEADER;
        ck_assert_ok(batch_builder_finish(&builder, &w));
        batch_builder_release(&builder);
        rules.max_expanded = expanded;
        ck_assert_int_eq(admit(), 0);
        rules.max_expanded = expanded - 1;
        ck_assert_int_eq(admit(), BATCH_REFUSED_SIZE);
    }
}
END_TEST

/* Whatever bytes come under a right CRC: an answer, and no access outside them (run with ASan). */
START_TEST(any_flipped_bit_gets_an_answer)
{
    for (int c = 0; c < BATCH_CODECS; c++) {
        fresh((enum batch_codec)c, 20);
        for (size_t bit = 8 * BATCH_CRC_FROM; bit < 8 * w.len; bit++) {
            w.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
            make_seal(&w);
            admit();
            w.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        make_seal(&w);
        ck_assert_int_eq(admit(), 0);
    }
}
END_TEST

UNIT_MAIN(a_good_batch_passes_in_every_codec, exactly_one_batch, only_magic_2,
          a_length_below_a_header_is_damage, size_counts_the_compressed_batch_with_its_header,
          a_wrong_crc_comes_before_other_faults_of_the_content, zstd_needs_produce_7,
          unknown_codecs_are_refused, count_and_last_delta_agree, no_empty_batch,
          the_header_tells_the_true_number_of_records, control_batches_are_the_brokers,
          a_producer_id_needs_epoch_and_sequence, a_transaction_needs_a_producer_id,
          append_time_and_delete_horizon_are_the_brokers,
          timestamps_are_neither_too_old_nor_too_far_ahead, extreme_timestamps_do_not_overflow,
          the_true_max_timestamp_is_found, compacted_topics_need_keys, records_follow_the_format,
          what_cannot_be_expanded_is_not_stored, expansion_is_bounded,
          any_flipped_bit_gets_an_answer)
