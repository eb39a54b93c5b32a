/* The last offset of each key, in bounded memory. */
#include "plog/keys.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static const uint8_t seed[SIPHASH_KEY] = "not so random";
static struct plog_keys m;

static struct span key(int i)
{
    static char text[16];
    snprintf(text, sizeof text, "key %d", i);
    return span_str(text);
}

START_TEST(the_last_offset_counts)
{
    ck_assert_ok(plog_keys_init(&m, 1000, 1 << 20, seed));
    for (int64_t offset = 0; offset < 5000; offset++)
        ck_assert(plog_keys_put(&m, key((int)(offset * 7 % 1000)), offset));
    ck_assert_uint_eq(m.used, 1000);
    for (int64_t offset = 4000; offset < 5000; offset++)
        ck_assert_int_eq(plog_keys_last(&m, key((int)(offset * 7 % 1000))), offset);
    ck_assert_int_eq(plog_keys_last(&m, key(1000)), -1);
    ck_assert_int_eq(plog_keys_last(&m, span_of("", 0)), -1);
    ck_assert(plog_keys_put(&m, span_of("", 0), 0)); /* an empty key is one, and 0 an offset */
    ck_assert_int_eq(plog_keys_last(&m, span_of("", 0)), 0);
    plog_keys_release(&m);
}
END_TEST

START_TEST(full_is_full_and_loses_nothing)
{
    for (uint64_t bytes = 0; bytes < 2000; bytes += 24) {
        ck_assert_ok(plog_keys_init(&m, 1 << 30, bytes, seed));
        int n = 0;
        while (plog_keys_put(&m, key(n), n))
            n++;
        ck_assert_int_ge(n, 1);
        ck_assert_uint_eq(m.used, (uint64_t)n);
        ck_assert_uint_lt(m.used, m.slots);
        ck_assert_uint_le(m.slots * 24, bytes < 48 ? 48 : bytes);
        for (int i = 0; i < n; i++)
            ck_assert_int_eq(plog_keys_last(&m, key(i)), i);
        ck_assert(plog_keys_put(&m, key(0), 99)); /* what it has it goes on with */
        ck_assert_int_eq(plog_keys_last(&m, key(0)), 99);
        plog_keys_release(&m);
    }
}
END_TEST

START_TEST(it_holds_what_was_expected)
{
    for (uint64_t expected = 0; expected < 200; expected++) {
        ck_assert_ok(plog_keys_init(&m, expected, 1 << 20, seed));
        ck_assert_uint_le(m.slots, 2 * expected + 2);
        for (int i = 0; i < (int)expected; i++)
            ck_assert(plog_keys_put(&m, key(i), i));
        plog_keys_release(&m);
    }
}
END_TEST

UNIT_MAIN(the_last_offset_counts, full_is_full_and_loses_nothing, it_holds_what_was_expected)
