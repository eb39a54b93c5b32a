/* h_cluster.c - DescribeCluster: brokers and controller, without topics. */
#include "broker/api.h"
#include "broker/broker.h"
#include "broker/operations.h"

enum { ENDPOINT_BROKERS = 1, ENDPOINT_CONTROLLERS = 2 };

static bool fill_brokers(struct request *q, struct kp_describe_cluster_resp *resp)
{
    size_t n;
    const struct meta_node *nodes = meta_nodes(image_get(&request_broker(q)->image), &n);
    resp->brokers = request_alloc(q, n, sizeof *resp->brokers);
    if (!resp->brokers)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct kp_describe_cluster_resp_brokers *b = &resp->brokers[resp->n_brokers++];
        kp_init(&kp_describe_cluster_resp_brokers_schema, b);
        b->broker_id = nodes[i].id;
        b->host = kp_str(nodes[i].host);
        b->port = nodes[i].port;
        b->rack = kp_str(nodes[i].rack);
    }
    return true;
}

void h_describe_cluster(struct request *q)
{
    struct broker *b = request_broker(q);
    const struct kp_describe_cluster_req *req = q->msg;
    struct kp_describe_cluster_resp resp;
    kp_init(&kp_describe_cluster_resp_schema, &resp);
    resp.endpoint_type = req->endpoint_type;
    resp.cluster_id = kp_str(b->cluster_id);
    if (req->endpoint_type == ENDPOINT_CONTROLLERS) {
        resp.error_code = KP_ERR_MISMATCHED_ENDPOINT_TYPE;
        resp.error_message = kp_str("this listener serves brokers' requests");
    } else if (req->endpoint_type != ENDPOINT_BROKERS) {
        resp.error_code = KP_ERR_UNSUPPORTED_ENDPOINT_TYPE;
        resp.error_message = kp_str("the endpoint type is unknown");
    } else {
        resp.controller_id = b->node_id;
        if (req->include_cluster_authorized_operations)
            resp.cluster_authorized_operations = OPERATIONS_CLUSTER;
        if (!fill_brokers(q, &resp)) {
            request_abort(q, "out of memory");
            return;
        }
    }
    request_reply(q, &resp);
}
