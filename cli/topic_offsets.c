/* topic_offsets.c - the first offset and the one the next record will get, of each partition; or
 * the first record at or after a time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/session.h"
#include "cli/topic.h"
#include "cli/when.h"
#include "client/offsets.h"

static const struct out_column range_columns[] = {
    {"topic", OUT_STR}, {"partition", OUT_INT}, {"earliest", OUT_INT}, {"latest", OUT_INT}};
static const struct out_column time_columns[] = {
    {"topic", OUT_STR}, {"partition", OUT_INT}, {"offset", OUT_INT}, {"timestamp", OUT_INT}};

/* What is asked of each partition: both ends, or one time. */
struct question {
    const struct topic_options *o;
    int64_t times[2];
    size_t n_times;
    struct client_cluster cluster;
    struct out *out;
    struct cli_tally tally;
};

int topic_time(const char *text, int64_t *time)
{
    static const struct {
        const char *name;
        int64_t time;
    } words[] = {{"earliest", CLIENT_EARLIEST},
                 {"latest", CLIENT_LATEST},
                 {"max-timestamp", CLIENT_MAX_TIMESTAMP}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(text, words[i].name)) {
            *time = words[i].time;
            return CLI_OK;
        }
    if (when_parse(text, time))
        return (int)cli_misuse("--time: '%s' is no time", text);
    return CLI_OK;
}

static int parse_time(struct question *q)
{
    q->n_times = 1;
    if (q->o->time)
        return topic_time(q->o->time, &q->times[0]);
    q->times[0] = CLIENT_EARLIEST;
    q->times[1] = CLIENT_LATEST;
    q->n_times = 2;
    return CLI_OK;
}

static void put(struct question *q, const struct client_offset *const found[2])
{
    if (q->o->common.format == OUT_NAMES && found[0]->part.partition > 0)
        return; /* a name once */
    out_str(q->out, found[0]->part.topic);
    out_int(q->out, found[0]->part.partition);
    if (q->n_times == 2 || found[0]->offset >= 0)
        out_int(q->out, found[0]->offset);
    else
        out_null(q->out); /* there is no record so late */
    if (q->n_times == 2)
        out_int(q->out, found[1]->offset);
    else if (found[0]->timestamp >= 0)
        out_int(q->out, found[0]->timestamp);
    else
        out_null(q->out);
    out_row(q->out);
}

/* The first error of a topic's partitions fails the topic. */
static enum cli_exit put_topic(struct question *q, const struct client_offset *const v[2],
                               int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        const struct client_offset *found[2] = {&v[0][i], q->n_times == 2 ? &v[1][i] : NULL};
        for (size_t t = 0; t < q->n_times; t++)
            if (found[t]->part.error)
                return topic_refused(found[t]->part.topic, found[t]->part.error,
                                     found[t]->part.text);
        put(q, found);
    }
    return CLI_OK;
}

static int ask(struct question *q, const char *topic, int32_t n, struct client_offset *v[2],
               struct err *e)
{
    for (size_t t = 0; t < q->n_times; t++) {
        v[t] = calloc((size_t)n + 1, sizeof **v);
        if (!v[t])
            return err_code(e, -ENOMEM, "%s", topic);
        for (int32_t i = 0; i < n; i++) {
            v[t][i].part.topic = topic;
            v[t][i].part.partition = i;
            v[t][i].time = q->times[t];
        }
        int rc = client_list_offsets(&q->cluster, v[t], (size_t)n, e);
        if (rc)
            return rc;
    }
    return 0;
}

/* Returns whether it is worth going on. */
static bool offsets_of(struct question *q, const char *topic)
{
    struct client_offset *v[2] = {NULL, NULL};
    struct err e;
    int32_t n = client_partitions(&q->cluster, topic, &e);
    int rc = n < 0 ? n : ask(q, topic, n, v, &e);
    enum cli_exit status =
        rc ? cli_fail(&e) : put_topic(q, (const struct client_offset *const *)v, n);
    cli_tally_add(&q->tally, status);
    free(v[0]);
    free(v[1]);
    return status != CLI_UNREACHABLE;
}

int topic_offsets(void *values, const struct opt_args *args)
{
    struct question q = {.o = values};
    struct names names;
    int status = topic_names(&names, args);
    if (!status)
        status = parse_time(&q);
    if (!status) {
        cli_session(&q.cluster, &q.o->common, -1);
        q.out = q.n_times == 2 ? topic_out(q.o, OUT_COLUMNS(range_columns))
                               : topic_out(q.o, OUT_COLUMNS(time_columns));
        for (size_t i = 0; i < names.n && offsets_of(&q, names.v[i]); i++)
            ;
        out_free(q.out);
        client_cluster_release(&q.cluster);
        status = (int)cli_tally_exit(&q.tally);
    }
    names_release(&names);
    return status;
}
