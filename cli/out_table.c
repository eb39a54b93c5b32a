#include "cli/out_table.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/utf8.h"

void table_label(const char *name, char *out, size_t size)
{
    size_t i = 0;
    for (; name[i] && i + 1 < size; i++)
        out[i] = name[i] == '_' ? '-' : (char)toupper((unsigned char)name[i]);
    out[i] = 0;
}

/* Columns on a terminal, taking every code point for one. */
static size_t width_of(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

int table_init(struct table *t, FILE *f, bool header, const struct out_column *columns, size_t n)
{
    *t = (struct table){.f = f, .header = header};
    wr_init(&t->cells, 0);
    t->columns = calloc(n + 1, sizeof *t->columns);
    if (!t->columns)
        return -ENOMEM;
    bool measure = false;
    for (size_t i = 0; i < n; i++) {
        const struct out_column *c = &columns[i];
        if (c->data_only)
            continue;
        size_t label = header ? strlen(c->name) : 0;
        t->columns[t->n++] = (struct table_column){
            .name = c->name,
            .right = c->type == OUT_INT || c->type == OUT_REAL,
            .width = (size_t)c->width > label ? (size_t)c->width : label,
        };
        measure |= c->width == 0;
    }
    t->bound = measure ? OUT_MEASURED : 1;
    return 0;
}

static void escape(struct wr *w, uint8_t byte)
{
    char text[8];
    const char *known = byte == '\n' ? "\\n" : byte == '\t' ? "\\t" : byte == '\r' ? "\\r" : NULL;
    if (!known)
        snprintf(text, sizeof text, "\\x%02x", byte);
    wr_bytes(w, known ? known : text, strlen(known ? known : text));
}

void table_cell(struct table *t, struct span s)
{
    for (size_t i = 0; i < s.n;) {
        uint32_t code = 0;
        int n = utf8_next(s.p + i, s.n - i, &code);
        if (n && code >= 0x20 && (code < 0x7f || code > 0x9f)) {
            wr_bytes(&t->cells, s.p + i, (size_t)n);
            i += (size_t)n;
        } else {
            for (int k = 0; k < (n ? n : 1); k++)
                escape(&t->cells, s.p[i++]);
        }
    }
    wr_u8(&t->cells, 0);
}

static void write_cell(struct table *t, size_t i, const char *text)
{
    const struct table_column *c = &t->columns[i];
    size_t own = width_of(text);
    int pad = (int)(c->width > own ? c->width - own : 0);
    fputs(i ? "  " : "", t->f);
    if (c->right)
        fprintf(t->f, "%*s%s", pad, "", text);
    else
        fprintf(t->f, "%s%*s", text, i + 1 < t->n ? pad : 0, "");
    if (i + 1 == t->n)
        putc('\n', t->f);
}

static void write_header(struct table *t)
{
    char label[64];
    for (size_t i = 0; t->header && i < t->n; i++) {
        table_label(t->columns[i].name, label, sizeof label);
        write_cell(t, i, label);
    }
}

/* Call f for every held cell with the number of its column. */
static void each_cell(struct table *t, void (*f)(struct table *, size_t, const char *))
{
    size_t i = 0;
    for (size_t at = 0; at < t->cells.len; i = (i + 1) % t->n) {
        const char *text = (const char *)t->cells.buf + at;
        f(t, i, text);
        at += strlen(text) + 1;
    }
}

static void widen(struct table *t, size_t i, const char *text)
{
    size_t own = width_of(text);
    if (t->columns[i].width < own)
        t->columns[i].width = own;
}

static void write_held(struct table *t)
{
    each_cell(t, write_cell);
    wr_reset(&t->cells);
    t->rows = 0;
}

void table_flush(struct table *t)
{
    if (!t->flowing && t->rows) {
        each_cell(t, widen);
        write_header(t);
        t->flowing = true;
    }
    write_held(t);
}

int table_row(struct table *t)
{
    if (t->cells.err)
        return t->cells.err;
    t->rows++;
    if (t->flowing)
        write_held(t);
    else if (t->rows >= t->bound)
        table_flush(t);
    return 0;
}

void table_release(struct table *t)
{
    table_flush(t);
    wr_free(&t->cells);
    free(t->columns);
    t->columns = NULL;
}
