/* make.h - batches for tests: built by the builder, or bent by hand. */
#ifndef TESTS_BATCH_MAKE_H
#define TESTS_BATCH_MAKE_H

#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "batch/records.h"
#include "tests/unit/unit.h"

enum { MAKE_TIME = 1000000 }; /* of the first record */

/* Positions of header fields, for tests that damage them. */
enum {
    AT_LENGTH = 8,
    AT_MAGIC = 16,
    AT_CRC = 17,
    AT_ATTRIBUTES = 21,
    AT_LAST_DELTA = 23,
    AT_BASE_TIME = 27,
    AT_MAX_TIME = 35,
    AT_PRODUCER = 43,
    AT_EPOCH = 51,
    AT_SEQUENCE = 53,
    AT_COUNT = 57
};

static inline struct span make_span(const struct wr *w)
{
    return span_of(w->buf, w->len);
}

/* Add n records "k<i>" = "v<i>", a millisecond apart from `from` on. */
static inline void make_records(struct batch_builder *b, int n, int64_t from)
{
    for (int i = 0; i < n; i++) {
        char key[16], value[16];
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "v%d", i);
        batch_builder_add(b, from + i, span_str(key), span_str(value), NULL, 0);
    }
}

/* Append a batch of n such records to out. */
static inline void make_batch(struct wr *out, enum batch_codec codec, int n)
{
    struct batch_builder b;
    batch_builder_init(&b, codec);
    make_records(&b, n, MAKE_TIME);
    ck_assert_ok(batch_builder_finish(&b, out));
    batch_builder_release(&b);
}

/* Make the CRC right again after a change. */
static inline void make_seal(struct wr *w)
{
    put_be32(w->buf + AT_CRC, crc32c(0, w->buf + BATCH_CRC_FROM, w->len - BATCH_CRC_FROM));
}

/* A batch that states `count` records and has these bytes for its records, whatever they are. */
static inline void make_raw(struct wr *out, enum batch_codec codec, int32_t count, const void *body,
                            size_t n)
{
    make_batch(out, BATCH_NONE, 1);
    out->len = BATCH_HEADER;
    wr_bytes(out, body, n);
    put_be32(out->buf + AT_LENGTH, (uint32_t)(out->len - BATCH_PREFIX));
    put_be16(out->buf + AT_ATTRIBUTES, (uint16_t)codec);
    put_be32(out->buf + AT_LAST_DELTA, (uint32_t)(count - 1));
    put_be32(out->buf + AT_COUNT, (uint32_t)count);
    make_seal(out);
}

#endif
