/* coordinator_admin.c - DescribeGroups, ListGroups, DeleteGroups. */
#include <search.h>
#include <stdlib.h>
#include <strings.h>

#include "broker/coordinator_impl.h"

/* ---- DescribeGroups */

static bool describe_member(struct arena *a, const struct group *g, const struct group_member *m,
                            struct kp_describe_groups_resp_groups_members *out)
{
    bool ok = coordinator_copy(a, &out->member_id, m->id) &&
              coordinator_copy(a, &out->group_instance_id, m->instance_id) &&
              coordinator_copy(a, &out->client_id, m->client_id) &&
              coordinator_copy(a, &out->client_host, m->client_host);
    if (!ok || g->state != GROUP_STABLE)
        return ok; /* until then neither is settled */
    return coordinator_copy_bytes(a, &out->member_metadata,
                                  group_member_metadata(m, g->protocol)) &&
           coordinator_copy_bytes(a, &out->member_assignment, m->assignment);
}

static bool describe(struct arena *a, const struct group *g,
                     struct kp_describe_groups_resp_groups *out)
{
    out->group_state = kp_str(group_state_name(g->state));
    out->members =
        kp_array(&kp_describe_groups_resp_groups_members_schema, a, (size_t)g->n_members);
    if (!out->members ||
        (g->protocol_type.n >= 0 && !coordinator_copy(a, &out->protocol_type, g->protocol_type)) ||
        (g->state == GROUP_STABLE && !coordinator_copy(a, &out->protocol_data, g->protocol)))
        return false;
    for (const struct group_member *m = g->members; m; m = m->next) {
        if (!describe_member(a, g, m, &out->members[out->n_members++]))
            return false;
    }
    return true;
}

static void describe_id(struct coordinator *c, struct arena *a,
                        struct kp_describe_groups_resp_groups *out)
{
    out->error_code = coordinator_check(c, out->group_id);
    if (out->error_code)
        return;
    struct slot *s = coordinator_find(c, out->group_id);
    if (!s) {
        /* Up to version 5 there is no error for it. */
        out->group_state = kp_str(group_state_name(GROUP_DEAD));
    } else if (!describe(a, s->group, out)) {
        out->n_members = 0;
        out->error_code = KP_ERR_COORDINATOR_NOT_AVAILABLE;
    }
}

void coordinator_describe(struct coordinator *c, struct group_call *call)
{
    struct kp_describe_groups_resp *resp = call->resp;
    for (int32_t i = 0; i < resp->n_groups; i++)
        describe_id(c, call->arena, &resp->groups[i]);
    call->done(call);
}

/* ---- ListGroups */

struct listing {
    struct group_call *call;
    bool failed;
};

static bool names(struct kp_str s, const char *name)
{
    return s.n == (int32_t)strlen(name) && strncasecmp(s.p, name, (size_t)s.n) == 0;
}

static bool is_wanted(const struct kp_list_groups_req *req, const struct group *g)
{
    bool state = req->n_states_filter <= 0, type = req->n_types_filter <= 0;
    for (int32_t i = 0; i < req->n_states_filter; i++)
        state = state || names(req->states_filter[i], group_state_name(g->state));
    for (int32_t i = 0; i < req->n_types_filter; i++)
        type = type || names(req->types_filter[i], "classic");
    return state && type;
}

static void list_one(const void *node, VISIT when, void *arg)
{
    struct listing *l = arg;
    if (l->failed || (when != postorder && when != leaf))
        return;
    const struct group *g = (*(struct slot *const *)node)->group;
    struct kp_list_groups_resp *resp = l->call->resp;
    if (!is_wanted(l->call->req, g))
        return;
    struct kp_list_groups_resp_groups *to = &resp->groups[resp->n_groups++];
    to->group_state = kp_str(group_state_name(g->state));
    to->group_type = kp_str("classic");
    l->failed = !coordinator_copy(l->call->arena, &to->group_id, g->id) ||
                (g->protocol_type.n >= 0 &&
                 !coordinator_copy(l->call->arena, &to->protocol_type, g->protocol_type));
}

static int16_t check_list(const struct coordinator *c)
{
    if (c->draining)
        return KP_ERR_NOT_COORDINATOR;
    if (c->n_loading)
        return KP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
    return c->n_failed ? KP_ERR_COORDINATOR_NOT_AVAILABLE
                       : KP_ERR_NONE; /* it would be a part of all */
}

void coordinator_list(struct coordinator *c, struct group_call *call)
{
    struct kp_list_groups_resp *resp = call->resp;
    struct listing l = {.call = call};
    resp->error_code = check_list(c);
    if (!resp->error_code) {
        resp->groups = kp_array(&kp_list_groups_resp_groups_schema, call->arena, c->n_slots);
        l.failed = !resp->groups;
        twalk_r(c->tree, list_one, &l);
    }
    if (l.failed) {
        resp->n_groups = 0;
        resp->error_code = KP_ERR_COORDINATOR_NOT_AVAILABLE;
    }
    call->done(call);
}

/* ---- DeleteGroups */

struct deleting {
    struct group_call *call;
    int32_t left;
};
struct deleting_one {
    struct deleting *all;
    struct kp_delete_groups_resp_results *result;
};

static void settle_one(struct deleting *all)
{
    if (--all->left == 0)
        all->call->done(all->call);
}

static void deleted(void *arg, int16_t error)
{
    struct deleting_one *one = arg;
    one->result->error_code = error;
    settle_one(one->all);
}

static int16_t check_delete(struct coordinator *c, struct kp_str id, struct slot **out)
{
    int16_t error = coordinator_check(c, id);
    if (error)
        return error;
    *out = coordinator_find(c, id);
    if (!*out || (*out)->group->state == GROUP_DEAD)
        return KP_ERR_GROUP_ID_NOT_FOUND;
    return (*out)->group->state == GROUP_EMPTY ? KP_ERR_NONE : KP_ERR_NON_EMPTY_GROUP;
}

void coordinator_delete(struct coordinator *c, struct group_call *call)
{
    struct kp_delete_groups_resp *resp = call->resp;
    struct deleting *all = arena_alloc(call->arena, sizeof *all);
    struct deleting_one *ones = arena_array(call->arena, (size_t)resp->n_results, sizeof *ones);
    if (!all || !ones) {
        for (int32_t i = 0; i < resp->n_results; i++)
            resp->results[i].error_code = KP_ERR_COORDINATOR_NOT_AVAILABLE;
        call->done(call);
        return;
    }
    *all =
        (struct deleting){call, 1 + resp->n_results}; /* one of ours, until all are on their way */
    for (int32_t i = 0; i < resp->n_results; i++) {
        struct kp_delete_groups_resp_results *r = &resp->results[i];
        struct slot *s = NULL;
        r->error_code = check_delete(c, r->group_id, &s);
        ones[i] = (struct deleting_one){all, r};
        if (r->error_code)
            settle_one(all);
        else
            coordinator_bury(s, deleted, &ones[i]);
    }
    settle_one(all);
}
