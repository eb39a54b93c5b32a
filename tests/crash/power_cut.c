/* power_cut [STATES [SEED]] - the power fails at every kind of moment; what was acknowledged must
 * be there afterwards.
 *
 * A workload (workload.h) runs on a disk in memory that records every change and every
 * acknowledgement. Then states are made in which a power cut at some point of the trace could have
 * left a real disk (base/io_mem.h), recovery runs on each, and all partitions are read back. States
 * are counted once, by content. Every eighth is cut again somewhere in its recovery or behind it;
 * every twentieth lives on with a workload of its own, and is cut in that.
 *
 * The report says what the node was doing at the cuts (tests/shard/phases.def). The run fails if a
 * state loses, moves or doubles an acknowledged batch, if recovery refuses a state, if a workload
 * acknowledged nothing, if too few distinct states were found, or if no cut came in one of the
 * phases.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "shard/checkpoint.h"
#include "tests/crash/workload.h"

enum {
    STATES = 500,
    STATES_PER_WORKLOAD = 125,
    TRIES = 20,
    LIVES = 3,
    ACTIONS = 300,
    ACTIONS_OF_A_LIFE = 80,
    STATES_OF_A_LIFE = 6,
    RECUT = 8,       /* one state of so many */
    SEQUENCE_AT = 24 /* in a checkpoint */
};

static struct workload w = {.faults = true};

/* ---- tally */

/* Digests, by open addressing. */
struct seen {
    uint64_t *slot; /* 0: free */
    size_t n, cap;
};

static struct {
    struct seen states, recuts;
    size_t recut_again, checked, made;
    size_t by_cut[IO_CUT_KINDS], by_phase[PHASES], recut_by_phase[PHASES];
    size_t workloads, lives, damaged;
} tally;

static void put(struct seen *s, uint64_t digest)
{
    size_t i = digest & (s->cap - 1);
    while (s->slot[i] && s->slot[i] != digest)
        i = (i + 1) & (s->cap - 1);
    s->n += s->slot[i] == 0;
    s->slot[i] = digest;
}

static bool is_new(struct seen *s, uint64_t digest)
{
    size_t before = s->n;
    if (2 * s->n >= s->cap) {
        struct seen more = {.cap = s->cap ? 2 * s->cap : 1024};
        more.slot = calloc(more.cap, sizeof *more.slot);
        if (!more.slot)
            exit(2);
        for (size_t i = 0; i < s->cap; i++)
            if (s->slot[i])
                put(&more, s->slot[i]);
        free(s->slot);
        *s = more;
    }
    put(s, digest | 1);
    return s->n > before;
}

static _Noreturn void fail(uint64_t seed, size_t upto, int cut, uint64_t cut_seed, const char *when,
                           const struct err *e)
{
    printf("FAIL seed=%llu upto=%zu cut=%d cut_seed=%llu %s: %s: %s\n", (unsigned long long)seed,
           upto, cut, (unsigned long long)cut_seed, when, err_name(e->code), e->text);
    exit(1);
}

/* ---- a workload */

static void run_workload(struct rig *r, uint64_t seed)
{
    struct err e = {0};
    size_t acked = 0;
    w.rng = seed;
    rig_init(r, NULL);
    workload_configure(&w, r);
    if (rig_open(r, &e))
        fail(seed, 0, 0, 0, "first start", &e);
    workload_begin(r);
    if (workload_act(&w, r, ACTIONS, 100, &e))
        fail(seed, 0, 0, 0, "restart", &e);
    for (size_t i = 0; i < r->n_batches; i++)
        acked += r->batches[i]->acked_at != SIZE_MAX;
    if (acked == 0) {
        printf("FAIL seed=%llu: the workload acknowledged nothing\n", (unsigned long long)seed);
        exit(1);
    }
    w.acked += acked;
    tally.workloads++;
}

/* ---- states */

static void recover_and_check(struct rig *r, const struct rig *history, size_t upto, uint64_t seed,
                              int cut, uint64_t cut_seed, const char *when)
{
    struct err e = {0};
    size_t checked = 0;
    workload_resume(r, history);
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
    r->seed = workload_draw(&w);
    if (workload_act(&w, r, ACTIONS_OF_A_LIFE, 1000 * life + 100, &e))
        fail(seed, upto, 0, 0, "restart in a second life", &e);
    tally.lives++;
    states_of(r, seed, STATES_OF_A_LIFE, life + 1);
}

/* Cut the recovery that r went through, or what it did right after. By the state alone, so that a
 * seed gives the same states in every run. */
static void cut_again(const struct rig *r, const struct rig *history, size_t upto, uint64_t seed,
                      int cut, uint64_t cut_seed)
{
    struct rig again;
    size_t at = 1 + cut_seed % (io_mem_trace_len(r->disk) + 1);
    enum io_mem_cut how = (enum io_mem_cut)(cut_seed / 7 % IO_CUT_KINDS);
    struct io_mem *left = io_mem_crash(r->disk, at, how, cut_seed);
    if (!is_new(&tally.recuts, io_mem_digest(left))) {
        tally.recut_again++;
        io_mem_free(left);
        return;
    }
    tally.recut_by_phase[phases_at(r->phases, at)]++;
    rig_init(&again, left);
    recover_and_check(&again, history, upto, seed, cut, cut_seed, "recovery cut again");
    rig_release(&again);
}

