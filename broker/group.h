/* group.h - one consumer group of the classic protocol: who is in it, which generation it is in,
 * what comes next.
 *
 *            first join               all have joined         the leader's assignment
 *   EMPTY ---------------> PREPARING -----------------> COMPLETING -------------> STABLE
 *     ^                      |  ^  ^   or time is up        |      is durable       |
 *     '--- nobody is left ---'  |  '--- a member comes, ----'                       |
 *                               |       leaves, or is silent for too long           |
 *                               '---------------------------------------------------'
 *   DEAD: being deleted; only from EMPTY.
 *
 * Members join and wait until all are there; then each learns of the new generation, one of them
 * (the leader) also who the members are. All sync and wait for the leader's assignment; when it is
 * durable each gets its part. Heartbeats keep members alive and tell them of the next rebalance.
 *
 * Pure: events and the time come in by function calls, answers and the wish to be stored go out by
 * the host's hooks, which must not call back. No I/O, no loop, no clock, no random numbers. `now`
 * is monotonic, in ms. Waiters are the host's; each is answered once. Error numbers are the
 * protocol's.
 *
 * Files: group.c rebalances and time; group_join.c who enters; group_sync.c everything a member
 * does after that; group_member.h members; group_offsets.h what was committed.
 */
#ifndef BROKER_GROUP_H
#define BROKER_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/budget.h"
#include "broker/group_member.h"
#include "broker/group_offsets.h"
#include "kp/error.h"
#include "kp/kp.h"

enum group_state {
    GROUP_EMPTY,
    GROUP_PREPARING,
    GROUP_COMPLETING,
    GROUP_STABLE,
    GROUP_DEAD,
};
/* "Empty", "PreparingRebalance", ...: Kafka's names. */
const char *group_state_name(enum group_state s);

enum {
    GROUP_PROTOCOLS_MAX = 64,            /* offers of a member; clients make one to three */
    GROUP_FIRST_JOIN_MS = 5 * 60 * 1000, /* a newcomer's client is there for so long at least */
};

struct group;

struct group_joined {
    int16_t error;
    struct kp_str member_id;   /* also with MEMBER_ID_REQUIRED; else the one the request named */
    const struct group *group; /* whose generation and protocol hold; NULL with an error */
    struct kp_str leader;      /* member id */
    bool members;              /* the leader's: it is told who the members are */
    bool skip_assignment;
};
struct group_synced {
    int16_t error;
    const struct group *group; /* NULL with an error */
    struct kp_bytes assignment;
};

/* What a group asks of its coordinator. What the structs point to is the group's: copy it. */
struct group_host {
    void (*joined)(void *waiter, const struct group_joined *r);
    void (*synced)(void *waiter, const struct group_synced *r);
    /* Make the group's state of now durable; group_stored says later how that went, not from
     * within. */
    void (*store)(struct group *g);
};

struct group_limits {
    int32_t min_session_ms, max_session_ms;
    int32_t max_members;
    int32_t initial_delay_ms; /* an empty group waits so long for more members */
    struct budget *memory;    /* of all groups */
};

/* A member id that was given out and has not been used. */
struct group_pending {
    struct group_pending *next;
    struct kp_str id;
    int64_t deadline_ms;
};

struct group {
    const struct group_host *host;
    const struct group_limits *limits;
    void *owner; /* the coordinator's */
    struct kp_str id;
    enum group_state state;
    int32_t generation;
    struct kp_str protocol_type; /* null: it never had a member */
    struct kp_str protocol;      /* null: none chosen */
    struct group_member *leader; /* NULL: none */
    struct group_member *members, **last;
    void *by_id, *by_instance; /* the same members, as trees */
    int32_t n_members, n_joining;
    struct group_pending *pending;
    int32_t n_pending;
    bool newcomer; /* somebody came during the initial delay */
    int64_t
        delay_left; /* PREPARING: how much longer it may be put off; -1: not the initial delay */
    int64_t rebalance_at; /* PREPARING: when it ends without those who are missing */
    int64_t sync_at;      /* who has not synced by then is out; INT64_MAX: nobody */
    bool storing;         /* COMPLETING: the leader's assignment is on its way to the log */
    int32_t n_storing;    /* stores under way; it is not to be freed before */
    int64_t wake_ms;      /* no deadline of the group's is before it */
    int64_t since_ms;     /* wall clock of the last store, the coordinator's to set; -1: none */
    struct group_offsets offsets;
};

/* ---- life */

/* An empty group; the id is copied. NULL when out of memory. */
struct group *group_new(const struct group_host *host, const struct group_limits *limits,
                        struct kp_str id);
/* Waiters that are left are answered with error. NULL is fine. */
void group_free(struct group *g, int16_t error);
/* Become what the log says: stable if there are members. The group is new. 0, -ENOMEM or
 * ERR_MALFORMED. */
