/* wr.h - a growing output buffer that remembers its first error, with room for slices of files and
 * of others' memory.
 *
 * Integers and bytes are copied in. A slice stands for bytes that leave later from where they are
 * (a Fetch answer): it is only noted, with the position in the buffer it belongs to. wr_size counts
 * both, so that a length written in front of them is right. After a failure (-ENOMEM, ERR_TOOBIG)
 * every call does nothing; look at wr.err once. Not thread-safe.
 */
#ifndef BASE_WR_H
#define BASE_WR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/endian.h"
#include "base/span.h"

struct wr_slice {
    size_t at;       /* bytes of buf that go before it */
    int fd;          /* stays open until released */
    off_t pos;       /* in the file */
    const void *mem; /* or in memory, which stays until released; NULL: in the file */
    size_t len;      /* bytes */
    void *owner;     /* whose release the receiver of the buffer calls; may be NULL */
};

struct wr {
    uint8_t *buf;
    size_t len, cap, max; /* max: 0 or the largest len allowed */
    int err;
    struct wr_slice *slices;
    size_t n_slices, cap_slices, slice_bytes;
};

/* An empty writer; allocates nothing yet. max bounds the buffered bytes (0: no bound). */
void wr_init(struct wr *w, size_t max);
/* Free what it holds and make it empty again. Slices' owners are the caller's business. */
void wr_free(struct wr *w);
/* Forget the content, keep the memory. */
void wr_reset(struct wr *w);
/* Room for n more bytes: where to write them (len already counts them), NULL after an error. The
 * pointer is good until the next call. */
uint8_t *wr_grow(struct wr *w, size_t n);
void wr_bytes(struct wr *w, const void *p, size_t n);
void wr_zero(struct wr *w, size_t n);
/* s->at is set here. */
void wr_add_slice(struct wr *w, const struct wr_slice *s);

/* Buffered and slice bytes together. */
static inline size_t wr_size(const struct wr *w)
{
    return w->len + w->slice_bytes;
}

static inline void wr_u8(struct wr *w, uint8_t v)
{
    uint8_t *p = wr_grow(w, 1);
    if (p)
        *p = v;
}

#define BASE_WR_DEF(order, bits)                                        \
    static inline void wr_##order##bits(struct wr *w, uint##bits##_t v) \
    {                                                                   \
        uint8_t *p = wr_grow(w, bits / 8);                              \
        if (p)                                                          \
            put_##order##bits(p, v);                                    \
    }
BASE_WR_DEF(be, 16)
BASE_WR_DEF(be, 32)
BASE_WR_DEF(be, 64)
BASE_WR_DEF(le, 16)
BASE_WR_DEF(le, 32)
BASE_WR_DEF(le, 64)

/* Seven bits a byte, the low ones first. */
void wr_uvarint(struct wr *w, uint64_t v);
void wr_varint(struct wr *w, int64_t v); /* zigzag */

/* Overwrite bytes written before, at position `at`; beyond len it is a programming error. */
void wr_patch_be32(struct wr *w, size_t at, uint32_t v);
void wr_patch_le32(struct wr *w, size_t at, uint32_t v);

#endif
