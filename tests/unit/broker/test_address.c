#include <sys/socket.h>
#include <unistd.h>

#include "broker/address.h"
#include "tests/unit/unit.h"

static struct address a;
static struct err e;

START_TEST(hosts_and_ports_are_told_apart)
{
    ck_assert_ok(address_parse("PLAINTEXT://broker.example:9092", &a, &e));
    ck_assert_str_eq(a.host, "broker.example");
    ck_assert_int_eq(a.port, 9092);
    ck_assert_ok(address_parse("127.0.0.1:0", &a, &e));
    ck_assert_str_eq(a.host, "127.0.0.1");
    ck_assert_int_eq(a.port, 0);
    ck_assert_ok(address_parse("[::1]:65535", &a, &e));
    ck_assert_str_eq(a.host, "::1");
    ck_assert_int_eq(a.port, 65535);
    ck_assert_ok(address_parse("PLAINTEXT://:1", &a, &e));
    ck_assert_str_eq(a.host, "");
}
END_TEST

START_TEST(everything_else_is_refused)
{
    static const char *const bad[] = {
        "",
        "localhost",
        "localhost:",
        "localhost:http",
        "h:65536",
        "h:-1",
        "h: 1",
        "h:+1",
        "SSL://h:1",
        "SASL_SSL://h:1",
        "::1:9092",
        "h:1,g:2",
        "h:9092x",
        "http://h:1",
        "PLAINTEXT://h:1,PLAINTEXT://g:2",
        "h:-0",
        "h:\t1",
        "h:000001",
        "PLAINTEXT://[PLAINTEXT://]:1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(address_parse(bad[i], &a, &e) == ERR_INVALID, "'%s' was accepted", bad[i]);
}
END_TEST

START_TEST(addresses_of_the_whole_machine_are_known)
{
    static const char *const wild[] = {":1", "0.0.0.0:1", "[::]:1"};
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
        ck_assert_ok(address_parse(wild[i], &a, &e));
        ck_assert(address_is_wildcard(&a));
    }
    ck_assert_ok(address_parse("127.0.0.1:1", &a, &e));
    ck_assert(!address_is_wildcard(&a));
}
END_TEST

START_TEST(port_0_becomes_a_free_one_that_is_not_listened_on_yet)
{
    uint16_t port = 0;
    ck_assert_ok(address_parse("127.0.0.1:0", &a, &e));
    int fd = address_bind(&a, &port, &e);
    ck_assert_ok(fd);
    ck_assert_int_ne(port, 0);
    int listens = 1;
    socklen_t n = sizeof listens;
    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n), 0);
    ck_assert_int_eq(listens, 0);
    close(fd);
}
END_TEST

START_TEST(a_taken_port_is_named_in_the_error)
{
    uint16_t port = 0, again = 0;
    ck_assert_ok(address_parse("127.0.0.1:0", &a, &e));
    int fd = address_bind(&a, &port, &e);
    ck_assert_int_eq(listen(fd, 1), 0);
    a.port = port;
    ck_assert_int_lt(address_bind(&a, &again, &e), 0);
    ck_assert_ptr_nonnull(strstr(e.text, "127.0.0.1"));
    close(fd);
}
END_TEST

UNIT_MAIN(hosts_and_ports_are_told_apart, everything_else_is_refused,
          addresses_of_the_whole_machine_are_known,
          port_0_becomes_a_free_one_that_is_not_listened_on_yet, a_taken_port_is_named_in_the_error)
