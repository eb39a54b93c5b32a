/* plog.h - the log of one partition: segments in Kafka's own file format, with offset and time
 * index.
 *
 *   <dir>/<topic>-<partition>/
 *     partition.metadata          Kafka's text file: version, topic_id
 *     leader-epoch-checkpoint     Kafka's text file: epoch and its first offset, a line each
 *     compaction-checkpoint       how far compaction has come (compact.h, progress.h)
 *     00000000000000000000.log        record batches, one behind the other
 *     00000000000000000000.index      (relative offset, position) pairs, 8 bytes each
 *     00000000000000000000.timeindex  (timestamp, relative offset) pairs, 12 bytes each
 *     00000000000000000000.check      sums of the three, and which segment it is
 *
 * A partition log is derived: its records were made durable in the write-ahead log before, and are
 * written here again at recovery, from the checkpointed end on. So appends go to the page cache, or
 * gather in memory first (buffered); only a checkpoint syncs (plog_sync_begin). Indexes are derived too:
 * missing or damaged ones are rebuilt.
 *
 * Threads. One writer thread calls everything marked [w]. Functions marked [r] may be called from
 * any thread at any time between plog_open and plog_free; they read what the writer published
 * (atomics, and memory that is retired through the retire hook only after all readers are done).
 * Read functions must stand inside a read section of whatever the hook relies on (RCU in the
 * broker).
 *
 * Directories are made lazily, at the first append: a topic with 10,000 empty partitions costs
 * nothing. Files are opened lazily too.
 */
#ifndef PLOG_PLOG_H
#define PLOG_PLOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "base/uuid.h"
#include "batch/batch.h"

struct plog; /* opaque */

/* What may change while a log lives: it is the topic's. */
struct plog_settings {
    uint64_t segment_bytes; /* roll before a segment exceeds it (segment.bytes) */
    /* Roll before a batch whose largest timestamp is more than this above that of the segment's
     * first batch (segment.ms); 0: never by time. */
    int64_t segment_ms;
    uint32_t index_interval_bytes; /* of log between two index entries (index.interval.bytes) */
};

struct plog_config {
    struct io *io;
    struct log *log;               /* may be NULL */
    const char *dir;               /* holds the partition directories; copied */
    struct plog_settings settings; /* that a log opens with */
    /* Small appends gather in memory until plog_flush, or until there are enough of them (block.h).
     * False: each append is in the files when it returns. */
    bool buffered;
    /* Bytes of such memory that the log has written and slices still keep, counted for all logs
     * that name this place; it outlives logs and slices. NULL: not counted. */
    _Atomic int64_t *lingering;
    /* Call fn(arg) once every reader that may hold memory of before this call is gone. NULL: at
     * once. */
    void (*retire)(void *ctx, void (*fn)(void *arg), void *arg);
    void *retire_ctx;
};

/* One leader epoch of the log. */
struct plog_epoch {
    int32_t epoch;
    int64_t start; /* its first offset */
};

/* What a checkpoint remembers of a partition log, and what recovery starts from. */
struct plog_mark {
    int64_t log_start;     /* first offset that may be read */
    int64_t log_end;       /* offset of the next record */
    int64_t segment;       /* base offset of the active segment */
    uint64_t bytes;        /* size of the active segment up to log_end */
    int64_t max_timestamp; /* of the active segment, -1 if empty */
    int64_t max_timestamp_offset;
};

/* A log object for topic-partition. mark NULL: a new, empty log at offset 0; nothing is touched on
 * disk yet (a left-over directory of the same topic id is emptied at the first append; another
 * one's makes that fail with ERR_EXISTS: see plog_sweep). Else the log as the mark says: the active
 * segment must exist with at least mark->bytes bytes unless that is 0 (ERR_CORRUPT if not, naming
 * the file), and is cut to them when it is first written; segments above it are removed. Epochs
 * come from the caller (checkpoint) and are copied. The high watermark begins at the log start. */
