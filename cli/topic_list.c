#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/session.h"
#include "cli/topic.h"
#include "kp/error.h"

static const struct out_column columns[] = {
    {"name", OUT_STR},       {"id", OUT_STR},
    {"partitions", OUT_INT}, {"replication_factor", OUT_INT},
    {"internal", OUT_BOOL},
};

static int by_name(const void *x, const void *y)
{
    const struct kp_metadata_resp_topics *a = x, *b = y;
    int32_t n = a->name.n < b->name.n ? a->name.n : b->name.n;
    int order = memcmp(a->name.p, b->name.p, (size_t)n);
    return order ? order : (a->name.n > b->name.n) - (a->name.n < b->name.n);
}

static void put(struct out *out, const struct kp_metadata_resp_topics *t)
{
    out_span(out, span_of(t->name.p, (size_t)t->name.n));
    topic_out_id(out, &t->topic_id);
    out_int(out, t->n_partitions);
    out_int(out, t->n_partitions > 0 ? t->partitions[0].n_replica_nodes : 0);
    out_bool(out, t->is_internal);
    out_row(out);
}

static void put_all(const struct topic_options *o, const struct kp_metadata_resp *md)
{
    struct out *out = topic_out(o, OUT_COLUMNS(columns));
    qsort(md->topics, (size_t)md->n_topics, sizeof *md->topics, by_name);
    for (int32_t i = 0; i < md->n_topics; i++)
        if (!(md->topics[i].is_internal && o->exclude_internal))
            put(out, &md->topics[i]);
    out_free(out);
}

int topic_list(void *values, const struct opt_args *args)
{
    const struct topic_options *o = values;
    struct client_cluster cluster;
    struct arena a;
    const struct kp_metadata_resp *md;
    struct err e;
    (void)args;
    arena_init(&a, 0);
    cli_session(&cluster, &o->common, -1);
    int rc = client_metadata(&cluster, NULL, 0, &a, &md, &e);
    if (!rc && md->n_topics > 0)
        put_all(o, md);
    else if (!rc)
        out_free(topic_out(o, OUT_COLUMNS(columns)));
    int status = rc ? (int)cli_fail(&e) : CLI_OK;
    client_cluster_release(&cluster);
    arena_free(&a);
    return status;
}
