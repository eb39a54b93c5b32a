/* jobs.c - what must not hold up the shard's thread: checkpoints, segments made ready ahead, and
 * what a machine has to do of its own (shard_impl.h: shard_task).
 *
 * A checkpoint is begun on the shard's thread (index and ends are taken, the file's bytes made),
 * run elsewhere (the machine's syncs, then the file), and its result taken here again: raft learns
 * of it, and what lies before the older of the two checkpoints is released. It never covers more
 * than what is applied, which is durable in the WAL.
 *
 * When one is due: so many bytes or so long after the last; on request; when the WAL has reached
 * its bound, or gets no new segment because the disk is full; and at a clean stop, as the last
 * thing that happens. A failed one is tried again later; the WAL keeps what it would have covered.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mutant.h"
#include "shard/shard_impl.h"

enum { RETRY_MS = 1000, SEGMENTS_MIN = 4 };

struct shard_job {
    struct shard *s;
    struct wal_prepare *prepare; /* a segment's preparation, */
    struct shard_task *task;     /* or a machine's task; neither: a checkpoint */
    /* the checkpoint */
    uint64_t sequence, index, term, conf_index;
    struct shard_conf conf;
    struct wal_pos replay;
    struct wr bytes;
    void *work;
    bool clean;
    /* result */
    int work_rc, rc; /* of the machine's part, of all */
    struct err e;
};

/* ---- checkpoints */

static uint64_t wal_bound(const struct shard *s)
{
    uint64_t least = SEGMENTS_MIN * s->cfg.segment_bytes;
    return s->cfg.wal_max_bytes > least ? s->cfg.wal_max_bytes : least;
}

static uint64_t checkpoint_interval(const struct shard *s)
{
    return s->cfg.checkpoint_bytes ? s->cfg.checkpoint_bytes : wal_bound(s) / 4;
}

unsigned shard_spare_segments(const struct shard *s)
{
    if (s->space.low || s->stalled)
        return 1;
    uint64_t interval = checkpoint_interval(s), bound = wal_bound(s);
    uint64_t n = (interval < bound ? interval : bound) / s->cfg.segment_bytes;
    return n ? (unsigned)n : 1;
}

static bool wal_full(const struct shard *s)
{
    return wal_writer_bytes(s->wal) + s->cfg.segment_bytes > wal_bound(s);
}

/* Where a recovery would begin to read behind a checkpoint made now: where the first entry that it
 * does not cover stands, or where the log's durable part ends and it will come. */
static struct wal_pos replay_from(struct shard *s)
{
    const struct entry *next = entries_get(&s->entries, s->applied + 1);
    return next && next->pos.segment ? next->pos : wal_writer_synced(s->wal);
}

static int fill(struct shard *s, struct checkpoint *c, uint32_t flags, void **work, struct err *e)
{
    memset(c, 0, sizeof *c);
    *work = NULL;
    c->sequence = s->next_sequence;
    c->owner = s->cfg.owner;
    c->index = s->applied;
    c->term = s->applied_term;
    c->current_term = consensus_term(s->raft);
    c->vote = consensus_vote(s->raft);
    c->conf_index = s->conf_index;
    c->wall_ms = s->cfg.clock->wall_ms(s->cfg.clock);
    /* The segment of the synced position is the newest one whose OPEN is known to be durable. */
    c->synced = wal_writer_synced(s->wal);
    c->live_segment = c->synced.segment;
    c->flags = flags;
    c->replay = replay_from(s);
    c->n_servers = s->conf.n;
    if (s->conf.n) {
        c->servers = calloc(s->conf.n, sizeof *c->servers);
        if (!c->servers)
            return err_code(e, -ENOMEM, "checkpoint");
        for (uint32_t i = 0; i < s->conf.n; i++)
            c->servers[i] =
                (struct checkpoint_server){s->conf.servers[i].id, s->conf.servers[i].role};
    }
    return s->ops->capture(s, c, work, e);
}

/* What it came to in the log's line and in a refused start's. Only producers come in such numbers:
 * partitions have directories. */
static int cannot_encode(const struct checkpoint *c, int rc, struct err *e)
{
    size_t producers = 0;
    if (rc != ERR_TOOBIG)
        return err_code(e, rc, "checkpoint");
    for (size_t i = 0; i < c->n_partitions; i++)
        producers += c->partitions[i].n_producers;
    return err_set(e, rc,
                   "checkpoint: larger than a start reads: it remembers %zu idempotent producers "
                   "of %zu partitions, set producer.id.expiration.ms lower and start again",
                   producers, (size_t)c->n_partitions);
}

