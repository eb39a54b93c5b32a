#include "broker/settings.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct setting broker_rows[SETTINGS_BROKER] = {
#define BROKER(type, field, name, dflt, min, max, choices, sentence) \
    {name,                                                           \
     SETTING_##type,                                                 \
     dflt,                                                           \
     NULL,                                                           \
     min,                                                            \
     max,                                                            \
     choices,                                                        \
     sentence,                                                       \
     offsetof(struct settings, field)},
#include "broker/settings.def"
};

static const struct setting topic_rows[SETTINGS_TOPIC] = {
#define TOPIC(type, field, name, synonym, min, max, choices, sentence) \
    {name,                                                             \
     SETTING_##type,                                                   \
     NULL,                                                             \
     synonym,                                                          \
     min,                                                              \
     max,                                                              \
     choices,                                                          \
     sentence,                                                         \
     offsetof(struct topic_settings, field)},
#include "broker/settings.def"
};

const struct setting *settings_rows(size_t *n)
{
    *n = SETTINGS_BROKER;
    return broker_rows;
}

const struct setting *settings_topic_rows(size_t *n)
{
    *n = SETTINGS_TOPIC;
    return topic_rows;
}

const struct setting *settings_find(const struct setting *rows, size_t n, struct span name)
{
    for (size_t i = 0; i < n; i++) {
        if (span_eq(span_str(rows[i].name), name))
            return &rows[i];
    }
    return NULL;
}

const char *setting_type_name(enum setting_type t)
{
    switch (t) {
    case SETTING_BOOL:
        return "boolean";
    case SETTING_STRING:
        return "string";
    case SETTING_INT:
        return "int";
    case SETTING_LONG:
        return "long";
    case SETTING_LIST:
        return "list";
    }
    return "unknown";
}

void setting_env_name(const struct setting *row, char *buf, size_t cap)
{
    snprintf(buf, cap, "CHRONIK_%s", row->name);
    for (char *c = buf; *c; c++)
        *c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
}

/* ---- values */

static bool is_text(const struct setting *row)
{
    return row->type == SETTING_STRING || row->type == SETTING_LIST;
}

static int parse_bool(struct span v, int64_t *out)
{
    *out = span_eq(v, span_str("true"));
    return *out || span_eq(v, span_str("false")) ? 0 : ERR_INVALID;
}

static int parse_number(struct span v, int64_t *out)
{
    char buf[24];
    if (v.n == 0 || v.n >= sizeof buf)
        return ERR_INVALID;
    memcpy(buf, v.p, v.n);
    buf[v.n] = 0;
    if (!isdigit((unsigned char)buf[0]) && (buf[0] != '-' || !isdigit((unsigned char)buf[1])))
        return ERR_INVALID; /* strtoll would let blanks and a plus pass */
    char *end;
    errno = 0;
    *out = strtoll(buf, &end, 10);
    return errno || *end ? ERR_INVALID : 0;
}

/* Is v one of "a|b|c"? */
static bool among(const char *choices, struct span v)
{
    for (const char *p = choices;; p++) {
        size_t n = strcspn(p, "|");
        if (span_eq(span_of(p, n), v))
            return true;
        p += n;
        if (!*p)
            return false;
    }
}

static int parse_text(const struct setting *row, struct span v, struct err *e)
{
    if (row->choices[0] && !among(row->choices, v))
        return err_set(e, ERR_INVALID, "%s: '%.*s' is none of %s", row->name, (int)v.n, v.p,
                       row->choices);
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < 0x20 || v.p[i] == 0x7f)
            return err_set(e, ERR_INVALID, "%s: the value holds a control character", row->name);
    }
    return 0;
}

/* The value of a number or truth value, inside its bounds. */
static int parse_scalar(const struct setting *row, struct span v, int64_t *out, struct err *e)
{
    int rc = row->type == SETTING_BOOL ? parse_bool(v, out) : parse_number(v, out);
    if (rc)
        return err_set(e, rc, "%s: '%.*s' is no %s", row->name, (int)v.n, v.p,
                       row->type == SETTING_BOOL ? "truth value (true or false)" : "number");
    if (*out < row->min || *out > row->max)
        return err_set(e, ERR_INVALID, "%s: %" PRId64 " is not between %" PRId64 " and %" PRId64,
                       row->name, *out, row->min, row->max);
    return 0;
}

int setting_check(const struct setting *row, struct span value, struct err *e)
{
    int64_t ignored;
    return is_text(row) ? parse_text(row, value, e) : parse_scalar(row, value, &ignored, e);
}

static void store_scalar(const struct setting *row, void *field, int64_t v)
{
    if (row->type == SETTING_BOOL)
        *(bool *)field = v != 0;
    else if (row->type == SETTING_INT)
        *(int32_t *)field = (int32_t)v;
    else
        *(int64_t *)field = v;
}

static int64_t load_scalar(const struct setting *row, const void *field)
{
    if (row->type == SETTING_BOOL)
        return *(const bool *)field;
    return row->type == SETTING_INT ? *(const int32_t *)field : *(const int64_t *)field;
}

