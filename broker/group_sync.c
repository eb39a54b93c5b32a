/* group_sync.c - what members do between two joins: fetch assignments, show that they are alive,
 * commit, leave; and what happens when the group's state is durable. */
#include "broker/group.h"
#include "broker/owned.h"

static const struct kp_bytes no_assignment = {.p = (const uint8_t *)"", .n = 0};

/* ---- SyncGroup */

static void refuse(struct group *g, void *waiter, int16_t error)
{
    g->host->synced(waiter, &(struct group_synced){.error = error});
}

static bool differs(struct kp_str said, struct kp_str ours)
{
    return said.n >= 0 && !kp_str_eq(said, ours);
}

static int16_t check_sync(const struct group *g, const struct group_sync *in,
                          struct group_member **m)
{
    if (g->state == GROUP_DEAD)
        return KP_ERR_COORDINATOR_NOT_AVAILABLE;
    int16_t error = group_check_member(g, in->caller.member_id, in->caller.instance_id, m);
    if (error)
        return error;
    if (in->caller.generation != g->generation)
        return KP_ERR_ILLEGAL_GENERATION;
    if (differs(in->protocol_type, g->protocol_type) || differs(in->protocol, g->protocol))
        return KP_ERR_INCONSISTENT_GROUP_PROTOCOL;
    return g->state == GROUP_PREPARING ? KP_ERR_REBALANCE_IN_PROGRESS : KP_ERR_NONE;
}

static bool set_assignment(struct group *g, struct group_member *m, struct kp_bytes assignment)
{
    struct kp_bytes mine;
    if (!owned_bytes(&mine, assignment))
        return false;
    owned_bytes_free(&m->assignment);
    m->assignment = mine;
    return group_charge_member(g, m);
}

/* Those the leader does not mention get nothing; those it invents are ignored. */
static bool take_assignments(struct group *g, const struct group_sync *in)
{
    for (struct group_member *m = g->members; m; m = m->next) {
        if (!set_assignment(g, m, no_assignment))
            return false;
    }
    for (int32_t i = 0; i < in->n_assignments; i++) {
        struct group_member *m = group_find_member(g, in->assignments[i].member_id);
        if (m && !set_assignment(g, m, in->assignments[i].assignment))
            return false;
    }
    return true;
}

static void drop_assignments(struct group *g)
{
    for (struct group_member *m = g->members; m; m = m->next) {
        owned_bytes_free(&m->assignment);
        group_charge_member(g, m);
    }
}

static void give_assignment(struct group *g, struct group_member *m)
{
    group_answer_sync(
        m, g,
        &(struct group_synced){.group = g,
                               .assignment = m->assignment.n >= 0 ? m->assignment : no_assignment});
}

static void set_sync_waiter(struct group *g, struct group_member *m, void *waiter)
{
    group_answer_sync(m, g, &(struct group_synced){.error = KP_ERR_REBALANCE_IN_PROGRESS});
    m->sync_waiter = waiter;
    m->must_sync = false;
}

static void assignment_failed(struct group *g, int64_t now, int16_t error)
{
    g->storing = false;
    drop_assignments(g);
    group_refuse_syncs(g, error);
    group_rebalance(g, now);
}

void group_sync(struct group *g, int64_t now, const struct group_sync *in, void *waiter)
{
    struct group_member *m = NULL;
    int16_t error = check_sync(g, in, &m);
    if (error) {
        refuse(g, waiter, error);
        return;
    }
    set_sync_waiter(g, m, waiter);
    if (g->state == GROUP_STABLE) {
        group_touch(g, m, now);
        give_assignment(g, m);
        return;
    }
    if (m != g->leader || g->storing)
        return;
    if (!take_assignments(g, in)) {
        assignment_failed(g, now, KP_ERR_COORDINATOR_NOT_AVAILABLE);
        return;
    }
    g->storing = true;
    group_store(g);
}

/* ---- durable */

