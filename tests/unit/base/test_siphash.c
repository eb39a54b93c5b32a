#include "base/siphash.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

/* From the authors' reference: key 00 01 .. 0f, input 00 01 .. n-1. */
START_TEST(it_gives_what_the_reference_gives)
{
    static const struct {
        size_t n;
        const char *hash;
    } known[] = {
        {0, "a3817f04ba25a8e66df67214c7550293"},  {1, "da87c1d86b99af44347659119b22fc45"},
        {8, "3b62a9ba6258f5610f83e264f31497b4"},  {15, "5493e99933b0a8117e08ec0f97cfc3d9"},
        {63, "5150d1772f50834a503e069a973fbd7c"},
    };
    uint8_t key[SIPHASH_KEY], in[64];
    for (uint8_t i = 0; i < 64; i++)
        in[i] = i;
    memcpy(key, in, sizeof key);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint64_t out[2];
        char text[33];
        siphash128(key, span_of(in, known[i].n), out);
        for (int k = 0; k < 16; k++)
            snprintf(text + 2 * k, 3, "%02x", (unsigned)(out[k / 8] >> 8 * (k % 8)) & 0xff);
        ck_assert_str_eq(text, known[i].hash);
    }
}
END_TEST

START_TEST(every_bit_of_key_and_input_counts)
{
    uint8_t key[SIPHASH_KEY] = {0}, in[24] = {0};
    uint64_t plain[2], out[2];
    siphash128(key, span_of(in, sizeof in), plain);
    for (size_t i = 0; i < 8 * (sizeof key + sizeof in); i++) {
        uint8_t *p = i < 8 * sizeof key ? key + i / 8 : in + (i / 8 - sizeof key);
        *p ^= (uint8_t)(1 << i % 8);
        siphash128(key, span_of(in, sizeof in), out);
        *p ^= (uint8_t)(1 << i % 8);
        ck_assert_uint_ne(out[0], plain[0]);
        ck_assert_uint_ne(out[1], plain[1]);
    }
}
END_TEST

UNIT_MAIN(it_gives_what_the_reference_gives, every_bit_of_key_and_input_counts)
