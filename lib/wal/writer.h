/* writer.h - append groups to a log, roll its segments, recycle old ones.
 *
 * The work is cut so that the owner (the shard thread) never waits for the disk:
 *
 *   wal_payload_*      fill the payload of an entry; bytes are copied once, into the buffer that is
 *                      written
 *   wal_write_begin    start a write; wal_write_local and wal_write_entry add groups to it
 *   wal_write_seal     gives every group its place: position, header, padding. From here on the
 *                      write must be run
 *   wal_write_run      checksums, the write and the sync. Any thread; touches only the write
 *   wal_write_done     the owner takes the result: the synced position moves, or the writer is
 *                      poisoned
 *
 * One write is under way at a time. A write that does not fit the segment rolls: ROLL is committed
 * to the old segment, then OPEN and the groups to the next one, which must have been prepared:
 *
 *   wal_prepare_begin  if no segment is ready, or a seal needs more than there are
 *   wal_prepare_run    unlinks released segments that are not needed and makes one (from a released
 *                      one if there is any): allocates, writes the header, syncs, renames. Any
 *                      thread
 *   wal_prepare_done   the owner takes the result
 *
 * Failures. -ENOSPC from a preparation is retryable: nothing is lost, the log goes on once there is
 * space. A failed write or sync poisons the writer: every later call gives ERR_POISONED, only a
 * restart (recovery) helps, because nobody knows what the disk holds (fsync may report an error
 * once and then succeed).
 *
 * All functions but the two _run ones: the owner's thread.
 */
#ifndef WAL_WRITER_H
#define WAL_WRITER_H

#include "wal/wal.h"

/* ---- payloads */

struct wal_payload {
    uint8_t *mem; /* WAL_BLOCK-aligned; the group header comes first */
    size_t len;   /* of the payload so far */
    size_t cap;   /* bytes of mem */
};
/* An empty payload; memory for `reserve` payload bytes at once. 0 or -ENOMEM. */
int wal_payload_init(struct wal_payload *p, size_t reserve);
void wal_payload_release(struct wal_payload *p);
/* Start anew, keeping the memory. */
void wal_payload_reset(struct wal_payload *p);
/* Add a frame; returns where its body of n bytes goes, NULL when out of memory (the payload is
 * unchanged then). Good until the next frame. */
uint8_t *wal_payload_frame(struct wal_payload *p, enum wal_frame_type type, uint8_t flags,
                           size_t n);
/* Payload bytes that were made elsewhere (received from a leader, header included). */
int wal_payload_set(struct wal_payload *p, struct span payload);
static inline bool wal_payload_empty(const struct wal_payload *p)
{
    return p->len <= WAL_PAYLOAD_HEADER;
}
static inline struct span wal_payload_span(const struct wal_payload *p)
{
    return span_of(p->mem + WAL_GROUP_HEADER, p->len);
}
/* Fill in the payload's own header: to be called once before the entry is added to a write. */
void wal_payload_stamp(struct wal_payload *p, uint64_t meta_index, int64_t wall_ms);

/* ---- the writer */

struct wal_writer; /* opaque */

struct wal_writer_config {
    struct io *io;
    struct log *log;
    const char *dir; /* exists; copied */
    struct wal_owner owner;
    uint64_t segment_bytes; /* of new segments: a multiple of WAL_BLOCK, >= WAL_SEGMENT_MIN */
    uint64_t first_bytes;   /* of the one that wal_writer_open makes, if not larger than that; a
                             * multiple of WAL_BLOCK, >= WAL_SEGMENT_MIN; 0: 1 MiB with `direct`,
                             * else segment_bytes */
    unsigned spare;         /* freed segments kept for recycling (wal_writer_keep_spare) */
    bool durable;           /* the log before `end` was synced since it was last written to */
    /* Write past the page cache, into segments filled with zeros ahead: a commit then copies
     * nothing and changes nothing but its own blocks, neither extents nor the file system's
     * journal. */
    bool direct;
    uint64_t leave_free; /* bytes of the file system that segments prepared later leave free */
    uint64_t (*random)(void *ctx); /* salts; NULL: getrandom */
    void *random_ctx;
};

/* A writer that continues the log behind `end` (as a reader found it, or all zero for a new log) in
 * a new segment of its own: never in an old one. Creates that segment (of first_bytes) with OPEN in
 * it, durable before it has its name; then segments between the two are dead: `spare`
 * of them are released, for the next preparation, the others removed. Temporary files of
 * interrupted preparations are removed. Blocks on the disk. e names the file. */
int wal_writer_open(struct wal_writer **out, const struct wal_writer_config *cfg,
                    struct wal_pos end, uint64_t last_segment, uint64_t term, uint64_t vote,
                    int64_t wall_ms, struct err *e);
