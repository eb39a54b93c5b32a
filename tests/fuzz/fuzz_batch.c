/* fuzz_batch.c - a record batch from a producer: what the broker lets in, consumers can read.
 *
 *   u8 flags (batch.h), u8 version of Produce, u8 rules, the batch
 */
#include <stdlib.h>
#include <string.h>

#include "batch/records.h"
#include "tests/fuzz/batch.h"
#include "tests/fuzz/fuzz.h"

enum { APPEND_TIME = 1, COMPACTED = 2, INTERNAL = 4, TIMELY = 8, SMALL = 16, NARROW = 32 };
enum { NOW = FUZZ_BATCH_TIME, EXPANDED = 32 << 10, BYTES_MAX = 64 << 10 };

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
    fuzz_batch_put(&w, fuzz_rest(&in), flags);
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

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
    enum { HEAD = 3 };
    if (seed % 128 == 0 && max > HEAD) {
        seed /= 128;
        uint8_t head[HEAD] = {FUZZ_BATCH_FIX | (seed & 1 ? FUZZ_BATCH_COMPRESS : 0), 9,
                              (uint8_t)(seed >> 1) & 0x3f};
        memcpy(data, head, HEAD);
        n = HEAD + fuzz_batch_random(data + HEAD, max - HEAD, seed);
    }
    return LLVMFuzzerMutate(data, n, max);
}
