/* group.c - rebalances and time. */
#include "broker/group.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>

#include "base/err.h"
#include "broker/owned.h"

enum { GROUP_OVERHEAD = 256, PENDING_OVERHEAD = 64 };

const char *group_state_name(enum group_state s)
{
    static const char *const names[] = {"Empty", "PreparingRebalance", "CompletingRebalance",
                                        "Stable", "Dead"};
    return names[s];
}

/* ---- finding */

static int order_by_id(const void *a, const void *b)
{
    return owned_order(((const struct group_member *)a)->id, ((const struct group_member *)b)->id);
}

static int order_by_instance(const void *a, const void *b)
{
    return owned_order(((const struct group_member *)a)->instance_id,
                       ((const struct group_member *)b)->instance_id);
}

struct group_member *group_find_member(const struct group *g, struct kp_str id)
{
    struct group_member key = {.id = id};
    void *node = tfind(&key, &g->by_id, order_by_id);
    return node ? *(struct group_member **)node : NULL;
}

struct group_member *group_find_instance(const struct group *g, struct kp_str instance_id)
{
    struct group_member key = {.instance_id = instance_id};
    void *node = tfind(&key, &g->by_instance, order_by_instance);
    return node ? *(struct group_member **)node : NULL;
}

struct group_pending **group_find_pending(struct group *g, struct kp_str id)
{
    struct group_pending **at = &g->pending;
    while (*at && !kp_str_eq((*at)->id, id))
        at = &(*at)->next;
    return *at ? at : NULL;
}

int16_t group_check_member(const struct group *g, struct kp_str member_id,
                           struct kp_str instance_id, struct group_member **out)
{
    if (instance_id.n >= 0) {
        struct group_member *m = group_find_instance(g, instance_id);
        if (!m)
            return KP_ERR_UNKNOWN_MEMBER_ID;
        if (!kp_str_eq(m->id, member_id))
            return KP_ERR_FENCED_INSTANCE_ID;
    }
    *out = group_find_member(g, member_id);
    return *out ? KP_ERR_NONE : KP_ERR_UNKNOWN_MEMBER_ID;
}

/* ---- membership */

static bool enter_trees(struct group *g, struct group_member *m)
{
    if (!tsearch(m, &g->by_id, order_by_id))
        return false;
    if (m->instance_id.n < 0 || tsearch(m, &g->by_instance, order_by_instance))
        return true;
    tdelete(m, &g->by_id, order_by_id);
    return false;
}

static void leave_trees(struct group *g, struct group_member *m)
{
    tdelete(m, &g->by_id, order_by_id);
    if (m->instance_id.n >= 0)
        tdelete(m, &g->by_instance, order_by_instance);
}

bool group_charge_member(struct group *g, struct group_member *m)
{
    size_t bytes = group_member_size(m);
    if (bytes > m->bytes && !budget_take(g->limits->memory, (int64_t)(bytes - m->bytes), 0))
        return false;
    if (bytes < m->bytes)
        budget_give(g->limits->memory, (int64_t)(m->bytes - bytes));
    m->bytes = bytes;
    return true;
}

static void free_member(struct group *g, struct group_member *m)
{
    budget_give(g->limits->memory, (int64_t)m->bytes);
    group_member_free(m);
}

static void link_member(struct group *g, struct group_member *m)
{
    m->next = NULL;
    m->prev = g->last;
    *g->last = m;
    g->last = &m->next;
    g->n_members++;
}

static void unlink_member(struct group *g, struct group_member *m)
{
    *m->prev = m->next;
    if (m->next)
        m->next->prev = m->prev;
    else
        g->last = m->prev;
    g->n_members--;
}

int16_t group_add_member(struct group *g, struct group_member *m)
{
    if (!group_charge_member(g, m))
        return KP_ERR_COORDINATOR_NOT_AVAILABLE;
    if (!enter_trees(g, m)) {
        budget_give(g->limits->memory, (int64_t)m->bytes);
        m->bytes = 0;
        return KP_ERR_COORDINATOR_NOT_AVAILABLE;
    }
    link_member(g, m);
    if (!g->leader)
        g->leader = m;
    return KP_ERR_NONE;
}

