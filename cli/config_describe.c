/* config_describe.c - settings, a row each: what holds, and where that comes from. */
#include <errno.h>
#include <stdlib.h>

#include "cli/config.h"
#include "cli/session.h"
#include "client/error.h"

enum { COLUMNS_MAX = 9 };

/* Keys first: that is what -o names prints. The last two only if they are asked for. */
static const struct out_column key = {"key", OUT_STR}, value = {"value", OUT_STR},
                               source = {"source", OUT_STR}, value_type = {"value_type", OUT_STR},
                               read_only = {"read_only", OUT_BOOL}, type = {"type", OUT_STR},
                               name = {"name", OUT_STR}, synonyms = {"synonyms", OUT_VALUE},
                               documentation = {"documentation", OUT_STR};

/* What the protocol's numbers are called. */
static const char *const sources[] = {
    [CLIENT_SOURCE_TOPIC] = "topic",
    [CLIENT_SOURCE_BROKER] = "broker",
    [CLIENT_SOURCE_ALL_BROKERS] = "all-brokers",
    [CLIENT_SOURCE_STATIC] = "static",
    [CLIENT_SOURCE_DEFAULT] = "default",
};
static const char *const value_types[] = {NULL,   "boolean", "string", "int",   "short",
                                          "long", "double",  "list",   "class", "password"};

#define NAME_IN(list, i) \
    ((i) >= 0 && (size_t)(i) < sizeof(list) / sizeof *(list) ? (list)[i] : NULL)

struct describe {
    const struct config_options *o;
    struct client_cluster cluster;
    struct out_column columns[COLUMNS_MAX];
    size_t n_columns;
    struct out *out;
    struct cli_tally tally;
};

static struct span text(struct kp_str s)
{
    return span_of(s.p, s.n > 0 ? (size_t)s.n : 0);
}

/* An array of objects. */
static struct json *synonyms_json(const struct kp_describe_configs_resp_results_configs *c)
{
    struct json *all = json_new_array();
    for (int32_t i = 0; i < c->n_synonyms; i++) {
        struct json *one = json_new_object();
        json_set_span(one, "name", text(c->synonyms[i].name));
        json_set_span(one, "value", text(c->synonyms[i].value));
        json_set_str(one, "source", NAME_IN(sources, c->synonyms[i].source));
        json_push(all, one);
    }
    return all;
}

/* "source:name=value" each: what a table or csv can show. */
static struct json *synonyms_short(const struct kp_describe_configs_resp_results_configs *c)
{
    struct json *all = json_new_array();
    for (int32_t i = 0; i < c->n_synonyms; i++) {
        char line[512];
        const char *from = NAME_IN(sources, c->synonyms[i].source);
        struct span v = text(c->synonyms[i].value), n = text(c->synonyms[i].name);
        snprintf(line, sizeof line, "%s:%.*s=%.*s", from ? from : "unknown", (int)n.n,
                 (const char *)n.p, (int)v.n, v.n ? (const char *)v.p : "");
        json_push(all, json_new_str(span_str(line)));
    }
    return all;
}

static bool is_nested(const struct describe *d)
{
    return d->o->common.format == OUT_JSON || d->o->common.format == OUT_JSONL;
}

/* Is it set on the resource itself, under that name? (Its source may speak of another one, which
 * says the same in another unit.) */
static bool is_own(const struct describe *d,
                   const struct kp_describe_configs_resp_results_configs *c)
{
    static const int8_t own[] = {[CONFIG_TOPIC] = CLIENT_SOURCE_TOPIC,
                                 [CONFIG_BROKER] = CLIENT_SOURCE_BROKER,
                                 [CONFIG_ALL_BROKERS] = CLIENT_SOURCE_ALL_BROKERS};
    for (int32_t i = 0; i < c->n_synonyms; i++) {
        if (kp_str_eq(c->synonyms[i].name, c->name) && c->synonyms[i].source == own[d->o->kind])
            return true;
    }
    return c->n_synonyms == 0 && c->config_source == own[d->o->kind];
}

