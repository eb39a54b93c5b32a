/* bench_page_parts.c - what the pages of a run and of a comparison have in common. */
#include <math.h>
#include <string.h>

#include "cli/bench_figure.h"
#include "cli/bench_page.h"
#include "cli/bench_setting.h"
#include "cli/html.h"

void page_warnings(FILE *page, const struct json *sentences)
{
    if (!json_len(sentences))
        return;
    fputs("<div class=\"warn\" role=\"note\"><ul>\n", page);
    for (size_t i = 0; i < json_len(sentences); i++) {
        fputs("<li>", page);
        html_text(page, json_str(json_at(sentences, i)));
        fputs("</li>\n", page);
    }
    fputs("</ul></div>\n", page);
}

/* "memory_bytes" gives "memory bytes". */
static void words(FILE *page, const char *key)
{
    for (; *key; key++) {
        char c = *key == '_' ? ' ' : *key;
        html_text(page, span_of(&c, 1));
    }
}

static void scalar(FILE *page, const struct json *v)
{
    char text[80];
    if (json_type_of(v) == JSON_T_STR)
        html_text(page, json_str(v));
    else
        html_str(page, bench_value_text(v, text, sizeof text));
}

static void begin(FILE *page, const char *title)
{
    fprintf(page, "<section><h3>%s</h3>\n<table class=\"t\">\n", title);
}

static void end(FILE *page)
{
    fputs("</table></section>\n", page);
}

static int put_pair(void *ctx, const char *key, const struct json *v)
{
    FILE *page = ctx;
    if (json_type_of(v) >= JSON_T_ARRAY || json_type_of(v) == JSON_T_NULL)
        return 0;
    fputs("<tr><th>", page);
    words(page, key);
    fputs("</th><td>", page);
    scalar(page, v);
    fputs("</td></tr>\n", page);
    return 0;
}

void page_settings(FILE *page, const struct json *report)
{
    begin(page, "What was asked for");
    for (size_t i = 0; i < n_bench_settings; i++) {
        const struct json *v = json_get(report, bench_settings[i].field);
        if (json_type_of(v) == JSON_T_NULL)
            continue;
        fprintf(page, "<tr><th>%s</th><td>", bench_settings[i].title);
        scalar(page, v);
        fputs("</td></tr>\n", page);
    }
    end(page);
}

void page_environment(FILE *page, const char *title, const struct json *report)
{
    begin(page, title);
    json_each(json_get(report, "environment"), put_pair, page);
    end(page);
}

static bool is_setting(const char *key)
{
    for (size_t i = 0; i < n_bench_settings; i++)
        if (!strcmp(bench_settings[i].field, key))
            return true;
    return false;
}

static int put_other(void *ctx, const char *key, const struct json *v)
{
    return is_setting(key) ? 0 : put_pair(ctx, key, v);
}

void page_others(FILE *page, const struct json *report)
{
    begin(page, "What came of it");
    json_each(report, put_other, page);
    end(page);
}

static bool is_mode(const struct json *report, const char *mode)
{
    return span_eq(json_str(json_get(report, "mode")), span_str(mode));
}

const char *page_latency_name(const struct json *report)
{
    return is_mode(report, "round-trip") ? "latency from end to end" : "latency";
}

const char *page_series_latency_name(const struct json *report)
{
    return is_mode(report, "round-trip") ? "latency of acknowledgements" : "latency";
}

const char *page_bytes_name(const struct json *report)
{
    return is_mode(report, "consume")    ? "of batches as stored"
           : is_mode(report, "metadata") ? "of answers"
           : is_mode(report, "disk")     ? "written"
                                         : "of values";
}

void page_value(FILE *page, double v, const char *unit)
{
    char text[HTML_TIME_SIZE];
    if (!strcmp(unit, "us")) {
        fputs(html_time(v, text), page);
        return;
    }
    bool whole = fabs(v - round(v)) < 1e-9;
    html_number(page, v, whole || fabs(v) >= 1000 ? 0 : fabs(v) >= 10 ? 1 : 3);
    fprintf(page, "%s%s", *unit == '/' ? "" : " ", unit);
}
