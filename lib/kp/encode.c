/* encode.c - from a struct to bytes, along the schema's rows.
 *
 * Errors stay in the writer, so rows are written without asking. A tagged field is written behind
 * its size: it is written first and then moved up by the few bytes that the size takes, since
 * tagged fields are rare and small.
 */
#include <string.h>

#include "base/err.h"
#include "kp/schema.h"

struct encoder {
    struct wr *w;
    int version;
    bool flexible;
};

static void encode_struct(const struct kp_schema *s, const struct encoder *e, const uint8_t *msg);

static void fail(struct wr *w, int err)
{
    if (!w->err)
        w->err = err;
}

static inline void put_uvarint(struct wr *w, uint64_t v)
{
    if (v < 0x80)
        wr_u8(w, (uint8_t)v);
    else
        wr_uvarint(w, v);
}

/* A length or count, -1 for null. False if there is nothing to write behind it: null, or an error.
 */
static bool put_length(const struct encoder *e, const struct kp_field *f, int32_t n, bool wide)
{
    if (n < 0) {
        n = -1;
        if (!kp_nullable(f, e->version)) {
            fail(e->w, ERR_INVALID);
            return false;
        }
    }
    if (e->flexible)
        put_uvarint(e->w, (uint64_t)((int64_t)n + 1));
    else if (wide)
        wr_be32(e->w, (uint32_t)n);
    else
        wr_be16(e->w, (uint16_t)n);
    return n >= 0 && !e->w->err;
}

static void encode_string(const struct kp_field *f, const struct encoder *e, const struct kp_str *s)
{
    if (s->n > KP_STRING_MAX)
        fail(e->w, ERR_INVALID);
    if (put_length(e, f, s->n, false))
        wr_bytes(e->w, s->p, (size_t)s->n);
}

static void encode_records(const struct kp_field *f, const struct encoder *e,
                           const struct kp_records *b)
{
    if (!put_length(e, f, b->n, true))
        return;
    if (!b->slices) {
        wr_bytes(e->w, b->p, (size_t)b->n);
        return;
    }
    size_t sum = 0;
    for (int32_t i = 0; i < b->n_slices; i++) {
        const struct wr_slice *s = &b->slices[i];
        wr_add_slice(e->w, s);
        sum += s->len;
    }
    if (sum != (size_t)b->n)
        fail(e->w, ERR_INVALID);
}

static void encode_value(const struct kp_field *f, const struct encoder *e, const uint8_t *at)
{
    switch ((enum kp_type)f->type) {
    case KP_T_BOOL:
        wr_u8(e->w, *(const bool *)at ? 1 : 0);
        break;
    case KP_T_INT8:
        wr_u8(e->w, *at);
        break;
    case KP_T_INT16:
    case KP_T_UINT16:
        wr_be16(e->w, *(const uint16_t *)at);
        break;
    case KP_T_INT32:
    case KP_T_UINT32:
        wr_be32(e->w, *(const uint32_t *)at);
        break;
    case KP_T_INT64:
    case KP_T_FLOAT64: {
        uint64_t v;
        memcpy(&v, at, sizeof v);
        wr_be64(e->w, v);
        break;
    }
    case KP_T_UUID:
        wr_bytes(e->w, at, sizeof(struct uuid));
        break;
    case KP_T_STRING:
        encode_string(f, e, (const struct kp_str *)at);
        break;
    case KP_T_BYTES: {
        const struct kp_bytes *b = (const struct kp_bytes *)at;
        if (put_length(e, f, b->n, true))
            wr_bytes(e->w, b->p, (size_t)b->n);
        break;
    }
    case KP_T_RECORDS:
        encode_records(f, e, (const struct kp_records *)at);
        break;
    case KP_T_STRUCT:
        encode_struct(f->sub, e, at);
        break;
    }
}

static void encode_field(const struct kp_field *f, const struct encoder *e, const uint8_t *msg)
{
    if (!f->array) {
        encode_value(f, e, msg + f->at);
        return;
    }
    struct kp_list l = kp_list_get(f, msg);
    if (put_length(e, f, l.n, true))
        for (int32_t i = 0; i < l.n; i++)
            encode_value(f, e, l.p + (size_t)i * f->size);
}

static size_t uvarint_size(size_t v)
{
    size_t n = 1;
    while (v >>= 7)
        n++;
    return n;
}

static void encode_tag(const struct kp_field *f, const struct encoder *e, const uint8_t *msg)
{
    struct wr *w = e->w;
    put_uvarint(w, (uint64_t)f->tag);
    size_t at = w->len;
    encode_field(f, e, msg);
    size_t n = w->len - at, shift = uvarint_size(n);
    if (!wr_grow(w, shift))
        return;
    memmove(w->buf + at + shift, w->buf + at, n);
    w->len = at;
    put_uvarint(w, n);
    w->len += n;
}

static bool is_written(const struct kp_schema *s, const struct kp_field *f, const struct encoder *e,
                       const uint8_t *msg)
{
    return kp_has(f, e->version) && !kp_equal_field(f, e->version, msg, s->init);
}

static void encode_tags(const struct kp_schema *s, const struct encoder *e, const uint8_t *msg)
{
    const struct kp_field *f = s->fields + s->n_plain, *end = f + s->n_tagged;
    uint32_t n = 0;
    for (const struct kp_field *t = f; t < end; t++)
        n += is_written(s, t, e, msg);
    put_uvarint(e->w, n);
    for (; n > 0 && f < end; f++)
        if (is_written(s, f, e, msg))
            encode_tag(f, e, msg);
}

static void encode_struct(const struct kp_schema *s, const struct encoder *e, const uint8_t *msg)
{
    const struct kp_field *f = s->fields, *end = f + s->n_plain;
    for (; f < end; f++)
        if (kp_has(f, e->version))
            encode_field(f, e, msg);
    if (e->flexible)
        encode_tags(s, e, msg);
}

void kp_encode(const struct kp_schema *s, int version, const void *msg, struct wr *w)
{
    struct encoder e = {w, version, version >= s->flexible};
    if (kp_knows(s, version))
        encode_struct(s, &e, msg);
    else
        fail(w, ERR_UNSUPPORTED);
}

void kp_encode_record(const struct kp_schema *s, int16_t version, const void *msg, struct wr *w)
{
    wr_be16(w, (uint16_t)version);
    kp_encode(s, version, msg, w);
}
