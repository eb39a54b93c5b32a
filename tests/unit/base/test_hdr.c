#include "base/hdr.h"

#include <math.h>
#include <stdlib.h>

#include "tests/unit/unit.h"

enum { N = 20000 };

static const double percents[] = {0,  0.001, 1,  10,   25,    50,     75,
                                  90, 95,    99, 99.9, 99.99, 99.999, 100};

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The percentile of the sorted array, by its definition. */
static uint64_t exact(const uint64_t *sorted, size_t n, double p)
{
    for (size_t rank = 1; rank <= n; rank++) {
        if ((long double)rank * 100 >= (long double)p * (long double)n - 1e-9L)
            return sorted[rank - 1];
    }
    return sorted[n - 1];
}

static void expect_like_sorted(uint64_t *values, size_t n)
{
    static struct hdr h;
    hdr_init(&h);
    for (size_t i = 0; i < n; i++)
        hdr_record(&h, values[i]);
    qsort(values, n, sizeof *values, ascending);
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        uint64_t want = exact(values, n, percents[i]), got = hdr_percentile(&h, percents[i]);
        ck_assert_uint_ge(got, want);
        ck_assert_uint_le(got - want, want / 128);
        if (want < 256)
            ck_assert_uint_eq(got, want);
    }
    ck_assert_uint_eq(h.min, values[0]);
    ck_assert_uint_eq(h.max, values[n - 1]);
    ck_assert_uint_eq(hdr_percentile(&h, 100), values[n - 1]);
}

START_TEST(percentiles_match_a_sorted_array)
{
    static uint64_t v[N];
    srand(1);
    for (int bits = 1; bits <= 40; bits++) {
        for (size_t i = 0; i < N; i++)
            v[i] = ((uint64_t)rand() << 31 | (uint64_t)rand()) >> (62 - bits) >> (rand() % bits);
        expect_like_sorted(v, (size_t)(bits < 6 ? bits : N));
    }
}
END_TEST

START_TEST(every_sub_bucket_edge_is_kept_within_the_bound)
{
    static struct hdr h;
    for (unsigned bit = 0; bit < HDR_MAX_BITS; bit++) {
        for (int d = -1; d <= 1; d++) {
            uint64_t v = (UINT64_C(1) << bit) + (uint64_t)(int64_t)d;
            hdr_init(&h);
            hdr_record(&h, v);
            hdr_record(&h, v + 1000000000);
            uint64_t got = hdr_percentile(&h, 50);
            ck_assert_uint_ge(got, v);
            ck_assert_uint_le(got - v, v >> HDR_SUB_BITS);
        }
    }
}
END_TEST

START_TEST(huge_values_count_as_the_highest)
{
    static struct hdr h;
    hdr_init(&h);
    hdr_record(&h, UINT64_MAX);
    ck_assert_uint_eq(h.max, (UINT64_C(1) << HDR_MAX_BITS) - 1);
    ck_assert_uint_eq(hdr_percentile(&h, 99), h.max);
    ck_assert_uint_eq(h.slot[HDR_SLOTS - 1], 1);
}
END_TEST

START_TEST(an_empty_one_is_zero)
{
    static struct hdr h;
    hdr_init(&h);
    ck_assert_uint_eq(hdr_percentile(&h, 50), 0);
    ck_assert_double_eq(hdr_mean(&h), 0);
    ck_assert_uint_eq(h.min, UINT64_MAX);
}
END_TEST

START_TEST(sums_are_those_of_all_values)
{
    static struct hdr a, b, all;
    hdr_init(&a);
    hdr_init(&b);
    hdr_init(&all);
    for (uint64_t i = 0; i < 1000; i++) {
        hdr_record(i % 3 ? &a : &b, i * i);
        hdr_record(&all, i * i);
    }
    hdr_add(&a, &b);
    ck_assert_mem_eq(&a, &all, sizeof a);
    ck_assert_double_eq_tol(hdr_mean(&a), 332833.5, 1e-6);
}
END_TEST

START_TEST(a_percentile_of_round_numbers_is_not_one_too_high)
{
    static struct hdr h;
    hdr_init(&h);
    for (uint64_t i = 1; i <= 100; i++)
        hdr_record(&h, i);
    for (uint64_t i = 1; i <= 100; i++)
        ck_assert_uint_eq(hdr_percentile(&h, (double)i), i);
    ck_assert_uint_eq(hdr_percentile(&h, NAN), 1);
}
END_TEST

UNIT_MAIN(percentiles_match_a_sorted_array, every_sub_bucket_edge_is_kept_within_the_bound,
          huge_values_count_as_the_highest, an_empty_one_is_zero, sums_are_those_of_all_values,
          a_percentile_of_round_numbers_is_not_one_too_high)
