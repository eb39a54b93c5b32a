/* Build and walk. */
#include "batch/records.h"

#include <stdlib.h>

#include "batch/codec.h"
#include "tests/unit/batch/make.h"

static const struct span null = {NULL, 0};

START_TEST(what_is_built_is_walked)
{
    const struct record_header headers[] = {
        {span_str("h1"), span_str("x")}, {span_str(""), null}, {span_str("h1"), span_str("")}};
    for (int c = 0; c < BATCH_CODECS; c++) {
        struct batch_builder b;
        struct wr w;
        struct records it;
        struct record r;
        struct record_header h;
        wr_init(&w, 0);
        batch_builder_init(&b, (enum batch_codec)c);
        batch_builder_add(&b, 500, null, null, NULL, 0);
        batch_builder_add(&b, 700, span_str(""), span_str(""), headers, 3);
        batch_builder_add(&b, 400, span_str("key"), span_str("value"), headers, 1);
        ck_assert_ok(batch_builder_finish(&b, &w));
        batch_place(w.buf, 100, 1);

        ck_assert_ok(records_init(&it, make_span(&w), 1000));
        ck_assert_int_eq(it.batch.base_timestamp, 500);
        ck_assert_int_eq(it.batch.max_timestamp, 700);
        ck_assert_int_eq(records_next(&it, &r), 1);
        ck_assert_int_eq(r.offset, 100);
        ck_assert_int_eq(r.timestamp, 500);
        ck_assert_ptr_null(r.key.p);
        ck_assert_ptr_null(r.value.p);
        ck_assert_int_eq(r.n_headers, 0);
        ck_assert_uint_eq(r.size, 7);

        ck_assert_int_eq(records_next(&it, &r), 1);
        ck_assert_int_eq(r.offset, 101);
        ck_assert_int_eq(r.timestamp, 700);
        ck_assert(r.key.p && r.key.n == 0);
        ck_assert(r.value.p && r.value.n == 0);
        ck_assert_int_eq(r.n_headers, 3);
        struct rd rd = rd_of(r.headers.p, r.headers.n);
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(record_header_next(&rd, &h), 1);
            ck_assert(span_eq(h.key, headers[i].key));
            ck_assert(span_eq(h.value, headers[i].value));
            ck_assert_int_eq(h.value.p == NULL, headers[i].value.p == NULL);
        }
        ck_assert_int_eq(record_header_next(&rd, &h), 0);

        ck_assert_int_eq(records_next(&it, &r), 1);
        ck_assert_int_eq(r.offset_delta, 2);
        ck_assert_int_eq(r.timestamp, 400);
        ck_assert_int_eq(r.timestamp_delta, -100);
        ck_assert(span_eq(r.key, span_str("key")));
        ck_assert(span_eq(r.value, span_str("value")));
        ck_assert_int_eq(records_next(&it, &r), 0);
        ck_assert_int_eq(records_next(&it, &r), 0);
        records_release(&it);
        batch_builder_release(&b);
        wr_free(&w);
    }
}
END_TEST

START_TEST(append_time_overrides_the_records)
{
    struct wr w;
    struct records it;
    struct record r;
    wr_init(&w, 0);
    make_batch(&w, BATCH_NONE, 2);
    batch_stamp(w.buf, w.len, 42);
    ck_assert_ok(records_init(&it, make_span(&w), 0));
    while (records_next(&it, &r) > 0)
        ck_assert_int_eq(r.timestamp, 42);
    ck_assert_int_eq(it.next, 2);
    records_release(&it);
    wr_free(&w);
}
END_TEST

/* Compaction leaves gaps between the records and offsets behind the last. */
START_TEST(gaps_are_walked)
{
    static const char body[] = "\x0c\0\0\x02\x01\x01\0\x0c\0\0\x06\x01\x01\0";
    struct wr w;
    struct records it;
    struct record r;
    wr_init(&w, 0);
    make_raw(&w, BATCH_NONE, 2, body, 14);
    put_be32(w.buf + AT_LAST_DELTA, 5);
    ck_assert_ok(records_init(&it, make_span(&w), 0));
    ck_assert_int_eq(records_next(&it, &r), 1);
    ck_assert_int_eq(r.offset, 1);
    ck_assert_int_eq(records_next(&it, &r), 1);
    ck_assert_int_eq(r.offset, 3);
    ck_assert_int_eq(records_next(&it, &r), 0);
    records_release(&it);
    put_be32(w.buf + AT_LAST_DELTA, 2); /* the second lies outside */
    ck_assert_ok(records_init(&it, make_span(&w), 0));
    ck_assert_int_eq(records_next(&it, &r), 1);
    ck_assert_int_eq(records_next(&it, &r), ERR_MALFORMED);
    ck_assert_int_eq(records_next(&it, &r), ERR_MALFORMED);
    records_release(&it);
    wr_free(&w);
}
END_TEST

/* A producer may state any base offset, and any delta of a record. */
START_TEST(offsets_do_not_overflow)
{
    static const char below[] = "\x0c\0\0\x01\x01\x01\0", above[] = "\x0c\0\0\x02\x01\x01\0";
    struct wr w;
    struct records it;
    struct record r;
    wr_init(&w, 0);
    make_raw(&w, BATCH_NONE, 1, below, 7);
    put_be64(w.buf, (uint64_t)INT64_MIN);
    ck_assert_ok(records_init(&it, make_span(&w), 0));
    ck_assert_int_eq(records_next(&it, &r), ERR_MALFORMED);
    records_release(&it);
    wr_reset(&w);
    make_raw(&w, BATCH_NONE, 1, above, 7);
    put_be64(w.buf, INT64_MAX);
    ck_assert_ok(records_init(&it, make_span(&w), 0));
    ck_assert_int_eq(records_next(&it, &r), ERR_MALFORMED);
    records_release(&it);
    wr_free(&w);
}
END_TEST

