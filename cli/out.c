/* out.c - rows: every cell becomes one of three sorts (null, text, or a bare number or word) and
 * the format writes it. The formats that need no measuring write at once. */
#include "cli/out.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "cli/cli.h"
#include "cli/out_table.h"

struct out {
    FILE *f;
    enum out_format format;
    bool header;
    const struct out_column *columns;
    size_t n, at; /* number of columns; the one to be written next */
    bool begun;   /* the header or the first row has been written */
    struct table table;
};

enum sort { NOTHING, BARE, TEXT };

/* stdio remembers that a write failed, not why; cli_main says what it can. */
static int broken(FILE *f)
{
    return ferror(f) ? -EIO : 0;
}

static void no_memory(void)
{
    cli_error("result: out of memory");
    exit(CLI_FAILED);
}

struct out *out_new(FILE *f, enum out_format format, bool header, const struct out_column *columns,
                    size_t n)
{
    struct out *o = calloc(1, sizeof *o);
    if (!o)
        no_memory();
    *o = (struct out){.f = f, .format = format, .header = header, .columns = columns, .n = n};
    if (format == OUT_TEXT && table_init(&o->table, f, header, columns, n))
        no_memory();
    return o;
}

/* Quote as RFC 4180 says where it must; an empty text is quoted to tell it from null. */
static void csv_text(FILE *f, struct span s)
{
    bool quote = !s.n;
    for (size_t i = 0; i < s.n && !quote; i++)
        quote = s.p[i] == '"' || s.p[i] == ',' || s.p[i] == '\n' || s.p[i] == '\r';
    if (!quote) {
        fwrite(s.p, 1, s.n, f);
        return;
    }
    putc('"', f);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            putc('"', f);
        putc(s.p[i], f);
    }
    putc('"', f);
}

static void csv_header(struct out *o)
{
    if (o->begun || !o->header)
        return;
    for (size_t i = 0; i < o->n; i++) {
        fputs(i ? "," : "", o->f);
        csv_text(o->f, span_str(o->columns[i].name));
    }
    putc('\n', o->f);
}

/* What goes between the rows and fields of json and jsonl, up to the field's value. */
static void json_lead(struct out *o)
{
    if (!o->at && o->format == OUT_JSON)
        fputs(o->begun ? ",\n  " : "[\n  ", o->f);
    if (o->n) { /* no columns: documents */
        fputs(o->at ? "," : "{", o->f);
        out_json_string(o->f, span_str(o->columns[o->at].name));
        putc(':', o->f);
    }
}

static void json_cell(struct out *o, enum sort sort, struct span s)
{
    json_lead(o);
    if (sort == NOTHING)
        fputs("null", o->f);
    else if (sort == BARE)
        fwrite(s.p, 1, s.n, o->f);
    else
        out_json_string(o->f, s);
}

static void cell(struct out *o, enum sort sort, struct span s)
{
    if (o->at >= o->n)
        abort(); /* more cells than columns: the program is wrong, not its input */
    switch (o->format) {
    case OUT_TEXT:
        if (!o->columns[o->at].data_only)
            table_cell(&o->table, sort == NOTHING ? span_str("-") : s.n ? s : span_str("\"\""));
        break;
    case OUT_JSON:
    case OUT_JSONL:
        json_cell(o, sort, s);
        break;
    case OUT_CSV:
        if (!o->at)
            csv_header(o);
        else
            putc(',', o->f);
        if (sort == TEXT)
            csv_text(o->f, s);
        else
            fwrite(s.p, 1, s.n, o->f);
        break;
    case OUT_NAMES:
        if (!o->at)
            fwrite(s.p, 1, s.n, o->f);
        break;
    }
    o->at++;
    o->begun = true;
}

void out_null(struct out *o)
{
    cell(o, NOTHING, span_of("", 0));
}

void out_span(struct out *o, struct span s)
{
    if (s.p)
        cell(o, TEXT, s);
    else
        out_null(o);
}

void out_str(struct out *o, const char *s)
{
    out_span(o, span_str(s));
}

void out_int(struct out *o, int64_t v)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%" PRId64, v);
    cell(o, BARE, span_of(text, (size_t)n));
}

void out_real(struct out *o, double v)
{
    if (!isfinite(v)) { /* JSON has no word for it */
        out_null(o);
        return;
    }
    char text[32];
    int n = snprintf(text, sizeof text, "%.15g", v);
    if (strtod(text, NULL) < v || strtod(text, NULL) > v)
        n = snprintf(text, sizeof text, "%.17g", v);
    cell(o, BARE, span_of(text, (size_t)n));
}

void out_bool(struct out *o, bool v)
{
    cell(o, BARE, span_str(v ? "true" : "false"));
}

