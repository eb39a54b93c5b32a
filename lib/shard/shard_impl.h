/* shard_impl.h - inside lib/shard only: the shard's own struct, and what it asks of the machine it
 * replicates.
 *
 * shard.c owns raft, the WAL and the order of things; a machine gives entries their meaning. There
 * are two: machine_meta (shard 0) and machine_data. recover.c brings a shard up, jobs.c does
 * checkpoints and segments.
 */
#ifndef SHARD_SHARD_IMPL_H
#define SHARD_SHARD_IMPL_H

#include "base/hdr.h"
#include "shard/checkpoint.h"
#include "shard/consensus.h"
#include "shard/entries.h"
#include "shard/payload.h"
#include "shard/shard.h"
#include "wal/reader.h"
#include "wal/writer.h"

struct data_machine; /* machine_data.h */
struct meta_machine; /* machine_meta.c */

/* Work of a machine's own for another thread, beside that for checkpoints. Embedded in what it
 * works on. */
struct shard_task {
    void (*run)(struct shard_task *t);                   /* any thread */
    void (*done)(struct shard *s, struct shard_task *t); /* the owner's; t may be freed in it */
};
enum { SHARD_TASKS_MAX = SHARD_JOBS_MAX - 2 }; /* under way at a time */

struct shard_machine_ops {
    int (*make)(struct shard *s);
    void (*free)(struct shard *s);
    /* Move what is staged into the gathering payload, up to the bounds of an entry and only as far
     * as the WAL has room (shard_has_room): what is gathered will be submitted and cannot be
     * refused any more. */
    void (*gather)(struct shard *s);
    /* The gathered payload, to be submitted now; the caller's reference. NULL if nothing is
     * gathered. */
    struct shard_payload *(*take)(struct shard *s);
    /* Is anything staged or gathered? */
    bool (*staged)(struct shard *s);
    /* May the payload that gathers grow by waiting? Not if there is none, nor if more is staged
     * than goes into it: what waits for room or for an image gains nothing by lingering. */
    bool (*may_grow)(struct shard *s);
    /* Before a payload is written: node-local hints that should precede it. rolled: the segment is
     * new. */
    int (*hint)(struct shard *s, struct span payload, struct wal_write *w);
    void (*rolled)(struct shard *s);
    /* Apply a committed entry. waiters: its payload if it was staged here, else NULL. 0; ERR_BUSY:
     * not yet, try again after the next event; a shortage (err_is_shortage): try again later, what
     * was done of it is not done twice; any other code stops the shard. */
    int (*apply)(struct shard *s, uint64_t index, uint64_t term, struct span payload,
                 struct shard_payload *waiters, struct err *e);
    /* Apply the parts of a committed entry that make room, ahead of entries that find none. NULL:
     * there are none. */
    void (*trim_ahead)(struct shard *s, struct span payload);
    /* Complete everything staged, and the waiters of p if it is not NULL, with code. */
    void (*fail_staged)(struct shard *s, int code);
    void (*fail_waiters)(struct shard *s, struct shard_payload *p, int code);
    /* The shard leads now, all before is applied: offsets begin at the ends of the logs. Or it
     * leads no more. */
    void (*lead)(struct shard *s, bool leads);
    /* Recovery: begin from a checkpoint (and for shard 0 its snapshot); partitions of c may be
     * sorted. Entries applied from here to loaded are replayed. */
    int (*load)(struct shard *s, struct checkpoint *c, struct err *e);
    void (*loaded)(struct shard *s);
    /* Work ahead of capture, a little at a time, so that it holds nobody up; NULL: there is none.
     * False: there is more, call again at *again (monotonic ms), or when something happens. */
    bool (*ease)(struct shard *s, int64_t *again);
    /* Fill in the machine's part of a checkpoint at the applied index; *work is what jobs must do
     * before the file is written. */
    int (*capture)(struct shard *s, struct checkpoint *c, void **work, struct err *e);
    int (*work_run)(struct shard *s, void *work, struct err *e); /* any thread */
    /* work_rc: of work_run; saved: the file was written, and older_index is up to date. */
    void (*work_free)(struct shard *s, void *work, int work_rc, bool saved);
    /* Rule out checkpoints for now (a partition log has failed: its records are only in the WAL).
     */
    bool (*hold_checkpoints)(struct shard *s);
    /* Is there anything that only a further checkpoint releases? */
    bool (*wants_checkpoint)(struct shard *s);
    /* A checkpoint, or the wait for one, is over: go on with what waited for that. */
    void (*job_done)(struct shard *s);
    /* Do what is due by time; the monotonic ms at which it wants to be called again, INT64_MAX:
     * never.
     */
    int64_t (*tick)(struct shard *s, int64_t now);
    /* Nothing new is staged from here on: settle what waits for something that may not come. */
    void (*stopping)(struct shard *s);
};
extern const struct shard_machine_ops shard_machine_meta, shard_machine_data;

