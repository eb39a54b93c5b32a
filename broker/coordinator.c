/* coordinator.c - groups, time, loading. */
#include "broker/coordinator.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "broker/container.h"
#include "broker/coordinator_impl.h"
#include "broker/group_partition.h"
#include "broker/group_records.h"
#include "broker/owned.h"

enum {
    COMPLAIN_MS = 10000,
    BEHIND_MS = 2 * WALL_PROBATION_MS /* a clock that was set right is believed before that */
};

/* ---- finding groups */

static int order(const void *a, const void *b)
{
    return owned_order(((const struct slot *)a)->group->id, ((const struct slot *)b)->group->id);
}

struct slot *coordinator_find(const struct coordinator *c, struct kp_str group)
{
    struct group key_group = {.id = group};
    struct slot key = {.group = &key_group};
    struct slot **at = tfind(&key, &c->tree, order);
    return at ? *at : NULL;
}

static int32_t partition_of(const struct coordinator *c, struct kp_str group)
{
    return group_partition(group, c->cfg.n_partitions);
}

int16_t coordinator_check(const struct coordinator *c, struct kp_str group)
{
    if (c->draining)
        return KP_ERR_NOT_COORDINATOR;
    switch (c->partitions[partition_of(c, group)]) {
    case PARTITION_READY:
        return KP_ERR_NONE;
    case PARTITION_LOADING:
        return KP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
    default:
        return KP_ERR_COORDINATOR_NOT_AVAILABLE;
    }
}

void coordinator_complain(struct coordinator *c)
{
    int64_t now = coordinator_now(c);
    if (now - c->complained_ms < COMPLAIN_MS)
        return;
    c->complained_ms = now;
    log_warn(c->cfg.log, "group",
             "no memory for more groups, members or offsets used=%lld max=%lld",
             (long long)c->memory.used, (long long)c->memory.max);
}

/* ---- slots */

static void on_deadline(struct deadline *d)
{
    struct slot *s = container_of(d, struct slot, deadline);
    s->rings_ms = INT64_MAX;
    if (s->c->draining)
        return; /* nobody can show that he is alive any more: after the restart */
    group_tick(s->group, coordinator_now(s->c));
    coordinator_settle(s);
}

/* Takes the group, also on failure. */
static struct slot *slot_new(struct coordinator *c, struct group *g)
{
    struct slot *s = calloc(1, sizeof *s);
    if (s) {
        s->c = c;
        s->group = g;
        s->rings_ms = INT64_MAX;
        s->last_fetch = &s->fetches;
    }
    if (!s || !tsearch(s, &c->tree, order)) {
        free(s);
        group_free(g, KP_ERR_COORDINATOR_NOT_AVAILABLE);
        return NULL;
    }
    g->owner = s;
    s->next = c->slots;
    s->prev = &c->slots;
    if (s->next)
        s->next->prev = &s->next;
    c->slots = s;
    c->n_slots++;
    return s;
}

struct slot *coordinator_want(struct coordinator *c, struct kp_str group)
{
    struct slot *s = coordinator_find(c, group);
    if (s)
        return s;
    struct group *g = NULL;
    if (c->memory.used + group.n < c->memory.max)
        g = group_new(coordinator_group_host(), &c->limits, group);
    s = g ? slot_new(c, g) : NULL;
    if (!s)
        coordinator_complain(c);
    return s;
}

void coordinator_drop(struct slot *s)
{
    struct coordinator *c = s->c;
    deadline_clear(c->cfg.deadlines, &s->deadline);
    tdelete(s, &c->tree, order);
    *s->prev = s->next;
    if (s->next)
        s->next->prev = s->prev;
    c->n_slots--;
    if (c->swept == s)
        c->swept = s->next;
    group_free(s->group, KP_ERR_NOT_COORDINATOR);
    free(s);
}

