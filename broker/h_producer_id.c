/* h_producer_id.c - InitProducerId for idempotent producers: always a fresh id with epoch 0,
 * whatever id the client says it had. Transactions are not served, so neither is a transactional
 * id. */
#include "broker/api.h"
#include "broker/broker.h"
#include "broker/errors.h"
#include "broker/producer_ids.h"

static void reply(struct request *q, int16_t error, int64_t id)
{
    struct kp_init_producer_id_resp resp;
    kp_init(&kp_init_producer_id_resp_schema, &resp);
    resp.error_code = error;
    resp.producer_id = error ? -1 : id;
    resp.producer_epoch = error ? -1 : 0;
    request_reply(q, &resp);
}

static void got_id(struct producer_id_wait *w, int code, int64_t id)
{
    /* One that could not be had now may be had later. This is the error on which all clients try
     * again, and Kafka's: on those of a coordinator that moved, Java's looks up that of its
     * transactional id, and fails where there is none. */
    reply(w->arg, code ? KP_ERR_COORDINATOR_LOAD_IN_PROGRESS : KP_ERR_NONE, id);
}

void h_init_producer_id(struct request *q)
{
    const struct kp_init_producer_id_req *req = q->msg;
    if (req->transactional_id.n >= 0) {
        reply(q, KP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, -1);
        return;
    }
    struct producer_id_wait *w = request_alloc(q, 1, sizeof *w);
    if (!w) {
        request_abort(q, "out of memory");
        return;
    }
    *w = (struct producer_id_wait){.home = q->worker, .done = got_id, .arg = q};
    producer_ids_want(&request_broker(q)->producer_ids, w);
}
