/* config_alter.c - the same changes to some topics, to a broker, or to all brokers. */
#include <errno.h>
#include <stdlib.h>

#include "cli/config.h"
#include "cli/config_changes.h"
#include "cli/session.h"

/* Names first: that is what -o names prints. */
static const struct out_column columns[] = {
    {"name", OUT_STR},
    {"type", OUT_STR},
    {"altered", OUT_BOOL},
};

struct alter {
    const struct config_options *o;
    struct client_cluster cluster;
    struct config_changes changes;
    struct out *out; /* NULL with -q */
    struct cli_tally tally;
};

static void report(struct alter *a, const struct client_alteration *t)
{
    const char *name = t->resource.name;
    if (t->error) {
        cli_tally_add(&a->tally, config_refused(&t->resource, t->error, t->text));
        return;
    }
    cli_tally_add(&a->tally, CLI_OK);
    cli_say(1, "%s: %s", *name ? name : "all brokers",
            a->o->validate_only ? "could be altered" : "altered");
    if (!a->out)
        return;
    out_str(a->out, *name ? name : NULL);
    out_str(a->out, config_kind_name(a->o->kind));
    out_bool(a->out, !a->o->validate_only);
    out_row(a->out);
}

/* By one request. */
static int alter_some(struct alter *a, char **names, size_t n)
{
    struct client_alteration *t = calloc(n, sizeof *t);
    struct err e;
    int rc = t ? 0 : err_code(&e, -ENOMEM, "settings");
    for (size_t i = 0; i < n && !rc; i++)
        t[i].resource = config_resource(a->o, names[i]);
    if (!rc)
        rc = client_alter_configs(&a->cluster, t, n, a->changes.v, a->changes.n,
                                  a->o->validate_only, &e);
    if (rc)
        cli_tally_add(&a->tally, cli_fail(&e));
    for (size_t i = 0; i < n && !rc; i++)
        report(a, &t[i]);
    free(t);
    return rc;
}

static int alter_all(struct alter *a, const struct names *names)
{
    int rc = 0;
    cli_session(&a->cluster, &a->o->common, -1);
    if (!a->o->common.quiet)
        a->out = out_new(stdout, (enum out_format)a->o->common.format, !a->o->common.no_header,
                         OUT_COLUMNS(columns));
    for (size_t i = 0, n; i < names->n && (!rc || rc == ERR_NOTFOUND); i += n) {
        n = config_chunk(a->o, names->n - i);
        rc = alter_some(a, names->v + i, n);
    }
    if (a->out)
        out_free(a->out);
    client_cluster_release(&a->cluster);
    return (int)cli_tally_exit(&a->tally);
}

static int parse_changes(struct alter *a)
{
    const struct config_options *o = a->o;
    int status = config_changes_add(&a->changes, "--set", CLIENT_CONFIG_SET, &o->set);
    if (!status)
        status = config_changes_add(&a->changes, "--append", CLIENT_CONFIG_APPEND, &o->append);
    if (!status)
        status =
            config_changes_add(&a->changes, "--subtract", CLIENT_CONFIG_SUBTRACT, &o->subtract);
    if (!status)
        status = config_changes_add(&a->changes, "--delete", CLIENT_CONFIG_DELETE, &o->remove);
    if (!status && !a->changes.n)
        status = cli_misuse("nothing to alter: give --set, --delete, --append or --subtract");
    return status;
}

int config_alter(void *values, const struct opt_args *args)
{
    struct alter a = {.o = values};
    struct names names = {0};
    int status = parse_changes(&a);
    if (!status)
        status = config_names(&names, a.o, args);
    if (!status)
        status = alter_all(&a, &names);
    names_release(&names);
    config_changes_release(&a.changes);
    return status;
}
