/* unit.h - what a unit test needs beside libcheck. A whole test program:
 *
 *   #include "tests/unit/unit.h"
 *   START_TEST(sum_is_right) { ck_assert_int_eq(1 + 1, 2); } END_TEST
 *   UNIT_MAIN(sum_is_right)
 *
 * and one line in tests/<room>.mk: UNIT_TESTS += tests/unit/<room>/test_sum
 *
 * Each test runs in a process of its own. In a debugger set CK_FORK=no; CK_RUN_CASE=<test> runs
 * one.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <check.h>
#include <stddef.h>

/* main(): run the tests named. */
#define UNIT_MAIN(...)                                                                 \
    int main(void)                                                                     \
    {                                                                                  \
        const TTest *const unit_tests[] = {__VA_ARGS__};                               \
        return unit_run(__FILE__, unit_tests, sizeof unit_tests / sizeof *unit_tests); \
    }

int unit_run(const char *file, const TTest *const *tests, size_t n);

/* A new empty directory, removed with all in it when the program ends, even if the test crashes.
 * The string lives as long as the test. */
const char *unit_dir(void);

/* dir "/" name; the string lives as long as the test. */
const char *unit_path(const char *dir, const char *name);

/* 0 or a positive count is success: fail with the code's sentence otherwise. */
#define ck_assert_ok(expr)                                                   \
    do {                                                                     \
        long long unit_code = (expr);                                        \
        ck_assert_msg(unit_code >= 0, "%s: %s", #expr, unit_err(unit_code)); \
    } while (0)
const char *unit_err(long long code);

/* Two byte strings are the same. */
#define ck_assert_bytes_eq(p, n, q, m) \
    do {                               \
        ck_assert_uint_eq(n, m);       \
        ck_assert_mem_eq(p, q, n);     \
    } while (0)

#endif
