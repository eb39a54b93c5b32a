/* json.h - the only door to jansson. A json value is owned by whoever made it until it is put into
 * another one (json_set, json_push), which then owns it; json_free drops what is left. 64-bit
 * integers stay exact. After a failed allocation builders give NULL and the setters that take a
 * NULL value do nothing but mark the object as failed, which json_write reports.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/span.h"

struct json; /* opaque */

/* New values, the caller's until json_set or json_push takes them. NULL: out of memory, which
 * json_write reports of what it was put into. */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_int(int64_t v);
struct json *json_new_real(double v); /* NaN and infinities become null; JSON has none */
struct json *json_new_bool(bool v);
struct json *json_new_null(void);
/* Bytes that are not UTF-8 become U+FFFD; use json_new_base64 where they must survive. */
struct json *json_new_str(struct span s);
/* Standard base64 with padding (RFC 4648). */
struct json *json_new_base64(struct span s);

/* All of it once more. */
struct json *json_clone(const struct json *j);

/* A key that is there is replaced. */
void json_set(struct json *obj, const char *key, struct json *value);
void json_push(struct json *arr, struct json *value);
/* A string, as printf would write it. */
void json_push_text(struct json *arr, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Move all of from's keys to the end of obj, over those of the same name; from is gone after it. */
void json_merge(struct json *obj, struct json *from);
void json_set_int(struct json *obj, const char *key, int64_t v);
void json_set_str(struct json *obj, const char *key, const char *v);  /* NULL gives null */
void json_set_span(struct json *obj, const char *key, struct span s); /* p NULL gives null */
void json_set_bool(struct json *obj, const char *key, bool v);
void json_set_real(struct json *obj, const char *key, double v);

/* One line without spaces (indent 0) or indented text, keys in the order they were set, no newline
 * at the end. 0, -ENOMEM or the stream's error. */
int json_write(const struct json *j, FILE *out, int indent);
/* The same as a malloc'ed string, NULL when out of memory. */
char *json_text(const struct json *j, int indent);
void json_free(struct json *j);

/* Parse one document; duplicate keys and trailing bytes are errors. NULL and e on failure, e naming
 * line and column. */
struct json *json_parse(const char *text, size_t n, struct err *e);
/* The same of the first of several documents that stand one after the other; *used gets its
 * length, white space before it included. */
struct json *json_parse_first(const char *text, size_t n, size_t *used, struct err *e);

enum json_type {
    JSON_T_NULL,
    JSON_T_BOOL,
    JSON_T_INT,
    JSON_T_REAL,
    JSON_T_STR,
    JSON_T_ARRAY,
    JSON_T_OBJECT
};
enum json_type json_type_of(const struct json *j); /* NULL counts as null */
/* Borrowed; NULL if absent. */
const struct json *json_get(const struct json *obj, const char *key);
const struct json *json_at(const struct json *arr, size_t i);
size_t json_len(const struct json *j); /* elements or keys; 0 else */
int64_t json_int(const struct json *j, int64_t dflt);
double json_double(const struct json *j, double dflt); /* integers too */
bool json_bool(const struct json *j, bool dflt);
struct span json_str(const struct json *j); /* p NULL if it is not a string */
/* Walk an object: f is called for each key in order until it returns non-zero, which is returned.
 */
int json_each(const struct json *obj, int (*f)(void *ctx, const char *key, const struct json *v),
              void *ctx);

#endif