static struct shard_job *checkpoint_begin(struct shard *s, uint32_t flags, struct err *e)
{
    struct shard_job *job = calloc(1, sizeof *job);
    struct checkpoint c;
    if (!job) {
        err_code(e, -ENOMEM, "checkpoint");
        return NULL;
    }
    job->s = s;
    wr_init(&job->bytes, s->checkpoint_max);
    int rc = fill(s, &c, flags, &job->work, e);
    if (rc == 0) {
        checkpoint_encode(&c, &job->bytes);
        rc = job->bytes.err;
        if (rc)
            cannot_encode(&c, rc, e);
    }
    job->sequence = c.sequence;
    job->index = c.index;
    job->term = c.term;
    job->conf = s->conf;
    job->conf_index = c.conf_index;
    job->replay = c.replay;
    job->clean = flags & CHECKPOINT_CLEAN;
    checkpoint_release(&c);
    if (rc == 0)
        return job;
    s->ops->work_free(s, job->work, 0, false);
    wr_free(&job->bytes);
    free(job);
    return NULL;
}

static void checkpoint_run(struct shard_job *job)
{
    struct shard *s = job->s;
    job->rc = job->work_rc = job->work ? s->ops->work_run(s, job->work, &job->e) : 0;
    if (job->rc == 0)
        job->rc = checkpoint_save(s->cfg.io, s->wal_dir, job->sequence, &job->bytes, &job->e);
}

/* Raft keeps its record of terms, and the WAL its entries, from the older checkpoint on: for a
 * follower that lags. */
static int tell_raft(struct shard *s, const struct shard_job *job)
{
    struct consensus_update u;
    if (job->index <= s->checkpoint_index)
        return 0; /* libraft divides by zero on a snapshot at the same index */
    if (s->installing)
        return 0; /* it has forgotten this log */
    uint64_t trailing = job->index - s->older_index, held = job->index - (s->entries.first - 1);
    if (trailing > held)
        trailing = held;
    int rc = consensus_snapshot(s->raft, shard_now(s), job->index, job->term, &job->conf,
                                job->conf_index, trailing, &u);
    s->trail_index = job->index - trailing;
    s->trail_replay = s->older_replay;
    return rc ? rc : shard_update(s, &u);
}

static void checkpoint_failed(struct shard *s, const struct err *why)
{
    s->checkpoint_failing = s->checkpoint_due = true;
    s->retry_checkpoint_ms = shard_now(s) + RETRY_MS;
    if (shard_trouble_begins(s, &s->space.checkpoint))
        log_error(
            s->cfg.log, "shard",
            "checkpoint failed: the log keeps what it would have covered, and it is tried again "
            "every second shard=%u error=\"%s\": %s",
            s->cfg.owner.shard, why->text,
            why->code == ERR_TOOBIG      ? "until then records are taken while the log has room"
            : err_is_shortage(why->code) ? "see to what is short"
                                         : "see to the disk");
}

static void checkpoint_succeeded(struct shard *s)
{
    s->checkpoint_failing = false;
    if (shard_trouble_ends(&s->space.checkpoint))
        log_info(s->cfg.log, "shard", "checkpoints succeed again shard=%u", s->cfg.owner.shard);
}

/* Of the log a recovery needs what the older checkpoint does not cover, and peers that lag need
 * what raft was not told to forget: it is told once per index only. Where that would take the log
 * beyond its bound, they have to take the checkpoint. */
static void release_log(struct shard *s)
{
    struct err e;
    bool alone = shard_conf_sole_voter(&s->conf, s->cfg.owner.node_id);
    bool trail = !alone && !wal_full(s) && wal_pos_cmp(s->trail_replay, s->older_replay) < 0;
    entries_drop_before(&s->entries, (trail ? s->trail_index : s->older_index) + 1);
    if (s->reader) {
        wal_reader_free(s->reader);
        s->reader = NULL;
    }
    if (wal_writer_release_before(s->wal, trail ? s->trail_replay : s->older_replay, &e))
        log_warn(s->cfg.log, "shard", "old segments stay: %s", e.text);
}

