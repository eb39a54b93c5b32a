/* coordinator.h - all groups of this broker: found by id, kept in time, made durable, answered.
 *
 * It belongs to one loop. Requests come from all loops: a handler puts what it wants into a
 * group_call and posts it here; the answer is made in the call's arena and done is called, on this
 * loop too, when the group has answered and what had to be durable is.
 *
 * What is behind it, the log, is the host's: batches go out by append, groups that were read back
 * come in by coordinator_loaded. Until a partition of the log is read, its groups answer
 * COORDINATOR_LOAD_IN_PROGRESS; when it cannot be read they answer COORDINATOR_NOT_AVAILABLE, since
 * commits that were acknowledged would be missing else.
 *
 * Files: coordinator.c groups, time, loading; coordinator_members.c join, sync, heartbeat, leave;
 * coordinator_commit.c offsets; coordinator_admin.c list, describe, delete; coordinator_bury.c what
 * deletes and what time takes away.
 */
#ifndef BROKER_COORDINATOR_H
#define BROKER_COORDINATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "broker/deadline.h"
#include "broker/group.h"
#include "broker/group_replay.h"
#include "kp/kp.h"
#include "loop/loop.h"

struct coordinator; /* opaque */

struct coordinator_host {
    void *ctx;
    /* Append a batch to the partition of a group. The batch moves. done is called on the
     * coordinator's loop, later: 0 once it is applied, else why not; not if append itself fails
     * (when the batch stays the caller's). Batches of a group are applied in the order they were
     * appended. */
    int (*append)(void *ctx, struct kp_str group, struct wr *batch,
                  void (*done)(void *arg, int code), void *arg);
    /* Is the topic of that name the one of that id (zero: any)? */
    bool (*topic_lives)(void *ctx, struct kp_str name, const struct uuid *id);
};

struct coordinator_config {
    const struct coordinator_host *host; /* outlives it */
    struct loop *loop;
    struct deadlines *deadlines; /* of the loop */
    struct log *log;
    struct clock *clock;
    struct group_limits limits; /* but for memory */
    int64_t memory_bytes;       /* of all groups */
    uint32_t commit_bytes;      /* of the batch that a commit makes */
    int64_t retention_ms;       /* of offsets nobody uses any more */
    int64_t sweep_ms;           /* how often those are looked for */
    int32_t n_partitions;       /* of the log */
    bool empty;                 /* there is no log yet: nothing to load */
};

/* Any thread, before the loop runs. NULL when out of memory. */
struct coordinator *coordinator_new(const struct coordinator_config *cfg);
/* The loop runs no more, and no call or append is under way. NULL is fine. */
void coordinator_free(struct coordinator *c);

/* A partition's groups, brought up; those of a failed one are refused from now on. On its loop. */
void coordinator_loaded(struct coordinator *c, int32_t partition, struct group_replay *groups);
void coordinator_failed(struct coordinator *c, int32_t partition);
/* For group_replay_init. */
const struct group_host *coordinator_group_host(void);
const struct group_limits *coordinator_limits(const struct coordinator *c);

/* Any thread: answer everybody who waits, and refuse what comes from now on (NOT_COORDINATOR).
 * Once. */
void coordinator_drain(struct coordinator *c);

/* ---- calls */

struct group_call {
    struct loop_msg msg;   /* private */
    struct coordinator *c; /* private */
    void (*run)(struct coordinator *c, struct group_call *call);
    const void *req; /* what the function below says */
    void *resp;      /* at its defaults */
    struct arena *arena;
    int16_t version;
    struct kp_str client_id, client_host;
    /* On the coordinator's loop: resp is filled in. The call is the handler's again. */
    void (*done)(struct group_call *call);
    void *arg; /* the handler's */
};
/* Any thread: let run have the call on the coordinator's loop. */
void coordinator_call(struct coordinator *c, struct group_call *call,
                      void (*run)(struct coordinator *c, struct group_call *call));

/* req and resp of these are the API's own structs. */
void coordinator_join(struct coordinator *c, struct group_call *call);
void coordinator_sync(struct coordinator *c, struct group_call *call);
void coordinator_heartbeat(struct coordinator *c, struct group_call *call);
void coordinator_leave(struct coordinator *c, struct group_call *call);
void coordinator_describe(struct coordinator *c, struct group_call *call);
void coordinator_list(struct coordinator *c, struct group_call *call);
void coordinator_delete(struct coordinator *c, struct group_call *call);
/* OffsetDelete; partitions of resp that carry an error already are passed over. */
void coordinator_delete_offsets(struct coordinator *c, struct group_call *call);

/* OffsetCommit: req is a group_commit, there is no resp. */
struct group_commit_part {
    struct group_offset offset; /* but for its time */
    int16_t *error;             /* the answer */
};
struct group_commit {
    struct kp_str group;
    struct group_caller who;
    struct group_commit_part *parts; /* those that passed the handler's checks */
    int32_t n;
    int64_t retention_ms; /* below 0: as the broker's retention says */
};
/* Each part's error is set when what could be committed is durable. */
void coordinator_commit(struct coordinator *c, struct group_call *call);

/* OffsetFetch: req is a group_fetch, resp an array of as many struct kp_offset_fetch_resp_groups.
 */
struct group_fetch {
    const struct kp_offset_fetch_req_groups *groups;
    int32_t n;
};
/* What is committed and durable once the commits and deletions that came before it are: a client may
 * send it behind its commit without waiting for that one's answer. */
void coordinator_fetch(struct coordinator *c, struct group_call *call);

#endif
