/* equal.c - do two messages say the same? Only fields of the version count; an empty array or
 * string is the same whatever its pointer. */
#include <string.h>

#include "kp/schema.h"

static bool equal_struct(const struct kp_schema *s, int version, const uint8_t *a,
                         const uint8_t *b);

static bool equal_bytes(const void *a, int32_t an, const void *b, int32_t bn)
{
    return an == bn && (an <= 0 || memcmp(a, b, (size_t)an) == 0);
}

/* Slices are equal if they are the same places: their bytes are elsewhere. */
static bool equal_slices(const struct kp_records *a, const struct kp_records *b)
{
    if (!a->slices || !b->slices || a->n_slices != b->n_slices)
        return false;
    for (int32_t i = 0; i < a->n_slices; i++) {
        const struct wr_slice *x = &a->slices[i], *y = &b->slices[i];
        if (x->fd != y->fd || x->pos != y->pos || x->mem != y->mem || x->len != y->len)
            return false;
    }
    return true;
}

static bool equal_records(const struct kp_records *a, const struct kp_records *b)
{
    if (a->n > 0 && (a->slices || b->slices))
        return a->n == b->n && equal_slices(a, b);
    return equal_bytes(a->p, a->n, b->p, b->n);
}

static bool equal_value(const struct kp_field *f, int version, const uint8_t *a, const uint8_t *b)
{
    switch ((enum kp_type)f->type) {
    case KP_T_BOOL:
    case KP_T_INT8:
    case KP_T_INT16:
    case KP_T_UINT16:
    case KP_T_INT32:
    case KP_T_UINT32:
    case KP_T_INT64:
    case KP_T_FLOAT64: /* by its bits, so that a NaN equals itself */
    case KP_T_UUID:
        return memcmp(a, b, f->size) == 0;
    case KP_T_STRING:
        return kp_str_eq(*(const struct kp_str *)a, *(const struct kp_str *)b);
    case KP_T_BYTES: {
        const struct kp_bytes *x = (const struct kp_bytes *)a, *y = (const struct kp_bytes *)b;
        return equal_bytes(x->p, x->n, y->p, y->n);
    }
    case KP_T_RECORDS:
        return equal_records((const struct kp_records *)a, (const struct kp_records *)b);
    case KP_T_STRUCT:
        return equal_struct(f->sub, version, a, b);
    }
    return false;
}

bool kp_equal_field(const struct kp_field *f, int version, const void *a, const void *b)
{
    if (!f->array)
        return equal_value(f, version, (const uint8_t *)a + f->at, (const uint8_t *)b + f->at);
    struct kp_list x = kp_list_get(f, a), y = kp_list_get(f, b);
    if (x.n != y.n)
        return false;
    for (int32_t i = 0; i < x.n; i++) {
        size_t at = (size_t)i * f->size;
        if (!equal_value(f, version, x.p + at, y.p + at))
            return false;
    }
    return true;
}

static bool equal_struct(const struct kp_schema *s, int version, const uint8_t *a, const uint8_t *b)
{
    const struct kp_field *f = s->fields, *end = f + s->n_plain + s->n_tagged;
    for (; f < end; f++)
        if (kp_has(f, version) && !kp_equal_field(f, version, a, b))
            return false;
    return true;
}

bool kp_equal(const struct kp_schema *s, int version, const void *a, const void *b)
{
    return equal_struct(s, version, a, b);
}
