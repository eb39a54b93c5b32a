#include "broker/shard_thread.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/prctl.h>

#include "broker/broker.h"
#include "broker/container.h"
#include "broker/inbox.h"
#include "broker/metadata.h"
#include "broker/rcu.h"
#include "broker/worker.h"
#include "shard/node.h"

struct job {
    struct loop_msg msg; /* to the crew and back */
    struct shard_thread *t;
    struct shard_job *job; /* NULL: free */
};

enum state { OPEN, LEADS, FAILED };

/* With wal.writer.thread=auto, what is worth two hand-overs between threads (some 50 us): the
 * copies of a group of this size, into the WAL's payload and into the partition logs, take longer.
 */
enum { HAND_OVER_BYTES = 256 * 1024 };

enum { NS_PER_MS = 1000000 };

struct shard_thread {
    struct broker *broker;
    uint32_t number;
    struct shard *shard;
    struct shard_host host;
    struct inbox inbox;
    pthread_t thread;
    bool started;  /* and not yet joined */
    bool finished; /* joined: the shard has come to rest */
    bool stopping;

    /* Held by whoever runs the shard, its thread or a loop in its place: what follows, and the
     * shard itself, are his. */
    pthread_mutex_t turn;
    int64_t due_ms;        /* when the thread will have a turn by itself, */
    bool nudged;           /* and a message is on its way to it because that is too late */
    struct loop_msg nudge; /* it */
    int64_t write_us;      /* what the last write took with its sync, or a loop's whole turn */
    struct crew writer;
    uint64_t hand_over;    /* writes of so many bytes and more go to it; UINT64_MAX: none */
    struct loop_msg write; /* to the writer and back */
    bool write_wanted;
    struct job jobs[SHARD_JOBS_MAX];
    struct stage_list *done; /* what goes home, by worker */
    struct metadata_visits visits;

    _Atomic int32_t epoch;
    _Atomic bool leads;
    pthread_mutex_t lock; /* of what main waits for at the start: */
    pthread_cond_t changed;
    enum state state;

    struct loop_msg stop_msg, hurry_msg, stats_msg;
    _Atomic bool stats_asked;
};

/* ---- what others ask */

void shard_thread_post(struct shard_thread *t, struct loop_msg *m)
{
    inbox_post(&t->inbox, m);
}

int32_t shard_thread_epoch(struct shard_thread *t)
{
    return atomic_load_explicit(&t->epoch, memory_order_relaxed);
}

bool shard_thread_leads(struct shard_thread *t)
{
    return atomic_load_explicit(&t->leads, memory_order_relaxed);
}

struct shard *shard_thread_shard(struct shard_thread *t)
{
    return t->shard;
}

struct metadata_visits *shard_thread_visits(struct shard_thread *t)
{
    return &t->visits;
}

struct stage_list *shard_thread_finished(struct shard_thread *t, const struct worker *home)
{
    return &t->done[home->index];
}

/* ---- the shard's hooks */

static void write_done(struct loop_msg *m)
{
    struct shard_thread *t = container_of(m, struct shard_thread, write);
    shard_written(t->shard);
}

static void commit(struct shard_thread *t)
{
    commits_begin(&t->broker->commits);
    shard_write_run(t->shard);
    commits_end(&t->broker->commits);
}

static void write_on_writer(struct loop_msg *m)
{
    struct shard_thread *t = container_of(m, struct shard_thread, write);
    commit(t);
    t->write.run = write_done;
    inbox_post(&t->inbox, &t->write);
}

/* The writer gets a large one at once: what the shard does next, applying the group before and
 * gathering the next, overlaps with it. */
static void on_write(void *ctx, struct shard *s)
{
    struct shard_thread *t = ctx;
    if (!t->started || t->hand_over == UINT64_MAX || shard_write_size(s) < t->hand_over) {
        t->write_wanted = true;
        return;
    }
    t->write.run = write_on_writer;
    crew_post(&t->writer, &t->write);
}

static void job_done(struct loop_msg *m)
{
    struct job *j = container_of(m, struct job, msg);
    struct shard_job *job = j->job;
    j->job = NULL;
    shard_job_done(j->t->shard, job);
}

static void job_on_crew(struct loop_msg *m)
{
    struct job *j = container_of(m, struct job, msg);
    shard_job_run(j->job);
    j->msg.run = job_done;
    inbox_post(&j->t->inbox, &j->msg);
}

