#include "cli/record_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "cli/out.h"

/* One line being read. */
struct reading {
    struct arena *a;
    struct record_in *r;
    bool key, value; /* given */
    struct err *e;
};

static int wrong(struct err *e, const char *field, const char *why)
{
    return err_set(e, ERR_MALFORMED, "field \"%.60s\": %s", field, why);
}

/* A text or null, copied. */
static int take_text(struct reading *rd, const char *field, const struct json *v, bool *given,
                     struct span *out)
{
    if (*given)
        return wrong(rd->e, field, "given both as text and as base64");
    *given = true;
    *out = span_of(NULL, 0);
    if (json_type_of(v) == JSON_T_NULL)
        return 0;
    struct span s = json_str(v);
    if (!s.p)
        return wrong(rd->e, field, "is neither a string nor null");
    char *copy = arena_strn(rd->a, s.p, s.n);
    *out = span_of(copy, s.n);
    return copy ? 0 : err_code(rd->e, -ENOMEM, "record");
}

static int take_base64(struct reading *rd, const char *field, const struct json *v, bool *given,
                       struct span *out)
{
    struct span text;
    int rc = take_text(rd, field, v, given, &text);
    if (rc)
        return rc;
    if (!text.p)
        return wrong(rd->e, field, "is not a string");
    uint8_t *bytes = arena_alloc(rd->a, text.n);
    size_t n;
    if (!bytes)
        return err_code(rd->e, -ENOMEM, "record");
    if (base64_decode_to(text, BASE64_PADDED, bytes, text.n, &n))
        return wrong(rd->e, field, "is not base64");
    *out = span_of(bytes, n);
    return 0;
}

static int take_integer(struct err *e, const char *field, const struct json *v, int64_t min,
                        int64_t max, int64_t *out)
{
    *out = json_int(v, 0);
    if (json_type_of(v) != JSON_T_INT || *out < min || *out > max)
        return wrong(e, field, "is not a whole number in its range");
    return 0;
}

/* One header being read. */
struct header_reading {
    struct reading *rd;
    struct record_header *h;
    bool key, value;
};

static int take_header_field(void *ctx, const char *name, const struct json *v)
{
    struct header_reading *hr = ctx;
    if (!strcmp(name, "key"))
        return take_text(hr->rd, "headers.key", v, &hr->key, &hr->h->key);
    if (!strcmp(name, "key_base64"))
        return take_base64(hr->rd, "headers.key_base64", v, &hr->key, &hr->h->key);
    if (!strcmp(name, "value"))
        return take_text(hr->rd, "headers.value", v, &hr->value, &hr->h->value);
    if (!strcmp(name, "value_base64"))
        return take_base64(hr->rd, "headers.value_base64", v, &hr->value, &hr->h->value);
    return wrong(hr->rd->e, name, "not known in a header");
}

static int take_headers(struct reading *rd, const struct json *v)
{
    size_t n = json_len(v);
    if (json_type_of(v) != JSON_T_ARRAY || n > INT32_MAX)
        return wrong(rd->e, "headers", "is not an array");
    rd->r->headers = arena_array(rd->a, n + 1, sizeof *rd->r->headers);
    if (!rd->r->headers)
        return err_code(rd->e, -ENOMEM, "record");
    for (size_t i = 0; i < n; i++) {
        struct header_reading hr = {rd, &rd->r->headers[i], false, false};
        if (json_type_of(json_at(v, i)) != JSON_T_OBJECT)
            return wrong(rd->e, "headers", "holds what is no object");
        int rc = json_each(json_at(v, i), take_header_field, &hr);
        if (rc)
            return rc;
        if (!hr.key || !hr.h->key.p || !hr.value)
            return wrong(rd->e, "headers", "holds one without key or value");
    }
    rd->r->n_headers = (int32_t)n;
    return 0;
}

static int take_partition(struct reading *rd, const struct json *v)
{
    int64_t n;
    int rc = take_integer(rd->e, "partition", v, 0, INT32_MAX, &n);
    rd->r->partition = (int32_t)n;
    return rc;
}

