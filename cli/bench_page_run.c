/* bench_page_run.c - the page of one run. */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_curve.h"
#include "cli/bench_figure.h"
#include "cli/bench_page.h"
#include "cli/bench_setting.h"
#include "cli/html.h"

static double number(const struct json *j, const char *key)
{
    return json_double(json_get(j, key), NAN);
}

static void head(FILE *page, const struct json *report)
{
    const struct json *env = json_get(report, "environment");
    char work[320];
    bench_settings_text(report, work, sizeof work);
    fputs("<header><h1>chronik-bench: ", page);
    html_text(page, json_str(json_get(report, "mode")));
    fputs("</h1>\n<p>", page);
    html_str(page, work);
    fputs("</p>\n<p class=\"sub\">", page);
    html_text(page, json_str(json_get(env, "time")));
    if (json_get(report, "duration_secs")) {
        fputs(", ", page);
        html_number(page, number(report, "duration_secs"), 1);
        fputs(" s", page);
    }
    if (json_str(json_get(env, "bootstrap_server")).p) {
        fputs(", broker ", page);
        html_text(page, json_str(json_get(env, "bootstrap_server")));
    }
    fputs("</p></header>\n", page);
}

static void tile(FILE *page, double v, const char *unit, const char *what)
{
    if (isnan(v))
        return;
    fputs("<div class=\"tile\"><b>", page);
    if (*unit)
        page_value(page, v, unit);
    else
        html_number(page, v, 0);
    fprintf(page, "</b><span>%s</span></div>\n", what);
}

static void tiles(FILE *page, const struct json *report)
{
    fputs("<div class=\"tiles\">\n", page);
    tile(page, number(report, "throughput_msg_per_sec"), "/s", "records");
    tile(page, number(report, "throughput_mb_per_sec"), "MB/s", page_bytes_name(report));
    for (size_t i = 0; i < bench_figures(); i++) {
        struct bench_figure f = bench_figure_at(i);
        if (f.object && f.headline)
            tile(page, bench_figure_of(report, &f), f.unit, f.name);
    }
    tile(page, number(report, "failed_messages"), "", "records failed");
    tile(page, number(report, "lost"), "", "records lost");
    fputs("</div>\n", page);
}

/* ---- latency ---- */

static int timing_row(void *ctx, const char *key, const struct json *v)
{
    FILE *page = ctx;
    char text[HTML_TIME_SIZE];
    size_t n = strlen(key);
    if (json_type_of(v) != JSON_T_OBJECT || n <= 3 || strcmp(key + n - 3, "_us") != 0)
        return 0;
    fputs("<tr><td>", page);
    for (size_t i = 0; i < n - 3; i++)
        fputc(key[i] == '_' ? ' ' : key[i], page);
    fputs("</td>", page);
    for (size_t i = 0; i < BENCH_QUANTILES; i++)
        fprintf(page, "<td>%s</td>", html_time(number(v, bench_quantiles[i].name), text));
    fputs("</tr>\n", page);
    return 0;
}

static void timings(FILE *page, const struct json *report)
{
    fputs("<div class=\"wide\"><table>\n<tr><th></th>", page);
    for (size_t i = 0; i < BENCH_QUANTILES; i++)
        fprintf(page, "<th>%s</th>", bench_quantiles[i].title);
    fputs("</tr>\n", page);
    json_each(report, timing_row, page);
    fputs("</table></div>\n", page);
}

static int latency(FILE *page, const struct json *report)
{
    size_t n;
    struct chart_point *v = curve_of_percentiles(report, &n);
    const struct chart_line line = {"latency", NULL, 1, false, false, v, n};
    const struct chart c = {"Latency by percentile",
                            {"share of requests that were no slower", CHART_TAIL, CHART_PERCENT},
                            {page_latency_name(report), CHART_LOG, CHART_TIME},
                            &line,
                            v ? 1 : 0};
    if (n && !v)
        return -ENOMEM;
    fputs("<h2>Latency by percentile</h2>\n", page);
    chart_write(&c, page);
    timings(page, report);
    free(v);
    return 0;
}

/* ---- second by second ---- */

static bool any_failed(const struct curve_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        if (rows->v[i].failed > 0)
            return true;
    return false;
}

