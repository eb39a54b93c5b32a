/* salvage.h - read what can still be read of a log that is damaged.
 *
 * The reader (reader.h) stops at the first fault, as recovery must. This goes on behind it, for a
 * copy to be made of what is left: every region of the log is given in order, as
 *
 *   whole     a valid group. In a segment whose own header is damaged, the salt is lost with it;
 *             there, and where only the group's header is damaged, a group counts as whole if it
 *             states this segment and this place, and its payload's checksum and padding are right
 *   damaged   the group's header is right, its payload is not
 *   a hole    neither: what is there up to the next group, as it may be a payload without a header
 *
 * A region that nobody knows to have been durable ends the log, as in reader.h: what a power cut
 * left of an unfinished write is no damage. Never writes. Needs memory for the largest region.
 */
#ifndef WAL_SALVAGE_H
#define WAL_SALVAGE_H

#include "wal/wal.h"

enum wal_salvage_kind { WAL_WHOLE, WAL_DAMAGED, WAL_HOLE };

struct wal_salvaged {
    enum wal_salvage_kind kind;
    struct wal_pos pos;
    uint64_t end;           /* offset behind the region */
    const char *file;       /* borrowed */
    const char *why;        /* what is wrong; NULL: nothing */
    bool proven;            /* the group's header has passed its own checksum; else its index and
                             * term are only what it says */
    struct wal_group group; /* of WAL_WHOLE and WAL_DAMAGED */
    struct span payload;    /* the group's, its header included; of a hole, the bytes where a
                             * payload would be, as far as the region goes. Borrowed */
};

struct wal_salvage_config {
    struct io *io;
    const char *dir;       /* the shard's WAL directory */
    struct wal_pos from;   /* nothing before it is of interest; {0, 0}: all is */
    struct wal_pos synced; /* known durable up to here (checkpoints) */
};

struct wal_salvage_end {
    uint64_t last_segment; /* the highest id there is */
    uint64_t segment_size; /* the largest */
    size_t faults;         /* damaged headers of segments, missing segments */
};

/* Give every region to visit, in the order of the log; and to fault what is wrong with whole files:
 * a segment header, a missing segment. A visit that gives non-zero ends it with that. 0;
 * ERR_NOTFOUND if there is no segment; ERR_VERSION; a negated errno. */
int wal_salvage(const struct wal_salvage_config *cfg,
                int (*visit)(void *ctx, const struct wal_salvaged *s),
                int (*fault)(void *ctx, const char *file, const char *why), void *ctx,
                struct wal_salvage_end *end, struct err *e);

#endif
