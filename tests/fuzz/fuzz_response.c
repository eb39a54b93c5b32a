/* fuzz_response.c - what a client makes of any bytes that a broker, or whoever sits there, sends.
 *
 *   u8 API, u8 version, u8 flags, u8 size of the pieces in which bytes come
 *   FRAMED: answers, a u16 length and so many bytes each, which get their right length and
 *   correlation id; else the stream itself
 *   HELLO: the answer to ApiVersions is among them; else the target gives one
 *
 * How the stream is cut into pieces makes no difference, once the requests are out; an answer that
 * decodes holds (kp.h).
 */
#include "client/conn.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/kp.h"

enum { FRAMED = 1, HELLO = 2 };
enum { RESPONSE_MAX = 4 << 10, REQUESTS = 3 };

struct outcome {
    int rc, answers, decoded;
    enum client_conn_state state;
    bool asked;
};

struct plan {
    const struct kp_api *api;
    int16_t max;
    uint8_t flags;
};

static void send_requests(struct client_conn *c, const struct plan *plan)
{
    struct arena a;
    int version = client_conn_version(c, plan->api->key, plan->max, NULL);
    if (version < 0)
        return;
    must(version >= plan->api->min && version <= plan->max);
    arena_init(&a, 0);
    void *req = arena_alloc(&a, kp_sizeof(plan->api->req));
    must(req);
    kp_init(plan->api->req, req);
    for (int i = 0; i < REQUESTS; i++)
        must(client_conn_send(c, plan->api->key, (int16_t)version, req, c) == 0);
    arena_free(&a);
    client_conn_sent(c, client_conn_out(c).n);
}

static void take(struct client_response *r, struct outcome *o)
{
    struct arena a;
    struct err e = {0};
    const struct kp_schema *s = kp_api(r->key)->resp;
    arena_init(&a, 1 << 20);
    void *msg = arena_alloc(&a, kp_sizeof(s));
    must(msg);
    o->answers++;
    int rc = client_response_decode(r, &a, msg, &e);
    must(rc == 0 || e.text[0]);
    if (rc == 0) {
        fuzz_kp_holds(s, r->version, msg);
        o->decoded++;
    }
    arena_free(&a);
}

/* The bytes that make a connection ready. */
static struct span versions(void)
{
    static struct wr w;
    if (!w.len) {
        struct span body = fuzz_kp_versions();
        wr_init(&w, 0);
        wr_be32(&w, (uint32_t)body.n + 4);
        kp_encode_resp_header(&w, KP_API_VERSIONS, kp_api(KP_API_VERSIONS)->max, 0);
        wr_bytes(&w, body.p, body.n);
        must(!w.err);
    }
    return span_of(w.buf, w.len);
}

/* The stream that the input stands for. */
static void lay_out(struct wr *w, struct rd in, uint8_t flags)
{
    if (!(flags & FRAMED)) {
        struct span all = fuzz_rest(&in);
        wr_bytes(w, all.p, all.n);
        return;
    }
    for (uint32_t id = flags & HELLO ? 0 : 1; rd_left(&in) > 2; id++) {
        struct span body = fuzz_some(&in, rd_be16(&in));
        wr_be32(w, (uint32_t)body.n + 4);
        wr_be32(w, id);
        wr_bytes(w, body.p, body.n);
    }
}

static void feed(struct client_conn *c, struct span s, const struct plan *plan, struct outcome *o)
{
    struct client_response r;
    struct err e = {0};
    while (o->rc >= 0 && s.n) {
        size_t n;
        uint8_t *room = client_conn_room(c, &n);
        must(room && n > 0);
        must(c->rx_cap <= 2 * (RESPONSE_MAX + 8) + 8192);
        n = n < s.n ? n : s.n;
        memcpy(room, s.p, n);
        client_conn_received(c, n);
        s = span_of(s.p + n, s.n - n);
        while ((o->rc = client_conn_next(c, &r, &e)) == 1)
            take(&r, o);
        must(o->rc >= 0 || e.text[0]);
        if (client_conn_ready(c) && !o->asked) {
            o->asked = true;
            send_requests(c, plan);
        }
        client_conn_sent(c, client_conn_out(c).n);
    }
}

static struct outcome run(struct span stream, const struct plan *plan, size_t piece)
{
    struct outcome o = {0};
    struct client_conn c;
    client_conn_init(&c, "fuzz", RESPONSE_MAX);
    must(client_conn_hello(&c) == 0);
    client_conn_sent(&c, client_conn_out(&c).n);
    if (!(plan->flags & HELLO)) {
        feed(&c, versions(), plan, &o);
        must(client_conn_ready(&c));
    }
    for (size_t at = 0; at < stream.n && o.rc >= 0; at += piece) {
        size_t n = stream.n - at < piece ? stream.n - at : piece;
        feed(&c, span_of(stream.p + at, n), plan, &o);
    }
    o.state = c.state;
    client_conn_release(&c);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n);
    struct wr stream;
    size_t n_apis;
    const struct kp_api *apis = kp_apis(&n_apis);
    struct plan plan = {.api = &apis[rd_u8(&in) % n_apis]};
    int versions = plan.api->max - plan.api->min + 1;
    plan.max = (int16_t)(plan.api->min + rd_u8(&in) % versions);
    plan.flags = rd_u8(&in);
    size_t piece = rd_u8(&in) + 1u;
    if (in.err)
        return 0;
    wr_init(&stream, 0);
    lay_out(&stream, in, plan.flags);
    struct span all = span_of(stream.buf, stream.len);
    struct outcome whole = run(all, &plan, SIZE_MAX / 2);
    struct outcome pieces = run(all, &plan, piece);
    if (!(plan.flags & HELLO)) {
        must(whole.rc == pieces.rc && whole.state == pieces.state);
        must(whole.answers == pieces.answers && whole.decoded == pieces.decoded);
    }
    wr_free(&stream);
    return 0;
}

/* ---- other answers */

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
    if ((seed % 32 && n > 6) || max < 16)
        return LLVMFuzzerMutate(data, n, max);
    size_t n_apis;
    const struct kp_api *apis = kp_apis(&n_apis), *api = &apis[seed / 32 % n_apis];
    int versions = api->max - api->min + 1, version = api->min + (int)(seed >> 16) % versions;
    uint8_t head[] = {(uint8_t)(api - apis), (uint8_t)(version - api->min), FRAMED, 16};
    bool tags = version >= api->flexible && api->key != KP_API_VERSIONS;
    size_t at = sizeof head + 2;
    memcpy(data, head, sizeof head);
    if (tags)
        data[at++] = 0;
    size_t body = fuzz_kp_random(api->resp, version, seed, data + at, max - at);
    put_be16(data + sizeof head, (uint16_t)(body + tags));
    return at + body;
}
