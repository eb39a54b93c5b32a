/* shard.h - one shard: a raft group whose log is the write-ahead log.
 *
 * Shard 0 holds the cluster's metadata (its entries are commands, applied to an image); the others
 * hold records (their entries are batches, applied to partition logs). Both are this one state
 * machine. It has no thread, no loop and no clock of its own: events come in by function calls,
 * effects go out by the host's hooks, so that the broker drives it with threads and a test with a
 * seed.
 *
 * The way of a batch:
 *   shard_produce    the batch is staged: sequence checked, offsets given, bytes copied once into
 *                    the payload that gathers; nothing is durable yet
 *   shard_flush      if no write is under way, the payload becomes a raft entry (RAFT_SUBMIT) and a
 *                    group of the WAL: host->write
 *   shard_write_run  (any thread) one write, one sync; meanwhile the next payload gathers
 *   shard_written    the entry is persisted, raft says it is committed, it is applied: appended to
 *                    the partition logs, high watermarks move, produce->done is called; the next
 *                    write starts
 *
 * Threads. All functions are for the owner's thread (the shard thread) except shard_write_run and
 * shard_job_run, which touch only what belongs to the write or job. Hooks are called on the owner's
 * thread and must not call back into the shard, except where said.
 *
 * Failures. A failed write or sync poisons the shard: what was staged or in flight completes with
 * ERR_POISONED, nothing is acknowledged any more, reads of what was applied go on; a restart
 * recovers. A partition log that cannot be appended to fails alone: its batches complete with the
 * error, their WAL is kept by holding checkpoints back. Where only room is short (on the disk, of
 * descriptors, of memory: err_is_shortage) nothing fails: records are refused until there is some
 * again (space.c).
 */
#ifndef SHARD_SHARD_H
#define SHARD_SHARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "batch/batch.h"
#include "meta/meta.h"
#include "plog/plog.h"
#include "wal/wal.h"

struct shard;     /* opaque */
struct shard_job; /* work for another thread: a checkpoint, a segment's preparation, a task */
enum { SHARD_JOBS_MAX = 6 }; /* under way at a time */
struct shard_message;        /* raft's, to or from a peer: shard/message.h */

/* What the shard asks of whoever runs it. */
struct shard_host {
    void *ctx;
    /* A write is ready: call shard_write_run (on any thread), then shard_written on the owner's. At
     * most one is under way. */
    void (*write)(void *ctx, struct shard *s);
    /* Call shard_job_run(job) on any thread but preferably not the owner's, then shard_job_done on
     * the owner's. */
    void (*job)(void *ctx, struct shard *s, struct shard_job *job);
    /* Send a message to a peer; m is the host's from here on (shard_message_free). NULL if there
     * are no peers. */
    void (*send)(void *ctx, struct shard *s, struct shard_message *m);
    /* This node is too far behind: fetch the checkpoint at `index` (or a newer one) and the
     * partition logs it names from `peer`, free the shard, shard_import the checkpoint and open the
     * shard again. NULL if there are no peers. */
    void (*install)(void *ctx, struct shard *s, uint64_t peer, uint64_t index);
    /* Shard 0: a new image was applied. Take a reference to keep it. */
    void (*image)(void *ctx, struct shard *s, struct meta_image *image);
    /* Data shards: a partition log appeared, or is about to be freed (through plog's retire hook,
     * so readers that found it before may go on). Its high watermark and log start are read from
     * it. */
    void (*partition)(void *ctx, struct shard *s, struct plog *log, bool added);
    /* High watermarks moved: called once per applied entry and partition, after
     * plog_set_high_watermark and before produce->done. For waiting fetches. */
    void (*advanced)(void *ctx, struct shard *s, struct plog *log, int64_t high_watermark);
    /* Leadership: true once the shard leads and its own first entry is applied; false when it no
     * longer does. */
    void (*lead)(void *ctx, struct shard *s, bool leads);
};