static void set_timer(struct slot *s)
{
    int64_t wake = group_wake(s->group);
    if (wake >= s->rings_ms)
        return;
    int64_t now = coordinator_now(s->c);
    if (deadline_set(s->c->cfg.deadlines, &s->deadline, wake > now ? wake - now : 0, on_deadline)) {
        coordinator_complain(s->c); /* the group's next event tries again */
        return;
    }
    s->rings_ms = wake;
}

void coordinator_settle(struct slot *s)
{
    while (s->failed_stores) {
        s->failed_stores--;
        group_stored(s->group, coordinator_now(s->c), s->group->generation,
                     KP_ERR_COORDINATOR_NOT_AVAILABLE);
    }
    coordinator_fetch_due(s); /* what they ask for may go with the group */
    if (s->burial && !s->writes)
        coordinator_bury_next(s);
    else if (!s->writes && group_is_blank(s->group))
        coordinator_drop(s);
    else
        set_timer(s);
}

/* ---- what groups say */

bool coordinator_copy(struct arena *a, struct kp_str *out, struct kp_str s)
{
    *out = kp_str(NULL);
    if (s.n >= 0) {
        out->p = arena_strn(a, s.p, (size_t)s.n);
        out->n = out->p ? s.n : -1;
    }
    return s.n < 0 || out->p;
}

bool coordinator_copy_bytes(struct arena *a, struct kp_bytes *out, struct kp_bytes b)
{
    struct kp_str copy;
    bool ok = coordinator_copy(a, &copy,
                               kp_strn(b.p ? (const char *)b.p : "", b.n > 0 ? (size_t)b.n : 0));
    *out = (struct kp_bytes){(const uint8_t *)copy.p, ok ? copy.n : 0};
    return ok;
}

static bool copy_members(struct group_call *call, const struct group *g,
                         struct kp_join_group_resp *resp)
{
    resp->members = kp_array(&kp_join_group_resp_members_schema, call->arena, (size_t)g->n_members);
    if (!resp->members)
        return false;
    for (const struct group_member *m = g->members; m; m = m->next) {
        struct kp_join_group_resp_members *to = &resp->members[resp->n_members++];
        if (!coordinator_copy(call->arena, &to->member_id, m->id) ||
            !coordinator_copy(call->arena, &to->group_instance_id, m->instance_id) ||
            !coordinator_copy_bytes(call->arena, &to->metadata,
                                    group_member_metadata(m, g->protocol)))
            return false;
    }
    return true;
}

static bool copy_joined(struct group_call *call, const struct group_joined *r)
{
    struct kp_join_group_resp *resp = call->resp;
    resp->error_code = r->error;
    if (!coordinator_copy(call->arena, &resp->member_id, r->member_id))
        return false;
    if (r->error)
        return true;
    resp->generation_id = r->group->generation;
    resp->skip_assignment = r->skip_assignment;
    return coordinator_copy(call->arena, &resp->protocol_type, r->group->protocol_type) &&
           coordinator_copy(call->arena, &resp->protocol_name, r->group->protocol) &&
           coordinator_copy(call->arena, &resp->leader, r->leader) &&
           (!r->members || copy_members(call, r->group, resp));
}

static void joined(void *waiter, const struct group_joined *r)
{
    struct group_call *call = waiter;
    if (!copy_joined(call, r)) {
        kp_init(&kp_join_group_resp_schema, call->resp);
        ((struct kp_join_group_resp *)call->resp)->error_code = KP_ERR_COORDINATOR_NOT_AVAILABLE;
    }
    call->done(call);
}

static void synced(void *waiter, const struct group_synced *r)
{
    struct group_call *call = waiter;
    struct kp_sync_group_resp *resp = call->resp;
    resp->error_code = r->error;
    bool ok =
        r->error || (coordinator_copy(call->arena, &resp->protocol_type, r->group->protocol_type) &&
                     coordinator_copy(call->arena, &resp->protocol_name, r->group->protocol) &&
                     coordinator_copy_bytes(call->arena, &resp->assignment, r->assignment));
    if (!ok) {
        kp_init(&kp_sync_group_resp_schema, resp);
        resp->error_code = KP_ERR_COORDINATOR_NOT_AVAILABLE;
    }
    call->done(call);
}

