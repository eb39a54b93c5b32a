/* The index in memory. Its files are tested through the log (test_reopen, test_sync). */
#include "plog/index.h"

#include "tests/unit/unit.h"

static struct plog_index ix;
static struct plog_tally tally;

/* Batches of one record and 100 bytes each; every third one is indexed. */
static void filled(uint32_t n)
{
    plog_index_init(&ix);
    plog_tally_init(&tally);
    for (uint32_t i = 0; i < n; i++) {
        struct batch b = {.base_offset = 1000 + i, .length = 88, .count = 1};
        b.max_timestamp = 5000 + (i % 2 ? i : 0);
        plog_index_note(&ix, &tally, 299, 1000, &b, (uint64_t)i * 100);
    }
}

START_TEST(an_array_grows_without_moving)
{
    struct plog_grow g;
    enum { N = 5000 };
    static uint64_t *at[N];
    plog_grow_init(&g, sizeof(uint64_t));
    for (uint64_t i = 0; i < N; i++) {
        ck_assert_ok(plog_grow_push(&g, &i));
        at[i] = plog_grow_at(&g, (uint32_t)i);
    }
    ck_assert_uint_eq(plog_grow_count(&g), N);
    for (uint32_t i = 0; i < N; i++) {
        ck_assert_ptr_eq(plog_grow_at(&g, i), at[i]);
        ck_assert_uint_eq(*at[i], i);
    }
    plog_grow_cut(&g, 10);
    ck_assert_uint_eq(plog_grow_count(&g), 10);
    plog_grow_release(&g);
}
END_TEST

START_TEST(entries_stand_an_interval_apart)
{
    filled(100);
    ck_assert_uint_eq(plog_grow_count(&ix.offsets), 33);
    for (uint32_t i = 0; i < 33; i++) {
        const struct plog_offset_entry *o = plog_grow_at(&ix.offsets, i);
        ck_assert_uint_eq(o->pos, 300 * (i + 1));
        ck_assert_uint_eq(o->last, 3 * (i + 1));
    }
    ck_assert_int_eq(tally.max_timestamp, 5099);
    ck_assert_int_eq(tally.max_timestamp_offset, 1099);
    plog_index_release(&ix);
}
END_TEST

START_TEST(looking_up_gives_the_last_that_fits)
{
    struct plog_offset_entry o;
    filled(100);
    ck_assert(!plog_index_by_offset(&ix, 2, &o));
    for (uint32_t last = 3; last < 120; last++) {
        ck_assert(plog_index_by_offset(&ix, last, &o));
        ck_assert_uint_eq(o.last, last < 99 ? last / 3 * 3 : 99);
    }
    ck_assert(!plog_index_by_pos(&ix, 299, 1000, &o));
    ck_assert(plog_index_by_pos(&ix, 300, 1000, &o));
    ck_assert_uint_eq(o.pos, 300);
    ck_assert(!plog_index_by_pos(&ix, 300, 3, &o));
    ck_assert(plog_index_by_pos(&ix, UINT64_MAX, 50, &o));
    ck_assert_uint_eq(o.last, 48);
    ck_assert_uint_eq(plog_index_count(&ix, 299), 0);
    ck_assert_uint_eq(plog_index_count(&ix, 600), 2);
    plog_index_release(&ix);
}
END_TEST

START_TEST(times_are_looked_up_by_both_ends)
{
    struct plog_time_entry t;
    filled(100);
    ck_assert(!plog_index_by_time(&ix, 5003, &t)); /* the first entry has just that */
    ck_assert(plog_index_by_time(&ix, 5004, &t));
    ck_assert_int_eq(t.timestamp, 5003);
    ck_assert_uint_eq(t.last, 3);
    ck_assert(plog_index_by_time(&ix, INT64_MAX, &t));
    ck_assert_int_eq(t.timestamp, 5099);
    ck_assert(!plog_index_time_at(&ix, 2, &t));
    ck_assert(plog_index_time_at(&ix, 8, &t));
    ck_assert_int_eq(t.timestamp, 5005);
    plog_index_release(&ix);
}
END_TEST

UNIT_MAIN(an_array_grows_without_moving, entries_stand_an_interval_apart,
          looking_up_gives_the_last_that_fits, times_are_looked_up_by_both_ends)
