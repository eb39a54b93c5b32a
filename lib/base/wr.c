#include "base/wr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { FIRST_CAP = 256, FIRST_SLICES = 4 };

void wr_init(struct wr *w, size_t max)
{
    *w = (struct wr){.max = max};
}

void wr_free(struct wr *w)
{
    free(w->buf);
    free(w->slices);
    wr_init(w, w->max);
}

void wr_reset(struct wr *w)
{
    w->len = 0;
    w->err = 0;
    w->n_slices = 0;
    w->slice_bytes = 0;
}

static void fail(struct wr *w, int err)
{
    if (!w->err)
        w->err = err;
}

/* Make room for `need` bytes in all, at least doubling so that n appends cost O(n). */
static int reserve(struct wr *w, size_t need)
{
    size_t cap = w->cap ? w->cap : FIRST_CAP;
    while (cap < need) {
        if (__builtin_mul_overflow(cap, 2, &cap))
            return -ENOMEM;
    }
    uint8_t *buf = realloc(w->buf, cap);
    if (!buf)
        return -ENOMEM;
    w->buf = buf;
    w->cap = cap;
    return 0;
}

uint8_t *wr_grow(struct wr *w, size_t n)
{
    size_t need;
    if (w->err)
        return NULL;
    if (__builtin_add_overflow(w->len, n, &need) || (w->max && need > w->max)) {
        fail(w, ERR_TOOBIG);
        return NULL;
    }
    if (need > w->cap || !w->buf) {
        int err = reserve(w, need);
        if (err) {
            fail(w, err);
            return NULL;
        }
    }
    uint8_t *p = w->buf + w->len;
    w->len = need;
    return p;
}

void wr_bytes(struct wr *w, const void *p, size_t n)
{
    uint8_t *to = wr_grow(w, n);
    if (to && n)
        memcpy(to, p, n);
}

void wr_zero(struct wr *w, size_t n)
{
    uint8_t *to = wr_grow(w, n);
    if (to)
        memset(to, 0, n);
}

void wr_add_slice(struct wr *w, const struct wr_slice *slice)
{
    size_t total;
    if (w->err)
        return;
    if (__builtin_add_overflow(w->slice_bytes, slice->len, &total)) {
        fail(w, ERR_TOOBIG);
        return;
    }
    if (w->n_slices == w->cap_slices) {
        size_t cap = w->cap_slices ? w->cap_slices * 2 : FIRST_SLICES;
        struct wr_slice *s = reallocarray(w->slices, cap, sizeof *s);
        if (!s) {
            fail(w, -ENOMEM);
            return;
        }
        w->slices = s;
        w->cap_slices = cap;
    }
    struct wr_slice *to = &w->slices[w->n_slices++];
    *to = *slice;
    to->at = w->len;
    w->slice_bytes = total;
}

void wr_uvarint(struct wr *w, uint64_t v)
{
    uint8_t b[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        b[n++] = (uint8_t)(v | 0x80);
    b[n++] = (uint8_t)v;
    wr_bytes(w, b, n);
}

void wr_varint(struct wr *w, int64_t v)
{
    wr_uvarint(w, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
}

/* Where a patch goes. After an error there may be nothing there to patch; else a place outside the
 * buffer is a mistake of the caller that must not become a stray write. */
static uint8_t *patch_at(struct wr *w, size_t at, size_t n)
{
    if (w->err)
        return NULL;
    if (at > w->len || w->len - at < n)
        abort();
    return w->buf + at;
}

void wr_patch_be32(struct wr *w, size_t at, uint32_t v)
{
    uint8_t *p = patch_at(w, at, 4);
    if (p)
        put_be32(p, v);
}

void wr_patch_le32(struct wr *w, size_t at, uint32_t v)
{
    uint8_t *p = patch_at(w, at, 4);
    if (p)
        put_le32(p, v);
}