static int checkpoint_done(struct shard *s, struct shard_job *job)
{
    int rc = job->rc;
    if (rc) {
        checkpoint_failed(s, &job->e);
    } else {
        checkpoint_succeeded(s);
        s->older_index = s->checkpoint_index;
        s->older_replay = MUTANT(wal_released_early) ? job->replay : s->checkpoint_replay;
        s->stats.checkpoints++;
        rc = tell_raft(s, job);
        s->checkpoint_index = job->index;
        s->checkpoint_term = job->term;
        s->checkpoint_replay = job->replay;
        s->next_sequence++;
        s->clean_done = job->clean;
        if (rc == 0 && s->older_replay.segment) {
            release_log(s);
            s->retry_prepare_ms = 0; /* there may be one to recycle now */
        }
        if (rc)
            shard_poison(s, rc, "raft snapshot");
    }
    s->ops->work_free(s, job->work, job->work_rc, job->rc == 0);
    wr_free(&job->bytes);
    free(job);
    return rc;
}

int shard_checkpoint_now(struct shard *s, uint32_t flags, struct err *e)
{
    struct shard_job *job = checkpoint_begin(s, flags, e);
    if (!job)
        return e->code ? e->code : -ENOMEM;
    checkpoint_run(job);
    int rc = job->rc;
    if (rc && e)
        *e = job->e;
    int done = checkpoint_done(s, job);
    return rc ? rc : done;
}

void shard_checkpoint(struct shard *s)
{
    s->checkpoint_due = true;
    shard_advance(s);
}

bool shard_checkpoint_presses(const struct shard *s)
{
    uint64_t every = checkpoint_interval(s);
    return wal_full(s) || s->no_segment || s->stats.bytes - s->checkpoint_wal >= every + every / 4;
}

static bool quiet(struct shard *s)
{
    uint64_t last = entries_last(&s->entries);
    /* What its peers have not confirmed a node that stops no longer waits for. */
    if (!shard_conf_sole_voter(&s->conf, s->cfg.owner.node_id) && s->written == last)
        last = s->commit < s->persisted ? s->commit : s->persisted;
    return !s->writing && s->applied == last && !s->ops->staged(s);
}

/* Does nothing wait for the WAL? */
static bool is_logged(struct shard *s)
{
    return s->written == entries_last(&s->entries) && !s->ops->staged(s);
}

/* Would a checkpoint release something? One releases what lies before the previous one, a second
 * what lies before the first. Where entries were truncated, one at the same index does. */
static bool checkpoint_gains(struct shard *s)
{
    return s->stats.bytes > s->checkpoint_wal || s->applied > s->checkpoint_index ||
           wal_pos_cmp(s->older_replay, s->checkpoint_replay) < 0 ||
           (!MUTANT(truncated_kept) && wal_pos_cmp(s->checkpoint_replay, replay_from(s)) < 0);
}

/* There is no index at which all partitions stand while an entry is half applied. And none is of
 * use while another node's checkpoint is on its way. */
static bool hold_checkpoints(struct shard *s)
{
    return s->stalled || s->installing || s->ops->hold_checkpoints(s);
}

/* By time, if there is anything a checkpoint would be good for. */
static bool is_of_use(struct shard *s)
{
    return s->cfg.checkpoint_ms &&
           (s->applied > s->checkpoint_index || s->ops->wants_checkpoint(s));
}

static bool wants_checkpoint(struct shard *s)
{
    if (shard_now(s) < s->retry_checkpoint_ms)
        return false;
    if (s->checkpoint_due)
        return true;
    if (s->stats.bytes - s->checkpoint_wal >= checkpoint_interval(s))
        return true;
    if ((wal_full(s) || s->no_segment) && checkpoint_gains(s))
        return true;
    return is_of_use(s) && shard_now(s) - s->checkpoint_at_ms >= s->cfg.checkpoint_ms;
}

static void start_checkpoint(struct shard *s, uint32_t flags)
{
    struct err e = {0};
    s->checkpoint_due = s->easing = false;
    s->checkpoint_wal = s->stats.bytes;
    s->checkpoint_at_ms = shard_now(s);
    s->job_checkpoint = checkpoint_begin(s, flags, &e);
    if (s->job_checkpoint)
        s->cfg.host->job(s->cfg.host->ctx, s, s->job_checkpoint);
    else
        checkpoint_failed(s, &e);
}

/* ---- segments */

static void no_segment(struct shard *s, int rc, const struct err *why)
{
    s->no_segment = rc;
    s->retry_prepare_ms = shard_now(s) + RETRY_MS;
    if (shard_trouble_begins(s, &s->space.segment))
        log_error(s->cfg.log, "shard",
                  "no new segment for the write-ahead log: when the last one is full, and until a "
                  "checkpoint releases an old one, what needs room is refused shard=%u error=\"%s\""
                  ": %s; it is tried again every second",
                  s->cfg.owner.shard, why->text,
                  err_is_shortage(rc) ? "see to what is short" : "see to the disk");
}

