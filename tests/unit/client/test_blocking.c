/* A host with several addresses. Its name is looked up here: the program's own getaddrinfo stands
 * before the library's. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/blocking.h"

enum { LIMIT_MS = 400, CALLERS = 4 };

static struct sockaddr_in addresses[2];
static struct addrinfo found[2];

int getaddrinfo(const char *restrict host, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict list)
{
    (void)host;
    (void)service;
    (void)hints;
    for (int i = 0; i < 2; i++)
        found[i] = (struct addrinfo){.ai_family = AF_INET,
                                     .ai_socktype = SOCK_STREAM,
                                     .ai_addr = (struct sockaddr *)&addresses[i],
                                     .ai_addrlen = sizeof addresses[i],
                                     .ai_next = i ? NULL : &found[1]};
    *list = found;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    (void)list;
}

/* An address of this machine that nobody listens at yet; it stays taken while the socket is open. */
static int bound(struct sockaddr_in *a)
{
    socklen_t n = sizeof *a;
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *a = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_ge(s, 0);
    ck_assert_int_eq(bind(s, (struct sockaddr *)a, sizeof *a), 0);
    ck_assert_int_eq(getsockname(s, (struct sockaddr *)a, &n), 0);
    return s;
}

/* An address that swallows every attempt to connect: its queue is full, and nobody accepts. Whoever
 * stands in the queue goes into callers. */
static int swallowing(struct sockaddr_in *a, int callers[CALLERS])
{
    int s = bound(a);
    ck_assert_int_eq(listen(s, 0), 0);
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(callers[i], 0);
        int rc = connect(callers[i], (struct sockaddr *)a, sizeof *a);
        ck_assert(rc == 0 || errno == EINPROGRESS);
    }
    struct pollfd last = {callers[CALLERS - 1], POLLOUT, 0};
    ck_assert_msg(poll(&last, 1, 0) == 0, "this system's queues are not full: nothing is tested");
    return s;
}

static void hang_up(int s, const int callers[CALLERS])
{
    for (int i = 0; i < CALLERS; i++)
        close(callers[i]);
    close(s);
}

static int try_host(void)
{
    struct clock *clock = clock_system();
    struct client_wait w = {clock, clock_mono_ms(clock) + LIMIT_MS, -1};
    struct client_link l;
    struct err e;
    client_link_init(&l, "test", 1 << 20);
    int rc = client_link_open(&l, "host", 1, &w, &e);
    if (rc == ERR_TIMEOUT)
        ck_assert_int_eq(client_wait_left(&w), 0);
    client_link_release(&l);
    return rc;
}

START_TEST(the_next_address_has_its_share_of_the_time)
{
    int callers[CALLERS], first = swallowing(&addresses[0], callers), second = bound(&addresses[1]);
    ck_assert_int_eq(try_host(), ERR_UNREACHABLE); /* the second was asked, and refused */
    close(second);
    hang_up(first, callers);
}
END_TEST

START_TEST(the_last_address_has_all_the_time_that_is_left)
{
    int callers[CALLERS], first = bound(&addresses[0]), second = swallowing(&addresses[1], callers);
    ck_assert_int_eq(try_host(), ERR_TIMEOUT);
    close(first);
    hang_up(second, callers);
}
END_TEST

UNIT_MAIN(the_next_address_has_its_share_of_the_time,
          the_last_address_has_all_the_time_that_is_left)
