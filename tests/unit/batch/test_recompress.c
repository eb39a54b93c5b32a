/* The same records, compressed otherwise. */
#include "batch/codec.h"
#include "tests/unit/batch/make.h"

enum { RECORDS = 50 };

/* Records that compress well, with headers, by an idempotent producer. */
static void make(enum batch_codec codec, struct wr *w)
{
    static const struct record_header header = {{(const uint8_t *)"h", 1},
                                                {(const uint8_t *)"v", 1}};
    struct batch_builder b;
    batch_builder_init(&b, codec);
    b.producer_id = 77;
    b.producer_epoch = 3;
    b.base_sequence = 12;
    for (int i = 0; i < RECORDS; i++)
        batch_builder_add(&b, 1000 + (i % 7), i % 2 ? span_str("key") : span_of(NULL, 0),
                          span_str("the same words again and again and again"), &header,
                          i % 3 == 0);
    ck_assert_ok(batch_builder_finish(&b, w));
    batch_place(w->buf, 500, 9);
    batch_builder_release(&b);
}

static void same_records(struct span a, struct span b)
{
    struct records x, y;
    struct record r, s;
    ck_assert_ok(records_init(&x, a, 1 << 20));
    ck_assert_ok(records_init(&y, b, 1 << 20));
    for (int i = 0; i < RECORDS; i++) {
        ck_assert_int_eq(records_next(&x, &r), 1);
        ck_assert_int_eq(records_next(&y, &s), 1);
        ck_assert_int_eq(r.offset, s.offset);
        ck_assert_int_eq(r.timestamp, s.timestamp);
        ck_assert_int_eq(r.key.p == NULL, s.key.p == NULL);
        ck_assert(span_eq(r.key, s.key) && span_eq(r.value, s.value));
        ck_assert(span_eq(r.headers, s.headers));
    }
    ck_assert_int_eq(records_next(&y, &s), 0);
    records_release(&x);
    records_release(&y);
}

START_TEST(everything_but_the_compression_stays)
{
    for (int from = 0; from < BATCH_CODECS; from++) {
        for (int to = 0; to < BATCH_CODECS; to++) {
            struct wr in, out;
            struct batch a, b;
            struct err e;
            wr_init(&in, 0);
            wr_init(&out, 0);
            wr_bytes(&out, "before", 6);
            make((enum batch_codec)from, &in);
            ck_assert_ok(batch_recompress(make_span(&in), (enum batch_codec)to, 5, 1 << 20, &out));
            struct span made = span_of(out.buf + 6, out.len - 6);
            ck_assert_ok(batch_verify(make_span(&in), &a, &e));
            ck_assert_ok(batch_verify(made, &b, &e));
            ck_assert_uint_eq(batch_size(&b), made.n);
            ck_assert_int_eq(batch_codec(&b), to);
            ck_assert_int_eq(a.attributes & ~BATCH_ATTR_CODEC, b.attributes & ~BATCH_ATTR_CODEC);
            ck_assert_mem_eq(in.buf, made.p, AT_LENGTH);
            ck_assert_mem_eq(in.buf + BATCH_PREFIX, made.p + BATCH_PREFIX, AT_CRC - BATCH_PREFIX);
            ck_assert_mem_eq(in.buf + AT_LAST_DELTA, made.p + AT_LAST_DELTA,
                             BATCH_HEADER - AT_LAST_DELTA);
            same_records(make_span(&in), made);
            wr_free(&in);
            wr_free(&out);
        }
    }
}
END_TEST

START_TEST(levels_are_used)
{
    static const struct {
        enum batch_codec codec;
        int fast, small;
    } cases[] = {{BATCH_GZIP, 0, 9}, {BATCH_ZSTD, -131072, 19}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wr in, fast, small;
        wr_init(&in, 0);
        wr_init(&fast, 0);
        wr_init(&small, 0);
        make(BATCH_NONE, &in);
        ck_assert_ok(
            batch_recompress(make_span(&in), cases[i].codec, cases[i].fast, 1 << 20, &fast));
        ck_assert_ok(
            batch_recompress(make_span(&in), cases[i].codec, cases[i].small, 1 << 20, &small));
        ck_assert_uint_lt(small.len, fast.len);
        wr_free(&in);
        wr_free(&fast);
        wr_free(&small);
    }
}
END_TEST

START_TEST(every_level_of_kafkas_is_taken)
{
    static const struct {
        enum batch_codec codec;
        int from, to;
    } cases[] = {{BATCH_GZIP, -1, 9}, {BATCH_LZ4, 1, 17}, {BATCH_ZSTD, -5, 22}};
    struct wr in, out;
    wr_init(&in, 0);
    wr_init(&out, 0);
    make(BATCH_NONE, &in);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int level = cases[i].from; level <= cases[i].to; level++) {
            wr_reset(&out);
            ck_assert_ok(batch_recompress(make_span(&in), cases[i].codec, level, 1 << 20, &out));
            same_records(make_span(&in), make_span(&out));
        }
    }
    wr_free(&in);
    wr_free(&out);
}
END_TEST

START_TEST(what_expands_too_far_is_refused)
{
    struct wr in, out;
    wr_init(&in, 0);
    wr_init(&out, 0);
    make(BATCH_ZSTD, &in);
    ck_assert_int_eq(batch_recompress(make_span(&in), BATCH_NONE, 0, 100, &out), ERR_TOOBIG);
    wr_reset(&out);
    in.buf[BATCH_HEADER] ^= 0xff;
    ck_assert_int_eq(batch_recompress(make_span(&in), BATCH_NONE, 0, 1 << 20, &out), ERR_CODEC);
    ck_assert_int_eq(batch_recompress(span_of(in.buf, 20), BATCH_NONE, 0, 1 << 20, &out),
                     ERR_SHORT);
    wr_free(&in);
    wr_free(&out);
}
END_TEST

UNIT_MAIN(everything_but_the_compression_stays, levels_are_used, every_level_of_kafkas_is_taken,
          what_expands_too_far_is_refused)
