/* wal.h - the write-ahead log of one shard: format, and what all its users share.
 *
 * The log is a chain of segment files `<id, 20 digits>.wal` in the shard's directory. All integers
 * are little-endian. The same description, as prose, is chronik-wal(5).
 *
 * Segment header: the file's first WAL_BLOCK (4096) bytes.
 *   0   8   magic "CHRONWAL"
 *   8   4   format version, 1
 *   12  4   CRC-32C of the whole block with this field zero
 *   16  8   segment id, from 1 up
 *   24  8   segment size: of the whole file, in bytes, a multiple of 4096
 *   32  16  cluster id
 *   48  4   node id
 *   52  4   shard
 *   56  8   feature bits: 0; a reader refuses those it does not know
 *   64  8   salt: random, drawn each time the file becomes a segment
 *   72  8   wall time of creation, ms
 *   80  -   zero
 *
 * A segment gets its name only when header and full size are durable, so a named one with a bad
 * header or another size is corruption. A recycled file keeps stale groups of its former life
 * behind its live ones; the salt makes them invalid.
 *
 * Group: one write and one sync. Starts on a multiple of 4096, never spans segments, is padded with
 * zeros to the next multiple.
 *
 *   0   4   magic "CKWG"
 *   4   4   header CRC: CRC-32C over the segment's salt (8 bytes), then bytes 8..79 of this header
 *   8   4   payload CRC: CRC-32C of the payload
 *   12  4   payload length in bytes, >= 16
 *   16  8   segment id
 *   24  8   offset of this group in its file
 *   32  8   index of the raft entry, or 0 for a group of node-local frames
 *   40  8   term of the entry (the current term for index 0)
 *   48  8   synced: segment id
 *   56  8   synced: offset. Everything before this position was durable when this header was made
 *   64  4   duration of the previous sync, in microseconds (0: none, saturates)
 *   68  4   zero
 *   72  8   zero
 *   80      payload:
 *             0  8  metadata index the entry was staged under (shard 0: applied index; local: 0)
 *             8  8  wall time, ms
 *             16    frames, one behind the other, up to the payload's length:
 *               0  1  type (frame.def)
 *               1  1  flags: bit 0: a reader that does not know the type may skip the frame
 *               2  2  zero
 *               4  4  length of the body
 *               8     body
 *           zeros to the next multiple of 4096
 *
 * The payload travels between nodes as it is; the header is local. A group is valid in a segment if
 * magic, header CRC, segment id and own offset are right, the length fits the file, the payload CRC
 * is right and the padding is zero.
 *
 * Bodies:
 *   BATCH   topic id 16, partition u32, record batch
 *   TRIM    topic id 16, partition u32, log start i64
 *   CHANGE  u32 n, then n times: node id u64, role u8 (0 standby, 1 voter, 2 spare)
 *   COMMAND a metadata command (chronik-meta(5))
 *   NOOP    empty
 *   OPEN    term u64, vote u64 (node id, 0 none), previous segment id u64, its end u64 (both 0:
 *           none before)
 *   STATE   term u64, vote u64
 *   MARK    empty
 *   ROLL    next segment id u64
 *   TOPIC   topic id 16, name (the rest)
 *
 * Chain. The first group of a segment holds OPEN. OPEN ends the log before it: bytes of the
 * previous segment behind its end are dead, and so are segments between the two. A full segment
 * ends with ROLL, and its successor exists by then. A group with index i discards every group
 * written earlier with index >= i.
 *
 * Validity. Where a region at position P is not a valid group, look at every header further on
 * (each multiple of 4096 in this segment, and all later segments) whose header CRC is right: if its
 * synced lies beyond P, or a checkpoint says so, P is corruption. Else the log ends at P: a torn
 * tail, or simply the end if the block there is not the start of a write (all zero, or stale bytes
 * of a former life: nothing tells them from a torn header, nor needs to).
 */
#ifndef WAL_WAL_H
#define WAL_WAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "base/span.h"
#include "base/uuid.h"

enum {
    WAL_BLOCK = 4096,
    WAL_FORMAT = 1,
    WAL_GROUP_HEADER = 80,
    WAL_PAYLOAD_HEADER = 16,
    WAL_FRAME_HEADER = 8,
    WAL_FRAME_SKIPPABLE = 1, /* frame flag */
    WAL_SEGMENT_MIN = 16 * WAL_BLOCK,
};

