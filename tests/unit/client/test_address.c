#include "tests/unit/unit.h"

#include "client/address.h"

START_TEST(lists_are_taken_apart)
{
    static const struct {
        const char *host;
        int port;
    } want[] = {
        {"a", 1}, {"b.example", 9092}, {"::1", 9093}, {"fe80::1", 9092}, {"1.2.3.4", 65535}};
    const char *list = "a:1,b.example, [::1]:9093,fe80::1,,1.2.3.4:65535,";
    struct client_address a;
    struct err e;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        ck_assert_int_eq(client_address_next(&list, &a, &e), 1);
        ck_assert_str_eq(a.host, want[i].host);
        ck_assert_int_eq(a.port, want[i].port);
    }
    ck_assert_int_eq(client_address_next(&list, &a, &e), 0);
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    static const char *const wrong[] = {":1",  "a:",   "a:0",    "a:65536",
                                        "a:x", "[::1", "[::1]x", "a:1x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *list = wrong[i];
        struct client_address a;
        struct err e;
        ck_assert_msg(client_address_next(&list, &a, &e) == ERR_INVALID, "%s", wrong[i]);
    }
}
END_TEST

UNIT_MAIN(lists_are_taken_apart, what_is_no_address_is_refused)
