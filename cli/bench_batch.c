#include "cli/bench_batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "batch/codec.h"
#include "batch/records.h"

/* Fields of the header that change; batch/batch.h has the whole. */
enum {
    AT_LENGTH = 8,
    AT_CRC = 17,
    AT_ATTRIBUTES = 21,
    AT_LAST_DELTA = 23,
    AT_BASE_TIME = 27,
    AT_MAX_TIME = 35,
    AT_PRODUCER_ID = 43,
    AT_PRODUCER_EPOCH = 51,
    AT_BASE_SEQUENCE = 53,
    AT_COUNT = 57,
};

/* splitmix64: each call another 64 random bits. */
static uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void fill_random(uint8_t *p, size_t n, uint64_t *state)
{
    while (n) {
        uint64_t x = random_next(state);
        size_t k = n < sizeof x ? n : sizeof x;
        memcpy(p, &x, k);
        p += k;
        n -= k;
    }
}

static void fill_text(uint8_t *p, size_t n, uint64_t *state)
{
    static const char words[][12] = {"the ",   "log ",   "keeps ",  "every ",  "record ", "in ",
                                     "order ", "until ", "nobody ", "needs ",  "it ",     "and ",
                                     "then ",  "some ",  "reader ", "returns "};
    while (n) {
        const char *w = words[random_next(state) % (sizeof words / sizeof *words)];
        size_t k = strlen(w);
        k = k < n ? k : n;
        memcpy(p, w, k);
        p += k;
        n -= k;
    }
}

static void fill_value(uint8_t *p, const struct bench_batch_spec *spec, uint64_t *state)
{
    switch (spec->payload) {
    case PAYLOAD_RANDOM:
        fill_random(p, spec->value_size, state);
        return;
    case PAYLOAD_TEXT:
        fill_text(p, spec->value_size, state);
        return;
    case PAYLOAD_ZEROS:
        memset(p, 0, spec->value_size);
        return;
    }
}

static void write_key(uint8_t *p, uint64_t v)
{
    static const char digits[] = "0123456789abcdef";
    for (int i = BENCH_KEY_SIZE; i-- > 0; v >>= 4)
        p[i] = (uint8_t)digits[v & 15];
}

/* All records with their filler, into raw. */
static int build(struct bench_batch *b, uint8_t *value)
{
    uint64_t state = b->spec.seed;
    uint8_t key[BENCH_KEY_SIZE];
    struct batch_builder builder;
    batch_builder_init(&builder, BATCH_NONE);
    write_key(key, 0);
    for (int32_t i = 0; i < b->spec.records; i++) {
        fill_value(value, &b->spec, &state);
        struct span k = b->spec.keys == KEYS_NONE ? span_of(NULL, 0) : span_of(key, sizeof key);
        batch_builder_add(&builder, 0, k, span_of(value, b->spec.value_size), NULL, 0);
    }
    int rc = batch_builder_finish(&builder, &b->raw);
    batch_builder_release(&builder);
    return rc;
}

/* Where the parts of each record ended up. */
static int locate(struct bench_batch *b)
{
    struct records it;
    struct record r;
    int rc = records_init(&it, span_of(b->raw.buf, b->raw.len), 0);
    for (int32_t i = 0; rc == 0 && (rc = records_next(&it, &r)) > 0; i++, rc = 0) {
        struct bench_place *at = &b->at[i];
        bool keyed = b->spec.keys == KEYS_RANDOM || b->spec.keys == KEYS_SEQUENTIAL;
        at->key = keyed ? (size_t)(r.key.p - b->raw.buf) : 0;
        at->value = (size_t)(r.value.p - b->raw.buf);
        at->end = at->value + r.value.n + 1; /* the number of headers: none */
        if (b->stamped)
            at->filler_crc = crc32c(0, r.value.p, r.value.n - STAMP_SIZE);
    }
    records_release(&it);
    return rc;
}

static void stamp_records(struct bench_batch *b, const struct bench_batch_id *id)
{
    struct stamp s = id->first;
    /* A key is the same for the same record, sent again or not. */
    uint64_t keys = ((uint64_t)s.client << 40) ^ s.sequence ^ b->spec.seed;
    for (int32_t i = 0; i < id->count; i++, s.sequence++) {
        const struct bench_place *at = &b->at[i];
        if (at->key)
            write_key(b->raw.buf + at->key,
                      b->spec.keys == KEYS_RANDOM ? random_next(&keys) : s.sequence);
        if (b->stamped)
            stamp_write(b->raw.buf + at->value + b->spec.value_size - STAMP_SIZE, at->filler_crc,
                        &s);
    }
}

/* Stamp the records and compress them into out, behind a header to be. */
static int pack(struct bench_batch *b, const struct bench_batch_id *id, struct wr *out)
{
    size_t size = b->at[id->count - 1].end;
    stamp_records(b, id);
    wr_reset(out);
    wr_bytes(out, b->raw.buf, BATCH_HEADER);
    return codec_compress(b->spec.codec, span_of(b->raw.buf + BATCH_HEADER, size - BATCH_HEADER),
                          out);
}

