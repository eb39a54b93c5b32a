#include "tests/unit/unit.h"

#include <string.h>

#include "client/conn.h"
#include "kp/error.h"

static struct client_conn conn;
static struct arena arena;
static struct err error;

/* What the broker's side of the wire has got so far, and its last request. */
static struct wr wire;
static struct kp_req_header header;
static struct rd body;

static void start(void)
{
    client_conn_init(&conn, "tester", 1 << 20);
    arena_init(&arena, 0);
    wr_init(&wire, 0);
    error = (struct err){0};
}

static void stop(void)
{
    client_conn_release(&conn);
    arena_free(&arena);
    wr_free(&wire);
}

/* Take the next request from the connection, which must have queued one. */
static void take_request(void)
{
    struct span out = client_conn_out(&conn);
    wr_bytes(&wire, out.p, out.n);
    client_conn_sent(&conn, out.n);
    ck_assert_uint_ge(wire.len, 4);
    uint32_t n = get_be32(wire.buf);
    ck_assert_uint_ge(wire.len, 4 + (size_t)n);
    uint8_t *frame = arena_alloc(&arena, n);
    memcpy(frame, wire.buf + 4, n);
    memmove(wire.buf, wire.buf + 4 + n, wire.len - 4 - n);
    wire.len -= 4 + (size_t)n;
    body = rd_of(frame, n);
    ck_assert_ok(kp_decode_req_header(&body, &header));
}

static void feed(const void *p, size_t n)
{
    for (size_t done = 0; done < n;) {
        size_t room;
        uint8_t *to = client_conn_room(&conn, &room);
        ck_assert_ptr_nonnull(to);
        size_t some = room < n - done ? room : n - done;
        memcpy(to, (const uint8_t *)p + done, some);
        client_conn_received(&conn, some);
        done += some;
    }
}

/* Answer to a request as a broker would. */
static void answer(int16_t key, int16_t version, int32_t id, const void *msg)
{
    struct wr w;
    wr_init(&w, 0);
    wr_be32(&w, 0);
    kp_encode_resp_header(&w, key, version, id);
    kp_encode(kp_api(key)->resp, version, msg, &w);
    ck_assert_ok(w.err);
    wr_patch_be32(&w, 0, (uint32_t)w.len - 4);
    feed(w.buf, w.len);
    wr_free(&w);
}

static struct kp_api_versions_resp_api_keys ranges[] = {
    {KP_PRODUCE, 0, 9}, {KP_FETCH, 4, 99}, {KP_API_VERSIONS, 0, 2}, {KP_LIST_OFFSETS, 90, 99}};

static void answer_versions(int16_t version, int16_t code, int32_t n)
{
    struct kp_api_versions_resp resp;
    kp_init(&kp_api_versions_resp_schema, &resp);
    resp.error_code = code;
    resp.n_api_keys = n;
    resp.api_keys = n == 1 ? &ranges[2] : ranges;
    answer(KP_API_VERSIONS, version, header.correlation_id, &resp);
}

static int next(void)
{
    static struct client_response r;
    return client_conn_next(&conn, &r, &error);
}

/* A connection that has agreed on versions. */
static void start_ready(void)
{
    start();
    ck_assert_ok(client_conn_hello(&conn));
    take_request();
    answer_versions(header.version, KP_ERR_NONE, 4);
    ck_assert_int_eq(next(), 0);
    ck_assert(client_conn_ready(&conn));
}

START_TEST(versions_are_agreed_on)
{
    start();
    ck_assert_ok(client_conn_hello(&conn));
    ck_assert(!client_conn_ready(&conn));
    take_request();
    ck_assert_int_eq(header.key, KP_API_VERSIONS);
    ck_assert_int_eq(header.version, kp_api(KP_API_VERSIONS)->max);
    ck_assert(kp_str_is(header.client_id, "tester"));
    answer_versions(header.version, KP_ERR_NONE, 4);
    ck_assert_int_eq(next(), 0);
    ck_assert(client_conn_ready(&conn));
    ck_assert_int_eq(client_conn_version(&conn, KP_PRODUCE, INT16_MAX, &error), 9);
    ck_assert_int_eq(client_conn_version(&conn, KP_PRODUCE, 7, &error), 7);
    ck_assert_int_eq(client_conn_version(&conn, KP_FETCH, INT16_MAX, &error),
                     kp_api(KP_FETCH)->max);
    ck_assert_int_eq(client_conn_version(&conn, KP_LIST_OFFSETS, INT16_MAX, &error),
                     ERR_UNSUPPORTED);
    ck_assert_int_eq(client_conn_version(&conn, KP_METADATA, INT16_MAX, &error), ERR_UNSUPPORTED);
    stop();
}
END_TEST

