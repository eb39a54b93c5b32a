/* Connections on a loop whose time stands still, the client's end in our hands. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/endian.h"
#include "broker/broker.h"
#include "broker/rcu.h"
#include "broker/worker.h"
#include "loop/loop_virtual.h"
#include "tests/unit/unit.h"

static struct settings settings;
static struct broker broker;
static struct worker *w;

static void begin(void)
{
    rcu_register();
    ck_assert_ok(settings_init(&settings));
    ck_assert_ok(settings_resolve(&settings, NULL));
    broker = (struct broker){
        .settings = &settings, .memory.max = 1 << 20, .held.max = 1 << 18, .replies.max = 1 << 20};
    live_init(&broker.live, &settings);
    w = worker_new(&broker, 0);
    ck_assert_ptr_nonnull(w);
}

static void set(const char *assignment)
{
    ck_assert_ok(settings_argument(&settings, assignment, NULL));
    live_init(&broker.live, &settings);
}

static void let_pass(int64_t ms)
{
    ck_assert_ok(loop_virtual_advance(w->loop, ms));
}

/* Everything is closed, and everything was given back. */
static void end(void)
{
    let_pass(0);
    ck_assert_ptr_null(w->conns);
    ck_assert_uint_eq(w->n_requests, 0);
    ck_assert_int_eq(broker.memory.used, 0);
    ck_assert_int_eq(broker.held.used, 0);
    ck_assert_int_eq(broker.replies.used, 0);
    ck_assert_uint_eq(broker.n_conns, 0);
    worker_free(w);
    settings_release(&settings);
    rcu_unregister();
}

/* A client: its end of a new connection. */
static int join(void)
{
    static const struct sockaddr nobody = {.sa_family = AF_UNIX};
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    broker.n_conns++;
    ck_assert_ok(conn_open(w, ends[1], &nobody));
    return ends[0];
}

static void leave(int fd)
{
    close(fd);
    let_pass(0);
}

static size_t put_request(uint8_t *buf, int16_t key, int16_t version, int32_t correlation)
{
    put_be32(buf, 10);
    put_be16(buf + 4, (uint16_t)key);
    put_be16(buf + 6, (uint16_t)version);
    put_be32(buf + 8, (uint32_t)correlation);
    put_be16(buf + 12, UINT16_MAX); /* no client id */
    return 14;
}

static void say(int fd, const void *bytes, size_t n)
{
    ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
    let_pass(0);
}

static void ask(int fd, int16_t key, int16_t version, int32_t correlation)
{
    uint8_t buf[16];
    say(fd, buf, put_request(buf, key, version, correlation));
}

/* One reply, without its length; how many bytes it has. */
static size_t hear(int fd, uint8_t *buf, size_t cap)
{
    uint8_t head[4];
    ck_assert_int_eq(read(fd, head, 4), 4);
    size_t n = get_be32(head);
    ck_assert_uint_le(n, cap);
    ck_assert_int_eq(read(fd, buf, n), (ssize_t)n);
    return n;
}

static void hear_answer_to(int fd, int32_t correlation)
{
    uint8_t buf[1024];
    hear(fd, buf, sizeof buf);
    ck_assert_int_eq((int32_t)get_be32(buf), correlation);
}

static bool is_closed(int fd)
{
    char c;
    ssize_t n = read(fd, &c, 1);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

static bool is_silent(int fd)
{
    char c;
    return read(fd, &c, 1) < 0 && errno == EAGAIN;
}

/* Of a socket's send buffer, in the kernel's count. */
static int room_of(int fd)
{
    int room;
    ck_assert_ok(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &(socklen_t){sizeof room}));
    return room;
}

START_TEST(the_send_buffer_is_as_large_as_is_set)
{
    begin();
    set("socket.send.buffer.bytes=16384");
    int bounded = join();
    ck_assert_int_eq(room_of(w->conns->fd), 2 * 16384);
    set("socket.send.buffer.bytes=-1");
    int unbounded = join();
    ck_assert_int_eq(room_of(w->conns->fd), room_of(unbounded));
    leave(bounded);
    leave(unbounded);
    end();
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte)
{
    begin();
    int fd = join();
    uint8_t buf[16];
    size_t n = put_request(buf, 18, 0, 5);
    for (size_t i = 0; i < n; i++) {
        ck_assert(is_silent(fd));
        say(fd, buf + i, 1);
    }
    hear_answer_to(fd, 5);
    leave(fd);
    end();
}
END_TEST