enum wal_frame_type {
#define WAL_FRAME(name, number, local, sentence) WAL_##name = number,
#include "wal/frame.def"
#undef WAL_FRAME
};
const char *wal_frame_name(int type); /* "BATCH"; "?" if unknown */

/* A place in the log. */
struct wal_pos {
    uint64_t segment, offset;
};
static inline int wal_pos_cmp(struct wal_pos a, struct wal_pos b)
{
    if (a.segment != b.segment)
        return a.segment < b.segment ? -1 : 1;
    return a.offset < b.offset ? -1 : a.offset > b.offset;
}

/* Who the log belongs to: stands in every segment header. */
struct wal_owner {
    struct uuid cluster_id;
    uint32_t node_id, shard;
};

struct wal_segment_header {
    uint64_t id, size, salt, features;
    int64_t created_ms;
    uint32_t version;
    struct wal_owner owner;
};
/* 0, ERR_CORRUPT, ERR_VERSION. */
int wal_segment_header_decode(const uint8_t block[WAL_BLOCK], struct wal_segment_header *h,
                              struct err *e);
void wal_segment_header_encode(uint8_t block[WAL_BLOCK], const struct wal_segment_header *h);

struct wal_group {
    struct wal_pos pos, synced;
    uint64_t index, term;
    uint32_t payload_len, payload_crc, prev_sync_us;
    uint64_t meta_index;
    int64_t wall_ms;
    struct span payload; /* with its 16-byte header; borrowed from the reader */
};
/* Bytes the group takes in the file, padding included. */
uint64_t wal_group_bytes(uint32_t payload_len);

struct wal_frame {
    int type;
    uint8_t flags;
    struct span body;
};
/* Walk the frames of a payload: at starts as WAL_PAYLOAD_HEADER. 1, 0 at the end, ERR_MALFORMED. An
 * unknown type is given as it is; whether it may be skipped is in its flags. */
int wal_frame_next(struct span payload, size_t *at, struct wal_frame *f);

/* Bodies. Decoders give 0 or ERR_MALFORMED. */
struct wal_batch {
    struct uuid topic_id;
    uint32_t partition;
    struct span batch;
};
struct wal_trim {
    struct uuid topic_id;
    uint32_t partition;
    int64_t log_start;
};
struct wal_open {
    uint64_t term, vote;
    struct wal_pos prev; /* end of the log in the segment before */
};
struct wal_state {
    uint64_t term, vote;
};
struct wal_topic {
    struct uuid topic_id;
    struct span name;
};
enum {
    WAL_BATCH_FIXED = 20,
    WAL_TRIM_SIZE = 28,
    WAL_OPEN_SIZE = 32,
    WAL_STATE_SIZE = 16,
    WAL_ROLL_SIZE = 8,
    WAL_TOPIC_FIXED = 16
};
/* What they give points into the body. */
int wal_batch_decode(struct span body, struct wal_batch *b);
int wal_trim_decode(struct span body, struct wal_trim *t);
int wal_open_decode(struct span body, struct wal_open *o);
int wal_state_decode(struct span body, struct wal_state *s);
int wal_roll_decode(struct span body, uint64_t *next);
int wal_topic_decode(struct span body, struct wal_topic *t);

/* Encoders write the fixed part of a body: WAL_x_SIZE bytes, or WAL_BATCH_FIXED or WAL_TOPIC_FIXED
 * ones, behind which the batch or the name goes. Of b and t only the ids are used. */
void wal_batch_encode(uint8_t *body, const struct wal_batch *b);
void wal_trim_encode(uint8_t body[WAL_TRIM_SIZE], const struct wal_trim *t);
void wal_open_encode(uint8_t body[WAL_OPEN_SIZE], const struct wal_open *o);
void wal_state_encode(uint8_t body[WAL_STATE_SIZE], const struct wal_state *s);
void wal_roll_encode(uint8_t body[WAL_ROLL_SIZE], uint64_t next);
void wal_topic_encode(uint8_t *body, const struct wal_topic *t);

/* "<dir>/<id>.wal"; and back: true and *id for a segment's file name. */
int wal_segment_path(char *buf, size_t cap, const char *dir, uint64_t id);
bool wal_segment_name(const char *name, uint64_t *id);

#endif
