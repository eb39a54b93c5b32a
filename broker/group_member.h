/* group_member.h - one member of a group: who it is, which protocols it speaks, what it waits for.
 */
#ifndef BROKER_GROUP_MEMBER_H
#define BROKER_GROUP_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "kp/kp.h"

struct group_join;

/* What a member offers: an assignment protocol and the member's metadata for it. */
struct group_protocol {
    struct kp_str name;
    struct kp_bytes metadata;
};

/* A member's offers, best first, in one block of memory. */
struct group_protocols {
    struct group_protocol *of;
    int32_t n;
    size_t bytes; /* of the block */
};

struct group_member {
    struct group_member *next, **prev; /* of the group's, in the order they came */
    struct kp_str id;
    struct kp_str instance_id; /* null: a dynamic member */
    struct kp_str client_id, client_host;
    int32_t session_ms, rebalance_ms;
    struct group_protocols protocols;
    struct kp_bytes assignment;
    size_t bytes;        /* charged for it */
    int64_t deadline_ms; /* the session's; of a newcomer: when its first join must be through */
    bool is_new;         /* has not been through a rebalance yet */
    bool must_sync;      /* of this generation, and has not fetched its assignment */
    bool may_skip;       /* the waiting join understands skip_assignment */
    struct kp_str stands_for; /* the member id it took over while its join is stored; else null */
    void *join_waiter;        /* of the host; NULL: none */
    void *sync_waiter;
};

/* A member as a request describes it; id, not the request's, is its id. NULL when out of memory. */
struct group_member *group_member_new(const struct group_join *in, struct kp_str id);
void group_member_free(struct group_member *m);

/* Copy a request's offers. False when out of memory. */
bool group_protocols_copy(struct group_protocols *out, const struct kp_join_group_req_protocols *of,
                          int32_t n);
void group_protocols_free(struct group_protocols *p);
/* Are they the ones of the request, in its order, with its metadata? */
bool group_protocols_are(const struct group_protocols *p,
                         const struct kp_join_group_req_protocols *of, int32_t n);

/* The member's metadata for a protocol; empty if it does not offer it. */
struct kp_bytes group_member_metadata(const struct group_member *m, struct kp_str protocol);
bool group_member_offers(const struct group_member *m, struct kp_str protocol);
/* Bytes of memory it takes, for the group's budget. */
size_t group_member_size(const struct group_member *m);

#endif
