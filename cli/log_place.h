/* log_place.h - what a PATH of chronik-log is: partitions with segments.
 *
 *   a .log file                         that segment alone; .index and the like name their segment
 *   a partition's directory             <topic>-<partition>
 *   a directory of such                 Chronik's DIR/log, or one of Kafka's log.dirs
 *   a broker's data directory of ours   with what its metadata and checkpoints say of partitions
 */
#ifndef CLI_LOG_PLACE_H
#define CLI_LOG_PLACE_H

#include "base/io.h"
#include "base/uuid.h"
#include "meta/meta.h"

enum { LOG_SEGMENT_NAME = 20 }; /* bytes of a segment's name in front of its ending */

struct log_segment {
    int64_t base; /* what its name says; -1: it has another name */
    char *path;   /* of the .log file (or .log.swap), which may be missing */
    bool last;    /* of its partition */
};

/* What an interrupted compaction left, and why that does not take the place of any segment. */
struct log_swap {
    char *path;
    struct err why;
};

struct log_partition {
    char *dir;
    char topic[META_NAME_MAX + 1]; /* as the directory's name has it; empty: it has another name */
    int32_t partition;             /* -1: likewise */
    struct uuid topic_id;          /* as partition.metadata has it; zero: it does not say */
    bool is_file;                  /* a segment was named, not the partition */
    struct log_swap *bad_swaps;    /* they replace nothing: the broker would not start */
    size_t n_bad_swaps;
    struct log_segment *segments; /* by base offset */
    size_t n;
};

struct log_place {
    struct io *io;
    const char *path;
    bool is_node;            /* a data directory of Chronik */
    struct log_partition *v; /* by topic and partition */
    size_t n;
};

/* Look at a path. 0; ERR_NOTFOUND (nothing there, or no partition); -ENOMEM; a negated errno.
 * log_place_release in every case. */
int log_place_find(struct log_place *p, struct io *io, const char *path, struct err *e);
void log_place_release(struct log_place *p);

#endif
