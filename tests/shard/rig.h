/* rig.h - one node's shards on a disk in memory, driven by one thread: what the shard tests and the
 * power-cut test share.
 *
 * The rig is a host: writes and jobs wait in it until rig_run does them, so a test decides what
 * happens between a write and its completion. It remembers every acknowledgement with the position
 * in the disk's trace at which it was given: a power cut at a later position must not lose it.
 */
#ifndef TESTS_SHARD_RIG_H
#define TESTS_SHARD_RIG_H

#include "base/io_mem.h"
#include "shard/node.h"
#include "shard/shard.h"
#include "tests/shard/phases.h"

#define RIG_DIR "/d"
enum { RIG_SEGMENT = 64 * 1024, RIG_JOBS = 8, RIG_TOPICS = 16 };

/* One batch that was produced. */
struct rig_batch {
    struct shard_produce produce;
    uint8_t *bytes;
    uint32_t crc; /* of the batch: its identity */
    struct uuid topic_id;
    char key[16]; /* of rig_put; empty: none */
    bool tombstone, done;
    size_t acked_at; /* trace position; SIZE_MAX: never acknowledged */
    struct rig *rig;
};

struct rig_trim {
    struct shard_trim trim;
    bool done;
    size_t acked_at; /* as above */
    struct rig *rig;
    struct rig_trim *next;
};

struct rig_shard {
    struct rig *rig;
    struct shard *s;
    struct shard_host host;
    bool write_due;
    struct shard_job *jobs[RIG_JOBS];
    unsigned n_jobs;
};

struct rig_topic {
    char name[32];
    struct uuid id;
    int32_t partitions;
    bool deleted;
    bool compacted; /* set by whoever sets its policy: of each key the last record stays */
    size_t created_at, deleted_at; /* trace positions of the acknowledgements; SIZE_MAX: not */
    size_t delete_asked_at;
};

struct rig {
    struct io_mem *disk;
    struct phases *phases; /* what each change of the disk was for */
    struct clock_manual clock;
    struct log *log;
    struct node node;
    bool node_open;
    struct rig_shard shard[2];
    struct rig_batch **batches; /* every one ever produced, in order */
    size_t n_batches, cap_batches;
    struct rig_trim *trims;
    struct rig_asked *asked; /* commands, kept as long as a shard may answer them */
    struct rig_topic topics[RIG_TOPICS];
    unsigned n_topics;
    uint64_t advanced; /* calls of host->advanced */
    uint32_t group_records, group_bytes;
    uint64_t segment_bytes, first_segment_bytes, wal_max_bytes, checkpoint_bytes;
    uint64_t reserve_bytes;
    int64_t linger_us;
    bool wal_direct;
    uint64_t buffer_bytes;     /* 0: partition logs are written as entries are applied */
    uint64_t write_back_bytes; /* 0: none */
    int64_t producer_expiry_ms;
    struct meta_settings settings; /* of topics: segments of 16 KiB that nothing removes */
    int64_t retention_check_ms, checkpoint_ms, compact_backoff_ms; /* 0: never */
    uint64_t compact_key_bytes;
    bool any_cluster;   /* the disk says whose it is, if it was not made here */
    bool no_timestamps; /* rig_produce gives records none */
    bool drop_apply;    /* mutant: never hand an applied image on */
    bool hold_jobs;     /* rig_run leaves jobs for later */
    uint64_t seed;      /* of record contents and ids */
};

/* A rig on a new disk, or on `disk` (which it owns from here on); nothing is opened yet. */
void rig_init(struct rig *r, struct io_mem *disk);
/* Open node and both shards; what is due at once is done. 0 or a code with e. */
int rig_open(struct rig *r, struct err *e);
/* Do all that is due until nothing is. */
void rig_run(struct rig *r);
/* One thing: a write, or a job. False if nothing was due. */
bool rig_step(struct rig *r);
/* Let ms pass, ticking. */
void rig_pass(struct rig *r, int64_t ms);
/* Stop cleanly and close. 0, or ERR_CHECK if it did not come to an end. */
int rig_stop(struct rig *r);
/* Forget everything in memory, as a kill does. The disk stays. */
void rig_drop(struct rig *r);
void rig_release(struct rig *r); /* and the disk */

/* Commands; the rig is run until they are answered. The result of the command, or of its proposal.
 */
int rig_create_topic(struct rig *r, const char *name, int32_t partitions);
int rig_delete_topic(struct rig *r, const char *name);
/* A setting of a topic, or (t NULL) of all brokers; value NULL: not set any more. */
int rig_set(struct rig *r, const struct rig_topic *t, const char *name, const char *value);
struct rig_topic *rig_topic(struct rig *r, const char *name); /* the one that lives */

/* Stage a batch of n records (of about `size` bytes each); pid -1: no producer. Nothing is written
 * before rig_run. */
struct rig_batch *rig_produce(struct rig *r, const struct rig_topic *t, int32_t partition, int n,
                              size_t size, int64_t pid, int16_t epoch, int32_t sequence);
/* One record with a key, of no producer; value NULL: a tombstone. */
struct rig_batch *rig_put(struct rig *r, const struct rig_topic *t, int32_t partition,
                          const char *key, const char *value);
/* The same bytes once more. */
struct rig_batch *rig_produce_again(struct rig *r, const struct rig_batch *b);
/* Move a partition's log start up to an offset, -1 for its high watermark; likewise. */
struct rig_trim *rig_trim(struct rig *r, const struct rig_topic *t, int32_t partition,
                          int64_t log_start);
void rig_flush(struct rig *r);

/* Read a partition from its log start to its high watermark, checking every batch (CRC,
 * continuity), and call each for it. 0 or a code with e. */
int rig_read(struct rig *r, const struct uuid *topic_id, int32_t partition,
             int (*each)(void *ctx, const struct batch *b), void *ctx, struct err *e);
/* Is every batch acknowledged before `upto` at its offset with its bytes, no idempotent one twice,
 * nothing there that was never produced (in a compacted topic: the last of each key), each log
 * start between what was promised and what was asked, or beyond only by what retention may remove
 * as history->settings say? ERR_CHECK with e if not. checked (may be NULL) gets the number of
 * acknowledged batches seen. */
int rig_check(struct rig *r, const struct rig *history, size_t upto, size_t *checked,
              struct err *e);
/* The rig is open on what a kill of history left when nothing was under way: take over its past
 * without looking at the disk. */
void rig_adopt(struct rig *r, const struct rig *history);
/* The rig is open on what a crash of history's disk at `upto` left: take over its past. What can be
 * read now counts as acknowledged, where it stands: it has to stay. 0 or a code with e. */
int rig_inherit(struct rig *r, const struct rig *history, size_t upto, struct err *e);

#endif
