/* h_group.c - JoinGroup, SyncGroup, Heartbeat, LeaveGroup: what members of a group say. */
#include "broker/api.h"
#include "broker/group_request.h"

static bool is_named(struct kp_str group)
{
    return group.n > 0;
}

/* Up to version 6 a protocol has to have a name. */
static void reply_join(struct request *q)
{
    struct kp_join_group_resp *resp = ((struct group_call *)q->local)->resp;
    if (q->header.version < 7 && resp->protocol_name.n < 0)
        resp->protocol_name = kp_strn("", 0);
    request_reply(q, resp);
}

void h_join_group(struct request *q)
{
    const struct kp_join_group_req *req = q->msg;
    struct group_call *call = group_request(q, &kp_join_group_resp_schema);
    if (!call)
        return;
    if (is_named(req->group_id)) {
        group_request_send(q, coordinator_join, reply_join);
        return;
    }
    struct kp_join_group_resp *resp = call->resp;
    resp->error_code = KP_ERR_INVALID_GROUP_ID;
    resp->member_id = req->member_id;
    reply_join(q);
}

void h_sync_group(struct request *q)
{
    const struct kp_sync_group_req *req = q->msg;
    struct group_call *call = group_request(q, &kp_sync_group_resp_schema);
    if (!call)
        return;
    struct kp_sync_group_resp *resp = call->resp;
    if (!is_named(req->group_id))
        resp->error_code = KP_ERR_INVALID_GROUP_ID;
    else if (q->header.version >= 5 && (req->protocol_type.n < 0 || req->protocol_name.n < 0))
        resp->error_code = KP_ERR_INCONSISTENT_GROUP_PROTOCOL;
    if (resp->error_code)
        request_reply(q, resp);
    else
        group_request_send(q, coordinator_sync, NULL);
}

void h_heartbeat(struct request *q)
{
    const struct kp_heartbeat_req *req = q->msg;
    struct group_call *call = group_request(q, &kp_heartbeat_resp_schema);
    if (!call)
        return;
    if (is_named(req->group_id)) {
        group_request_send(q, coordinator_heartbeat, NULL);
        return;
    }
    ((struct kp_heartbeat_resp *)call->resp)->error_code = KP_ERR_INVALID_GROUP_ID;
    request_reply(q, call->resp);
}

void h_leave_group(struct request *q)
{
    const struct kp_leave_group_req *req = q->msg;
    struct group_call *call = group_request(q, &kp_leave_group_resp_schema);
    if (!call)
        return;
    if (is_named(req->group_id)) {
        group_request_send(q, coordinator_leave, NULL);
        return;
    }
    ((struct kp_leave_group_resp *)call->resp)->error_code = KP_ERR_INVALID_GROUP_ID;
    request_reply(q, call->resp);
}