/* ---- making it durable */

int16_t coordinator_write_error(int code)
{
    switch (code) {
    case 0:
        return KP_ERR_NONE;
    case ERR_NOTLEADER:
    case ERR_CLOSED:
    case ERR_POISONED:
        return KP_ERR_NOT_COORDINATOR;
    default:
        return KP_ERR_COORDINATOR_NOT_AVAILABLE;
    }
}

int coordinator_append(struct slot *s, struct batch_builder *b, void (*done)(void *arg, int code),
                       void *arg)
{
    struct wr batch;
    wr_init(&batch, 0);
    int rc = b->records.err ? b->records.err : batch_builder_finish(b, &batch);
    if (!rc)
        rc = s->c->cfg.host->append(s->c->cfg.host->ctx, s->group->id, &batch, done, arg);
    if (rc)
        wr_free(&batch);
    else
        s->writes++;
    return rc;
}

void coordinator_came_back(struct slot *s)
{
    s->writes--;
    s->n_written++;
}

/* The state of a group on its way. */
struct store {
    struct slot *slot;
    int32_t generation;
};

static void store_done(void *arg, int code)
{
    struct store *st = arg;
    struct slot *s = st->slot;
    char quoted[LOG_QUOTED];
    if (code)
        log_warn(s->c->cfg.log, "group", "the state of group %s generation=%d is not stored: %s",
                 log_quote(quoted, span_of(s->group->id.p, (size_t)s->group->id.n)), st->generation,
                 err_str(code));
    coordinator_came_back(s);
    group_stored(s->group, coordinator_now(s->c), st->generation, coordinator_write_error(code));
    coordinator_settle(s);
    free(st);
}

static void store(struct group *g)
{
    struct slot *s = g->owner;
    struct batch_builder b;
    struct store *st = malloc(sizeof *st);
    char quoted[LOG_QUOTED];
    g->since_ms = coordinator_note(s->c);
    log_debug(s->c->cfg.log, "group", "%s is %s generation=%d members=%d",
              log_quote(quoted, span_of(g->id.p, (size_t)g->id.n)), group_state_name(g->state),
              g->generation, g->n_members);
    batch_builder_init(&b, BATCH_NONE);
    group_records_state(&b, g->since_ms, g);
    if (st)
        *st = (struct store){s, g->generation};
    if (!st || coordinator_append(s, &b, store_done, st)) {
        s->failed_stores++; /* the group cannot be told from within */
        free(st);
    }
    batch_builder_release(&b);
}

static const struct group_host group_host = {joined, synced, store};

const struct group_host *coordinator_group_host(void)
{
    return &group_host;
}

const struct group_limits *coordinator_limits(const struct coordinator *c)
{
    return &c->limits;
}

/* ---- time */

int64_t coordinator_note(struct coordinator *c)
{
    int64_t wall = coordinator_wall(c), now = clock_mono_ms(c->cfg.clock);
    bool behind = wall < c->noted_ms;
    if (behind && !c->behind)
        c->behind_ms = now;
    if (!behind || now - c->behind_ms >= BEHIND_MS)
        c->noted_ms = wall;
    c->behind = wall < c->noted_ms;
    return c->noted_ms;
}

static void learn(void *ctx, const struct group_offset *o)
{
    int64_t *latest = ctx;
    if (o->commit_ms >= 0 && o->commit_ms > *latest) /* below: none is stated */
        *latest = o->commit_ms;
}

/* The latest time that the log states has passed; a start is a jump from there. */
static void learn_time(struct coordinator *c, const struct group *g)
{
    learn(&c->read_ms, &(struct group_offset){.commit_ms = g->since_ms});
    group_offsets_each(&g->offsets, learn, &c->read_ms);
    if (c->noted_ms < c->read_ms)
        c->noted_ms = c->read_ms;
}

