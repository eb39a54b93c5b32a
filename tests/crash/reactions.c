/* reactions [STRIDE | CALL ERROR NTH TIMES LIFE] - every call that a node makes of its disk
 * fails, one after the other, and what it does then is judged. (fault_sweep looks at what is on the
 * disk afterwards, over many workloads; this looks at the node while it lives on.)
 *
 * A life on a disk in memory (first start, topics, records, rolls, trims, checkpoints, deletes, a
 * clean stop) is lived again and again; in each the n-th call of one kind fails with one error,
 * once or from then on. Two kinds of life: the first of a directory, and one that recovers what a
 * kill has left. Then the fault is over, and it is judged:
 *
 *   - after a shortage nothing is poisoned and no log failed, and records are taken again, unless
 * it was a write or a sync of the log that failed;
 *   - after anything else a poisoned shard acknowledges nothing;
 *   - whatever was refused or went wrong was told in a line that has the error's text in it, and
 *     what lasted was not told a hundred times;
 *   - after a power cut, and after a kill, all that was acknowledged is there, once.
 *
 * A run that failed prints the five numbers that make it again. STRIDE 1 lets every call fail; by
 * default every seventh does. A kind and error that injected nothing fails the run. The table at
 * the end says what was seen.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/shard/rig.h"

enum { STRIDE = 7, LINES_MAX = 40, LOG_MAX = 1 << 20 };

enum { DISK = 1, ROOM = 2, READ_ONLY = 4, FILES = 8, CHANGE = DISK | ROOM | READ_ONLY };

static const struct {
    enum io_mem_call call;
    const char *name;
    unsigned errors; /* that a system gives for it */
} calls[] = {
    {IO_MEM_OPEN, "open", CHANGE | FILES},
    {IO_MEM_READ, "read", DISK},
    {IO_MEM_WRITE, "write", CHANGE},
    {IO_MEM_SYNC, "sync", CHANGE},
    {IO_MEM_COMMIT, "write+sync", CHANGE},
    {IO_MEM_RENAME, "rename", CHANGE},
    {IO_MEM_SYNC_DIR, "sync dir", CHANGE | FILES}, /* opens it */
    {IO_MEM_TRUNCATE, "truncate", CHANGE},
    {IO_MEM_ALLOCATE, "allocate", CHANGE},
    {IO_MEM_UNLINK, "unlink", DISK | READ_ONLY},
    {IO_MEM_WRITE_BACK, "write back", DISK | ROOM},
};
static const struct {
    int number;
    unsigned kind;
} codes[] = {
    {EIO, DISK}, {ENOSPC, ROOM}, {EDQUOT, ROOM}, {EROFS, READ_ONLY}, {EMFILE, FILES},
};
enum { CALLS = sizeof calls / sizeof *calls, CODES = sizeof codes / sizeof *codes };

/* One run. */
struct fault {
    unsigned call, code;
    uint64_t nth, times; /* times 0: from then on */
    bool second;         /* the life is one that recovers */
};

struct cell {
    unsigned injected, refused, poisoned, offline, no_start;
};
static struct cell table[CALLS][CODES];
static unsigned runs, checked_all;

static int lines_fd;
static struct log lines;

