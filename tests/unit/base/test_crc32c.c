#include "base/crc32c.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

/* One bit at a time, straight from the polynomial. */
static uint32_t slow(const uint8_t *p, size_t n)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

START_TEST(known_vectors) /* RFC 3720, B.4 */
{
    uint8_t buf[32];
    memset(buf, 0, sizeof buf);
    ck_assert_uint_eq(crc32c(0, buf, 32), 0x8a9136aau);
    memset(buf, 0xff, sizeof buf);
    ck_assert_uint_eq(crc32c(0, buf, 32), 0x62a8ab43u);
    for (uint8_t i = 0; i < 32; i++)
        buf[i] = i;
    ck_assert_uint_eq(crc32c(0, buf, 32), 0x46dd794eu);
    for (uint8_t i = 0; i < 32; i++)
        buf[i] = (uint8_t)(31 - i);
    ck_assert_uint_eq(crc32c(0, buf, 32), 0x113fdb5cu);
    ck_assert_uint_eq(crc32c(0, "123456789", 9), 0xe3069283u);
    ck_assert_uint_eq(crc32c(0, "", 0), 0);
}
END_TEST

START_TEST(all_lengths_and_alignments)
{
    uint8_t buf[1200];
    srand(1);
    for (size_t i = 0; i < sizeof buf; i++)
        buf[i] = (uint8_t)rand();
    for (size_t n = 0; n < 1100; n++)
        ck_assert_uint_eq(crc32c(0, buf + n % 17, n), slow(buf + n % 17, n));
}
END_TEST

START_TEST(parts_add_up)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog";
    uint32_t whole = crc32c(0, text, sizeof text);
    for (size_t i = 0; i <= sizeof text; i++)
        ck_assert_uint_eq(crc32c(crc32c(0, text, i), text + i, sizeof text - i), whole);
}
END_TEST

UNIT_MAIN(known_vectors, all_lengths_and_alignments, parts_add_up)