struct shard_config {
    struct io *io;
    struct log *log;
    struct clock *clock;
    const struct shard_host *host; /* outlives the shard */
    struct wal_owner owner;        /* cluster, node, shard number (0: metadata) */
    const char *wal_dir;           /* of this shard: segments and checkpoints */
    const char *meta_dir;          /* shard 0: snapshots */
    struct plog_config plog;       /* data shards; its settings are the topics' business */
    uint64_t segment_bytes;        /* of a WAL segment */
    uint64_t first_segment_bytes;  /* of the one a start makes (wal_writer_config); 0: its choice */
    uint64_t wal_max_bytes;        /* the WAL never exceeds it: produce waits for a checkpoint */
    uint64_t checkpoint_bytes; /* checkpoint when so much WAL was written since the last one; 0: a
                                * quarter of wal_max_bytes */
    int64_t checkpoint_ms;     /* or so long ago, if anything was written; 0: never by time */
    uint32_t group_records;    /* bounds of one entry: records, */
    uint32_t group_bytes;      /* and bytes; a larger single batch still fits alone */
    int64_t linger_us;      /* wait this long for company before a write; 0 (default): never wait */
    uint64_t reserve_bytes; /* refuse records while the file system of plog.dir has less free; 0:
                             * whatever is free */
    uint64_t buffer_bytes;  /* small appends to partition logs gather in so much memory before they
                             * are written; 0: each is written when it is applied */
    uint64_t
        write_back_bytes; /* have a partition log written back when it has grown by so much, and
                           * all before a checkpoint; 0: checkpoints alone write them back */
    int64_t producer_expiry_ms; /* producer.id.expiration.ms: forget idle producers' sequences */
    int64_t retention_check_ms; /* data shards: look for old records so often; 0: never */
    int64_t compact_backoff_ms; /* data shards: look for logs to compact so often; 0: never */
    uint64_t compact_key_bytes; /* memory for the keys of the one that is being compacted */
    const struct meta_settings *settings; /* data shards: of topics on which nothing is set, as this
                                           * broker's own configuration says (meta_settings_of);
                                           * NULL: the table's defaults. Outlives the shard */
    struct meta_image
        *image;   /* data shards: the image recovery applies under (shard 0 is recovered first) */
    bool sync_fs; /* checkpoints may use io_sync_fs */
    bool wal_direct; /* the WAL is written past the page cache */
};

/* ---- life */

/* Recover the shard from its directory and be ready to run: reads and checks everything from the
 * checkpoint on before it changes anything, applies what is committed, opens a new WAL segment,
 * writes a checkpoint. Blocks on the disk. With one voter the shard leads when this returns, and
 * host->write has been asked for its first entry. e names file and byte on ERR_CORRUPT. */
int shard_open(struct shard **out, const struct shard_config *cfg, struct err *e);

/* Make a new shard's directory: first segment with OPEN and the raft configuration (entry 1:
 * `voters`), and a first checkpoint (and for shard 0 the empty snapshot). wal_dir exists and is
 * empty. All is durable on return. */
int shard_bootstrap(const struct shard_config *cfg, const uint64_t *voters, size_t n,
                    struct err *e);

/* Replace the state of a shard that is not open by a peer's checkpoint (the bytes of its file),
 * whose partition logs are in place: a new WAL segment, and checkpoints of this node's own. term
 * and vote are this node's, as shard_term and shard_vote said before it was freed. */
int shard_import(const struct shard_config *cfg, struct span checkpoint, uint64_t term,
                 uint64_t vote, struct err *e);

/* From here on nothing waits but for writes and jobs under way, not for room, nor memory, nor a
 * newer image: what is not in the log is refused (ERR_CLOSED), and what is (or will be once there
 * is memory to write it) completes with ERR_UNKNOWN_OUTCOME. For a host that is about to stop and
 * still has answers to give. */
void shard_hurry(struct shard *s);
/* Begin to stop: nothing more is staged (ERR_CLOSED); what is staged is still written and
 * completed; then a checkpoint and a MARK. shard_stopped tells when it is done. */
void shard_stop(struct shard *s);
bool shard_stopped(const struct shard *s);
/* No write or job may be under way. Data shards' partition logs go through host->partition(...,
 * false). */
void shard_free(struct shard *s);

/* ---- events */

/* Everything staged so far may be written: call once after draining the input. */
void shard_flush(struct shard *s);
void shard_write_run(struct shard *s); /* any thread */
/* Bytes of the write that is ready: for a host that chooses by it where to run it. */
uint64_t shard_write_size(const struct shard *s);
void shard_written(struct shard *s);
void shard_job_run(struct shard_job *job); /* any thread */
void shard_job_done(struct shard *s, struct shard_job *job);
/* Let time pass: elections, MARK after idling, checkpoints, retries, linger. Returns ms until it
 * wants to be called again (INT64_MAX: not by itself); ask anew after every other event, which may
 * have brought that forward. */
int64_t shard_tick(struct shard *s);
/* The end of a linger to the nanosecond, in so many of them from now, for hosts that can wait so
 * exactly: shard_tick says the next millisecond. INT64_MAX: nothing lingers. */
int64_t shard_linger_ns(const struct shard *s);
/* m is the shard's from here on. */
void shard_receive(struct shard *s, struct shard_message *m);
/* Ask for a checkpoint now (shard 0: and a snapshot). */
void shard_checkpoint(struct shard *s);

