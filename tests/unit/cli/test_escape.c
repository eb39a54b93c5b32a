#include "tests/unit/unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

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

/* The linker puts this in the place of the program's malloc. */
void *__real_malloc(size_t n);
static bool out_of_memory;
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n)
{
    return out_of_memory ? NULL : __real_malloc(n);
}

START_TEST(a_separator_is_what_its_escapes_stand_for)
{
    char *own;
    struct span s;
    ck_assert_ok(separator_parse("\\t\\0:", &own, &s));
    ck_assert_bytes_eq(s.p, s.n, "\t\0:", 3);
    free(own);
    ck_assert_int_eq(separator_parse("", &own, &s), ERR_INVALID);
    ck_assert_ptr_null(own);
    ck_assert_int_eq(separator_parse("a\\q", &own, &s), ERR_INVALID);
    ck_assert_ptr_null(own);
}
END_TEST

START_TEST(want_of_memory_is_not_taken_for_a_bad_separator)
{
    char *own;
    struct span s;
    out_of_memory = true;
    int rc = separator_parse(":", &own, &s);
    out_of_memory = false;
    ck_assert_int_eq(rc, -ENOMEM);
    ck_assert_ptr_null(own);
}
END_TEST

UNIT_MAIN(escapes_stand_for_bytes, other_escapes_are_refused,
          a_separator_is_what_its_escapes_stand_for,
          want_of_memory_is_not_taken_for_a_bad_separator)
