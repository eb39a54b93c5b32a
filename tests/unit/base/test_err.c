#include "base/err.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/unit.h"

START_TEST(codes_have_names_and_sentences)
{
    ck_assert_str_eq(err_name(ERR_CORRUPT), "CORRUPT");
    ck_assert_str_eq(err_name(-EIO), "EIO");
    ck_assert_str_eq(err_name(0), "OK");
    ck_assert_str_eq(err_name(-999), "UNKNOWN");
    ck_assert_str_eq(err_name(7), "UNKNOWN");
    ck_assert_str_eq(err_str(ERR_NOTFOUND), "not found");
    ck_assert_str_eq(err_str(-ENOENT), "No such file or directory");
    ck_assert_str_eq(err_str(-123456), "unknown error");
}
END_TEST

/* A number that changes breaks whoever stored or printed it. */
START_TEST(numbers_are_fixed_and_dense)
{
    int next = -1001;
#define ERR(name, number, sentence) ck_assert_int_eq(ERR_##name, next--);
#include "base/err.def"
#undef ERR
    ck_assert_int_eq(ERR_CORRUPT, -1001);
    ck_assert_int_eq(ERR_FENCED, -1029);
}
END_TEST

START_TEST(set_code_and_wrap_build_one_line)
{
    struct err e;
    ck_assert_int_eq(err_set(&e, ERR_SHORT, "x=%d", 5), ERR_SHORT);
    ck_assert_str_eq(e.text, "x=5");
    ck_assert_int_eq(err_code(&e, -ENOENT, "open %s", "f"), -ENOENT);
    ck_assert_str_eq(e.text, "open f: No such file or directory");
    ck_assert_int_eq(err_wrap(&e, "shard %d", 1), -ENOENT);
    ck_assert_str_eq(e.text, "shard 1: open f: No such file or directory");
    ck_assert_int_eq(e.code, -ENOENT);
}
END_TEST

START_TEST(null_is_allowed)
{
    ck_assert_int_eq(err_set(NULL, ERR_CRC, "x"), ERR_CRC);
    ck_assert_int_eq(err_code(NULL, -EIO, "x"), -EIO);
    ck_assert_int_eq(err_wrap(NULL, "x"), -EINVAL);
}
END_TEST

START_TEST(long_text_is_cut)
{
    struct err e;
    char big[2 * ERR_TEXT_MAX];
    memset(big, 'a', sizeof big);
    big[sizeof big - 1] = 0;
    err_code(&e, -EIO, "%s", big);
    ck_assert_uint_eq(strlen(e.text), ERR_TEXT_MAX - 1);
    err_wrap(&e, "front");
    ck_assert_uint_eq(strlen(e.text), ERR_TEXT_MAX - 1);
    ck_assert_int_eq(strncmp(e.text, "front: aaa", 10), 0);
}
END_TEST

START_TEST(arguments_may_be_the_text_itself)
{
    struct err e;
    err_set(&e, ERR_CRC, "inner");
    err_code(&e, -EIO, "outer (%s)", e.text);
    ck_assert_str_eq(e.text, "outer (inner): Input/output error");
}
END_TEST

START_TEST(a_shortage_is_no_failure)
{
    static const int short_of[] = {ENOSPC, EDQUOT, EFBIG, EMFILE, ENFILE, ENOMEM};
    for (size_t i = 0; i < sizeof short_of / sizeof *short_of; i++)
        ck_assert(err_is_shortage(-short_of[i]));
    static const int others[] = {0,      ENOSPC,   -EIO,         -EROFS,
                                 -EINTR, ERR_BUSY, ERR_POISONED, ERR_CORRUPT};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert(!err_is_shortage(others[i]));
}
END_TEST

UNIT_MAIN(a_shortage_is_no_failure, codes_have_names_and_sentences, numbers_are_fixed_and_dense,
          set_code_and_wrap_build_one_line, null_is_allowed, long_text_is_cut,
          arguments_may_be_the_text_itself)