int plog_open(struct plog **out, const struct plog_config *cfg, const char *topic,
              int32_t partition, const struct uuid *topic_id, const struct plog_mark *mark,
              const struct plog_epoch *epochs, size_t n_epochs, struct err *e);
/* [w] Close files and free; readers must be gone. Syncs nothing. */
void plog_free(struct plog *p);

/* [w] Append n batches that already carry their offsets and epochs; they must follow log_end
 * without a gap. Rolls before or between batches, by size and by time, both as the log's settings
 * say now. All or nothing is published: on an error log_end stays. For lack of room
 * (err_is_shortage) the log is as it was before, and the same append may be tried again; after any
 * other error it is marked failed and takes no more (its WAL still has the records). */
int plog_append(struct plog *p, const struct span *batches, size_t n, struct err *e);
/* [w] Write what has gathered in memory to the file. Errors are as of plog_append. plog_sync_begin
 * does so too. */
int plog_flush(struct plog *p, struct err *e);
/* [w] Memory that has gathered, in bytes; 0: everything is in the files. */
size_t plog_buffered(const struct plog *p);
/* [w] Let readers see offsets below hw (monotone; <= log_end). */
void plog_set_high_watermark(struct plog *p, int64_t hw);
/* [w] Move the log start (monotone, <= log_end; the caller made it durable). Segments wholly below
 * it are closed and their files unlinked as far as plog_set_floor allows. On an error (an unlink)
 * the log start has moved all the same; the files left over go with the next
 * plog_open. */
int plog_set_log_start(struct plog *p, int64_t log_start, struct err *e);
/* [w] Segments whose base offset is below floor may be unlinked (monotone). The caller gives the
 * mark.segment of the oldest checkpoint from which a recovery may start: that segment and those
 * above it must be there then. Until the first call nothing is unlinked. */
int plog_set_floor(struct plog *p, int64_t floor, struct err *e);
/* [w] Begin a new segment at log_end (by size and time it happens by itself), at any time, whatever
 * checkpoint is being made. Nothing happens if the active one is empty. An error changes nothing.
 */
int plog_roll(struct plog *p, struct err *e);
/* [w] From the next append on; what is written stays as it is. */
void plog_set_settings(struct plog *p, const struct plog_settings *settings);

/* A segment, as retention and compaction look at it. */
struct plog_segment_info {
    int64_t base;          /* its first offset, and its file's name */
    int64_t next;          /* where the next one begins; of the active one the log's end */
    uint64_t bytes;        /* of its .log file */
    int64_t max_timestamp; /* of its records; -1: none has one */
    int64_t written_ms;    /* then, if it is not the active one: when its file was last written, by
                            * the file system; INT64_MAX: not known */
    bool time_known;       /* are they in memory? If not, plog_times_begin gets them */
    bool active;           /* the last one, which is still appended to */
};
/* [w] How many there are, at least one, and the i-th of them, oldest first. */
size_t plog_segments_count(const struct plog *p);
struct plog_segment_info plog_segments_at(const struct plog *p, size_t i);

/* The largest timestamps of segments that an earlier process wrote are in files. plog_times_begin
 * [w] notes the first segments, at most `most` of them, whose time is not known; run (any one
 * thread) reads it, from the .check file or, where that is missing or stale, from the log; then
 * free. NULL out: all are known. The log may be freed or removed meanwhile. */
struct plog_times;
int plog_times_begin(struct plog *p, size_t most, struct plog_times **out, struct err *e);
int plog_times_run(struct plog_times *t, struct err *e);
void plog_times_free(struct plog_times *t); /* NULL is fine */

/* [w] Where the log stands: what the next checkpoint should say. */
void plog_mark(const struct plog *p, struct plog_mark *mark);
/* [w] Epochs, ascending; borrowed until the next append. */
const struct plog_epoch *plog_epochs(const struct plog *p, size_t *n);
/* [w] Does the log hold anything that the last plog_sync_begin did not cover? */
bool plog_dirty(const struct plog *p);

/* [w] Mark the log failed, as a failed append does: the caller learned of it elsewhere (a failed
 * sync). */
void plog_fail(struct plog *p);

