/* bench_page_compare.c - the page of a comparison: A is blue and B is orange throughout. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "cli/bench_curve.h"
#include "cli/bench_page.h"
#include "cli/html.h"

enum { HUE_A = 1, HUE_B = 2, STRIP = 160, LINES_MAX = 40 };

static double number(const struct json *j, const char *key)
{
    return json_double(json_get(j, key), NAN);
}

static void text(FILE *page, const struct json *j, const char *key)
{
    html_text(page, json_str(json_get(j, key)));
}

static void side(FILE *page, const struct json *document, const char *key, int hue,
                 const char *name)
{
    const struct json *j = json_get(document, key);
    fprintf(page, "<tr><th class=\"h%d\"><b>%s</b></th><td>", hue, name);
    text(page, j, "file");
    fprintf(page, ", %" PRId64 " result%s</td></tr>\n", json_int(json_get(j, "results"), 0),
            json_int(json_get(j, "results"), 0) == 1 ? "" : "s");
}

/* ---- figures ---- */

static void bar(FILE *page, const struct json *row, char which, double top, int y, int hue)
{
    char keys[3][16];
    double at[3];
    static const char *const parts[] = {"min", "median", "max"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(keys[i], sizeof keys[i], "%c_%s", which, parts[i]);
        at[i] = 2 + number(row, keys[i]) / top * (STRIP - 4);
    }
    if (!isfinite(at[0]) || !isfinite(at[2]))
        return;
    fprintf(page, "<path class=\"l h%d\" d=\"M%.1f %dH%.1f\"/>", hue, at[0], y,
            fmax(at[2], at[0] + 1));
    fprintf(page, "<path class=\"l m h%d\" style=\"opacity:1\" d=\"M%.1f %dv8\"/>", hue, at[1],
            y - 4);
}

/* Both ranges, and the medians in them, from 0. */
static void strip(FILE *page, const struct json *row)
{
    double top = fmax(number(row, "a_max"), number(row, "b_max"));
    if (!(top > 0))
        return;
    fprintf(page, "<svg class=\"strip\" viewBox=\"0 0 %d 26\" role=\"img\" aria-label=\"ranges\">",
            STRIP);
    fprintf(page, "<path class=\"g\" d=\"M0 13H%d\"/>", STRIP);
    bar(page, row, 'a', top, 7, HUE_A);
    bar(page, row, 'b', top, 19, HUE_B);
    fputs("</svg>", page);
}

static void spread(FILE *page, const struct json *row, const char *median, const char *min,
                   const char *max, const char *unit)
{
    fputs("<td><b>", page);
    page_value(page, number(row, median), unit);
    fputs("</b><small>", page);
    page_value(page, number(row, min), unit);
    fputs(" \xe2\x80\x93 ", page);
    page_value(page, number(row, max), unit);
    fputs("</small></td>", page);
}

static void verdict(FILE *page, const struct json *row)
{
    static const struct {
        const char *name, *class, *words;
    } all[] = {{"better", "good", "better"},
               {"worse", "bad", "worse"},
               {"overlap", "none", "overlap: no claim"},
               {"single", "none", "one run: no claim"}};
    struct span name = json_str(json_get(row, "verdict"));
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (span_eq(name, span_str(all[i].name)))
            fprintf(page, "<td class=\"%s\">%s</td>", all[i].class, all[i].words);
    if (!name.p)
        fputs("<td class=\"none\">not told</td>", page);
}

static void figure_row(FILE *page, const struct json *row)
{
    char unit[16];
    struct span s = json_str(json_get(row, "unit"));
    double change = number(row, "change_pct");
    snprintf(unit, sizeof unit, "%.*s", (int)s.n, (const char *)s.p);
    fputs("<tr><td>", page);
    text(page, row, "figure");
    fputs("</td>", page);
    spread(page, row, "a_median", "a_min", "a_max", unit);
    spread(page, row, "b_median", "b_min", "b_max", unit);
    fputs("<td>", page);
    html_number(page, number(row, "ratio"), 3);
    if (isfinite(change))
        fprintf(page, "</td><td>%+.1f %%</td><td>", change);
    else
        fputs("</td><td>-</td><td>", page);
    strip(page, row);
    fputs("</td>", page);
    verdict(page, row);
    fputs("</tr>\n", page);
}

