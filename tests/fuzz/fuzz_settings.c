/* fuzz_settings.c - what an administrator writes: the configuration file, an argument, one value.
 *
 *   u8 kind, u8 which setting, a text
 *   FILE: the text is the JSON file · ARGUMENT: it is "name=value" · VALUE: a value of that setting
 *   of the broker · TOPIC: a value of that setting of a topic
 *
 * A value that was taken is shown as a text that says the same.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/settings.h"
#include "tests/fuzz/fuzz.h"

enum { FILE_TEXT, ARGUMENT, VALUE, TOPIC, KINDS };

static void value_holds(const struct setting *row, struct span text)
{
    union setting_value v, again;
    struct err e = {0};
    char first[SETTING_TEXT_MAX], second[SETTING_TEXT_MAX];
    int rc = setting_parse(row, text, &v, &e);
    must(setting_check(row, text, NULL) == rc);
    if (rc) {
        must(rc == ERR_INVALID && strncmp(e.text, row->name, strlen(row->name)) == 0);
        return;
    }
    if (row->type == SETTING_STRING) {
        must(fuzz_within(v.text, text));
        return;
    }
    if (row->type == SETTING_INT || row->type == SETTING_LONG)
        must(v.number >= row->min && v.number <= row->max);
    setting_value_text(row, v, first, sizeof first);
    must(setting_parse(row, span_str(first), &again, &e) == 0);
    setting_value_text(row, again, second, sizeof second);
    must(strcmp(first, second) == 0);
}

/* All settings by their texts, one by one, into others. */
static void settings_hold(const struct settings *s)
{
    struct settings other;
    struct err e = {0};
    const struct setting *rows = settings_rows();
    must(settings_init(&other) == 0);
    for (size_t i = 0; i < SETTINGS; i++) {
        char text[SETTING_TEXT_MAX], again[SETTING_TEXT_MAX];
        if (s->source[i] == SETTING_DEFAULT)
            continue;
        settings_text(s, &rows[i], text, sizeof text);
        if (strlen(text) + 1 == sizeof text)
            continue; /* it may be cut */
        must(settings_set(&other, rows[i].name, span_str(text), s->source[i], &e) == 0);
        settings_text(&other, &rows[i], again, sizeof again);
        must(strcmp(text, again) == 0);
    }
    settings_release(&other);
}

static int take(struct settings *s, bool argument, struct span text, struct err *e)
{
    if (!argument)
        return settings_json(s, text, e);
    char *copy = strndup((const char *)text.p, text.n);
    must(copy);
    int rc = settings_argument(s, copy, e);
    free(copy);
    return rc;
}

static void all_settings(bool argument, struct span text)
{
    struct settings s;
    struct err e = {0};
    must(settings_init(&s) == 0);
    int rc = take(&s, argument, text, &e);
    must(rc == 0 || (rc == e.code && e.text[0]));
    settings_hold(&s);
    if (rc == 0) {
        rc = settings_resolve(&s, &e);
        must(rc == 0 || (rc == ERR_INVALID && e.text[0]));
    }
    settings_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n);
    uint8_t kind = rd_u8(&in) % KINDS, which = rd_u8(&in);
    if (in.err)
        return 0;
    struct span text = fuzz_rest(&in);
    if (kind == VALUE)
        value_holds(&settings_rows()[which % SETTINGS], text);
    else if (kind == TOPIC)
        value_holds(&meta_setting_rows()[which % META_SETTINGS], text);
    else
        all_settings(kind == ARGUMENT, text);
    return 0;
}