static void put_config(struct describe *d, struct kp_str resource,
                       const struct kp_describe_configs_resp_results_configs *c)
{
    if (d->o->own && !is_own(d, c))
        return;
    out_span(d->out, text(c->name));
    if (c->value.n < 0)
        out_null(d->out);
    else
        out_span(d->out, c->value.n ? text(c->value) : span_of("", 0));
    out_str(d->out, NAME_IN(sources, c->config_source));
    out_str(d->out, NAME_IN(value_types, c->config_type));
    out_bool(d->out, c->read_only);
    out_str(d->out, config_kind_name(d->o->kind));
    if (resource.n > 0)
        out_span(d->out, text(resource));
    else
        out_null(d->out);
    if (d->o->synonyms)
        out_value(d->out, is_nested(d) ? synonyms_json(c) : synonyms_short(c));
    if (d->o->documentation)
        out_span(d->out, text(c->documentation));
    out_row(d->out);
}

static int by_key(const void *x, const void *y)
{
    const struct kp_describe_configs_resp_results_configs *a = x, *b = y;
    int32_t n = a->name.n < b->name.n ? a->name.n : b->name.n;
    int c = n > 0 ? memcmp(a->name.p, b->name.p, (size_t)n) : 0;
    return c ? c : (a->name.n > b->name.n) - (a->name.n < b->name.n);
}

static void put_result(struct describe *d, const struct kp_describe_configs_resp_results *r)
{
    if (r->error_code) {
        char why[256], resource[NAME_LENGTH_MAX + 1];
        snprintf(resource, sizeof resource, "%.*s", (int)text(r->resource_name).n,
                 r->resource_name.n > 0 ? r->resource_name.p : "");
        struct client_config_resource of = config_resource(d->o, resource);
        client_error_text(r->error_code, r->error_message, why, sizeof why);
        cli_tally_add(&d->tally, config_refused(&of, r->error_code, why));
        return;
    }
    cli_tally_add(&d->tally, CLI_OK);
    if (r->n_configs > 1)
        qsort(r->configs, (size_t)r->n_configs, sizeof *r->configs, by_key);
    for (int32_t i = 0; i < r->n_configs; i++)
        put_config(d, r->resource_name, &r->configs[i]);
}

/* By one request. */
static int describe_some(struct describe *d, char **names, size_t n)
{
    struct arena a;
    struct err e;
    const struct kp_describe_configs_resp *answer;
    arena_init(&a, 0);
    struct client_config_resource *r = arena_array(&a, n, sizeof *r);
    int rc = r ? 0 : err_code(&e, -ENOMEM, "settings");
    for (size_t i = 0; i < n && !rc; i++)
        r[i] = config_resource(d->o, names[i]);
    if (!rc)
        rc =
            client_describe_configs(&d->cluster, r, n, d->o->keys.v, d->o->keys.n, &a, &answer, &e);
    if (rc)
        cli_tally_add(&d->tally, cli_fail(&e));
    for (int32_t i = 0; !rc && i < answer->n_results; i++)
        put_result(d, &answer->results[i]);
    arena_free(&a);
    return rc;
}

static void choose_columns(struct describe *d)
{
    const struct out_column always[] = {key, value, source, value_type, read_only, type, name};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        d->columns[d->n_columns++] = always[i];
    if (d->o->synonyms)
        d->columns[d->n_columns++] = synonyms;
    if (d->o->documentation)
        d->columns[d->n_columns++] = documentation;
}

static int describe_all(struct describe *d, const struct names *names)
{
    int rc = 0;
    cli_session(&d->cluster, &d->o->common, -1);
    choose_columns(d);
    d->out = out_new(stdout, (enum out_format)d->o->common.format, !d->o->common.no_header,
                     d->columns, d->n_columns);
    for (size_t i = 0, n; i < names->n && (!rc || rc == ERR_NOTFOUND); i += n) {
        n = config_chunk(d->o, names->n - i);
        rc = describe_some(d, names->v + i, n);
    }
    out_free(d->out);
    client_cluster_release(&d->cluster);
    return (int)cli_tally_exit(&d->tally);
}

int config_describe(void *values, const struct opt_args *args)
{
    struct describe d = {.o = values};
    struct names names;
    int status = config_names(&names, d.o, args);
    if (!status)
        status = describe_all(&d, &names);
    names_release(&names);
    return status;
}
