/* topic_trim.c - delete the oldest records: up to an offset, or those before a time.
 *
 * What "latest" and a time stand for is asked of the broker first, so that a request that has to be
 * sent again asks for the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/session.h"
#include "cli/topic.h"
#include "client/offsets.h"
#include "client/trim.h"

static const struct out_column columns[] = {
    {"topic", OUT_STR}, {"partition", OUT_INT}, {"earliest", OUT_INT}};

struct trimming {
    const struct topic_options *o;
    bool by_offset;
    int64_t offset; /* the first that stays, */
    int64_t time;   /* or the time of it, or CLIENT_LATEST */
    struct client_cluster cluster;
    struct out *out; /* NULL with -q */
    struct cli_tally tally;
};

static int parse_where(struct trimming *t)
{
    const struct topic_options *o = t->o;
    if (!o->offset == !o->time)
        return (int)cli_misuse("one of --offset and --time says what is to be deleted");
    t->time = CLIENT_LATEST;
    if (o->offset && strcmp(o->offset, "latest") != 0) {
        t->by_offset = true;
        if (opt_parse_int(o->offset, 0, INT64_MAX, &t->offset))
            return (int)cli_misuse("--offset: '%s' is neither an offset nor 'latest'", o->offset);
    }
    return o->time ? topic_time(o->time, &t->time) : CLI_OK;
}

static void put(struct trimming *t, const struct client_trim *v)
{
    cli_say(1, "%s-%d: begins at %lld", v->part.topic, v->part.partition, (long long)v->log_start);
    if (!t->out || (t->o->common.format == OUT_NAMES && v->part.partition > 0 &&
                    t->o->partition < 0)) /* a name once */
        return;
    out_str(t->out, v->part.topic);
    out_int(t->out, v->part.partition);
    out_int(t->out, v->log_start);
    out_row(t->out);
}

static void report(struct trimming *t, const struct client_part *p, const struct client_trim *v)
{
    char name[300];
    if (p->error) {
        snprintf(name, sizeof name, "%s-%d", p->topic, p->partition);
        cli_tally_add(&t->tally, topic_refused(name, p->error, p->text));
        return;
    }
    cli_tally_add(&t->tally, CLI_OK);
    put(t, v);
}

/* Find the offsets that a time stands for; the end where no record is so late. */
static int find_offsets(struct trimming *t, struct client_trim *v, size_t n, struct err *e)
{
    int rc = 0;
    struct client_offset *at = calloc(2 * n + 1, sizeof *at);
    if (!at)
        return err_code(e, -ENOMEM, "offsets");
    for (size_t i = 0; i < 2 * n; i++) {
        at[i].part.topic = v[i % n].part.topic;
        at[i].part.partition = v[i % n].part.partition;
        at[i].time = i < n ? t->time : CLIENT_LATEST;
    }
    rc = client_list_offsets(&t->cluster, at, n, e);
    if (rc == 0 && t->time != CLIENT_LATEST)
        rc = client_list_offsets(&t->cluster, at + n, n, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct client_offset *found =
            at[i].offset < 0 && !at[i].part.error ? &at[n + i] : &at[i];
        v[i].offset = found->offset;
        v[i].part.error = found->part.error;
        memcpy(v[i].part.text, found->part.text, sizeof v[i].part.text);
    }
    free(at);
    return rc;
}

/* Those whose offset is known go to the broker, in front; gives how many. */
static size_t sort_known(struct client_trim *v, size_t n)
{
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        if (v[i].part.error)
            continue;
        struct client_trim swap = v[known];
        v[known++] = v[i];
        v[i] = swap;
    }
    return known;
}

static int trim_some(struct trimming *t, struct client_trim *v, size_t n, struct err *e)
{
    int rc = t->by_offset ? 0 : find_offsets(t, v, n, e);
    size_t known = rc ? 0 : sort_known(v, n);
    if (rc == 0)
        rc = client_delete_records(&t->cluster, v, known, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        report(t, &v[i].part, &v[i]);
    return rc;
}

static int trim_partitions(struct trimming *t, const char *topic, int32_t first, int32_t n,
                           struct err *e)
{
    struct client_trim *v = calloc((size_t)n + 1, sizeof *v);
    if (!v)
        return err_code(e, -ENOMEM, "%s", topic);
    for (int32_t i = 0; i < n; i++) {
        v[i].part.topic = topic;
        v[i].part.partition = first + i;
        v[i].offset = t->offset;
    }
    int rc = trim_some(t, v, (size_t)n, e);
    free(v);
    return rc;
}

/* Returns whether it is worth going on. */
static bool trim_topic(struct trimming *t, const char *topic)
{
    struct err e;
    int64_t one = t->o->partition;
    int32_t n = client_partitions(&t->cluster, topic, &e);
    int rc = n < 0 ? n : 0;
    if (rc == 0 && one >= n)
        rc = err_set(&e, ERR_NOTFOUND, "%s: there is no partition %lld", topic, (long long)one);
    if (rc == 0)
        rc = trim_partitions(t, topic, one < 0 ? 0 : (int32_t)one, one < 0 ? n : 1, &e);
    enum cli_exit status = rc ? cli_fail(&e) : CLI_OK;
    if (rc)
        cli_tally_add(&t->tally, status);
    return status != CLI_UNREACHABLE;
}

int topic_trim(void *values, const struct opt_args *args)
{
    struct trimming t = {.o = values};
    struct names names = {0};
    int status = parse_where(&t);
    if (!status)
        status = topic_names(&names, args);
    if (!status) {
        cli_session(&t.cluster, &t.o->common, -1);
        t.out = t.o->common.quiet ? NULL : topic_out(t.o, OUT_COLUMNS(columns));
        for (size_t i = 0; i < names.n && trim_topic(&t, names.v[i]); i++)
            ;
        if (t.out)
            out_free(t.out);
        client_cluster_release(&t.cluster);
        status = (int)cli_tally_exit(&t.tally);
    }
    names_release(&names);
    return status;
}
