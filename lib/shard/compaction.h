/* compaction.h - inside lib/shard only: which log is compacted, and when. */
#ifndef SHARD_COMPACTION_H
#define SHARD_COMPACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "plog/compact.h"
#include "shard/shard_impl.h"

struct data_partition;

/* The one under way, and when to look for the next. */
struct compaction {
    struct shard_task task;   /* a slice of it */
    bool running;             /* that is */
    struct data_partition *p; /* NULL: none is under way */
    struct plog_compaction *c;
    int next;         /* enum plog_compact_next */
    int64_t again_ms; /* monotonic: when PLOG_COMPACT_WAIT is over */
    int64_t at_ms;    /* monotonic: the next look, or the next try of what could not go on */
    bool held;        /* there is something that a further checkpoint lets be compacted */
    struct shard_trouble trouble;
};

/* Go on with what is under way; look for a log if one is due. When it wants to be called again,
 * monotonic ms, INT64_MAX: not by itself. */
int64_t compaction_tick(struct shard *s, int64_t now);
/* A slice is done, or what held the next one up. */
void compaction_advance(struct shard *s);
/* The partition goes, or all do: give up. No slice is running. */
void compaction_forget(struct shard *s, struct data_partition *p);

#endif
