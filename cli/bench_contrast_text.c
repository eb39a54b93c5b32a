/* bench_contrast_text.c - a comparison as text for people, and as rows. */
#include <math.h>
#include <stdio.h>

#include "cli/bench_compare.h"

static const struct out_column columns[] = {
    {"work", OUT_STR, .data_only = true},
    {"figure", OUT_STR},
    {"unit", OUT_STR},
    {"a_median", OUT_REAL},
    {"a_min", OUT_REAL},
    {"a_max", OUT_REAL},
    {"b_median", OUT_REAL},
    {"b_min", OUT_REAL},
    {"b_max", OUT_REAL},
    {"ratio", OUT_REAL},
    {"change_pct", OUT_REAL, .data_only = true},
    {"verdict", OUT_STR},
};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

static const char *text_of(const struct json *j, const char *key)
{
    struct span s = json_str(json_get(j, key));
    return s.p ? (const char *)s.p : "";
}

/* Four digits are what anybody reads. */
static double short_of(double v)
{
    double to = fabs(v) >= 1000 ? 1 : fabs(v) >= 100 ? 10 : 1000;
    return round(v * to) / to;
}

static int put_row(struct out *o, const char *work, const struct json *row, bool people)
{
    out_str(o, work);
    for (size_t i = 1; i < N_COLUMNS; i++) {
        const struct json *v = json_get(row, columns[i].name);
        if (json_type_of(v) == JSON_T_STR)
            out_span(o, json_str(v));
        else if (json_type_of(v) == JSON_T_NULL)
            out_null(o);
        else
            out_real(o, people ? short_of(json_double(v, 0)) : json_double(v, 0));
    }
    return out_row(o);
}

static int put_figures(struct out *o, const struct json *pair, bool people)
{
    const struct json *figures = json_get(pair, "figures");
    int rc = 0;
    for (size_t i = 0; !rc && i < json_len(figures); i++) {
        const struct json *row = json_at(figures, i);
        struct bench_figure f;
        bool known = bench_figure_find(json_str(json_get(row, "figure")), &f);
        if (!people || (known && f.headline))
            rc = put_row(o, text_of(pair, "title"), row, people);
    }
    return rc;
}

int bench_contrast_csv(const struct json *document, bool header, FILE *out)
{
    const struct json *pairs = json_get(document, "pairs");
    struct out *o = out_new(out, OUT_CSV, header, OUT_COLUMNS(columns));
    int rc = 0;
    for (size_t i = 0; !rc && i < json_len(pairs); i++)
        rc = put_figures(o, json_at(pairs, i), false);
    int end = out_free(o);
    return rc ? rc : end;
}

/* A line of what stands in files that others may have written. */
static void print_line(const char *label, const char *text, FILE *out)
{
    fprintf(out, "%-9s ", label);
    for (; *text; text++)
        fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
    fputc('\n', out);
}

static void print_side(const struct json *document, const char *key, const char *label, FILE *out)
{
    const struct json *side = json_get(document, key);
    print_line(label, text_of(side, "file"), out);
}

static void print_runs(const struct json *pair, FILE *out)
{
    fprintf(out, "%-9s %lld of A, %lld of B\n", "runs",
            (long long)json_int(json_get(pair, "a_runs"), 0),
            (long long)json_int(json_get(pair, "b_runs"), 0));
}

static void print_notes(const struct json *pair, FILE *out)
{
    const struct json *notes = json_get(pair, "notes");
    for (size_t i = 0; i < json_len(notes); i++)
        print_line("note", (const char *)json_str(json_at(notes, i)).p, out);
}

static void print_pair(const struct json *pair, bool header, FILE *out)
{
    fputc('\n', out);
    print_line("work", text_of(pair, "title"), out);
    print_runs(pair, out);
    struct out *o = out_new(out, OUT_TEXT, header, OUT_COLUMNS(columns));
    put_figures(o, pair, true);
    out_free(o);
    print_notes(pair, out);
}

static void print_conditions(const struct json *document, FILE *out)
{
    const struct json *all = json_get(document, "conditions");
    for (size_t i = 0; i < json_len(all); i++) {
        const struct json *c = json_at(all, i);
        fprintf(out, "%s%-9s %s  %s: %g to %g %s (%+.1f %%)\n", i ? "" : "\n", "fail on",
                text_of(c, "condition"), json_bool(json_get(c, "met"), true) ? "MET" : "not met",
                json_double(json_get(c, "a_median"), 0), json_double(json_get(c, "b_median"), 0),
                text_of(c, "unit"), json_double(json_get(c, "change_pct"), INFINITY));
    }
}

void bench_contrast_text(const struct json *document, bool header, FILE *out)
{
    const struct json *pairs = json_get(document, "pairs");
    print_side(document, "a", "A", out);
    print_side(document, "b", "B", out);
    for (size_t i = 0; i < json_len(pairs); i++)
        print_pair(json_at(pairs, i), header, out);
    print_conditions(document, out);
}
