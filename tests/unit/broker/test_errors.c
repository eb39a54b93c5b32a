/* No failure of ours may look like success to a client. */
#include <errno.h>

#include "base/err.h"
#include "broker/errors.h"
#include "tests/unit/unit.h"

START_TEST(every_code_of_ours_is_an_error_to_clients)
{
#define ERR(name, number, sentence) ck_assert_int_ne(kafka_error(number), 0);
#include "base/err.def"
#undef ERR
    for (int e = 1; e < 200; e++)
        ck_assert_int_ne(kafka_error(-e), 0);
}
END_TEST

START_TEST(an_unknown_code_is_an_unknown_server_error)
{
    ck_assert_int_eq(kafka_error(-999999), KP_ERR_UNKNOWN_SERVER_ERROR);
    ck_assert_int_eq(kafka_error(-ENOTTY), KP_ERR_UNKNOWN_SERVER_ERROR);
}
END_TEST

START_TEST(success_is_success)
{
    ck_assert_int_eq(kafka_error(0), KP_ERR_NONE);
    ck_assert_int_eq(kafka_error(17), KP_ERR_NONE);
}
END_TEST

START_TEST(clients_are_told_what_they_act_on)
{
    ck_assert_int_eq(kafka_error(ERR_OUTOFORDER), 45);
    ck_assert_int_eq(kafka_error(ERR_STALE), 46);
    ck_assert_int_eq(kafka_error(ERR_FENCED), 47);
    ck_assert_int_eq(kafka_error(ERR_POISONED), 56);
    ck_assert_int_eq(kafka_error(-ENOSPC), 56);
    ck_assert_int_eq(kafka_error(-EMFILE), 56);
    ck_assert_int_eq(kafka_error(-ENOMEM), 56);
    ck_assert_int_eq(kafka_error(ERR_NOTLEADER), 6);
    ck_assert_int_eq(kafka_error(ERR_OFFSET), 1);
}
END_TEST

UNIT_MAIN(every_code_of_ours_is_an_error_to_clients, an_unknown_code_is_an_unknown_server_error,
          success_is_success, clients_are_told_what_they_act_on)
