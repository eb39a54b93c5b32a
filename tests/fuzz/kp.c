#include "tests/fuzz/kp.h"

#include <string.h>

#include "kp/error.h"
#include "kp/schema.h"
#include "tests/fuzz/fuzz.h"

static void write_again(const struct kp_schema *s, int version, const struct wr *first,
                        const void *msg)
{
    struct wr w;
    struct arena a;
    arena_init(&a, 0);
    wr_init(&w, 0);
    struct rd r = rd_of(first->buf, first->len);
    void *copy = arena_alloc(&a, kp_sizeof(s));
    must(copy && kp_decode(s, version, &r, &a, copy) == 0);
    must(rd_left(&r) == 0);
    must(kp_equal(s, version, msg, copy));
    kp_encode(s, version, copy, &w);
    must(!w.err && w.len == first->len);
    must(w.len == 0 || memcmp(w.buf, first->buf, w.len) == 0);
    wr_free(&w);
    arena_free(&a);
}

void fuzz_kp_holds(const struct kp_schema *s, int version, const void *msg)
{
    struct wr w;
    wr_init(&w, 0);
    kp_encode(s, version, msg, &w);
    must(!w.err);
    write_again(s, version, &w, msg);
    wr_free(&w);
}

/* ---- likely messages */

static void make_likely(const struct kp_schema *s, void *msg, uint64_t *seed);

static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static bool says(const struct kp_field *f, const char *word)
{
    return strstr(f->name, word) != NULL;
}

static void likely_value(const struct kp_field *f, void *value, uint64_t *seed)
{
    static const int16_t errors[] = {KP_ERR_UNKNOWN_SERVER_ERROR, KP_ERR_UNKNOWN_TOPIC_OR_PARTITION,
                                     KP_ERR_NOT_LEADER_OR_FOLLOWER, KP_ERR_NOT_CONTROLLER,
                                     KP_ERR_TOPIC_ALREADY_EXISTS};
    enum { ERRORS = sizeof errors / sizeof *errors };
    size_t error = draw(seed) % (4 * ERRORS);
    if (f->type == KP_T_STRUCT)
        make_likely(f->sub, value, seed);
    else if (f->type == KP_T_STRING && (says(f, "Name") || says(f, "Topic")))
        *(struct kp_str *)value = kp_str("t");
    else if (f->type == KP_T_INT32 && (says(f, "Index") || says(f, "Partition") || says(f, "Id")))
        *(int32_t *)value = (int32_t)(draw(seed) % 4);
    else if (f->type == KP_T_INT16 && says(f, "ErrorCode"))
        *(int16_t *)value = error < ERRORS ? errors[error] : KP_ERR_NONE;
}

static void make_likely(const struct kp_schema *s, void *msg, uint64_t *seed)
{
    const struct kp_field *f = s->fields;
    for (int i = 0; i < s->n_plain + s->n_tagged; i++, f++) {
        struct kp_list l = {1, (uint8_t *)msg + f->at};
        if (f->array)
            l = kp_list_get(f, msg);
        for (int32_t k = 0; k < l.n; k++)
            likely_value(f, l.p + (size_t)k * f->size, seed);
    }
}

static size_t make(const struct kp_schema *s, int version, uint64_t seed, bool likely, uint8_t *p,
                   size_t max)
{
    struct wr w;
    struct arena a;
    arena_init(&a, 16 << 20);
    wr_init(&w, 0);
    void *msg = arena_alloc(&a, kp_sizeof(s));
    size_t n = 0;
    if (msg && kp_random(s, version, seed, &a, msg) == 0) {
        if (likely)
            make_likely(s, msg, &seed);
        kp_encode(s, version, msg, &w);
    }
    if (!w.err && w.len <= max)
        n = w.len;
    if (n)
        memcpy(p, w.buf, n);
    wr_free(&w);
    arena_free(&a);
    return n;
}

size_t fuzz_kp_random(const struct kp_schema *s, int version, uint64_t seed, uint8_t *p, size_t max)
{
    return make(s, version, seed, false, p, max);
}

size_t fuzz_kp_likely(const struct kp_schema *s, int version, uint64_t seed, uint8_t *p, size_t max)
{
    return make(s, version, seed, true, p, max);
}

/* ---- versions */

static void write_versions(struct wr *w)
{
    struct kp_api_versions_resp resp;
    struct arena a;
    size_t n;
    const struct kp_api *apis = kp_apis(&n);
    arena_init(&a, 0);
    wr_init(w, 0);
    kp_init(&kp_api_versions_resp_schema, &resp);
    resp.n_api_keys = (int32_t)n;
    resp.api_keys = kp_array(&kp_api_versions_resp_api_keys_schema, &a, n);
    must(resp.api_keys);
    for (size_t i = 0; i < n; i++) {
        resp.api_keys[i].api_key = apis[i].key;
        resp.api_keys[i].min_version = apis[i].min;
        resp.api_keys[i].max_version = apis[i].max;
    }
    kp_encode(&kp_api_versions_resp_schema, kp_api(KP_API_VERSIONS)->max, &resp, w);
    must(!w->err);
    arena_free(&a);
}

struct span fuzz_kp_versions(void)
{
    static struct wr w;
    if (!w.len)
        write_versions(&w);
    return span_of(w.buf, w.len);
}
