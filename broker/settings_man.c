#include "broker/settings_man.h"

#include <inttypes.h>

#include "broker/api_man.h"
#include "broker/settings.h"

/* Text that roff takes as it is. */
static void put(FILE *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '-')
            fputs("\\-", out);
        else if (*c == '\\')
            fputs("\\e", out);
        else
            fputc(*c, out);
    }
}

static bool is_number(const struct setting *row)
{
    return row->type == SETTING_INT || row->type == SETTING_LONG;
}

static void put_bounds(FILE *out, const struct setting *row)
{
    if (*row->choices) {
        fputs(row->type == SETTING_LIST ? "\nSome of " : "\nOne of ", out);
        for (const char *c = row->choices; *c; c++) {
            if (*c == '|')
                fputs(", ", out);
            else
                fputc(*c, out);
        }
        fputs(".\n", out);
    } else if (is_number(row) && row->max != INT64_MAX && row->max != INT32_MAX) {
        fprintf(out, "\nFrom %" PRId64 " to %" PRId64 ".\n", row->min, row->max);
    }
}

/* The default of a broker's setting. */
static void put_default(FILE *out, const struct setting *row)
{
    const struct setting *front = settings_in_front(row), *behind[SETTINGS_BEHIND_MAX];
    if (*row->dflt == 0)
        fputs(is_number(row) ? "unset" : "empty", out);
    else
        put(out, row->dflt);
    if (!front || settings_unit(row))
        return;
    size_t n = settings_behind((enum meta_setting)(front - meta_setting_rows()), behind);
    for (size_t i = 1; i < n; i++) {
        fputs(i == 1 ? ", as " : " and ", out);
        put(out, behind[i]->name);
    }
    if (n > 1)
        fputs(n > 2 ? " say" : " says", out);
}

/* The default of a topic's setting. */
static void put_server(FILE *out, const struct setting *row)
{
    fputs("what the broker's \\fB", out);
    put(out, meta_setting_server(row));
    fputs("\\fR says", out);
}

static void put_row(FILE *out, const struct setting *row,
                    void (*put_default_of)(FILE *out, const struct setting *row), bool dynamic)
{
    fputs(".TP\n.B ", out);
    put(out, row->name);
    fprintf(out, "\n(%s, default ", setting_type_name(row->type));
    put_default_of(out, row);
    fputs(dynamic ? "; may be altered)\n" : ")\n", out);
    put(out, row->sentence);
    put_bounds(out, row);
    fputc('\n', out);
}

void settings_man(FILE *out)
{
    const struct setting *rows = settings_rows(), *topic = meta_setting_rows();
    api_man(out);
    fputs(".SH SETTINGS\n", out);
    for (size_t i = 0; i < SETTINGS; i++)
        put_row(out, &rows[i], put_default, settings_change(&rows[i]) == SETTING_DYNAMIC);
    fputs(".SH TOPIC SETTINGS\nThese are given when a topic is created, or altered later, and hold "
          "for "
          "it alone.\n",
          out);
    for (size_t i = 0; i < META_SETTINGS; i++)
        put_row(out, &topic[i], put_server, false);
}
