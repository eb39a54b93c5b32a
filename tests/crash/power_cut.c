/* power_cut [STATES [SEED]] - the power fails at every kind of moment; what was acknowledged must
 * be there afterwards.
 *
 * A workload runs on a disk in memory that records every change and every acknowledgement. Then
 * states are made in which a power cut at some point of the trace could have left a real disk
 * (base/io_mem.h), recovery runs on each, and all partitions are read back. States are counted
 * once, by content. Every tenth is cut again somewhere in its recovery; every twentieth lives on
 * with a workload of its own, and is cut in that. Within a workload brokers are stopped and killed
 * too, logs are trimmed, old records removed by age and size, segments begun by time, the disk
 * fills up, and a sync fails.
 *
 * The run fails if a state loses, moves or doubles an acknowledged batch, if recovery refuses a
 * state, if a workload acknowledged nothing, or if too few distinct states were found.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "shard/checkpoint.h"
#include "tests/shard/rig.h"

enum {
    STATES = 500,
    STATES_PER_WORKLOAD = 125,
    TRIES = 20,
    LIVES = 3,
    ACTIONS_OF_A_LIFE = 80,
    STATES_OF_A_LIFE = 6,
    SEQUENCE_AT = 24 /* in a checkpoint */
};

static uint64_t rng;

