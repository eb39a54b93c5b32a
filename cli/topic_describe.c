/* topic_describe.c - topics with their partitions and the settings they do not take from the
 * broker. json and jsonl nest the partitions in their topic; text shows topics and partitions in
 * two tables; csv has a row for each partition. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/session.h"
#include "cli/topic.h"
#include "client/configs.h"
#include "client/error.h"
#include "kp/error.h"

static const struct out_column topic_columns[] = {
    {"name", OUT_STR},       {"id", OUT_STR},
    {"partitions", OUT_INT}, {"replication_factor", OUT_INT},
    {"internal", OUT_BOOL},  {"configs", OUT_STR},
};
static const struct out_column name_column[] = {{"name", OUT_STR}};
static const struct out_column partition_columns[] = {
    {"topic", OUT_STR},
    {"partition", OUT_INT},
    {"leader", OUT_INT},
    {"leader_epoch", OUT_INT},
    {"replicas", OUT_VALUE},
    {"isr", OUT_VALUE},
    {"offline_replicas", OUT_VALUE},
};

/* Some topics and what is known of them. */
struct described {
    const struct kp_metadata_resp_topics *topics; /* those that exist, n */
    size_t n;
    const struct kp_describe_configs_resp *configs; /* NULL: the broker does not tell */
};

static int by_partition(const void *x, const void *y)
{
    const struct kp_metadata_resp_topics_partitions *a = x, *b = y;
    return (a->partition_index > b->partition_index) - (a->partition_index < b->partition_index);
}

static const struct kp_describe_configs_resp_results *configs_of(const struct described *d,
                                                                 struct kp_str name)
{
    for (int32_t i = 0; d->configs && i < d->configs->n_results; i++)
        if (kp_str_eq(d->configs->results[i].resource_name, name))
            return &d->configs->results[i];
    return NULL;
}

/* The topic's own settings as an object, or as "key=value,key=value"; null and "?" if the broker
 * refuses to tell them. */
static struct json *configs_json(const struct kp_describe_configs_resp_results *c)
{
    if (c && c->error_code)
        return json_new_null();
    struct json *o = json_new_object();
    for (int32_t i = 0; c && i < c->n_configs; i++) {
        if (c->configs[i].config_source != CLIENT_SOURCE_TOPIC)
            continue;
        char name[256];
        snprintf(name, sizeof name, "%.*s", c->configs[i].name.n, c->configs[i].name.p);
        struct kp_str v = c->configs[i].value;
        json_set_span(o, name, span_of(v.p, v.n > 0 ? (size_t)v.n : 0));
    }
    return o;
}

static void put_configs(struct out *out, const struct kp_describe_configs_resp_results *c)
{
    char *text = NULL;
    size_t size = 0;
    if (c && c->error_code) {
        out_str(out, "?");
        return;
    }
    FILE *f = open_memstream(&text, &size);
    for (int32_t i = 0; f && c && i < c->n_configs; i++)
        if (c->configs[i].config_source == CLIENT_SOURCE_TOPIC)
            fprintf(f, "%s%.*s=%.*s", ftell(f) ? "," : "", c->configs[i].name.n,
                    c->configs[i].name.p, c->configs[i].value.n > 0 ? c->configs[i].value.n : 0,
                    c->configs[i].value.p);
    if (f)
        fclose(f);
    out_str(out, size ? text : NULL);
    free(text);
}

static struct json *partition_json(const struct kp_metadata_resp_topics_partitions *p)
{
    struct json *o = json_new_object();
    json_set_int(o, "partition", p->partition_index);
    json_set_int(o, "leader", p->leader_id);
    json_set_int(o, "leader_epoch", p->leader_epoch);
    json_set(o, "replicas", topic_json_ints(p->replica_nodes, p->n_replica_nodes));
    json_set(o, "isr", topic_json_ints(p->isr_nodes, p->n_isr_nodes));
    json_set(o, "offline_replicas", topic_json_ints(p->offline_replicas, p->n_offline_replicas));
    return o;
}

