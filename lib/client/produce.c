#include "client/produce.h"

#include <errno.h>
#include <stdlib.h>

#include "client/error.h"
#include "kp/error.h"

enum { NAMES_UP_TO = 12 }; /* from 13 on topics go by id */

struct produce {
    const struct client_cluster *c;
    int16_t acks;
};

static int build(void *ctx, struct client_part **parts, size_t n, void *msg, struct arena *a)
{
    const struct produce *pr = ctx;
    struct kp_produce_req *req = msg;
    int64_t left = client_wait_left(&pr->c->wait);
    req->acks = pr->acks;
    req->timeout_ms = left > INT32_MAX ? INT32_MAX : (int32_t)left;
    req->topic_data = arena_array(a, n, sizeof *req->topic_data);
    for (size_t i = 0, k; req->topic_data && i < n; i += k) {
        k = client_parts_of_topic(parts + i, n - i);
        struct kp_produce_req_topic_data *t = &req->topic_data[req->n_topic_data++];
        kp_init(&kp_produce_req_topic_data_schema, t);
        t->name = kp_str(parts[i]->topic);
        t->n_partition_data = (int32_t)k;
        t->partition_data = arena_array(a, k, sizeof *t->partition_data);
        if (!t->partition_data)
            return -ENOMEM;
        for (size_t j = 0; j < k; j++) {
            const struct client_batch *b = (struct client_batch *)parts[i + j];
            if (b->records.n > INT32_MAX)
                return ERR_TOOBIG;
            kp_init(&kp_produce_req_topic_data_partition_data_schema, &t->partition_data[j]);
            t->partition_data[j].index = b->part.partition;
            t->partition_data[j].records =
                (struct kp_records){.p = b->records.p, .n = (int32_t)b->records.n};
        }
    }
    return req->topic_data ? 0 : -ENOMEM;
}

static void take_one(struct client_batch *b,
                     const struct kp_produce_resp_responses_partition_responses *r)
{
    struct kp_str message = r->error_message;
    b->base_offset = r->base_offset;
    b->bad_record = -1;
    if (r->n_record_errors > 0) {
        b->bad_record = r->record_errors[0].batch_index;
        if (r->record_errors[0].batch_index_error_message.n > 0)
            message = r->record_errors[0].batch_index_error_message;
    }
    client_part_settle(&b->part, r->error_code, message);
}

static int take(void *ctx, struct client_part **parts, size_t n, const void *msg, struct err *e)
{
    (void)ctx;
    (void)e;
    const struct kp_produce_resp *resp = msg;
    size_t hint = 0;
    for (int32_t i = 0; i < resp->n_responses; i++)
        for (int32_t j = 0; j < resp->responses[i].n_partition_responses; j++) {
            const struct kp_produce_resp_responses_partition_responses *r =
                &resp->responses[i].partition_responses[j];
            struct client_part *p =
                client_part_find(parts, n, resp->responses[i].name, r->index, &hint);
            if (p)
                take_one((struct client_batch *)p, r);
        }
    return 0;
}

int client_produce(struct client_cluster *c, int16_t acks, struct client_batch *v, size_t n,
                   struct err *e)
{
    struct produce pr = {c, acks};
    struct client_fan f = {KP_PRODUCE, NAMES_UP_TO, acks == CLIENT_ACKS_NONE, &pr, build, take};
    struct client_part **parts = calloc(n + 1, sizeof *parts);
    if (!parts)
        return err_code(e, -ENOMEM, "produce");
    for (size_t i = 0; i < n; i++) {
        v[i].base_offset = v[i].bad_record = -1;
        parts[i] = &v[i].part;
    }
    int rc = client_fan_run(c, &f, parts, n, e);
    free(parts);
    return rc;
}

int client_producer_id(struct client_cluster *c, int64_t *id, int16_t *epoch, struct err *e)
{
    struct kp_init_producer_id_req req;
    struct kp_init_producer_id_resp resp;
    struct arena a;
    char text[300];
    int rc;
    kp_init(&kp_init_producer_id_req_schema, &req);
    req.transaction_timeout_ms =
        INT32_MAX; /* there are no transactions, but 0 is refused by some */
    arena_init(&a, 0);
    while (!(rc = client_call_any(c, KP_INIT_PRODUCER_ID, INT16_MAX, &req, &resp, &a, e))) {
        if (!resp.error_code)
            break;
        rc = err_set(e, client_error_code(resp.error_code), "producer id: %s",
                     client_error_text(resp.error_code, kp_str(NULL), text, sizeof text));
        if (!kp_error_retriable(resp.error_code) || (rc = client_pause(c, e)))
            break;
    }
    if (!rc) {
        *id = resp.producer_id;
        *epoch = resp.producer_epoch;
    }
    arena_free(&a);
    return rc;
}
