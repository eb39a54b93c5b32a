#include "client/trim.h"

#include <errno.h>
#include <stdlib.h>

static int build(void *ctx, struct client_part **parts, size_t n, void *msg, struct arena *a)
{
    const struct client_cluster *c = ctx;
    struct kp_delete_records_req *req = msg;
    int64_t left = client_wait_left(&c->wait);
    req->timeout_ms = left > INT32_MAX ? INT32_MAX : (int32_t)left;
    req->topics = arena_array(a, n, sizeof *req->topics);
    for (size_t i = 0, k; req->topics && i < n; i += k) {
        k = client_parts_of_topic(parts + i, n - i);
        struct kp_delete_records_req_topics *t = &req->topics[req->n_topics++];
        kp_init(&kp_delete_records_req_topics_schema, t);
        t->name = kp_str(parts[i]->topic);
        t->n_partitions = (int32_t)k;
        t->partitions = arena_array(a, k, sizeof *t->partitions);
        if (!t->partitions)
            return -ENOMEM;
        for (size_t j = 0; j < k; j++) {
            kp_init(&kp_delete_records_req_topics_partitions_schema, &t->partitions[j]);
            t->partitions[j].partition_index = parts[i + j]->partition;
            t->partitions[j].offset = ((struct client_trim *)parts[i + j])->offset;
        }
    }
    return req->topics ? 0 : -ENOMEM;
}

static int take(void *ctx, struct client_part **parts, size_t n, const void *msg, struct err *e)
{
    (void)ctx;
    (void)e;
    const struct kp_delete_records_resp *resp = msg;
    size_t hint = 0;
    for (int32_t i = 0; i < resp->n_topics; i++)
        for (int32_t j = 0; j < resp->topics[i].n_partitions; j++) {
            const struct kp_delete_records_resp_topics_partitions *r =
                &resp->topics[i].partitions[j];
            struct client_part *p =
                client_part_find(parts, n, resp->topics[i].name, r->partition_index, &hint);
            if (!p)
                continue;
            client_part_settle(p, r->error_code, kp_str(NULL));
            ((struct client_trim *)p)->log_start = r->low_watermark;
        }
    return 0;
}

int client_delete_records(struct client_cluster *c, struct client_trim *v, size_t n, struct err *e)
{
    struct client_fan f = {KP_DELETE_RECORDS, INT16_MAX, false, c, build, take};
    struct client_part **parts = calloc(n + 1, sizeof *parts);
    if (!parts)
        return err_code(e, -ENOMEM, "records");
    for (size_t i = 0; i < n; i++) {
        v[i].log_start = -1;
        parts[i] = &v[i].part;
    }
    int rc = client_fan_run(c, &f, parts, n, e);
    free(parts);
    return rc;
}