static void on_job(void *ctx, struct shard *s, struct shard_job *job)
{
    (void)s;
    struct shard_thread *t = ctx;
    for (struct job *j = t->jobs; j < t->jobs + SHARD_JOBS_MAX; j++) {
        if (j->job)
            continue;
        j->job = job;
        j->t = t;
        j->msg.run = job_on_crew;
        crew_post(&t->broker->jobs, &j->msg);
        return;
    }
    abort(); /* the shard has more jobs than it may */
}

static void on_image(void *ctx, struct shard *s, struct meta_image *image)
{
    (void)s;
    struct shard_thread *t = ctx;
    if (t->started) /* what recovery applies is taken when it is through */
        metadata_spread(t->broker->metadata, image);
}

static void on_partition(void *ctx, struct shard *s, struct plog *log, bool added)
{
    (void)s;
    struct shard_thread *t = ctx;
    if (!added) {
        partitions_remove(&t->broker->partitions, log);
        return;
    }
    int rc = partitions_add(&t->broker->partitions, t, log);
    if (rc)
        log_error(t->broker->log, "shard", "partition cannot be served topic=%s partition=%d: %s",
                  plog_topic(log), plog_partition(log), err_str(rc));
}

static void on_advanced(void *ctx, struct shard *s, struct plog *log, int64_t high_watermark)
{
    (void)s;
    (void)high_watermark;
    struct shard_thread *t = ctx;
    partitions_advanced(&t->broker->partitions, log);
}

static void set_state(struct shard_thread *t, enum state state)
{
    pthread_mutex_lock(&t->lock);
    t->state = state;
    pthread_mutex_unlock(&t->lock);
    pthread_cond_broadcast(&t->changed);
}

static void on_lead(void *ctx, struct shard *s, bool leads)
{
    struct shard_thread *t = ctx;
    atomic_store(&t->epoch, (int32_t)shard_term(s));
    atomic_store(&t->leads, leads);
    if (leads)
        set_state(t, LEADS);
}

/* ---- a turn */

static int64_t now_ns(const struct shard_thread *t)
{
    return t->broker->clock->mono_ns(t->broker->clock);
}

static int64_t us_since(const struct shard_thread *t, int64_t begun_ns)
{
    return (now_ns(t) - begun_ns) / 1000;
}

/* Without a writer (or before there was one) this thread does the write that the shard asked for.
 */
static void do_write(struct shard_thread *t)
{
    if (!t->write_wanted)
        return;
    int64_t begun = now_ns(t);
    t->write_wanted = false;
    commit(t);
    t->write_us = us_since(t, begun);
    shard_written(t->shard);
}

static void hand_out_finished(struct shard_thread *t, const struct worker *here)
{
    for (uint32_t i = 0; i < t->broker->n_workers; i++) {
        if (!here || i != here->index)
            stage_list_post(&t->done[i]);
    }
}

/* What follows the events of a turn; what is done for `here` (or NULL) stays in its list. Gives ms
 * until the next turn is due if nothing happens before. */
static int64_t end_turn(struct shard_thread *t, const struct worker *here)
{
    shard_flush(t->shard);
    do_write(t);
    int64_t pause = shard_tick(t->shard);
    int64_t late = t->number == 0 ? metadata_retry(t->broker->metadata) : INT64_MAX;
    if (late < pause)
        pause = late;
    hand_out_finished(t, here);
    metadata_visits_end(&t->visits, t->shard);
    if (t->state == OPEN && shard_poisoned(t->shard))
        set_state(t, FAILED);
    return t->write_wanted ? 0 : pause;
}

static int64_t turn_in(struct shard_thread *t, int64_t pause)
{
    return clock_after(clock_mono_ms(t->broker->clock), pause);
}

/* ---- the thread */

static int64_t wait_ns(const struct shard_thread *t, int64_t pause_ms)
{
    int64_t pause = pause_ms < INT64_MAX / NS_PER_MS ? pause_ms * NS_PER_MS : INT64_MAX;
    int64_t linger = shard_linger_ns(t->shard);
    return linger < pause ? linger : pause;
}

static void *run(void *arg)
{
    struct shard_thread *t = arg;
    rcu_register();
    prctl(PR_SET_TIMERSLACK, 1L, 0, 0, 0); /* ns, for wal.linger.us: 50 us are usual */
    for (;;) {
        pthread_mutex_lock(&t->turn);
        inbox_run(&t->inbox);
        int64_t pause = end_turn(t, NULL);
        t->due_ms = turn_in(t, pause);
        int64_t ns = wait_ns(t, pause);
        bool over = t->stopping && shard_stopped(t->shard);
        pthread_mutex_unlock(&t->turn);
        if (over)
            break;
        inbox_wait(&t->inbox, ns);
    }
    rcu_unregister();
    return NULL;
}