static void answer_waiters(struct group *g, struct group_member *m, int16_t error)
{
    group_answer_join(g, m, &(struct group_joined){.error = error, .member_id = m->id});
    group_answer_sync(m, g, &(struct group_synced){.error = error});
}

int16_t group_replace_member(struct group *g, struct group_member *old, struct group_member *m)
{
    bool led = g->leader == old;
    leave_trees(g, old);
    int16_t error = group_add_member(g, m);
    if (error) {
        enter_trees(g, old); /* takes the memory that leaving gave back */
        return error;
    }
    answer_waiters(g, old, KP_ERR_FENCED_INSTANCE_ID);
    m->assignment = old->assignment;
    m->stands_for = old->id;
    old->assignment.n = old->id.n = -1;
    old->assignment.p = NULL;
    old->id.p = NULL;
    m->must_sync = old->must_sync;
    m->is_new = old->is_new;
    if (led)
        g->leader = m;
    unlink_member(g, old);
    free_member(g, old);
    return KP_ERR_NONE;
}

void group_remove_member(struct group *g, struct group_member *m)
{
    answer_waiters(g, m, KP_ERR_UNKNOWN_MEMBER_ID);
    leave_trees(g, m);
    unlink_member(g, m);
    if (g->leader == m)
        g->leader = g->members;
    free_member(g, m);
}

void group_drop_pending(struct group *g, struct group_pending **at)
{
    struct group_pending *p = *at;
    *at = p->next;
    g->n_pending--;
    budget_give(g->limits->memory, PENDING_OVERHEAD + p->id.n);
    owned_str_free(&p->id);
    free(p);
}

/* ---- time */

void group_wake_by(struct group *g, int64_t at)
{
    if (at < g->wake_ms)
        g->wake_ms = at;
}

void group_set_deadline(struct group *g, struct group_member *m, int64_t at)
{
    m->deadline_ms = at;
    group_wake_by(g, at);
}

void group_touch(struct group *g, struct group_member *m, int64_t now)
{
    group_set_deadline(g, m, now + m->session_ms);
}

/* ---- answers */

void group_set_join_waiter(struct group *g, struct group_member *m, void *waiter)
{
    /* A member that asks again has given up on its first request. */
    group_answer_join(
        g, m, &(struct group_joined){.error = KP_ERR_REBALANCE_IN_PROGRESS, .member_id = m->id});
    m->join_waiter = waiter;
    g->n_joining++;
}

void group_answer_join(struct group *g, struct group_member *m, const struct group_joined *r)
{
    void *waiter = m->join_waiter;
    if (!waiter)
        return;
    m->join_waiter = NULL;
    g->n_joining--;
    g->host->joined(waiter, r);
}

void group_answer_sync(struct group_member *m, const struct group *g, const struct group_synced *r)
{
    void *waiter = m->sync_waiter;
    m->sync_waiter = NULL;
    if (waiter)
        g->host->synced(waiter, r);
}

void group_tell_generation(struct group *g, struct group_member *m)
{
    bool leads = g->leader == m;
    group_answer_join(
        g, m,
        &(struct group_joined){
            .member_id = m->id, .group = g, .leader = g->leader->id, .members = leads});
}

void group_refuse_syncs(struct group *g, int16_t error)
{
    for (struct group_member *m = g->members; m; m = m->next)
        group_answer_sync(m, g, &(struct group_synced){.error = error});
}

void group_dismiss(struct group *g, int16_t error)
{
    for (struct group_member *m = g->members; m; m = m->next)
        answer_waiters(g, m, error);
}

void group_store(struct group *g)
{
    g->n_storing++;
    g->host->store(g);
}

/* ---- the protocol */

static bool all_offer(const struct group *g, struct kp_str protocol)
{
    for (const struct group_member *m = g->members; m; m = m->next) {
        if (!group_member_offers(m, protocol))
            return false;
    }
    return true;
}

