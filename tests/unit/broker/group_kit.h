/* group_kit.h - one group with a time that stands still until told.
 *
 * A call is one JoinGroup or SyncGroup and what it was answered. Stores wait in `stores` until the
 * test says how they went.
 */
#ifndef TESTS_GROUP_KIT_H
#define TESTS_GROUP_KIT_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/group.h"
#include "tests/unit/unit.h"

enum { SESSION = 10000, REBALANCE = 60000, TEXT = 128 };

struct call {
    bool answered;
    int16_t error;
    int32_t generation;
    char id[TEXT], leader[TEXT], protocol[TEXT], assignment[TEXT];
    char members[TEXT]; /* "id=metadata ..." */
    char given[TEXT];   /* the id it gets if it has none, known before the answer */
    bool skip;
};

extern struct budget memory;
extern struct group_limits limits;
extern struct group *g;
extern int64_t now;
extern int32_t stores; /* asked for and not settled */

/* A group without initial delay, so that its first member is a generation at once. */
void make(void);
/* One member, stable, with the assignment "A". */
void make_stable(struct call *a);
/* Two of them, a leading, with the assignments "A" and "B". */
void make_stable_pair(struct call *a, struct call *b);
/* Free it; all that was charged was given back. */
void done(void);

/* Time passes as a coordinator lets it: the group is told when it asked to be. */
void pass(int64_t ms);
/* The oldest store is settled. */
void stored(int16_t error);

struct joiner {
    const char *id, *instance, *name; /* the member's own name begins a fresh id */
    const char *protocols[3];         /* "name:metadata" */
    int32_t session, rebalance;
    bool id_first, may_skip;
    const char *type;
};
void join(struct call *c, struct joiner j);

struct group_caller caller(const char *id, const char *instance, int32_t generation);
void sync_as(struct call *c, struct group_caller who,
             const struct kp_sync_group_req_assignments *of, int32_t n);
/* Sync as one that does not lead, in the generation it joined. */
void follow(struct call *c, const struct call *j);
struct kp_sync_group_req_assignments assign(const char *id, const char *what);
int16_t heartbeat(const struct call *j);
int16_t commit(const char *id, int32_t generation);

#define ck_answered(c, e)                                                        \
    do {                                                                         \
        ck_assert_msg((c).answered, "%s was not answered", #c);                  \
        ck_assert_msg((c).error == (e), "%s: %s", #c, kp_error_name((c).error)); \
    } while (0)
#define ck_waits(c) ck_assert_msg(!(c).answered, "%s: %s", #c, kp_error_name((c).error))
#define ck_error(expr, e)                                                     \
    do {                                                                      \
        int16_t error_ = (expr);                                              \
        ck_assert_msg(error_ == (e), "%s: %s", #expr, kp_error_name(error_)); \
    } while (0)

#endif
