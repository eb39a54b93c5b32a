/* coordinator_members.c - JoinGroup, SyncGroup, Heartbeat, LeaveGroup. */
#include <string.h>

#include "broker/coordinator_impl.h"

enum {
    ID_FIRST_VERSION = 4, /* of JoinGroup: members without an id get one and come again */
    SKIP_VERSION = 9,     /* of JoinGroup: clients understand skip_assignment */
    NAME_IN_ID = 255,     /* bytes of a client's name in its member id */
};

/* ---- JoinGroup */

/* At most n bytes of s, whole characters if it is UTF-8. */
static int32_t cut(struct kp_str s, int32_t n)
{
    if (s.n <= n)
        return s.n > 0 ? s.n : 0;
    while (n > 0 && ((uint8_t)s.p[n] & 0xc0) == 0x80)
        n--;
    return n;
}

/* "<name>-<random id>" */
static bool make_id(struct group_call *call, struct kp_str name, struct kp_str *out)
{
    struct uuid u;
    char random[UUID_TEXT];
    if (uuid_random(&u))
        return false;
    uuid_text(&u, random);
    int32_t n = cut(name, NAME_IN_ID);
    char *id = arena_alloc(call->arena, (size_t)n + UUID_TEXT + 1);
    if (!id)
        return false;
    if (n)
        memcpy(id, name.p, (size_t)n);
    id[n] = '-';
    memcpy(id + n + 1, random, UUID_TEXT);
    *out = kp_strn(id, (size_t)n + UUID_TEXT);
    return true;
}

static void refuse_join(struct group_call *call, int16_t error)
{
    const struct kp_join_group_req *req = call->req;
    struct kp_join_group_resp *resp = call->resp;
    resp->error_code = error;
    resp->member_id = req->member_id;
    call->done(call);
}

static int16_t check_join(struct coordinator *c, const struct kp_join_group_req *req)
{
    int16_t error = coordinator_check(c, req->group_id);
    if (!error && req->member_id.n > 0 && !coordinator_find(c, req->group_id))
        error = KP_ERR_UNKNOWN_MEMBER_ID;
    return error;
}

void coordinator_join(struct coordinator *c, struct group_call *call)
{
    const struct kp_join_group_req *req = call->req;
    struct group_join in = {
        .member_id = req->member_id,
        .instance_id = req->group_instance_id,
        .client_id = call->client_id,
        .client_host = call->client_host,
        .protocol_type = req->protocol_type,
        .protocols = req->protocols,
        .n_protocols = req->n_protocols,
        .session_ms = req->session_timeout_ms,
        /* version 0 has no other timeout */
        .rebalance_ms =
            req->rebalance_timeout_ms >= 0 ? req->rebalance_timeout_ms : req->session_timeout_ms,
        .id_first = call->version >= ID_FIRST_VERSION,
        .may_skip = call->version >= SKIP_VERSION,
    };
    int16_t error = check_join(c, req);
    struct kp_str name = in.instance_id.n >= 0 ? in.instance_id : call->client_id;
    if (!error && !make_id(call, name, &in.fresh_id))
        error = KP_ERR_COORDINATOR_NOT_AVAILABLE;
    struct slot *s = error ? NULL : coordinator_want(c, req->group_id);
    if (!s) {
        refuse_join(call, error ? error : KP_ERR_COORDINATOR_NOT_AVAILABLE);
        return;
    }
    group_join(s->group, coordinator_now(c), &in, call);
    coordinator_settle(s);
}

/* ---- SyncGroup, Heartbeat */

void coordinator_sync(struct coordinator *c, struct group_call *call)
{
    const struct kp_sync_group_req *req = call->req;
    struct kp_sync_group_resp *resp = call->resp;
    struct slot *s = NULL;
    resp->error_code = coordinator_check(c, req->group_id);
    if (!resp->error_code) {
        s = coordinator_find(c, req->group_id);
        resp->error_code = s ? KP_ERR_NONE : KP_ERR_UNKNOWN_MEMBER_ID;
    }
    if (!s) {
        call->done(call);
        return;
    }
    struct group_sync in = {
        .caller = {req->member_id, req->group_instance_id, req->generation_id},
        .protocol_type = req->protocol_type,
        .protocol = req->protocol_name,
        .assignments = req->assignments,
        .n_assignments = req->n_assignments,
    };
    group_sync(s->group, coordinator_now(c), &in, call);
    coordinator_settle(s);
}

static int16_t heartbeat(struct coordinator *c, const struct kp_heartbeat_req *req)
{
    int16_t error = coordinator_check(c, req->group_id);
    if (error == KP_ERR_COORDINATOR_LOAD_IN_PROGRESS)
        return KP_ERR_NONE; /* Java clients take this error for a fatal one here; the session has
                               not begun yet */
    if (error)
        return error;
    struct slot *s = coordinator_find(c, req->group_id);
    if (!s)
        return KP_ERR_UNKNOWN_MEMBER_ID;
    struct group_caller who = {req->member_id, req->group_instance_id, req->generation_id};
    error = group_heartbeat(s->group, coordinator_now(c), &who);
    coordinator_settle(s);
    return error;
}

void coordinator_heartbeat(struct coordinator *c, struct group_call *call)
{
    ((struct kp_heartbeat_resp *)call->resp)->error_code = heartbeat(c, call->req);
    call->done(call);
}

/* ---- LeaveGroup */

static int16_t leave(struct coordinator *c, struct kp_str group, struct kp_str member_id,
                     struct kp_str instance_id)
{
    struct slot *s = coordinator_find(c, group); /* it may go with its last member */
    if (!s)
        return KP_ERR_UNKNOWN_MEMBER_ID;
    int16_t error = group_leave(s->group, coordinator_now(c), member_id, instance_id);
    coordinator_settle(s);
    return error;
}

static bool leave_all(struct coordinator *c, struct group_call *call)
{
    const struct kp_leave_group_req *req = call->req;
    struct kp_leave_group_resp *resp = call->resp;
    resp->members =
        kp_array(&kp_leave_group_resp_members_schema, call->arena, (size_t)req->n_members);
    if (!resp->members)
        return false;
    for (int32_t i = 0; i < req->n_members; i++) {
        const struct kp_leave_group_req_members *m = &req->members[i];
        struct kp_leave_group_resp_members *to = &resp->members[resp->n_members++];
        to->member_id = m->member_id;
        to->group_instance_id = m->group_instance_id;
        to->error_code = leave(c, req->group_id, m->member_id, m->group_instance_id);
    }
    return true;
}

void coordinator_leave(struct coordinator *c, struct group_call *call)
{
    const struct kp_leave_group_req *req = call->req;
    struct kp_leave_group_resp *resp = call->resp;
    resp->error_code = coordinator_check(c, req->group_id);
    if (!resp->error_code) {
        if (call->version < 3)
            resp->error_code = leave(c, req->group_id, req->member_id, kp_str(NULL));
        else if (!leave_all(c, call))
            resp->error_code = KP_ERR_COORDINATOR_NOT_AVAILABLE;
    }
    call->done(call);
}