/* [w] Its directory is about to be removed: readers that hold the log still are told ERR_NOTFOUND,
 * for files may be missing, or soon be another log's of that name. Slices they have stay good. */
void plog_abandon(struct plog *p);

/* Making it durable is in two halves, so that the writing and syncing runs outside the writer
 * thread while it goes on. plog_sync_begin [w] notes what is to be done and takes references; run
 * (any one thread; a log's syncings one after the other) writes the index files and syncs data and
 * directories; then free it. with_fs: run syncs nothing, the caller syncs the whole file system
 * once for all logs (io_sync_fs), before or after the runs. Index files are hints that run never
 * syncs: a loss costs a scan. NULL out: nothing to do. After a failed run, or without one,
 * plog_sync_undo: what was noted is not noted again by itself; and plog_fail if
 * plog_syncing_failed. The log may be freed or removed before its run. */
struct plog_syncing;
int plog_sync_begin(struct plog *p, struct plog_syncing **out, struct err *e);
int plog_syncing_run(struct plog_syncing *s, bool with_fs, struct err *e);
/* Before the runs, if there is much: have what is noted written back a little at a time, so that
 * the syncs do not keep the device from others for long. On an error as after a failed run. */
int plog_syncing_write_back(struct plog_syncing *s, struct err *e);
/* Did a sync fail, so that nobody knows what the disk holds? Not so if a file could not be opened
 * for one. */
bool plog_syncing_failed(const struct plog_syncing *s);
/* How many index and epoch files the run could not write, which costs a scan each when they are
 * missed, and why not the first (NULL: not known; borrowed). */
unsigned plog_syncing_lost(const struct plog_syncing *s, const struct err **why);
/* [w] What was noted is to be synced again: it was not, or no checkpoint says so. Before the free.
 */
void plog_sync_undo(struct plog *p, const struct plog_syncing *s);
/* [w] */
void plog_syncing_free(struct plog_syncing *s);

/* So that a syncing finds little to do, what is in the files is handed to the disk as they grow:
 * begin [w] takes the next piece, run (any thread) has the system begin to write it and waits for
 * nothing, release (any thread) lets go of it. A piece may be let go without a run, and nothing of
 * this is durable: a syncing covers it as ever. After a failed run as after a failed sync: plog_fail
 * (but -ENOTSUP: the system cannot). The log may be freed or removed before the run. */
struct plog_write_back {
    uint64_t pos, len; /* in the file, bytes */
    void *owner;       /* opaque: the segment */
};
/* [w] Bytes in the files that no syncing has covered and no piece has held. */
uint64_t plog_unwritten(const struct plog *p);
/* [w] A piece is of one segment, the oldest. False: there is none. */
bool plog_write_back_begin(struct plog *p, struct plog_write_back *w);
int plog_write_back_run(const struct plog_write_back *w, struct err *e);
void plog_write_back_release(struct plog_write_back *w);

/* [r] */
int64_t plog_log_start(const struct plog *p);
int64_t plog_high_watermark(const struct plog *p);
int64_t plog_log_end(const struct plog *p);
bool plog_failed(const struct plog *p);
const char *plog_topic(const struct plog *p);
int32_t plog_partition(const struct plog *p);
const struct uuid *plog_topic_id(const struct plog *p);
uint64_t plog_bytes(const struct plog *p); /* of all segments */

/* A run of whole batches of one segment, in its file or in memory. Holds either until
 * plog_slice_release. */
struct plog_slice {
    struct io_file *file; /* NULL: they are at mem */
    const uint8_t *mem;
    uint64_t pos;        /* in the file */
    uint32_t len;        /* bytes; whole batches */
    int64_t base_offset; /* of its first batch */
    int64_t next_offset; /* behind its last batch */
    bool verified; /* false: not written by this process nor checked yet: plog_slice_verify first */
    void *owner;   /* opaque: the segment, or the block */
};
/* [r] The batches from the one that holds `offset` on, below `limit` (the high watermark, or less),
 * at most max_bytes but at least one batch if one is there and min_one (KIP-74), from one segment.
 * 0 bytes (len 0, nothing to release) when offset == limit. ERR_OFFSET when offset < log start,
 * also when that moves up meanwhile, or > limit; ERR_NOTFOUND after plog_abandon; ERR_CORRUPT or
 * -EIO with e when the file does not hold what the index says. May read the file (headers) when the
 * index does not tell enough. */
