/* recompress.c - the same records in another compression: a broker's part of compression.type. The
 * records' encoding does not depend on the codec, so their bytes are taken as they are. */
#include "base/crc32c.h"
#include "base/endian.h"
#include "batch/codec.h"
#include "batch/records.h"

enum { LENGTH_AT = 8, CRC_AT = 17, ATTRIBUTES_AT = 21 };

/* The header behind which the compressed records stand from out->len on. */
static int seal(struct wr *out, size_t at, const struct batch *b, enum batch_codec codec)
{
    size_t n = out->len - at;
    if (n - BATCH_PREFIX > INT32_MAX)
        return ERR_TOOBIG;
    uint8_t *p = out->buf + at;
    put_be32(p + LENGTH_AT, (uint32_t)(n - BATCH_PREFIX));
    put_be16(p + ATTRIBUTES_AT, (uint16_t)((b->attributes & ~BATCH_ATTR_CODEC) | (int)codec));
    put_be32(p + CRC_AT, crc32c(0, p + BATCH_CRC_FROM, n - BATCH_CRC_FROM));
    return 0;
}

int batch_recompress(struct span s, enum batch_codec codec, int level, size_t max, struct wr *out)
{
    struct batch b;
    struct wr expanded;
    size_t at = out->len;
    int rc = batch_peek(s, &b);
    if (rc < 0)
        return rc;
    struct span records = span_of(s.p + BATCH_HEADER, s.n - BATCH_HEADER);
    wr_init(&expanded, 0);
    wr_bytes(out, s.p, BATCH_HEADER);
    rc = out->err;
    if (rc == 0 && batch_codec(&b) != BATCH_NONE) {
        rc = codec_expand(batch_codec(&b), records, max, &expanded);
        records = span_of(expanded.buf, expanded.len);
    }
    if (rc == 0)
        rc = codec_compress_at(codec, level, records, out);
    if (rc == 0)
        rc = seal(out, at, &b, codec);
    wr_free(&expanded);
    return rc;
}