START_TEST(answers_come_in_the_order_of_the_requests)
{
    begin();
    int fd = join();
    uint8_t buf[16 * 50];
    size_t n = 0;
    for (int i = 0; i < 50; i++)
        n += put_request(buf + n, 18, 0, i);
    say(fd, buf, n - 3); /* cut in the last one */
    say(fd, buf + n - 3, 3);
    for (int i = 0; i < 50; i++)
        hear_answer_to(fd, i);
    ck_assert(is_silent(fd));
    leave(fd);
    end();
}
END_TEST

START_TEST(an_unknown_version_of_apiversions_is_answered_in_the_old_form)
{
    begin();
    int fd = join();
    uint8_t buf[64];
    ask(fd, 18, 99, 3);
    ck_assert_uint_eq(hear(fd, buf, sizeof buf), 4 + 2 + 4 + 6);
    ck_assert_int_eq(get_be16(buf + 4), 35);
    ck_assert_int_eq(get_be32(buf + 6), 1);
    ck_assert_int_eq(get_be16(buf + 10), 18);
    ck_assert_int_eq(get_be16(buf + 14), 4);
    ask(fd, 18, 0, 4);
    hear_answer_to(fd, 4);
    leave(fd);
    end();
}
END_TEST

static void check_refused(const void *bytes, size_t n)
{
    int good = join(), bad = join();
    say(bad, bytes, n);
    ck_assert(is_closed(bad));
    close(bad);
    ask(good, 18, 0, 1); /* the others do not notice */
    hear_answer_to(good, 1);
    leave(good);
}

START_TEST(what_is_not_served_closes_its_connection)
{
    uint8_t buf[16];
    begin();
    check_refused(buf, put_request(buf, 71, 0, 0));
    check_refused(buf, put_request(buf, -1, 0, 0));
    check_refused(buf, put_request(buf, 3, 99, 0));
    check_refused(buf, put_request(buf, 3, -1, 0));
    check_refused(buf, put_request(buf, 0, 2, 0)); /* Produce: advertised, not served */
    check_refused("GET / HTTP/1.1\r\n\r\n", 18);
    check_refused("\0\0\0\7abcdefg", 11);
    check_refused("\xff\xff\xff\xff", 4);
    check_refused("\x7f\xff\xff\xff", 4);
    put_request(buf, 18, 3, 0); /* its body is missing */
    check_refused(buf, 14);
    ck_assert_uint_eq(w->stats.refused, 10);
    end();
}
END_TEST

START_TEST(an_idle_client_is_closed_a_busy_one_is_not)
{
    begin();
    int idle = join(), busy = join();
    let_pass(settings.connections_max_idle_ms - 1000);
    ask(busy, 18, 0, 1);
    hear_answer_to(busy, 1);
    let_pass(settings.connection_stall_ms + 1000);
    ck_assert(is_closed(idle));
    ck_assert(is_silent(busy));
    close(idle);
    leave(busy);
    end();
}
END_TEST

START_TEST(a_client_that_stalls_in_a_request_is_closed)
{
    begin();
    int fd = join();
    say(fd, "\0\0\0\x0a\0", 5);
    let_pass(settings.connection_stall_ms - 1);
    ck_assert(is_silent(fd));
    let_pass(settings.connection_stall_ms + 1);
    ck_assert(is_closed(fd));
    close(fd);
    end();
}
END_TEST

START_TEST(patience_may_be_without_end)
{
    begin();
    set("connection.stall.ms=9223372036854775807");
    set("connections.max.idle.ms=9223372036854775807");
    let_pass(1000);
    int idle = join(), slow = join();
    say(slow, "\0\0\0\x0a\0", 5);
    for (int day = 0; day < 3; day++)
        let_pass(86400000);
    ck_assert(is_silent(idle));
    ck_assert(is_silent(slow));
    leave(idle);
    leave(slow);
    end();
}
END_TEST

/* Write requests until the broker takes no more; how many went in. */
static int flood(int fd)
{
    uint8_t buf[16];
    int n = 0;
    for (int quiet = 0; quiet < 3;) {
        size_t size = put_request(buf, 18, 0, n);
        if (write(fd, buf, size) == (ssize_t)size) {
            n++;
            quiet = 0;
        } else {
            quiet++;
        }
        let_pass(0);
    }
    return n;
}