/* ---- a loop in its place */

static void nudged(struct loop_msg *m)
{
    struct shard_thread *t = container_of(m, struct shard_thread, nudge);
    t->nudged = false; /* the turn that this begins says when the next one is due */
}

/* The thread may sleep, or be about to, for longer than the shard can wait; or it does not know yet
 * that the shard stops, if that message came in this turn. */
static void see_to_next_turn(struct shard_thread *t, int64_t pause)
{
    if (t->nudged || (!t->stopping && turn_in(t, pause) >= t->due_ms))
        return;
    t->nudged = true;
    inbox_post(&t->inbox, &t->nudge);
}

bool shard_thread_run_here(struct shard_thread *t, struct loop_msg *m, struct worker *here)
{
    if (pthread_mutex_trylock(&t->turn))
        return false;
    if (t->stopping || t->write_us >= t->broker->settings->wal_loop_write_us) {
        pthread_mutex_unlock(&t->turn);
        return false;
    }
    int64_t begun = now_ns(t);
    inbox_run(&t->inbox); /* what was posted before comes before */
    m->run(m);
    see_to_next_turn(t, end_turn(t, here));
    int64_t us = us_since(t, begun);
    if (us > t->write_us) /* whatever it was: the loop's others waited for it */
        t->write_us = us;
    struct stage *done = stage_list_take(&t->done[here->index]);
    pthread_mutex_unlock(&t->turn);
    stage_come_home(done);
    return true;
}

static void begin_stop(struct loop_msg *m)
{
    struct shard_thread *t = container_of(m, struct shard_thread, stop_msg);
    t->stopping = true;
    shard_stop(t->shard);
}

static void hurry(struct loop_msg *m)
{
    struct shard_thread *t = container_of(m, struct shard_thread, hurry_msg);
    shard_hurry(t->shard);
}

void shard_thread_hurry(struct shard_thread *t)
{
    if (t && t->started)
        shard_thread_post(t, &t->hurry_msg);
}

static void log_stats(struct loop_msg *m)
{
    struct shard_thread *t = container_of(m, struct shard_thread, stats_msg);
    atomic_store(&t->stats_asked, false);
    struct shard_stats st;
    shard_stats(t->shard, &st);
    log_info(t->broker->log, "stats",
             "shard=%u proposals=%" PRIu64 " writes=%" PRIu64 " syncs=%" PRIu64 " bytes=%" PRIu64
             " batches=%" PRIu64 " records=%" PRIu64 " duplicates=%" PRIu64 " expirations=%" PRIu64
             " compactions=%" PRIu64 " checkpoints=%" PRIu64 " wal_bytes=%" PRIu64
             " waits_space=%" PRIu64,
             t->number, st.proposals, st.writes, st.syncs, st.bytes, st.batches, st.records,
             st.duplicates, st.expirations, st.compactions, st.checkpoints, st.wal_bytes,
             st.waits_space);
}

void shard_thread_log_stats(struct shard_thread *t)
{
    if (!atomic_exchange(&t->stats_asked, true))
        shard_thread_post(t, &t->stats_msg);
}

/* ---- life */

static uint64_t hand_over_from(const char *setting)
{
    if (strcmp(setting, "true") == 0)
        return 0;
    return strcmp(setting, "auto") == 0 ? HAND_OVER_BYTES : UINT64_MAX;
}

struct shard_thread *shard_thread_new(struct broker *b, uint32_t number)
{
    struct shard_thread *t = calloc(1, sizeof *t);
    struct stage_list *done = calloc(b->n_workers, sizeof *done);
    if (!t || !done) {
        free(t);
        free(done);
        return NULL;
    }
    t->broker = b;
    t->number = number;
    t->hand_over = hand_over_from(b->settings->wal_writer_thread);
    t->done = done;
    for (uint32_t i = 0; i < b->n_workers; i++)
        stage_list_init(&done[i]);
    t->host = (struct shard_host){.ctx = t,
                                  .write = on_write,
                                  .job = on_job,
                                  .image = on_image,
                                  .partition = on_partition,
                                  .advanced = on_advanced,
                                  .lead = on_lead};
    metadata_visits_init(&t->visits);
    t->nudge.run = nudged;
    t->stop_msg.run = begin_stop;
    t->hurry_msg.run = hurry;
    t->stats_msg.run = log_stats;
    pthread_mutex_init(&t->turn, NULL);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, NULL);
    return t;
}

