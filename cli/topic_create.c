#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/session.h"
#include "cli/topic.h"
#include "client/topics.h"
#include "kp/error.h"

static const struct out_column columns[] = {
    {"name", OUT_STR},       {"id", OUT_STR},
    {"partitions", OUT_INT}, {"replication_factor", OUT_INT},
    {"created", OUT_BOOL},
};

struct create {
    const struct topic_options *o;
    struct client_cluster cluster;
    struct client_setting *settings;
    size_t n_settings;
    struct out *out; /* NULL with -q */
    struct cli_tally tally;
};

/* --config key=value: cut at the sign. The texts are argv's. */
static int parse_settings(struct create *c)
{
    const struct opt_list *l = &c->o->configs;
    c->settings = calloc(l->n + 1, sizeof *c->settings);
    if (!c->settings) {
        cli_error("settings: out of memory");
        return CLI_FAILED;
    }
    for (size_t i = 0; i < l->n; i++) {
        char *equals = strchr(l->v[i], '=');
        if (!equals || equals == l->v[i])
            return cli_misuse("--config: '%s' is not KEY=VALUE", l->v[i]);
        *equals = 0;
        c->settings[i] = (struct client_setting){l->v[i], equals + 1};
    }
    c->n_settings = l->n;
    return CLI_OK;
}

static void out_int_known(struct out *o, int64_t v)
{
    if (v >= 0)
        out_int(o, v);
    else
        out_null(o);
}

static void report(struct create *c, const struct client_topic_change *t)
{
    bool exists = t->error == KP_ERR_TOPIC_ALREADY_EXISTS && c->o->if_not_exists;
    if (t->error && !exists) {
        cli_tally_add(&c->tally, topic_refused(t->name, t->error, t->text));
        return;
    }
    cli_tally_add(&c->tally, CLI_OK);
    cli_say(1, "%s: %s", t->name,
            exists                ? "exists already"
            : c->o->validate_only ? "could be created"
                                  : "created");
    if (!c->out)
        return;
    out_str(c->out, t->name);
    topic_out_id(c->out, &t->id);
    out_int_known(c->out, exists ? -1 : t->partitions);
    out_int_known(c->out, exists ? -1 : t->replication);
    out_bool(c->out, !exists && !c->o->validate_only);
    out_row(c->out);
}

/* Create at most TOPIC_CHUNK topics by one request. */
static int create_some(struct create *c, char **names, size_t n)
{
    struct client_topic_change *t = calloc(n, sizeof *t);
    struct err e;
    int rc = t ? 0 : err_code(&e, -ENOMEM, "topics");
    for (size_t i = 0; i < n && !rc; i++)
        t[i] = (struct client_topic_change){
            .name = names[i],
            .partitions = (int32_t)c->o->partitions,
            .replication = (int16_t)c->o->replication,
            .settings = c->settings,
            .n_settings = c->n_settings,
        };
    if (!rc)
        rc = client_create_topics(&c->cluster, t, n, c->o->validate_only, &e);
    if (rc)
        cli_tally_add(&c->tally, cli_fail(&e));
    for (size_t i = 0; i < n && !rc; i++)
        report(c, &t[i]);
    free(t);
    return rc;
}

static int create_all(struct create *c, const struct names *names)
{
    int rc = 0;
    cli_session(&c->cluster, &c->o->common, -1);
    c->out = c->o->common.quiet ? NULL : topic_out(c->o, OUT_COLUMNS(columns));
    for (size_t i = 0; i < names->n && !rc; i += TOPIC_CHUNK)
        rc = create_some(c, names->v + i, names->n - i < TOPIC_CHUNK ? names->n - i : TOPIC_CHUNK);
    if (c->out)
        out_free(c->out);
    client_cluster_release(&c->cluster);
    return (int)cli_tally_exit(&c->tally);
}

int topic_create(void *values, const struct opt_args *args)
{
    struct create c = {.o = values};
    struct names names;
    int status = topic_names(&names, args);
    if (!status)
        status = parse_settings(&c);
    if (!status)
        status = create_all(&c, &names);
    names_release(&names);
    free(c.settings);
    return status;
}
