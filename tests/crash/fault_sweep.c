/* fault_sweep [STRIDE [WORKLOADS [SEED]]] - every call that changes the disk fails once, and for
 * ever.
 *
 * A workload (workload.h) runs again and again, always the same; each time the n-th call of one
 * kind fails with one error, once or from then on, until there is no n-th call. A failed write or
 * commit leaves half of its bytes behind: that is the short write too. Then the disk is well again,
 * the node starts on what a kill and what a power cut leaves, and all that was acknowledged has to
 * be there: so nothing was acknowledged that a failure may have taken.
 *
 * And the process dies behind every single change: a kill at each call.
 *
 * With a STRIDE above 1 only every so manieth n is tried. A kind of call that was never failed
 * fails the run, and so does a phase (tests/shard/phases.def) in which nothing was; as the rare
 * ones may fall between two strides, further workloads follow then, up to as many again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/crash/workload.h"

enum { ACTIONS = 120, STRIDE = 131, WORKLOADS = 5 };

static const struct {
    enum io_mem_call call;
    const char *name;
} calls[] = {
    {IO_MEM_WRITE, "write"},       {IO_MEM_COMMIT, "commit"},         {IO_MEM_SYNC, "sync"},
    {IO_MEM_SYNC_DIR, "sync_dir"}, {IO_MEM_RENAME, "rename"},         {IO_MEM_TRUNCATE, "truncate"},
    {IO_MEM_UNLINK, "unlink"},     {IO_MEM_ALLOCATE, "allocate"},     {IO_MEM_OPEN, "open"},
    {IO_MEM_READ, "read"},         {IO_MEM_WRITE_BACK, "write back"},
};
enum { CALLS = sizeof calls / sizeof *calls };
static const int errors[] = {EIO, ENOSPC};
static const uint64_t times[] = {1, 0}; /* once; for ever */

static uint64_t seed = 1;
static size_t runs, kills, checked, refused, by_call[CALLS], by_phase[PHASES];

struct injection {
    size_t call; /* of calls; CALLS: none */
    uint64_t nth, times;
    int errnum;
};

static _Noreturn void fail(const struct injection *in, const char *when, const struct err *e)
{
    printf("FAIL seed=%llu %s %llu errno=%d times=%llu %s: %s: %s\n", (unsigned long long)seed,
           in->call < CALLS ? calls[in->call].name : "kill", (unsigned long long)in->nth,
           in->errnum, (unsigned long long)in->times, when, err_name(e->code), e->text);
    exit(1);
}

static void heal(struct rig *r)
{
    for (size_t i = 0; i < CALLS; i++)
        io_mem_fail(r->disk, calls[i].call, 0, 0, 0);
}

/* The node starts on what is left, and serves what it acknowledged. */
static void check_state(const struct injection *in, const struct rig *history, size_t upto,
                        enum io_mem_cut cut, const char *when)
{
    struct rig r;
    struct err e = {0};
    size_t n = 0;
    rig_init(&r, io_mem_crash(history->disk, upto, cut, 0));
    workload_resume(&r, history);
    if (rig_open(&r, &e) || rig_check(&r, history, upto, &n, &e))
        fail(in, when, &e);
    checked += n;
    rig_release(&r);
}

/* A start may fail as long as the fault lasts; what it leaves must not keep the next one. */
static void open_at_last(const struct injection *in, struct rig *r)
{
    struct err e = {0};
    refused++;
    heal(r);
    rig_drop(r);
    if (rig_open(r, &e))
        fail(in, "a start when the fault was over", &e);
}

static void run(const struct injection *in, struct rig *r)
{
    struct workload w = {.rng = seed};
    struct err e = {0};
    rig_init(r, NULL);
    workload_configure(&w, r);
    if (in->call < CALLS)
        io_mem_fail(r->disk, calls[in->call].call, in->nth, in->errnum, in->times);
    if (rig_open(r, &e))
        open_at_last(in, r);
    workload_begin(r);
    if (workload_act(&w, r, ACTIONS, 100, &e))
        open_at_last(in, r);
    heal(r);
    runs++;
}

/* False: there is no such call. */
static bool inject(size_t call, uint64_t nth, int errnum, uint64_t forever)
{
    struct injection in = {call, nth, forever, errnum};
    struct rig r;
    run(&in, &r);
    bool fired = io_mem_faults(r.disk) > 0;
    size_t len = io_mem_trace_len(r.disk);
    by_call[call] += fired;
    for (int i = 0; i < PHASES; i++)
        by_phase[i] += r.phases->faults[i] > 0;
    rig_drop(&r);
    check_state(&in, &r, len, IO_CUT_ALL, "a kill after it");
    check_state(&in, &r, len, IO_CUT_NONE, "a power cut after it");
    rig_release(&r);
    return fired;
}

static void sweep(size_t call, uint64_t stride)
{
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++)
        for (size_t t = 0; t < sizeof times / sizeof *times; t++) {
            uint64_t nth = 1 + (e + 2 * t) * stride / 4; /* strides that do not meet */
            while (inject(call, nth, errors[e], times[t]))
                nth += stride;
        }
}

/* A kill behind every change; none behind a call that changes nothing would differ from it. */
static void sweep_kills(uint64_t stride)
{
    struct injection in = {.call = CALLS};
    struct rig r;
    run(&in, &r);
    for (size_t upto = 0; upto <= io_mem_trace_len(r.disk); upto += stride) {
        in.nth = upto;
        check_state(&in, &r, upto, IO_CUT_ALL, "killed there");
        kills++;
    }
    rig_release(&r);
}

static bool is_complete(void)
{
    bool all = kills && checked;
    for (size_t i = 0; i < CALLS; i++)
        all = all && by_call[i];
    for (int i = 0; i < PHASES; i++)
        all = all && by_phase[i];
    return all;
}

static void report(void)
{
    printf("fault_sweep: %zu runs, %zu kills, %zu starts refused while a fault lasted, %zu "
           "acknowledged batches read back\n",
           runs, kills, refused, checked);
    for (size_t i = 0; i < CALLS; i++)
        printf("fault_sweep: %s failed in %zu runs\n", calls[i].name, by_call[i]);
    for (int i = 0; i < PHASES; i++)
        printf("fault_sweep: %zu runs with a call failing while %s\n", by_phase[i], phase_words[i]);
    if (!is_complete())
        printf("FAIL: something was never failed\n");
}

int main(int argc, char **argv)
{
    uint64_t stride = argc > 1 ? strtoull(argv[1], NULL, 10) : STRIDE;
    uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : WORKLOADS;
    uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (seed = first; seed < first + n || (seed < first + 2 * n && !is_complete()); seed++) {
        for (size_t i = 0; i < CALLS; i++)
            sweep(i, stride ? stride : 1);
        sweep_kills(stride ? stride : 1);
    }
    report();
    return is_complete() ? 0 : 1;
}
