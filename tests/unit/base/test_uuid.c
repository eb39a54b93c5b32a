#include "base/uuid.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "tests/unit/unit.h"

START_TEST(random_ids_are_usable)
{
    struct uuid last = {{0}};
    for (int i = 0; i < 2000; i++) { /* one text in 64 would begin with '-' */
        struct uuid u, back;
        char text[UUID_TEXT];
        ck_assert_ok(uuid_random(&u));
        ck_assert(!uuid_eq(&u, &last));
        ck_assert(!uuid_is_zero(&u));
        ck_assert_uint_eq(u.b[6] >> 4, 4);
        ck_assert_uint_eq(u.b[8] >> 6, 2);
        uuid_text(&u, text);
        ck_assert_uint_eq(strlen(text), UUID_TEXT - 1);
        ck_assert_int_ne(text[0], '-');
        ck_assert_ok(uuid_parse(&back, text));
        ck_assert(uuid_eq(&u, &back));
        last = u;
    }
}
END_TEST

START_TEST(text_is_kafkas)
{
    struct uuid u = {{0}};
    char text[UUID_TEXT];
    uuid_text(&u, text);
    ck_assert_str_eq(text, "AAAAAAAAAAAAAAAAAAAAAA");
    ck_assert(uuid_is_zero(&u));
    u.b[15] = 1;
    uuid_text(&u, text);
    ck_assert_str_eq(text, "AAAAAAAAAAAAAAAAAAAAAQ");
    memset(u.b, 0xff, sizeof u.b);
    uuid_text(&u, text);
    ck_assert_str_eq(text, "_____________________w");
}
END_TEST

START_TEST(other_texts_are_refused)
{
    static const char *const bad[] = {"",
                                      "AAAAAAAAAAAAAAAAAAAAA",
                                      "AAAAAAAAAAAAAAAAAAAAAAA",
                                      "AAAAAAAAAAAAAAAAAAAAAA==",
                                      "AAAAAAAAAAAAAAAAAAAAAB",
                                      "AAAAAAAAAAAAAAAAAAAA+A",
                                      "AAAAAAAAAAAAAAAAAAAA A",
                                      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    struct uuid u = {{7}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(uuid_parse(&u, bad[i]), ERR_INVALID);
    ck_assert_uint_eq(u.b[0], 7);
}
END_TEST

/* RFC 4648, section 10. */
static const char *const vectors[][2] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

START_TEST(base64_vectors)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        char text[16];
        uint8_t *back;
        size_t n;
        struct span bytes = span_str(vectors[i][0]);
        base64_encode(bytes, BASE64_PADDED, text);
        ck_assert_str_eq(text, vectors[i][1]);
        ck_assert_uint_eq(base64_size(bytes.n, BASE64_PADDED), strlen(text));
        ck_assert_ok(base64_decode(span_str(text), &back, &n));
        ck_assert_bytes_eq(back, n, bytes.p, bytes.n);
        free(back);
        base64_encode(bytes, BASE64_URL, text);
        ck_assert_uint_eq(base64_size(bytes.n, BASE64_URL), strlen(text));
        ck_assert_uint_eq(strcspn(vectors[i][1], "="), strlen(text));
    }
}
END_TEST

START_TEST(bad_base64_is_refused)
{
    static const char *const bad[] = {
        "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zm9v\n", "Zm=v", "Zm_v", "Zm9vA", "Zm 9"};
    uint8_t *out;
    size_t n;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(base64_decode(span_str(bad[i]), &out, &n), ERR_INVALID);
    uint8_t two[2];
    ck_assert_int_eq(base64_decode_to(span_str("Zm9v"), BASE64_PADDED, two, 2, &n), ERR_TOOBIG);
}
END_TEST

UNIT_MAIN(random_ids_are_usable, text_is_kafkas, other_texts_are_refused, base64_vectors,
          bad_base64_is_refused)