static int take_timestamp(struct reading *rd, const struct json *v)
{
    rd->r->has_timestamp = true;
    return take_integer(rd->e, "timestamp", v, INT64_MIN, INT64_MAX, &rd->r->timestamp);
}

static int take_key(struct reading *rd, const struct json *v)
{
    return take_text(rd, "key", v, &rd->key, &rd->r->key);
}

static int take_key_base64(struct reading *rd, const struct json *v)
{
    return take_base64(rd, "key_base64", v, &rd->key, &rd->r->key);
}

static int take_value(struct reading *rd, const struct json *v)
{
    return take_text(rd, "value", v, &rd->value, &rd->r->value);
}

static int take_value_base64(struct reading *rd, const struct json *v)
{
    return take_base64(rd, "value_base64", v, &rd->value, &rd->r->value);
}

static int pass_over(struct reading *rd, const struct json *v)
{
    (void)rd;
    (void)v;
    return 0;
}

static int take_field(void *ctx, const char *name, const struct json *v)
{
    static const struct {
        const char *name;
        int (*take)(struct reading *, const struct json *);
    } fields[] = {
        {"partition", take_partition},
        {"timestamp", take_timestamp},
        {"key", take_key},
        {"key_base64", take_key_base64},
        {"value", take_value},
        {"value_base64", take_value_base64},
        {"headers", take_headers},
        {"topic", pass_over},
        {"offset", pass_over},
        {"timestamp_type", pass_over},
    };
    struct reading *rd = ctx;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!strcmp(name, fields[i].name))
            return fields[i].take(rd, v);
    return wrong(rd->e, name, "not known");
}

int record_json_read(struct span line, struct arena *a, struct record_in *r, struct err *e)
{
    struct reading rd = {.a = a, .r = r, .e = e};
    *r = (struct record_in){.partition = -1};
    struct json *j = json_parse((const char *)line.p, line.n, e);
    if (!j)
        return e->code;
    int rc = json_type_of(j) == JSON_T_OBJECT
                 ? json_each(j, take_field, &rd)
                 : err_set(e, ERR_MALFORMED, "a record is an object, {\"value\":...}");
    json_free(j);
    if (!rc && !rd.value)
        rc = wrong(e, "value", "is missing");
    return rc;
}

/* "name":"text", "name":null or "name_base64":"...", whatever keeps the bytes. */
static void write_bytes(FILE *f, const char *name, struct span s)
{
    if (!s.p) {
        fprintf(f, "\"%s\":null", name);
    } else if (out_is_utf8(s)) {
        fprintf(f, "\"%s\":", name);
        out_json_string(f, s);
    } else {
        /* in pieces whose size is a multiple of three, so that no padding comes between */
        enum { PIECE = 3 * 1024 };
        char text[PIECE / 3 * 4 + 1];
        fprintf(f, "\"%s_base64\":\"", name);
        for (size_t i = 0; i < s.n; i += PIECE) {
            size_t n = s.n - i < PIECE ? s.n - i : PIECE;
            base64_encode(span_of(s.p + i, n), BASE64_PADDED, text);
            fputs(text, f);
        }
        putc('"', f);
    }
}

int record_json_write(FILE *f, const char *topic, int32_t partition, const struct record *r,
                      bool append_time)
{
    fputs("{\"topic\":", f);
    out_json_string(f, span_str(topic));
    fprintf(f, ",\"partition\":%" PRId32 ",\"offset\":%" PRId64 ",\"timestamp\":%" PRId64,
            partition, r->offset, r->timestamp);
    fprintf(f, ",\"timestamp_type\":\"%s\",", append_time ? "append" : "create");
    write_bytes(f, "key", r->key);
    putc(',', f);
    write_bytes(f, "value", r->value);
    fputs(",\"headers\":[", f);
    struct rd rd = rd_of(r->headers.p, r->headers.n);
    struct record_header h;
    int rc;
    for (bool first = true; (rc = record_header_next(&rd, &h)) == 1; first = false) {
        fputs(first ? "{" : ",{", f);
        write_bytes(f, "key", h.key);
        putc(',', f);
        write_bytes(f, "value", h.value);
        putc('}', f);
    }
    fputs("]}\n", f);
    return rc;
}