/* ---- records (data shards) */

/* One batch on its way, embedded in the request it belongs to. The caller keeps it and its bytes
 * until done. */
struct shard_produce {
    struct shard_produce *next; /* private while staged */
    struct uuid topic_id;
    int32_t partition;
    const uint8_t *bytes; /* one record batch that passed batch_admit */
    size_t n;
    struct batch batch;  /* its header */
    uint64_t meta_index; /* index of the image it was admitted under */
    bool append_time;    /* stamp it with the time it is staged (message.timestamp.type) */
    /* Called once, with the result filled in, when the batch is applied or refused. May be called
     * from within shard_produce. */
    void (*done)(struct shard_produce *p);
    void *arg;
    /* result */
    int code; /* 0; ERR_NOTFOUND (no such partition), ERR_OUTOFORDER, ERR_FENCED, ERR_STALE,
               * ERR_NOTLEADER, ERR_POISONED, -ENOSPC, -EIO (its partition log failed), ERR_TOOBIG,
               * ERR_CLOSED */
    int64_t base_offset;    /* -1 on failure; of the original for a duplicate */
    int64_t append_time_ms; /* -1 unless append_time */
    int64_t log_start;
};
/* Stage it: written after the next shard_flush, told by p->done. p was checked by batch_admit, not
 * for its partition or sequence. */
void shard_produce(struct shard *s, struct shard_produce *p);

/* Move a partition's log start up; done like a batch's. */
struct shard_trim {
    struct shard_trim *next;
    struct uuid topic_id;
    int32_t partition;
    int64_t log_start; /* -1: the high watermark, which is filled in */
    void (*done)(struct shard_trim *t);
    void *arg;
    /* result */
    int code;              /* as of a batch; ERR_OFFSET: above the high watermark */
    int64_t low_watermark; /* where the log begins now, which may be above; -1 on failure */
};
/* Stage it, as a batch; told by t->done, maybe from within. */
void shard_trim(struct shard *s, struct shard_trim *t);

/* A newer image: partitions of new topics appear, those of deleted topics go. One that deletes
 * topics comes into force only when the checkpoint, or the slice of a compaction, under way is
 * done. */
void shard_set_image(struct shard *s, struct meta_image *image);
/* Data shards: the index of the image in force. */
uint64_t shard_image_index(const struct shard *s);

/* ---- metadata (shard 0) */

/* A command (meta/command.h) on its way into shard 0's log. The caller keeps it until done, which
 * is called once, maybe from within shard_propose. */
struct shard_command {
    struct shard_command *next;
    struct wr command; /* meta_command_encode'd; the caller's */
    void (*done)(struct shard_command *c);
    void *arg;
    /* result */
    int code; /* of the proposal: 0 applied; ERR_NOTLEADER, ERR_POISONED, ERR_CLOSED,
                 ERR_UNKNOWN_OUTCOME */
    uint64_t index;
    struct meta_result result; /* of the command */
};
/* Stage it: an entry of its own after the next shard_flush, applied in the order of staging. */
void shard_propose(struct shard *s, struct shard_command *c);
/* Shard 0: the image now; borrowed until the next event. */
struct meta_image *shard_image(struct shard *s);

/* ---- looking */

struct shard_stats {
    uint64_t proposals;        /* entries submitted */
    uint64_t writes, syncs;    /* of the WAL */
    uint64_t bytes;            /* written to it */
    uint64_t batches, records; /* applied */
    uint64_t duplicates;       /* batches answered from producer state */
    uint64_t expirations;      /* times retention removed records of a partition */
    uint64_t compactions;      /* of partition logs */
    uint64_t checkpoints;
    uint64_t wal_bytes;   /* of the segments kept */
    uint64_t waits_space; /* times produce had to wait for the WAL's bound or a segment */
};
/* Counted since shard_open. On the owner's thread, as the rest below. */
void shard_stats(const struct shard *s, struct shard_stats *st);
/* What raft has: its term, and the id of the node that it voted for in it (0: none). */
uint64_t shard_term(const struct shard *s);
uint64_t shard_vote(const struct shard *s);
/* A write or sync of the log failed: nothing is acknowledged any more before a restart. */
bool shard_poisoned(const struct shard *s);
/* Indexes of entries: of the last one applied, and of the last one known to be committed, which is
 * never less. */
uint64_t shard_applied_index(const struct shard *s);
uint64_t shard_commit_index(const struct shard *s);
/* Data shards: NULL if unknown. */
struct plog *shard_partition(struct shard *s, const struct uuid *topic_id, int32_t partition);

#endif
