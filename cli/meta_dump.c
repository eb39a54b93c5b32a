/* meta_dump.c - an image as a document, as tables, or as rows of partitions. */
#include <stdlib.h>
#include <string.h>

#include "cli/meta_history.h"
#include "cli/meta_tool.h"

static const struct out_column partition_columns[] = {
    {"topic", OUT_STR}, {"id", OUT_STR},     {"partition", OUT_INT},
    {"shard", OUT_INT}, {"leader", OUT_INT}, {"replicas", OUT_VALUE},
};
static const struct out_column node_columns[] = {
    {"node_id", OUT_INT},
    {"host", OUT_STR},
    {"port", OUT_INT},
    {"rack", OUT_STR},
};
static const struct out_column config_columns[] = {
    {"resource", OUT_STR},
    {"name", OUT_STR},
    {"setting", OUT_STR},
    {"value", OUT_STR},
};
static const struct out_column name_column[] = {{"name", OUT_STR}};

/* ---- finding the image */

static int load_file(const struct place *p, struct meta_image **out, struct err *e)
{
    uint8_t *buf = NULL;
    size_t n = 0;
    int rc = io_read_file(p->io, p->path, META_SNAPSHOT_MAX, &buf, &n);
    if (rc < 0)
        return err_code(e, rc, "%s", p->path);
    rc = meta_snapshot_decode(span_of(buf, n), NULL, out, NULL, e);
    free(buf);
    if (rc < 0)
        err_wrap(e, "%s", p->path);
    return rc;
}

static int find_image(const struct meta_options *o, const struct place *p, struct meta_image **out,
                      struct err *e)
{
    if (p->kind == PLACE_CHECKPOINT)
        return err_set(e, ERR_INVALID,
                       "%s: a checkpoint holds no metadata: give a snapshot or the data directory",
                       p->path);
    if (p->kind != PLACE_SNAPSHOT)
        return history_image(p, o->at < 0 ? HISTORY_LATEST : (uint64_t)o->at, out, e);
    int rc = load_file(p, out, e);
    if (rc == 0 && o->at >= 0 && (uint64_t)o->at != meta_index(*out)) {
        rc = err_set(e, ERR_NOTFOUND,
                     "%s: this snapshot is of another index: give the data directory", p->path);
        meta_image_unref(*out);
    }
    return rc;
}

/* ---- tables */

static void put_partitions(const struct meta_topic *t, struct out *out)
{
    char id[UUID_TEXT];
    uuid_text(&t->id, id);
    for (int32_t i = 0; i < t->n_partitions; i++) {
        const struct meta_partition *p = &t->partitions[i];
        struct json *replicas = json_new_array();
        for (int32_t j = 0; j < p->n_replicas; j++)
            json_push(replicas, json_new_int(p->replicas[j]));
        out_str(out, t->name);
        out_str(out, id);
        out_int(out, i);
        out_int(out, p->shard);
        out_int(out, p->leader);
        out_value(out, replicas);
        out_row(out);
    }
}

static int partition_table(const struct meta_options *o, const struct meta_image *m)
{
    struct out *out = meta_out(o, OUT_COLUMNS(partition_columns));
    for (const struct meta_topic *t = meta_topic_next(m, NULL); t; t = meta_topic_next(m, t))
        put_partitions(t, out);
    return out_free(out);
}

static int name_table(const struct meta_options *o, const struct meta_image *m)
{
    struct out *out = meta_out(o, OUT_COLUMNS(name_column));
    for (const struct meta_topic *t = meta_topic_next(m, NULL); t; t = meta_topic_next(m, t)) {
        out_str(out, t->name);
        out_row(out);
    }
    return out_free(out);
}

static int node_table(const struct meta_options *o, const struct meta_image *m)
{
    size_t n;
    const struct meta_node *nodes = meta_nodes(m, &n);
    struct out *out = meta_out(o, OUT_COLUMNS(node_columns));
    for (size_t i = 0; i < n; i++) {
        out_int(out, nodes[i].id);
        out_str(out, nodes[i].host);
        out_int(out, nodes[i].port);
        out_str(out, nodes[i].rack);
        out_row(out);
    }
    return out_free(out);
}

