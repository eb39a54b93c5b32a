/* coordinator_kit.h - a coordinator on a virtual loop, before a log that does what the test says.
 *
 * Batches wait in line until apply() or refuse() settles the oldest; what was applied is kept, so
 * that restart() can read it back. Topics live as long as topics_alive says.
 */
#ifndef TESTS_COORDINATOR_KIT_H
#define TESTS_COORDINATOR_KIT_H

#include "broker/coordinator.h"
#include "loop/loop_virtual.h"
#include "tests/unit/unit.h"

enum { DAY_MS = 24 * 3600 * 1000, PARTITIONS = 4 };

extern struct coordinator *c;
extern struct coordinator_config config;
extern struct clock_manual wall;
extern const char *live_topic;                   /* NULL: all live */
extern bool (*topic_answer)(struct kp_str name); /* says it instead, unless NULL */
extern int append_fails; /* what append says to the next batches; 0: it takes them */

/* Fill in config, to be changed before begin. */
void configure(void);
/* A coordinator with nothing to load; begin(false): everything is still to be loaded. */
void begin(bool loaded);
void end(void);
/* A new one, that reads back what was applied. */
void restart(void);
/* Read one partition back. */
void load(int32_t partition);

int waiting(void); /* batches */
void apply(void);  /* the oldest */
void refuse(int code);
void pass(int64_t ms); /* all clocks */
void settle(void);     /* let the loop do what is there */

/* A call, answered or not. */
struct ask {
    struct group_call call;
    struct arena arena;
    bool answered;
    void *resp;
};
/* req is borrowed until the answer. */
void ask(struct ask *a, void (*run)(struct coordinator *c, struct group_call *call),
         int16_t version, const void *req, const struct kp_schema *resp);
/* A call whose resp is filled in already, from a's arena, which the caller made. */
void prepare(struct ask *a, void *resp);
void forget(struct ask *a);

/* JoinGroup of version 5, SyncGroup, Heartbeat; replies are resp's. */
struct kp_join_group_resp *join(struct ask *a, const char *group, const char *member_id);
struct kp_sync_group_resp *sync_all(struct ask *a, const char *group, const char *member_id,
                                    int32_t generation);
int16_t heartbeat(const char *group, const char *member_id, int32_t generation);
int16_t leave(const char *group, const char *member_id);
/* A stable member of a new group; its id lives until end(). */
const char *make_member(const char *group);

/* OffsetCommit of one offset; *error is the answer. */
struct commit {
    struct ask ask;
    struct group_commit in;
    struct group_commit_part part;
    int16_t error;
};
void commit(struct commit *cm, const char *group, const char *topic, int32_t partition,
            int64_t offset);
void commit_as(struct commit *cm, const char *group, const char *member_id, int32_t generation,
               const char *topic, int32_t partition, int64_t offset);
extern int64_t commit_retention_ms; /* of commits; -1: as the broker says */
/* Commit and apply. */
void committed(const char *group, const char *topic, int32_t partition, int64_t offset);
/* OffsetFetch of one offset, which may have to wait. */
struct fetch_one {
    struct ask ask;
    struct group_fetch in;
    struct kp_offset_fetch_req_groups group;
    struct kp_offset_fetch_req_groups_topics topic;
    int32_t partition;
};
void fetch_one(struct fetch_one *f, const char *group, const char *topic, int32_t partition);
/* What it says; minus the error if it is one. It is forgotten. */
int64_t fetch_told(struct fetch_one *f);
/* The same for one that is answered at once. */
int64_t fetched(const char *group, const char *topic, int32_t partition);
/* ListGroups: "name:State ..." */
const char *listed(void);

#endif