static void figures(FILE *page, const struct json *pair)
{
    const struct json *all = json_get(pair, "figures");
    fprintf(page,
            "<div class=\"wide\"><table>\n<tr><th></th><th class=\"h%d\">A: median, range</th>"
            "<th class=\"h%d\">B: median, range</th><th>B / A</th><th>change</th>"
            "<th>ranges, from 0</th><th></th></tr>\n",
            HUE_A, HUE_B);
    for (size_t i = 0; i < json_len(all); i++)
        figure_row(page, json_at(all, i));
    fputs("</table></div>\n", page);
}

static void conditions(FILE *page, const struct json *document)
{
    const struct json *all = json_get(document, "conditions");
    if (!json_len(all))
        return;
    fputs("<h2>Conditions that are not to be met</h2>\n<table>\n<tr><th></th><th>work</th>"
          "<th>A</th><th>B</th><th></th></tr>\n",
          page);
    for (size_t i = 0; i < json_len(all); i++) {
        const struct json *row = json_at(all, i);
        char unit[16];
        struct span s = json_str(json_get(row, "unit"));
        bool met = json_bool(json_get(row, "met"), true);
        snprintf(unit, sizeof unit, "%.*s", (int)s.n, (const char *)s.p);
        fputs("<tr><td><code>", page);
        text(page, row, "condition");
        fprintf(page, "</code></td><td>%" PRId64 "</td><td>",
                json_int(json_get(row, "pair"), 0) + 1);
        page_value(page, number(row, "a_median"), unit);
        fputs("</td><td>", page);
        page_value(page, number(row, "b_median"), unit);
        fprintf(page, "</td><td class=\"%s\">%s</td></tr>\n", met ? "bad" : "good",
                met ? "met" : "not met");
    }
    fputs("</table>\n", page);
}

/* ---- charts: a line a run ---- */

struct lines {
    struct chart_line v[LINES_MAX];
    char names[LINES_MAX][32];
    size_t n;
    double end; /* seconds */
};

/* Takes points over. */
static void add_line(struct lines *l, struct chart_point *points, size_t n, bool is_a, size_t run)
{
    char *name = l->names[l->n];
    snprintf(name, sizeof l->names[0], "%s, run %zu", is_a ? "A" : "B", run + 1);
    l->v[l->n++] = (struct chart_line){.label = run    ? NULL
                                                : is_a ? "A"
                                                       : "B",
                                       .name = name,
                                       .hue = is_a ? HUE_A : HUE_B,
                                       .thin = true,
                                       .v = points,
                                       .n = points ? n : 0};
}

static int add_series(struct lines *l, const struct json *report, size_t column, bool is_a,
                      size_t run)
{
    struct curve_rows rows;
    int rc = curve_rows_read(&rows, report);
    if (!rc) {
        struct chart_point *points = curve_over_time(&rows, column);
        rc = rows.n && !points ? -ENOMEM : 0;
        l->end = fmax(l->end, curve_end(&rows));
        add_line(l, points, rows.n, is_a, run);
    }
    curve_rows_release(&rows);
    return rc;
}

static int add_curve(struct lines *l, const struct json *report, bool is_a, size_t run)
{
    size_t n;
    struct chart_point *points = curve_of_percentiles(report, &n);
    add_line(l, points, n, is_a, run);
    return n && !points ? -ENOMEM : 0;
}

enum { OF_PERCENTILES = -1 };