/* A broker that knows ApiVersions up to 2 says so in version 0. */
START_TEST(an_older_broker_is_asked_again)
{
    start();
    ck_assert_ok(client_conn_hello(&conn));
    take_request();
    answer_versions(0, KP_ERR_UNSUPPORTED_VERSION, 1);
    ck_assert_int_eq(next(), 0);
    ck_assert(!client_conn_ready(&conn));
    take_request();
    ck_assert_int_eq(header.version, 2);
    answer_versions(2, KP_ERR_NONE, 4);
    ck_assert_int_eq(next(), 0);
    ck_assert(client_conn_ready(&conn));
    stop();
}
END_TEST

/* One that does not say what it knows is asked in version 0; one that refuses that is no broker for
 * us. */
START_TEST(the_last_resort_is_version_0)
{
    start();
    ck_assert_ok(client_conn_hello(&conn));
    take_request();
    answer_versions(0, KP_ERR_UNSUPPORTED_VERSION, 0);
    ck_assert_int_eq(next(), 0);
    take_request();
    ck_assert_int_eq(header.version, 0);
    answer_versions(0, KP_ERR_UNSUPPORTED_VERSION, 0);
    ck_assert_int_eq(next(), ERR_UNSUPPORTED);
    ck_assert_int_eq(next(), ERR_CLOSED);
    stop();
}
END_TEST

static void send_fetch(void *tag)
{
    struct kp_fetch_req req;
    kp_init(&kp_fetch_req_schema, &req);
    req.rack_id = kp_str("");
    ck_assert_ok(client_conn_send(&conn, KP_FETCH, 12, &req, tag));
}

static void answer_fetch(int32_t id, int32_t session)
{
    struct kp_fetch_resp resp;
    kp_init(&kp_fetch_resp_schema, &resp);
    resp.session_id = session;
    answer(KP_FETCH, 12, id, &resp);
}

START_TEST(answers_find_their_requests)
{
    enum { N = 100 }; /* more than the first ring holds */
    static int tags[N];
    int32_t ids[N];
    start_ready();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++) {
            send_fetch(&tags[i]);
            take_request();
            ids[i] = header.correlation_id;
        }
        ck_assert_uint_eq(client_conn_pending(&conn), N);
        for (int i = 0; i < N; i++)
            answer_fetch(ids[i], 1000 + i);
        for (int i = 0; i < N; i++) {
            struct client_response r;
            struct kp_fetch_resp resp;
            ck_assert_int_eq(client_conn_next(&conn, &r, &error), 1);
            ck_assert_ptr_eq(r.tag, &tags[i]);
            ck_assert_ok(client_response_decode(&r, &arena, &resp, &error));
            ck_assert_int_eq(resp.session_id, 1000 + i);
        }
        ck_assert_int_eq(next(), 0);
        ck_assert_uint_eq(client_conn_pending(&conn), 0);
    }
    stop();
}
END_TEST

START_TEST(answers_may_come_byte_by_byte)
{
    struct wr w;
    start_ready();
    send_fetch(NULL);
    take_request();
    wr_init(&w, 0);
    struct kp_fetch_resp resp;
    kp_init(&kp_fetch_resp_schema, &resp);
    wr_be32(&w, 0);
    kp_encode_resp_header(&w, KP_FETCH, 12, header.correlation_id);
    kp_encode(&kp_fetch_resp_schema, 12, &resp, &w);
    wr_patch_be32(&w, 0, (uint32_t)w.len - 4);
    for (size_t i = 0; i < w.len; i++) {
        ck_assert_int_eq(next(), 0);
        feed(w.buf + i, 1);
    }
    ck_assert_int_eq(next(), 1);
    wr_free(&w);
    stop();
}
END_TEST

START_TEST(a_large_answer_gets_the_room_it_needs)
{
    start_ready();
    send_fetch(NULL);
    take_request();
    static char rack[600000];
    struct kp_fetch_resp resp;
    struct kp_fetch_resp_responses topic;
    struct kp_fetch_resp_responses_partitions part;
    kp_init(&kp_fetch_resp_schema, &resp);
    kp_init(&kp_fetch_resp_responses_schema, &topic);
    kp_init(&kp_fetch_resp_responses_partitions_schema, &part);
    memset(rack, 'x', sizeof rack);
    part.records = (struct kp_records){.p = (const uint8_t *)rack, .n = sizeof rack};
    topic.topic = kp_str("t");
    topic.n_partitions = 1;
    topic.partitions = &part;
    resp.n_responses = 1;
    resp.responses = &topic;
    answer(KP_FETCH, 12, header.correlation_id, &resp);
    struct client_response r;
    struct kp_fetch_resp got;
    ck_assert_int_eq(client_conn_next(&conn, &r, &error), 1);
    ck_assert_ok(client_response_decode(&r, &arena, &got, &error));
    ck_assert_bytes_eq(got.responses[0].partitions[0].records.p,
                       (size_t)got.responses[0].partitions[0].records.n, rack, sizeof rack);
    stop();
}
END_TEST