START_TEST(walking_needs_exactly_one_batch)
{
    struct wr w;
    struct records it;
    wr_init(&w, 0);
    make_batch(&w, BATCH_NONE, 2);
    ck_assert_int_eq(records_init(&it, span_of(w.buf, w.len - 1), 0), ERR_SHORT);
    records_release(&it);
    put_be32(w.buf + AT_COUNT, UINT32_MAX);
    ck_assert_int_eq(records_init(&it, make_span(&w), 0), ERR_MALFORMED);
    records_release(&it);
    put_be32(w.buf + AT_COUNT, 2);
    wr_u8(&w, 0);
    ck_assert_int_eq(records_init(&it, make_span(&w), 0), ERR_MALFORMED);
    records_release(&it);
    wr_free(&w);
}
END_TEST

START_TEST(one_builder_makes_many_batches)
{
    struct batch_builder b;
    struct batch h;
    struct wr w;
    wr_init(&w, 0);
    batch_builder_init(&b, BATCH_NONE);
    ck_assert_int_eq(batch_builder_finish(&b, &w), ERR_INVALID);
    ck_assert_uint_eq(w.len, 0);
    b.producer_id = 8;
    b.producer_epoch = 1;
    b.base_sequence = INT32_MAX - 1;
    make_records(&b, 1, 10);
    size_t size = batch_builder_size(&b);
    ck_assert_ok(batch_builder_finish(&b, &w));
    ck_assert_uint_eq(w.len, size);
    make_records(&b, 3, 20);
    ck_assert_ok(batch_builder_finish(&b, &w));
    ck_assert_int_eq(b.base_sequence, 2); /* 2^31 - 1, 0, 1 were used */

    ck_assert_ok(batch_verify(make_span(&w), &h, NULL));
    ck_assert_int_eq(h.base_sequence, INT32_MAX - 1);
    ck_assert_int_eq(h.max_timestamp, 10);
    ck_assert_ok(batch_verify(span_of(w.buf + size, w.len - size), &h, NULL));
    ck_assert_int_eq(h.base_sequence, INT32_MAX);
    ck_assert_int_eq(h.producer_id, 8);
    ck_assert_int_eq(h.producer_epoch, 1);
    ck_assert_int_eq(h.base_timestamp, 20);
    ck_assert_int_eq(h.leader_epoch, -1);
    ck_assert_int_eq(h.count, 3);
    batch_builder_release(&b);
    wr_free(&w);
}
END_TEST

START_TEST(timestamps_too_far_apart_stay_an_error)
{
    struct batch_builder b;
    struct wr w;
    wr_init(&w, 0);
    batch_builder_init(&b, BATCH_NONE);
    batch_builder_add(&b, INT64_MAX, null, null, NULL, 0);
    batch_builder_add(&b, INT64_MIN, null, null, NULL, 0);
    batch_builder_add(&b, INT64_MAX, null, null, NULL, 0);
    ck_assert_int_eq(b.records.err, ERR_INVALID);
    ck_assert_int_eq(batch_builder_finish(&b, &w), ERR_INVALID);
    batch_builder_release(&b);
    wr_free(&w);
}
END_TEST

/* Two walks at a time are two rooms; one of more than a MiB is given up. */
START_TEST(room_is_kept_for_the_next_batch)
{
    struct batch_builder b;
    struct codec_state k;
    struct records one, two;
    struct wr small, large;
    char *value = calloc(1, 3 << 20);
    wr_init(&small, 0);
    wr_init(&large, 0);
    codec_state_init(&k);
    batch_builder_init(&b, BATCH_LZ4);
    make_records(&b, 10, MAKE_TIME);
    ck_assert_ok(batch_builder_finish(&b, &small));
    batch_builder_add(&b, MAKE_TIME, null, span_of(value, 3 << 20), NULL, 0);
    ck_assert_ok(batch_builder_finish(&b, &large));

    ck_assert_ok(records_init_kept(&one, make_span(&small), 1000, &k));
    ck_assert_ok(records_init_kept(&two, make_span(&small), 1000, &k));
    const uint8_t *room = one.expanded.buf;
    ck_assert_ptr_ne(room, two.expanded.buf);
    ck_assert_uint_eq(one.expanded.len, two.expanded.len);
    records_release(&one);
    records_release(&two);
    ck_assert_ptr_eq(k.room.buf, room);

    ck_assert_ok(records_init_kept(&one, make_span(&large), 4 << 20, &k));
    records_release(&one);
    ck_assert_ptr_null(k.room.buf);
    ck_assert_ok(records_init_kept(&one, make_span(&small), 1000, &k));
    records_release(&one);
    ck_assert_ptr_nonnull(k.room.buf);
    codec_state_release(&k);
    batch_builder_release(&b);
    wr_free(&small);
    wr_free(&large);
    free(value);
}
END_TEST

UNIT_MAIN(what_is_built_is_walked, append_time_overrides_the_records, gaps_are_walked,
          offsets_do_not_overflow, walking_needs_exactly_one_batch, one_builder_makes_many_batches,
          timestamps_too_far_apart_stay_an_error, room_is_kept_for_the_next_batch)
