/* write_back.c - a checkpoint should find little to write: its syncs hold up the device, and with
 * it every commit of the write-ahead log.
 *
 * A log is due when it has grown by write_back_bytes. Due logs are taken in turn, some at a time,
 * by a task, for to begin writing may block while the device is busy; nothing waits for it but the
 * next task. Many logs that grow slowly are never due, and what gathers in memory is in no file: so
 * when a checkpoint is due, all that is left follows first (ahead), in steps over AHEAD_MS, and the
 * checkpoint begins behind the last one. It begins at once when the write-ahead log has become much
 * longer meanwhile, or has no room (shard_checkpoint_presses).
 *
 * All of this may be left out at any point; a checkpoint syncs every file in any case. What the
 * system cannot write it tells the sync; if it tells us, the log is taken offline as after a failed
 * sync, and a checkpoint under way is not saved.
 */
#include "shard/write_back.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/mutant.h"
#include "shard/machine_data.h"

enum {
    TASK_BYTES = 1 << 20, /* enough for one task: a device is busy for a millisecond or two */
    STEP_MS = 10,
    AHEAD_MS = 2000, /* longer only with more logs than fit into so many steps */
};

struct write_back_log {
    struct data_key key; /* the partition may be gone by the time it is done */
    struct plog_write_back w;
};

static bool is_off(const struct shard *s)
{
    return s->cfg.write_back_bytes == 0 || s->data->write_back.missing;
}

/* ---- which are due */

static void list(struct shard *s, struct data_partition *p)
{
    struct write_back *b = &s->data->write_back;
    if (p->write_back_due)
        return;
    DL_APPEND2(b->due, p, write_back_prev, write_back_next);
    p->write_back_due = true;
    b->n_due++;
}

void write_back_forget(struct shard *s, struct data_partition *p)
{
    struct write_back *b = &s->data->write_back;
    if (!p->write_back_due)
        return;
    DL_DELETE2(b->due, p, write_back_prev, write_back_next);
    p->write_back_due = false;
    b->n_due--;
}

/* ---- tasks */

static void run(struct shard_task *t)
{
    struct write_back *b = (struct write_back *)t;
    for (size_t i = 0; i < b->n && b->rc == 0; i++) {
        b->rc = plog_write_back_run(&b->logs[i].w, &b->why);
        b->failed_log = i;
    }
    if (b->rc < 0 && b->rc != -ENOTSUP && !MUTANT(write_back_unheard))
        atomic_store_explicit(&b->failed, true, memory_order_release);
}

static void start(struct shard *s);

static void take_result(struct shard *s)
{
    struct write_back *b = &s->data->write_back;
    if (b->rc == -ENOTSUP) {
        b->missing = true;
        log_info(s->cfg.log, "shard",
                 "partition logs are written back by checkpoints only: the system has no "
                 "sync_file_range shard=%u",
                 s->cfg.owner.shard);
        return;
    }
    const struct data_key *key = &b->logs[b->failed_log].key;
    struct data_partition *p = data_find(s, &key->topic_id, key->partition);
    if (MUTANT(write_back_unheard))
        return;
    if (p && !p->offline)
        data_take_offline(s, p, &b->why);
    if (p)
        s->data->hold = true;
    else if (!s->data->hold) /* nor does a checkpoint under way have it: its removal would wait */
        atomic_store_explicit(&b->failed, false, memory_order_relaxed);
}

static void let_go(struct write_back *b)
{
    for (size_t i = 0; i < b->n; i++)
        plog_write_back_release(&b->logs[i].w);
    b->n = 0;
}

static void done(struct shard *s, struct shard_task *t)
{
    struct write_back *b = (struct write_back *)t;
    b->running = false;
    let_go(b);
    if (b->rc < 0)
        take_result(s);
    if (!b->ahead)
        start(s);
}

/* One segment of the log that is due first; with more of them it gets another turn. The bytes that
 * are to be written back. */
static uint64_t take(struct shard *s)
{
    struct write_back *b = &s->data->write_back;
    struct data_partition *p = b->due;
    struct write_back_log *l = &b->logs[b->n];
    write_back_forget(s, p);
    if (plog_failed(p->log) || !plog_write_back_begin(p->log, &l->w))
        return 0;
    l->key = p->key;
    b->n++;
    if (plog_unwritten(p->log) > 0)
        list(s, p);
    return l->w.len;
}

