#include "base/setting.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { SHOWN_MAX = 100 }; /* bytes of a bad value that a message repeats */

const char *setting_type_name(enum setting_type t)
{
    switch (t) {
    case SETTING_BOOL:
        return "boolean";
    case SETTING_INT:
        return "int";
    case SETTING_LONG:
        return "long";
    case SETTING_RATIO:
        return "double";
    case SETTING_LIST:
        return "list";
    case SETTING_CHOICE:
    case SETTING_STRING:
        break;
    }
    return "string";
}

const struct setting *setting_find(const struct setting *rows, size_t n, struct span name)
{
    for (size_t i = 0; i < n; i++) {
        if (span_eq(span_str(rows[i].name), name))
            return &rows[i];
    }
    return NULL;
}

/* ---- texts */

static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span trim(struct span s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* A bad value, as a message may show it. */
struct shown {
    char text[SHOWN_MAX + 4];
};

static struct shown show(struct span v)
{
    struct shown s;
    size_t n = v.n < SHOWN_MAX ? v.n : SHOWN_MAX;
    for (size_t i = 0; i < n; i++)
        s.text[i] = v.p[i] < 0x20 || v.p[i] == 0x7f ? '?' : (char)v.p[i];
    memcpy(s.text + n, n < v.n ? "..." : "", 4 - (n == v.n) * 3);
    return s;
}

/* A number's text, NUL behind it; false if it is none that a number could be. */
static bool number_text(struct span v, char *buf, size_t cap)
{
    if (v.n == 0 || v.n >= cap || memchr(v.p, 0, v.n))
        return false;
    memcpy(buf, v.p, v.n);
    buf[v.n] = 0;
    const char *digits = buf[0] == '-' ? buf + 1 : buf;
    return isdigit((unsigned char)digits[0]) || (digits[0] == '.' && digits[1]);
}

static int parse_bool(struct span v, int64_t *out)
{
    *out = v.n == 4 && strncasecmp((const char *)v.p, "true", 4) == 0;
    return *out || (v.n == 5 && strncasecmp((const char *)v.p, "false", 5) == 0) ? 0 : ERR_INVALID;
}

static int parse_number(struct span v, int64_t *out)
{
    char buf[24], *end;
    if (!number_text(v, buf, sizeof buf))
        return ERR_INVALID;
    errno = 0;
    *out = strtoll(buf, &end, 10);
    return errno || *end ? ERR_INVALID : 0;
}

static int parse_ratio(struct span v, double *out)
{
    char buf[40], *end;
    if (!number_text(v, buf, sizeof buf))
        return ERR_INVALID;
    *out = strtod(buf, &end);
    return *end ? ERR_INVALID : 0;
}

/* Which of "a|b|c" v is; -1: none. */
static int choice_of(const char *choices, struct span v)
{
    int i = 0;
    for (const char *p = choices;; p++, i++) {
        size_t n = strcspn(p, "|");
        if (span_eq(span_of(p, n), v))
            return i;
        p += n;
        if (!*p)
            return -1;
    }
}

static int bad_choice(const struct setting *row, struct span v, struct err *e)
{
    return err_set(e, ERR_INVALID, "%s: '%s' is none of %s", row->name, show(v).text, row->choices);
}

/* The members, each once in the result. An empty list is one. */
static int parse_list(const struct setting *row, struct span v, int64_t *out, struct err *e)
{
    *out = 0;
    while (v.n > 0) {
        const uint8_t *comma = memchr(v.p, ',', v.n);
        size_t n = comma ? (size_t)(comma - v.p) : v.n;
        struct span member = trim(span_of(v.p, n));
        int i = choice_of(row->choices, member);
        if (i < 0 || (comma && n + 1 == v.n))
            return bad_choice(row, i < 0 ? member : v, e);
        *out |= (int64_t)1 << i;
        v = span_of(v.p + n, v.n - n);
        if (comma)
            v = span_of(v.p + 1, v.n - 1);
    }
    return 0;
}

static int parse_text(const struct setting *row, struct span v, struct err *e)
{
    if (row->choices[0] && choice_of(row->choices, v) < 0)
        return bad_choice(row, v, e);
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < 0x20 || v.p[i] == 0x7f)
            return err_set(e, ERR_INVALID, "%s: the value holds a control character", row->name);
    }
    return 0;
}

static int bad_type(const struct setting *row, struct span v, struct err *e)
{
    return err_set(e, ERR_INVALID, "%s: '%s' is no %s", row->name, show(v).text,
                   row->type == SETTING_BOOL    ? "truth value (true or false)"
                   : row->type == SETTING_RATIO ? "number"
                                                : "whole number");
}

