/* compact.h - compaction: of the records of a key only the last one stays (cleanup.policy=compact).
 *
 * What is promised, as in Kafka: a reader from the start sees at least the last record of each key;
 * records keep their order and their offsets; the records since the last compaction are all there,
 * and so is all of the active segment; a record without a value (a tombstone) is seen by every
 * reader that takes less than delete.retention.ms from the start to the end, wherever the clock
 * stood when that time began.
 *
 * How. A log is clean up to an offset and dirty from there on. A compaction looks through the dirty
 * part and notes for each key its last offset (keys.h); then it writes all segments up to there
 * anew without the records that a later one of the same key follows, several small ones into one,
 * and puts each in place of those it was made from (swap.h). If not all keys fit into memory, it
 * goes as far as they do, and the next one goes on from there.
 *
 * Only segments below the floor (plog_set_floor) are touched: no recovery writes there again. The
 * write-ahead log is not involved; a compaction that did not come to its end is as good as none.
 *
 * Threads. A compaction alternates between steps on the writer's thread and slices of bounded work
 * on any other:
 *
 *     begin [w] -> run (any) -> step [w] -> run -> step -> ... -> free [w]
 *
 * Readers go on: they see the list of segments of before or of after. Between the new list and the
 * renaming of files a grace period passes (the retire hook's), so that nobody opens a file by a
 * name that has a new meaning.
 */
#ifndef PLOG_COMPACT_H
#define PLOG_COMPACT_H

#include "base/siphash.h"
#include "plog/plog.h"

struct plog_compaction; /* opaque */

/* What a partition knows of a producer: the last offset it wrote. */
struct plog_producer_end {
    int64_t id, last_offset;
};

struct plog_compact_rules {
    int64_t now_ms;   /* wall clock */
    int64_t leapt_ms; /* when that last leapt ahead: a tombstone whose time was noted before stays
                       * as if it had been noted then; INT64_MIN: never */
    double min_dirty_ratio;      /* do nothing while the dirty share is not above it, */
    int64_t max_lag_ms;          /* unless something dirty is older than this; INT64_MAX: never */
    int64_t min_lag_ms;          /* leave alone what is younger */
    int64_t delete_retention_ms; /* how long a tombstone stays from now on */
    uint64_t key_bytes;          /* memory for keys */
    uint64_t reserve_bytes;      /* disk space that must stay free (else -ENOSPC) */
    uint8_t seed[SIPHASH_KEY];   /* random: see keys.h */
    struct plog_producer_end *ends; /* of the producers whose sequences still count, ascending by
                                     * id: their last batch stays at least as a header. malloc'ed;
                                     * the compaction's from begin on, also when that fails */
    size_t n_ends;
};

/* Bytes of segments. */
struct plog_dirt {
    uint64_t clean;
    uint64_t dirty; /* a compaction may go through them */
    uint64_t held;  /* it may once the floor is higher */
};
/* [w] All zero while none can be begun: one is under way, or failed for good. */
void plog_compact_look(const struct plog *p, struct plog_dirt *d);

/* [w] Did one fail for good? */
bool plog_compact_spoilt(const struct plog *p);

/* [w] One at a time for a log. 0; ERR_BUSY; -ENOMEM. */
int plog_compact_begin(struct plog *p, const struct plog_compact_rules *rules,
                       struct plog_compaction **out, struct err *e);
/* Any thread; never while a syncing of the same log runs. Some megabytes of work; what came of it
 * the next step tells. */
void plog_compact_run(struct plog_compaction *c);
enum plog_compact_next {
    PLOG_COMPACT_DONE, /* free it */
    PLOG_COMPACT_RUN,  /* call plog_compact_run */
    PLOG_COMPACT_WAIT, /* readers or a syncing of before are still there: step again, soon */
};
/* [w] An enum plog_compact_next, or the code of what failed, with file and reason in e: free it
 * then. After ERR_CORRUPT, or a failure (but for a shortage, which is waited out) half-way through
 * the exchange of files, the log is not compacted again before a restart (which finishes the
 * exchange); else it may be tried again. */
int plog_compact_step(struct plog *p, struct plog_compaction *c, struct err *e);
/* [w] Are files being exchanged? Given up now, the log would not be compacted again, nor lose old
 * segments, before a restart. */
bool plog_compact_exchanges(const struct plog_compaction *c);
/* [w] At any time but during a run; before plog_free. */
void plog_compact_free(struct plog *p, struct plog_compaction *c);

struct plog_compact_stats {
    uint64_t bytes_before, bytes_after; /* of the segments that were gone through */
    uint64_t segments_before, segments_after;
    uint64_t batches_before, batches_after; /* headers without records included */
    int64_t clean_to;                       /* the offset up to which the log is clean now */
};
/* [w] As plog_compact_free; whole once a step gave PLOG_COMPACT_DONE. */
void plog_compact_stats(const struct plog_compaction *c, struct plog_compact_stats *st);

#endif
