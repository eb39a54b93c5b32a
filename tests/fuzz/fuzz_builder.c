/* fuzz_builder.c - what a producer of ours builds, a broker admits and a consumer reads as it was.
 *
 *   u8 codec and flags, then records: u8 flags, u8 step of the time, u8 bytes of the key, u8 bytes
 *   of the value, u8 headers of two lengths each; all the bytes come from the input itself
 */
#include "batch/records.h"
#include "tests/fuzz/fuzz.h"

enum { NO_KEY = 1, NO_VALUE = 2, BACK = 4, FAR = 8 };
enum { RECORDS = 64, HEADERS = 4, START = 1700000000 };

struct made {
    int64_t timestamp;
    struct span key, value;
    struct record_header headers[HEADERS];
    int32_t n_headers;
};
static struct made made[RECORDS];

static size_t read_records(struct rd *in)
{
    size_t n = 0;
    int64_t time = START;
    for (; n < RECORDS && rd_left(in); n++) {
        struct made *m = &made[n];
        uint8_t flags = rd_u8(in);
        int64_t step = rd_u8(in) * (flags & FAR ? INT64_C(1) << 30 : 1);
        time += flags & BACK ? -step : step;
        *m = (struct made){.timestamp = time};
        uint8_t key = rd_u8(in), value = rd_u8(in), headers = rd_u8(in);
        m->key = flags & NO_KEY ? span_of(NULL, 0) : fuzz_some(in, key);
        m->value = flags & NO_VALUE ? span_of(NULL, 0) : fuzz_some(in, value);
        m->n_headers = headers % (HEADERS + 1);
        for (int32_t i = 0; i < m->n_headers; i++) {
            m->headers[i].key = fuzz_some(in, rd_u8(in) % 16);
            m->headers[i].value = fuzz_some(in, rd_u8(in) % 16);
        }
        if (in->err) /* what was cut off has no bytes at all */
            break;
    }
    return n;
}

static bool same(struct span a, struct span b)
{
    return !a.p == !b.p && span_eq(a, b);
}

static void same_record(const struct record *r, const struct made *m)
{
    struct rd rd = rd_of(r->headers.p, r->headers.n);
    struct record_header h;
    must(r->timestamp == m->timestamp && same(r->key, m->key) && same(r->value, m->value));
    must(r->n_headers == m->n_headers);
    for (int32_t i = 0; i < m->n_headers; i++) {
        must(record_header_next(&rd, &h) == 1);
        must(same(h.key, m->headers[i].key) && same(h.value, m->headers[i].value));
    }
    must(record_header_next(&rd, &h) == 0);
}

static void comes_back(struct span s, size_t n, size_t size)
{
    struct batch_rules rules = {.produce_version = 9,
                                .max_bytes = INT32_MAX,
                                .before_max_ms = INT64_MAX,
                                .after_max_ms = INT64_MAX,
                                .max_expanded = 1 << 20};
    struct batch b;
    struct err e = {0};
    struct records it;
    struct record r;
    must(batch_admit(s, &rules, &b, NULL, &e) == 0);
    must(batch_codec(&b) != BATCH_NONE || size == s.n);
    must(b.count == (int32_t)n && b.base_timestamp == made[0].timestamp);
    must(records_init(&it, s, rules.max_expanded) == 0);
    for (size_t i = 0; i < n; i++) {
        must(records_next(&it, &r) == 1);
        must(r.offset == (int64_t)i);
        same_record(&r, &made[i]);
    }
    must(records_next(&it, &r) == 0);
    records_release(&it);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n);
    uint8_t how = rd_u8(&in);
    size_t count = read_records(&in);
    struct batch_builder b;
    struct wr w;
    wr_init(&w, 0);
    batch_builder_init(&b, (enum batch_codec)(how % BATCH_CODECS));
    if (how & 0x80) {
        b.producer_id = 7;
        b.base_sequence = 3;
        b.producer_epoch = 0;
    }
    for (size_t i = 0; i < count; i++)
        batch_builder_add(&b, made[i].timestamp, made[i].key, made[i].value, made[i].headers,
                          made[i].n_headers);
    size_t size = batch_builder_size(&b);
    int rc = batch_builder_finish(&b, &w);
    must(count ? rc == 0 : rc == ERR_INVALID);
    if (rc == 0)
        comes_back(span_of(w.buf, w.len), count, size);
    must(!(how & 0x80) || rc || b.base_sequence == 3 + (int32_t)count);
    batch_builder_release(&b);
    wr_free(&w);
    return 0;
}