static int bad_bounds(const struct setting *row, struct span v, struct err *e)
{
    if (row->max == (row->type == SETTING_INT ? INT32_MAX : INT64_MAX))
        return err_set(e, ERR_INVALID, "%s: %s is below %" PRId64, row->name, show(v).text,
                       row->min);
    return err_set(e, ERR_INVALID, "%s: %s is not between %" PRId64 " and %" PRId64, row->name,
                   show(v).text, row->min, row->max);
}

int setting_parse(const struct setting *row, struct span text, union setting_value *v,
                  struct err *e)
{
    struct span t = trim(text);
    int rc;
    switch (row->type) {
    case SETTING_BOOL:
        return parse_bool(t, &v->number) ? bad_type(row, t, e) : 0;
    case SETTING_INT:
    case SETTING_LONG:
        if (parse_number(t, &v->number))
            return bad_type(row, t, e);
        return v->number < row->min || v->number > row->max ? bad_bounds(row, t, e) : 0;
    case SETTING_RATIO:
        if (parse_ratio(t, &v->ratio))
            return bad_type(row, t, e);
        return v->ratio >= (double)row->min && v->ratio <= (double)row->max ? 0
                                                                            : bad_bounds(row, t, e);
    case SETTING_CHOICE:
        v->number = choice_of(row->choices, t);
        return v->number < 0 ? bad_choice(row, t, e) : 0;
    case SETTING_LIST:
        return parse_list(row, t, &v->number, e);
    case SETTING_STRING:
        rc = parse_text(row, t, e);
        v->text = t;
        return rc;
    }
    return err_set(e, ERR_INVALID, "%s: a setting of no type", row->name);
}

int setting_check(const struct setting *row, struct span text, struct err *e)
{
    union setting_value ignored;
    return setting_parse(row, text, &ignored, e);
}

/* ---- fields */

void setting_store(const struct setting *row, void *in, union setting_value v)
{
    void *field = (char *)in + row->at;
    switch (row->type) {
    case SETTING_BOOL:
        *(bool *)field = v.number != 0;
        return;
    case SETTING_INT:
    case SETTING_CHOICE:
        *(int32_t *)field = (int32_t)v.number;
        return;
    case SETTING_LONG:
        *(int64_t *)field = v.number;
        return;
    case SETTING_RATIO:
        *(double *)field = v.ratio;
        return;
    case SETTING_LIST:
        *(uint32_t *)field = (uint32_t)v.number;
        return;
    case SETTING_STRING:
        return;
    }
}

union setting_value setting_load(const struct setting *row, const void *in)
{
    const void *field = (const char *)in + row->at;
    switch (row->type) {
    case SETTING_BOOL:
        return (union setting_value){.number = *(const bool *)field};
    case SETTING_INT:
    case SETTING_CHOICE:
        return (union setting_value){.number = *(const int32_t *)field};
    case SETTING_LONG:
        return (union setting_value){.number = *(const int64_t *)field};
    case SETTING_RATIO:
        return (union setting_value){.ratio = *(const double *)field};
    case SETTING_LIST:
        return (union setting_value){.number = *(const uint32_t *)field};
    case SETTING_STRING:
        break;
    }
    return (union setting_value){.text = span_str(*(const char *const *)field)};
}

/* Put the i-th choice behind what buf holds. */
static void put_choice(const char *choices, int64_t i, char *buf, size_t cap)
{
    while (i-- > 0)
        choices += strcspn(choices, "|") + 1;
    size_t n = strlen(buf);
    snprintf(buf + n, cap - n, "%s%.*s", n ? "," : "", (int)strcspn(choices, "|"), choices);
}

/* A ratio in as few digits as give it again. */
static void put_ratio(double v, char *buf, size_t cap)
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(buf, cap, "%.*g", digits, v);
        if (strtod(buf, NULL) == v)
            break;
    }
    size_t n = strlen(buf);
    if (n == strspn(buf, "0123456789"))
        snprintf(buf + n, cap - n, ".0"); /* as Kafka shows whole ones */
}

void setting_value_text(const struct setting *row, union setting_value v, char *buf, size_t cap)
{
    buf[0] = 0;
    switch (row->type) {
    case SETTING_BOOL:
        snprintf(buf, cap, "%s", v.number ? "true" : "false");
        return;
    case SETTING_INT:
    case SETTING_LONG:
        snprintf(buf, cap, "%" PRId64, v.number);
        return;
    case SETTING_RATIO:
        put_ratio(v.ratio, buf, cap);
        return;
    case SETTING_CHOICE:
        put_choice(row->choices, v.number, buf, cap);
        return;
    case SETTING_LIST:
        for (int i = 0; i < 32; i++) {
            if (v.number >> i & 1)
                put_choice(row->choices, i, buf, cap);
        }
        return;
    case SETTING_STRING:
        snprintf(buf, cap, "%.*s", (int)v.text.n, v.text.n ? (const char *)v.text.p : "");
        return;
    }
}

void setting_text(const struct setting *row, const void *in, char *buf, size_t cap)
{
    setting_value_text(row, setting_load(row, in), buf, cap);
}
