/* group_join.c - who enters a group, and how.
 *
 * A dynamic member comes without an id, gets one (from version 4 on it has to come again with it,
 * so that clients that give up leave no member behind), and takes part in the rebalance its coming
 * begins. It joins again whenever a heartbeat tells it to. A static member is known by its instance
 * id: when its process starts anew it gets a new member id and takes the old one's place and
 * assignment, and nobody else notices unless what it subscribes to has changed.
 */
#include <stdlib.h>

#include "broker/group.h"
#include "broker/group_subscription.h"
#include "broker/owned.h"

enum { PENDING_OVERHEAD = 64 };

static void refuse(struct group *g, const struct group_join *in, void *waiter, int16_t error)
{
    g->host->joined(waiter, &(struct group_joined){.error = error, .member_id = in->member_id});
}

/* ---- may it? */

static bool offered_by_all(const struct group *g, struct kp_str protocol)
{
    for (const struct group_member *m = g->members; m; m = m->next) {
        if (!group_member_offers(m, protocol))
            return false;
    }
    return true;
}

static bool fits(const struct group *g, const struct group_join *in)
{
    if (in->protocol_type.n <= 0 || in->n_protocols < 1 || in->n_protocols > GROUP_PROTOCOLS_MAX)
        return false;
    if (!g->members)
        return true;
    if (!kp_str_eq(g->protocol_type, in->protocol_type))
        return false;
    for (int32_t i = 0; i < in->n_protocols; i++) {
        if (offered_by_all(g, in->protocols[i].name))
            return true;
    }
    return false;
}

/* Members that were there before and have not come back yet do not take up room. */
static bool is_full(const struct group *g)
{
    int32_t n = g->state == GROUP_PREPARING ? g->n_joining : g->n_members;
    return n >= g->limits->max_members;
}

static int16_t check(const struct group *g, const struct group_join *in)
{
    if (in->session_ms < g->limits->min_session_ms || in->session_ms > g->limits->max_session_ms)
        return KP_ERR_INVALID_SESSION_TIMEOUT;
    if (g->state == GROUP_DEAD)
        return KP_ERR_COORDINATOR_NOT_AVAILABLE;
    return fits(g, in) ? KP_ERR_NONE : KP_ERR_INCONSISTENT_GROUP_PROTOCOL;
}

/* ---- new members */

static bool take_type(struct group *g, struct kp_str protocol_type)
{
    struct kp_str type;
    if (g->members || kp_str_eq(g->protocol_type, protocol_type))
        return true;
    if (!owned_str(&type, protocol_type))
        return false;
    owned_str_free(&g->protocol_type);
    g->protocol_type = type;
    return true;
}

static void admit(struct group *g, int64_t now, const struct group_join *in, struct kp_str id,
                  void *waiter)
{
    if (is_full(g)) {
        refuse(g, in, waiter, KP_ERR_GROUP_MAX_SIZE_REACHED);
        return;
    }
    struct group_member *m = take_type(g, in->protocol_type) ? group_member_new(in, id) : NULL;
    int16_t error = m ? group_add_member(g, m) : KP_ERR_COORDINATOR_NOT_AVAILABLE;
    if (error) {
        group_member_free(m);
        refuse(g, in, waiter, error);
        return;
    }
    m->is_new = true;
    m->may_skip = in->may_skip;
    group_set_deadline(g, m, now + GROUP_FIRST_JOIN_MS);
    group_set_join_waiter(g, m, waiter);
    if (g->state == GROUP_PREPARING && g->delay_left >= 0)
        g->newcomer = true;
    group_rebalance(g, now);
}

static bool add_pending(struct group *g, int64_t now, const struct group_join *in)
{
    if (!budget_take(g->limits->memory, PENDING_OVERHEAD + in->fresh_id.n, 0))
        return false;
    struct group_pending *p = calloc(1, sizeof *p);
    if (!p || !owned_str(&p->id, in->fresh_id)) {
        free(p);
        budget_give(g->limits->memory, PENDING_OVERHEAD + in->fresh_id.n);
        return false;
    }
    p->deadline_ms = now + in->session_ms;
    p->next = g->pending;
    g->pending = p;
    g->n_pending++;
    group_wake_by(g, p->deadline_ms);
    return true;
}

