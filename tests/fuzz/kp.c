#include "tests/fuzz/kp.h"

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

size_t fuzz_kp_random(const struct kp_schema *s, int version, uint64_t seed, uint8_t *p, size_t max)
{
    struct wr w;
    struct arena a;
    arena_init(&a, 16 << 20);
    wr_init(&w, 0);
    void *msg = arena_alloc(&a, kp_sizeof(s));
    size_t n = 0;
    if (msg && kp_random(s, version, seed, &a, msg) == 0)
        kp_encode(s, version, msg, &w);
    if (!w.err && w.len <= max)
        n = w.len;
    if (n)
        memcpy(p, w.buf, n);
    wr_free(&w);
    arena_free(&a);
    return n;
}