/* Which of the candidates a member likes best; -1: none. */
static int32_t favourite(const struct group_member *m, const struct group_protocols *of,
                         const bool *is_candidate)
{
    for (int32_t i = 0; i < m->protocols.n; i++) {
        for (int32_t c = 0; c < of->n; c++) {
            if (is_candidate[c] && kp_str_eq(of->of[c].name, m->protocols.of[i].name))
                return c;
        }
    }
    return -1;
}

struct kp_str group_choose_protocol(const struct group *g)
{
    bool is_candidate[GROUP_PROTOCOLS_MAX];
    int32_t votes[GROUP_PROTOCOLS_MAX] = {0};
    if (!g->members)
        return kp_str(NULL);
    const struct group_protocols *of = &g->members->protocols;
    for (int32_t i = 0; i < of->n; i++)
        is_candidate[i] = all_offer(g, of->of[i].name);
    for (const struct group_member *m = g->members; m; m = m->next) {
        int32_t c = favourite(m, of, is_candidate);
        if (c >= 0)
            votes[c]++;
    }
    int32_t best = -1;
    for (int32_t i = 0; i < of->n; i++) {
        if (votes[i] && (best < 0 || votes[i] > votes[best]))
            best = i;
    }
    return best < 0 ? kp_str(NULL) : of->of[best].name;
}

/* ---- rebalances */

static int64_t rebalance_timeout(const struct group *g)
{
    int64_t most = 0;
    for (const struct group_member *m = g->members; m; m = m->next)
        most = m->rebalance_ms > most ? m->rebalance_ms : most;
    return most;
}

static void wait_for_members(struct group *g, int64_t now)
{
    g->delay_left = -1;
    g->rebalance_at = now + rebalance_timeout(g);
    group_wake_by(g, g->rebalance_at);
}

/* An empty group gives others the time to come, up to its first member's rebalance timeout. */
static void wait_initially(struct group *g, int64_t now)
{
    int64_t most = rebalance_timeout(g), delay = g->limits->initial_delay_ms;
    if (delay > most)
        delay = most;
    g->newcomer = false;
    g->delay_left = most - delay;
    g->rebalance_at = now + delay;
    group_wake_by(g, g->rebalance_at);
}

static void drop_missing(struct group *g)
{
    for (struct group_member *m = g->members, *next; m; m = next) {
        next = m->next;
        if (!m->join_waiter && m->instance_id.n < 0)
            group_remove_member(g, m);
    }
}

static struct group_member *first_joining(const struct group *g)
{
    struct group_member *m = g->members;
    while (m && !m->join_waiter)
        m = m->next;
    return m;
}

static void become_empty(struct group *g)
{
    g->state = GROUP_EMPTY;
    owned_str_free(&g->protocol);
    group_store(g);
}

/* A protocol that all offer exists as long as there are members: nobody gets in without one. What
 * can be missing is memory; then the members have to try again. */
static bool settle_protocol(struct group *g)
{
    struct kp_str chosen, best = group_choose_protocol(g);
    if (best.n < 0 || !owned_str(&chosen, best))
        return false;
    owned_str_free(&g->protocol);
    g->protocol = chosen;
    return true;
}

static void begin_generation(struct group *g, int64_t now)
{
    g->state = GROUP_COMPLETING;
    g->storing = false;
    g->sync_at = now + rebalance_timeout(g);
    group_wake_by(g, g->sync_at);
    for (struct group_member *m = g->members; m; m = m->next) {
        m->is_new = false;
        m->must_sync = true;
        owned_str_free(&m->stands_for);
        group_touch(g, m, now);
        group_tell_generation(g, m);
    }
}

/* The preparation ends: those who are here make the next generation. */
static void complete(struct group *g, int64_t now)
{
    drop_missing(g);
    struct group_member *first = first_joining(g);
    if (g->members && !first) {
        wait_for_members(g, now); /* only static members are left, and none has come back yet */
        return;
    }
    if (g->members && !g->leader->join_waiter)
        g->leader = first;
    g->delay_left = -1;
    g->rebalance_at = INT64_MAX;
    g->generation = g->generation == INT32_MAX ? 1 : g->generation + 1;
    if (!g->members) {
        become_empty(g);
    } else if (settle_protocol(g)) {
        begin_generation(g, now);
    } else {
        group_dismiss(g, KP_ERR_COORDINATOR_NOT_AVAILABLE);
        wait_for_members(g, now);
    }
}