static void give_id(struct group *g, int64_t now, const struct group_join *in, void *waiter)
{
    if (is_full(g) || g->n_pending >= g->limits->max_members) {
        refuse(g, in, waiter, KP_ERR_GROUP_MAX_SIZE_REACHED);
        return;
    }
    if (!add_pending(g, now, in)) {
        refuse(g, in, waiter, KP_ERR_COORDINATOR_NOT_AVAILABLE);
        return;
    }
    g->host->joined(waiter, &(struct group_joined){.error = KP_ERR_MEMBER_ID_REQUIRED,
                                                   .member_id = in->fresh_id});
}

/* ---- static members that start anew */

/* Would anybody notice? m is in its place already; before: what its protocol's metadata was. */
static bool is_unnoticed(const struct group *g, const struct group_member *m,
                         struct kp_bytes before)
{
    return g->state == GROUP_STABLE && kp_str_eq(group_choose_protocol(g), g->protocol) &&
           group_subscription_same(g->protocol_type, before, group_member_metadata(m, g->protocol));
}

static void take_over(struct group *g, int64_t now, const struct group_join *in,
                      struct group_member *old, void *waiter)
{
    struct kp_bytes was = group_member_metadata(old, g->protocol), before;
    struct group_member *m = group_member_new(in, in->fresh_id);
    bool ok = m && owned_bytes(&before, was);
    if (!ok || group_replace_member(g, old, m)) {
        if (ok)
            owned_bytes_free(&before);
        group_member_free(m);
        refuse(g, in, waiter, KP_ERR_COORDINATOR_NOT_AVAILABLE);
        return;
    }
    m->may_skip = in->may_skip;
    group_touch(g, m, now);
    group_set_join_waiter(g, m, waiter);
    /* Its new id has to be durable before it is told. While the leader's assignment is awaited it
     * would name the old id, so that needs a rebalance too. */
    if (is_unnoticed(g, m, before))
        group_store(g);
    else
        group_rebalance(g, now);
    owned_bytes_free(&before);
}

/* ---- members that are known */

static void update(struct group *g, int64_t now, const struct group_join *in,
                   struct group_member *m, void *waiter)
{
    struct group_protocols old = m->protocols;
    if (!group_protocols_copy(&m->protocols, in->protocols, in->n_protocols) ||
        !group_charge_member(g, m)) {
        group_protocols_free(&m->protocols);
        m->protocols = old;
        refuse(g, in, waiter, KP_ERR_COORDINATOR_NOT_AVAILABLE);
        return;
    }
    group_protocols_free(&old);
    m->session_ms = in->session_ms;
    m->rebalance_ms = in->rebalance_ms;
    m->may_skip = in->may_skip;
    group_set_join_waiter(g, m, waiter);
    group_rebalance(g, now);
}

/* Has it anything new to say, or is it the leader, who asks for a rebalance by joining? */
static bool wants_rebalance(const struct group *g, const struct group_join *in,
                            const struct group_member *m)
{
    if (g->state == GROUP_PREPARING || (g->state == GROUP_STABLE && g->leader == m))
        return true;
    return !group_protocols_are(&m->protocols, in->protocols, in->n_protocols);
}

static void rejoin(struct group *g, int64_t now, const struct group_join *in, void *waiter)
{
    struct group_pending **pending = group_find_pending(g, in->member_id);
    if (pending && in->instance_id.n < 0) {
        group_drop_pending(g, pending);
        admit(g, now, in, in->member_id, waiter);
        return;
    }
    struct group_member *m;
    int16_t error = group_check_member(g, in->member_id, in->instance_id, &m);
    if (error) {
        refuse(g, in, waiter, error);
        return;
    }
    if (wants_rebalance(g, in, m)) {
        update(g, now, in, m, waiter);
        return;
    }
    group_touch(g, m, now);
    group_set_join_waiter(g, m, waiter); /* the answer was lost, or it only looks */
    group_tell_generation(g, m);
}

void group_join(struct group *g, int64_t now, const struct group_join *in, void *waiter)
{
    int16_t error = check(g, in);
    if (error) {
        refuse(g, in, waiter, error);
        return;
    }
    if (in->member_id.n > 0) {
        rejoin(g, now, in, waiter);
        return;
    }
    struct group_member *old =
        in->instance_id.n >= 0 ? group_find_instance(g, in->instance_id) : NULL;
    if (old)
        take_over(g, now, in, old, waiter);
    else if (in->instance_id.n < 0 && in->id_first)
        give_id(g, now, in, waiter);
    else
        admit(g, now, in, in->fresh_id, waiter);
}
