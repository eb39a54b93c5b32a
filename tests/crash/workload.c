/* workload.c - see workload.h. */
#include "tests/crash/workload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

uint64_t workload_draw(struct workload *w)
{
    uint64_t x = w->rng += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

uint64_t workload_below(struct workload *w, uint64_t n)
{
    return workload_draw(w) % n;
}

struct stream { /* an idempotent producer on one partition */
    int64_t pid;
    int32_t sequence;
    struct rig_batch *last;
};

static void produce_some(struct workload *w, struct rig *r, struct stream *streams)
{
    static const char *const names[] = {"a", "b", "c"};
    struct rig_topic *t = rig_topic(r, names[workload_below(w, 3)]);
    if (!t)
        return;
    int32_t partition = (int32_t)workload_below(w, (uint64_t)t->partitions);
    int n = 1 + (int)workload_below(w, 4);
    size_t size = workload_below(w, 8) ? workload_below(w, 200) : workload_below(w, 4000);
    if (workload_below(w, 2) || t->name[0] != 'a') {
        rig_produce(r, t, partition, n, size, -1, 0, 0);
        return;
    }
    struct stream *s = &streams[partition];
    if (s->last && s->last->done && s->last->produce.code == ERR_OUTOFORDER) {
        /* One before it was lost in a crash, unacknowledged: begin anew, as a client would. */
        s->pid += 10;
        s->sequence = 0;
        s->last = NULL;
    }
    if (s->last && workload_below(w, 4) == 0) {
        rig_produce_again(r, s->last);
        return;
    }
    s->last = rig_produce(r, t, partition, n, size, s->pid, 0, s->sequence);
    s->sequence += n;
}

/* Send something from before once more, as after a lost answer. */
static void produce_old(struct workload *w, struct rig *r)
{
    const struct rig_batch *b = r->n_batches ? r->batches[workload_below(w, r->n_batches)] : NULL;
    if (b && b->produce.batch.producer_id >= 0)
        rig_produce_again(r, b);
}

/* A few keys of a topic that is compacted, again and again; now and then one is deleted. */
static void put_some(struct workload *w, struct rig *r)
{
    struct rig_topic *t = rig_topic(r, "k");
    char key[16], value[200];
    for (int i = 0; t && i < 12; i++) {
        size_t n = (size_t)workload_below(w, sizeof value - 24);
        snprintf(key, sizeof key, "k%d", (int)workload_below(w, 10));
        memset(value, 'v', n);
        snprintf(value + n, sizeof value - n, "%zu", r->n_batches); /* no two are alike */
        rig_put(r, t, 0, key, workload_below(w, 12) ? value : NULL);
        rig_flush(r);
    }
}

static void trim_some(struct workload *w, struct rig *r)
{
    struct rig_topic *t = rig_topic(r, workload_below(w, 2) ? "a" : "c");
    struct plog *log = t ? shard_partition(r->shard[1].s, &t->id, 0) : NULL;
    if (!log)
        return;
    int64_t hw = plog_high_watermark(log);
    rig_trim(r, t, 0, workload_below(w, 4) ? (int64_t)workload_below(w, (uint64_t)hw + 1) : -1);
    w->trims++;
}

static void break_something(struct workload *w, struct rig *r)
{
    static const enum io_mem_call broken[] = {IO_MEM_COMMIT, IO_MEM_SYNC, IO_MEM_WRITE_BACK};
    if (!w->faults)
        return;
    if (workload_below(w, 2)) {
        io_mem_fail(r->disk, IO_MEM_ALLOCATE, 1, ENOSPC, 1 + workload_below(w, 3));
        w->full++;
    } else if (workload_below(w, 2)) {
        io_mem_fail(r->disk, broken[workload_below(w, 3)], 1 + workload_below(w, 3), EIO, 1);
        w->failed++;
    }
}

static int restart(struct workload *w, struct rig *r, struct err *e)
{
    r->hold_jobs = false;
    for (int i = 0; w->faults && i < IO_MEM_CALLS; i++)
        io_mem_fail(r->disk, (enum io_mem_call)i, 0, 0, 0);
    if (workload_below(w, 2)) {
        w->stops++;
        if (rig_stop(r))
            return err_set(e, ERR_CHECK, "the stop did not come to an end");
    } else {
        w->kills++;
        rig_drop(r);
    }
    return rig_open(r, e);
}

static int act_rarely(struct workload *w, struct rig *r, struct err *e)
{
    int rc = 0;
    switch (workload_below(w, 5)) {
    case 0:
        break_something(w, r);
        break;
    case 1:
        rc = restart(w, r, e);
        break;
    case 2:
        trim_some(w, r);
        break;
    default:
        produce_old(w, r);
    }
    /* A shard that has failed has nothing more to say. */
    if (rc == 0 && (shard_poisoned(r->shard[0].s) || shard_poisoned(r->shard[1].s)))
        rc = restart(w, r, e);
    return rc;
}

static int act(struct workload *w, struct rig *r, struct stream *streams, struct err *e)
{
    switch (workload_below(w, 40)) {
    case 8:
    case 9:
    case 10:
        return act_rarely(w, r, e);
    case 0:
        shard_checkpoint(r->shard[1].s);
        w->checkpoints++;
        break;
    case 1:
        shard_checkpoint(r->shard[0].s);
        break;
    case 2:
        if (rig_topic(r, "b") && rig_delete_topic(r, "b") == 0)
            w->deletes++;
        break;
    case 3:
        if (!rig_topic(r, "b") && r->n_topics < RIG_TOPICS)
            rig_create_topic(r, "b", 2);
        break;
    case 4:
        rig_pass(r, (int64_t)workload_below(w, 400));
        break;
    case 5:
    case 6:
        rig_run(r);
        break;
    case 7:
        r->hold_jobs = !r->hold_jobs;
        break;
    case 11:
    case 12:
    case 13:
        put_some(w, r);
        break;
    default:
        produce_some(w, r, streams);
        if (workload_below(w, 3))
            rig_flush(r);
        if (workload_below(w, 3))
            rig_step(r);
    }
    return 0;
}

/* What a life did by itself. */
static void count_deeds(struct workload *w, const struct rig *r)
{
    struct shard_stats st;
    shard_stats(r->shard[1].s, &st);
    w->expirations += st.expirations;
    w->compactions += st.compactions;
    w->rolls += st.bytes > r->segment_bytes;
}

int workload_act(struct workload *w, struct rig *r, int actions, int64_t first_pid, struct err *e)
{
    struct stream streams[4];
    int rc = 0;
    for (int i = 0; i < 4; i++)
        streams[i] = (struct stream){.pid = first_pid + i};
    for (int i = 0; rc == 0 && i < actions; i++)
        rc = act(w, r, streams, e);
    if (rc != 0)
        return rc;
    r->hold_jobs = false;
    rig_flush(r);
    rig_run(r);
    count_deeds(w, r);
    return 0;
}

/* Records grow old within the workload. */
static void set_retention(struct workload *w, struct rig *r)
{
    r->retention_check_ms = 50 + (int64_t)workload_below(w, 100);
    r->settings.segment_ms = workload_below(w, 2) ? 200 : INT64_MAX;
    r->settings.retention_ms = workload_below(w, 2) ? 200 + (int64_t)workload_below(w, 800) : -1;
    r->settings.retention_bytes =
        workload_below(w, 2) ? 2000 + (int64_t)workload_below(w, 20000) : -1;
    r->settings.segment_bytes = workload_below(w, 2) ? 4096 : 16 * 1024;
}

void workload_configure(struct workload *w, struct rig *r)
{
    r->seed = w->rng;
    r->segment_bytes = RIG_SEGMENT << workload_below(w, 2);
    r->first_segment_bytes = workload_below(w, 2) ? RIG_SEGMENT : 0;
    r->wal_direct = workload_below(w, 2);
    r->wal_max_bytes = 8 * r->segment_bytes;
    r->checkpoint_bytes = workload_below(w, 2) ? 2 * r->segment_bytes : 0;
    r->group_bytes = workload_below(w, 2) ? 32 * 1024 : 4 * 1024;
    r->group_records = workload_below(w, 2) ? 1 << 20 : 6;
    r->buffer_bytes = workload_below(w, 2) ? 0 : 6000;
    r->write_back_bytes = workload_below(w, 2) ? 0 : 2000;
    set_retention(w, r);
    r->compact_backoff_ms = 20 + (int64_t)workload_below(w, 100);
    r->compact_key_bytes = 16 * 1024;
}

void workload_resume(struct rig *r, const struct rig *history)
{
    r->segment_bytes = history->segment_bytes;
    r->first_segment_bytes = history->first_segment_bytes;
    r->wal_direct = history->wal_direct;
    r->wal_max_bytes = history->wal_max_bytes;
    r->group_bytes = history->group_bytes;
    r->group_records = history->group_records;
    r->buffer_bytes = history->buffer_bytes;
    r->write_back_bytes = history->write_back_bytes;
    r->settings = history->settings;
    r->retention_check_ms = history->retention_check_ms;
    r->compact_backoff_ms = history->compact_backoff_ms;
    r->compact_key_bytes = history->compact_key_bytes;
    r->clock = history->clock;
}

void workload_begin(struct rig *r)
{
    rig_create_topic(r, "a", 4);
    rig_create_topic(r, "b", 2);
    rig_create_topic(r, "c", 1);
    rig_create_topic(r, "k", 1);
    struct rig_topic *k = rig_topic(r, "k");
    if (!k)
        return;
    k->compacted = true;
    rig_set(r, k, "cleanup.policy", "compact");
    rig_set(r, k, "segment.bytes", "4096");
    rig_set(r, k, "min.cleanable.dirty.ratio", "0.1");
    rig_set(r, k, "delete.retention.ms", "100");
}
