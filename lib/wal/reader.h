/* reader.h - read the groups of a log in the order they were written, and say how it ends.
 *
 * The one reader of the format: recovery, chronik-wal and the simulator use it. It never writes,
 * takes no lock, and needs memory for one group. On a log that a broker is writing, the end it
 * finds is the end at the time it looked.
 */
#ifndef WAL_READER_H
#define WAL_READER_H

#include "wal/wal.h"

struct wal_reader; /* opaque */

/* A place where the log is not what was written. */
struct wal_fault {
    struct wal_pos pos;
    char file[IO_PATH_MAX];
    const char *reason; /* static storage */
};

struct wal_reader_config {
    struct io *io;
    /* The shard's WAL directory, or one segment file. */
    const char *path;
    /* NULL: any; else a segment of another cluster, node or shard is ERR_FOREIGN. */
    const struct wal_owner *owner;
    /* Where to begin (a group's position, or the log's end); offset 0: the segment's first group;
     * segment 0: the first segment there is. */
    struct wal_pos from;
    /* Known durable up to here (a checkpoint says so); {0, 0}: nothing known. */
    struct wal_pos synced;
    /* The writer stopped at `synced` and wrote nothing any more. A log that ends there is not
     * looked through for what may lie behind: the rest of its segment, and those made ready. */
    bool closed;
    /* Drop cached pages before reading: after a failed sync they may show what the disk has not. */
    bool fresh;
    /* A broker may be writing: a segment that vanishes or is recycled while it is read is not a
     * fault, and a roll is followed. */
    bool live;
    /* May be NULL; filled in whenever open or next gives ERR_CORRUPT. */
    struct wal_fault *fault;
};

/* Open and check the segment headers. 0; ERR_NOTFOUND if there is no segment (or not the one `from`
 * names: ERR_CORRUPT then), ERR_FOREIGN, ERR_VERSION, ERR_CORRUPT (bad header, wrong size, missing
 * link). */
int wal_reader_open(struct wal_reader **out, const struct wal_reader_config *cfg, struct err *e);

/* The next valid group, in order of writing, local ones included. 1; 0 at the end of the log (see
 * wal_reader_end); ERR_CORRUPT with file and byte. g->payload is good until the next call. Called
 * again after 0 it looks again: a live log may have grown. */
int wal_reader_next(struct wal_reader *r, struct wal_group *g, struct err *e);

struct wal_end {
    struct wal_pos pos;    /* behind the last valid group; {0, 0} if no segment was ever opened */
    bool torn;             /* an incomplete write follows (a torn tail); the next OPEN cuts it */
    uint64_t torn_bytes;   /* of it, as far as can be told */
    bool rolled;           /* the last segment ends with ROLL */
    uint64_t last_segment; /* highest id that exists, even if empty */
    struct wal_pos synced; /* the largest synced position any valid header stated */
};
/* After wal_reader_next gave 0. */
void wal_reader_end(const struct wal_reader *r, struct wal_end *end);

/* Header and file of the segment the last group came from. */
const struct wal_segment_header *wal_reader_segment(const struct wal_reader *r);
const char *wal_reader_file(const struct wal_reader *r);
/* All segments of the chain, ascending; borrowed. */
const struct wal_segment_header *wal_reader_segments(const struct wal_reader *r, size_t *n);

/* Read one group again by its position (for replication and replay), also of a segment younger than
 * the reader. 0; ERR_CORRUPT if no valid group begins there; -ENOENT if the segment is gone.
 * g->payload is good until the next call. */
int wal_reader_at(struct wal_reader *r, struct wal_pos pos, struct wal_group *g, struct err *e);

void wal_reader_free(struct wal_reader *r);

#endif
