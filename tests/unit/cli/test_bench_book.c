#include "base/err.h"
#include "cli/bench_book.h"
#include "tests/unit/unit.h"

START_TEST(offsets_given_twice_are_noticed)
{
    struct book b;
    book_init(&b);
    ck_assert_ok(book_enter(&b, 0, 10));
    ck_assert_ok(book_enter(&b, 20, 10)); /* replies of other connections come in any order */
    ck_assert_ok(book_enter(&b, 10, 10));
    ck_assert_int_eq(book_enter(&b, 29, 5), ERR_CHECK);
    ck_assert_int_eq(book_enter(&b, 0, 1), ERR_CHECK);
    ck_assert_int_eq(book_enter(&b, -1, 1), ERR_CHECK);
    ck_assert_int_eq(book_enter(&b, INT64_MAX, 1), ERR_CHECK);
    ck_assert_uint_eq(b.given.n, 1);
    book_release(&b);
}
END_TEST

START_TEST(it_stays_bounded)
{
    struct book b;
    book_init(&b);
    for (int64_t i = 0; i < BOOK_RANGES_MAX * 3; i++)
        ck_assert_ok(book_enter(&b, i * 2, 1));
    ck_assert_uint_le(b.given.n, BOOK_RANGES_MAX);
    ck_assert_int_eq(book_enter(&b, (int64_t)BOOK_RANGES_MAX * 6 - 2, 1),
                     ERR_CHECK); /* the latest */
    book_release(&b);
}
END_TEST

UNIT_MAIN(offsets_given_twice_are_noticed, it_stays_bounded)
