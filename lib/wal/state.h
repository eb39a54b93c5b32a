/* state.h - what the files of the writer share. Private to the room.
 *
 * All segment files the writer knows stand in one array, ascending by id in each part:
 *
 *   [0, n_free)        released, dead ones of before first: wait for recycling or unlinking
 *   [n_free, current)  kept: may be read again
 *   [current]          written to
 *   (current, n)       ready: empty, durable, will be written to
 */
#ifndef WAL_STATE_H
#define WAL_STATE_H

#include "wal/writer.h"

struct wal_segment {
    uint64_t id, size, salt;
    struct io_file *file; /* current and ready ones; and rolled ones until their write is done */
};

struct wal_writer {
    struct io *io;
    struct log *log;
    char *dir;
    struct wal_owner owner;
    uint64_t segment_bytes, first_bytes;
    unsigned spare;
    bool direct;
    uint64_t leave_free;
    uint64_t (*random)(void *ctx);
    void *random_ctx;

    struct wal_segment *segs;
    size_t n, cap, n_free, current;
    uint64_t next_id; /* of the next segment to be prepared */
    size_t wanted;    /* ready segments that a refused seal needs */

    struct wal_pos end;     /* where the next group goes */
    struct wal_pos synced;  /* all before it is durable */
    struct wal_pos stated;  /* the last synced position that a durable header states */
    struct wal_pos content; /* end of the last group that is more than MARKs */
    uint32_t last_sync_us;
    bool poisoned, preparing;
    struct wal_write *in_flight;
};

/* Bytes for groups that a segment of this size has: header, OPEN and ROLL always have their room.
 */
static inline uint64_t wal_segment_room(uint64_t size)
{
    return size - 3 * (uint64_t)WAL_BLOCK;
}

/* Room for k more entries in segs. 0 or -ENOMEM. */
int wal_writer_reserve(struct wal_writer *w, size_t k);

/* ---- segment.c: files */

struct wal_segment_plan {
    struct io *io;
    const char *dir; /* the writer's: outlives the plan */
    struct wal_segment_header header;
    bool direct;         /* open it past the page cache */
    bool zeros;          /* write all of it, if it is not an old one */
    uint64_t recycle;    /* id of the old segment whose file becomes the new one; 0: none */
    uint64_t leave_free; /* bytes that a file from nothing leaves on the file system; 0: any */
    struct iovec first;  /* written behind the header, blocks of their own; or nothing */
    /* results */
    struct io_file *file;
    bool recycled;  /* the old file is no more */
    bool touched;   /* the file's header is, or may be, another one */
    bool uncertain; /* a directory sync failed: nobody knows which names are durable */
};
/* Make a segment file durable, then give it its name. On failure no file is left under the
 * temporary name. */
int wal_segment_make(struct wal_segment_plan *p, struct err *e);
/* Take away a segment file for good; a missing one is fine. */
int wal_segment_remove(struct io *io, const char *dir, uint64_t id, bool *uncertain, struct err *e);
/* What interrupted preparations have left. */
int wal_segment_sweep(struct io *io, const char *dir, struct err *e);
/* A salt for a new segment. 0 or a negated errno. */
int wal_salt(const struct wal_writer *w, uint64_t *salt);

#endif