START_TEST(a_client_that_takes_no_answers_is_not_read_and_then_closed)
{
    begin();
    set("connection.max.queued.bytes=65536");
    int fd = join();
    int n = flood(fd);
    ck_assert_int_gt(n, settings.connection_max_queued_requests);
    ck_assert_int_le(w->conns->queued, 65536 + 512);
    ck_assert_uint_le(w->conns->n_requests, (uint32_t)settings.connection_max_queued_requests);
    let_pass(settings.connections_max_idle_ms * 2);
    ck_assert_ptr_null(w->conns);
    close(fd);
    end();
}
END_TEST

START_TEST(a_slow_client_gets_every_answer_in_order)
{
    begin();
    set("connection.max.queued.requests=4");
    int fd = join();
    int n = flood(fd);
    for (int i = 0; i < n; i++) {
        let_pass(0);
        hear_answer_to(fd, i);
    }
    ck_assert(is_silent(fd));
    leave(fd);
    end();
}
END_TEST

/* One client sends all at once what the socket takes, the other one request: that is answered in
 * the first iteration, and each iteration is short. */
START_TEST(a_storm_of_requests_lets_others_have_their_turn)
{
    enum { STORM = 2000, TURN_MOST = 33, ANSWERS_MOST = 9 * 1024 };
    static uint8_t buf[16 * STORM];
    begin();
    set("connection.max.queued.requests=65536");
    broker.replies.max = 1 << 30;
    int storm = join(), other = join();
    int room = 1 << 20;
    ck_assert_ok(setsockopt(storm, SOL_SOCKET, SO_SNDBUF, &room, sizeof room));
    size_t n = 0;
    for (int i = 0; i < STORM; i++)
        n += put_request(buf + n, 18, 0, i);
    ck_assert_int_eq(write(storm, buf, n), (ssize_t)n);
    ck_assert_int_eq(write(other, buf, 14), 14);
    uint64_t served = 0;
    for (int heard = 0, step = 0; heard < STORM; step++) {
        uint64_t before = served;
        ck_assert_int_gt(loop_virtual_step(w->loop), 0);
        served = w->stats.requests[18];
        ck_assert_uint_le(served - before, TURN_MOST);
        ck_assert(served > before || served == STORM + 1);
        for (const struct conn *c = w->conns; c; c = c->next)
            ck_assert_int_le(c->unsent, ANSWERS_MOST);
        for (; !is_silent(storm); heard++) { /* which takes a byte of each */
            uint8_t rest[1024];
            ck_assert_int_eq(read(storm, rest, 3), 3);
            size_t size = rest[1] * 256u + rest[2];
            ck_assert_int_eq(read(storm, rest, size), (ssize_t)size);
            ck_assert_int_eq((int32_t)get_be32(rest), heard);
        }
        if (step == 0)
            hear_answer_to(other, 0);
    }
    leave(storm);
    leave(other);
    end();
}
END_TEST

START_TEST(while_replies_pile_up_each_client_has_one_at_a_time)
{
    begin();
    int deaf = join();
    flood(deaf);
    ck_assert_uint_gt(w->conns->n_requests, 1);
    broker.replies.max = broker.replies.used - broker.replies.used / 10;
    int other = join();
    int n = flood(other);
    ck_assert_int_gt(n, 1);
    ck_assert_uint_eq(w->conns->n_requests, 1);
    for (int i = 0; i < n; i++) {
        let_pass(0);
        hear_answer_to(other, i);
    }
    ck_assert(is_silent(other));
    leave(other);
    leave(deaf);
    end();
}
END_TEST

/* The budget is 1 MiB: a claim on nearly all of it, which never becomes a request. */
static int hog_budget(void)
{
    int hog = join();
    say(hog, "\0\x0f\xff\xff", 4);
    say(hog, "x", 1);
    ck_assert_int_eq(broker.memory.used, 0xfffff);
    return hog;
}

START_TEST(the_budget_of_all_makes_others_wait_and_loses_nothing)
{
    begin();
    int hog = hog_budget(), other = join();
    uint8_t big[4 + 200000] = {0};
    put_request(big, 18, 0, 1);
    put_be32(big, sizeof big - 4);
    say(other, big, sizeof big);
    let_pass(100);
    ck_assert(is_silent(other));
    ck_assert_int_le(broker.memory.used, 1 << 20);
    leave(hog);
    let_pass(100);
    hear_answer_to(other, 1);
    leave(other);
    end();
}
END_TEST

START_TEST(small_requests_have_a_reserve)
{
    begin();
    int hog = hog_budget(), other = join();
    ask(other, 18, 0, 1);
    hear_answer_to(other, 1);
    leave(hog);
    leave(other);
    end();
}
END_TEST

