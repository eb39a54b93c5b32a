/* json.c - a struct json is jansson's json_t under another name.
 *
 * Every value here has exactly one owner, so its reference count is 1 and a second reference is
 * free to mean something: a container that lost a value for want of memory gets one (mark_failed).
 * json_write looks for such marks and refuses to pass off a document with holes as whole; json_free
 * takes them away again.
 */
#include "base/json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"

static struct json *wrap(json_t *j)
{
    return (struct json *)j;
}

static json_t *unwrap(const struct json *j)
{
    return (json_t *)j;
}

static bool is_container(const json_t *j)
{
    return json_is_object(j) || json_is_array(j);
}

static void mark_failed(json_t *j)
{
    if (is_container(j) && j->refcount == 1)
        json_incref(j);
}

/* Call f for every container of a tree, inner ones first, until it returns true. */
static bool walk(json_t *j, bool (*f)(json_t *container))
{
    const char *key;
    json_t *v;
    size_t i;
    json_object_foreach(j, key, v) if (walk(v, f)) return true;
    json_array_foreach(j, i, v) if (walk(v, f)) return true;
    return is_container(j) && f(j);
}

static bool is_marked(json_t *j)
{
    return j->refcount > 1;
}

static bool unmark(json_t *j)
{
    if (is_marked(j))
        json_decref(j);
    return false;
}

void json_free(struct json *j)
{
    walk(unwrap(j), unmark);
    json_decref(unwrap(j));
}

/* Making values */

struct json *json_new_object(void)
{
    return wrap(json_object());
}

struct json *json_new_array(void)
{
    return wrap(json_array());
}

struct json *json_new_int(int64_t v)
{
    return wrap(json_integer(v));
}

struct json *json_new_real(double v)
{
    return wrap(isfinite(v) ? json_real(v) : json_null());
}

struct json *json_new_bool(bool v)
{
    return wrap(json_boolean(v));
}

struct json *json_new_null(void)
{
    return wrap(json_null());
}

/* Length of the well-formed UTF-8 character at p, 0 if there is none (RFC 3629: no over-long forms,
 * no surrogates, nothing above U+10FFFF). */
static size_t utf8_char(const uint8_t *p, size_t n)
{
    uint8_t low = 0x80, high = 0xbf; /* bounds of the second byte */
    size_t len;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        len = 2;
    } else if ((p[0] & 0xf0) == 0xe0) {
        len = 3;
        low = p[0] == 0xe0 ? 0xa0 : low;
        high = p[0] == 0xed ? 0x9f : high;
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        len = 4;
        low = p[0] == 0xf0 ? 0x90 : low;
        high = p[0] == 0xf4 ? 0x8f : high;
    } else {
        return 0;
    }
    if (n < len || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    return len;
}