/* A column of curve_row, or OF_PERCENTILES. */
static int gather(struct lines *l, const struct bench_pair *p, ptrdiff_t column)
{
    int rc = 0;
    *l = (struct lines){0};
    for (size_t i = 0; !rc && i < p->a.n + p->b.n; i++) {
        bool is_a = i < p->a.n;
        size_t run = is_a ? i : i - p->a.n;
        const struct json *report = is_a ? p->a.v[run] : p->b.v[run];
        if (run >= LINES_MAX / 2)
            continue;
        rc = column == OF_PERCENTILES ? add_curve(l, report, is_a, run)
                                      : add_series(l, report, (size_t)column, is_a, run);
    }
    return rc;
}

static int draw(FILE *page, const struct bench_pair *p, ptrdiff_t column, const char *title,
                struct chart_axis x, struct chart_axis y)
{
    struct lines *l = calloc(1, sizeof *l);
    int rc = l ? gather(l, p, column) : -ENOMEM;
    if (!rc) {
        x.max = l->end;
        const struct chart c = {title, x, y, l->v, l->n};
        fprintf(page, "<h3>%s</h3>\n", title);
        chart_write(&c, page);
    }
    for (size_t i = 0; l && i < l->n; i++)
        free((void *)l->v[i].v);
    free(l);
    return rc;
}

static int charts(FILE *page, const struct bench_pair *p)
{
    const struct chart_axis time = {"since measuring began", CHART_LINEAR, CHART_SECONDS};
    const struct json *report = p->a.v[0];
    const struct chart_axis whole = {page_latency_name(report), CHART_LOG, CHART_TIME};
    const struct chart_axis acked = {page_series_latency_name(report), CHART_LOG, CHART_TIME};
    if (p->a.n > LINES_MAX / 2 || p->b.n > LINES_MAX / 2)
        fprintf(page, "<p class=\"sub\">The first %d runs of a side are shown.</p>\n",
                LINES_MAX / 2);
    int rc = draw(
        page, p, OF_PERCENTILES, "Latency by percentile",
        (struct chart_axis){"share of requests that were no slower", CHART_TAIL, CHART_PERCENT},
        whole);
    if (!rc)
        rc = draw(page, p, offsetof(struct curve_row, rate), "Records a second over time", time,
                  (struct chart_axis){"records a second", CHART_LINEAR, CHART_COUNT});
    if (!rc)
        rc = draw(page, p, offsetof(struct curve_row, p99), "p99 over time", time, acked);
    return rc;
}

static int pair(FILE *page, const struct json *document, const struct bench_pairs *pairs, size_t i)
{
    const struct json *j = json_at(json_get(document, "pairs"), i);
    const struct bench_pair *p = &pairs->v[i];
    fputs("<h2>", page);
    if (pairs->n > 1)
        fprintf(page, "%zu. ", i + 1);
    text(page, j, "title");
    fprintf(page, "</h2>\n<p class=\"sub\">%zu runs of A, %zu runs of B</p>\n", p->a.n, p->b.n);
    page_warnings(page, json_get(j, "notes"));
    figures(page, j);
    int rc = charts(page, p);
    fputs("<div class=\"two\">\n", page);
    page_environment(page, "A: where the first run was measured", p->a.v[0]);
    page_environment(page, "B: where the first run was measured", p->b.v[0]);
    fputs("</div>\n", page);
    return rc;
}

int bench_page_comparison(const char *path, const struct json *document,
                          const struct bench_pairs *pairs, struct err *e)
{
    FILE *page = html_open(path, "chronik-bench compare", e);
    int rc = 0;
    if (!page)
        return e->code;
    fputs("<header><h1>chronik-bench: B against A</h1></header>\n<table class=\"t\">\n", page);
    side(page, document, "a", HUE_A, "A");
    side(page, document, "b", HUE_B, "B");
    fputs("</table>\n", page);
    conditions(page, document);
    for (size_t i = 0; !rc && i < pairs->n; i++)
        rc = pair(page, document, pairs, i);
    int closed = html_close(page, path, e);
    return rc ? err_code(e, rc, "%s", path) : closed;
}