static uint64_t draw(void)
{
    uint64_t x = rng += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static uint64_t below(uint64_t n)
{
    return draw() % n;
}

/* ---- tally */

static struct {
    uint64_t *seen;
    size_t n_seen, cap_seen;
    size_t recut, acked, checked, made;
    size_t by_cut[IO_CUT_LAST_FIRST + 1];
    size_t workloads, checkpoints, rolls, deletes, first_boot;
    size_t trims, expirations, stops, kills, full, failed, lives, damaged;
} tally;

static bool is_new(uint64_t digest)
{
    for (size_t i = 0; i < tally.n_seen; i++)
        if (tally.seen[i] == digest)
            return false;
    if (tally.n_seen == tally.cap_seen) {
        tally.cap_seen = tally.cap_seen ? 2 * tally.cap_seen : 1024;
        tally.seen = realloc(tally.seen, tally.cap_seen * sizeof *tally.seen);
        if (!tally.seen)
            exit(2);
    }
    tally.seen[tally.n_seen++] = digest;
    return true;
}

static _Noreturn void fail(uint64_t seed, size_t upto, int cut, uint64_t cut_seed, const char *when,
                           const struct err *e)
{
    printf("FAIL seed=%llu upto=%zu cut=%d cut_seed=%llu %s: %s: %s\n", (unsigned long long)seed,
           upto, cut, (unsigned long long)cut_seed, when, err_name(e->code), e->text);
    exit(1);
}

/* ---- a workload */

struct stream { /* an idempotent producer on one partition */
    int64_t pid;
    int32_t sequence;
    struct rig_batch *last;
};

static void produce_some(struct rig *r, struct stream *streams)
{
    static const char *const names[] = {"a", "b", "c"};
    struct rig_topic *t = rig_topic(r, names[below(3)]);
    if (!t)
        return;
    int32_t partition = (int32_t)below((uint64_t)t->partitions);
    int n = 1 + (int)below(4);
    size_t size = below(8) ? below(200) : below(4000);
    if (below(2) || t->name[0] != 'a') {
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
    if (s->last && below(4) == 0) {
        rig_produce_again(r, s->last);
        return;
    }
    s->last = rig_produce(r, t, partition, n, size, s->pid, 0, s->sequence);
    s->sequence += n;
}

/* Send something from before once more, as after a lost answer. */
static void produce_old(struct rig *r)
{
    const struct rig_batch *b = r->n_batches ? r->batches[below(r->n_batches)] : NULL;
    if (b && b->produce.batch.producer_id >= 0)
        rig_produce_again(r, b);
}

static void trim_some(struct rig *r)
{
    struct rig_topic *t = rig_topic(r, below(2) ? "a" : "c");
    struct plog *log = t ? shard_partition(r->shard[1].s, &t->id, 0) : NULL;
    if (!log)
        return;
    int64_t hw = plog_high_watermark(log);
    rig_trim(r, t, 0, below(4) ? (int64_t)below((uint64_t)hw + 1) : -1);
    tally.trims++;
}

static void break_something(struct rig *r)
{
    if (below(2)) {
        io_mem_fail(r->disk, IO_MEM_ALLOCATE, 1, ENOSPC, 1 + below(3));
        tally.full++;
    } else if (below(2)) {
        io_mem_fail(r->disk, below(2) ? IO_MEM_COMMIT : IO_MEM_SYNC, 1 + below(3), EIO, 1);
        tally.failed++;
    }
}

static void restart(struct rig *r, uint64_t seed)
{
    struct err e = {.code = ERR_CHECK, .text = "the stop did not come to an end"};
    r->hold_jobs = false;
    for (int i = 0; i < IO_MEM_CALLS; i++)
        io_mem_fail(r->disk, (enum io_mem_call)i, 0, 0, 0);
    if (below(2)) {
        tally.stops++;
        if (rig_stop(r))
            fail(seed, 0, 0, 0, "stop", &e);
    } else {
        tally.kills++;
        rig_drop(r);
    }
    if (rig_open(r, &e))
        fail(seed, 0, 0, 0, "restart", &e);
}

static void act_rarely(struct rig *r, uint64_t seed)
{
    switch (below(5)) {
    case 0:
        break_something(r);
        break;
    case 1:
        restart(r, seed);
        break;
    case 2:
        trim_some(r);
        break;
    default:
        produce_old(r);
    }
    /* A shard that has failed has nothing more to say. */
    if (shard_poisoned(r->shard[0].s) || shard_poisoned(r->shard[1].s))
        restart(r, seed);
}

static void act(struct rig *r, struct stream *streams, uint64_t seed)
{
    switch (below(40)) {
    case 8:
    case 9:
    case 10:
        act_rarely(r, seed);
        break;
    case 0:
        shard_checkpoint(r->shard[1].s);
        tally.checkpoints++;
        break;
    case 1:
        shard_checkpoint(r->shard[0].s);
        break;
    case 2:
        if (rig_topic(r, "b") && rig_delete_topic(r, "b") == 0)
            tally.deletes++;
        break;
    case 3:
        if (!rig_topic(r, "b") && r->n_topics < RIG_TOPICS)
            rig_create_topic(r, "b", 2);
        break;
    case 4:
        rig_pass(r, (int64_t)below(400));
        break;
    case 5:
    case 6:
        rig_run(r);
        break;
    case 7:
        r->hold_jobs = !r->hold_jobs;
        break;
    default:
        produce_some(r, streams);
        if (below(3))
            rig_flush(r);
        if (below(3))
            rig_step(r);
    }
}

static void act_for(struct rig *r, uint64_t seed, int actions, int64_t first_pid)
{
    struct stream streams[4];
    for (int i = 0; i < 4; i++)
        streams[i] = (struct stream){.pid = first_pid + i};
    for (int i = 0; i < actions; i++)
        act(r, streams, seed);
    r->hold_jobs = false;
    rig_flush(r);
    rig_run(r);
}

/* Records grow old within the workload. */
static void set_retention(struct rig *r)
{
    r->retention_check_ms = 50 + (int64_t)below(100);
    r->settings.segment_ms = below(2) ? 200 : INT64_MAX;
    r->settings.retention_ms = below(2) ? 200 + (int64_t)below(800) : -1;
    r->settings.retention_bytes = below(2) ? 2000 + (int64_t)below(20000) : -1;
    r->settings.segment_bytes = below(2) ? 4096 : 16 * 1024;
}

/* What a life did by itself. */
static void count_deeds(const struct rig *r)
{
    struct shard_stats st;
    shard_stats(r->shard[1].s, &st);
    tally.expirations += st.expirations;
    if (st.bytes > r->segment_bytes)
        tally.rolls++;
}

static void workload(struct rig *r, uint64_t seed, int actions)
{
    struct err e = {0};
    rig_init(r, NULL);
    r->seed = seed;
    r->segment_bytes = RIG_SEGMENT << below(2);
    r->wal_max_bytes = 8 * r->segment_bytes;
    r->checkpoint_bytes = below(2) ? 2 * r->segment_bytes : 0;
    r->group_bytes = below(2) ? 32 * 1024 : 4 * 1024;
    r->group_records = below(2) ? 1 << 20 : 6;
    set_retention(r);
    if (rig_open(r, &e))
        fail(seed, 0, 0, 0, "first start", &e);
    rig_create_topic(r, "a", 4);
    rig_create_topic(r, "b", 2);
    rig_create_topic(r, "c", 1);
    act_for(r, seed, actions, 100);
    count_deeds(r);
    size_t acked = 0;
    for (size_t i = 0; i < r->n_batches; i++)
        acked += r->batches[i]->acked_at != SIZE_MAX;
    if (acked == 0) {
        printf("FAIL seed=%llu: the workload acknowledged nothing\n", (unsigned long long)seed);
        exit(1);
    }
    tally.acked += acked;
    tally.workloads++;
}

/* ---- states */

static void recover_and_check(struct rig *r, const struct rig *history, size_t upto, uint64_t seed,
                              int cut, uint64_t cut_seed, const char *when)
{
    struct err e = {0};
    size_t checked = 0;
    r->segment_bytes = history->segment_bytes;
    r->wal_max_bytes = history->wal_max_bytes;
    r->group_bytes = history->group_bytes;
    r->group_records = history->group_records;
    r->settings = history->settings;
    r->retention_check_ms = history->retention_check_ms;
    r->clock = history->clock;
    if (rig_open(r, &e))
        fail(seed, upto, cut, cut_seed, when, &e);
    if (rig_check(r, history, upto, &checked, &e))
        fail(seed, upto, cut, cut_seed, when, &e);
    tally.checked += checked;
}

/* Damage the newer of the data shard's two checkpoints: the older one has to do. */
static void damage_checkpoint(struct io_mem *disk)
{
    uint8_t *file[2];
    for (int i = 0; i < 2; i++) {
        char dir[IO_PATH_MAX], path[IO_PATH_MAX];
        size_t n = 0;
        node_wal_dir(dir, sizeof dir, RIG_DIR "/wal", 1);
        if (io_path(path, sizeof path, dir, "checkpoint.%d", i))
            return;
        file[i] = io_mem_bytes(disk, path, &n);
        if (!file[i] || n < CHECKPOINT_HEADER)
            return;
    }
    int newer = get_le64(file[1] + SEQUENCE_AT) > get_le64(file[0] + SEQUENCE_AT);
    file[newer][CHECKPOINT_HEADER - 1] ^= 1;
    tally.damaged++;
}

static void states_of(const struct rig *history, uint64_t seed, size_t want, int life);

/* What a crash left goes on, and crashes again: now terms, segments and checkpoints of two lives
 * lie beside each other. */
static void live_on(struct rig *r, const struct rig *history, uint64_t seed, size_t upto, int life)
{
    struct err e = {0};
    if (rig_inherit(r, history, upto, &e))
        fail(seed, upto, 0, 0, "second life", &e);
    r->seed = draw();
    act_for(r, seed, ACTIONS_OF_A_LIFE, 1000 * life + 100);
    count_deeds(r);
    tally.lives++;
    states_of(r, seed, STATES_OF_A_LIFE, life + 1);
}

static bool one_state(const struct rig *history, uint64_t seed, size_t upto, enum io_mem_cut cut,
                      uint64_t cut_seed, int life)
{
    struct rig r;
    struct io_mem *left = io_mem_crash(history->disk, upto, cut, cut_seed);
    tally.made++;
    if (!is_new(io_mem_digest(left))) {
        io_mem_free(left);
        return false;
    }
    tally.by_cut[cut]++;
    if (history->n_topics && upto < history->topics[0].created_at)
        tally.first_boot++;
    if (tally.n_seen % 8 == 3)
        damage_checkpoint(left);
    rig_init(&r, left);
    recover_and_check(&r, history, upto, seed, cut, cut_seed, "recovery");
    if (tally.n_seen % 10 == 0) {
        /* Chosen by the state alone, so that a seed gives the same states in every run. */
        struct rig again;
        size_t at = cut_seed % (io_mem_trace_len(r.disk) + 1);
        enum io_mem_cut cut2 = (enum io_mem_cut)(cut_seed / 7 % (IO_CUT_LAST_FIRST + 1));
        rig_init(&again, io_mem_crash(r.disk, at, cut2, cut_seed));
        recover_and_check(&again, history, upto, seed, cut, cut_seed, "recovery cut again");
        rig_release(&again);
        tally.recut++;
    }
    if (tally.n_seen % 20 == 5 && life < LIVES)
        live_on(&r, history, seed, upto, life);
    rig_release(&r);
    return true;
}

static void states_of(const struct rig *history, uint64_t seed, size_t want, int life)
{
    size_t len = io_mem_trace_len(history->disk), found = 0;
    for (size_t tries = 0; found < want && tries < want * TRIES; tries++) {
        size_t upto = below(4) ? below(len + 1)
                               : below(len / 20 + 1); /* the first start is short and delicate */
        found += one_state(history, seed, upto, (enum io_mem_cut)below(IO_CUT_LAST_FIRST + 1),
                           draw(), life);
    }
}

int main(int argc, char **argv)
{
    size_t want = argc > 1 ? strtoul(argv[1], NULL, 10) : STATES;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, seed = first;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (; tally.n_seen < want && seed < first + 4 + want / 10; seed++) {
        struct rig history;
        size_t left = want - tally.n_seen;
        rng = seed;
        workload(&history, seed, 300);
        states_of(&history, seed, left < STATES_PER_WORKLOAD ? left : STATES_PER_WORKLOAD, 1);
        rig_release(&history);
    }
    printf("power_cut: %zu distinct states of %zu made, %zu cut again in recovery, %zu "
           "acknowledged batches, %zu read back\n",
           tally.n_seen, tally.made, tally.recut, tally.acked, tally.checked);
    printf("power_cut: by kind: none %zu, all %zu, seed %zu, drop %zu, alone %zu, last first %zu; "
           "in the first start %zu\n",
           tally.by_cut[0], tally.by_cut[1], tally.by_cut[2], tally.by_cut[3], tally.by_cut[4],
           tally.by_cut[5], tally.first_boot);
    printf("power_cut: %zu workloads (seeds %llu..), %zu with rolls, %zu checkpoints asked, %zu "
           "topics deleted\n",
           tally.workloads, (unsigned long long)first, tally.rolls, tally.checkpoints,
           tally.deletes);
    printf("power_cut: %zu trims, %zu expirations, %zu stops, %zu kills, %zu full disks, %zu "
           "failed syncs, %zu damaged "
           "checkpoints, %zu states "
           "lived on\n",
           tally.trims, tally.expirations, tally.stops, tally.kills, tally.full, tally.failed,
           tally.damaged, tally.lives);
    bool enough = tally.n_seen >= want && tally.recut >= want / 10 && tally.checked &&
                  tally.checkpoints && (want < STATES || (tally.trims && tally.expirations));
    free(tally.seen);
    if (!enough)
        printf("FAIL: too few states, or nothing injected\n");
    return enough ? 0 : 1;
}
