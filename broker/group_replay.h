/* group_replay.h - groups as one partition of __consumer_offsets tells of them: its batches go in
 * from the first to the last, groups come out. The last value of a key counts, a null value takes
 * it away.
 *
 * Blocking is the caller's business: this only looks at bytes. One thread.
 */
#ifndef BROKER_GROUP_REPLAY_H
#define BROKER_GROUP_REPLAY_H

#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "base/span.h"
#include "broker/group.h"

struct group_replay {
    const struct group_host *host; /* of the groups to come */
    const struct group_limits *limits;
    struct log *log;
    void *tree;
    struct arena arena;        /* for one record */
    uint64_t records, unknown; /* seen; of these, of unknown kinds */
};

void group_replay_init(struct group_replay *r, const struct group_host *host,
                       const struct group_limits *limits, struct log *log);
/* Frees what was not taken. */
void group_replay_release(struct group_replay *r);

/* A run of whole batches. Damage is not passed over, or commits that were acknowledged would be
 * missing without a word: 0; ERR_CORRUPT, ERR_CRC, ERR_MALFORMED, ERR_UNSUPPORTED or -ENOMEM, with
 * the offset in e. */
int group_replay_add(struct group_replay *r, struct span batches, struct err *e);

/* After the last one: bring the groups up. 0, or the first error as above. */
int group_replay_finish(struct group_replay *r, struct err *e);
/* Then take them one by one, the caller's from there on; NULL when there are no more. */
struct group *group_replay_take(struct group_replay *r);

#endif
