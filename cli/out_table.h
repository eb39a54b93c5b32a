/* out_table.h - aligned text: cells are held until the widths are known, then leave row by row. */
#ifndef CLI_OUT_TABLE_H
#define CLI_OUT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/wr.h"
#include "cli/out.h"

struct table {
    FILE *f;
    bool header;
    bool flowing; /* the widths stand: rows leave at once */
    struct table_column {
        const char *name;
        bool right;
        size_t width;
    } * columns;     /* those shown */
    size_t n, rows;  /* columns; rows held */
    size_t bound;    /* of rows held */
    struct wr cells; /* the held cells, each ended by a NUL */
};

/* 0 or -ENOMEM. */
int table_init(struct table *t, FILE *f, bool header, const struct out_column *columns, size_t n);
/* The next cell of the row, escaped so that it stays on its line and does nothing to a terminal. */
void table_cell(struct table *t, struct span s);
int table_row(struct table *t);
/* Write what is held; from now on rows leave at once. */
void table_flush(struct table *t);
void table_release(struct table *t);

/* The header for a field: "leader_epoch" gives "LEADER-EPOCH". */
void table_label(const char *name, char *out, size_t size);

#endif