/* A trouble that may come and go: its line is not written more often than once a minute, and its
 * end is only told when its beginning was. */
struct shard_trouble {
    struct log_limit limit;
    bool told;
};

/* What is known of the space there is: space.c */
struct shard_space {
    int64_t look_ms; /* when to look at the file system next */
    uint64_t left;   /* bytes that may be staged until then */
    bool low;        /* records are refused */
    struct shard_trouble disk, apply, segment, bound, checkpoint, hints; /* said of each */
    struct log_limit slow_said;
};

struct shard_messages {
    struct shard_message *head, **tail;
};

struct shard {
    struct shard_config cfg;
    char *wal_dir, *meta_dir, *log_dir; /* own copies of the configuration's */
    struct io_file *log_fs; /* with sync_fs: log_dir, open since before the first write */
    const struct shard_machine_ops *ops;
    union {
        struct data_machine *data;
        struct meta_machine *meta;
    };

    struct consensus *raft;
    struct shard_conf conf; /* the latest applied */
    uint64_t conf_index;
    struct entries entries;
    struct shard_payload_pool pool;
    uint64_t written;   /* highest index given to a write */
    uint64_t persisted; /* highest index reported to raft */
    uint64_t commit, applied;
    uint64_t applied_term;
    bool leading;        /* host->lead(true) was said */
    uint64_t lead_index; /* index of the entry this leader submitted first; 0: not leading */

    struct wal_writer *wal;
    struct wal_write write;
    bool writing;
    uint64_t write_first, write_last; /* entries in the write; fewer once a truncation took some */
    struct shard_payload **flying;    /* their payloads, held until the write is done */
    size_t n_flying, cap_flying;
    bool write_has_state, state_due;
    bool write_short; /* there was no memory to compose one, or for an entry that is staged */
    bool mark_due;
    int64_t last_write_ms; /* monotonic */
    int64_t
        linger_from_ns; /* since when the gathering payload has waited for company; 0: it has not */
    struct shard_messages held; /* wait for STATE to be durable */
    struct wal_reader *reader;  /* for entries no longer in memory; opened at need */

    struct shard_job *job_prepare, *job_checkpoint;
    unsigned n_tasks; /* under way */
    int no_segment;   /* why the last preparation failed; 0: it did not */
    int64_t retry_prepare_ms;
    uint64_t next_sequence;    /* of checkpoints */
    uint64_t checkpoint_index; /* of the newest one, */
    uint64_t checkpoint_term;  /* and that entry's term */
    struct wal_pos checkpoint_replay, older_replay;
    uint64_t trail_index;        /* raft keeps its record of the entries behind this one, */
    struct wal_pos trail_replay; /* which stand behind this position */
    uint64_t older_index;
    uint64_t checkpoint_wal; /* stats.bytes when it was begun */
    int64_t checkpoint_at_ms, retry_checkpoint_ms;
    bool checkpoint_due, clean_done, stop_tried;
    bool easing;             /* one is about to begin, */
    int64_t ease_ms;         /* and wants to go on then */
    bool checkpoint_failing; /* the last one did */
    size_t checkpoint_max;   /* CHECKPOINT_FILE_MAX: nobody could read a larger one */