int shard_thread_open(struct shard_thread *t, const struct node *node, struct meta_image *image,
                      struct err *e)
{
    struct broker *b = t->broker;
    const struct settings *s = b->settings;
    char wal_dir[IO_PATH_MAX], meta_dir[IO_PATH_MAX], log_dir[IO_PATH_MAX];
    if (node_wal_dir(wal_dir, sizeof wal_dir, node->meta.wal_dir, t->number) ||
        node_meta_dir(meta_dir, sizeof meta_dir, s->log_dir) ||
        node_log_dir(log_dir, sizeof log_dir, s->log_dir))
        return err_code(e, -ENAMETOOLONG, "%s", s->log_dir);
    struct shard_config cfg = {
        .io = b->io,
        .log = b->log,
        .clock = b->clock,
        .host = &t->host,
        .owner = {node->meta.cluster_id, node->meta.node_id, t->number},
        .wal_dir = wal_dir,
        .meta_dir = meta_dir,
        .plog = {.io = b->io,
                 .log = b->log,
                 .dir = log_dir,
                 .retire = rcu_later,
                 .lingering = &b->blocks.used},
        .segment_bytes = t->number ? (uint64_t)s->wal_segment_bytes : METADATA_SEGMENT_BYTES,
        .wal_max_bytes = t->number ? (uint64_t)s->wal_max_bytes : METADATA_WAL_BYTES,
        .checkpoint_bytes = (uint64_t)s->wal_checkpoint_bytes,
        .checkpoint_ms = s->wal_checkpoint_ms,
        .group_records = (uint32_t)s->wal_group_records,
        .group_bytes = (uint32_t)s->wal_group_bytes,
        .linger_us = t->number ? s->wal_linger_us : 0,
        .reserve_bytes =
            t->number ? (uint64_t)s->log_dir_reserved_bytes : 0, /* metadata is what it is for */
        .buffer_bytes = (uint64_t)s->log_buffer_bytes,
        .write_back_bytes = (uint64_t)s->log_write_back_bytes,
        .producer_expiry_ms = s->producer_id_expiration_ms,
        .retention_check_ms = s->log_retention_check_interval_ms,
        .compact_backoff_ms = s->log_cleaner_enable ? s->log_cleaner_backoff_ms : 0,
        .compact_key_bytes = (uint64_t)s->log_cleaner_dedupe_buffer_size,
        .settings = &s->topic,
        .image = image,
        .sync_fs = true,
        .wal_direct = s->wal_direct_io,
    };
    return shard_open(&t->shard, &cfg, e);
}

static int start_threads(struct shard_thread *t)
{
    char name[16];
    snprintf(name, sizeof name, "writer-%u", t->number);
    int rc = t->hand_over != UINT64_MAX ? crew_start(&t->writer, name, 1) : 0;
    if (rc)
        return rc;
    t->started = true;
    rc = pthread_create(&t->thread, NULL, run, t);
    if (rc) {
        t->started = false;
        return -rc;
    }
    snprintf(name, sizeof name, "shard-%u", t->number);
    pthread_setname_np(t->thread, name);
    return 0;
}

int shard_thread_start(struct shard_thread *t, struct err *e)
{
    int rc = start_threads(t);
    if (rc)
        return err_code(e, rc, "the threads of shard %u cannot be started", t->number);
    pthread_mutex_lock(&t->lock);
    while (t->state == OPEN)
        pthread_cond_wait(&t->changed, &t->lock);
    enum state state = t->state;
    pthread_mutex_unlock(&t->lock);
    return state == LEADS ? 0
                          : err_set(e, ERR_POISONED,
                                    "the first write to the log of shard %u failed", t->number);
}

void shard_thread_stop(struct shard_thread *t)
{
    if (!t || !t->started)
        return;
    shard_thread_post(t, &t->stop_msg);
    pthread_join(t->thread, NULL);
    t->started = false;
    t->finished = true;
    crew_stop(&t->writer);
}

void shard_thread_free(struct shard_thread *t)
{
    if (!t)
        return;
    crew_stop(&t->writer);
    /* One whose thread could not even be started has its first write under way for ever; the
     * process is about to end. */
    if (t->shard && t->finished)
        shard_free(t->shard);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    pthread_mutex_destroy(&t->turn);
    free(t->done);
    free(t);
}
