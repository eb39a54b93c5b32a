/* node.h - the data directory of a node.
 *
 *   DIR/lock            held while a broker runs
 *   DIR/node.meta       text: format, cluster.id, node.id, crc32c; written last at the first start
 *   DIR/wal/<shard>/    <id>.wal segments, checkpoint.0, checkpoint.1
 *   DIR/meta/           <index>-<term>.snapshot
 *   DIR/log/            <topic>-<partition>/ as Kafka lays it out
 *
 * The WALs may live on a device of their own (wal.dir): WALDIR/lock and WALDIR/<shard>/ then stand
 * in for DIR/wal, and node.meta names WALDIR, so that every tool given DIR finds them.
 *
 * The first start builds everything under DIR/init.tmp and renames it into place, node.meta last,
 * so that a start killed anywhere is simply begun again. In a WALDIR, which is another file
 * system, nothing can be renamed into place: there the directory init.tmp, made first and removed
 * before node.meta is in place, says that what lies beside it holds nothing yet. See
 * chronik-meta(5).
 */
#ifndef SHARD_NODE_H
#define SHARD_NODE_H

#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "base/uuid.h"
#include "shard/shard.h"

enum {
    NODE_FORMAT = 1,
    NODE_SHARDS_MAX = 64 /* data shards, the bound of wal.shards; beside a WAL, a directory with a
                          * higher number is not one */
};

/* What node.meta says. */
struct node_meta {
    struct uuid cluster_id;
    uint32_t node_id;
    bool wal_elsewhere;        /* wal.dir named a place outside DIR */
    char wal_dir[IO_PATH_MAX]; /* holds the shards' WALs: that place, or DIR/wal */
};

struct node {
    struct io *io;
    struct log *log;
    char *dir;
    struct io_file *lock, *wal_lock; /* the second only with wal.dir */
    struct node_meta meta;
    bool fresh; /* this call created it */
};

struct node_config {
    struct io *io;
    struct log *log;
    const char *dir;        /* created if missing (its parent must exist) */
    const char *wal_dir;    /* absolute, created like dir, and empty at the first start; NULL: as
                             * node.meta says, at the first start DIR/wal */
    uint32_t node_id;       /* refused if the directory says another */
    const char *cluster_id; /* text; NULL: draw one when new, any when there */
    uint32_t data_shards;   /* 1 or more; those behind the last one are added, fewer than there are
                             * or one missing among them is refused */
    uint64_t segment_bytes; /* of the WALs' first segments */
    uint64_t meta_segment_bytes;
    struct clock *clock;
    bool read_only; /* neither create nor lock: for tools */
};

/* Lock the directory and make sure it is whole. A wal_dir other than node.meta's is taken when the
 * WALs were moved there: it holds them and the old place holds none. ERR_LOCKED (another process
 * runs on it), ERR_FOREIGN (another cluster or node), ERR_VERSION (a newer format), ERR_INVALID
 * (settings that do not fit), ERR_CORRUPT; e says what to do. */
int node_open(struct node *n, const struct node_config *cfg, struct err *e);
void node_release(struct node *n);

/* Paths; 0 or -ENAMETOOLONG. The first is below node_meta.wal_dir, the others below DIR. */
int node_wal_dir(char *buf, size_t cap, const char *wal_dir, uint32_t shard);
int node_meta_dir(char *buf, size_t cap, const char *dir);
int node_log_dir(char *buf, size_t cap, const char *dir);

/* Read node.meta without locking: for tools. ERR_NOTFOUND when there is none. */
int node_read(struct io *io, const char *dir, struct node_meta *meta, struct err *e);
/* Replace DIR/node.meta, durably. Without wal_elsewhere, wal_dir is not looked at. */
int node_write(struct io *io, const char *dir, const struct node_meta *meta, struct err *e);

#endif
