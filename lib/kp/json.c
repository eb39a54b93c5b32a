/* json.c - a message as JSON, for dumps, logs and tests: the fields of the version, in the schema's
 * order and spelling. */
#include <inttypes.h>

#include "kp/schema.h"

static struct json *json_struct(const struct kp_schema *s, int version, const uint8_t *msg);

static struct json *json_string(struct kp_str s)
{
    return s.n < 0 ? json_new_null() : json_new_str(span_of(s.n ? s.p : "", (size_t)s.n));
}

static struct json *json_bytes(const void *p, int32_t n)
{
    return n < 0 ? json_new_null() : json_new_base64(span_of(n ? p : "", (size_t)n));
}

static struct json *json_uuid(const struct uuid *u)
{
    char text[UUID_TEXT];
    uuid_text(u, text);
    return json_new_str(span_str(text));
}

static struct json *json_value(const struct kp_field *f, int version, const uint8_t *at)
{
    switch ((enum kp_type)f->type) {
    case KP_T_BOOL:
        return json_new_bool(*(const bool *)at);
    case KP_T_INT8:
        return json_new_int(*(const int8_t *)at);
    case KP_T_INT16:
        return json_new_int(*(const int16_t *)at);
    case KP_T_UINT16:
        return json_new_int(*(const uint16_t *)at);
    case KP_T_INT32:
        return json_new_int(*(const int32_t *)at);
    case KP_T_UINT32:
        return json_new_int(*(const uint32_t *)at);
    case KP_T_INT64:
        return json_new_int(*(const int64_t *)at);
    case KP_T_FLOAT64:
        return json_new_real(*(const double *)at);
    case KP_T_UUID:
        return json_uuid((const struct uuid *)at);
    case KP_T_STRING:
        return json_string(*(const struct kp_str *)at);
    case KP_T_BYTES: {
        const struct kp_bytes *b = (const struct kp_bytes *)at;
        return json_bytes(b->p, b->n);
    }
    case KP_T_RECORDS: {
        int32_t n = ((const struct kp_records *)at)->n;
        return n < 0 ? json_new_null() : json_new_int(n);
    }
    case KP_T_STRUCT:
        return json_struct(f->sub, version, at);
    }
    return NULL;
}

static struct json *json_field(const struct kp_field *f, int version, const uint8_t *msg)
{
    if (!f->array)
        return json_value(f, version, msg + f->at);
    struct kp_list l = kp_list_get(f, msg);
    if (l.n < 0)
        return json_new_null();
    struct json *arr = json_new_array();
    for (int32_t i = 0; i < l.n; i++)
        json_push(arr, json_value(f, version, l.p + (size_t)i * f->size));
    return arr;
}

static struct json *json_struct(const struct kp_schema *s, int version, const uint8_t *msg)
{
    struct json *obj = json_new_object();
    const struct kp_field *f = s->fields, *end = f + s->n_plain + s->n_tagged;
    for (; f < end; f++)
        if (kp_has(f, version))
            json_set(obj, f->name, json_field(f, version, msg));
    return obj;
}

struct json *kp_json(const struct kp_schema *s, int version, const void *msg)
{
    return json_struct(s, version, msg);
}