START_TEST(an_answer_out_of_turn_ends_the_connection)
{
    start_ready();
    send_fetch(NULL);
    take_request();
    answer_fetch(header.correlation_id + 1, 0);
    ck_assert_int_eq(next(), ERR_MALFORMED);
    ck_assert_int_eq(next(), ERR_CLOSED);
    stop();
    start_ready();
    answer_fetch(header.correlation_id, 0);
    ck_assert_int_eq(next(), ERR_MALFORMED);
    stop();
}
END_TEST

START_TEST(an_absurd_length_is_refused_before_memory_is_taken)
{
    start_ready();
    feed("HTTP/1.1", 8);
    ck_assert_int_eq(next(), ERR_TOOBIG);
    ck_assert_uint_lt(conn.rx_cap, 1 << 20);
    stop();
}
END_TEST

START_TEST(bytes_behind_the_answer_are_an_error)
{
    start_ready();
    send_fetch(NULL);
    take_request();
    struct kp_fetch_resp resp;
    struct client_response r;
    struct wr w;
    wr_init(&w, 0);
    kp_init(&kp_fetch_resp_schema, &resp);
    wr_be32(&w, 0);
    kp_encode_resp_header(&w, KP_FETCH, 12, header.correlation_id);
    kp_encode(&kp_fetch_resp_schema, 12, &resp, &w);
    wr_u8(&w, 0);
    wr_patch_be32(&w, 0, (uint32_t)w.len - 4);
    feed(w.buf, w.len);
    wr_free(&w);
    ck_assert_int_eq(client_conn_next(&conn, &r, &error), 1);
    ck_assert_int_eq(client_response_decode(&r, &arena, &resp, &error), ERR_MALFORMED);
    stop();
}
END_TEST

START_TEST(a_request_that_cannot_be_said_is_not_queued)
{
    start_ready();
    struct kp_fetch_req req;
    kp_init(&kp_fetch_req_schema, &req);
    req.rack_id = kp_str(NULL); /* no version knows a null here */
    ck_assert_int_eq(client_conn_send(&conn, KP_FETCH, 12, &req, NULL), ERR_INVALID);
    ck_assert_uint_eq(client_conn_out(&conn).n, 0);
    ck_assert_uint_eq(client_conn_pending(&conn), 0);
    send_fetch(NULL);
    take_request();
    answer_fetch(header.correlation_id, 0);
    ck_assert_int_eq(next(), 1);
    stop();
}
END_TEST

START_TEST(an_unanswered_request_waits_for_nothing)
{
    start_ready();
    struct kp_produce_req req;
    kp_init(&kp_produce_req_schema, &req);
    ck_assert_ok(client_conn_send_unanswered(&conn, KP_PRODUCE, 9, &req));
    take_request();
    ck_assert_int_eq(header.key, KP_PRODUCE);
    ck_assert_uint_eq(client_conn_pending(&conn), 0);
    stop();
}
END_TEST

/* What is sent in pieces while more is queued arrives whole, and the buffer does not grow for ever.
 */
START_TEST(a_busy_connection_keeps_its_buffer_small)
{
    start_ready();
    send_fetch(NULL);
    for (int i = 0; i < 10000; i++) {
        send_fetch(NULL);
        struct span out = client_conn_out(&conn);
        size_t half = out.n / 2;
        wr_bytes(&wire, out.p, half);
        client_conn_sent(&conn, half);
    }
    ck_assert_uint_lt(conn.tx.cap, 1 << 16);
    for (int i = 0; i < 10001; i++) {
        take_request();
        ck_assert_int_eq(header.key, KP_FETCH);
    }
    stop();
}
END_TEST

START_TEST(a_reset_connection_starts_anew)
{
    start_ready();
    send_fetch(NULL);
    feed("abc", 3);
    client_conn_reset(&conn);
    ck_assert_uint_eq(client_conn_out(&conn).n, 0);
    ck_assert_uint_eq(client_conn_pending(&conn), 0);
    ck_assert_int_eq(client_conn_version(&conn, KP_FETCH, INT16_MAX, &error), ERR_UNSUPPORTED);
    ck_assert_ok(client_conn_hello(&conn));
    take_request();
    answer_versions(header.version, KP_ERR_NONE, 4);
    ck_assert_int_eq(next(), 0);
    ck_assert(client_conn_ready(&conn));
    stop();
}
END_TEST

UNIT_MAIN(versions_are_agreed_on, an_older_broker_is_asked_again, the_last_resort_is_version_0,
          answers_find_their_requests, answers_may_come_byte_by_byte,
          a_large_answer_gets_the_room_it_needs, an_answer_out_of_turn_ends_the_connection,
          an_absurd_length_is_refused_before_memory_is_taken, bytes_behind_the_answer_are_an_error,
          a_request_that_cannot_be_said_is_not_queued, an_unanswered_request_waits_for_nothing,
          a_busy_connection_keeps_its_buffer_small, a_reset_connection_starts_anew)
