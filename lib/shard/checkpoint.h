/* checkpoint.h - where a shard's state stands without its log: two alternating files, checkpoint.0
 * and checkpoint.1.
 *
 * A checkpoint with an even sequence number is checkpoint.0, with an odd one checkpoint.1. Each is
 * written under a temporary name, synced and renamed, so a named one that does not check is
 * corruption; the other one still serves, because the WAL is kept back to the older of the two.
 * Integers are little-endian.
 *
 *   0   8   magic "CHRONCKP"
 *   8   4   format version: 1, or 2 if the clock is known to have leapt
 *   12  4   CRC-32C of the whole file with this field zero
 *   16  8   size of the file in bytes
 *   24  8   sequence number, from 1 up
 *   32  16  cluster id
 *   48  4   node id
 *   52  4   shard
 *   56  8   index: all entries up to it are in this checkpoint
 *   64  8   term of that entry
 *   72  8   current term
 *   80  8   vote in it (node id, 0 none)
 *   88  8   index of the raft configuration below
 *   96  8   metadata index the shard has seen (shard 0: its own index)
 *   104 8   wall time, ms
 *   112 8   live segment: exists, and its OPEN was durable when this was written
 *   120 16  replay: segment and offset of the first group that may hold an entry above index
 *   136 16  synced: segment and offset before which the WAL was durable when this was written
 *   152 4   flags: bit 0: written at a clean stop: the log ends at `synced`, and nothing follows
 *   156 4   number of voters and other servers
 *   160 4   number of partitions
 *   164 4   when the wall clock last leapt ahead (wall.h), seconds since 1970; 0 in format 1, which
 *           knows of no leap
 *   168     servers: id u64, role u8 (wal.h: CHANGE)
 *           partitions:
 *             topic id 16, partition i32, log start i64, log end i64, active segment's base offset
 *             i64 and bytes u64, its max timestamp i64 and that record's offset i64, number of
 *             epochs u32, number of producers u32,
 *             epochs: epoch i32, start offset i64
 *             producers: id i64, epoch i16, last timestamp i64, number of batches u8 (at most 5),
 *               batches: first sequence i32, last sequence i32, base offset i64, index u64
 */
#ifndef SHARD_CHECKPOINT_H
#define SHARD_CHECKPOINT_H

#include "base/io.h"
#include "base/wr.h"
#include "plog/plog.h"
#include "wal/wal.h"

enum {
    CHECKPOINT_FORMAT = 1,
    CHECKPOINT_FORMAT_LEAPT = 2,
    CHECKPOINT_CLEAN = 1,
    CHECKPOINT_HEADER = 168,
    CHECKPOINT_FILE_MAX = 1 << 30,
    PRODUCER_BATCHES = 5,
};

struct checkpoint_server {
    uint64_t id;
    uint8_t role;
};
struct checkpoint_batch {
    int32_t first_sequence, last_sequence;
    int64_t base_offset;
    uint64_t index;
};
struct checkpoint_producer {
    int64_t id;
    int16_t epoch;
    int64_t last_timestamp;
    uint8_t n_batches; /* oldest first */
    struct checkpoint_batch batches[PRODUCER_BATCHES];
};
struct checkpoint_partition {
    struct uuid topic_id;
    int32_t partition;
    struct plog_mark mark;
    uint32_t n_epochs, n_producers;
    struct plog_epoch *epochs;
    struct checkpoint_producer *producers;
};
struct checkpoint {
    uint64_t sequence;
    struct wal_owner owner;
    uint64_t index, term;
    uint64_t current_term, vote;
    uint64_t conf_index;
    uint64_t meta_index;
    int64_t wall_ms;
    uint64_t live_segment;
    struct wal_pos replay, synced;
    uint32_t flags;
    uint32_t leapt_s; /* 0: never */
    bool lone;        /* not in the file: there is no other one beside it, whole or damaged */
    uint32_t n_servers, n_partitions;
    struct checkpoint_server *servers;
    struct checkpoint_partition *partitions;
};

/* Append the bytes of a checkpoint file to w. */
void checkpoint_encode(const struct checkpoint *c, struct wr *w);
/* Arrays are allocated; checkpoint_release frees them. ERR_CORRUPT, ERR_VERSION. */
int checkpoint_decode(struct span file, struct checkpoint *c, struct err *e);
void checkpoint_release(struct checkpoint *c);

/* The two files of a directory, the newer one that checks first. older->sequence is 0 if there is
 * only one good one; bad tells that the other exists and does not check (e says where). 0;
 * ERR_NOTFOUND if there is none; ERR_CORRUPT if none checks; ERR_FOREIGN; ERR_VERSION. */
int checkpoint_load(struct io *io, const char *dir, const struct wal_owner *owner,
                    struct checkpoint *newest, struct checkpoint *older, bool *bad, struct err *e);
/* Write the encoded bytes of the checkpoint with that sequence number, durably. */
int checkpoint_save(struct io *io, const char *dir, uint64_t sequence, const struct wr *bytes,
                    struct err *e);

#endif
