/* wal_repair.h - chronik-wal repair: make a copy of a data directory, or of one shard's log, that a
 * broker starts with, out of what a damaged log still holds.
 *
 *   read    wal_salvage gives the log region by region. Whole groups are kept as they are. Of
 *           damaged ones the record batches are taken whose own CRC is right
 *   plan    entries keep their indexes, for checkpoints and the metadata log count on them: a lost
 *           one becomes a NOOP. Where a partition misses offsets, the batches come from damaged
 *           groups or from its partition log, if they stand there; for the rest an empty batch
 *           keeps the offsets, so that no offset ever means another record
 *   write   a log of new segments from the newest good checkpoint on, and that checkpoint with its
 *           new positions; everything else is copied
 *
 * What is lost is told before: the entries, and the offsets of each partition. What a group held
 * that left no trace cannot be told, only that there was one.
 */
#ifndef CLI_WAL_REPAIR_H
#define CLI_WAL_REPAIR_H

#include <uthash.h>

#include "base/json.h"
#include "cli/wal_tool.h"
#include "meta/meta.h"
#include "shard/checkpoint.h"
#include "shard/node.h"
#include "wal/salvage.h"

/* One entry of the log, by its index. */
struct repair_entry {
    enum wal_salvage_kind kind; /* WAL_HOLE: lost */
    uint64_t term;
    struct wal_group group; /* of a whole one: where it stands */
    uint64_t meta_index;
    int64_t wall_ms;
};

struct repair_batch { /* in a whole entry */
    uint64_t entry;
    int64_t base, last;
};

/* A batch that stands outside of whole entries. */
struct repair_piece {
    int64_t base, last;
    uint8_t *bytes; /* NULL: the batch is damaged, and its header tells of it */
    size_t n;
    bool from_log; /* of the partition; else from a damaged group */
};

/* Goes into a lost entry. */
struct repair_fill {
    uint64_t entry;
    const struct repair_piece *piece; /* NULL: an empty batch */
    int64_t base, last;
};

struct repair_key {
    struct uuid topic_id;
    int32_t partition;
};
struct repair_part {
    struct repair_key key;
    UT_hash_handle hh;
    bool known; /* to the checkpoint, the image or a whole entry */
    struct plog_mark mark;
    int32_t epoch; /* at mark.log_end */
    struct repair_batch *batches;
    struct repair_piece *pieces;
    struct repair_fill *fills;
    size_t n_batches, cap_batches, n_pieces, cap_pieces, n_fills, cap_fills;
};

struct repair_log {
    const char *dir; /* the shard's WAL; borrowed */
    struct checkpoint checkpoint;
    bool has_checkpoint;
    uint64_t term, vote;
    struct repair_entry *entries; /* from checkpoint.index + 1 on */
    size_t n, cap;
    uint64_t damaged, untold;  /* entries that are lost; of which nothing tells all they held */
    bool hole;                 /* one was met, and no entry since */
    struct repair_part *parts; /* uthash */
    struct wal_topics names;
    struct wal_salvage_end end;
    struct json *faults;
    size_t n_faults;
};

/* ---- wal_repair_read.c */

/* Read the log in dir. 0, or a code: ERR_CORRUPT if no checkpoint is left to begin from.
 * repair_log_release in every case. */
int repair_read(struct repair_log *l, const char *dir, struct err *e);
void repair_log_release(struct repair_log *l);
/* The partition's, made if there is none; NULL when out of memory. */
struct repair_part *repair_part(struct repair_log *l, const struct uuid *id, int32_t partition);
/* The payload of a whole entry once more, into buf: 0 or a code. */
int repair_payload(const struct repair_log *l, const struct repair_entry *en, struct wr *buf,
                   struct err *e);
/* Room for one more in a growing array; 0 or -ENOMEM. */
int repair_grow(void **v, size_t n, size_t *cap, size_t size);

/* ---- wal_repair_plan.c */

/* The image that shard 0's log leads to once it is repaired. The caller's reference. */
int repair_image(const struct repair_log *l, const char *meta_dir, struct meta_image **out,
                 struct err *e);
/* The partitions the image knows of this shard; and what their logs in log_dir hold beyond the
 * checkpoint. */
int repair_consult_logs(struct repair_log *l, const struct meta_image *image, const char *log_dir,
                        struct err *e);
/* Decide what goes into the lost entries. ERR_CORRUPT if the log contradicts itself. */
int repair_plan(struct repair_log *l, struct err *e);

/* ---- wal_repair_write.c */

/* Copy a file, or a directory with all below it but the files that `leave` names (may be NULL),
 * durably. */
int repair_copy(const char *from, const char *to, bool (*leave)(const char *name), struct err *e);
/* Is it a file of the log itself: a segment, a checkpoint, a temporary one? */
bool repair_is_log_file(const char *name);
/* Write the repaired log into an existing directory. */
int repair_write(const struct repair_log *l, const char *to, struct err *e);

#endif
