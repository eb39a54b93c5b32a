/* A compaction that is killed, or loses power, at any point: the next start has the segments of
 * before or those of after, each group of them as a whole, and so has a start that dies in its
 * turn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plog/index_file.h"
#include "plog/swap.h"
#include "tests/unit/plog/compact_kit.h"

enum { DIGESTS_MAX = 65536, SEGMENTS_MAX = 64 };

static struct kit k;
static struct plog_mark mark;
static struct kit_record *before, *after;
static size_t n_before, n_after;
static int64_t groups[SEGMENTS_MAX]; /* where the segments of after begin */
static size_t n_groups;
static size_t states, swapping, mixed, after_kill;

static uint64_t seen[DIGESTS_MAX];

static bool is_new(const struct io_mem *disk)
{
    uint64_t d = io_mem_digest(disk);
    for (size_t i = d % DIGESTS_MAX;; i = (i + 1) % DIGESTS_MAX) {
        if (seen[i] == d)
            return false;
        if (seen[i] == 0) {
            seen[i] = d;
            states++;
            return true;
        }
    }
}

/* The records of [from, to) among n, as a run. */
static size_t run_of(const struct kit_record *all, size_t n, int64_t from, int64_t to,
                     const struct kit_record **run)
{
    size_t i = 0, j;
    while (i < n && all[i].offset < from)
        i++;
    for (j = i; j < n && all[j].offset < to;)
        j++;
    *run = all + i;
    return j - i;
}

static bool same_run(const struct kit_record *a, size_t n, const struct kit_record *b, size_t m)
{
    return n == m && memcmp(a, b, n * sizeof *a) == 0;
}

