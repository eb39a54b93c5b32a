/* bench_page_steps.c - the page of a load at several rates: how latency grows with the rate, and
 * where what is answered falls behind what is due. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "cli/bench_chart.h"
#include "cli/bench_page.h"
#include "cli/bench_step.h"
#include "cli/html.h"

static double number(const struct json *j, const char *key)
{
    return json_double(json_get(j, key), NAN);
}

static int by_rate(const void *a, const void *b)
{
    double x = ((const struct chart_point *)a)->x, y = ((const struct chart_point *)b)->x;
    return (x > y) - (x < y);
}

/* A search does not go upwards only. */
static struct chart_point *over_rate(const struct json *steps, const char *field)
{
    struct chart_point *v = calloc(json_len(steps) + 1, sizeof *v);
    for (size_t i = 0; v && i < json_len(steps); i++) {
        const struct json *step = json_at(steps, i);
        v[i] = (struct chart_point){number(step, "rate"), number(step, field)};
    }
    if (v)
        qsort(v, json_len(steps), sizeof *v, by_rate);
    return v;
}

static const struct chart_axis due = {"records a second that were due", CHART_LINEAR, CHART_COUNT};

static int answered(FILE *page, const struct json *steps)
{
    size_t n = json_len(steps);
    struct chart_point *achieved = over_rate(steps, "achieved");
    struct chart_point *level = over_rate(steps, "rate");
    const struct chart_line lines[] = {{"answered", NULL, 1, false, false, achieved, n},
                                       {"due", NULL, 4, false, true, level, n}};
    const struct chart c = {
        "Answered by due", due, {"records a second", CHART_LINEAR, CHART_COUNT}, lines, 2};
    bool there = achieved && level;
    fputs("<h2>What was answered</h2>\n", page);
    if (there)
        chart_write(&c, page);
    free(achieved);
    free(level);
    return there ? 0 : -ENOMEM;
}

static int latencies(FILE *page, const struct json *steps)
{
    static const struct {
        int metric, hue; /* of step_metrics */
    } shown[] = {{4, 3}, {3, 4}, {2, 2}, {0, 1}};
    enum { N = sizeof shown / sizeof *shown };
    struct chart_line lines[N];
    bool there = true;
    for (int i = 0; i < N; i++) {
        const struct bench_quantile *q = &step_metrics[shown[i].metric];
        struct chart_point *v = over_rate(steps, q->name);
        there = there && v;
        lines[i] = (struct chart_line){q->title, NULL, shown[i].hue,           false,
                                       false,    v,    v ? json_len(steps) : 0};
    }
    const struct chart c = {"Latency by rate", due, {"latency", CHART_LOG, CHART_TIME}, lines, N};
    fputs("<h2>Latency</h2>\n", page);
    chart_write(&c, page);
    for (int i = 0; i < N; i++)
        free((void *)lines[i].v);
    return there ? 0 : -ENOMEM;
}

static void step_row(FILE *page, const struct json *step, bool search)
{
    char text[HTML_TIME_SIZE];
    bool kept = json_bool(json_get(step, search ? "holds" : "kept"), false);
    fputs("<tr><td>", page);
    html_number(page, number(step, "rate"), 0);
    fputs("</td><td>", page);
    html_number(page, number(step, "achieved"), 0);
    fputs("</td>", page);
    for (int i = 0; i < STEP_METRICS; i++)
        fprintf(page, "<td>%s</td>", html_time(number(step, step_metrics[i].name), text));
    fputs("<td>", page);
    html_number(page, number(step, "failed"), 0);
    fprintf(page, "</td><td class=\"%s\">%s</td><td>", kept ? "good" : "bad", kept ? "yes" : "no");
    html_text(page, json_str(json_get(step, "why")));
    fputs("</td></tr>\n", page);
}

static void table(FILE *page, const struct json *steps)
{
    bool search = json_get(json_at(steps, 0), "holds") != NULL;
    fputs("<div class=\"wide\"><table>\n<tr><th>due</th><th>answered</th>", page);
    for (int i = 0; i < STEP_METRICS; i++)
        fprintf(page, "<th>%s</th>", step_metrics[i].title);
    fprintf(page, "<th>failed</th><th>%s</th><th></th></tr>\n", search ? "holds" : "kept");
    for (size_t i = 0; i < json_len(steps); i++)
        step_row(page, json_at(steps, i), search);
    fputs("</table></div>\n", page);
}

static void warnings(FILE *page, const struct json *steps)
{
    struct json *all = json_new_array();
    for (size_t i = 0; i < json_len(steps); i++) {
        const struct json *step = json_at(steps, i), *own = json_get(step, "warnings");
        for (size_t k = 0; k < json_len(own); k++) {
            struct span s = json_str(json_at(own, k));
            json_push_text(all, "at %.0f records/s: %.*s", number(step, "rate"),
                           (int)(s.n < 400 ? s.n : 400), (const char *)s.p);
        }
    }
    page_warnings(page, all);
    json_free(all);
}

int page_steps(FILE *page, const struct json *report)
{
    const struct json *steps = json_get(report, "steps");
    int rc = answered(page, steps);
    if (!rc)
        rc = latencies(page, steps);
    table(page, steps);
    warnings(page, steps);
    return rc;
}
