#include <string.h>

#include "batch/records.h"
#include "cli/bench_batch.h"
#include "tests/unit/unit.h"

static struct bench_batch_spec spec = {
    .records = 20, .value_size = 100, .keys = KEYS_SEQUENTIAL, .seed = 5};
static struct bench_batch_id id = {.first = {9, 4, 1000, 123456789},
                                   .count = 20,
                                   .timestamp_ms = 1700000000000,
                                   .producer_id = 42,
                                   .producer_epoch = 3,
                                   .base_sequence = 1000};

static struct span make(struct bench_batch *b)
{
    struct span s;
    struct batch h;
    uint32_t crc;
    ck_assert_ok(bench_batch_fill(b, &id, &s, &crc));
    ck_assert_ok(batch_verify(s, &h, NULL));
    ck_assert_uint_eq(h.crc, crc);
    ck_assert_uint_eq(batch_size(&h), s.n);
    ck_assert_int_eq(h.count, id.count);
    ck_assert_int_eq(h.base_timestamp, id.timestamp_ms);
    ck_assert_int_eq(h.max_timestamp, id.timestamp_ms);
    ck_assert_int_eq(h.producer_id, id.producer_id);
    ck_assert_int_eq(h.producer_epoch, id.producer_epoch);
    ck_assert_int_eq(h.base_sequence, id.base_sequence);
    return s;
}

static void read_stamps(struct span s)
{
    struct records it;
    struct record r;
    int rc, n = 0;
    ck_assert_ok(records_init(&it, s, 1 << 20));
    for (; (rc = records_next(&it, &r)) > 0; n++) {
        struct stamp st;
        ck_assert_uint_eq(r.value.n, spec.value_size);
        ck_assert_int_eq(stamp_read(r.value, &st), STAMP_GOOD);
        ck_assert_uint_eq(st.run, 9);
        ck_assert_uint_eq(st.client, 4);
        ck_assert_uint_eq(st.sequence, 1000 + (uint64_t)n);
        ck_assert_int_eq(st.sent_ns, 123456789);
        ck_assert_int_eq(r.timestamp, id.timestamp_ms);
        ck_assert_uint_eq(r.key.n, BENCH_KEY_SIZE);
    }
    ck_assert_ok(rc);
    ck_assert_int_eq(n, id.count);
    records_release(&it);
}

START_TEST(every_codec_carries_the_stamps)
{
    for (int codec = BATCH_NONE; codec < BATCH_CODECS; codec++) {
        struct bench_batch b;
        spec.codec = (enum batch_codec)codec;
        ck_assert_ok(bench_batch_init(&b, &spec, NULL));
        read_stamps(make(&b));
        bench_batch_release(&b);
    }
}
END_TEST

START_TEST(any_number_of_records_up_to_the_most_is_a_batch)
{
    struct bench_batch b;
    ck_assert_ok(bench_batch_init(&b, &spec, NULL));
    for (id.count = 1; id.count <= spec.records; id.count++)
        read_stamps(make(&b));
    bench_batch_release(&b);
}
END_TEST

START_TEST(the_same_numbers_give_the_same_bytes)
{
    struct bench_batch b;
    uint8_t first[8192];
    spec.keys = KEYS_RANDOM;
    ck_assert_ok(bench_batch_init(&b, &spec, NULL));
    struct span s = make(&b);
    size_t n = s.n;
    ck_assert_uint_le(n, sizeof first);
    memcpy(first, s.p, n);
    id.first.sequence += 20;
    s = make(&b);
    ck_assert(s.n != n || memcmp(first, s.p, n) != 0);
    id.first.sequence -= 20;
    s = make(&b);
    ck_assert_bytes_eq(first, n, s.p, s.n);
    bench_batch_release(&b);
}
END_TEST

START_TEST(values_too_short_for_a_stamp_have_none)
{
    struct bench_batch b;
    struct records it;
    struct record r;
    struct stamp st;
    for (spec.value_size = 0; spec.value_size < STAMP_SIZE; spec.value_size += 31) {
        ck_assert_ok(bench_batch_init(&b, &spec, NULL));
        ck_assert_ok(records_init(&it, make(&b), 1 << 20));
        ck_assert_int_eq(records_next(&it, &r), 1);
        ck_assert_uint_eq(r.value.n, spec.value_size);
        ck_assert_int_eq(stamp_read(r.value, &st), STAMP_NONE);
        records_release(&it);
        bench_batch_release(&b);
    }
}
END_TEST

START_TEST(records_in_so_many_bytes_fit)
{
    struct bench_batch b;
    spec.value_size = 100;
    spec.records = bench_batch_records_in(16384, 100, KEYS_SEQUENTIAL);
    id.count = spec.records;
    ck_assert_ok(bench_batch_init(&b, &spec, NULL));
    struct span s = make(&b);
    ck_assert_uint_le(s.n, 16384);
    ck_assert_uint_gt(s.n, 16384 * 85 / 100);
    ck_assert_int_eq(bench_batch_records_in(10, 100, KEYS_NONE), 1);
    bench_batch_release(&b);
}
END_TEST

START_TEST(batches_made_ahead_take_turns)
{
    struct bench_batch b;
    uint8_t first[8192];
    spec = (struct bench_batch_spec){
        .records = 20, .value_size = 100, .codec = BATCH_GZIP, .seed = 5, .ahead = 3};
    id.count = 20;
    id.first.sequence = 0;
    ck_assert_ok(bench_batch_init(&b, &spec, NULL));
    struct span s = make(&b);
    size_t n = s.n;
    ck_assert_uint_le(n, sizeof first);
    memcpy(first, s.p, n);
    for (int turn = 1; turn <= 6; turn++) {
        id.first.sequence += 20;
        id.first.sent_ns++;
        s = make(&b);
        bool same = s.n == n && memcmp(first, s.p, n) == 0;
        ck_assert_int_eq(same, turn % 3 == 0);
    }
    id.base_sequence++; /* is in the header */
    s = make(&b);
    ck_assert_bytes_eq(first + BATCH_HEADER, n - BATCH_HEADER, s.p + BATCH_HEADER,
                       s.n - BATCH_HEADER);
    id.count = 7; /* the last of a run, made when it is sent */
    id.first = (struct stamp){9, 4, 1000, 123456789};
    struct records it;
    struct record r;
    struct stamp st;
    ck_assert_ok(records_init(&it, make(&b), 1 << 20));
    ck_assert_int_eq(records_next(&it, &r), 1);
    ck_assert_int_eq(stamp_read(r.value, &st), STAMP_GOOD);
    ck_assert_uint_eq(st.sequence, 1000);
    records_release(&it);
    bench_batch_release(&b);
}
END_TEST

UNIT_MAIN(every_codec_carries_the_stamps, any_number_of_records_up_to_the_most_is_a_batch,
          the_same_numbers_give_the_same_bytes, values_too_short_for_a_stamp_have_none,
          records_in_so_many_bytes_fit, batches_made_ahead_take_turns)