static struct json *topic_json(const struct described *d, const struct kp_metadata_resp_topics *t)
{
    struct json *o = json_new_object(), *partitions = json_new_array();
    char id[UUID_TEXT];
    uuid_text(&t->topic_id, id);
    for (int32_t i = 0; i < t->n_partitions; i++)
        json_push(partitions, partition_json(&t->partitions[i]));
    json_set_span(o, "name", span_of(t->name.p, (size_t)t->name.n));
    json_set_str(o, "id", uuid_is_zero(&t->topic_id) ? NULL : id);
    json_set_bool(o, "internal", t->is_internal);
    json_set(o, "partitions", partitions);
    json_set(o, "configs", configs_json(configs_of(d, t->name)));
    return o;
}

static void put_partitions(struct out *out, const struct kp_metadata_resp_topics *t)
{
    for (int32_t i = 0; i < t->n_partitions; i++) {
        const struct kp_metadata_resp_topics_partitions *p = &t->partitions[i];
        out_span(out, span_of(t->name.p, (size_t)t->name.n));
        out_int(out, p->partition_index);
        out_int(out, p->leader_id);
        out_int(out, p->leader_epoch);
        out_value(out, topic_json_ints(p->replica_nodes, p->n_replica_nodes));
        out_value(out, topic_json_ints(p->isr_nodes, p->n_isr_nodes));
        out_value(out, topic_json_ints(p->offline_replicas, p->n_offline_replicas));
        out_row(out);
    }
}

static void put_summary(struct out *out, const struct described *d,
                        const struct kp_metadata_resp_topics *t)
{
    out_span(out, span_of(t->name.p, (size_t)t->name.n));
    topic_out_id(out, &t->topic_id);
    out_int(out, t->n_partitions);
    out_int(out, t->n_partitions > 0 ? t->partitions[0].n_replica_nodes : 0);
    out_bool(out, t->is_internal);
    put_configs(out, configs_of(d, t->name));
    out_row(out);
}

static void put_name(struct out *out, const struct kp_metadata_resp_topics *t)
{
    out_span(out, span_of(t->name.p, (size_t)t->name.n));
    out_row(out);
}

/* Several requests may be needed for many names: outputs stay open over all of them. */
struct describe {
    const struct topic_options *o;
    struct client_cluster cluster;
    struct out *first;  /* topics, documents or names */
    struct out *second; /* partitions: text and csv */
    FILE *held;         /* text: where the second table gathers, to come behind the first */
    char *held_text;
    size_t held_size;
    struct cli_tally tally;
};

static void open_outputs(struct describe *d)
{
    bool header = !d->o->common.no_header;
    switch (d->o->common.format) {
    case OUT_TEXT:
        d->first = topic_out(d->o, OUT_COLUMNS(topic_columns));
        d->held = open_memstream(&d->held_text, &d->held_size);
        if (d->held)
            d->second = out_new(d->held, OUT_TEXT, header, OUT_COLUMNS(partition_columns));
        break;
    case OUT_CSV:
        d->second = topic_out(d->o, OUT_COLUMNS(partition_columns));
        break;
    case OUT_NAMES:
        d->first = topic_out(d->o, OUT_COLUMNS(name_column));
        break;
    default:
        d->first = topic_out(d->o, NULL, 0);
    }
}

static void close_outputs(struct describe *d)
{
    if (d->first)
        out_free(d->first);
    if (d->second)
        out_free(d->second);
    if (!d->held)
        return;
    fclose(d->held);
    printf("%s%s", d->held_size ? "\n" : "", d->held_text);
    free(d->held_text);
}

static void put(struct describe *d, const struct described *v)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct kp_metadata_resp_topics *t = &v->topics[i];
        qsort(t->partitions, (size_t)(t->n_partitions > 0 ? t->n_partitions : 0),
              sizeof *t->partitions, by_partition);
        if (d->o->common.format == OUT_TEXT)
            put_summary(d->first, v, t);
        else if (d->o->common.format == OUT_NAMES)
            put_name(d->first, t);
        else if (d->first)
            out_document(d->first, topic_json(v, t));
        if (d->second)
            put_partitions(d->second, t);
    }
}