static void become_stable(struct group *g, int64_t now)
{
    g->storing = false;
    g->state = GROUP_STABLE;
    for (struct group_member *m = g->members; m; m = m->next) {
        if (!m->sync_waiter)
            continue;
        group_touch(g, m, now);
        give_assignment(g, m);
    }
}

/* A static member that took over learns its id. One that leads must not assign anew: it is told to
 * skip that, or, if it does not know how, that somebody else leads. */
static void tell_taken_over(struct group *g, struct group_member *m)
{
    if (g->leader != m || m->stands_for.n < 0) {
        group_tell_generation(g, m);
        return;
    }
    struct group_joined r = {.member_id = m->id, .group = g, .leader = m->stands_for};
    if (m->may_skip) {
        r.leader = m->id;
        r.members = r.skip_assignment = true;
    }
    group_answer_join(g, m, &r);
}

static void settle_take_overs(struct group *g, int16_t error)
{
    for (struct group_member *m = g->members; m; m = m->next) {
        if (error)
            group_answer_join(g, m,
                              &(struct group_joined){.error = error, .member_id = kp_strn("", 0)});
        else
            tell_taken_over(g, m);
        owned_str_free(&m->stands_for);
    }
}

void group_stored(struct group *g, int64_t now, int32_t generation, int16_t error)
{
    g->n_storing--;
    if (generation != g->generation)
        return; /* the group has moved on */
    if (g->state == GROUP_STABLE && (error || !g->n_storing))
        settle_take_overs(g, error);
    if (g->state != GROUP_COMPLETING || !g->storing)
        return;
    if (error)
        assignment_failed(g, now, error);
    else
        become_stable(g, now);
}

/* ---- Heartbeat */

static int16_t check_caller(const struct group *g, const struct group_caller *who,
                            struct group_member **m)
{
    if (g->state == GROUP_DEAD)
        return KP_ERR_COORDINATOR_NOT_AVAILABLE;
    int16_t error = group_check_member(g, who->member_id, who->instance_id, m);
    if (error)
        return error;
    return who->generation == g->generation ? KP_ERR_NONE : KP_ERR_ILLEGAL_GENERATION;
}

int16_t group_heartbeat(struct group *g, int64_t now, const struct group_caller *who)
{
    struct group_member *m;
    int16_t error = check_caller(g, who, &m);
    if (error)
        return error;
    group_touch(g, m, now);
    return g->state == GROUP_PREPARING ? KP_ERR_REBALANCE_IN_PROGRESS : KP_ERR_NONE;
}

/* ---- OffsetCommit */

int16_t group_may_commit(struct group *g, int64_t now, const struct group_caller *who)
{
    if (g->state == GROUP_DEAD)
        return KP_ERR_COORDINATOR_NOT_AVAILABLE;
    if (who->generation < 0 && g->state == GROUP_EMPTY)
        return KP_ERR_NONE; /* a consumer that assigns itself, or an administrator */
    struct group_member *m;
    int16_t error = check_caller(g, who, &m);
    if (error)
        return error;
    group_touch(g, m, now);
    return g->state == GROUP_COMPLETING ? KP_ERR_REBALANCE_IN_PROGRESS : KP_ERR_NONE;
}

/* ---- LeaveGroup */

int16_t group_leave(struct group *g, int64_t now, struct kp_str member_id,
                    struct kp_str instance_id)
{
    if (g->state == GROUP_DEAD)
        return KP_ERR_COORDINATOR_NOT_AVAILABLE;
    struct group_pending **pending = instance_id.n < 0 ? group_find_pending(g, member_id) : NULL;
    if (pending) {
        group_drop_pending(g, pending);
        group_try_complete(g, now);
        return KP_ERR_NONE;
    }
    struct group_member *m = NULL;
    if (instance_id.n >= 0 && member_id.n <= 0) {
        m = group_find_instance(g, instance_id);
        if (!m)
            return KP_ERR_UNKNOWN_MEMBER_ID;
    } else {
        int16_t error = group_check_member(g, member_id, instance_id, &m);
        if (error)
            return error;
    }
    group_remove_member(g, m);
    group_departed(g, now);
    return KP_ERR_NONE;
}
