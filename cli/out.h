/* out.h - results as text, json, jsonl, csv or names, from the same calls.
 *
 *     static const struct out_column columns[] = {
 *         {"name", OUT_STR}, {"partition", OUT_INT}, {"leader", OUT_INT}, {"replicas", OUT_VALUE},
 *     };
 *     struct out *o = out_new(stdout, format, header, OUT_COLUMNS(columns));
 *     for (...) {
 *         out_str(o, name);              // one call a column, in order
 *         out_int(o, partition);
 *         out_null(o);
 *         out_value(o, json_array);      // takes it over
 *         if (out_row(o))                // the row is complete
 *             break;                     // standard output is broken; cli_main will say so
 *     }
 *     out_free(o);
 *
 *   text   an aligned table: upper-case headers, two spaces between columns, numbers to the right.
 *          Null is "-", empty is "", control characters are escaped, so that a row is a line.
 *   json   one array of objects.
 *   jsonl  an object a line.
 *   csv    RFC 4180 quoting, lines end in \n, a header with the field names; null is empty, an
 *          empty text is "".
 *   names  the first column, a line each.
 *
 * Integers are exact to 64 bits. Text that is not UTF-8 gets U+FFFD where it is not (json, jsonl)
 * and is written as it is in csv and names.
 *
 * Memory is bounded. Rows leave as they come, except in text where the widths have to be measured:
 * if every column shown has a width, rows leave at once; else the first OUT_MEASURED rows are held
 * and set them.
 */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/json.h"
#include "base/span.h"

enum out_format { OUT_TEXT, OUT_JSON, OUT_JSONL, OUT_CSV, OUT_NAMES };

enum out_type {
    OUT_STR,
    OUT_INT,
    OUT_REAL,
    OUT_BOOL,
    OUT_VALUE, /* any JSON value; in text and csv an array of scalars is joined by commas, an empty
                * one is shown like null */
};

enum { OUT_MEASURED = 1000 };

struct out_column {
    const char *name; /* the field's name, in snake case; the header is LIKE-THIS */
    enum out_type type;
    int width;      /* least width in text; 0: measure */
    bool data_only; /* not shown in text */
};
#define OUT_COLUMNS(a) (a), sizeof(a) / sizeof *(a)

struct out; /* opaque */

/* columns must outlive it. Never NULL: running out of memory ends the program with a line. */
struct out *out_new(FILE *f, enum out_format format, bool header, const struct out_column *columns,
                    size_t n);

/* The next cell of the row. A real number that is none (NaN, infinite) is null. */
void out_str(struct out *o, const char *s);  /* NULL: null */
void out_span(struct out *o, struct span s); /* p NULL: null */
void out_int(struct out *o, int64_t v);
void out_real(struct out *o, double v);
void out_bool(struct out *o, bool v);
void out_null(struct out *o);
void out_value(struct out *o, struct json *j);

/* The row is complete. 0, or a negative code once f has failed. */
int out_row(struct out *o);
/* Let the rows held back for measuring go, and flush: for output that is watched. */
int out_flush(struct out *o);
/* Write what is left (and json's closing bracket) and free. 0, or a negative code. */
int out_free(struct out *o);

/* A list of documents that are not flat: json writes one array, jsonl a line each. Begin with
 * out_new(f, format, header, NULL, 0); out_document takes j over and counts as a row. Only for
 * OUT_JSON and OUT_JSONL: text and csv of nested things are the program's to lay out. */
int out_document(struct out *o, struct json *j);

/* One document that is a result by itself (an object). Takes j over. json: indented; jsonl: a line;
 * text: a line a field, names aligned; csv: a header and a row. 0, or a negative code. */
int out_single(FILE *f, enum out_format format, bool header, struct json *j);

/* The bytes of s as a JSON string, quotes included; what is not UTF-8 becomes U+FFFD. */
void out_json_string(FILE *f, struct span s);
/* Is s UTF-8 (no surrogates, no over-long forms)? */
bool out_is_utf8(struct span s);

#endif
