/* chain.h - which segments make up the log, and where each of them ends. Private to the room.
 *
 * Every segment's first group is looked at. The youngest one with an OPEN is the log's last; its
 * OPEN tells which segment comes before it and where that ends, and so on back to the oldest that
 * is still there, or to the one that is asked for. Segments in between that no OPEN leads to are
 * dead. Those younger than the last are empty, unless what they hold proves that an OPEN was lost.
 */
#ifndef WAL_CHAIN_H
#define WAL_CHAIN_H

#include "wal/segfile.h"

struct wal_chain {
    struct wal_segment_header *headers; /* of the log's segments, ascending */
    uint64_t *ends; /* of the same: offset at which the next one's OPEN ends it; 0 for the last */
    size_t n;
    uint64_t *younger; /* ids of the segments behind the last, ascending */
    size_t n_younger;
    uint64_t last_segment; /* the highest id there is */
};

/* Of cfg: all but live. ERR_NOTFOUND if there is no segment at all. */
int wal_chain_find(struct wal_chain *c, const struct wal_reader_config *cfg, struct wal_buf *buf,
                   struct err *e);
/* A chain of this one segment. 0 or -ENOMEM. */
int wal_chain_lone(struct wal_chain *c, const struct wal_segment_header *h);
/* The last segment ends at `end` with a ROLL to `next`: if that has its OPEN by now, make it the
 * last. 1, 0 if it has not, or an error. */
int wal_chain_follow(struct wal_chain *c, const struct wal_reader_config *cfg, struct wal_buf *buf,
                     struct wal_pos end, uint64_t next, struct err *e);
void wal_chain_release(struct wal_chain *c);

#endif
