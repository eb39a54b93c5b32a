/* meta_place.h - what a PATH of chronik-meta is. */
#ifndef CLI_META_PLACE_H
#define CLI_META_PLACE_H

#include "base/io.h"
#include "wal/reader.h"

enum place_kind {
    PLACE_NODE,       /* a broker's data directory */
    PLACE_SNAPSHOTS,  /* a directory of snapshots */
    PLACE_LOG,        /* a directory of WAL segments */
    PLACE_SNAPSHOT,   /* a file */
    PLACE_SEGMENT,    /* a file */
    PLACE_CHECKPOINT, /* a file */
};

struct place {
    enum place_kind kind;
    struct io *io;
    const char *path;            /* as given */
    char snapshots[IO_PATH_MAX]; /* directory; empty: none */
    char log[IO_PATH_MAX];       /* directory, or segment file; empty: none */
    bool owned;                  /* owner is known: of a data directory whose node.meta is good */
    struct wal_owner owner;
};

/* Find out by looking at it. 0; ERR_NOTFOUND (nothing there, or nothing of ours); a negated errno.
 * A node.meta that is not good is for the caller to look at: owned is false then. */
int place_find(struct place *p, struct io *io, const char *path, struct err *e);

/* Whom files must belong to; NULL: not known. */
const struct wal_owner *place_owner(const struct place *p);
const struct uuid *place_cluster(const struct place *p);

/* ERR_INVALID if the log is not shard 0's. */
int place_check_shard(const struct place *p, const struct wal_reader *r, struct err *e);

#endif
