/* Error codes that travel in the protocol. */
#include "kp/error.h"

#include <string.h>

#include "tests/unit/unit.h"

START_TEST(names_and_numbers)
{
    ck_assert_int_eq(KP_ERR_NONE, 0);
    ck_assert_int_eq(KP_ERR_UNKNOWN_TOPIC_OR_PARTITION, 3);
    ck_assert_int_eq(KP_ERR_UNSUPPORTED_VERSION, 35);
    ck_assert_int_eq(KP_ERR_MEMBER_ID_REQUIRED, 79);
    ck_assert_int_eq(KP_ERR_SHARE_SESSION_LIMIT_REACHED, 133);
    ck_assert_str_eq(kp_error_name(0), "NONE");
    ck_assert_str_eq(kp_error_name(3), "UNKNOWN_TOPIC_OR_PARTITION");
    ck_assert_str_eq(kp_error_name(133), "SHARE_SESSION_LIMIT_REACHED");
    ck_assert_str_eq(kp_error_name(-1), "UNKNOWN_SERVER_ERROR");
}
END_TEST

START_TEST(numbers_outside_the_table)
{
    static const int16_t codes[] = {134, -2, INT16_MAX, INT16_MIN};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        ck_assert_str_eq(kp_error_name(codes[i]), "UNKNOWN_SERVER_ERROR");
        ck_assert(!kp_error_retriable(codes[i]));
    }
}
END_TEST

START_TEST(the_table_has_no_holes)
{
    for (int16_t code = 0; code <= 133; code++) {
        ck_assert_ptr_nonnull(kp_error_name(code));
        ck_assert_str_ne(kp_error_name(code), "UNKNOWN_SERVER_ERROR");
        ck_assert_uint_gt(strlen(kp_error_text(code)), 0);
    }
}
END_TEST

START_TEST(retriable_ones)
{
    ck_assert(kp_error_retriable(KP_ERR_NOT_LEADER_OR_FOLLOWER));
    ck_assert(kp_error_retriable(KP_ERR_CORRUPT_MESSAGE));
    ck_assert(!kp_error_retriable(KP_ERR_NONE));
    ck_assert(!kp_error_retriable(KP_ERR_MESSAGE_TOO_LARGE));
}
END_TEST

UNIT_MAIN(names_and_numbers, numbers_outside_the_table, the_table_has_no_holes, retriable_ones)
