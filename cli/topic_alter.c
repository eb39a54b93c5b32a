/* topic_alter.c - settings and the number of partitions of topics that exist. Settings go first: a
 * topic whose settings are refused is left as it is. */
#include <errno.h>
#include <stdlib.h>

#include "cli/config_changes.h"
#include "cli/session.h"
#include "cli/topic.h"
#include "client/topics.h"

static const struct out_column columns[] = {
    {"name", OUT_STR},
    {"partitions", OUT_INT},
    {"altered", OUT_BOOL},
};

struct alter {
    const struct topic_options *o;
    struct client_cluster cluster;
    struct config_changes changes;
    struct out *out; /* NULL with -q */
    struct cli_tally tally;
};

static void report(struct alter *a, const char *name)
{
    cli_tally_add(&a->tally, CLI_OK);
    cli_say(1, "%s: %s", name, a->o->validate_only ? "could be altered" : "altered");
    if (!a->out)
        return;
    out_str(a->out, name);
    if (a->o->partitions > 0)
        out_int(a->out, a->o->partitions);
    else
        out_null(a->out);
    out_bool(a->out, !a->o->validate_only);
    out_row(a->out);
}

static void refused(struct alter *a, const char *name, int16_t error, const char *text)
{
    cli_tally_add(&a->tally, topic_refused(name, error, text));
}

/* Alter the settings of n topics; names keeps those that were. */
static int alter_settings(struct alter *a, char **names, size_t *n, struct err *e)
{
    struct client_alteration *t = calloc(*n, sizeof *t);
    if (!t)
        return err_code(e, -ENOMEM, "topics");
    for (size_t i = 0; i < *n; i++)
        t[i].resource = (struct client_config_resource){CLIENT_RESOURCE_TOPIC, names[i]};
    int rc = client_alter_configs(&a->cluster, t, *n, a->changes.v, a->changes.n,
                                  a->o->validate_only, e);
    size_t kept = 0;
    for (size_t i = 0; i < *n && !rc; i++) {
        if (t[i].error)
            refused(a, t[i].resource.name, t[i].error, t[i].text);
        else
            names[kept++] = (char *)t[i].resource.name;
    }
    *n = kept;
    free(t);
    return rc;
}

/* The same for their partitions. */
static int add_partitions(struct alter *a, char **names, size_t *n, struct err *e)
{
    struct client_topic_change *t = calloc(*n + 1, sizeof *t);
    if (!t)
        return err_code(e, -ENOMEM, "topics");
    for (size_t i = 0; i < *n; i++) {
        t[i].name = names[i];
        t[i].partitions = (int32_t)a->o->partitions;
    }
    int rc = client_create_partitions(&a->cluster, t, *n, a->o->validate_only, e);
    size_t kept = 0;
    for (size_t i = 0; i < *n && !rc; i++) {
        if (t[i].error)
            refused(a, t[i].name, t[i].error, t[i].text);
        else
            names[kept++] = (char *)t[i].name;
    }
    *n = kept;
    free(t);
    return rc;
}

/* Alter at most TOPIC_CHUNK topics; names is a copy, which may be changed. */
static int alter_some(struct alter *a, char **names, size_t n)
{
    struct err e;
    int rc = a->changes.n ? alter_settings(a, names, &n, &e) : 0;
    if (!rc && a->o->partitions > 0 && n)
        rc = add_partitions(a, names, &n, &e);
    if (rc)
        cli_tally_add(&a->tally, cli_fail(&e));
    for (size_t i = 0; i < n && !rc; i++)
        report(a, names[i]);
    return rc;
}

static int alter_all(struct alter *a, const struct names *names)
{
    char *chunk[TOPIC_CHUNK];
    int rc = 0;
    cli_session(&a->cluster, &a->o->common, -1);
    a->out = a->o->common.quiet ? NULL : topic_out(a->o, OUT_COLUMNS(columns));
    for (size_t i = 0; i < names->n && !rc;) {
        size_t n = 0;
        while (n < TOPIC_CHUNK && i < names->n)
            chunk[n++] = names->v[i++];
        rc = alter_some(a, chunk, n);
    }
    if (a->out)
        out_free(a->out);
    client_cluster_release(&a->cluster);
    return (int)cli_tally_exit(&a->tally);
}

static int parse_changes(struct alter *a)
{
    int status = config_changes_add(&a->changes, "--config", CLIENT_CONFIG_SET, &a->o->configs);
    if (!status)
        status = config_changes_add(&a->changes, "--delete-config", CLIENT_CONFIG_DELETE,
                                    &a->o->delete_configs);
    if (!status && !a->changes.n && a->o->partitions < 0)
        status = cli_misuse("nothing to alter: give --partitions, --config or --delete-config");
    return status;
}

int topic_alter(void *values, const struct opt_args *args)
{
    struct alter a = {.o = values};
    struct names names = {0};
    int status = parse_changes(&a);
    if (!status)
        status = topic_names(&names, args);
    if (!status)
        status = alter_all(&a, &names);
    names_release(&names);
    config_changes_release(&a.changes);
    return status;
}
