/* coordinator_impl.h - between the files of the coordinator. All of it on its loop. */
#ifndef BROKER_COORDINATOR_IMPL_H
#define BROKER_COORDINATOR_IMPL_H

#include "batch/records.h"
#include "broker/coordinator.h"
#include "shard/wall.h"

struct burial;
struct fetch_wait;

/* A group and its place among the others. */
struct slot {
    struct slot *next, **prev;
    struct coordinator *c;
    struct group *group;
    struct deadline deadline;
    int64_t rings_ms;                         /* when the deadline is due */
    int32_t writes;                           /* batches under way */
    uint64_t n_written;                       /* batches that came back */
    int32_t failed_stores;                    /* to be told to the group once its event is over */
    struct burial *burial;                    /* waits for the writes under way */
    struct fetch_wait *fetches, **last_fetch; /* wait for those before them */
};

enum partition_state { PARTITION_LOADING, PARTITION_READY, PARTITION_FAILED };

struct coordinator {
    struct coordinator_config cfg;
    struct group_limits limits;
    struct budget memory;
    struct slot *slots;
    void *tree; /* the same, by group id */
    size_t n_slots;
    uint8_t *partitions;         /* enum partition_state */
    int32_t n_loading, n_failed; /* of them */
    bool draining;
    struct deadline sweep;
    struct slot *swept; /* where the sweep under way goes on; NULL: none is */
    struct loop_msg drain_msg;
    int64_t complained_ms; /* when the log was last told that memory is short */
    struct wall wall;      /* by which offsets grow old */
    int64_t read_ms;       /* the latest time that was read back; INT64_MIN: none */
    int64_t noted_ms;      /* the latest that was read back or noted since */
    bool behind;           /* the clock stands before that, */
    int64_t behind_ms;     /* since then (monotonic) */
};

static inline int64_t coordinator_now(const struct coordinator *c)
{
    return loop_now_ms(c->cfg.loop);
}
/* The clock on the wall, as records of the log state it. Nothing grows old by it: see c->wall. */
static inline int64_t coordinator_wall(const struct coordinator *c)
{
    return c->cfg.clock->wall_ms(c->cfg.clock);
}
/* The time to note of what happens now, by which it will be as old as it is or younger. The clock's;
 * but while that stands before what was noted already, as after a start without a battery, the
 * latest of that. A clock that stands there for long is believed: it was the other one that was
 * wrong. */
int64_t coordinator_note(struct coordinator *c);

/* May groups of that id be spoken for now? 0 or the error. */
int16_t coordinator_check(const struct coordinator *c, struct kp_str group);
/* NULL if there is none. */
struct slot *coordinator_find(const struct coordinator *c, struct kp_str group);
/* Made if there is none. NULL when out of memory. */
struct slot *coordinator_want(struct coordinator *c, struct kp_str group);
/* After every event of the group: tell it what failed, set its timer, let go of it if there is
 * nothing left to keep. The slot may be gone afterwards. */
void coordinator_settle(struct slot *s);
/* Forget the group, whatever state it is in. */
void coordinator_drop(struct slot *s);
/* There is no memory for groups: a line in the log, now and then. */
void coordinator_complain(struct coordinator *c);

/* Append what the builder holds to the group's partition. done is called later, on the loop; the
 * slot stays until then, and done settles it. A failure is returned, and done is not called. */
int coordinator_append(struct slot *s, struct batch_builder *b, void (*done)(void *arg, int code),
                       void *arg);
/* The first thing done says, if it goes on to settle the slot: the batch is under way no more. */
void coordinator_came_back(struct slot *s);
/* What clients are told of a batch that failed. */
int16_t coordinator_write_error(int code);

/* A copy in the arena; null stays null. False when out of memory. */
bool coordinator_copy(struct arena *a, struct kp_str *out, struct kp_str s);
bool coordinator_copy_bytes(struct arena *a, struct kp_bytes *out, struct kp_bytes b);

/* ---- coordinator_commit.c */

/* Answer the OffsetFetches whose turn has come. */
void coordinator_fetch_due(struct slot *s);

/* ---- coordinator_bury.c */

/* Delete an empty group with all it committed, for good; done(arg, error) when that is durable. The
 * group is dead from now on. */
void coordinator_bury(struct slot *s, void (*done)(void *arg, int16_t error), void *arg);
/* The writes that a burial waited for are done. */
void coordinator_bury_next(struct slot *s);
/* Take away what is too old, or of topics that are gone; a part of the groups at a time. True if
 * there are more. */
bool coordinator_sweep(struct coordinator *c);

#endif