START_TEST(a_trickle_ends_like_silence)
{
    begin();
    int trickle = join(), head = join(), slow = join();
    int64_t seconds = settings.connection_stall_ms / 1000;
    uint8_t buf[2000] = {0};
    put_be32(buf, 100 << 10);
    say(trickle, buf, 4);
    say(head, buf, 1);
    put_request(buf, 18, 0, 7);
    put_be32(buf, (uint32_t)(sizeof buf / 2 * (size_t)(4 * seconds) - 4));
    say(slow, buf, sizeof buf / 2);
    for (int64_t i = 1; i < 4 * seconds; i++) {
        if (i == 1 || i == 2)
            say(head, buf, 1);
        if (i < seconds)
            say(trickle, "x", 1);
        let_pass(1000);
        say(slow, buf + sizeof buf / 2, sizeof buf / 2);
        if (i == seconds - 1)
            ck_assert(is_silent(trickle) && is_silent(head));
        if (i == seconds + 1)
            ck_assert(is_closed(trickle) && is_closed(head));
    }
    hear_answer_to(slow, 7); /* a thousand bytes a second are enough */
    close(trickle);
    close(head);
    leave(slow);
    end();
}
END_TEST

START_TEST(a_client_that_waits_for_memory_does_not_stall)
{
    begin();
    int hog = join(), other = join();
    uint8_t big[4 + 200000] = {0};
    broker.memory.used = 1 << 20; /* requests that take their time */
    put_request(big, 18, 0, 1);
    put_be32(big, sizeof big - 4);
    say(other, big, sizeof big);
    let_pass(settings.connection_stall_ms * 3);
    ck_assert(is_silent(other));
    broker.memory.used -= 1 << 20;
    let_pass(100);
    hear_answer_to(other, 1);
    leave(hog);
    leave(other);
    end();
}
END_TEST

/* The broker as conn_press meets it: with a list of its loops. */
static void begin_with_pressure(void)
{
    begin();
    broker.workers = &w;
    broker.n_workers = 1;
}

START_TEST(who_claims_memory_and_sends_nothing_goes_when_others_want_it)
{
    begin_with_pressure();
    int hog = hog_budget(), other = join();
    uint8_t big[4 + 200000] = {0};
    let_pass(5000);
    ck_assert(is_silent(hog)); /* as long as nobody does */
    put_request(big, 18, 0, 1);
    put_be32(big, sizeof big - 4);
    say(other, big, sizeof big);
    let_pass(1000);
    ck_assert(is_closed(hog));
    hear_answer_to(other, 1);
    close(hog);
    leave(other);
    end();
}
END_TEST

START_TEST(who_sends_at_a_good_pace_may_finish_though_others_wait)
{
    begin_with_pressure();
    int first = join(), other = join();
    uint8_t part[1 << 16] = {0}, big[4 + 200000] = {0};
    put_request(part, 18, 0, 1);
    put_be32(part, (15 << 16) - 4);
    say(first, part, sizeof part);
    put_request(big, 18, 0, 2);
    put_be32(big, sizeof big - 4);
    say(other, big, sizeof big);
    memset(part, 0, sizeof part);
    for (int i = 1; i < 15; i++) {
        ck_assert(is_silent(first) && is_silent(other));
        let_pass(3000);
        say(first, part, sizeof part);
    }
    hear_answer_to(first, 1);
    let_pass(10);
    hear_answer_to(other, 2);
    leave(first);
    leave(other);
    end();
}
END_TEST

START_TEST(the_reserve_is_not_for_claims)
{
    begin();
    int claims[32];
    for (int i = 0; i < 32; i++) {
        claims[i] = join();
        say(claims[i], "\0\1\0\0", 4);
        say(claims[i], "x", 1);
    }
    ck_assert_int_le(broker.memory.used, 1 << 20);
    int other = join();
    ask(other, 18, 0, 1);
    hear_answer_to(other, 1);
    for (int i = 0; i < 32; i++)
        leave(claims[i]);
    leave(other);
    let_pass(100); /* those that waited see that they have gone */
    end();
}
END_TEST

