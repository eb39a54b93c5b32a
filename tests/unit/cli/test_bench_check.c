/* Streams of records with one fault each: every kind is counted, once, as what it is. */
#include <string.h>

#include "base/crc32c.h"
#include "cli/bench_check.h"
#include "tests/unit/unit.h"

enum { RUN = 77, SIZE = 50, CLIENT = 3, PARTITION = 5 };

static struct check *check;
static int64_t offset;
static struct ranges acked;
static uint64_t places;

static struct span value_of(uint32_t run, uint32_t client, uint64_t sequence)
{
    static uint8_t v[SIZE];
    memset(v, 'x', sizeof v);
    struct stamp s = {run, client, sequence, 1234};
    stamp_write(v + SIZE - STAMP_SIZE, crc32c(0, v, SIZE - STAMP_SIZE), &s);
    return span_of(v, sizeof v);
}

/* The broker promised n records from offset 0 on. */
static void promise(uint64_t n)
{
    check = check_new();
    ck_assert_ptr_nonnull(check);
    ck_assert_ok(ranges_add(&acked, 0, n, NULL));
    for (uint64_t i = 0; i < n; i++)
        places += check_place(i, (int64_t)i);
}

static void feed(uint64_t sequence)
{
    ck_assert_int_eq(
        check_record(check, PARTITION, offset++, value_of(RUN, CLIENT, sequence), NULL),
        STAMP_GOOD);
}

static void expect(uint64_t issued)
{
    struct check_stream e = {RUN, CLIENT, PARTITION, &acked, issued, true, places};
    check_expect(check, &e);
}

static void finish(struct check_counts want)
{
    const struct check_counts *got = check_counts(check);
    ck_assert_uint_eq(got->lost, want.lost);
    ck_assert_uint_eq(got->duplicated, want.duplicated);
    ck_assert_uint_eq(got->reordered, want.reordered);
    ck_assert_uint_eq(got->altered, want.altered);
    ck_assert_uint_eq(got->foreign, want.foreign);
    ck_assert_int_eq(check_counts_clean(got),
                     !want.lost && !want.duplicated && !want.reordered && !want.altered);
    check_free(check);
    ranges_release(&acked);
}

START_TEST(a_whole_stream_is_clean)
{
    promise(10);
    for (uint64_t i = 0; i < 10; i++)
        feed(i);
    expect(10);
    finish((struct check_counts){0});
}
END_TEST

START_TEST(missing_records_are_lost)
{
    promise(10);
    for (uint64_t i = 0; i < 10; i++)
        if (i != 4 && i != 9)
            feed(i);
    expect(10);
    finish((struct check_counts){.lost = 2});
}
END_TEST

START_TEST(a_stream_that_is_not_there_at_all_is_lost)
{
    promise(10);
    expect(10);
    finish((struct check_counts){.lost = 10});
}
END_TEST

START_TEST(a_record_that_comes_again_is_duplicated)
{
    promise(10);
    for (uint64_t i = 0; i < 10; i++)
        feed(i);
    feed(9);
    feed(2);
    expect(10);
    finish((struct check_counts){.duplicated = 2});
}
END_TEST

START_TEST(a_record_behind_a_later_one_is_reordered)
{
    promise(5);
    places = 0; /* their offsets were promised as they stand */
    static const uint64_t order[] = {0, 2, 1, 3, 4};
    for (int i = 0; i < 5; i++) {
        places += check_place(order[i], offset);
        feed(order[i]);
    }
    expect(5);
    finish((struct check_counts){.reordered = 1});
}
END_TEST

START_TEST(changed_bytes_are_altered_and_not_lost_too)
{
    promise(5);
    for (uint64_t i = 0; i < 5; i++) {
        struct span v = value_of(RUN, CLIENT, i);
        if (i == 2)
            ((uint8_t *)v.p)[7] ^= 1;
        check_record(check, PARTITION, offset++, v, NULL);
    }
    expect(5);
    finish((struct check_counts){.altered = 1});
}
END_TEST