static bool utf8_valid(struct span s)
{
    for (size_t i = 0; i < s.n;) {
        size_t len = utf8_char(s.p + i, s.n - i);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

/* A malloc'ed, NUL-terminated copy with U+FFFD for each byte that belongs to no character. */
static char *utf8_repair(struct span s, size_t *n)
{
    size_t cap, out = 0;
    if (__builtin_mul_overflow(s.n, 3, &cap) || __builtin_add_overflow(cap, 1, &cap))
        return NULL;
    char *buf = malloc(cap);
    if (!buf)
        return NULL;
    for (size_t i = 0; i < s.n;) {
        size_t len = utf8_char(s.p + i, s.n - i);
        memcpy(buf + out, len ? (const char *)s.p + i : "\xef\xbf\xbd", len ? len : 3);
        out += len ? len : 3;
        i += len ? len : 1;
    }
    buf[out] = 0;
    *n = out;
    return buf;
}

struct json *json_new_str(struct span s)
{
    if (s.n == 0)
        return wrap(json_string(""));
    if (utf8_valid(s))
        return wrap(json_stringn_nocheck((const char *)s.p, s.n));
    size_t n;
    char *fixed = utf8_repair(s, &n);
    json_t *j = fixed ? json_stringn_nocheck(fixed, n) : NULL;
    free(fixed);
    return wrap(j);
}

struct json *json_new_base64(struct span s)
{
    size_t n = base64_size(s.n, BASE64_PADDED);
    char *text = malloc(n + 1);
    if (!text)
        return NULL;
    base64_encode(s, BASE64_PADDED, text);
    json_t *j = json_stringn_nocheck(text, n);
    free(text);
    return wrap(j);
}

/* Putting them together */

/* jansson's setters take the reference to value even when they fail. */
static int set(json_t *obj, const char *key, json_t *value)
{
    struct span k = span_str(key);
    if (utf8_valid(k))
        return json_object_set_new_nocheck(obj, key, value);
    size_t n;
    char *fixed = utf8_repair(k, &n);
    if (!fixed) {
        json_free(wrap(value));
        return -1;
    }
    int r = json_object_set_new_nocheck(obj, fixed, value);
    free(fixed);
    return r;
}

void json_set(struct json *obj, const char *key, struct json *value)
{
    if (!obj)
        json_free(value);
    else if (!value || set(unwrap(obj), key, unwrap(value)))
        mark_failed(unwrap(obj));
}

void json_push(struct json *arr, struct json *value)
{
    if (!arr)
        json_free(value);
    else if (!value || json_array_append_new(unwrap(arr), unwrap(value)))
        mark_failed(unwrap(arr));
}

void json_push_text(struct json *arr, const char *fmt, ...)
{
    char *text;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    json_push(arr, n < 0 ? NULL : json_new_str(span_of(text, (size_t)n)));
    if (n >= 0)
        free(text);
}

void json_merge(struct json *obj, struct json *from)
{
    const char *key;
    json_t *v;
    void *tmp;
    if (!obj || !from) {
        json_free(from);
        mark_failed(unwrap(obj));
        return;
    }
    if (is_marked(unwrap(from)))
        mark_failed(unwrap(obj));
    json_object_foreach_safe(unwrap(from), tmp, key, v)
    {
        if (json_object_set_new(unwrap(obj), key, json_incref(v)) != 0)
            mark_failed(unwrap(obj));
        json_object_del(unwrap(from), key);
    }
    json_free(from);
}

void json_set_int(struct json *obj, const char *key, int64_t v)
{
    json_set(obj, key, json_new_int(v));
}

void json_set_str(struct json *obj, const char *key, const char *v)
{
    json_set_span(obj, key, span_str(v));
}

void json_set_span(struct json *obj, const char *key, struct span s)
{
    json_set(obj, key, s.p ? json_new_str(s) : json_new_null());
}

void json_set_bool(struct json *obj, const char *key, bool v)
{
    json_set(obj, key, json_new_bool(v));
}

void json_set_real(struct json *obj, const char *key, double v)
{
    json_set(obj, key, json_new_real(v));
}

/* Writing */

/* 15 digits: the most that never show a double's error, as 0.1 would with jansson's 17. */
static size_t dump_flags(int indent)
{
    size_t shape = indent > 0 ? JSON_INDENT((size_t)indent) : JSON_COMPACT;
    return shape | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
}

static bool is_whole(const struct json *j)
{
    return j && !walk(unwrap(j), is_marked);
}

int json_write(const struct json *j, FILE *out, int indent)
{
    if (!is_whole(j))
        return -ENOMEM;
    errno = 0;
    if (json_dumpf(unwrap(j), out, dump_flags(indent)) == 0)
        return 0;
    if (ferror(out))
        return errno ? -errno : -EIO;
    return -ENOMEM;
}

char *json_text(const struct json *j, int indent)
{
    return is_whole(j) ? json_dumps(unwrap(j), dump_flags(indent)) : NULL;
}

struct json *json_clone(const struct json *j)
{
    return is_whole(j) ? wrap(json_deep_copy(unwrap(j))) : NULL;
}

/* Reading */

static struct json *parse(const char *text, size_t n, size_t flags, size_t *used, struct err *e)
{
    json_error_t why;
    json_t *j = json_loadb(text, n,
                           flags | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    if (!j) {
        bool memory = json_error_code(&why) == json_error_out_of_memory;
        err_set(e, memory ? -ENOMEM : ERR_MALFORMED, "line %d column %d: %s", why.line, why.column,
                why.text);
    }
    *used = j ? (size_t)why.position : 0;
    return wrap(j);
}

struct json *json_parse(const char *text, size_t n, struct err *e)
{
    size_t used;
    return parse(text, n, 0, &used, e);
}

struct json *json_parse_first(const char *text, size_t n, size_t *used, struct err *e)
{
    return parse(text, n, JSON_DISABLE_EOF_CHECK, used, e);
}

enum json_type json_type_of(const struct json *j)
{
    if (!j)
        return JSON_T_NULL;
    switch (json_typeof(unwrap(j))) {
    case JSON_OBJECT:
        return JSON_T_OBJECT;
    case JSON_ARRAY:
        return JSON_T_ARRAY;
    case JSON_STRING:
        return JSON_T_STR;
    case JSON_INTEGER:
        return JSON_T_INT;
    case JSON_REAL:
        return JSON_T_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_T_BOOL;
    case JSON_NULL:
        break;
    }
    return JSON_T_NULL;
}

const struct json *json_get(const struct json *obj, const char *key)
{
    return wrap(json_object_get(unwrap(obj), key));
}

const struct json *json_at(const struct json *arr, size_t i)
{
    return wrap(json_array_get(unwrap(arr), i));
}

size_t json_len(const struct json *j)
{
    return json_is_object(unwrap(j)) ? json_object_size(unwrap(j)) : json_array_size(unwrap(j));
}

int64_t json_int(const struct json *j, int64_t dflt)
{
    return json_is_integer(unwrap(j)) ? json_integer_value(unwrap(j)) : dflt;
}

double json_double(const struct json *j, double dflt)
{
    return json_is_number(unwrap(j)) ? json_number_value(unwrap(j)) : dflt;
}

bool json_bool(const struct json *j, bool dflt)
{
    return json_is_boolean(unwrap(j)) ? json_is_true(unwrap(j)) : dflt;
}

struct span json_str(const struct json *j)
{
    if (!json_is_string(unwrap(j)))
        return span_of(NULL, 0);
    return span_of(json_string_value(unwrap(j)), json_string_length(unwrap(j)));
}

int json_each(const struct json *obj, int (*f)(void *ctx, const char *key, const struct json *v),
              void *ctx)
{
    const char *key;
    json_t *v;
    json_object_foreach(unwrap(obj), key, v)
    {
        int r = f(ctx, key, wrap(v));
        if (r)
            return r;
    }
    return 0;
}
