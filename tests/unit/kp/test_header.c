/* Headers of requests and responses, with their quirks. */
#include <stdlib.h>

#include "base/err.h"
#include "kp/kp.h"
#include "tests/unit/unit.h"

static int decode_req(const uint8_t *p, size_t n, struct kp_req_header *h, size_t *left)
{
    struct rd r = rd_of(p, n);
    int err = kp_decode_req_header(&r, h);
    *left = rd_left(&r);
    return err;
}

START_TEST(requests_round_trip)
{
    size_t n;
    const struct kp_api *api = kp_apis(&n);
    static const char *const ids[] = {NULL, "", "kp-test"};
    for (size_t i = 0; i < n; i++)
        for (int16_t v = api[i].min; v <= api[i].max; v++)
            for (size_t k = 0; k < 3; k++) {
                struct kp_req_header in = {api[i].key, v, -5, kp_str(ids[k])}, out;
                struct wr w;
                size_t left;
                wr_init(&w, 0);
                kp_encode_req_header(&w, &in);
                size_t expected = 10 + (ids[k] ? strlen(ids[k]) : 0) + (v >= api[i].flexible);
                ck_assert_uint_eq(w.len, expected);
                ck_assert_ok(decode_req(w.buf, w.len, &out, &left));
                ck_assert_uint_eq(left, 0);
                ck_assert_int_eq(out.key, in.key);
                ck_assert_int_eq(out.version, v);
                ck_assert_int_eq(out.correlation_id, -5);
                ck_assert(kp_str_eq(in.client_id, out.client_id));
                wr_free(&w);
            }
}
END_TEST

START_TEST(the_client_id_is_never_compact)
{
    struct kp_req_header h = {KP_PRODUCE, 9, 1, kp_str("ab")};
    static const uint8_t expected[] = {0, 0, 0, 9, 0, 0, 0, 1, 0, 2, 'a', 'b', 0};
    struct wr w;
    wr_init(&w, 0);
    kp_encode_req_header(&w, &h);
    ck_assert_bytes_eq(w.buf, w.len, expected, sizeof expected);
    wr_free(&w);
}
END_TEST

START_TEST(tags_of_a_request_are_skipped)
{
    static const uint8_t bytes[] = {0,    0, 0, 9, 0,   0,   0, 1, 0xff,
                                    0xff, 2, 5, 2, 'x', 'y', 6, 0, 0xaa};
    struct kp_req_header h;
    size_t left;
    ck_assert_ok(decode_req(bytes, sizeof bytes, &h, &left));
    ck_assert_uint_eq(left, 1);
    ck_assert_int_eq(h.client_id.n, -1);
}
END_TEST

/* Whether an unknown request has tags cannot be known: what stands behind the client id stays. */
START_TEST(unknown_keys_and_versions_are_no_errors)
{
    static const uint8_t key[] = {0x12, 0x34, 0, 0, 0, 0, 0, 1, 0, 0, 0xaa};
    static const uint8_t version[] = {0, 18, 0, 99, 0, 0, 0, 1, 0, 0, 0xff, 0xff};
    struct kp_req_header h;
    size_t left;
    ck_assert_ok(decode_req(key, sizeof key, &h, &left));
    ck_assert_int_eq(h.key, 0x1234);
    ck_assert_uint_eq(left, 1);
    ck_assert_ok(decode_req(version, sizeof version, &h, &left));
    ck_assert_int_eq(h.version, 99);
    ck_assert_uint_eq(left, 2);
}
END_TEST

START_TEST(broken_requests)
{
    static const uint8_t whole[] = {0, 0, 0, 9, 0, 0, 0, 1, 0, 2, 'a', 'b', 1, 5, 2, 'x', 'y'};
    static const uint8_t negative[] = {0, 0, 0, 3, 0, 0, 0, 1, 0xff, 0xfe};
    struct kp_req_header h;
    size_t left;
    ck_assert_ok(decode_req(whole, sizeof whole, &h, &left));
    for (size_t n = 0; n < sizeof whole; n++) {
        uint8_t *cut = malloc(n ? n : 1);
        memcpy(cut, whole, n);
        ck_assert_int_eq(decode_req(cut, n, &h, &left), ERR_SHORT);
        free(cut);
    }
    ck_assert_int_eq(decode_req(negative, sizeof negative, &h, &left), ERR_MALFORMED);
}
END_TEST

static void response_takes(int16_t key, int16_t version, size_t n)
{
    struct wr w;
    int32_t id = 0;
    wr_init(&w, 0);
    kp_encode_resp_header(&w, key, version, 77);
    ck_assert_int_eq(w.err, 0);
    ck_assert_uint_eq(w.len, n);
    struct rd r = rd_of(w.buf, w.len);
    ck_assert_ok(kp_decode_resp_header(&r, key, version, &id));
    ck_assert_int_eq(id, 77);
    ck_assert_uint_eq(rd_left(&r), 0);
    wr_free(&w);
}

START_TEST(responses_have_tags_from_flexible_versions_on)
{
    size_t n;
    const struct kp_api *api = kp_apis(&n);
    for (size_t i = 0; i < n; i++)
        for (int16_t v = api[i].min; v <= api[i].max; v++)
            if (api[i].key != KP_API_VERSIONS)
                response_takes(api[i].key, v, v >= api[i].flexible ? 5 : 4);
}
END_TEST

START_TEST(api_versions_answers_without_tags_for_ever)
{
    for (int16_t v = 0; v < 6; v++)
        response_takes(KP_API_VERSIONS, v, 4);
}
END_TEST

UNIT_MAIN(requests_round_trip, the_client_id_is_never_compact, tags_of_a_request_are_skipped,
          unknown_keys_and_versions_are_no_errors, broken_requests,
          responses_have_tags_from_flexible_versions_on, api_versions_answers_without_tags_for_ever)