static int begin_prepare(struct shard *s)
{
    struct wal_prepare *p;
    wal_writer_keep_spare(s->wal, shard_spare_segments(s));
    int rc = wal_prepare_begin(s->wal, s->cfg.clock->wall_ms(s->cfg.clock), &p);
    if (rc <= 0)
        return rc;
    struct shard_job *job = calloc(1, sizeof *job);
    if (!job)
        return wal_prepare_done(s->wal, p, -ENOMEM);
    job->s = s;
    job->prepare = p;
    s->job_prepare = job;
    s->cfg.host->job(s->cfg.host->ctx, s, job);
    return 0;
}

/* At its bound, and what fills the log is not committed: no checkpoint releases that, and what
 * would commit it may be what waits to be written, a new leader's first entry or the vote for it.
 * Were all nodes to wait for room then, they would for ever. So what is here is written. The bound
 * is kept where entries begin: a leader takes records only into room that it has, and only after
 * all of earlier terms is committed. */
static bool must_exceed(struct shard *s)
{
    bool waits = s->state_due || s->written < entries_last(&s->entries);
    return waits && s->commit < s->persisted && !s->job_checkpoint && !hold_checkpoints(s) &&
           !checkpoint_gains(s);
}

static void start_prepare(struct shard *s)
{
    struct err e;
    if (s->job_prepare || (s->no_segment && shard_now(s) < s->retry_prepare_ms))
        return;
    if (wal_full(s) && (MUTANT(bound_for_all) || !must_exceed(s)))
        return; /* a checkpoint comes first */
    int rc = begin_prepare(s);
    if (rc < 0)
        no_segment(s, rc, (err_code(&e, rc, "%s", s->wal_dir), &e));
}

static void prepare_done(struct shard *s, struct shard_job *job)
{
    int rc = wal_prepare_done(s->wal, job->prepare, job->rc);
    if (rc == ERR_POISONED) {
        shard_poison_why(s, &job->e);
    } else if (rc) {
        no_segment(s, rc, &job->e);
    } else {
        s->no_segment = 0;
        if (shard_trouble_ends(&s->space.segment))
            log_info(s->cfg.log, "shard", "a new segment for the write-ahead log again shard=%u",
                     s->cfg.owner.shard);
    }
    free(job);
}

/* At its bound, with no checkpoint to come: say so once, for it looks like a disk that hangs. */
static void say_full(struct shard *s)
{
    if (!shard_trouble_begins(s, &s->space.bound))
        return;
    log_error(
        s->cfg.log, "shard",
        "the write-ahead log has reached its bound and no checkpoint can be made: records are "
        "refused (KAFKA_STORAGE_ERROR) shard=%u bytes=%" PRIu64 ": %s",
        s->cfg.owner.shard, wal_writer_bytes(s->wal),
        s->ops->hold_checkpoints(s)
            ? "a partition is offline and the log keeps its records; see to the disk, then "
              "restart"
            : "see to why checkpoints fail");
}

/* Groups that are submitted and not yet part of a write, each with a block for its hints: they
 * cannot be refused any more. */
static uint64_t unwritten_bytes(struct shard *s)
{
    uint64_t bytes = 0;
    for (uint64_t i = s->written + 1; i <= entries_last(&s->entries); i++)
        bytes += WAL_BLOCK + wal_group_bytes(entries_get(&s->entries, i)->payload_len);
    return bytes;
}

bool shard_has_room(struct shard *s, size_t n)
{
    return wal_writer_fits(s->wal, unwritten_bytes(s) + n);
}

int shard_no_room(struct shard *s)
{
    bool hopeless = s->ops->hold_checkpoints(s) || s->checkpoint_failing;
    if (s->hurried)
        return ERR_CLOSED;
    if (entries_last(&s->entries) > s->written)
        return 0; /* when those are written, it is looked at again */
    if (wal_full(s)) {
        if (hopeless)
            say_full(s);
        return hopeless ? -ENOSPC : 0;
    }
    bool may_come = s->job_checkpoint || (!hopeless && checkpoint_gains(s));
    return may_come ? 0 : s->no_segment;
}

/* ---- tasks */

int shard_start_task(struct shard *s, struct shard_task *t)
{
    if (s->n_tasks >= SHARD_TASKS_MAX || s->stopping)
        return ERR_BUSY;
    struct shard_job *job = calloc(1, sizeof *job);
    if (!job)
        return -ENOMEM;
    job->s = s;
    job->task = t;
    s->n_tasks++;
    s->cfg.host->job(s->cfg.host->ctx, s, job);
    return 0;
}

