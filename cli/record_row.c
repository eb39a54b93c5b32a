#include "cli/record_row.h"

static void put_size(struct out *out, struct span s)
{
    if (s.p)
        out_int(out, (int64_t)s.n);
    else
        out_null(out);
}

void record_row_sizes(struct out *out, const struct record *r)
{
    put_size(out, r->key);
    put_size(out, r->value);
}

static void put_bytes(struct out *out, enum out_format format, struct span s)
{
    if (!s.p || out_is_utf8(s)) {
        out_span(out, s);
        out_null(out);
        return;
    }
    struct json *base64 = json_new_base64(s);
    if (format == OUT_TEXT) {
        out_value(out, base64);
        out_null(out);
    } else {
        out_null(out);
        out_value(out, base64);
    }
}

static void set_bytes(struct json *j, const char *name, const char *name_base64, struct span s)
{
    if (!s.p || out_is_utf8(s))
        json_set_span(j, name, s);
    else
        json_set(j, name_base64, json_new_base64(s));
}

static struct json *headers_json(const struct record *r)
{
    struct json *list = json_new_array();
    struct rd rd = rd_of(r->headers.p, r->headers.n);
    struct record_header h;
    while (record_header_next(&rd, &h) == 1) {
        struct json *j = json_new_object();
        set_bytes(j, "key", "key_base64", h.key);
        set_bytes(j, "value", "value_base64", h.value);
        json_push(list, j);
    }
    return list;
}

void record_row_payload(struct out *out, enum out_format format, const struct record *r)
{
    put_bytes(out, format, r->key);
    put_bytes(out, format, r->value);
    out_value(out, headers_json(r));
}