static bool may_start(struct shard *s)
{
    struct write_back *b = &s->data->write_back;
    if (b->running || !b->due || s->data->replaying || s->stopping || s->poisoned || is_off(s))
        return false;
    if (!b->logs) /* without memory the checkpoint writes it all */
        b->logs = calloc(WRITE_BACK_LOGS, sizeof *b->logs);
    return b->logs;
}

static void hand_out(struct shard *s)
{
    struct write_back *b = &s->data->write_back;
    b->rc = 0;
    b->task.run = run;
    b->task.done = done;
    b->running = b->n > 0 && shard_start_task(s, &b->task) == 0;
    if (!b->running)
        let_go(b); /* the checkpoint writes it */
}

/* What is due, about a task's worth. */
static void start(struct shard *s)
{
    struct write_back *b = &s->data->write_back;
    uint64_t bytes = 0;
    if (!may_start(s))
        return;
    while (b->due && b->n < WRITE_BACK_LOGS && bytes < TASK_BYTES)
        bytes += take(s);
    hand_out(s);
}

void write_back_note(struct shard *s, struct data_partition *p)
{
    if (is_off(s))
        return;
    if (!plog_failed(p->log) && plog_unwritten(p->log) >= s->cfg.write_back_bytes)
        list(s, p);
    if (!s->data->write_back.ahead)
        start(s);
}

/* ---- ahead of a checkpoint */

static void begin_ahead(struct shard *s, int64_t now)
{
    struct write_back *b = &s->data->write_back;
    struct data_partition *p, *next;
    b->ahead = true;
    b->step_ms = now;
    b->until_ms = now + AHEAD_MS;
    HASH_ITER(hh, s->data->partitions, p, next)
    if (!plog_failed(p->log) && (p->buffered || plog_unwritten(p->log) > 0))
        list(s, p);
}

/* The log writes what it has gathered, first. */
static uint64_t flush_and_take(struct shard *s)
{
    struct data_partition *p = s->data->write_back.due;
    struct err e;
    int rc = plog_failed(p->log) ? 0 : plog_flush(p->log, &e);
    if (rc && !err_is_shortage(rc)) /* for want of room the checkpoint will say so */
        data_take_offline(s, p, &e);
    data_buffer_note(s, p);
    return take(s);
}

/* As many logs as there must be in each step from here on, and more if they are short. */
static void step(struct shard *s, int64_t now)
{
    struct write_back *b = &s->data->write_back;
    int64_t left = now < b->until_ms ? (b->until_ms - now) / STEP_MS + 1 : 1;
    size_t least = b->n_due / (size_t)left + 1;
    uint64_t bytes = 0;
    b->step_ms = now + STEP_MS;
    if (!may_start(s))
        return;
    for (size_t i = 0; b->due && i < WRITE_BACK_LOGS && (i < least || bytes < TASK_BYTES); i++)
        bytes += flush_and_take(s);
    hand_out(s);
}

bool write_back_ahead(struct shard *s, int64_t *again)
{
    struct write_back *b = &s->data->write_back;
    int64_t now = shard_now(s);
    if (is_off(s) || shard_checkpoint_presses(s))
        return true;
    if (!b->ahead)
        begin_ahead(s, now);
    if (!b->running && now >= b->step_ms)
        step(s, now);
    *again = now < b->step_ms ? b->step_ms : now + STEP_MS; /* or sooner, when the task is done */
    return !b->due && !b->running;
}

void write_back_captured(struct shard *s)
{
    s->data->write_back.ahead = false;
    start(s);
}

int write_back_failed(const struct shard *s, struct err *e)
{
    const struct write_back *b = &s->data->write_back;
    if (!atomic_load_explicit(&b->failed, memory_order_acquire))
        return 0;
    return err_set(e, -EIO, "a partition log could not be written back meanwhile");
}

void write_back_release(struct shard *s)
{
    let_go(&s->data->write_back);
    free(s->data->write_back.logs);
}
