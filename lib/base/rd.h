/* rd.h - a reading cursor that remembers its first error.
 *
 * After the first failure every read returns zero (or NULL) and moves nothing; the caller reads a
 * whole structure and looks at rd.err once. A cursor never reads outside [start, end).
 */
#ifndef BASE_RD_H
#define BASE_RD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endian.h"
#include "base/err.h"
#include "base/span.h"

struct rd {
    const uint8_t *start, *p, *end;
    int err; /* 0, ERR_SHORT or ERR_MALFORMED */
};

/* p may be NULL if n is 0. */
static inline struct rd rd_of(const void *p, size_t n)
{
    const uint8_t *start = p ? (const uint8_t *)p : (const uint8_t *)"";
    struct rd r = {start, start, start + n, 0};
    return r;
}

/* Bytes not yet read; 0 after an error. */
static inline size_t rd_left(const struct rd *r)
{
    return r->err ? 0 : (size_t)(r->end - r->p);
}

/* Position from the start. */
static inline size_t rd_pos(const struct rd *r)
{
    return (size_t)(r->p - r->start);
}

/* Remember an error, unless one is remembered already. */
static inline void rd_fail(struct rd *r, int err)
{
    if (!r->err)
        r->err = err;
}

/* The next n bytes, in place; NULL (and ERR_SHORT) if there are fewer. n 0 gives a non-NULL pointer
 * unless the cursor has failed. */
static inline const uint8_t *rd_take(struct rd *r, size_t n)
{
    const uint8_t *p = r->p;
    if (r->err || (size_t)(r->end - p) < n) {
        rd_fail(r, ERR_SHORT);
        return NULL;
    }
    r->p += n;
    return p;
}

static inline struct span rd_span(struct rd *r, size_t n)
{
    const uint8_t *p = rd_take(r, n);
    return span_of(p, p ? n : 0);
}

static inline uint8_t rd_u8(struct rd *r)
{
    const uint8_t *p = rd_take(r, 1);
    return p ? *p : 0;
}

#define BASE_RD_DEF(order, bits)                                \
    static inline uint##bits##_t rd_##order##bits(struct rd *r) \
    {                                                           \
        const uint8_t *p = rd_take(r, bits / 8);                \
        return p ? get_##order##bits(p) : 0;                    \
    }
BASE_RD_DEF(be, 16)
BASE_RD_DEF(be, 32)
BASE_RD_DEF(be, 64)
BASE_RD_DEF(le, 16)
BASE_RD_DEF(le, 32)
BASE_RD_DEF(le, 64)

/* LEB128, at most 5 (32) or 10 (64) bytes; over-long or overflowing ones are ERR_MALFORMED. */
uint32_t rd_uvarint32(struct rd *r);
uint64_t rd_uvarint64(struct rd *r);

/* Zigzag varints of Kafka's records and Protocol Buffers. */
int32_t rd_varint32(struct rd *r);
int64_t rd_varint64(struct rd *r);

#endif
