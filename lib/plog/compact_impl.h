/* compact_impl.h - private to lib/plog: a compaction under way.
 *
 *   compact.c        its life: the order of phases, what the writer's thread does
 *   compact_plan.c   is it worth it, and how far may it go
 *   compact_map.c    the dirty part's keys
 *   compact_write.c  segments written anew
 *
 * The functions that run elsewhere touch nothing but this struct and the segments in `seg`, which
 * are pinned: neither their files nor their place in the list change meanwhile.
 */
#ifndef PLOG_COMPACT_IMPL_H
#define PLOG_COMPACT_IMPL_H

#include "base/wr.h"
#include "plog/compact.h"
#include "plog/keys.h"
#include "plog/plog_impl.h"

enum {
    PLOG_COMPACT_SLICE = 8 << 20,        /* bytes of log in one run */
    PLOG_COMPACT_EXPANDED_MAX = 1 << 30, /* of a batch that was admitted with a bound of its own */
};

/* What the next run does, in this order; SWAP is followed by WRITE while segments are left. */
enum plog_compact_phase {
    PLOG_COMPACT_PLAN,     /* pinned: all that may be gone through */
    PLOG_COMPACT_MAP,      /* pinned: a dirty segment */
    PLOG_COMPACT_ANNOUNCE, /* gaps come: progress.h */
    PLOG_COMPACT_WRITE,    /* pinned: the segments that become one, as far as that is known */
    PLOG_COMPACT_SEAL,     /* that is all */
    PLOG_COMPACT_SWAP,     /* pinned: the new one, which is in the list */
    PLOG_COMPACT_CLOSE,    /* done: progress.h */
};

struct plog_grace; /* compact.c */

struct plog_compaction {
    struct plog_compact_rules rules;
    struct io *io;
    char *dir;
    struct plog_epochs *epochs; /* as they were when it began */
    uint32_t interval;
    uint64_t segment_bytes;
    enum plog_compact_phase phase;
    bool more; /* the last run did not come to the end of its phase, or of its segments */
    int rc;    /* of the last run */
    struct err err;

    struct plog_segment **seg; /* pinned, each with a reference */
    size_t n, cap;
    size_t at; /* the one that is being read, */
    struct plog_scan scan;
    bool scanning; /* with this */
    uint8_t *window;

    int64_t first_dirty, stop; /* the part whose keys count, as planned; */
    bool worth;                /* doing it at all */
    struct plog_keys keys;
    int64_t mapped;     /* keys are known up to here (exclusive) */
    bool map_ends;      /* and nothing behind it is looked at */
    int64_t limit;      /* segments are written anew up to here: where one ends */
    int64_t gaps_below; /* as progress.h states it, from the announcement on */
    int64_t next;       /* the segment to go on with */

    /* The one being made */
    struct plog_segment *made;
    struct plog_old *index;
    struct io_file *file;
    struct wr out;  /* not yet in the file */
    struct wr tail; /* the header that the file is to end with if nothing follows; or nothing */
    bool begun;     /* with the segment that was pinned last */
    uint64_t written;
    bool changed;                    /* it is not byte for byte the one it was made from */
    bool listed, committed, swapped; /* it is in the list; in force; its files have their names */
    struct plog_grace *grace;

    struct plog_compact_stats stats;
};

/* compact_plan.c */
int plog_compact_plan(struct plog_compaction *c, struct err *e);
/* compact_map.c: a slice of the segment that is pinned */
int plog_compact_map(struct plog_compaction *c, struct err *e);
/* compact_write.c: a slice of the segment that was pinned last; then, c->made is complete and
 * durable under its .cleaned name, unless it is what it was made of: then its files are gone */
int plog_compact_write(struct plog_compaction *c, struct err *e);
int plog_compact_seal(struct plog_compaction *c, struct err *e);
/* Forget what is being made; its files stay. */
void plog_compact_unmake(struct plog_compaction *c);

/* The next batch of the pinned segments from c->at on: 1 with c->scan at it, 0 behind the last. */
int plog_compact_next_batch(struct plog_compaction *c, struct err *e);

#endif
