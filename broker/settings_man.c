#include "broker/settings_man.h"

#include <inttypes.h>

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
        fputs("\nOne of ", out);
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

static void put_row(FILE *out, const struct setting *row)
{
    fputs(".TP\n.B ", out);
    put(out, row->name);
    fprintf(out, "\n(%s, default ", setting_type_name(row->type));
    if (row->synonym) {
        fputs("what the broker's \\fB", out);
        put(out, row->synonym);
        fputs("\\fR says", out);
    } else {
        put(out, *row->dflt ? row->dflt : "empty");
    }
    fputs(")\n", out);
    put(out, row->sentence);
    put_bounds(out, row);
    fputc('\n', out);
}

void settings_man(FILE *out)
{
    size_t n;
    const struct setting *rows = settings_rows(&n);
    fputs(".SH SETTINGS\n", out);
    for (size_t i = 0; i < n; i++)
        put_row(out, &rows[i]);
    fputs(".SH TOPIC SETTINGS\nThese are given when a topic is created and hold for it alone.\n",
          out);
    rows = settings_topic_rows(&n);
    for (size_t i = 0; i < n; i++)
        put_row(out, &rows[i]);
}
