#include <errno.h>
#include <stdlib.h>

#include "cli/session.h"
#include "cli/topic.h"
#include "client/topics.h"
#include "kp/error.h"

static const struct out_column columns[] = {
    {"name", OUT_STR},
    {"id", OUT_STR},
    {"deleted", OUT_BOOL},
};

struct removal {
    const struct topic_options *o;
    struct client_cluster cluster;
    struct out *out; /* NULL with -q */
    struct cli_tally tally;
};

static void report(struct removal *d, const struct client_topic_change *t)
{
    bool absent = t->error == KP_ERR_UNKNOWN_TOPIC_OR_PARTITION && d->o->if_exists;
    if (t->error && !absent) {
        cli_tally_add(&d->tally, topic_refused(t->name, t->error, t->text));
        return;
    }
    cli_tally_add(&d->tally, CLI_OK);
    cli_say(1, "%s: %s", t->name, absent ? "did not exist" : "deleted");
    if (!d->out)
        return;
    out_str(d->out, t->name);
    topic_out_id(d->out, &t->id);
    out_bool(d->out, !absent);
    out_row(d->out);
}

/* Delete at most TOPIC_CHUNK topics by one request. */
static int delete_some(struct removal *d, char **names, size_t n)
{
    struct client_topic_change *t = calloc(n, sizeof *t);
    struct err e;
    int rc = t ? 0 : err_code(&e, -ENOMEM, "topics");
    for (size_t i = 0; i < n && !rc; i++)
        t[i].name = names[i];
    if (!rc)
        rc = client_delete_topics(&d->cluster, t, n, &e);
    if (rc)
        cli_tally_add(&d->tally, cli_fail(&e));
    for (size_t i = 0; i < n && !rc; i++)
        report(d, &t[i]);
    free(t);
    return rc;
}

static int delete_all(struct removal *d, const struct names *names)
{
    int rc = 0;
    cli_session(&d->cluster, &d->o->common, -1);
    d->out = d->o->common.quiet ? NULL : topic_out(d->o, OUT_COLUMNS(columns));
    for (size_t i = 0; i < names->n && !rc; i += TOPIC_CHUNK)
        rc = delete_some(d, names->v + i, names->n - i < TOPIC_CHUNK ? names->n - i : TOPIC_CHUNK);
    if (d->out)
        out_free(d->out);
    client_cluster_release(&d->cluster);
    return (int)cli_tally_exit(&d->tally);
}

int topic_delete(void *values, const struct opt_args *args)
{
    struct removal d = {.o = values};
    struct names names;
    int status = topic_names(&names, args);
    if (!status)
        status = delete_all(&d, &names);
    names_release(&names);
    return status;
}
