/* fuzz_request.c - the input is a frame as a connection cut it from the stream: a request's header
 * and body, of any API and version. It goes through the broker's own first step; APIs that the
 * schemas know and the broker does not serve go through the decoder alone.
 */
#include "broker/api.h"
#include "broker/request.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/kp.h"

static bool served(const struct request *q)
{
    return q->api && q->header.version >= q->api->min && q->header.version <= q->api->max;
}

static void decode_unserved(struct span frame)
{
    struct kp_req_header h;
    struct arena a;
    struct rd r = rd_of(frame.p, frame.n);
    if (kp_decode_req_header(&r, &h))
        return;
    const struct kp_api *api = kp_api(h.key);
    if (!api)
        return;
    arena_init(&a, 1 << 20);
    void *msg = arena_alloc(&a, kp_sizeof(api->req));
    must(msg);
    if (kp_decode(api->req, h.version, &r, &a, msg) == 0)
        fuzz_kp_holds(api->req, h.version, msg);
    arena_free(&a);
}

static void header_holds(const struct kp_req_header *h)
{
    struct wr w;
    struct kp_req_header again;
    wr_init(&w, 0);
    kp_encode_req_header(&w, h);
    must(!w.err);
    struct rd r = rd_of(w.buf, w.len);
    must(kp_decode_req_header(&r, &again) == 0 && rd_left(&r) == 0);
    must(again.key == h->key && again.version == h->version);
    must(again.correlation_id == h->correlation_id && kp_str_eq(again.client_id, h->client_id));
    wr_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct request q = {.header = {.key = -1}};
    struct err why = {0};
    struct span frame = span_of(data, n);
    arena_init(&q.arena, 0);
    int rc = request_decode(&q, frame, &why);
    must(rc == 0 || (rc == why.code && why.text[0]));
    must(q.arena.used <= q.arena.cap);
    if (rc == 0) {
        header_holds(&q.header);
        if (served(&q))
            fuzz_kp_holds(q.api->kp->req, q.header.version, q.msg);
    } else if (!served(&q)) {
        decode_unserved(frame);
    }
    arena_free(&q.arena);
    return 0;
}

/* ---- other frames */

static size_t make_frame(uint8_t *p, size_t max, unsigned seed)
{
    size_t n_apis;
    const struct kp_api *apis = kp_apis(&n_apis), *api = &apis[seed % n_apis];
    int16_t version = (int16_t)(api->min + (int)(seed / n_apis) % (api->max - api->min + 1));
    struct kp_req_header h = {api->key, version, (int32_t)seed, kp_str("client")};
    struct wr w;
    wr_init(&w, 0);
    kp_encode_req_header(&w, &h);
    size_t body = 0;
    if (!w.err && w.len <= max) {
        memcpy(p, w.buf, w.len);
        body = fuzz_kp_random(api->req, version, seed, p + w.len, max - w.len);
    }
    body += w.len;
    wr_free(&w);
    return body <= max ? body : 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
    if (seed % 64 == 0 || n < 4)
        n = make_frame(data, max, seed / 64);
    else if (seed % 16 == 1)
        put_be16(data + 2, (uint16_t)(get_be16(data + 2) + (seed & 16 ? 1 : UINT16_MAX)));
    else
        return LLVMFuzzerMutate(data, n, max);
    return n ? n : LLVMFuzzerMutate(data, n, max);
}
