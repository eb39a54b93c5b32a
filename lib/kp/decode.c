/* decode.c - from bytes to a struct, along the schema's rows.
 *
 * Nothing is copied but integers: strings, bytes and records point into the input, arrays live in
 * the arena. An array's count is believed only if the bytes left can hold that many elements at
 * their least size, so a lie costs no memory beyond a small multiple of the input; the arena's cap
 * bounds the rest. Recursion is as deep as the schema nests. All failures are remembered in the
 * cursor.
 */
#include <errno.h>
#include <string.h>

#include "kp/schema.h"

struct decoder {
    struct rd *r;
    struct arena *arena;
    int version;
    bool flexible;
};

static void decode_struct(const struct kp_schema *s, const struct decoder *d, uint8_t *out);

/* Nearly every compact length and tag count is one byte. */
static inline uint32_t get_uvarint(struct rd *r)
{
    if (!r->err && r->p < r->end && *r->p < 0x80)
        return *r->p++;
    return rd_uvarint32(r);
}

/* A length or count: -1 for null, which must be allowed; ERR_MALFORMED gives 0. wide: 4 bytes, not
 * 2, where it is not compact. */
static inline int32_t get_length(const struct decoder *d, const struct kp_field *f, bool wide)
{
    int64_t n;
    if (d->flexible)
        n = (int64_t)get_uvarint(d->r) - 1;
    else
        n = wide ? (int32_t)rd_be32(d->r) : (int16_t)rd_be16(d->r);
    if (d->r->err)
        return 0;
    if (n < -1 || n > INT32_MAX || (n == -1 && !kp_nullable(f, d->version))) {
        rd_fail(d->r, ERR_MALFORMED);
        return 0;
    }
    return (int32_t)n;
}

static inline const uint8_t *get_bytes(const struct decoder *d, int32_t n)
{
    return n < 0 ? NULL : rd_take(d->r, (size_t)n);
}

static void decode_string(const struct kp_field *f, const struct decoder *d, struct kp_str *out)
{
    int32_t n = get_length(d, f, false);
    if (n > KP_STRING_MAX)
        rd_fail(d->r, ERR_MALFORMED);
    out->p = (const char *)get_bytes(d, n);
    out->n = n;
}

static void decode_value(const struct kp_field *f, const struct decoder *d, uint8_t *out)
{
    switch ((enum kp_type)f->type) {
    case KP_T_BOOL:
        *(bool *)out = rd_u8(d->r) != 0;
        break;
    case KP_T_INT8:
        *out = rd_u8(d->r);
        break;
    case KP_T_INT16:
    case KP_T_UINT16:
        *(uint16_t *)out = rd_be16(d->r);
        break;
    case KP_T_INT32:
    case KP_T_UINT32:
        *(uint32_t *)out = rd_be32(d->r);
        break;
    case KP_T_INT64:
    case KP_T_FLOAT64: {
        uint64_t v = rd_be64(d->r);
        memcpy(out, &v, sizeof v);
        break;
    }
    case KP_T_UUID: {
        const uint8_t *p = rd_take(d->r, sizeof(struct uuid));
        if (p)
            memcpy(out, p, sizeof(struct uuid));
        break;
    }
    case KP_T_STRING:
        decode_string(f, d, (struct kp_str *)out);
        break;
    case KP_T_BYTES: {
        struct kp_bytes *b = (struct kp_bytes *)out;
        b->n = get_length(d, f, true);
        b->p = get_bytes(d, b->n);
        break;
    }
    case KP_T_RECORDS: {
        struct kp_records *b = (struct kp_records *)out;
        b->n = get_length(d, f, true);
        b->p = get_bytes(d, b->n);
        break;
    }
    case KP_T_STRUCT:
        memcpy(out, f->sub->init, f->sub->size);
        decode_struct(f->sub, d, out);
        break;
    }
}

/* Memory for n elements; NULL and an error in the cursor if the bytes left cannot hold so many. */
static uint8_t *new_elements(const struct kp_field *f, const struct decoder *d, int32_t n)
{
    if ((size_t)n > rd_left(d->r) / f->least) {
        rd_fail(d->r, ERR_SHORT);
        return NULL;
    }
    uint8_t *p = arena_array(d->arena, (size_t)n, f->size);
    if (!p)
        rd_fail(d->r, d->arena->cap ? ERR_TOOBIG : -ENOMEM);
    return p;
}

static void decode_array(const struct kp_field *f, const struct decoder *d, uint8_t *msg)
{
    struct kp_list l = {get_length(d, f, true), NULL};
    if (l.n > 0)
        l.p = new_elements(f, d, l.n);
    if (d->r->err)
        return;
    kp_list_set(f, msg, l);
    for (int32_t i = 0; i < l.n && !d->r->err; i++)
        decode_value(f, d, l.p + (size_t)i * f->size);
}

static inline void decode_field(const struct kp_field *f, const struct decoder *d, uint8_t *msg)
{
    if (f->array)
        decode_array(f, d, msg);
    else
        decode_value(f, d, msg + f->at);
}

/* The value of a tag has to fill its size exactly. */
static void decode_tag(const struct kp_field *f, const struct decoder *d, struct span value,
                       uint8_t *msg)
{
    struct rd r = rd_of(value.p, value.n);
    struct decoder inner = {&r, d->arena, d->version, d->flexible};
    decode_field(f, &inner, msg);
    if (r.err == ERR_SHORT || (!r.err && rd_left(&r) > 0))
        rd_fail(d->r, ERR_MALFORMED);
    else if (r.err)
        rd_fail(d->r, r.err);
}

/* Tags in any order, as Kafka takes them: the last of two equal ones counts, unknown ones are
 * skipped. */
static void decode_tags(const struct kp_schema *s, const struct decoder *d, uint8_t *msg)
{
    for (uint32_t n = get_uvarint(d->r); n > 0 && !d->r->err; n--) {
        uint32_t tag = get_uvarint(d->r);
        struct span value = rd_span(d->r, get_uvarint(d->r));
        const struct kp_field *f = s->fields + s->n_plain;
        for (int i = 0; i < s->n_tagged && !d->r->err; i++, f++)
            if (tag == (uint32_t)f->tag && kp_has(f, d->version))
                decode_tag(f, d, value, msg);
    }
}

static void decode_struct(const struct kp_schema *s, const struct decoder *d, uint8_t *msg)
{
    const struct kp_field *f = s->fields;
    for (int i = 0; i < s->n_plain; i++, f++)
        if (kp_has(f, d->version))
            decode_field(f, d, msg);
    if (d->flexible)
        decode_tags(s, d, msg);
}

int kp_decode(const struct kp_schema *s, int version, struct rd *r, struct arena *a, void *msg)
{
    struct decoder d = {r, a, version, version >= s->flexible};
    if (!kp_knows(s, version))
        return ERR_UNSUPPORTED;
    kp_init(s, msg);
    decode_struct(s, &d, msg);
    return r->err;
}

int kp_decode_record(const struct kp_schema *s, struct rd *r, struct arena *a, int16_t *version,
                     void *msg)
{
    *version = (int16_t)rd_be16(r);
    return r->err ? r->err : kp_decode(s, *version, r, a, msg);
}
