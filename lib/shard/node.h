/* node.h - the data directory of a node.
 *
 *   DIR/lock            held while a broker runs
 *   DIR/node.meta       text: format, cluster.id, node.id, crc32c; written last at the first start
 *   DIR/wal/<shard>/    <id>.wal segments, checkpoint.0, checkpoint.1
 *   DIR/meta/           <index>-<term>.snapshot
 *   DIR/log/            <topic>-<partition>/ as Kafka lays it out
 *
 * The first start builds everything under DIR/init.tmp and renames it into place, node.meta last,
 * so that a start killed anywhere is simply begun again. See chronik-meta(5).
 */
#ifndef SHARD_NODE_H
#define SHARD_NODE_H

#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "base/uuid.h"
#include "shard/shard.h"

enum { NODE_FORMAT = 1 };

struct node {
    struct io *io;
    char *dir;
    struct io_file *lock;
    struct uuid cluster_id;
    uint32_t node_id;
    bool fresh; /* this call created it */
};

struct node_config {
    struct io *io;
    struct log *log;
    const char *dir;        /* created if missing (its parent must exist) */
    uint32_t node_id;       /* refused if the directory says another */
    const char *cluster_id; /* text; NULL: draw one when new, any when there */
    uint32_t data_shards;   /* 1 or more; missing ones are added, fewer than there are is refused */
    uint64_t segment_bytes; /* of the WALs' first segments */
    uint64_t meta_segment_bytes;
    struct clock *clock;
    bool read_only; /* neither create nor lock: for tools */
};

/* Lock the directory and make sure it is whole. ERR_LOCKED (another process runs on it),
 * ERR_FOREIGN (another cluster or node), ERR_VERSION (a newer format), ERR_CORRUPT; e says what to
 * do. */
int node_open(struct node *n, const struct node_config *cfg, struct err *e);
void node_release(struct node *n);

/* Paths below dir; 0 or -ENAMETOOLONG. */
int node_wal_dir(char *buf, size_t cap, const char *dir, uint32_t shard);
int node_meta_dir(char *buf, size_t cap, const char *dir);
int node_log_dir(char *buf, size_t cap, const char *dir);

/* Read node.meta without locking: for tools. */
int node_read(struct io *io, const char *dir, struct uuid *cluster_id, uint32_t *node_id,
              struct err *e);

#endif
