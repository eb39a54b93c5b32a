/* h_groups.c - FindCoordinator, DescribeGroups, ListGroups, DeleteGroups: groups as administrators
 * see them. */
#include "broker/api.h"
#include "broker/broker.h"
#include "broker/group_request.h"
#include "broker/operations.h"

/* ---- FindCoordinator: this node, for every group */

enum { KEY_GROUP = 0, KEY_TRANSACTION = 1 };

static int16_t check_key(int8_t type)
{
    switch (type) {
    case KEY_GROUP:
        return KP_ERR_NONE;
    case KEY_TRANSACTION:
        return KP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED; /* as InitProducerId says */
    default:
        return KP_ERR_INVALID_REQUEST;
    }
}

static void fill_coordinator(struct broker *b, int16_t error, struct kp_str key,
                             struct kp_find_coordinator_resp_coordinators *c)
{
    c->key = key;
    c->error_code = error;
    c->node_id = error ? -1 : b->node_id;
    c->host = error ? kp_strn("", 0) : kp_str(b->host);
    c->port = error ? -1 : b->port;
    if (error)
        c->error_message = kp_str(kp_error_text(error));
}

void h_find_coordinator(struct request *q)
{
    const struct kp_find_coordinator_req *req = q->msg;
    struct broker *b = request_broker(q);
    struct kp_find_coordinator_resp resp;
    int16_t error = check_key(req->key_type);
    kp_init(&kp_find_coordinator_resp_schema, &resp);
    size_t n = q->header.version >= 4 ? (size_t)req->n_coordinator_keys : 1;
    resp.coordinators = kp_array(&kp_find_coordinator_resp_coordinators_schema, &q->arena, n);
    if (!resp.coordinators) {
        request_abort(q, "out of memory");
        return;
    }
    if (q->header.version >= 4) {
        for (; resp.n_coordinators < req->n_coordinator_keys; resp.n_coordinators++)
            fill_coordinator(b, error, req->coordinator_keys[resp.n_coordinators],
                             &resp.coordinators[resp.n_coordinators]);
    } else {
        struct kp_find_coordinator_resp_coordinators *c = &resp.coordinators[0];
        fill_coordinator(b, error, req->key, c);
        resp.error_code = c->error_code;
        resp.error_message = c->error_message;
        resp.node_id = c->node_id;
        resp.host = c->host;
        resp.port = c->port;
    }
    request_reply(q, &resp);
}

/* ---- DescribeGroups */

void h_describe_groups(struct request *q)
{
    const struct kp_describe_groups_req *req = q->msg;
    struct group_call *call = group_request(q, &kp_describe_groups_resp_schema);
    if (!call)
        return;
    struct kp_describe_groups_resp *resp = call->resp;
    resp->groups =
        kp_array(&kp_describe_groups_resp_groups_schema, &q->arena, (size_t)req->n_groups);
    if (!resp->groups) {
        request_abort(q, "out of memory");
        return;
    }
    for (; resp->n_groups < req->n_groups; resp->n_groups++) {
        struct kp_describe_groups_resp_groups *g = &resp->groups[resp->n_groups];
        g->group_id = req->groups[resp->n_groups];
        if (req->include_authorized_operations)
            g->authorized_operations = OPERATIONS_GROUP;
    }
    group_request_send(q, coordinator_describe, NULL);
}

/* ---- ListGroups, DeleteGroups */

void h_list_groups(struct request *q)
{
    if (group_request(q, &kp_list_groups_resp_schema))
        group_request_send(q, coordinator_list, NULL);
}

void h_delete_groups(struct request *q)
{
    const struct kp_delete_groups_req *req = q->msg;
    struct group_call *call = group_request(q, &kp_delete_groups_resp_schema);
    if (!call)
        return;
    struct kp_delete_groups_resp *resp = call->resp;
    resp->results =
        kp_array(&kp_delete_groups_resp_results_schema, &q->arena, (size_t)req->n_groups_names);
    if (!resp->results) {
        request_abort(q, "out of memory");
        return;
    }
    for (; resp->n_results < req->n_groups_names; resp->n_results++)
        resp->results[resp->n_results].group_id = req->groups_names[resp->n_results];
    group_request_send(q, coordinator_delete, NULL);
}