/* Syncs nothing. No write or preparation may be under way. */
void wal_writer_free(struct wal_writer *w);

/* The largest payload that fits a segment. */
size_t wal_writer_max_payload(const struct wal_writer *w);
/* Could an entry with a payload of n bytes (and a block of local groups) be sealed now? If not, a
 * segment is due. For owners who must know before they commit themselves to the entry. */
bool wal_writer_fits(struct wal_writer *w, size_t n);
/* Everything before this position is durable. */
struct wal_pos wal_writer_synced(const struct wal_writer *w);
/* Where the next group goes. */
struct wal_pos wal_writer_end(const struct wal_writer *w);
/* The live segment: for the checkpoint. */
uint64_t wal_writer_segment(const struct wal_writer *w);
bool wal_writer_poisoned(const struct wal_writer *w);
/* Does a MARK have anything to say (groups were written since synced was last stated)? */
bool wal_writer_wants_mark(const struct wal_writer *w);
/* Bytes of all segment files that count (from the oldest kept on). */
uint64_t wal_writer_bytes(const struct wal_writer *w);

/* ---- a write */

struct wal_write {
    /* results of wal_write_run */
    int rc;           /* 0 or a code */
    uint32_t sync_us; /* duration of the last commit */
    uint64_t bytes;   /* written, all commits */
    /* private */
    struct wal_writer *writer;
    struct wal_write_group *groups; /* what was added, in order */
    size_t n_groups, cap_groups;
    struct wal_write_step *steps; /* one commit each: set by seal, with the next two */
    size_t n_steps;
    struct iovec *iov;
    struct wal_pos end, stated, content; /* what the writer's become when it succeeds */
    struct wal_pos failed;               /* the step that did not */
    uint8_t *local_mem;                  /* local groups, as they will stand in the file */
    size_t local_len, local_cap;
};
void wal_write_init(struct wal_write *wr, struct wal_writer *w);
void wal_write_release(struct wal_write *wr);

/* Drop what the write holds and begin a new one. */
void wal_write_begin(struct wal_write *wr);
/* Add a node-local frame (STATE, MARK, TOPIC); consecutive ones share a group. */
int wal_write_local(struct wal_write *wr, enum wal_frame_type type, struct span body);
/* Add an entry; p belongs to the write until wal_write_done. */
int wal_write_entry(struct wal_write *wr, struct wal_payload *p, uint64_t index, uint64_t term);
/* Place everything. term: the node's current term, for local groups; wall_ms for ROLL and OPEN. 0;
 * ERR_BUSY if the next segment is needed and not ready (nothing changed: prepare, then seal again);
 * ERR_TOOBIG; ERR_POISONED. vote: for an OPEN. rolled (may be NULL) tells that a new segment was
 * begun: TOPIC hints are due again. */
int wal_write_seal(struct wal_write *wr, uint64_t term, uint64_t vote, int64_t wall_ms,
                   bool *rolled);
/* Bytes that a sealed write is about to put on the disk. */
uint64_t wal_write_size(const struct wal_write *wr);
void wal_write_run(struct wal_write *wr, struct clock *clock);
/* 0 or wr->rc (and the writer is poisoned), with file and position in e. */
int wal_write_done(struct wal_write *wr, struct err *e);
/* Where the entry-th (from 0) wal_write_entry went. After seal. */
struct wal_pos wal_write_pos(const struct wal_write *wr, size_t entry);

/* ---- segments */

struct wal_prepare; /* a preparation under way */
/* 0 with NULL if none is due, one is under way, or the writer is poisoned; 1 with the job; or why
 * it could not be made (-ENOMEM, or no salt): ask again later. */
int wal_prepare_begin(struct wal_writer *w, int64_t wall_ms, struct wal_prepare **out);
int wal_prepare_run(struct wal_prepare *p, struct err *e); /* any thread */
/* Takes the result and frees p; returns rc: -ENOSPC and the like mean: try again later.
 * ERR_POISONED if the directory could not be synced, for then nobody knows which segments a power
 * cut would leave. */
int wal_prepare_done(struct wal_writer *w, struct wal_prepare *p, int rc);

/* Nothing before `keep` will be read again (it is the older checkpoint's position): segments that
 * lie wholly before it are set aside. Touches no file: the next preparation recycles or unlinks
 * them. 0 or ERR_POISONED. */
int wal_writer_release_before(struct wal_writer *w, struct wal_pos keep, struct err *e);
/* Keep at most n released segments from the next preparation on. They are made ready ahead, all but
 * the newest, since that costs little and a segment from nothing is written twice. */
void wal_writer_keep_spare(struct wal_writer *w, unsigned n);

#endif