static void task_done(struct shard *s, struct shard_job *job)
{
    struct shard_task *t = job->task;
    s->n_tasks--;
    free(job);
    t->done(s, t);
}

/* ---- the order of jobs */

/* While stopping: what still waits gets its room, from a checkpoint or two if the WAL has reached
 * its bound. False: no job is under way, so nothing will come of waiting. */
static bool make_room(struct shard *s)
{
    start_prepare(s);
    if (s->job_prepare)
        return true;
    if (!checkpoint_gains(s) || hold_checkpoints(s) || shard_now(s) < s->retry_checkpoint_ms)
        return false;
    start_checkpoint(s, 0);
    return s->job_checkpoint != NULL;
}

/* What is logged or staged is not through, and no write is under way. True: nor will it be. */
static bool give_up_waiting(struct shard *s)
{
    if (s->stalled) /* the next start applies it */
        shard_poison_why(s, &s->why);
    else if (is_logged(s)) /* and that, too: an image is missing */
        shard_abandon(s);
    else if (make_room(s))
        return false;
    else /* it will not get into the WAL any more */
        shard_poison(s, s->no_segment ? s->no_segment : s->write_short ? -ENOMEM : -ENOSPC, "stop");
    return true;
}

static void advance_stop(struct shard *s)
{
    if (s->stopped || s->job_checkpoint || s->job_prepare || s->n_tasks || s->writing)
        return;
    if (s->poisoned || (s->clean_done && !wal_writer_wants_mark(s->wal))) {
        s->stopped = true;
        return;
    }
    if (s->installing) { /* the next start goes on where this one left off */
        shard_abandon(s);
        s->stopped = true;
        return;
    }
    if (!quiet(s)) {
        s->stopped = give_up_waiting(s);
        return;
    }
    shard_abandon(s);
    if (wal_writer_wants_mark(s->wal)) {
        if (s->mark_due) /* and there was no room; the log is good without it */
            s->stopped = !make_room(s);
        s->mark_due = true; /* shard_advance writes it */
        return;
    }
    /* One try: if it fails, the WAL has it all. */
    if (s->stop_tried || hold_checkpoints(s)) {
        s->stopped = true;
        return;
    }
    s->stop_tried = true;
    start_checkpoint(s, CHECKPOINT_CLEAN);
}

void shard_jobs_advance(struct shard *s)
{
    if (s->stopping) {
        advance_stop(s);
        return;
    }
    if (s->poisoned)
        return;
    bool due = !s->job_checkpoint && !hold_checkpoints(s) && wants_checkpoint(s);
    s->easing = due && s->ops->ease && !s->ops->ease(s, &s->ease_ms);
    if (due && !s->easing && !hold_checkpoints(s)) /* easing may have failed a log */
        start_checkpoint(s, 0);
    start_prepare(s);
}

int64_t shard_jobs_tick(struct shard *s, int64_t now)
{
    int64_t due = INT64_MAX;
    if (s->poisoned || s->stopping)
        return due;
    if (s->retry_checkpoint_ms > now)
        due = s->retry_checkpoint_ms;
    if (s->no_segment) {
        int64_t t = s->retry_prepare_ms > now ? s->retry_prepare_ms : now + RETRY_MS;
        due = t < due ? t : due;
    }
    if (is_of_use(s)) {
        int64_t t = clock_after(s->checkpoint_at_ms, s->cfg.checkpoint_ms);
        if (t <= now)
            t = now + RETRY_MS; /* one is under way, or has failed */
        due = t < due ? t : due;
    }
    return due;
}

void shard_job_run(struct shard_job *job)
{
    if (job->prepare)
        job->rc = wal_prepare_run(job->prepare, &job->e);
    else if (job->task)
        job->task->run(job->task);
    else
        checkpoint_run(job);
}

void shard_job_done(struct shard *s, struct shard_job *job)
{
    if (job->prepare) {
        s->job_prepare = NULL;
        prepare_done(s, job);
    } else if (job->task) {
        task_done(s, job);
    } else {
        s->job_checkpoint = NULL;
        checkpoint_done(s, job);
    }
    s->ops->job_done(s);
    shard_advance(s);
}

void shard_stop(struct shard *s)
{
    s->stopping = true;
    s->clean_done = false;
    s->stop_tried = false;
    s->retry_apply_ms = 0;
    s->ops->stopping(s);
    shard_advance(s);
}

bool shard_stopped(const struct shard *s)
{
    return s->stopped;
}