/* ---- loading */

static void partition_is(struct coordinator *c, int32_t partition, enum partition_state state)
{
    c->partitions[partition] = (uint8_t)state;
    c->n_failed += state == PARTITION_FAILED;
    if (--c->n_loading == 0)
        log_info(c->cfg.log, "group", "all groups are read back groups=%zu", c->n_slots);
}

void coordinator_loaded(struct coordinator *c, int32_t partition, struct group_replay *groups)
{
    enum partition_state state = PARTITION_READY;
    for (struct group *g; (g = group_replay_take(groups));) {
        struct slot *s = slot_new(c, g);
        if (!s) {
            log_error(c->cfg.log, "group", "out of memory for the groups of partition %d",
                      partition);
            state = PARTITION_FAILED;
            continue;
        }
        learn_time(c, g);
        group_revive(g, coordinator_now(c));
        coordinator_settle(s);
    }
    if (c->read_ms != INT64_MIN)
        wall_init(&c->wall, c->cfg.clock, c->read_ms, INT64_MIN);
    partition_is(c, partition, state);
}

void coordinator_failed(struct coordinator *c, int32_t partition)
{
    partition_is(c, partition, PARTITION_FAILED);
}

/* ---- calls */

static void on_call(struct loop_msg *m)
{
    struct group_call *call = container_of(m, struct group_call, msg);
    call->run(call->c, call);
}

void coordinator_call(struct coordinator *c, struct group_call *call,
                      void (*run)(struct coordinator *c, struct group_call *call))
{
    call->c = c;
    call->run = run;
    call->msg.run = on_call;
    loop_post(c->cfg.loop, &call->msg);
}

/* ---- life */

static void on_drain(struct loop_msg *m)
{
    struct coordinator *c = container_of(m, struct coordinator, drain_msg);
    c->draining = true;
    for (struct slot *s = c->slots; s; s = s->next)
        group_dismiss(s->group, KP_ERR_NOT_COORDINATOR);
}

void coordinator_drain(struct coordinator *c)
{
    c->drain_msg.run = on_drain;
    loop_post(c->cfg.loop, &c->drain_msg);
}

static void on_sweep(struct deadline *d)
{
    struct coordinator *c = container_of(d, struct coordinator, sweep);
    bool more = !c->draining && !c->n_loading && coordinator_sweep(c);
    if (deadline_set(c->cfg.deadlines, &c->sweep, more ? 0 : c->cfg.sweep_ms, on_sweep))
        log_error(c->cfg.log, "group", "out of memory: old offsets stay until a restart");
}

struct coordinator *coordinator_new(const struct coordinator_config *cfg)
{
    struct coordinator *c = calloc(1, sizeof *c);
    uint8_t *partitions = calloc((size_t)cfg->n_partitions, 1);
    if (!c || !partitions) {
        free(c);
        free(partitions);
        return NULL;
    }
    c->cfg = *cfg;
    c->memory.max = cfg->memory_bytes;
    c->limits = cfg->limits;
    c->limits.memory = &c->memory;
    c->partitions = partitions;
    c->n_loading = cfg->empty ? 0 : cfg->n_partitions;
    memset(partitions, cfg->empty ? PARTITION_READY : PARTITION_LOADING, (size_t)cfg->n_partitions);
    c->complained_ms = INT64_MIN / 2;
    c->read_ms = c->noted_ms = INT64_MIN;
    wall_init(&c->wall, cfg->clock, INT64_MIN, INT64_MIN);
    if (!deadline_set(cfg->deadlines, &c->sweep, cfg->sweep_ms, on_sweep))
        return c;
    free(partitions);
    free(c);
    return NULL;
}

void coordinator_free(struct coordinator *c)
{
    if (!c)
        return;
    deadline_clear(c->cfg.deadlines, &c->sweep);
    while (c->slots)
        coordinator_drop(c->slots);
    free(c->partitions);
    free(c);
}
