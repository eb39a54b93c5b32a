#include "tests/unit/broker/group_kit.h"

#include <stdio.h>
#include <string.h>

struct budget memory;
struct group_limits limits;
struct group *g;
int64_t now;
int32_t stores;
static int32_t generations[16]; /* of the stores, oldest first */
static int fresh;

static void text(char out[TEXT], const void *p, int32_t n)
{
    ck_assert_int_lt(n, TEXT);
    if (n > 0)
        memcpy(out, p, (size_t)n);
    out[n > 0 ? n : 0] = 0;
}

static void joined(void *waiter, const struct group_joined *r)
{
    struct call *c = waiter;
    ck_assert_msg(!c->answered, "answered twice");
    c->answered = true;
    c->error = r->error;
    text(c->id, r->member_id.p, r->member_id.n);
    c->generation = r->group ? r->group->generation : -1;
    if (!r->group)
        return;
    text(c->protocol, r->group->protocol.p, r->group->protocol.n);
    text(c->leader, r->leader.p, r->leader.n);
    c->skip = r->skip_assignment;
    for (struct group_member *m = r->members ? r->group->members : NULL; m; m = m->next) {
        struct kp_bytes b = group_member_metadata(m, r->group->protocol);
        size_t at = strlen(c->members);
        snprintf(c->members + at, TEXT - at, "%s%.*s=%.*s", at ? " " : "", m->id.n, m->id.p, b.n,
                 (const char *)b.p);
    }
}

static void synced(void *waiter, const struct group_synced *r)
{
    struct call *c = waiter;
    ck_assert_msg(!c->answered, "answered twice");
    c->answered = true;
    c->error = r->error;
    text(c->assignment, r->assignment.p, r->assignment.n);
}

static void store(struct group *of)
{
    ck_assert_ptr_eq(of, g);
    ck_assert_int_lt(stores, 16);
    generations[stores++] = of->generation;
}

static const struct group_host host = {joined, synced, store};

void stored(int16_t error)
{
    ck_assert_int_gt(stores, 0);
    int32_t generation = generations[0];
    memmove(generations, generations + 1, (size_t)--stores * sizeof *generations);
    group_stored(g, now, generation, error);
}

void make(void)
{
    memory = (struct budget){.max = 1 << 20};
    limits = (struct group_limits){
        .min_session_ms = 6000, .max_session_ms = 1800000, .max_members = 4, .memory = &memory};
    now = 1000000;
    stores = 0;
    g = group_new(&host, &limits, kp_str("g"));
    ck_assert_ptr_nonnull(g);
}

void done(void)
{
    group_free(g, KP_ERR_NOT_COORDINATOR);
    ck_assert_int_eq(memory.used, 0); /* all that was charged was given back */
}

void pass(int64_t ms)
{
    int64_t end = now + ms;
    while (group_wake(g) <= end) {
        now = group_wake(g) > now ? group_wake(g) : now;
        group_tick(g, now);
        ck_assert_int_gt(group_wake(g), now);
    }
    now = end;
}

void join(struct call *c, struct joiner j)
{
    struct kp_join_group_req_protocols of[3];
    int32_t n = 0;
    for (; n < 3 && j.protocols[n]; n++) {
        const char *colon = strchr(j.protocols[n], ':');
        of[n].name = kp_strn(j.protocols[n], (size_t)(colon - j.protocols[n]));
        of[n].metadata = (struct kp_bytes){(const uint8_t *)colon + 1, (int32_t)strlen(colon + 1)};
    }
    if (!n)
        of[n++] = (struct kp_join_group_req_protocols){kp_str("range"), {(const uint8_t *)"m", 1}};
    char id[TEXT], mine[TEXT]; /* j.id may be c's */
    snprintf(id, sizeof id, "%s-%d", j.name ? j.name : "x", ++fresh);
    snprintf(mine, sizeof mine, "%s", j.id ? j.id : "");
    struct group_join in = {.member_id = kp_str(mine),
                            .instance_id = kp_str(j.instance),
                            .fresh_id = kp_str(id),
                            .client_id = kp_str("client"),
                            .client_host = kp_str("/127.0.0.1"),
                            .protocol_type = kp_str(j.type ? j.type : "consumer"),
                            .protocols = of,
                            .n_protocols = n,
                            .session_ms = j.session ? j.session : SESSION,
                            .rebalance_ms = j.rebalance ? j.rebalance : REBALANCE,
                            .id_first = j.id_first,
                            .may_skip = j.may_skip};
    *c = (struct call){0};
    snprintf(c->given, sizeof c->given, "%s", *mine ? mine : id);
    group_join(g, now, &in, c);
}

struct group_caller caller(const char *id, const char *instance, int32_t generation)
{
    return (struct group_caller){kp_str(id), kp_str(instance), generation};
}

void sync_as(struct call *c, struct group_caller who,
             const struct kp_sync_group_req_assignments *of, int32_t n)
{
    struct group_sync in = {.caller = who,
                            .protocol_type = kp_str(NULL),
                            .protocol = kp_str(NULL),
                            .assignments = of,
                            .n_assignments = n};
    *c = (struct call){0};
    group_sync(g, now, &in, c);
}

void follow(struct call *c, const struct call *j)
{
    sync_as(c, caller(j->id, NULL, j->generation), NULL, 0);
}

struct kp_sync_group_req_assignments assign(const char *id, const char *what)
{
    return (struct kp_sync_group_req_assignments){kp_str(id),
                                                  {(const uint8_t *)what, (int32_t)strlen(what)}};
}

int16_t heartbeat(const struct call *j)
{
    struct group_caller who = caller(j->id, NULL, j->generation);
    return group_heartbeat(g, now, &who);
}

int16_t commit(const char *id, int32_t generation)
{
    struct group_caller who = caller(id, NULL, generation);
    return group_may_commit(g, now, &who);
}

void make_stable(struct call *a)
{
    struct call s;
    make();
    join(a, (struct joiner){.name = "a"});
    ck_answered(*a, KP_ERR_NONE);
    sync_as(&s, caller(a->id, NULL, a->generation),
            (struct kp_sync_group_req_assignments[]){assign(a->id, "A")}, 1);
    stored(KP_ERR_NONE);
    ck_answered(s, KP_ERR_NONE);
    ck_assert_str_eq(s.assignment, "A");
}

void make_stable_pair(struct call *a, struct call *b)
{
    struct call was, sa, sb;
    make_stable(&was);
    join(b, (struct joiner){.name = "b"});
    join(a, (struct joiner){.id = was.id});
    ck_answered(*a, KP_ERR_NONE);
    ck_answered(*b, KP_ERR_NONE);
    follow(&sb, b);
    sync_as(&sa, caller(a->id, NULL, a->generation),
            (struct kp_sync_group_req_assignments[]){assign(a->id, "A"), assign(b->id, "B")}, 2);
    stored(KP_ERR_NONE);
    ck_answered(sa, KP_ERR_NONE);
    ck_answered(sb, KP_ERR_NONE);
    ck_assert_str_eq(sa.assignment, "A");
    ck_assert_str_eq(sb.assignment, "B");
    ck_assert_int_eq(g->state, GROUP_STABLE);
}