/* Move the topics that exist to the front, complaining about the others. */
static size_t keep_existing(struct describe *d, const struct kp_metadata_resp *md)
{
    size_t kept = 0;
    for (int32_t i = 0; i < md->n_topics; i++) {
        struct kp_metadata_resp_topics *t = &md->topics[i];
        if (t->error_code && t->error_code != KP_ERR_LEADER_NOT_AVAILABLE) {
            char name[NAME_LENGTH_MAX + 1], text[256];
            snprintf(name, sizeof name, "%.*s", t->name.n > 0 ? t->name.n : 0, t->name.p);
            client_error_text(t->error_code, kp_str(NULL), text, sizeof text);
            cli_tally_add(&d->tally, topic_refused(name, t->error_code, text));
            continue;
        }
        md->topics[kept++] = *t;
    }
    return kept;
}

/* Settings are worth having, but a broker that has none to tell is no failure. */
static int ask_configs(struct describe *d, struct described *v, struct arena *a, struct err *e)
{
    struct client_config_resource *r = arena_array(a, v->n + 1, sizeof *r);
    if (!r)
        return err_code(e, -ENOMEM, "topics");
    for (size_t i = 0; i < v->n; i++) {
        r[i].type = CLIENT_RESOURCE_TOPIC;
        r[i].name = arena_strn(a, v->topics[i].name.p, (size_t)v->topics[i].name.n);
        if (!r[i].name)
            return err_code(e, -ENOMEM, "topics");
    }
    int rc = client_describe_configs(&d->cluster, r, v->n, NULL, 0, a, &v->configs, e);
    if (rc == ERR_UNSUPPORTED) {
        cli_say(1, "settings are not shown: %s", e->text);
        v->configs = NULL;
        rc = 0;
    }
    return rc;
}

/* A topic is there, but its settings may be refused. */
static void judge(struct describe *d, const struct described *v)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct kp_describe_configs_resp_results *c = configs_of(v, v->topics[i].name);
        char what[NAME_LENGTH_MAX + 32], text[256];
        if (!c || !c->error_code) {
            cli_tally_add(&d->tally, CLI_OK);
            continue;
        }
        snprintf(what, sizeof what, "%.*s: settings", v->topics[i].name.n, v->topics[i].name.p);
        client_error_text(c->error_code, c->error_message, text, sizeof text);
        cli_tally_add(&d->tally, topic_refused(what, c->error_code, text));
    }
}

static int describe_some(struct describe *d, char **names, size_t n)
{
    struct arena a;
    const struct kp_metadata_resp *md;
    struct described v = {0};
    struct err e;
    arena_init(&a, 0);
    int rc = client_metadata(&d->cluster, (const char *const *)names, n, &a, &md, &e);
    if (!rc)
        v = (struct described){.topics = md->topics, .n = keep_existing(d, md)};
    if (!rc && v.n && d->o->common.format != OUT_NAMES && d->o->common.format != OUT_CSV)
        rc = ask_configs(d, &v, &a, &e);
    if (rc)
        cli_tally_add(&d->tally, cli_fail(&e));
    else
        judge(d, &v);
    if (!rc)
        put(d, &v);
    arena_free(&a);
    return rc;
}

int topic_describe(void *values, const struct opt_args *args)
{
    struct describe d = {.o = values};
    struct names names;
    int status = topic_names(&names, args);
    if (!status) {
        int rc = 0;
        cli_session(&d.cluster, &d.o->common, -1);
        open_outputs(&d);
        for (size_t i = 0; i < names.n && !rc; i += TOPIC_CHUNK)
            rc = describe_some(&d, names.v + i,
                               names.n - i < TOPIC_CHUNK ? names.n - i : TOPIC_CHUNK);
        close_outputs(&d);
        client_cluster_release(&d.cluster);
        status = (int)cli_tally_exit(&d.tally);
    }
    names_release(&names);
    return status;
}