int group_restore(struct group *g, const struct kp_group_metadata_value *v);
/* The members' sessions begin anew: they had no way to show that they are alive. */
void group_revive(struct group *g, int64_t now);
/* Nothing in it is worth a record or a wait: it may be freed. */
bool group_is_blank(const struct group *g);

/* ---- what members do */

struct group_join {
    struct kp_str member_id;   /* empty: none yet */
    struct kp_str instance_id; /* null: a dynamic member */
    struct kp_str fresh_id;    /* for one that needs an id: never used before */
    struct kp_str client_id, client_host;
    struct kp_str protocol_type;
    const struct kp_join_group_req_protocols *protocols;
    int32_t n_protocols;
    int32_t session_ms, rebalance_ms;
    bool id_first; /* a dynamic member without an id gets one and has to join again with it */
    bool may_skip; /* understands skip_assignment */
};
/* host->joined(waiter), now or later. */
void group_join(struct group *g, int64_t now, const struct group_join *in, void *waiter);

/* Who says something, as all requests of members name them. */
struct group_caller {
    struct kp_str member_id;
    struct kp_str instance_id; /* null: not said */
    int32_t generation;
};

struct group_sync {
    struct group_caller caller;
    struct kp_str protocol_type, protocol; /* null: not said */
    const struct kp_sync_group_req_assignments *assignments;
    int32_t n_assignments;
};
/* host->synced(waiter), now or later. */
void group_sync(struct group *g, int64_t now, const struct group_sync *in, void *waiter);

/* The member's session begins anew. REBALANCE_IN_PROGRESS: it is to join again; else 0, or what is
 * wrong with a caller that is none of the group's. */
int16_t group_heartbeat(struct group *g, int64_t now, const struct group_caller *who);
/* By member id, or by instance id alone. */
int16_t group_leave(struct group *g, int64_t now, struct kp_str member_id,
                    struct kp_str instance_id);
/* May this caller commit offsets now? Counts as a heartbeat. */
int16_t group_may_commit(struct group *g, int64_t now, const struct group_caller *who);

/* ---- what happens to it */

/* What host->store asked for in that generation is durable (0), or failed. */
void group_stored(struct group *g, int64_t now, int32_t generation, int16_t error);
/* Let time pass. To be called at group_wake or later. */
void group_tick(struct group *g, int64_t now);
static inline int64_t group_wake(const struct group *g) /* INT64_MAX: never */
{
    return g->wake_ms;
}
/* Answer everybody who waits with error; the group stays as it is. */
void group_dismiss(struct group *g, int16_t error);
/* EMPTY becomes DEAD and back. */
void group_set_dead(struct group *g, bool dead);

/* ---- between the group's files */

/* NULL: there is none. */
struct group_member *group_find_member(const struct group *g, struct kp_str id);
struct group_member *group_find_instance(const struct group *g, struct kp_str instance_id);
struct group_pending **group_find_pending(struct group *g, struct kp_str id);
/* Free the one that *at points to (group_find_pending: NULL if there is none) and its memory. */
void group_drop_pending(struct group *g, struct group_pending **at);
/* Put it at the end; charges its memory. COORDINATOR_NOT_AVAILABLE when out of that; m stays the
 * caller's then. */
int16_t group_add_member(struct group *g, struct group_member *m);
/* Put it in the place of one with the same instance id, which is freed; whoever waits there is told
 * FENCED_INSTANCE_ID. As group_add_member. */
int16_t group_replace_member(struct group *g, struct group_member *old, struct group_member *m);
/* It is gone; whoever waits for it is told UNKNOWN_MEMBER_ID. */
void group_remove_member(struct group *g, struct group_member *m);
/* Charge what the member takes now. False if that is too much. */
bool group_charge_member(struct group *g, struct group_member *m);
/* Is it, by member and instance id, a member of the group? 0 or the error. */
int16_t group_check_member(const struct group *g, struct kp_str member_id,
                           struct kp_str instance_id, struct group_member **out);
/* The session begins anew. */
void group_touch(struct group *g, struct group_member *m, int64_t now);
void group_set_deadline(struct group *g, struct group_member *m, int64_t at);
void group_wake_by(struct group *g, int64_t at);
void group_set_join_waiter(struct group *g, struct group_member *m, void *waiter);
void group_answer_join(struct group *g, struct group_member *m, const struct group_joined *r);
void group_answer_sync(struct group_member *m, const struct group *g, const struct group_synced *r);
/* The generation of now, to one member. */
void group_tell_generation(struct group *g, struct group_member *m);
void group_store(struct group *g);
void group_refuse_syncs(struct group *g, int16_t error);
/* The protocol that most members want of those that all offer; null if there is none. */
struct kp_str group_choose_protocol(const struct group *g);
/* Is a rebalance to begin? Those under way take in what changed. */
void group_rebalance(struct group *g, int64_t now);
/* End the preparation if nobody is missing. */
void group_try_complete(struct group *g, int64_t now);
/* Somebody is gone. */
void group_departed(struct group *g, int64_t now);

#endif
