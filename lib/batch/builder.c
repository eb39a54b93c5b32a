/* builder.c - build record batches. The records grow in one buffer; finishing writes the header in
 * front of them, compressed or not, straight into the caller's buffer. */
#include <limits.h>

#include "base/crc32c.h"
#include "batch/codec.h"
#include "batch/records.h"

/* A batch's length field must be able to say it. */
enum { RECORDS_MAX = INT32_MAX - BATCH_HEADER };

void batch_builder_init(struct batch_builder *b, enum batch_codec codec)
{
    *b = (struct batch_builder){
        .producer_id = -1,
        .producer_epoch = -1,
        .base_sequence = -1,
        .codec = codec,
    };
    wr_init(&b->records, RECORDS_MAX);
}

void batch_builder_release(struct batch_builder *b)
{
    wr_free(&b->records);
}

size_t batch_builder_size(const struct batch_builder *b)
{
    return BATCH_HEADER + b->records.len;
}

static size_t varint_size(int64_t v)
{
    uint64_t z = ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
    size_t n = 1;
    while (z >>= 7)
        n++;
    return n;
}

static size_t bytes_size(struct span s)
{
    return s.p ? varint_size((int64_t)s.n) + s.n : varint_size(-1);
}

static void put_bytes(struct wr *w, struct span s)
{
    if (!s.p) {
        wr_varint(w, -1);
        return;
    }
    wr_varint(w, (int64_t)s.n);
    wr_bytes(w, s.p, s.n);
}

static size_t headers_size(const struct record_header *headers, int32_t n)
{
    size_t size = varint_size(n);
    for (int32_t i = 0; i < n; i++)
        size += bytes_size(headers[i].key) + bytes_size(headers[i].value);
    return size;
}

void batch_builder_add(struct batch_builder *b, int64_t timestamp, struct span key,
                       struct span value, const struct record_header *headers, int32_t n_headers)
{
    struct wr *w = &b->records;
    int64_t delta;

    if (b->count == 0)
        b->base_timestamp = b->max_timestamp = timestamp;
    if (__builtin_sub_overflow(timestamp, b->base_timestamp, &delta)) {
        if (!w->err)
            w->err = ERR_INVALID;
        return;
    }
    size_t size = 1 + varint_size(delta) + varint_size(b->count) + bytes_size(key) +
                  bytes_size(value) + headers_size(headers, n_headers);
    if (size > RECORDS_MAX) {
        if (!w->err)
            w->err = ERR_TOOBIG;
        return;
    }
    wr_varint(w, (int64_t)size);
    wr_u8(w, 0);
    wr_varint(w, delta);
    wr_varint(w, b->count);
    put_bytes(w, key);
    put_bytes(w, value);
    wr_varint(w, n_headers);
    for (int32_t i = 0; i < n_headers; i++) {
        put_bytes(w, headers[i].key);
        put_bytes(w, headers[i].value);
    }
    if (w->err)
        return;
    b->count++;
    if (timestamp > b->max_timestamp)
        b->max_timestamp = timestamp;
}

static void put_header(const struct batch_builder *b, struct wr *out)
{
    wr_be64(out, 0);            /* base offset */
    wr_be32(out, 0);            /* length: sealed later */
    wr_be32(out, (uint32_t)-1); /* leader epoch */
    wr_u8(out, BATCH_MAGIC);
    wr_be32(out, 0); /* CRC: sealed later */
    wr_be16(out, (uint16_t)((b->attributes & ~BATCH_ATTR_CODEC) | (int)b->codec));
    wr_be32(out, (uint32_t)(b->count - 1));
    wr_be64(out, (uint64_t)b->base_timestamp);
    wr_be64(out, (uint64_t)b->max_timestamp);
    wr_be64(out, (uint64_t)b->producer_id);
    wr_be16(out, (uint16_t)b->producer_epoch);
    wr_be32(out, (uint32_t)b->base_sequence);
    wr_be32(out, (uint32_t)b->count);
}

static int put_records(struct batch_builder *b, struct wr *out)
{
    struct span records = span_of(b->records.buf, b->records.len);
    if (b->codec != BATCH_NONE)
        return codec_compress(b->codec, records, out);
    wr_bytes(out, records.p, records.n);
    return out->err;
}

/* Length and CRC of the batch that begins at `at` and fills out. */
static int seal(struct wr *out, size_t at)
{
    size_t n = out->len - at;
    if (n - BATCH_PREFIX > INT32_MAX)
        return ERR_TOOBIG;
    wr_patch_be32(out, at + 8, (uint32_t)(n - BATCH_PREFIX));
    wr_patch_be32(out, at + 17, crc32c(0, out->buf + at + BATCH_CRC_FROM, n - BATCH_CRC_FROM));
    return 0;
}

/* Sequence numbers go from 2^31 - 1 on to 0. */
static int32_t sequence_after(int32_t sequence, int32_t count)
{
    return (int32_t)(((int64_t)sequence + count) & INT32_MAX);
}

int batch_builder_finish(struct batch_builder *b, struct wr *out)
{
    size_t at = out->len;
    if (b->records.err)
        return b->records.err;
    if (b->count == 0)
        return ERR_INVALID;
    put_header(b, out);
    if (out->err)
        return out->err;
    int rc = put_records(b, out);
    if (rc == 0)
        rc = seal(out, at);
    if (rc < 0)
        return rc;
    if (b->producer_id >= 0 && b->base_sequence >= 0)
        b->base_sequence = sequence_after(b->base_sequence, b->count);
    b->count = 0;
    wr_reset(&b->records);
    return 0;
}
