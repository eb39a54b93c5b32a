#include "tests/unit/unit.h"

#include "base/err.h"
#include "cli/escape.h"

START_TEST(escapes_stand_for_bytes)
{
    char out[32];
    size_t n;
    ck_assert_ok(unescape("a\\tb\\n\\r\\0\\\\\\x7C\\xff:", out, &n));
    ck_assert_bytes_eq(out, n, "a\tb\n\r\0\\\x7c\xff:", 10);
    ck_assert_ok(unescape("", out, &n));
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(other_escapes_are_refused)
{
    static const char *const wrong[] = {"\\", "a\\q", "\\x", "\\x1", "\\xg1", "\\x1\x11"};
    char out[32];
    size_t n;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(unescape(wrong[i], out, &n), ERR_INVALID);
}
END_TEST

UNIT_MAIN(escapes_stand_for_bytes, other_escapes_are_refused)
