/* fuzz_batch_recompress.c - a batch in another compression, as a topic's compression.type asks for.
 *
 *   u8 flags (batch.h), u8 codec, i8 level, u8 how much the records may expand to, the batch
 *
 * A batch that checks becomes one that checks, with the same bytes of records; the other way round
 * they are still the same.
 */
#include <string.h>

#include "batch/codec.h"
#include "batch/records.h"
#include "tests/fuzz/batch.h"
#include "tests/fuzz/fuzz.h"

enum { EXPANDED = 16 << 10, BEFORE = 3 };

static const uint8_t before[BEFORE] = "ab";

/* Kafka's numbers for a codec; those far out are taken for the last there is. */
static int level_of(enum batch_codec codec, int8_t said)
{
    enum { LZ4_LEVELS = 17, ZSTD_MOST = 6 }; /* beyond it costs milliseconds and shows nothing */
    switch (codec) {
    case BATCH_GZIP:
        return (uint8_t)said % 11 - 1;
    case BATCH_LZ4:
        return 1 + (uint8_t)said % LZ4_LEVELS;
    default:
        return said % (ZSTD_MOST + 1);
    }
}

/* The records' bytes, plain. */
static int plain(struct span s, const struct batch *b, size_t max, struct wr *own,
                 struct span *bytes)
{
    *bytes = span_of(s.p + BATCH_HEADER, s.n - BATCH_HEADER);
    wr_init(own, 0);
    if (batch_codec(b) == BATCH_NONE)
        return 0;
    int rc = codec_expand(batch_codec(b), *bytes, max, own);
    *bytes = span_of(own->buf, own->len);
    return rc;
}

static void same_but_for_codec(const struct batch *a, const struct batch *b)
{
    must(a->base_offset == b->base_offset && a->last_offset_delta == b->last_offset_delta);
    must(a->leader_epoch == b->leader_epoch && a->base_sequence == b->base_sequence);
    must(a->base_timestamp == b->base_timestamp && a->max_timestamp == b->max_timestamp);
    must(a->producer_id == b->producer_id && a->producer_epoch == b->producer_epoch);
    must((a->attributes | BATCH_ATTR_CODEC) == (b->attributes | BATCH_ATTR_CODEC));
    must(a->count == b->count);
}

/* The records of both are the same bytes. */
static void same_records(struct span s, const struct batch *a, struct span t, const struct batch *b)
{
    struct wr w[2];
    struct span x, y;
    must(plain(s, a, EXPANDED, &w[0], &x) == 0 && plain(t, b, EXPANDED, &w[1], &y) == 0);
    must(x.n == y.n && (x.n == 0 || memcmp(x.p, y.p, x.n) == 0));
    wr_free(&w[0]);
    wr_free(&w[1]);
}

static void recompressed_holds(struct span s, struct span t, enum batch_codec codec)
{
    struct batch a, b;
    must(batch_peek(s, &a) == 0);
    must(batch_verify(t, &b, NULL) == 0 && batch_size(&b) == t.n && batch_codec(&b) == codec);
    same_but_for_codec(&a, &b);
    same_records(s, &a, t, &b);
}

static void refusal_holds(int rc, struct span s, const struct batch *b, size_t max)
{
    struct wr own;
    struct span bytes;
    must(rc == ERR_CODEC || rc == ERR_TOOBIG || rc == ERR_UNSUPPORTED);
    must(plain(s, b, max, &own, &bytes) == rc); /* its records are the reason */
    wr_free(&own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n);
    struct batch b;
    struct wr w, out;
    uint8_t flags = rd_u8(&in);
    enum batch_codec codec = (enum batch_codec)(rd_u8(&in) % BATCH_CODECS);
    int level = level_of(codec, (int8_t)rd_u8(&in));
    size_t max = rd_u8(&in) * (EXPANDED / 255);
    wr_init(&w, 0);
    wr_init(&out, 0);
    fuzz_batch_put(&w, fuzz_rest(&in), flags);
    wr_bytes(&out, before, BEFORE);
    struct span s = span_of(w.buf, w.len);
    if (batch_verify(s, &b, NULL) == 0 && batch_size(&b) == s.n) {
        int rc = batch_recompress(s, codec, level, max, &out);
        must(memcmp(out.buf, before, BEFORE) == 0);
        if (rc == 0)
            recompressed_holds(s, span_of(out.buf + BEFORE, out.len - BEFORE), codec);
        else
            refusal_holds(rc, s, &b, max);
    }
    wr_free(&w);
    wr_free(&out);
    return 0;
}

/* ---- other batches */

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
    enum { HEAD = 4 };
    if (seed % 128 == 0 && max > HEAD) {
        seed /= 128;
        uint8_t head[HEAD] = {FUZZ_BATCH_FIX | FUZZ_BATCH_COMPRESS, (uint8_t)(seed >> 20),
                              (uint8_t)(seed >> 12), 255};
        memcpy(data, head, HEAD);
        n = HEAD + fuzz_batch_random(data + HEAD, max - HEAD, seed);
    }
    return LLVMFuzzerMutate(data, n, max);
}