static _Noreturn void fail(const struct fault *f, const char *what, const char *why)
{
    static char text[LOG_MAX];
    ssize_t n = pread(lines_fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = 0;
    printf("reactions: FAILED (%u %u %llu %llu %d): %s call %llu fails with %s%s, %s life: %s: "
           "%s\n%s",
           f->call, f->code, (unsigned long long)f->nth, (unsigned long long)f->times, f->second,
           calls[f->call].name, (unsigned long long)f->nth, err_name(-codes[f->code].number),
           f->times ? " once" : " from then on", f->second ? "second" : "first", what, why, text);
    exit(1);
}

/* ---- a life */

static void begin(struct rig *r, struct io_mem *disk)
{
    rig_init(r, disk);
    r->log = &lines;
    r->segment_bytes = RIG_SEGMENT;
    r->wal_max_bytes = 8 * RIG_SEGMENT;
    r->group_bytes = 16 * 1024;
    r->write_back_bytes = 8 * 1024;
}

static void produce(struct rig *r, const char *topic, int batches, int32_t *sequence)
{
    const struct rig_topic *t = rig_topic(r, topic);
    for (int i = 0; t && i < batches; i++) {
        int32_t p = i % t->partitions;
        rig_produce(r, t, p, 3, 700, sequence ? 7 : -1, 0, sequence && p == 0 ? *sequence : 0);
        if (sequence && p == 0)
            *sequence += 3;
        if (i % 3 == 2) {
            rig_flush(r);
            rig_run(r);
        }
    }
    rig_flush(r);
    rig_run(r);
}

static void checkpoint(struct rig *r)
{
    for (int i = 0; i < 2; i++)
        shard_checkpoint(r->shard[i].s);
    rig_run(r);
}

/* Commands may fail: then what they should have made is not there. */
static void live(struct rig *r, bool second)
{
    const char *topic = second ? "u" : "t", *late = second ? "later" : "late";
    int32_t sequence = 0;
    r->seed = second ? 1 << 20 : 1;
    (void)rig_create_topic(r, topic, 2);
    (void)rig_create_topic(r, "gone", 1);
    produce(r, topic, 12, NULL);
    produce(r, "gone", 3, NULL);
    checkpoint(r);
    produce(r, topic, 30, NULL);
    rig_pass(r, 1100);
    checkpoint(r);
    if (rig_topic(r, topic)) {
        rig_trim(r, rig_topic(r, topic), 0, -1);
        rig_flush(r);
        rig_run(r);
    }
    if (rig_topic(r, "gone"))
        (void)rig_delete_topic(r, "gone");
    (void)rig_create_topic(r, late, 1);
    produce(r, late, 6, &sequence);
    for (int i = 0; i < 4; i++)
        rig_pass(r, 1100);
    produce(r, topic, 30, NULL);
    checkpoint(r);
    produce(r, topic, 20, NULL); /* for a recovery to replay */
}

/* ---- judgement */

static unsigned count_lines(const char *with)
{
    static char text[LOG_MAX];
    ssize_t n = pread(lines_fd, text, sizeof text - 1, 0);
    unsigned found = 0;
    text[n > 0 ? n : 0] = 0;
    for (const char *at = text; (at = strstr(at, with)) != NULL; at++)
        found++;
    return found;
}

static bool any_poisoned(const struct rig *r)
{
    return shard_poisoned(r->shard[0].s) || shard_poisoned(r->shard[1].s);
}

static bool any_offline(struct rig *r)
{
    bool failed = false;
    for (unsigned i = 0; i < r->n_topics; i++) {
        for (int32_t p = 0; p < r->topics[i].partitions; p++) {
            struct plog *log = shard_partition(r->shard[1].s, &r->topics[i].id, p);
            failed |= log && plog_failed(log);
        }
    }
    return failed;
}

static unsigned refused(const struct rig *r)
{
    unsigned n = 0;
    for (size_t i = 0; i < r->n_batches; i++)
        n += r->batches[i]->produce.code != 0;
    return n;
}

/* May a failure of that call poison a shard or take a log offline? */
static bool may_break(const struct fault *f)
{
    enum io_mem_call c = calls[f->call].call;
    int code = -codes[f->code].number;
    if (!err_is_shortage(code))
        return true;
    if (c == IO_MEM_COMMIT || c == IO_MEM_SYNC || c == IO_MEM_WRITE_BACK)
        return true;
    return c == IO_MEM_SYNC_DIR && !io_sync_not_begun(code);
}

/* The fault is over: does the node behave as it should? */
static void judge(struct rig *r, const struct fault *f)
{
    bool poisoned = any_poisoned(r);
    bool offline = any_offline(r) || count_lines("partition offline"); /* its topic may be gone */
    unsigned turned_away = refused(r);
    struct cell *c = &table[f->call][f->code];
    c->poisoned += poisoned;
    c->offline += offline;
    c->refused += turned_away > 0;
    if ((poisoned || offline) && !may_break(f))
        fail(f, "a shortage broke something", poisoned ? "poisoned" : "offline");
    if ((poisoned || offline || turned_away) && !count_lines(err_str(-codes[f->code].number)))
        fail(f, "no line has the error's text", err_str(-codes[f->code].number));
    if (count_lines("\n") > LINES_MAX)
        fail(f, "too many lines", "");
    for (int i = 0; i < 3; i++)
        rig_pass(r, 1100);
    size_t before = r->n_batches;
    (void)rig_create_topic(r, "after", 1);
    produce(r, "after", 1, NULL);
    bool taken =
        r->n_batches > before && r->batches[before]->produce.code == 0 && r->batches[before]->done;
    if (taken && shard_poisoned(r->shard[1].s))
        fail(f, "a poisoned shard acknowledged", "");
    if (!taken && !poisoned && !offline)
        fail(f, "it is over, but records are not taken", "");
}

/* What is left of the disk must recover, and hold all that was acknowledged. */
static void recover(const struct io_mem *disk, const struct rig *history, const struct fault *f,
                    enum io_mem_cut cut)
{
    struct rig r;
    struct err e = {0};
    size_t upto = io_mem_trace_len(disk), checked = 0;
    struct io_mem *left = io_mem_crash(disk, upto, cut, f->nth);
    rig_init(&r, left);
    r.wal_max_bytes = history->wal_max_bytes;
    if (rig_open(&r, &e))
        fail(f, "the next start", e.text);
    if (rig_check(&r, history, SIZE_MAX - 1, &checked, &e))
        fail(f, "after the next start", e.text);
    checked_all += (unsigned)checked;
    rig_release(&r);
}

/* ---- the sweep */

/* A directory with a past: killed, so that the next start has something to do. */
static struct io_mem *past(struct rig *history)
{
    struct err e = {0};
    begin(history, NULL);
    if (rig_open(history, &e)) {
        printf("reactions: FAILED: %s\n", e.text);
        exit(1);
    }
    live(history, false);
    return io_mem_crash(history->disk, io_mem_trace_len(history->disk), IO_CUT_ALL, 0);
}

/* False: the fault was never met. */
static bool run(const struct fault *f, const struct rig *before, const struct io_mem *disk)
{
    struct rig r;
    struct err e = {0};
    if (ftruncate(lines_fd, 0) || lseek(lines_fd, 0, SEEK_SET))
        exit(1);
    begin(&r, disk ? io_mem_crash(disk, io_mem_trace_len(disk), IO_CUT_ALL, 0) : NULL);
    io_mem_fail(r.disk, calls[f->call].call, f->nth, codes[f->code].number, f->times);
    int rc = rig_open(&r, &e);
    if (rc == 0 && disk)
        rig_adopt(&r, before);
    if (rc == 0)
        live(&r, f->second);
    bool met = io_mem_faults(r.disk) > 0;
    io_mem_fail(r.disk, calls[f->call].call, 0, 0, 0);
    struct cell *c = &table[f->call][f->code];
    c->injected += met;
    if (rc && !met)
        fail(f, "no start without a fault", e.text);
    if (rc) {
        c->no_start++;
        if (!strstr(e.text, err_str(-codes[f->code].number)))
            fail(f, "the refusal does not say why", e.text);
    } else if (met) {
        judge(&r, f);
    }
    if (met) {
        static const enum io_mem_cut cuts[] = {IO_CUT_ALL, IO_CUT_NONE, IO_CUT_SEED};
        for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
            recover(r.disk, rc && disk ? before : &r, f, cuts[i]);
    }
    rig_release(&r);
    runs += met;
    return met;
}

static void sweep(struct fault f, uint64_t stride, const struct rig *before,
                  const struct io_mem *disk)
{
    f.second = disk != NULL;
    for (f.nth = 1; run(&f, before, disk); f.nth += stride)
        continue;
}

static bool show(void)
{
    bool whole = true;
    printf("%-11s %-7s %8s %8s %8s %8s %8s\n", "call", "error", "injected", "refused", "poisoned",
           "offline", "no start");
    for (unsigned i = 0; i < CALLS; i++) {
        for (unsigned k = 0; k < CODES; k++) {
            const struct cell *c = &table[i][k];
            if (!(calls[i].errors & codes[k].kind))
                continue;
            printf("%-11s %-7s %8u %8u %8u %8u %8u\n", calls[i].name, err_name(-codes[k].number),
                   c->injected, c->refused, c->poisoned, c->offline, c->no_start);
            whole &= c->injected > 0;
        }
    }
    printf("reactions: %u faults, %u acknowledged batches read back after them\n", runs,
           checked_all);
    if (!whole)
        printf("reactions: FAILED: a row without a fault tests nothing\n");
    return whole && checked_all > 0;
}

int main(int argc, char **argv)
{
    uint64_t stride = argc > 1 ? strtoull(argv[1], NULL, 10) : STRIDE;
    struct rig before;
    lines_fd = memfd_create("lines", 0);
    if (stride == 0 || lines_fd < 0)
        return 2;
    log_init(&lines, lines_fd, LOG_INFO, clock_system());
    struct io_mem *disk = past(&before);
    if (argc == 6) {
        struct fault f = {.call = (unsigned)atoi(argv[1]) % CALLS,
                          .code = (unsigned)atoi(argv[2]) % CODES,
                          .nth = strtoull(argv[3], NULL, 10),
                          .times = strtoull(argv[4], NULL, 10),
                          .second = atoi(argv[5])};
        return run(&f, &before, f.second ? disk : NULL) ? 0 : 1;
    }
    for (unsigned i = 0; i < CALLS * CODES * 2; i++) {
        struct fault f = {.call = i / 2 / CODES, .code = i / 2 % CODES, .times = i % 2};
        if (!(calls[f.call].errors & codes[f.code].kind))
            continue;
        sweep(f, stride, NULL, NULL);
        sweep(f, stride, &before, disk);
    }
    rig_release(&before);
    io_mem_free(disk);
    return show() ? 0 : 1;
}
