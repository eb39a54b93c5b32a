/* machine_data.h - inside lib/shard only: the state of a shard that holds records.
 *
 *   machine_data.c   the partitions, and what shard.c asks for
 *   data_stage.c     a batch becomes part of an entry
 *   data_apply.c     an entry becomes part of the partition logs
 *   data_buffer.c    the memory that appends gather in
 *   data_checkpoint.c
 */
#ifndef SHARD_MACHINE_DATA_H
#define SHARD_MACHINE_DATA_H

#include "shard/compaction.h"
#include "shard/producers.h"
#include "shard/refused.h"
#include "shard/shard_impl.h"
#include "shard/wall.h"
#include "shard/write_back.h"

struct data_topic { /* one per topic with partitions here */
    struct uuid id;
    uint64_t hinted; /* = hint_generation: its name stands in the live WAL segment */
    uint32_t partitions;
    struct meta_settings settings; /* that hold for it */
    UT_hash_handle hh;
};

struct data_key {
    struct uuid topic_id;
    int32_t partition;
};
struct data_partition {
    struct data_key key;
    struct data_topic *topic;
    struct plog *log;
    int64_t
        staged_end; /* offset of the next batch to be staged; the log's end once that is applied */
    struct producers producers;
    struct span *batches; /* of the entry that is being applied */
    size_t n_batches, cap_batches;
    bool touched;
    bool offline;          /* its log failed */
    uint64_t applied;      /* index of the last entry that this process appended to it */
    bool expiring;         /* a trim of retention's is under way */
    int64_t from_future;   /* base offset + 1 of a segment that was reported to be */
    int64_t compact_at_ms; /* not compacted before that, monotonic */
    size_t buffered;       /* bytes of memory its log had when last asked; 0: not listed */
    struct data_partition *buffer_prev, *buffer_next;
    bool write_back_due; /* listed for it */
    struct data_partition *write_back_prev, *write_back_next;
    int64_t capturing, newest, floor; /* base offset of the active segment in the checkpoint being
                                       * made, in the newest, and in the older one */
    UT_hash_handle hh;
};

struct data_machine {
    struct meta_image *image;
    struct meta_image *next_image; /* waits for a job to be done; NULL: none */
    struct meta_image *begun; /* some of it is in force, for the rest memory was short; or NULL */
    struct data_partition *partitions;
    struct data_topic *topics;
    uint64_t hint_generation;
    struct shard_produce *staged, **staged_tail;
    struct shard_produce *waiting; /* for a partition that a newer image has */
    struct shard_trim *trims, **trims_tail;
    struct shard_payload *gathering;
    uint64_t serial;
    struct data_partition **touched; /* while applying */
    size_t n_touched, cap_touched;
    struct data_partition *buffers; /* with memory that appends gather in, the oldest first */
    uint64_t buffered;              /* the sum of it */
    size_t n_buffers, to_ease;      /* to_ease: to be written before a checkpoint begins */
    uint32_t offline;               /* partitions whose log failed */
    bool replaying, hold;           /* hold: no checkpoint before a restart */
    struct wall wall;               /* by which things grow old */
    int64_t retention_at_ms;        /* of the next check, monotonic */
    bool reading;                   /* times for it */
    struct expiry *expiries;        /* its trims under way */
    bool dead;                      /* segments may be waiting for a checkpoint to be unlinked */
    struct refused refused;         /* producers that are to begin again */
    struct compaction compaction;
    struct write_back write_back;
};

/* NULL if the shard has no such partition. */
struct data_partition *data_find(struct shard *s, const struct uuid *topic_id, int32_t partition);

/* data_stage.c */
void data_gather(struct shard *s);
struct shard_payload *data_take(struct shard *s);
void data_finish(struct shard_produce *p, int code);
void data_trim_finish(struct shard_trim *t, int code);
void data_fail_staged(struct shard *s, int code);
void data_retry_waiting(struct shard *s);
void data_fail_waiters(struct shard *s, struct shard_payload *p, int code);

/* data_apply.c */
int data_apply(struct shard *s, uint64_t index, uint64_t term, struct span payload,
               struct shard_payload *waiters, struct err *e);
/* Its log takes nothing more until a restart has replayed what the WAL keeps for it, which rules
 * out checkpoints until then, or until its topic is deleted. */
void data_take_offline(struct shard *s, struct data_partition *p, const struct err *why);
void data_trim_ahead(struct shard *s, struct span payload);

/* data_buffer.c */
/* After its log was appended to or has written: count what it has gathered. */
void data_buffer_note(struct shard *s, struct data_partition *p);
void data_buffer_forget(struct shard *s, struct data_partition *p); /* it goes, or has failed */
/* Be within the bound, by having the oldest write. 0, or a shortage: to be tried again. A log that
 * cannot write for another reason is taken offline. */
int data_buffer_room(struct shard *s, struct err *e);
/* Begin a new segment, which writes what has gathered for the present one. A log that cannot write
 * is taken offline, unless only room is short. */
int data_roll(struct shard *s, struct data_partition *p, struct err *e);
/* Before a checkpoint, whose capture writes all that has gathered and holds the shard up meanwhile:
 * write most of it a little at a time. False: there is more, call again soon. */
bool data_buffer_ease(struct shard *s);

/* data_checkpoint.c */
/* Before the capture: as shard_machine_ops.ease. */
bool data_ease(struct shard *s, int64_t *again);
int data_load(struct shard *s, struct checkpoint *c, struct err *e);
int data_capture(struct shard *s, struct checkpoint *c, void **work, struct err *e);
int data_work_run(struct shard *s, void *work, struct err *e);
void data_work_free(struct shard *s, void *work, int work_rc, bool saved);

/* A partition of a topic: as a checkpoint left it, or new (from NULL). */
int data_add_partition(struct shard *s, const struct meta_image *image, const struct meta_topic *t,
                       int32_t partition, const struct checkpoint_partition *from, struct err *e);

#endif
