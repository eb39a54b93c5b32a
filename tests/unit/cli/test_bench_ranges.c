#include <stdlib.h>

#include "cli/bench_ranges.h"
#include "tests/unit/unit.h"

static uint64_t add(struct ranges *r, uint64_t from, uint64_t to)
{
    uint64_t twice = 99;
    ck_assert_ok(ranges_add(r, from, to, &twice));
    return twice;
}

START_TEST(what_comes_in_order_is_one_range)
{
    struct ranges r = {0};
    for (uint64_t i = 0; i < 1000; i += 10)
        ck_assert_uint_eq(add(&r, i, i + 10), 0);
    ck_assert_uint_eq(r.n, 1);
    ck_assert_uint_eq(ranges_count(&r), 1000);
    ranges_release(&r);
}
END_TEST

START_TEST(filling_a_gap_joins_its_neighbours)
{
    struct ranges r = {0};
    add(&r, 0, 5);
    add(&r, 10, 15);
    ck_assert_uint_eq(r.n, 2);
    ck_assert_uint_eq(add(&r, 5, 10), 0);
    ck_assert_uint_eq(r.n, 1);
    ck_assert_uint_eq(r.v[0].to, 15);
    ranges_release(&r);
}
END_TEST

START_TEST(what_was_there_is_counted_over_all_ranges_it_meets)
{
    struct ranges r = {0};
    add(&r, 0, 5);
    add(&r, 10, 15);
    add(&r, 20, 25);
    ck_assert_uint_eq(add(&r, 3, 22), 2 + 5 + 2);
    ck_assert_uint_eq(r.n, 1);
    ck_assert_uint_eq(ranges_count(&r), 25);
    ck_assert_uint_eq(add(&r, 24, 25), 1);
    ranges_release(&r);
}
END_TEST

START_TEST(missing_are_those_of_the_first_that_the_second_lacks)
{
    struct ranges a = {0}, b = {0};
    add(&a, 0, 10);
    add(&a, 20, 30);
    add(&b, 2, 4);
    add(&b, 8, 22);
    add(&b, 29, 50);
    ck_assert_uint_eq(ranges_missing(&a, &b), 2 + 4 + 7);
    ck_assert_uint_eq(ranges_missing(&b, &a), 10 + 20);
    ck_assert_uint_eq(ranges_missing(&a, &a), 0);
    ranges_release(&a);
    ranges_release(&b);
}
END_TEST

/* Against a plain array of flags, in an order that is random but always the same. */
START_TEST(agrees_with_a_set_of_flags)
{
    enum { N = 500 };
    bool in[N] = {false};
    struct ranges r = {0};
    srandom(7);
    for (int round = 0; round < 2000; round++) {
        uint64_t from = (uint64_t)random() % N, to = from + 1 + (uint64_t)random() % 12, twice = 0;
        to = to < N ? to : N;
        for (uint64_t i = from; i < to; i++) {
            twice += in[i];
            in[i] = true;
        }
        ck_assert_uint_eq(add(&r, from, to), twice);
        if (round % 200 == 199) { /* start again, so that gaps are met in all stages */
            for (uint64_t i = 0; i < N; i++) {
                ck_assert_int_eq(ranges_has(&r, i), in[i]);
                in[i] = false;
            }
            ranges_release(&r);
        }
    }
    ranges_release(&r);
}
END_TEST

START_TEST(trimming_forgets_the_lowest)
{
    struct ranges r = {0};
    for (uint64_t i = 0; i < 10; i++)
        add(&r, i * 10, i * 10 + 1);
    ranges_trim(&r, 3);
    ck_assert_uint_eq(ranges_count(&r), 3);
    ck_assert(!ranges_has(&r, 60) && ranges_has(&r, 70) && ranges_has(&r, 90));
    ranges_release(&r);
}
END_TEST

UNIT_MAIN(what_comes_in_order_is_one_range, filling_a_gap_joins_its_neighbours,
          what_was_there_is_counted_over_all_ranges_it_meets,
          missing_are_those_of_the_first_that_the_second_lacks, agrees_with_a_set_of_flags,
          trimming_forgets_the_lowest)
