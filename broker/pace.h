/* pace.h - how much of the disk cold reads may take from the log.
 *
 * A disk does what it is given side by side or in turn, and either way a commit of the write-ahead
 * log, for which producers wait, stands behind the reads that were given to it before. So nobody
 * reads more than a piece at a time:
 *
 *   the log is idle   any number of pieces at once, and the system may read ahead
 *   the log is in use one piece at a time, nothing beyond it, and where a commit was under way
 *                     meanwhile, a pause of PACE_REST times what the piece took
 *
 * So a commit waits for one piece at most, most of them for none, and the log has the greater part
 * of the disk's time, however fast the disk is and whoever else slows it down; but cold reads
 * always have their share. This file only decides: events and times in, times out.
 */
#ifndef BROKER_PACE_H
#define BROKER_PACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    PACE_REST = 3,        /* cold reads get a quarter of the disk's time */
    PACE_REST_MS = 1000,  /* and never a longer pause than this */
    PACE_IN_USE_MS = 1000 /* so long after a commit the log counts as in use */
};

/* Commits of all shards. Any thread that makes one tells. */
struct commits {
    _Atomic uint64_t begun, ended;
};

static inline void commits_begin(struct commits *c)
{
    atomic_fetch_add(&c->begun, 1);
}

static inline void commits_end(struct commits *c)
{
    atomic_fetch_add(&c->ended, 1);
}

/* Under its owner's lock; times are clock->mono_ns. */
struct pace {
    const struct commits *commits; /* NULL: the log has a disk of its own, so nothing gives way */
    uint64_t seen;                 /* of those begun, */
    int64_t idle_ns;               /* and from then on the log is idle */
    int64_t next_ns;               /* no piece before */
    uint32_t reading;              /* pieces */
};

/* A piece that is being read. */
struct pace_piece {
    int64_t began_ns;
    uint64_t ended; /* commits by then */
};

void pace_init(struct pace *p, const struct commits *commits);
/* Is the log in use? */
bool pace_log_in_use(struct pace *p, int64_t now_ns);
/* When the next piece may be read: now_ns or before, later, or INT64_MAX: when one has ended. */
int64_t pace_next(struct pace *p, int64_t now_ns);
void pace_begin(struct pace *p, struct pace_piece *piece, int64_t now_ns);
void pace_end(struct pace *p, const struct pace_piece *piece, int64_t now_ns);

#endif