/* A segment that is in force has the file that its batches are checked by. */
static void check_sums(struct io *io, int64_t base, int64_t end)
{
    char path[IO_PATH_MAX];
    struct plog_check check;
    struct io_stat st;
    struct err e;
    snprintf(path, sizeof path, "/t-0/%020lld.log", (long long)base);
    ck_assert_ok(io_stat(io, path, &st));
    int rc = plog_check_load(io, path, NULL, &check, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_int_eq(check.id.base, base);
    ck_assert_uint_eq(check.bytes, st.size);
    ck_assert_int_eq(check.end, end);
}

/* Each group as before or as after. The number of groups as after. */
static size_t check_groups(struct io *io, const struct kit_record *is, size_t n)
{
    size_t new = 0;
    for (size_t g = 0; g < n_groups; g++) {
        const struct kit_record *a, *b, *c;
        int64_t to = g + 1 < n_groups ? groups[g + 1] : INT64_MAX;
        size_t na = run_of(is, n, groups[g], to, &a);
        size_t nb = run_of(before, n_before, groups[g], to, &b);
        size_t nc = run_of(after, n_after, groups[g], to, &c);
        bool is_after = same_run(a, na, c, nc);
        ck_assert_msg(is_after || same_run(a, na, b, nb), "the segment at offset %lld is a mix",
                      (long long)groups[g]);
        is_after &= !same_run(b, nb, c, nc);
        if (is_after)
            check_sums(io, groups[g], g + 1 < n_groups ? to : mark.segment);
        new += is_after;
    }
    return new;
}

/* Is a compaction under way, by the names in the directory? */
static bool is_swapping(struct io *io)
{
    char **names;
    size_t n, found = 0;
    ck_assert_ok(io_names(io, "/t-0", &names, &n));
    for (size_t i = 0; i < n; i++)
        found += plog_swap_name(names[i]);
    io_names_free(names, n);
    return found > 0;
}

/* What a start makes of the disk. */
static void check_start(struct io_mem *disk)
{
    struct fixture f = k.f;
    struct err e;
    size_t n;
    f.io = f.cfg.io = io_mem_io(disk);
    f.log = NULL;
    int rc = fixture_try_reopen(&f, &mark, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    plog_set_high_watermark(f.log, plog_log_end(f.log));
    ck_assert(!is_swapping(f.io));
    struct kit_record *is = kit_read(&k, f.log, &n);
    size_t new = check_groups(f.io, is, n);
    mixed += new > 0 && new < n_groups;
    free(is);

    /* And the next compaction brings it to where the first one would have. */
    struct kit again = k;
    again.f = f;
    ck_assert_ok(plog_set_floor(f.log, mark.segment, NULL));
    kit_compact(&again);
    is = kit_read(&again, f.log, &n);
    ck_assert(same_run(is, n, after, n_after));
    free(is);
    plog_free(f.log);
}

/* A start that dies: every state it could leave behind. */
static void check_dying_start(const struct io_mem *disk)
{
    struct io_mem *first = io_mem_crash(disk, 0, IO_CUT_ALL, 0);
    struct fixture f = k.f;
    struct err e;
    f.io = f.cfg.io = io_mem_io(first);
    f.log = NULL;
    int rc = fixture_try_reopen(&f, &mark, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    plog_free(f.log);
    for (size_t upto = 0; upto <= io_mem_trace_len(first); upto++) {
        for (uint64_t seed = 0; seed < 4; seed++) {
            struct io_mem *second =
                io_mem_crash(first, upto, seed ? IO_CUT_SEED : IO_CUT_NONE, seed * 77 + upto);
            if (is_new(second))
                check_start(second);
            io_mem_free(second);
        }
    }
    io_mem_free(first);
}

static const enum io_mem_cut cuts[] = {IO_CUT_NONE,       IO_CUT_SEED,  IO_CUT_DROP, IO_CUT_ALONE,
                                       IO_CUT_LAST_FIRST, IO_CUT_SIZES, IO_CUT_NAMES};

/* A start after a kill: what was not synced by then is not either by being found there. Power is
 * cut anywhere in that start. */
static void check_start_after_kill(size_t upto)
{
    struct io_mem *killed = io_mem_kill(k.f.mem, upto);
    ck_assert_ptr_nonnull(killed);
    if (!is_swapping(io_mem_io(killed))) {
        io_mem_free(killed);
        return;
    }
    struct fixture f = k.f;
    struct err e;
    f.io = f.cfg.io = io_mem_io(killed);
    f.log = NULL;
    int rc = fixture_try_reopen(&f, &mark, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    plog_free(f.log);
    for (size_t at = upto + 1; at <= io_mem_trace_len(killed); at++) {
        for (size_t i = 0; i < sizeof cuts / sizeof *cuts * 3; i++) {
            struct io_mem *cut = io_mem_crash(killed, at, cuts[i / 3], i % 3 * 77 + at);
            if (is_new(cut)) {
                after_kill++;
                check_start(cut);
            }
            io_mem_free(cut);
        }
    }
    io_mem_free(killed);
}

static void check_state(size_t upto, enum io_mem_cut cut, uint64_t seed)
{
    struct io_mem *disk = io_mem_crash(k.f.mem, upto, cut, seed);
    if (is_new(disk)) {
        if (is_swapping(io_mem_io(disk)) && swapping++ % 3 == 0)
            check_dying_start(disk);
        check_start(disk);
    }
    io_mem_free(disk);
}

/* All there is, index files too, which nobody else syncs: so what is stale stays there. */
static void make_durable(void)
{
    struct io_file *f;
    ck_assert_ok(io_open(k.f.io, "/t-0/partition.metadata", IO_READ, &f));
    ck_assert_ok(io_sync_fs(f));
    io_close(f);
}

static void fill(uint32_t seed, uint64_t segment_bytes)
{
    kit_init(&k);
    k.n_keys = segment_bytes > 10000 ? 20 : 60;
    k.f.random = seed;
    k.f.cfg.settings.segment_bytes = segment_bytes;
    k.rules.delete_retention_ms = 1000000;
    fixture_open_new(&k.f);
    for (int i = 0; i < 3; i++) {
        kit_fill(&k, 8);
        kit_seal(&k);
    }
    make_durable();
    plog_mark(k.f.log, &mark);
}

static void cut_everywhere(uint32_t seed, uint64_t segment_bytes)
{
    fill(seed, segment_bytes);
    before = kit_read(&k, k.f.log, &n_before);
    size_t from = io_mem_trace_len(k.f.mem);
    kit_compact(&k);
    size_t to = io_mem_trace_len(k.f.mem);
    after = kit_read(&k, k.f.log, &n_after);
    ck_assert_uint_lt(n_after, n_before);
    n_groups = fixture_segments(&k.f, groups, SEGMENTS_MAX);
    for (size_t upto = from; upto <= to; upto++) {
        check_start_after_kill(upto);
        check_state(upto, IO_CUT_NONE, 0);
        check_state(upto, IO_CUT_ALL, 0);
        check_state(upto, IO_CUT_LAST_FIRST, upto);
        size_t unsynced = io_mem_unsynced(k.f.mem, upto);
        for (size_t i = 0; i < unsynced && i < 8; i++) {
            check_state(upto, IO_CUT_DROP, i);
            check_state(upto, IO_CUT_ALONE, i);
        }
        for (uint64_t i = 0; i < (unsynced > 4 ? 24 : 3);
             i++) /* many names at once: many mixtures */
            check_state(upto, IO_CUT_SEED, seed * 1000 + upto * 10 + i);
    }
    free(before);
    free(after);
    kit_release(&k);
    memset(seen, 0, sizeof seen);
}

/* All become one segment: the log is the old one or the new one. */
START_TEST(one_exchange)
{
    cut_everywhere(1, 20000);
    ck_assert_uint_gt(states, 200);
    ck_assert_uint_gt(swapping, 50);
    ck_assert_uint_gt(after_kill, 50);
    ck_assert_uint_eq(mixed, 0);
}
END_TEST

START_TEST(several_exchanges)
{
    cut_everywhere(3, 1000);
    ck_assert_uint_gt(states, 200);
    ck_assert_uint_gt(mixed, 0); /* some are through, others not */
}
END_TEST

/* A start from an older mark has the same segments below. */
START_TEST(the_older_checkpoint_finds_them_too)
{
    struct plog_mark newer;
    fill(4, 1000);
    before = kit_read(&k, k.f.log, &n_before);
    kit_fill(&k, 40);
    fixture_sync(&k.f, false);
    plog_mark(k.f.log, &newer);
    kit_compact(&k);
    n_groups = fixture_segments(&k.f, groups, SEGMENTS_MAX);
    size_t n;
    fixture_reopen(&k.f, &mark);
    after = kit_read(&k, k.f.log, &n_after);
    ck_assert_uint_lt(n_after, n_before);
    ck_assert_int_eq(plog_log_end(k.f.log), mark.log_end);
    size_t kept = k.n;
    k.n = n_before;
    kit_check(&k, mark.segment, 0);
    k.n = kept;
    struct kit_record *is = kit_read(&k, k.f.log, &n);
    ck_assert_uint_eq(n, n_after);
    free(is);
    free(before);
    free(after);
    kit_release(&k);
}
END_TEST

UNIT_MAIN(one_exchange, several_exchanges, the_older_checkpoint_finds_them_too)