void group_try_complete(struct group *g, int64_t now)
{
    if (g->state == GROUP_PREPARING && g->delay_left < 0 && g->n_joining == g->n_members &&
        !g->n_pending)
        complete(g, now);
}

static void rebalance_due(struct group *g, int64_t now)
{
    if (g->delay_left > 0 && g->newcomer) {
        int64_t more = g->limits->initial_delay_ms;
        if (more > g->delay_left)
            more = g->delay_left;
        g->newcomer = false;
        g->delay_left -= more;
        g->rebalance_at = now + more;
        group_wake_by(g, g->rebalance_at);
        return;
    }
    complete(g, now);
}

void group_rebalance(struct group *g, int64_t now)
{
    if (g->state == GROUP_PREPARING) {
        group_try_complete(g, now);
        return;
    }
    bool was_empty = g->state == GROUP_EMPTY;
    group_refuse_syncs(g, KP_ERR_REBALANCE_IN_PROGRESS);
    g->state = GROUP_PREPARING;
    g->sync_at = INT64_MAX;
    if (was_empty)
        wait_initially(g, now);
    else
        wait_for_members(g, now);
    if (g->rebalance_at <= now)
        rebalance_due(g, now);
    else
        group_try_complete(g, now);
}

void group_departed(struct group *g, int64_t now)
{
    if (g->state != GROUP_EMPTY && g->state != GROUP_DEAD)
        group_rebalance(g, now);
}

/* ---- the passing of time */

static bool expire_pending(struct group *g, int64_t now)
{
    bool any = false;
    for (struct group_pending **at = &g->pending; *at;) {
        if ((*at)->deadline_ms > now) {
            at = &(*at)->next;
            continue;
        }
        group_drop_pending(g, at);
        any = true;
    }
    return any;
}

/* Who waits for the others is alive; only a newcomer's wait has an end. */
static bool is_alive(const struct group_member *m)
{
    return !m->is_new && (m->join_waiter || m->sync_waiter);
}

static bool expire_members(struct group *g, int64_t now)
{
    bool any = false;
    for (struct group_member *m = g->members, *next; m; m = next) {
        next = m->next;
        if (m->deadline_ms > now)
            continue;
        if (is_alive(m)) {
            group_touch(g, m, now);
            continue;
        }
        group_remove_member(g, m);
        any = true;
    }
    return any;
}

static bool expire_syncs(struct group *g, int64_t now)
{
    if (g->sync_at > now)
        return false;
    bool any = false;
    g->sync_at = INT64_MAX;
    for (struct group_member *m = g->members, *next; m; m = next) {
        next = m->next;
        if (!m->must_sync)
            continue;
        group_remove_member(g, m);
        any = true;
    }
    return any;
}

static int64_t next_deadline(const struct group *g)
{
    int64_t first = g->sync_at < g->rebalance_at ? g->sync_at : g->rebalance_at;
    for (const struct group_pending *p = g->pending; p; p = p->next)
        first = p->deadline_ms < first ? p->deadline_ms : first;
    for (const struct group_member *m = g->members; m; m = m->next)
        first = m->deadline_ms < first ? m->deadline_ms : first;
    return first;
}

void group_tick(struct group *g, int64_t now)
{
    if (now < g->wake_ms)
        return;
    bool unused = expire_pending(g, now);
    bool gone = expire_members(g, now);
    gone |= expire_syncs(g, now);
    if (gone)
        group_departed(g, now);
    else if (unused) /* was no member, but a preparation may have waited for it */
        group_try_complete(g, now);
    if (g->rebalance_at <= now)
        rebalance_due(g, now);
    /* Events only bring it forward: a member's deadline moves with each of its heartbeats, and
     * looking for the first one each time would cost more than to wake up early now and then. */
    g->wake_ms = next_deadline(g);
}