static int store(struct settings *s, const struct setting *row, struct span v, struct err *e)
{
    void *field = (char *)s + row->at;
    if (!is_text(row)) {
        int64_t number;
        int rc = parse_scalar(row, v, &number, e);
        if (!rc)
            store_scalar(row, field, number);
        return rc;
    }
    int rc = parse_text(row, v, e);
    if (rc)
        return rc;
    char *copy = strndup(v.n ? (const char *)v.p : "", v.n);
    if (!copy)
        return err_set(e, -ENOMEM, "%s: out of memory", row->name);
    free((char *)*(const char **)field);
    *(const char **)field = copy;
    return 0;
}

static void format(const struct setting *row, const void *field, char *buf, size_t cap)
{
    if (is_text(row))
        snprintf(buf, cap, "%s", *(const char *const *)field);
    else if (row->type == SETTING_BOOL)
        snprintf(buf, cap, "%s", *(const bool *)field ? "true" : "false");
    else
        snprintf(buf, cap, "%" PRId64, load_scalar(row, field));
}

void settings_text(const struct settings *s, const struct setting *row, char *buf, size_t cap)
{
    format(row, (const char *)s + row->at, buf, cap);
}

/* ---- all of them */

/* Point the topic defaults at what the broker's settings say now. */
static void refresh_topic_defaults(struct settings *s)
{
    for (size_t i = 0; i < SETTINGS_TOPIC; i++) {
        const struct setting *row = &topic_rows[i];
        const struct setting *behind =
            settings_find(broker_rows, SETTINGS_BROKER, span_str(row->synonym));
        void *to = (char *)&s->topic + row->at;
        const void *from = (const char *)s + behind->at;
        if (is_text(row))
            *(const char **)to = *(const char *const *)from;
        else
            store_scalar(row, to, load_scalar(behind, from));
    }
}

int settings_init(struct settings *s)
{
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < SETTINGS_BROKER; i++) {
        int rc = store(s, &broker_rows[i], span_str(broker_rows[i].dflt), NULL);
        if (rc) {
            settings_release(s);
            return rc;
        }
    }
    refresh_topic_defaults(s);
    return 0;
}

void settings_release(struct settings *s)
{
    for (size_t i = 0; i < SETTINGS_BROKER; i++) {
        if (is_text(&broker_rows[i]))
            free((char *)*(const char **)((char *)s + broker_rows[i].at));
    }
    memset(s, 0, sizeof *s);
}

int settings_set(struct settings *s, const char *name, struct span value, enum setting_source from,
                 struct err *e)
{
    const struct setting *row = settings_find(broker_rows, SETTINGS_BROKER, span_str(name));
    if (!row)
        return err_set(e, ERR_INVALID, "%s: there is no such setting", name);
    size_t i = (size_t)(row - broker_rows);
    if (from < s->source[i])
        return err_set(e, ERR_STALE, "%s: is set elsewhere", name);
    int rc = store(s, row, value, e);
    if (rc)
        return rc;
    s->source[i] = from;
    refresh_topic_defaults(s);
    return 0;
}

static const char *source_name(enum setting_source from)
{
    switch (from) {
    case SETTING_FILE:
        return "file";
    case SETTING_ENV:
        return "environment";
    case SETTING_ARGUMENT:
        return "command line";
    case SETTING_DEFAULT:
    case SETTING_TOPIC:
        break;
    }
    return "default";
}

void settings_print(const struct settings *s, FILE *out)
{
    for (size_t i = 0; i < SETTINGS_BROKER; i++) {
        char value[512];
        settings_text(s, &broker_rows[i], value, sizeof value);
        fprintf(out, "%s=%s", broker_rows[i].name, value);
        if (s->source[i] != SETTING_DEFAULT)
            fprintf(out, "  # %s", source_name(s->source[i]));
        fputc('\n', out);
    }
}

/* ---- topics */

int settings_check_topic(struct span name, struct span value, struct err *e)
{
    const struct setting *row = settings_find(topic_rows, SETTINGS_TOPIC, name);
    if (!row)
        return err_set(e, ERR_INVALID, "%.*s: there is no such topic setting",
                       (int)(name.n < 100 ? name.n : 100), name.n ? (const char *)name.p : "");
    if (value.n > 1000)
        return err_set(e, ERR_INVALID, "%s: the value is too long", row->name);
    return setting_check(row, value, e);
}

void settings_of_topic(const struct settings *s, const struct meta_topic *t,
                       struct topic_settings *out)
{
    *out = s->topic;
    for (int32_t i = 0; t && i < t->n_configs; i++) {
        struct span value = span_str(t->configs[i].value);
        const struct setting *row =
            settings_find(topic_rows, SETTINGS_TOPIC, span_str(t->configs[i].name));
        int64_t number = 0;
        if (!row ||
            (is_text(row) ? parse_text(row, value, NULL) : parse_scalar(row, value, &number, NULL)))
            continue;
        void *field = (char *)out + row->at;
        if (is_text(row))
            *(const char **)field = t->configs[i].value;
        else
            store_scalar(row, field, number);
    }
}
