/* What remains of a batch when records go. */
#include "batch/filter.h"

#include "tests/unit/batch/make.h"

enum { HORIZON = 5000000, SIZE_OF_RECORDS = 1 << 20 };

static struct wr in, out;
static uint32_t kept; /* a bit for each offset delta */

static bool keep(void *ctx, const struct batch *b, const struct record *r)
{
    (void)ctx;
    (void)b;
    return kept & UINT32_C(1) << r->offset_delta;
}

/* A producer's batch of n records "k<i>" = "v<i>"; `nulls` tells which have no value. */
static void make(enum batch_codec codec, int n, uint32_t nulls)
{
    struct batch_builder b;
    batch_builder_init(&b, codec);
    b.producer_id = 77;
    b.producer_epoch = 3;
    b.base_sequence = 1000;
    for (int i = 0; i < n; i++) {
        struct record_header header = {span_str("h"), span_of(NULL, 0)};
        char key[16], value[16];
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "v%d", i);
        batch_builder_add(&b, MAKE_TIME + 10 * i, span_str(key),
                          nulls & UINT32_C(1) << i ? span_of(NULL, 0) : span_str(value), &header,
                          i % 2);
    }
    wr_init(&in, 0);
    wr_init(&out, 0);
    ck_assert_ok(batch_builder_finish(&b, &in));
    batch_builder_release(&b);
    batch_place(in.buf, 500, 9);
}

static int filter(uint32_t keep_these, bool keep_empty)
{
    struct batch_filter f = {
        .keep = keep,
        .keep_empty = keep_empty,
        .delete_horizon_ms = HORIZON,
        .max_expanded = SIZE_OF_RECORDS,
    };
    kept = keep_these;
    wr_reset(&out);
    return batch_filter(make_span(&in), &f, &out);
}

static void drop(void)
{
    wr_free(&in);
    wr_free(&out);
}

/* What no filtering may change. */
static struct batch check_place(void)
{
    struct batch was, is;
    struct err e;
    ck_assert_ok(batch_peek(make_span(&in), &was));
    int rc = batch_verify(make_span(&out), &is, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_uint_eq(batch_size(&is), out.len);
    ck_assert_int_eq(is.base_offset, was.base_offset);
    ck_assert_int_eq(is.last_offset_delta, was.last_offset_delta);
    ck_assert_int_eq(is.leader_epoch, was.leader_epoch);
    ck_assert_int_eq(is.producer_id, was.producer_id);
    ck_assert_int_eq(is.producer_epoch, was.producer_epoch);
    ck_assert_int_eq(is.base_sequence, was.base_sequence);
    return is;
}

static void check_records(uint32_t mask, uint32_t nulls)
{
    struct records it;
    struct record r;
    ck_assert_ok(records_init(&it, make_span(&out), SIZE_OF_RECORDS));
    for (int i = 0; i < 32; i++) {
        char key[16], value[16];
        if (!(mask & UINT32_C(1) << i))
            continue;
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "v%d", i);
        ck_assert_int_eq(records_next(&it, &r), 1);
        ck_assert_int_eq(r.offset, 500 + i);
        ck_assert_int_eq(r.timestamp, MAKE_TIME + 10 * i);
        ck_assert(span_eq(r.key, span_str(key)));
        ck_assert_int_eq(r.n_headers, i % 2);
        if (nulls & UINT32_C(1) << i)
            ck_assert_ptr_null(r.value.p);
        else
            ck_assert(span_eq(r.value, span_str(value)));
    }
    ck_assert_int_eq(records_next(&it, &r), 0);
    records_release(&it);
}

START_TEST(what_is_whole_stays_byte_for_byte)
{
    for (int codec = 0; codec < BATCH_CODECS; codec++) {
        make((enum batch_codec)codec, 5, 0);
        ck_assert_int_eq(filter(0x1f, false), BATCH_FILTERED_SAME);
        ck_assert_bytes_eq(out.buf, out.len, in.buf, in.len);
        drop();
    }
}
END_TEST

START_TEST(records_go_and_the_rest_keeps_its_place)
{
    for (int codec = 0; codec < BATCH_CODECS; codec++) {
        for (uint32_t mask = 1; mask < 0x1f; mask++) {
            make((enum batch_codec)codec, 5, 0);
            ck_assert_int_eq(filter(mask, mask % 2), BATCH_FILTERED_ANEW);
            struct batch b = check_place();
            ck_assert_int_eq(b.count, __builtin_popcount(mask));
            ck_assert_int_eq((int)batch_codec(&b), codec);
            ck_assert_int_eq(b.max_timestamp, MAKE_TIME + 10 * (31 - __builtin_clz(mask)));
            check_records(mask, 0);
            drop();
        }
    }
}
END_TEST