/* A JSON value as the text of one cell: an array of scalars joined by commas, else as it is. */
static char *flat(const struct json *j)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        no_memory();
    bool list = json_type_of(j) == JSON_T_ARRAY;
    for (size_t i = 0; list && i < json_len(j); i++)
        list = json_type_of(json_at(j, i)) < JSON_T_ARRAY;
    if (json_type_of(j) == JSON_T_STR) {
        fwrite(json_str(j).p, 1, json_str(j).n, f);
    } else if (!list) {
        json_write(j, f, 0);
    } else {
        for (size_t i = 0; i < json_len(j); i++) {
            const struct json *v = json_at(j, i);
            fputs(i ? "," : "", f);
            if (json_type_of(v) == JSON_T_STR)
                fwrite(json_str(v).p, 1, json_str(v).n, f);
            else
                json_write(v, f, 0);
        }
    }
    if (fclose(f))
        no_memory();
    return text;
}

/* Put one JSON value, which stays the caller's. */
static void put_value(struct out *o, const struct json *j)
{
    if (json_type_of(j) == JSON_T_NULL) {
        out_null(o);
        return;
    }
    bool json = o->format == OUT_JSON || o->format == OUT_JSONL;
    bool bare = json_type_of(j) != JSON_T_STR && json_type_of(j) < JSON_T_ARRAY;
    bool none = json_type_of(j) == JSON_T_ARRAY && !json_len(j);
    char *text = json ? json_text(j, 0) : flat(j);
    if (!text)
        no_memory();
    cell(o, json || bare ? BARE : none ? NOTHING : TEXT, span_str(text));
    free(text);
}

void out_value(struct out *o, struct json *j)
{
    put_value(o, j);
    json_free(j);
}

int out_row(struct out *o)
{
    if (o->at != o->n)
        abort();
    o->at = 0;
    if (o->format == OUT_TEXT) {
        if (table_row(&o->table))
            no_memory();
    } else {
        fputs(o->format == OUT_JSON ? "}" : o->format == OUT_JSONL ? "}\n" : "\n", o->f);
    }
    return broken(o->f);
}

int out_flush(struct out *o)
{
    if (o->format == OUT_TEXT)
        table_flush(&o->table);
    fflush(o->f);
    return broken(o->f);
}

int out_document(struct out *o, struct json *j)
{
    if (o->n || (o->format != OUT_JSON && o->format != OUT_JSONL))
        abort();
    json_lead(o);
    o->begun = true;
    int rc = json_write(j, o->f, 0);
    json_free(j);
    if (o->format == OUT_JSONL)
        putc('\n', o->f);
    return rc ? rc : broken(o->f);
}

int out_free(struct out *o)
{
    if (o->format == OUT_TEXT)
        table_release(&o->table); /* writes what is held, the header at least */
    if (o->format == OUT_CSV)
        csv_header(o);
    if (o->format == OUT_JSON)
        fputs(o->begun ? "\n]\n" : "[]\n", o->f);
    int rc = broken(o->f);
    free(o);
    return rc;
}

/* A document's fields become columns, or lines of two columns. */
struct walk {
    struct out *o;
    struct out_column *columns;
    size_t n;
};

static int take_column(void *ctx, const char *key, const struct json *v)
{
    struct walk *w = ctx;
    (void)v;
    w->columns[w->n++] = (struct out_column){.name = key, .type = OUT_VALUE};
    return 0;
}

static int put_field(void *ctx, const char *key, const struct json *v)
{
    struct walk *w = ctx;
    (void)key;
    put_value(w->o, v);
    return 0;
}

static int put_line(void *ctx, const char *key, const struct json *v)
{
    struct walk *w = ctx;
    char label[64];
    table_label(key, label, sizeof label);
    out_str(w->o, label);
    put_value(w->o, v);
    return out_row(w->o);
}

static int single_csv(FILE *f, bool header, const struct json *j)
{
    struct walk w = {.columns = calloc(json_len(j) + 1, sizeof *w.columns)};
    if (!w.columns)
        no_memory();
    json_each(j, take_column, &w);
    w.o = out_new(f, OUT_CSV, header, w.columns, w.n);
    json_each(j, put_field, &w);
    out_row(w.o);
    int rc = out_free(w.o);
    free(w.columns);
    return rc;
}

static int single_text(FILE *f, const struct json *j)
{
    static const struct out_column pair[] = {{"field", OUT_STR}, {"value", OUT_VALUE}};
    struct walk w = {.o = out_new(f, OUT_TEXT, false, OUT_COLUMNS(pair))};
    json_each(j, put_line, &w);
    return out_free(w.o);
}

int out_single(FILE *f, enum out_format format, bool header, struct json *j)
{
    int rc;
    if (!j)
        no_memory();
    if (format == OUT_TEXT) {
        rc = single_text(f, j);
    } else if (format == OUT_CSV) {
        rc = single_csv(f, header, j);
    } else {
        rc = json_write(j, f, format == OUT_JSON ? 2 : 0);
        putc('\n', f);
    }
    json_free(j);
    return rc ? rc : broken(f);
}
