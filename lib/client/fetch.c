#include "client/fetch.h"

#include <errno.h>
#include <stdlib.h>

#include "kp/error.h"

enum { NAMES_UP_TO = 12 }; /* from 13 on topics go by id */

static int build(void *ctx, struct client_part **parts, size_t n, void *msg, struct arena *a)
{
    const struct client_fetch_options *o = ctx;
    struct kp_fetch_req *req = msg;
    req->max_wait_ms = o->max_wait_ms;
    req->min_bytes = o->min_bytes;
    req->max_bytes = o->max_bytes;
    req->isolation_level = o->read_committed;
    req->rack_id = kp_str("");
    req->topics = arena_array(a, n, sizeof *req->topics);
    for (size_t i = 0, k; req->topics && i < n; i += k) {
        k = client_parts_of_topic(parts + i, n - i);
        struct kp_fetch_req_topics *t = &req->topics[req->n_topics++];
        kp_init(&kp_fetch_req_topics_schema, t);
        t->topic = kp_str(parts[i]->topic);
        t->n_partitions = (int32_t)k;
        t->partitions = arena_array(a, k, sizeof *t->partitions);
        if (!t->partitions)
            return -ENOMEM;
        for (size_t j = 0; j < k; j++) {
            kp_init(&kp_fetch_req_topics_partitions_schema, &t->partitions[j]);
            t->partitions[j].partition = parts[i + j]->partition;
            t->partitions[j].fetch_offset = ((struct client_fetch *)parts[i + j])->offset;
            t->partitions[j].partition_max_bytes = o->partition_max_bytes;
        }
    }
    return req->topics ? 0 : -ENOMEM;
}

static int take_one(const struct client_fetch_options *o, struct client_fetch *f,
                    const struct kp_fetch_resp_responses_partitions *r)
{
    client_part_settle(&f->part, r->error_code, kp_str(NULL));
    if (!r->error_code) {
        f->high_watermark = r->high_watermark;
        f->log_start = r->log_start_offset;
    }
    if (f->part.error ? !f->part.done : r->records.n <= 0)
        return 0;
    return o->take(o->ctx, f, span_of(r->records.p, r->records.n > 0 ? (size_t)r->records.n : 0));
}

static int take(void *ctx, struct client_part **parts, size_t n, const void *msg, struct err *e)
{
    const struct client_fetch_options *o = ctx;
    const struct kp_fetch_resp *resp = msg;
    size_t hint = 0;
    if (resp->error_code)
        return err_set(e, ERR_REFUSED, "Fetch: %s", kp_error_text(resp->error_code));
    for (int32_t i = 0; i < resp->n_responses; i++)
        for (int32_t j = 0; j < resp->responses[i].n_partitions; j++) {
            const struct kp_fetch_resp_responses_partitions *r = &resp->responses[i].partitions[j];
            struct client_part *p =
                client_part_find(parts, n, resp->responses[i].topic, r->partition_index, &hint);
            int rc = p ? take_one(o, (struct client_fetch *)p, r) : 0;
            if (rc)
                return rc;
        }
    return 0;
}

int client_fetch(struct client_cluster *c, const struct client_fetch_options *o,
                 struct client_fetch *const *v, size_t n, struct err *e)
{
    struct client_fan f = {KP_FETCH, NAMES_UP_TO, false, (void *)o, build, take};
    struct client_part **parts = calloc(n + 1, sizeof *parts);
    if (!parts)
        return err_code(e, -ENOMEM, "fetch");
    for (size_t i = 0; i < n; i++) {
        v[i]->part.done = false;
        parts[i] = &v[i]->part;
    }
    int rc = client_fan_run(c, &f, parts, n, e);
    free(parts);
    return rc;
}