    struct shard_space space;
    int stalled; /* why the entry behind `applied` cannot be applied for now; 0: it can */
    int64_t retry_apply_ms;
    bool hurried; /* nothing waits for room any more */

    bool stopping, stopped, poisoned, installing;
    int poison_code;
    struct err why;      /* what apply said when it failed */
    struct err hold_why; /* why the machine rules out checkpoints */
    int depth;           /* of shard_apply: a configuration applied may move the commit index */

    struct shard_stats stats;
    struct hdr sync_us;
};

/* shard.c */
int64_t shard_now(struct shard *s); /* monotonic ms */
/* Act on what raft said; on nobody's message, or on m. A failure has poisoned the shard. */
int shard_update(struct shard *s, struct consensus_update *u);
int shard_update_from(struct shard *s, struct consensus_update *u, const struct shard_message *m);
void shard_apply(struct shard *s);
void shard_advance(
    struct shard *s); /* start what can be started: a write, a preparation, a checkpoint */
void shard_poison(struct shard *s, int code, const char *what);
/* The same, with a reason that says everything. */
void shard_poison_why(struct shard *s, const struct err *why);
/* Nobody waits any more for what is logged and not applied: its outcome is not known. */
void shard_abandon(struct shard *s);
/* The payload of an entry, from memory or from the WAL; good until the next call. */
int shard_entry_payload(struct shard *s, uint64_t index, struct span *payload, struct err *e);
int shard_submit_noop(struct shard *s);
int shard_submit(struct shard *s, struct shard_payload *p, const struct shard_conf *change);
bool shard_payload_change(struct span payload, struct shard_conf *conf);

/* space.c */
/* May n more bytes of records be staged? 0, or why not. And they were. */
int shard_takes_records(struct shard *s, size_t n);
void shard_took_records(struct shard *s, size_t n);
/* Is its line due? Is the line due that it is over? */
bool shard_trouble_begins(struct shard *s, struct shard_trouble *t);
bool shard_trouble_ends(struct shard_trouble *t);
/* The next entry found no room. */
void shard_stall(struct shard *s, uint64_t index, int code, const struct err *why);
void shard_unstall(struct shard *s); /* it did */
/* Is it too early to try again? */
bool shard_stall_lasts(const struct shard *s);
void shard_trim_ahead(struct shard *s);
/* A write and sync of the WAL took so long. */
void shard_note_sync(struct shard *s, uint32_t us);

/* jobs.c */
/* Is there room in the WAL for one more entry of n bytes, behind those that are submitted already
 * and go with the next write? */
bool shard_has_room(struct shard *s, size_t n);
/* Is there no use in waiting for room in the WAL? 0, or why. */
int shard_no_room(struct shard *s);
/* Released WAL segments to keep: a checkpoint releases as many at once as are wanted again until
 * the next one, and a segment made from nothing is written twice. Together with those in use they
 * never take more room than the log's bound, for a new one is made only when none of them is left.
 * On a full disk only one is kept. */
unsigned shard_spare_segments(const struct shard *s);
/* A checkpoint that is due cannot be put off any longer: the WAL has no room, or has grown by much
 * since. */
bool shard_checkpoint_presses(const struct shard *s);
void shard_jobs_advance(struct shard *s);
int64_t shard_jobs_tick(struct shard *s,
                        int64_t now); /* when it wants to be called again, monotonic ms */
/* Have t run and then done. ERR_BUSY: too many are under way; -ENOMEM. Not while stopping: a shard
 * comes to rest when the last one is done. */
int shard_start_task(struct shard *s, struct shard_task *t);
int shard_checkpoint_now(struct shard *s, uint32_t flags, struct err *e); /* blocking: recovery */

#endif