static int rates(FILE *page, const struct json *report, const struct curve_rows *rows)
{
    struct chart_point *rate = curve_over_time(rows, offsetof(struct curve_row, rate));
    struct chart_point *failing = curve_over_time(rows, offsetof(struct curve_row, failing));
    double due = number(report, "rate_limit"), end = curve_end(rows);
    const struct chart_point level[] = {{0, due}, {end, due}};
    struct chart_line lines[3] = {{"answered", NULL, 1, false, false, rate, rows->n}};
    size_t n = 1;
    if (due > 0)
        lines[n++] = (struct chart_line){"due", NULL, 4, false, true, level, 2};
    if (any_failed(rows))
        lines[n++] = (struct chart_line){"failed", NULL, 2, false, false, failing, rows->n};
    const struct chart c = {"Records a second over time",
                            {"since measuring began", CHART_LINEAR, CHART_SECONDS, end},
                            {"records a second", CHART_LINEAR, CHART_COUNT},
                            lines,
                            n};
    bool there = rate && failing;
    if (there)
        chart_write(&c, page);
    free(rate);
    free(failing);
    return there ? 0 : -ENOMEM;
}

static int latencies(FILE *page, const struct json *report, const struct curve_rows *rows)
{
    struct chart_point *max = curve_over_time(rows, offsetof(struct curve_row, max));
    struct chart_point *p99 = curve_over_time(rows, offsetof(struct curve_row, p99));
    struct chart_point *p50 = curve_over_time(rows, offsetof(struct curve_row, p50));
    const struct chart_line lines[] = {{"max", NULL, 3, false, false, max, rows->n},
                                       {"p99", NULL, 2, false, false, p99, rows->n},
                                       {"p50", NULL, 1, false, false, p50, rows->n}};
    const struct chart c = {"Latency over time",
                            {"since measuring began", CHART_LINEAR, CHART_SECONDS, curve_end(rows)},
                            {page_series_latency_name(report), CHART_LOG, CHART_TIME},
                            lines,
                            3};
    bool there = max && p99 && p50;
    if (there)
        chart_write(&c, page);
    free(max);
    free(p99);
    free(p50);
    return there ? 0 : -ENOMEM;
}

static void rows_table(FILE *page, const struct curve_rows *rows)
{
    char text[HTML_TIME_SIZE];
    fputs("<details><summary>The same as numbers</summary><div class=\"wide\"><table>\n"
          "<tr><th>from</th><th>requests</th><th>records</th><th>records/s</th><th>failed</th>"
          "<th>p50</th><th>p99</th><th>max</th><th>bench CPU</th></tr>\n",
          page);
    for (size_t i = 0; i < rows->n; i++) {
        const struct curve_row *r = &rows->v[i];
        const double counts[] = {r->requests, r->records, r->rate, r->failed};
        const double times[] = {r->p50, r->p99, r->max};
        fprintf(page, "<tr><td>%.1f s</td>", r->at);
        for (size_t k = 0; k < 4; k++) {
            fputs("<td>", page);
            html_number(page, counts[k], 0);
            fputs("</td>", page);
        }
        for (size_t k = 0; k < 3; k++)
            fprintf(page, "<td>%s</td>", html_time(times[k], text));
        fprintf(page, "<td>%.0f %%</td></tr>\n", r->cpu);
    }
    fputs("</table></div></details>\n", page);
}

static int over_time(FILE *page, const struct json *report)
{
    struct curve_rows rows;
    int rc = curve_rows_read(&rows, report);
    if (!rc && rows.n) {
        fputs("<h2>Second by second</h2>\n", page);
        if (strcmp(page_series_latency_name(report), page_latency_name(report)) != 0)
            fputs("<p class=\"sub\">These are the acknowledgements, not the records that were read."
                  "</p>\n",
                  page);
        if (rows.each > 1)
            fprintf(page,
                    "<p class=\"sub\">A point stands for %zu seconds: the mean of their rates, the "
                    "worst of their latencies.</p>\n",
                    rows.each);
        rc = rates(page, report, &rows);
        if (!rc)
            rc = latencies(page, report, &rows);
        rows_table(page, &rows);
    }
    curve_rows_release(&rows);
    return rc;
}

static int one_load(FILE *page, const struct json *report)
{
    tiles(page, report);
    int rc = latency(page, report);
    return rc ? rc : over_time(page, report);
}

int bench_page_run(const char *path, const struct json *report, struct err *e)
{
    FILE *page = html_open(path, "chronik-bench", e);
    if (!page)
        return e->code;
    head(page, report);
    page_warnings(page, json_get(report, "warnings"));
    int rc = json_get(report, "steps") ? page_steps(page, report) : one_load(page, report);
    fputs("<h2>Particulars</h2>\n<div class=\"two\">\n", page);
    page_settings(page, report);
    page_others(page, report);
    page_environment(page, "Where it was measured", report);
    fputs("</div>\n", page);
    int closed = html_close(page, path, e);
    return rc ? err_code(e, rc, "%s", path) : closed;
}
