#include "cli/figures.h"

#include <stdio.h>

struct json *figures_spread(const struct hdr *h)
{
    static const struct {
        const char *name;
        double p;
    } points[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p999", 99.9}};
    struct json *j = json_new_object();
    json_set_int(j, "count", (int64_t)h->count);
    if (h->count == 0)
        return j;
    json_set_int(j, "min", (int64_t)h->min);
    json_set_real(j, "mean", hdr_mean(h));
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        json_set_int(j, points[i].name, (int64_t)hdr_percentile(h, points[i].p));
    json_set_int(j, "max", (int64_t)h->max);
    return j;
}

static const struct out_column flat_columns[] = {
    {"path", OUT_STR, .data_only = true}, {"figure", OUT_STR}, {"value", OUT_VALUE}};

struct flat {
    struct out *out;
    const char *path;
    const char *prefix; /* "sync_us.", or empty */
};

static int put_figure(void *ctx, const char *key, const struct json *v)
{
    struct flat *f = ctx;
    char name[64];
    snprintf(name, sizeof name, "%s%s", f->prefix, key);
    if (json_type_of(v) == JSON_T_OBJECT) {
        char prefix[sizeof name + 1];
        snprintf(prefix, sizeof prefix, "%s.", name);
        struct flat inner = {f->out, f->path, prefix};
        return json_each(v, put_figure, &inner);
    }
    out_str(f->out, f->path);
    out_str(f->out, name);
    if (json_type_of(v) == JSON_T_INT)
        out_int(f->out, json_int(v, 0));
    else if (json_type_of(v) == JSON_T_REAL)
        out_real(f->out, json_double(v, 0));
    else
        out_span(f->out, json_str(v));
    return out_row(f->out);
}

void figures_put(struct out *out, enum out_format format, struct json *j, const char *path)
{
    if (format == OUT_JSON || format == OUT_JSONL) {
        out_document(out, j);
        return;
    }
    struct flat f = {out, path, ""};
    json_each(j, put_figure, &f);
    json_free(j);
}

struct out *figures_out(const struct cli_common *common)
{
    enum out_format format = (enum out_format)common->format;
    if (format == OUT_JSON || format == OUT_JSONL)
        return out_new(stdout, format, !common->no_header, NULL, 0);
    return out_new(stdout, format, !common->no_header, OUT_COLUMNS(flat_columns));
}