/* ---- life */

struct group *group_new(const struct group_host *host, const struct group_limits *limits,
                        struct kp_str id)
{
    struct group *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    if (!owned_str(&g->id, id)) {
        free(g);
        return NULL;
    }
    budget_charge(limits->memory, GROUP_OVERHEAD + (int64_t)sizeof *g + g->id.n);
    g->host = host;
    g->limits = limits;
    g->protocol_type = g->protocol = kp_str(NULL);
    g->last = &g->members;
    g->delay_left = -1;
    g->rebalance_at = g->sync_at = g->wake_ms = INT64_MAX;
    g->since_ms = -1;
    group_offsets_init(&g->offsets, limits->memory);
    return g;
}

void group_free(struct group *g, int16_t error)
{
    if (!g)
        return;
    group_dismiss(g, error);
    while (g->members)
        group_remove_member(g, g->members);
    while (g->pending)
        group_drop_pending(g, &g->pending);
    group_offsets_release(&g->offsets);
    budget_give(g->limits->memory, GROUP_OVERHEAD + (int64_t)sizeof *g + g->id.n);
    owned_str_free(&g->id);
    owned_str_free(&g->protocol_type);
    owned_str_free(&g->protocol);
    free(g);
}

bool group_is_blank(const struct group *g)
{
    return g->state == GROUP_EMPTY && g->generation == 0 && !g->n_pending &&
           !group_offsets_count(&g->offsets);
}

void group_set_dead(struct group *g, bool dead)
{
    if (g->state == (dead ? GROUP_EMPTY : GROUP_DEAD))
        g->state = dead ? GROUP_DEAD : GROUP_EMPTY;
}

/* ---- from the log */

static int restore_member(struct group *g, struct kp_str protocol,
                          const struct kp_group_metadata_value_members *v)
{
    struct kp_join_group_req_protocols offer = {.name = protocol, .metadata = v->subscription};
    struct group_join in = {
        .instance_id = v->group_instance_id,
        .client_id = v->client_id,
        .client_host = v->client_host,
        .protocols = &offer,
        .n_protocols = 1,
        .session_ms = v->session_timeout,
        .rebalance_ms = v->rebalance_timeout >= 0 ? v->rebalance_timeout : v->session_timeout,
    };
    if (group_find_member(g, v->member_id) ||
        (v->group_instance_id.n >= 0 && group_find_instance(g, v->group_instance_id)))
        return ERR_MALFORMED;
    struct group_member *m = group_member_new(&in, v->member_id);
    if (!m)
        return -ENOMEM;
    bool ok = owned_bytes(&m->assignment, v->assignment) && enter_trees(g, m);
    if (!ok) {
        group_member_free(m);
        return -ENOMEM;
    }
    m->bytes = group_member_size(m);
    budget_charge(g->limits->memory, (int64_t)m->bytes); /* it was let in before */
    link_member(g, m);
    m->deadline_ms = INT64_MAX;
    return 0;
}

int group_restore(struct group *g, const struct kp_group_metadata_value *v)
{
    if (v->n_members > 0 && v->protocol.n < 0)
        return ERR_MALFORMED;
    g->generation = v->generation;
    g->since_ms = v->current_state_timestamp;
    if (v->protocol_type.n > 0 && !owned_str(&g->protocol_type, v->protocol_type))
        return -ENOMEM;
    if (!owned_str(&g->protocol, v->protocol))
        return -ENOMEM;
    for (int32_t i = 0; i < v->n_members; i++) {
        int rc = restore_member(g, v->protocol, &v->members[i]);
        if (rc)
            return rc;
    }
    if (!g->members)
        return 0;
    g->leader = v->leader.n >= 0 ? group_find_member(g, v->leader) : NULL;
    if (!g->leader)
        g->leader = g->members;
    g->state = GROUP_STABLE;
    return 0;
}

void group_revive(struct group *g, int64_t now)
{
    for (struct group_member *m = g->members; m; m = m->next)
        group_touch(g, m, now);
}
