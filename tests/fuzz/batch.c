#include "tests/fuzz/batch.h"

#include <string.h>

#include "base/crc32c.h"
#include "batch/codec.h"
#include "tests/fuzz/fuzz.h"

static void seal(uint8_t *p, size_t n)
{
    put_be32(p + 8, (uint32_t)n - BATCH_PREFIX);
    p[16] = BATCH_MAGIC;
    put_be32(p + 17, crc32c(0, p + BATCH_CRC_FROM, n - BATCH_CRC_FROM));
}

void fuzz_batch_put(struct wr *w, struct span in, unsigned how)
{
    struct rd rd = rd_of(in.p, in.n);
    struct span head = fuzz_some(&rd, BATCH_HEADER), body = fuzz_rest(&rd);
    size_t at = w->len;
    enum batch_codec codec =
        head.n == BATCH_HEADER ? (enum batch_codec)(in.p[22] & BATCH_ATTR_CODEC) : BATCH_NONE;
    wr_bytes(w, head.p, head.n);
    if (!(how & FUZZ_BATCH_COMPRESS) || codec_compress(codec, body, w) != 0) {
        w->err = 0;
        wr_bytes(w, body.p, body.n);
    }
    must(!w->err);
    if ((how & FUZZ_BATCH_FIX) && w->len - at >= BATCH_HEADER)
        seal(w->buf + at, w->len - at);
}

size_t fuzz_batch_random(uint8_t *p, size_t max, unsigned seed)
{
    static const uint8_t text[64] = "some text, that keys, values and headers are cut from";
    struct record_header h[2] = {{span_of(text, 3), span_of(text, 1)},
                                 {span_of(text + 9, 0), span_of(NULL, 0)}};
    struct batch_builder b;
    struct wr w;
    size_t size = 0;
    wr_init(&w, 0);
    batch_builder_init(&b, BATCH_NONE);
    unsigned n = 1 + (seed >> 8) % 5;
    for (unsigned i = 0; i < n; i++) {
        unsigned how = seed >> (12 + 2 * i);
        batch_builder_add(
            &b, FUZZ_BATCH_TIME + (int)i, span_of(how & 1 ? text : NULL, how & 1 ? i : 0),
            span_of(how & 2 ? text + i : NULL, how & 2 ? 10 : 0), h, (int32_t)(how % 3));
    }
    if (batch_builder_finish(&b, &w) == 0 && w.len <= max) {
        memcpy(p, w.buf, w.len);
        p[22] |= (uint8_t)((seed >> 4) % BATCH_CODECS);
        size = w.len;
    }
    batch_builder_release(&b);
    wr_free(&w);
    return size;
}

static bool same(struct span a, struct span b)
{
    return !a.p == !b.p && a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool fuzz_record_equal(const struct record *a, const struct record *b)
{
    return a->timestamp == b->timestamp && same(a->key, b->key) && same(a->value, b->value) &&
           a->n_headers == b->n_headers && same(a->headers, b->headers);
}