START_TEST(what_waits_for_a_place_is_bounded)
{
    begin();
    broker.held.max = 64 << 10;
    uint8_t some[32 << 10] = {0};
    int hog = hog_budget(), others[4];
    for (int i = 0; i < 4; i++) {
        others[i] = join();
        put_request(some, 18, 0, i);
        put_be32(some, 200000);
        say(others[i], some, sizeof some);
    }
    ck_assert_int_gt(broker.held.used, 0);
    ck_assert_int_le(broker.held.used, (64 << 10) + (int64_t)sizeof some);
    leave(hog);
    memset(some, 0, sizeof some);
    for (int i = 0; i < 4; i++) {
        for (size_t n = 200004 - sizeof some; n;) {
            size_t k = n < sizeof some ? n : sizeof some;
            let_pass(10);
            say(others[i], some, k);
            n -= k;
        }
        let_pass(10);
        hear_answer_to(others[i], i); /* nothing was lost */
        leave(others[i]);
    }
    end();
}
END_TEST

START_TEST(who_keeps_too_many_replies_waiting_goes)
{
    begin_with_pressure();
    int deaf = join(), other = join();
    flood(deaf);
    broker.replies.max = broker.replies.used / 2;
    ask(other, 18, 0, 1);
    ck_assert(is_silent(other));
    ck_assert_ptr_nonnull(w->conns->next);
    let_pass(300);
    ck_assert_ptr_null(w->conns->next);
    ck_assert_int_eq(broker.replies.used, 0);
    hear_answer_to(other, 1);
    leave(deaf);
    leave(other);
    end();
}
END_TEST

static int drained;

static void on_drained(void *arg)
{
    (void)arg;
    drained++;
}

START_TEST(draining_answers_what_is_there_and_closes)
{
    begin();
    int idle = join(), asking = join();
    uint8_t buf[16];
    size_t n = put_request(buf, 18, 0, 9);
    ck_assert_int_eq(write(asking, buf, n), (ssize_t)n);
    ck_assert_int_eq(loop_virtual_step(w->loop) >= 0, 1);
    worker_drain(w, on_drained, NULL);
    let_pass(0);
    hear_answer_to(asking, 9);
    ck_assert(is_closed(asking));
    ck_assert(is_closed(idle));
    ck_assert_int_eq(drained, 1);
    close(idle);
    close(asking);
    end();
}
END_TEST

START_TEST(a_half_closed_client_still_gets_its_answers)
{
    begin();
    int fd = join();
    uint8_t buf[16];
    size_t n = put_request(buf, 18, 0, 2);
    ck_assert_int_eq(write(fd, buf, n), (ssize_t)n);
    shutdown(fd, SHUT_WR);
    let_pass(0);
    hear_answer_to(fd, 2);
    ck_assert(is_closed(fd));
    close(fd);
    end();
}
END_TEST

START_TEST(noise_closes_connections_and_nothing_else)
{
    begin();
    srand(1);
    for (int round = 0; round < 300; round++) {
        int fd = join();
        uint8_t buf[256];
        size_t n = 1 + (size_t)rand() % sizeof buf;
        for (size_t i = 0; i < n; i++)
            buf[i] = (uint8_t)rand();
        if (n > 8) { /* mostly plausible lengths and keys, of requests that need no image */
            put_be32(buf, (uint32_t)n - 4);
            put_be16(buf + 4, round % 2 ? 18 : 200);
            put_be16(buf + 6, (uint16_t)(rand() % 5));
        }
        say(fd, buf, n);
        leave(fd);
    }
    end();
}
END_TEST

UNIT_MAIN(the_send_buffer_is_as_large_as_is_set, a_request_may_come_byte_by_byte,
          answers_come_in_the_order_of_the_requests,
          an_unknown_version_of_apiversions_is_answered_in_the_old_form,
          what_is_not_served_closes_its_connection, an_idle_client_is_closed_a_busy_one_is_not,
          a_client_that_stalls_in_a_request_is_closed, patience_may_be_without_end,
          a_client_that_takes_no_answers_is_not_read_and_then_closed,
          a_slow_client_gets_every_answer_in_order, a_storm_of_requests_lets_others_have_their_turn,
          while_replies_pile_up_each_client_has_one_at_a_time,
          the_budget_of_all_makes_others_wait_and_loses_nothing, small_requests_have_a_reserve,
          a_trickle_ends_like_silence, a_client_that_waits_for_memory_does_not_stall,
          who_claims_memory_and_sends_nothing_goes_when_others_want_it,
          who_sends_at_a_good_pace_may_finish_though_others_wait, the_reserve_is_not_for_claims,
          what_waits_for_a_place_is_bounded, who_keeps_too_many_replies_waiting_goes,
          draining_answers_what_is_there_and_closes, a_half_closed_client_still_gets_its_answers,
          noise_closes_connections_and_nothing_else)
