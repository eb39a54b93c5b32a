/* fuzz_batch.c - a record batch from a producer: what the broker lets in, consumers can read.
 *
 *   u8 flags, u8 version of Produce, u8 rules, the batch
 *   FIX: its length, magic and CRC are put right
 *   COMPRESS: its records are plain; the target compresses them by the codec of its attributes
 */
#include <stdlib.h>

#include "base/crc32c.h"
#include "batch/codec.h"
#include "batch/records.h"
#include "tests/fuzz/fuzz.h"

enum { FIX = 1, COMPRESS = 2 };
enum { APPEND_TIME = 1, COMPACTED = 2, INTERNAL = 4, TIMELY = 8, SMALL = 16, NARROW = 32 };
enum { NOW = 1000000, EXPANDED = 32 << 10, BYTES_MAX = 64 << 10 };

static struct batch_rules rules_of(uint8_t version, uint8_t bits)
{
    bool timely = bits & TIMELY;
    return (struct batch_rules){
        .produce_version = version % 13,
        .max_bytes = bits & SMALL ? 200 : BYTES_MAX,
        .now_ms = NOW,
        .before_max_ms = timely ? 1000 : INT64_MAX,
        .after_max_ms = timely ? 1000 : INT64_MAX,
        .append_time = bits & APPEND_TIME,
        .compacted = bits & COMPACTED,
        .internal = bits & INTERNAL,
        .max_expanded = bits & NARROW ? 128 : EXPANDED,
    };
}

static void seal(uint8_t *p, size_t n)
{
    put_be32(p + 8, (uint32_t)n - BATCH_PREFIX);
    p[16] = BATCH_MAGIC;
    put_be32(p + 17, crc32c(0, p + BATCH_CRC_FROM, n - BATCH_CRC_FROM));
}

/* The batch that the input stands for. */
static void lay_out(struct wr *w, struct span in, uint8_t flags)
{
    struct rd rd = rd_of(in.p, in.n);
    struct span head = fuzz_some(&rd, BATCH_HEADER), body = fuzz_rest(&rd);
    enum batch_codec codec =
        head.n == BATCH_HEADER ? (enum batch_codec)(in.p[22] & BATCH_ATTR_CODEC) : BATCH_NONE;
    wr_bytes(w, head.p, head.n);
    if (!(flags & COMPRESS) || codec_compress(codec, body, w) != 0) {
        w->err = 0;
        wr_bytes(w, body.p, body.n);
    }
    must(!w->err);
    if ((flags & FIX) && w->len >= BATCH_HEADER)
        seal(w->buf, w->len);
}

/* ---- what holds for a batch that was let in */

static void headers_hold(const struct record *r)
{
    struct rd rd = rd_of(r->headers.p, r->headers.n);
    struct record_header h;
    int32_t n = 0;
    while (record_header_next(&rd, &h) == 1) {
        must(fuzz_within(h.key, r->headers) && fuzz_within(h.value, r->headers));
        n++;
    }
    must(n == r->n_headers && rd_left(&rd) == 0);
}

static void read_all(struct span s, const struct batch *b, const struct batch_rules *rules)
{
    struct records it;
    struct record r;
    int64_t max = INT64_MIN;
    int32_t n = 0;
    size_t size = 0;
    must(records_init(&it, s, rules->max_expanded) == 0);
    bool plain = batch_codec(b) == BATCH_NONE;
    struct span body = plain ? span_of(s.p + BATCH_HEADER, s.n - BATCH_HEADER)
                             : span_of(it.expanded.buf, it.expanded.len);
    must(plain || body.n <= rules->max_expanded);
    while (records_next(&it, &r) == 1) {
        must(r.offset == b->base_offset + n && r.offset_delta == n);
        must(fuzz_within(r.key, body) && fuzz_within(r.value, body));
        must(fuzz_within(r.headers, body));
        must(!rules->compacted || r.key.p);
        headers_hold(&r);
        max = r.timestamp > max ? r.timestamp : max;
        size += r.size;
        n++;
    }
    must(n == b->count && n > 0 && size == body.n);
    must(rules->append_time || max == b->max_timestamp);
    records_release(&it);
}