static void put_configs(struct out *out, const char *resource, const char *name,
                        const struct meta_config *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out_str(out, resource);
        out_str(out, name);
        out_str(out, c[i].name);
        out_str(out, c[i].value);
        out_row(out);
    }
}

static int config_table(const struct meta_options *o, const struct meta_image *m)
{
    struct out *out = meta_out(o, OUT_COLUMNS(config_columns));
    size_t n;
    const struct meta_broker_configs *sets = meta_all_broker_configs(m, &n);
    for (size_t i = 0; i < n; i++) {
        char node[16];
        snprintf(node, sizeof node, "%d", sets[i].node);
        put_configs(out, "broker", sets[i].node < 0 ? "all" : node, sets[i].configs,
                    (size_t)sets[i].n);
    }
    for (const struct meta_topic *t = meta_topic_next(m, NULL); t; t = meta_topic_next(m, t))
        put_configs(out, "topic", t->name, t->configs, (size_t)t->n_configs);
    return out_free(out);
}

static bool has_configs(const struct meta_image *m)
{
    size_t n;
    meta_all_broker_configs(m, &n);
    for (const struct meta_topic *t = meta_topic_next(m, NULL); t && n == 0;
         t = meta_topic_next(m, t))
        n = (size_t)t->n_configs;
    return n > 0;
}

/* The servers of that role; nothing if there are none. */
static void set_servers(struct json *obj, const char *key, const struct meta_image *m,
                        enum meta_role role)
{
    struct json *ids = json_new_array();
    size_t n;
    const struct meta_server *s = meta_servers(m, &n);
    for (size_t i = 0; i < n; i++) {
        if (s[i].role == role)
            json_push(ids, json_new_int((int64_t)s[i].id));
    }
    if (json_len(ids) > 0)
        json_set(obj, key, ids);
    else
        json_free(ids);
}

/* What is neither broker nor topic. */
static struct json *head(const struct meta_image *m)
{
    struct json *obj = json_new_object();
    char id[UUID_TEXT];
    uuid_text(meta_cluster_id(m), id);
    json_set_str(obj, "cluster_id", id);
    json_set_int(obj, "index", (int64_t)meta_index(m));
    json_set_int(obj, "term", (int64_t)meta_term(m));
    set_servers(obj, "voters", m, META_VOTER);
    set_servers(obj, "standbys", m, META_STANDBY);
    set_servers(obj, "spares", m, META_SPARE);
    json_set_int(obj, "next_producer_id", meta_next_producer_id(m));
    return obj;
}

static int all_tables(const struct meta_options *o, const struct meta_image *m)
{
    size_t n;
    int rc = out_single(stdout, OUT_TEXT, true, head(m));
    meta_nodes(m, &n);
    if (rc == 0 && n > 0) {
        putchar('\n');
        rc = node_table(o, m);
    }
    if (rc == 0 && meta_n_topics(m) > 0) {
        putchar('\n');
        rc = partition_table(o, m);
    }
    if (rc == 0 && has_configs(m)) {
        putchar('\n');
        rc = config_table(o, m);
    }
    return rc;
}

static int show(const struct meta_options *o, const struct meta_image *m)
{
    switch ((enum out_format)o->common.format) {
    case OUT_TEXT:
        return all_tables(o, m);
    case OUT_CSV:
        return partition_table(o, m);
    case OUT_NAMES:
        return name_table(o, m);
    case OUT_JSON:
    case OUT_JSONL:
        break;
    }
    return out_single(stdout, (enum out_format)o->common.format, true, meta_image_json(m));
}

int meta_dump(void *values, const struct opt_args *args)
{
    const struct meta_options *o = values;
    struct place p;
    struct meta_image *m = NULL;
    struct err e;
    int rc = place_find(&p, io_posix(), args->operands[0], &e);
    if (rc == 0)
        rc = find_image(o, &p, &m, &e);
    if (rc < 0)
        return (int)cli_fail(&e);
    rc = show(o, m);
    meta_image_unref(m);
    return rc < 0 ? CLI_FAILED : CLI_OK;
}