START_TEST(without_records_nothing_or_a_header_stays)
{
    make(BATCH_LZ4, 4, 0x2);
    ck_assert_int_eq(filter(0, false), BATCH_FILTERED_GONE);
    ck_assert_uint_eq(out.len, 0);
    ck_assert_int_eq(filter(0, true), BATCH_FILTERED_EMPTY);
    struct batch b = check_place();
    ck_assert_uint_eq(out.len, BATCH_HEADER);
    ck_assert_int_eq(b.count, 0);
    ck_assert_int_eq(b.attributes, 0);
    ck_assert_int_eq(b.max_timestamp, MAKE_TIME + 30);
    ck_assert_int_eq(b.base_timestamp, -1);
    check_records(0, 0);

    /* And filtered again it is what it was. */
    struct wr first = out;
    wr_free(&in);
    in = first;
    wr_init(&out, 0);
    ck_assert_int_eq(filter(0, true), BATCH_FILTERED_SAME);
    ck_assert_bytes_eq(out.buf, out.len, in.buf, in.len);
    ck_assert_int_eq(filter(0, false), BATCH_FILTERED_GONE);
    drop();
}
END_TEST

START_TEST(a_tombstone_brings_a_delete_horizon)
{
    for (int codec = 0; codec < BATCH_CODECS; codec++) {
        int64_t horizon;
        make((enum batch_codec)codec, 6, 0x12);
        ck_assert_int_eq(filter(0x3f, false), BATCH_FILTERED_ANEW);
        struct batch b = check_place();
        ck_assert(batch_delete_horizon(&b, &horizon));
        ck_assert_int_eq(horizon, HORIZON);
        ck_assert_int_eq(b.max_timestamp, MAKE_TIME + 50);
        check_records(0x3f, 0x12);

        /* It is stated once; later filterings leave it alone, and without the tombstone too. */
        struct wr first = out;
        wr_free(&in);
        in = first;
        wr_init(&out, 0);
        ck_assert_int_eq(filter(0x3f, false), BATCH_FILTERED_SAME);
        ck_assert_int_eq(filter(0x0d, false), BATCH_FILTERED_ANEW);
        b = check_place();
        ck_assert(batch_delete_horizon(&b, &horizon));
        ck_assert_int_eq(horizon, HORIZON);
        check_records(0x0d, 0);
        drop();
    }
}
END_TEST

START_TEST(a_tombstone_that_goes_brings_none)
{
    int64_t horizon;
    make(BATCH_NONE, 3, 0x2);
    ck_assert_int_eq(filter(0x5, false), BATCH_FILTERED_ANEW);
    struct batch b = check_place();
    ck_assert(!batch_delete_horizon(&b, &horizon));
    drop();
}
END_TEST

START_TEST(append_time_is_not_recomputed)
{
    make(BATCH_GZIP, 4, 0x1);
    batch_stamp(in.buf, in.len, 42424242);
    ck_assert_int_eq(filter(0x3, false), BATCH_FILTERED_ANEW);
    struct batch b = check_place();
    ck_assert_int_eq(b.max_timestamp, 42424242);
    ck_assert(b.attributes & BATCH_ATTR_APPEND_TIME);
    drop();
}
END_TEST

/* Deltas do not reach from there: the tombstone stays without a horizon. */
START_TEST(a_time_too_far_from_the_horizon_is_no_failure)
{
    int64_t horizon;
    make(BATCH_NONE, 1, 0x1);
    put_be64(in.buf + AT_BASE_TIME, (uint64_t)(INT64_MIN + 5));
    make_seal(&in);
    ck_assert_int_eq(filter(0x1, false), BATCH_FILTERED_ANEW);
    struct batch b = check_place();
    ck_assert(!batch_delete_horizon(&b, &horizon));
    drop();
}
END_TEST

START_TEST(what_is_no_batch_is_refused)
{
    make(BATCH_ZSTD, 4, 0);
    in.len--;
    ck_assert_int_lt(filter(0xf, false), 0);
    in.len++;
    put_be32(in.buf + AT_COUNT, 3);
    make_seal(&in);
    ck_assert_int_eq(filter(0xf, false), ERR_MALFORMED);
    drop();
    make(BATCH_NONE, 4, 0);
    struct batch_filter f = {.keep = keep, .max_expanded = 10};
    ck_assert_int_ge(batch_filter(make_span(&in), &f, &out), 0); /* it bounds expanding only */
    drop();
    make(BATCH_GZIP, 4, 0);
    ck_assert_int_eq(batch_filter(make_span(&in), &f, &out), ERR_TOOBIG);
    drop();
}
END_TEST

UNIT_MAIN(what_is_whole_stays_byte_for_byte, records_go_and_the_rest_keeps_its_place,
          without_records_nothing_or_a_header_stays, a_tombstone_brings_a_delete_horizon,
          a_tombstone_that_goes_brings_none, append_time_is_not_recomputed,
          a_time_too_far_from_the_horizon_is_no_failure, what_is_no_batch_is_refused)
