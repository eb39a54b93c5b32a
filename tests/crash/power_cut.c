/* power_cut [STATES [SEED]] - the power fails at every kind of moment; what was acknowledged must
 * be there afterwards.
 *
 * A workload runs on a disk in memory that records every change and every acknowledgement. Then
 * states are made in which a power cut at some point of the trace could have left a real disk
 * (base/io_mem.h), recovery runs on each, and all partitions are read back. States are counted
 * once, by content. Every tenth is cut again somewhere in its recovery.
 *
 * The run fails if a state loses, moves or doubles an acknowledged batch, if recovery refuses a
 * state, if a workload acknowledged nothing, or if too few distinct states were found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/shard/rig.h"

enum { STATES = 50, STATES_PER_WORKLOAD = 125, TRIES = 20 };

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
    if (s->last && below(4) == 0) {
        rig_produce_again(r, s->last);
        return;
    }
    s->last = rig_produce(r, t, partition, n, size, s->pid, 0, s->sequence);
    s->sequence += n;
}

static void act(struct rig *r, struct stream *streams)
{
    switch (below(40)) {
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
        rig_pass(r, (int64_t)below(200));
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

static void workload(struct rig *r, uint64_t seed, int actions)
{
    struct stream streams[4];
    struct err e = {0};
    struct shard_stats st;
    for (int i = 0; i < 4; i++)
        streams[i] = (struct stream){.pid = 100 + i};
    rig_init(r, NULL);
    r->seed = seed;
    r->segment_bytes = RIG_SEGMENT << below(2);
    r->wal_max_bytes = 8 * r->segment_bytes;
    r->checkpoint_bytes = below(2) ? 2 * r->segment_bytes : 0;
    if (rig_open(r, &e))
        fail(seed, 0, 0, 0, "first start", &e);
    rig_create_topic(r, "a", 4);
    rig_create_topic(r, "b", 2);
    rig_create_topic(r, "c", 1);
    for (int i = 0; i < actions; i++)
        act(r, streams);
    r->hold_jobs = false;
    rig_flush(r);
    rig_run(r);
    shard_stats(r->shard[1].s, &st);
    if (st.bytes > r->segment_bytes)
        tally.rolls++;
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
    if (rig_open(r, &e))
        fail(seed, upto, cut, cut_seed, when, &e);
    if (rig_check(r, history, upto, &checked, &e))
        fail(seed, upto, cut, cut_seed, when, &e);
    tally.checked += checked;
}

static bool one_state(const struct rig *history, uint64_t seed, size_t upto, enum io_mem_cut cut,
                      uint64_t cut_seed)
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
    rig_release(&r);
    return true;
}

static void states_of(const struct rig *history, uint64_t seed, size_t want)
{
    size_t len = io_mem_trace_len(history->disk), found = 0;
    for (size_t tries = 0; found < want && tries < want * TRIES; tries++) {
        size_t upto = below(4) ? below(len + 1)
                               : below(len / 20 + 1); /* the first start is short and delicate */
        found +=
            one_state(history, seed, upto, (enum io_mem_cut)below(IO_CUT_LAST_FIRST + 1), draw());
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
        states_of(&history, seed, left < STATES_PER_WORKLOAD ? left : STATES_PER_WORKLOAD);
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
    bool enough =
        tally.n_seen >= want && tally.recut >= want / 10 && tally.checked && tally.checkpoints;
    free(tally.seen);
    if (!enough)
        printf("FAIL: too few states, or nothing injected\n");
    return enough ? 0 : 1;
}
