/* batch.c - the header of a record batch: read, verify, patch. */
#include "batch/batch.h"

#include <inttypes.h>

#include "base/crc32c.h"
#include "base/endian.h"

static void decode(const uint8_t *p, struct batch *b)
{
    b->base_offset = (int64_t)get_be64(p);
    b->length = (int32_t)get_be32(p + 8);
    b->leader_epoch = (int32_t)get_be32(p + 12);
    b->magic = (int8_t)p[16];
    b->crc = get_be32(p + 17);
    b->attributes = (int16_t)get_be16(p + 21);
    b->last_offset_delta = (int32_t)get_be32(p + 23);
    b->base_timestamp = (int64_t)get_be64(p + 27);
    b->max_timestamp = (int64_t)get_be64(p + 35);
    b->producer_id = (int64_t)get_be64(p + 43);
    b->producer_epoch = (int16_t)get_be16(p + 51);
    b->base_sequence = (int32_t)get_be32(p + 53);
    b->count = (int32_t)get_be32(p + 57);
}

int batch_peek(struct span s, struct batch *b)
{
    struct batch h;
    int64_t last;

    if (s.n < BATCH_HEADER)
        return ERR_SHORT;
    decode(s.p, &h);
    if (h.magic != BATCH_MAGIC || h.length < BATCH_HEADER - BATCH_PREFIX)
        return ERR_MALFORMED;
    if (h.last_offset_delta < 0 ||
        __builtin_add_overflow(h.base_offset, (int64_t)h.last_offset_delta, &last))
        return ERR_MALFORMED;
    *b = h;
    return 0;
}

static int check_header(const struct batch *b, struct err *e)
{
    if (batch_codec(b) >= BATCH_CODECS)
        return err_set(e, ERR_MALFORMED, "batch at offset %" PRId64 ": unknown codec %d",
                       b->base_offset, (int)batch_codec(b));
    if (b->count < 0 || b->count > (int64_t)b->last_offset_delta + 1)
        return err_set(e, ERR_MALFORMED,
                       "batch at offset %" PRId64 ": %" PRId32 " records in %" PRId64 " offsets",
                       b->base_offset, b->count, (int64_t)b->last_offset_delta + 1);
    return 0;
}

int batch_verify(struct span s, struct batch *b, struct err *e)
{
    int rc = batch_peek(s, b);
    if (rc == ERR_SHORT)
        return err_set(e, rc, "%zu bytes are less than a batch header", s.n);
    if (rc < 0)
        return err_set(e, rc, "no batch header of magic 2");
    if (s.n < batch_size(b))
        return err_set(e, ERR_SHORT,
                       "batch at offset %" PRId64 ": %zu bytes are there, its header says %zu",
                       b->base_offset, s.n, batch_size(b));
    uint32_t crc = crc32c(0, s.p + BATCH_CRC_FROM, batch_size(b) - BATCH_CRC_FROM);
    if (crc != b->crc)
        return err_set(e, ERR_CRC,
                       "batch at offset %" PRId64 ": CRC %08" PRIx32 ", its header says %08" PRIx32,
                       b->base_offset, crc, b->crc);
    return check_header(b, e);
}

void batch_place(uint8_t *batch, int64_t base_offset, int32_t leader_epoch)
{
    put_be64(batch, (uint64_t)base_offset);
    put_be32(batch + 12, (uint32_t)leader_epoch);
}

static void seal(uint8_t *batch, size_t n)
{
    put_be32(batch + 17, crc32c(0, batch + BATCH_CRC_FROM, n - BATCH_CRC_FROM));
}

void batch_stamp(uint8_t *batch, size_t n, int64_t now_ms)
{
    put_be16(batch + 21, (uint16_t)(get_be16(batch + 21) | BATCH_ATTR_APPEND_TIME));
    put_be64(batch + 35, (uint64_t)now_ms);
    seal(batch, n);
}

void batch_set_max_timestamp(uint8_t *batch, size_t n, int64_t max_timestamp)
{
    if (get_be64(batch + 35) == (uint64_t)max_timestamp)
        return;
    put_be64(batch + 35, (uint64_t)max_timestamp);
    seal(batch, n);
}

static const char *const codec_names[BATCH_CODECS] = {
    [BATCH_NONE] = "none", [BATCH_GZIP] = "gzip", [BATCH_SNAPPY] = "snappy",
    [BATCH_LZ4] = "lz4",   [BATCH_ZSTD] = "zstd",
};

const char *batch_codec_name(enum batch_codec c)
{
    return c < BATCH_CODECS ? codec_names[c] : "unknown";
}