START_TEST(a_changed_sequence_number_is_altered_and_its_record_lost)
{
    promise(5);
    for (uint64_t i = 0; i < 5; i++) {
        struct span v = value_of(RUN, CLIENT, i);
        if (i == 2)
            ((uint8_t *)v.p)[SIZE - 13] ^= 0x40; /* the last byte of the sequence */
        check_record(check, PARTITION, offset++, v, NULL);
    }
    expect(5);
    finish((struct check_counts){.altered = 1, .lost = 1});
}
END_TEST

START_TEST(records_at_other_offsets_than_promised_are_altered)
{
    promise(5);
    offset = 1;
    for (uint64_t i = 0; i < 5; i++)
        feed(i);
    expect(5);
    finish((struct check_counts){.altered = 1});
}
END_TEST

START_TEST(swapped_offsets_are_noticed)
{
    ck_assert(check_place(1, 10) + check_place(2, 11) != check_place(1, 11) + check_place(2, 10));
}
END_TEST

START_TEST(records_that_were_never_sent_are_altered)
{
    promise(5);
    for (uint64_t i = 0; i < 7; i++)
        feed(i);
    expect(5);
    finish((struct check_counts){.altered = 2});
}
END_TEST

START_TEST(sent_but_not_acknowledged_may_be_there_or_not)
{
    promise(5);
    for (uint64_t i = 0; i < 7; i++)
        feed(i);
    expect(9);
    finish((struct check_counts){0});
}
END_TEST

START_TEST(other_peoples_records_are_foreign)
{
    promise(2);
    feed(0);
    check_record(check, PARTITION, offset++, span_str("hello"), NULL);
    check_record(check, PARTITION, offset++, span_of(NULL, 0), NULL);
    offset = 1;
    feed(1);
    expect(2);
    finish((struct check_counts){.foreign = 2});
}
END_TEST

START_TEST(streams_are_told_apart_by_run_client_and_partition)
{
    promise(2);
    feed(0);
    check_record(check, PARTITION, 50, value_of(RUN + 1, CLIENT, 0), NULL);
    check_record(check, PARTITION, 51, value_of(RUN, CLIENT + 1, 0), NULL);
    check_record(check, PARTITION + 1, 52, value_of(RUN, CLIENT, 0), NULL);
    feed(1);
    expect(2);
    finish((struct check_counts){0});
}
END_TEST

START_TEST(a_broken_batch_counts_all_its_records)
{
    promise(10);
    for (uint64_t i = 0; i < 5; i++)
        feed(i);
    check_broken_batch(check, 5);
    expect(10);
    finish((struct check_counts){.altered = 5, .lost = 5});
}
END_TEST

START_TEST(gaps_within_an_unknown_stream_are_lost)
{
    check = check_new();
    static const uint64_t there[] = {100, 101, 104, 105}; /* what was before 100 may have expired */
    for (int i = 0; i < 4; i++)
        feed(there[i]);
    check_gaps(check);
    finish((struct check_counts){.lost = 2});
}
END_TEST

UNIT_MAIN(a_whole_stream_is_clean, missing_records_are_lost,
          a_stream_that_is_not_there_at_all_is_lost, a_record_that_comes_again_is_duplicated,
          a_record_behind_a_later_one_is_reordered, changed_bytes_are_altered_and_not_lost_too,
          a_changed_sequence_number_is_altered_and_its_record_lost,
          records_at_other_offsets_than_promised_are_altered, swapped_offsets_are_noticed,
          records_that_were_never_sent_are_altered, sent_but_not_acknowledged_may_be_there_or_not,
          other_peoples_records_are_foreign, streams_are_told_apart_by_run_client_and_partition,
          a_broken_batch_counts_all_its_records, gaps_within_an_unknown_stream_are_lost)