int plog_read(struct plog *p, int64_t offset, int64_t limit, uint32_t max_bytes, bool min_one,
              struct plog_slice *out, struct err *e);
/* [r] The same for a loop: -EAGAIN (without e) where it takes the disk, to open a file, to load an
 * index, or for a header that is not in memory. Then plog_read on a pool thread tells. */
int plog_read_now(struct plog *p, int64_t offset, int64_t limit, uint32_t max_bytes, bool min_one,
                  struct plog_slice *out, struct err *e);
void plog_slice_ref(struct plog_slice *s);
void plog_slice_release(struct plog_slice *s);
/* Its len bytes into buf: how many there were (fewer: the file is too short), or an errno. */
ssize_t plog_slice_read(const struct plog_slice *s, void *buf);
/* Check CRC, offsets, continuity and leader epoch of every batch of a slice that is not verified,
 * and remember that for the region. Reads the file: for a pool thread, not a loop. 0 or ERR_CORRUPT
 * / an errno with file and byte. */
int plog_slice_verify(struct plog *p, struct plog_slice *s, struct err *e);

struct plog_time {
    int64_t offset, timestamp; /* -1, -1: none */
    int32_t leader_epoch;
};
/* [r] The first record below limit with timestamp >= ts (ListOffsets with a time); reads the file.
 */
int plog_find_time(struct plog *p, int64_t ts, int64_t limit, struct plog_time *out, struct err *e);
/* [r] The record below limit with the largest timestamp (ListOffsets -3). */
int plog_find_max_time(struct plog *p, int64_t limit, struct plog_time *out, struct err *e);
/* [r] The last epoch <= epoch and the offset at which it ends (OffsetForLeaderEpoch). An epoch
 * before the first one known ends where that one starts, as in Kafka; -1, -1 if the log knows no
 * epoch. */
void plog_epoch_end(const struct plog *p, int32_t epoch, struct plog_epoch *found, int64_t *end);
/* [r] The epoch that holds offset, -1 if unknown. */
int32_t plog_epoch_of(const struct plog *p, int64_t offset);

/* The directory name of a partition: "<topic>-<partition>". */
int plog_dirname(char *buf, size_t cap, const char *topic, int32_t partition);
/* The reverse: false if name is no such name, or its topic does not fit into cap. */
bool plog_parse_dirname(const char *name, char *topic, size_t cap, int32_t *partition);
/* The base offset in a segment file's name, and its ending (".log"): false if it is no such name.
 */
bool plog_parse_name(const char *name, int64_t *base, const char **ending);
/* The topic id a partition's directory states: 0, ERR_MALFORMED or an errno. */
int plog_dir_id(struct io *io, const char *dir, struct uuid *id);
/* Rename a partition's directory to "<topic id>-<partition>-delete" and remove it. A missing one is
 * fine. */
int plog_remove(const struct plog_config *cfg, const char *topic, int32_t partition,
                const struct uuid *topic_id, struct err *e);
/* At start: finish removals that were begun, and rename away every partition directory for which
 * known() says no (topic, partition, id read from partition.metadata; id zero if unreadable). */
int plog_sweep(const struct plog_config *cfg,
               bool (*known)(void *ctx, const char *topic, int32_t partition,
                             const struct uuid *id),
               void *ctx, struct err *e);

/* One segment file, for offline readers (chronik-log, verify). Calls each for every batch in order;
 * stops at the first fault and reports its position. valid gets the bytes up to there. */
int plog_walk_file(struct io *io, const char *path,
                   int (*each)(void *ctx, uint64_t pos, struct span bytes, const struct batch *b),
                   void *ctx, uint64_t *valid, struct err *e);

#endif