/* What the broker does to it next leaves it whole. */
static void store(struct span s, struct batch *b, const struct batch_rules *rules)
{
    struct batch stored;
    uint8_t *p = malloc(s.n);
    must(p);
    memcpy(p, s.p, s.n);
    batch_place(p, 1000, 7);
    if (rules->append_time)
        batch_stamp(p, s.n, NOW);
    else
        batch_set_max_timestamp(p, s.n, b->max_timestamp);
    must(batch_verify(span_of(p, s.n), &stored, NULL) == 0);
    must(stored.base_offset == 1000 && stored.leader_epoch == 7 && stored.count == b->count);
    must(batch_size(&stored) == s.n);
    must(stored.max_timestamp == (rules->append_time ? NOW : b->max_timestamp));
    free(p);
}

/* ---- what holds for any */

static void is_refusal(int why)
{
    must(why == BATCH_REFUSED_CORRUPT || why == BATCH_REFUSED_SIZE ||
         why == BATCH_REFUSED_TIMESTAMP || why == BATCH_REFUSED_CODEC ||
         why == BATCH_REFUSED_INVALID);
}

static void walk_any(struct span s, size_t max)
{
    struct records it;
    struct record r;
    if (records_init(&it, s, max) == 0) {
        for (int32_t last = -1; records_next(&it, &r) == 1; last = r.offset_delta)
            must(r.offset_delta > last && r.offset_delta <= it.batch.last_offset_delta);
    }
    must(it.expanded.len <= max + 1 && it.expanded.cap <= 2 * max + (64 << 10));
    records_release(&it);
}

static void admit(struct span s, const struct batch_rules *rules)
{
    struct batch b = {.magic = 0};
    struct err e = {0};
    int32_t bad;
    int why = batch_admit(s, rules, &b, &bad, &e);
    if (why) {
        is_refusal(why);
        must(e.text[0] && e.code < 0 && bad >= -1);
        return;
    }
    must(bad == -1 && batch_size(&b) == s.n && s.n <= (size_t)rules->max_bytes);
    must(rules->internal || !(b.attributes & BATCH_ATTR_CONTROL));
    read_all(s, &b, rules);
    store(s, &b, rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n);
    uint8_t flags = rd_u8(&in), version = rd_u8(&in);
    struct batch_rules rules = rules_of(version, rd_u8(&in));
    struct wr w;
    wr_init(&w, 0);
    lay_out(&w, fuzz_rest(&in), flags);
    struct span s = span_of(w.buf, w.len);
    admit(s, &rules);
    walk_any(s, rules.max_expanded);
    struct batch b;
    if (batch_verify(s, &b, NULL) == 0)
        must(batch_size(&b) <= s.n && b.count <= (int64_t)b.last_offset_delta + 1);
    wr_free(&w);
    return 0;
}

/* ---- other batches */

static size_t make_batch(uint8_t *p, size_t max, unsigned seed)
{
    static const uint8_t text[64] = "some text, that keys, values and headers are cut from";
    struct record_header h[2] = {{span_of(text, 3), span_of(text, 1)},
                                 {span_of(text + 9, 0), span_of(NULL, 0)}};
    struct batch_builder b;
    struct wr w;
    wr_init(&w, 0);
    wr_u8(&w, FIX | (seed & 1 ? COMPRESS : 0));
    wr_u8(&w, 9);
    wr_u8(&w, (uint8_t)(seed >> 1) & 0x3f);
    batch_builder_init(&b, BATCH_NONE);
    unsigned n = 1 + (seed >> 8) % 5;
    for (unsigned i = 0; i < n; i++) {
        unsigned how = seed >> (12 + 2 * i);
        batch_builder_add(&b, NOW + (int)i, span_of(how & 1 ? text : NULL, how & 1 ? i : 0),
                          span_of(how & 2 ? text + i : NULL, how & 2 ? 10 : 0), h,
                          (int32_t)(how % 3));
    }
    if (batch_builder_finish(&b, &w) == 0 && w.len <= max) {
        memcpy(p, w.buf, w.len);
        p[3 + 22] |= (uint8_t)((seed >> 4) % BATCH_CODECS);
        max = w.len;
    } else {
        max = 0;
    }
    batch_builder_release(&b);
    wr_free(&w);
    return max;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
    if (seed % 128 == 0)
        n = make_batch(data, max, seed / 128);
    return LLVMFuzzerMutate(data, n, max);
}