static bool one_state(const struct rig *history, uint64_t seed, size_t upto, enum io_mem_cut cut,
                      uint64_t cut_seed, int life)
{
    struct rig r;
    struct io_mem *left = io_mem_crash(history->disk, upto, cut, cut_seed);
    tally.made++;
    if (!is_new(&tally.states, io_mem_digest(left))) {
        io_mem_free(left);
        return false;
    }
    tally.by_cut[cut]++;
    tally.by_phase[phases_at(history->phases, upto)]++;
    if (tally.states.n % 8 == 3)
        damage_checkpoint(left);
    rig_init(&r, left);
    recover_and_check(&r, history, upto, seed, cut, cut_seed, "recovery");
    if (cut_seed % RECUT == 0)
        cut_again(&r, history, upto, seed, cut, cut_seed / RECUT);
    if (tally.states.n % 20 == 5 && life < LIVES)
        live_on(&r, history, seed, upto, life);
    rig_release(&r);
    return true;
}

/* A position anywhere; often in the first start, which is short and delicate; and often where
 * something rare is done. */
static size_t choose(const struct rig *history)
{
    size_t len = io_mem_trace_len(history->disk);
    enum phase rare = (enum phase)workload_below(&w, PHASES);
    switch (workload_below(&w, 4)) {
    case 0:
        return (size_t)workload_below(&w, len / 20 + 1);
    case 1:
        for (int tries = 0; tries < 200; tries++) {
            size_t at = (size_t)workload_below(&w, len + 1);
            if (phases_at(history->phases, at) == rare)
                return at;
        }
        break;
    default:
        break;
    }
    return (size_t)workload_below(&w, len + 1);
}

static void states_of(const struct rig *history, uint64_t seed, size_t want, int life)
{
    size_t found = 0;
    for (size_t tries = 0; found < want && tries < want * TRIES; tries++) {
        size_t upto = choose(history);
        enum io_mem_cut cut = (enum io_mem_cut)workload_below(&w, IO_CUT_KINDS);
        found += one_state(history, seed, upto, cut, workload_draw(&w), life);
    }
}

/* ---- the report */

static void report(uint64_t first)
{
    printf(
        "power_cut: %zu distinct states of %zu made, %zu cut again during or after recovery, %zu "
        "acknowledged batches, %zu read back\n",
        tally.states.n, tally.made, tally.recuts.n, w.acked, tally.checked);
    printf("power_cut: by kind: none %zu, all %zu, seed %zu, drop %zu, alone %zu, last first %zu, "
           "sizes without data %zu, names without data %zu\n",
           tally.by_cut[0], tally.by_cut[1], tally.by_cut[2], tally.by_cut[3], tally.by_cut[4],
           tally.by_cut[5], tally.by_cut[6], tally.by_cut[7]);
    for (int i = 0; i < PHASES; i++)
        printf("power_cut: cut while %s: %zu, again %zu\n", phase_words[i], tally.by_phase[i],
               tally.recut_by_phase[i]);
    printf("power_cut: %zu workloads (seeds %llu..), %zu lives with rolls, %zu checkpoints asked, "
           "%zu topics deleted, %zu trims, %zu expirations, %zu compactions\n",
           tally.workloads, (unsigned long long)first, w.rolls, w.checkpoints, w.deletes, w.trims,
           w.expirations, w.compactions);
    printf("power_cut: %zu stops, %zu kills, %zu full disks, %zu failed syncs, %zu damaged "
           "checkpoints, %zu states lived on\n",
           w.stops, w.kills, w.full, w.failed, tally.damaged, tally.lives);
}

static bool enough(size_t want)
{
    bool all = tally.states.n >= want && tally.recuts.n >= want / 10 && tally.checked &&
               w.checkpoints && (want < STATES || (w.trims && w.expirations));
    if (!all)
        printf("FAIL: too few states, or nothing injected\n");
    for (int i = 0; want >= STATES && i < PHASES; i++) {
        if (tally.by_phase[i] == 0) {
            printf("FAIL: no cut while %s\n", phase_words[i]);
            all = false;
        }
    }
    return all;
}

int main(int argc, char **argv)
{
    size_t want = argc > 1 ? strtoul(argv[1], NULL, 10) : STATES;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, seed = first;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (; tally.states.n < want && seed < first + 4 + want / 10; seed++) {
        struct rig history;
        size_t left = want - tally.states.n;
        run_workload(&history, seed);
        states_of(&history, seed, left < STATES_PER_WORKLOAD ? left : STATES_PER_WORKLOAD, 1);
        rig_release(&history);
    }
    report(first);
    bool good = enough(want);
    free(tally.states.slot);
    free(tally.recuts.slot);
    return good ? 0 : 1;
}