/* Full batches, stamped as those of one client would be. */
static int pack_ahead(struct bench_batch *b)
{
    struct bench_batch_id id = {.first.client = (uint32_t)b->spec.seed, .count = b->spec.records};
    b->ahead = calloc((size_t)b->spec.ahead, sizeof *b->ahead);
    int rc = b->ahead ? 0 : -ENOMEM;
    for (int32_t i = 0; rc == 0 && i < b->spec.ahead; i++) {
        wr_init(&b->ahead[i], 0);
        rc = pack(b, &id, &b->ahead[i]);
        id.first.sequence += (uint64_t)id.count;
    }
    return rc;
}

int bench_batch_init(struct bench_batch *b, const struct bench_batch_spec *spec, struct err *e)
{
    *b = (struct bench_batch){.spec = *spec, .stamped = spec->value_size >= STAMP_SIZE};
    wr_init(&b->raw, 0);
    wr_init(&b->packed, 0);
    uint8_t *value = malloc((size_t)spec->value_size + 1);
    b->at = calloc((size_t)spec->records, sizeof *b->at);
    int rc = value && b->at ? build(b, value) : -ENOMEM;
    free(value);
    if (!rc)
        rc = locate(b);
    if (!rc && spec->ahead && spec->codec != BATCH_NONE)
        rc = pack_ahead(b);
    if (rc)
        err_code(e, rc, "a batch of %d records of %u bytes", spec->records, spec->value_size);
    return rc;
}

void bench_batch_release(struct bench_batch *b)
{
    wr_free(&b->raw);
    wr_free(&b->packed);
    for (int32_t i = 0; b->ahead && i < b->spec.ahead; i++)
        wr_free(&b->ahead[i]);
    free(b->ahead);
    b->ahead = NULL;
    free(b->at);
    b->at = NULL;
}

static void write_header(uint8_t *p, size_t size, const struct bench_batch_id *id,
                         enum batch_codec codec)
{
    put_be32(p + AT_LENGTH, (uint32_t)(size - BATCH_PREFIX));
    put_be16(p + AT_ATTRIBUTES, (uint16_t)codec);
    put_be32(p + AT_LAST_DELTA, (uint32_t)(id->count - 1));
    put_be64(p + AT_BASE_TIME, (uint64_t)id->timestamp_ms);
    put_be64(p + AT_MAX_TIME, (uint64_t)id->timestamp_ms);
    put_be64(p + AT_PRODUCER_ID, (uint64_t)id->producer_id);
    put_be16(p + AT_PRODUCER_EPOCH, (uint16_t)id->producer_epoch);
    put_be32(p + AT_BASE_SEQUENCE, (uint32_t)id->base_sequence);
    put_be32(p + AT_COUNT, (uint32_t)id->count);
    put_be32(p + AT_CRC, crc32c(0, p + BATCH_CRC_FROM, size - BATCH_CRC_FROM));
}

/* The same one for the same request, sent again or not. A last one may have fewer records. */
static struct wr *made_ahead(struct bench_batch *b, const struct bench_batch_id *id)
{
    if (!b->ahead || id->count != b->spec.records)
        return NULL;
    uint64_t turn = id->first.sequence / (uint64_t)id->count;
    return &b->ahead[turn % (uint64_t)b->spec.ahead];
}

/* Header to be, and records. */
static int body(struct bench_batch *b, const struct bench_batch_id *id, struct span *s)
{
    struct wr *packed = made_ahead(b, id);
    int rc = 0;
    if (b->spec.codec == BATCH_NONE) {
        stamp_records(b, id);
        *s = span_of(b->raw.buf, b->at[id->count - 1].end);
        return 0;
    }
    if (!packed) {
        packed = &b->packed;
        rc = pack(b, id, packed);
    }
    *s = span_of(packed->buf, packed->len);
    return rc;
}

int bench_batch_fill(struct bench_batch *b, const struct bench_batch_id *id, struct span *out,
                     uint32_t *crc)
{
    int rc = body(b, id, out);
    if (rc)
        return rc;
    uint8_t *p = (uint8_t *)out->p;
    write_header(p, out->n, id, b->spec.codec);
    *crc = get_be32(p + AT_CRC);
    return 0;
}

int32_t bench_batch_records_in(int64_t bytes, uint32_t value_size, enum bench_keys keys)
{
    /* Length, attributes, deltas, value length and header count, at their longest. */
    int64_t record = 5 + 1 + 1 + 5 + 5 + (int64_t)value_size + 1 + 1 + (keys ? BENCH_KEY_SIZE : 0);
    int64_t n = (bytes - BATCH_HEADER) / record;
    return n < 1 ? 1 : n > 1000000 ? 1000000 : (int32_t)n;
}
