#include "broker/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct setting rows[SETTINGS] = {
#define ROW(type, name, dflt, min, max, choices, sentence, at) \
    {name, SETTING_##type, dflt, min, max, choices, sentence, at},
#define BROKER(type, field, name, dflt, min, max, choices, change, sentence) \
    ROW(type, name, dflt, min, max, choices, sentence, offsetof(struct settings, field))
#define TOPIC_DEFAULT(type, field, name, dflt, min, max, choices, sentence) \
    ROW(type, name, dflt, min, max, choices, sentence, offsetof(struct settings, topic.field))
#define SYNONYM(type, field, name, dflt, min, max, of, unit, sentence) \
    ROW(type, name, dflt, min, max, "", sentence, offsetof(struct settings, field))
#include "broker/settings.def"
#undef ROW
};

/* What else the table says of a row. */
static const struct trait {
    enum setting_change change;
    int of;       /* the topic setting that it is a default of; -1: none */
    int64_t unit; /* so many of that setting's are one of this row's; 0: it is no synonym */
} traits[SETTINGS] = {
#define BROKER(type, field, name, dflt, min, max, choices, change, sentence) \
    {SETTING_##change, -1, 0},
#define TOPIC_DEFAULT(type, field, ...) {SETTING_DYNAMIC, META_SETTING_##field, 0},
#define SYNONYM(type, field, name, dflt, min, max, of, unit, sentence) \
    {SETTING_STATIC, META_SETTING_##of, unit},
#include "broker/settings.def"
};

const struct setting *settings_rows(void)
{
    return rows;
}

const struct setting *settings_find(struct span name)
{
    return setting_find(rows, SETTINGS, name);
}

enum setting_change settings_change(const struct setting *row)
{
    return traits[row - rows].change;
}

size_t settings_behind(enum meta_setting which, const struct setting *out[SETTINGS_BEHIND_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < SETTINGS && n < SETTINGS_BEHIND_MAX; i++) {
        if (traits[i].of == (int)which)
            out[n++] = &rows[i];
    }
    return n;
}

int64_t settings_unit(const struct setting *row)
{
    return traits[row - rows].unit;
}

const struct setting *settings_in_front(const struct setting *row)
{
    int of = traits[row - rows].of;
    return of < 0 ? NULL : &meta_setting_rows()[of];
}

void setting_env_name(const struct setting *row, char *buf, size_t cap)
{
    snprintf(buf, cap, "CHRONIK_%s", row->name);
    for (char *c = buf; *c; c++)
        *c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
}

/* ---- values */

static bool is_number(const struct setting *row)
{
    return row->type == SETTING_INT || row->type == SETTING_LONG;
}

/* Is there a synonym to say what holds as long as the row is not set? */
static bool has_synonyms(const struct setting *row)
{
    const struct setting *behind[SETTINGS_BEHIND_MAX];
    const struct trait *t = &traits[row - rows];
    return t->of >= 0 && !t->unit && settings_behind((enum meta_setting)t->of, behind) > 1;
}

bool settings_has_default(const struct setting *row)
{
    return !has_synonyms(row) && !(is_number(row) && !*row->dflt);
}

bool settings_has(const struct settings *s, const struct setting *row)
{
    return s->source[row - rows] != SETTING_DEFAULT || settings_has_default(row);
}

static int store_text(struct settings *s, const struct setting *row, struct span text,
                      struct err *e)
{
    const char **field = (const char **)((char *)s + row->at);
    char *copy = strndup(text.n ? (const char *)text.p : "", text.n);
    if (!copy)
        return err_set(e, -ENOMEM, "%s: out of memory", row->name);
    free((char *)*field);
    *field = copy;
    return 0;
}

static int store(struct settings *s, const struct setting *row, struct span text, struct err *e)
{
    union setting_value v;
    int rc = setting_parse(row, text, &v, e);
    if (rc)
        return rc;
    if (row->type == SETTING_STRING)
        return store_text(s, row, v.text, e);
    setting_store(row, s, v);
    return 0;
}

void settings_text(const struct settings *s, const struct setting *row, char *buf, size_t cap)
{
    buf[0] = 0;
    if (settings_has(s, row) || has_synonyms(row))
        setting_text(row, s, buf, cap);
}

/* ---- all of them */

int settings_init(struct settings *s)
{
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < SETTINGS; i++) {
        if (is_number(&rows[i]) && !*rows[i].dflt)
            continue;
        int rc = store(s, &rows[i], span_str(rows[i].dflt), NULL);
        if (rc) {
            settings_release(s);
            return rc;
        }
    }
    return 0;
}

void settings_release(struct settings *s)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        if (rows[i].type == SETTING_STRING)
            free((char *)*(const char **)((char *)s + rows[i].at));
    }
    memset(s, 0, sizeof *s);
}

int settings_set(struct settings *s, const char *name, struct span value, enum setting_source from,
                 struct err *e)
{
    const struct setting *row = settings_find(span_str(name));
    if (!row)
        return err_set(e, ERR_INVALID, "%s: there is no such setting", name);
    size_t i = (size_t)(row - rows);
    if (from < s->source[i])
        return err_set(e, ERR_STALE, "%s: is set elsewhere", name);
    int rc = store(s, row, value, e);
    if (rc)
        return rc;
    s->source[i] = from;
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
        break;
    }
    return "default";
}

void settings_print(const struct settings *s, FILE *out)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        char value[512];
        settings_text(s, &rows[i], value, sizeof value);
        fprintf(out, "%s=%s", rows[i].name, value);
        if (s->source[i] != SETTING_DEFAULT)
            fprintf(out, "  # %s", source_name(s->source[i]));
        fputc('\n', out);
    }
}
