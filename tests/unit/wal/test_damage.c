/* Damage of every kind to every place: what was durable is reported as corruption with file and
 * byte, what was not is a torn tail, and nothing that was not written is ever read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "tests/unit/wal/fixture.h"
#include "wal/group.h"

static struct fixture f;

enum { MAX_GROUPS = 256 };
static struct wal_pos places[MAX_GROUPS]; /* of all groups, and the end */
static size_t n_places;

static const char *path_of(uint64_t id)
{
    static char path[IO_PATH_MAX];
    ck_assert_ok(wal_segment_path(path, sizeof path, LOG_DIR, id));
    return path;
}

static uint8_t *bytes_of(struct io_mem *m, uint64_t id)
{
    size_t n;
    uint8_t *p = io_mem_bytes(m, path_of(id), &n);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(n, LOG_SEGMENT);
    return p;
}

static void find_places(void)
{
    struct wal_reader_config cfg = {.io = f.io, .path = LOG_DIR};
    struct wal_reader *r;
    struct wal_group g;
    struct wal_end end;
    ck_assert_ok(wal_reader_open(&r, &cfg, NULL));
    for (n_places = 0; wal_reader_next(r, &g, NULL) == 1;) {
        ck_assert_uint_lt(n_places, MAX_GROUPS - 1);
        places[n_places++] = g.pos;
    }
    wal_reader_end(r, &end);
    places[n_places] = end.pos;
    wal_reader_free(r);
}

/* The group that a byte belongs to; NULL if to none. */
static const struct wal_pos *group_at(struct wal_pos at)
{
    for (size_t i = 0; i < n_places; i++) {
        bool last_here = places[i + 1].segment != places[i].segment;
        uint64_t end = last_here ? places[i].offset + WAL_BLOCK : places[i + 1].offset;
        if (places[i].segment == at.segment && at.offset >= places[i].offset && at.offset < end)
            return &places[i];
    }
    return NULL;
}

/* A log over two segments whose last group is a MARK, so all but that is known durable. */
static void small_log(void)
{
    static const size_t sizes[] = {10, 4000, 9000, 0, 17000, 100};
    fixture_begin(&f, LOG_SEGMENT, 0);
    for (size_t i = 0; wal_writer_segment(f.w) < 2; i++)
        ck_assert_ok(fixture_append(&f, sizes[i % 6]));
    ck_assert_ok(fixture_append(&f, 5000));
    ck_assert_ok(fixture_append(&f, 20));
    ck_assert_ok(fixture_mark(&f));
    find_places();
}

static void check_flip(struct wal_pos at, struct wal_pos durable, uint64_t last)
{
    struct found_log log = fixture_read(f.io, NULL);
    const struct wal_pos *g = group_at(at);
    if (at.offset >= WAL_BLOCK && !g) { /* no part of the log */
        ck_assert_int_eq(log.rc, 0);
        ck_assert_uint_eq(log.last, last);
    } else if (!g || wal_pos_cmp(*g, durable) < 0) {
        struct wal_pos want = g ? *g : (struct wal_pos){at.segment, 0};
        ck_assert_msg(log.rc == ERR_CORRUPT, "flip at %llu:%llu: %d, last %llu",
                      (unsigned long long)at.segment, (unsigned long long)at.offset, log.rc,
                      (unsigned long long)log.last);
        ck_assert_msg(wal_pos_cmp(log.fault.pos, want) == 0, "flip at %llu:%llu: blamed %llu:%llu",
                      (unsigned long long)at.segment, (unsigned long long)at.offset,
                      (unsigned long long)log.fault.pos.segment,
                      (unsigned long long)log.fault.pos.offset);
        ck_assert_str_eq(log.fault.file, path_of(want.segment));
        ck_assert_int_eq(strncmp(log.e.text, log.fault.file, strlen(log.fault.file)), 0);
    } else { /* not known durable: the log ends before it */
        ck_assert_int_eq(log.rc, 0);
        ck_assert_int_eq(wal_pos_cmp(log.end.pos, *g), 0);
        ck_assert_uint_eq(log.last, last);
    }
}

START_TEST(every_flipped_byte_is_seen)
{
    small_log();
    struct wal_pos durable = places[n_places - 1];
    size_t checked = 0;
    for (uint64_t id = 1; id <= 2; id++) {
        uint8_t *p = bytes_of(f.mem, id);
        for (size_t i = 0; i < LOG_SEGMENT; i++) {
            struct wal_pos at = {id, i};
            if (i >= WAL_BLOCK && !group_at(at) && i % 509 != 0)
                continue; /* behind the log a sample will do */
            uint8_t bit = (uint8_t)(1 << (i % 8));
            p[i] ^= bit;
            check_flip(at, durable, f.appended);
            p[i] ^= bit;
            checked++;
        }
    }
    ck_assert_uint_gt(checked, LOG_SEGMENT);
    struct found_log log = fixture_read(f.io, NULL);
    ck_assert_int_eq(log.rc, 0);
    ck_assert_uint_eq(log.last, f.appended);
    fixture_end(&f);
}
END_TEST

/* Zeroed and misplaced blocks: a write that went elsewhere leaves right checksums at a wrong place.
 */
START_TEST(every_lost_or_misplaced_block_is_seen)
{
    small_log();
    struct wal_pos durable = places[n_places - 1];
    uint8_t saved[WAL_BLOCK];
    for (size_t i = 0; i + 1 < n_places; i++) {
        uint8_t *p = bytes_of(f.mem, places[i].segment) + places[i].offset;
        memcpy(saved, p, WAL_BLOCK);
        for (size_t j = 0; j <= n_places; j++) {
            if (j == i)
                continue;
            if (j == n_places)
                memset(p, 0, WAL_BLOCK);
            else
                memcpy(p, bytes_of(f.mem, places[j].segment) + places[j].offset, WAL_BLOCK);
            check_flip(places[i], durable, f.appended);
        }
        memcpy(p, saved, WAL_BLOCK);
    }
    fixture_end(&f);
}
END_TEST

START_TEST(mark_makes_the_last_group_known_durable)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    ck_assert_ok(fixture_append(&f, 10));
    ck_assert_ok(fixture_append(&f, 10));
    uint64_t at = wal_writer_end(f.w).offset - WAL_BLOCK;
    uint8_t *p = bytes_of(f.mem, 1);
    p[at + 100] ^= 1;
    struct found_log log = fixture_read(f.io, NULL);
    ck_assert_int_eq(log.rc, 0);
    ck_assert_uint_eq(log.last, 1);
    ck_assert(log.end.torn);
    ck_assert_uint_eq(log.end.torn_bytes, WAL_BLOCK);
    p[at + 100] ^= 1;
    ck_assert_ok(fixture_mark(&f));
    p = bytes_of(f.mem, 1);
    p[at + 100] ^= 1;
    log = fixture_read(f.io, NULL);
    ck_assert_int_eq(log.rc, ERR_CORRUPT);
    ck_assert_uint_eq(log.fault.pos.offset, at);
    fixture_end(&f);
}
END_TEST

START_TEST(open_of_a_first_segment_counts_once_stated)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    uint8_t *p = bytes_of(f.mem, 1);
    p[WAL_BLOCK + 90] ^= 1;
    struct found_log log = fixture_read(f.io, NULL);
    ck_assert_int_eq(log.rc, 0);
    ck_assert_uint_eq(log.groups, 0);
    ck_assert_uint_eq(log.end.pos.segment, 0);
    ck_assert_uint_eq(log.end.last_segment, 1);
    p[WAL_BLOCK + 90] ^= 1;
    ck_assert_ok(fixture_mark(&f));
    p = bytes_of(f.mem, 1);
    p[WAL_BLOCK + 90] ^= 1;
    log = fixture_read(f.io, NULL);
    ck_assert_int_eq(log.rc, ERR_CORRUPT);
    ck_assert_uint_eq(log.fault.pos.offset, WAL_BLOCK);
    fixture_end(&f);
}
END_TEST

START_TEST(checkpoint_knows_what_was_durable)
{
    small_log();
    struct wal_pos end = wal_writer_synced(f.w), mark = places[n_places - 1];
    bytes_of(f.mem, 2)[mark.offset + 20] ^= 1;
    struct wal_reader_config cfg = {.synced = end};
    struct found_log log = fixture_read(f.io, &cfg);
    ck_assert_int_eq(log.rc, ERR_CORRUPT);
    ck_assert_int_eq(wal_pos_cmp(log.fault.pos, mark), 0);
    cfg.synced = mark;
    log = fixture_read(f.io, &cfg);
    ck_assert_int_eq(log.rc, 0);
    cfg.synced = (struct wal_pos){3, WAL_BLOCK};
    log = fixture_read(f.io, &cfg);
    ck_assert_int_eq(log.rc, ERR_CORRUPT);
    ck_assert_uint_eq(log.fault.pos.segment, 3);
    fixture_end(&f);
}
END_TEST

/* ---- a log whose writer stopped, as a checkpoint says */

static uint64_t reads_of(const struct wal_reader_config *cfg, struct found_log *log)
{
    uint64_t before = io_mem_calls(f.mem, IO_MEM_READ);
    *log = fixture_read(f.io, cfg);
    return io_mem_calls(f.mem, IO_MEM_READ) - before;
}

START_TEST(a_closed_log_is_read_to_its_end_only)
{
    small_log();
    ck_assert_ok(fixture_prepare(&f));
    struct wal_pos end = wal_writer_synced(f.w);
    struct wal_reader_config cfg = {.from = end, .synced = end};
    struct found_log log, closed;
    uint64_t whole = reads_of(&cfg, &log);
    cfg.closed = true;
    uint64_t bounded = reads_of(&cfg, &closed);
    ck_assert_ok(log.rc);
    ck_assert_ok(closed.rc);
    ck_assert_int_eq(wal_pos_cmp(closed.end.pos, log.end.pos), 0);
    ck_assert_uint_eq(closed.end.last_segment, log.end.last_segment);
    ck_assert(!closed.end.torn);
    /* The header and the first group of the last segment and of the spare one, the header again,
     * and the block at the end. */
    ck_assert_uint_le(bounded, 6);
    ck_assert_uint_gt(whole, bounded + 1);
    fixture_end(&f);
}
END_TEST

/* Whatever a checkpoint said: a later start opened a segment, or somebody wrote on. */
START_TEST(a_log_that_went_on_was_not_closed)
{
    small_log();
    struct wal_pos end = wal_writer_synced(f.w);
    struct wal_reader_config cfg = {.synced = end, .closed = true};
    fixture_stop(&f);
    uint64_t entries = f.appended;
    fixture_recover(&f, f.mem, LOG_SEGMENT);
    ck_assert_ok(fixture_append(&f, 10));
    struct wal_pos second = wal_writer_synced(f.w);
    ck_assert_ok(fixture_append(&f, 10));
    struct found_log log = fixture_read(f.io, &cfg);
    ck_assert_ok(log.rc);
    ck_assert_uint_eq(log.last, entries + 2);
    bytes_of(f.mem, second.segment)[second.offset - WAL_BLOCK] ^= 1;
    log = fixture_read(f.io, &cfg);
    ck_assert_int_eq(log.rc, ERR_CORRUPT);
    fixture_end(&f);
}
END_TEST

START_TEST(damage_of_a_closed_log_is_seen)
{
    small_log();
    struct wal_reader_config cfg = {.synced = wal_writer_synced(f.w), .closed = true};
    for (size_t i = 0; i < n_places; i++) {
        bytes_of(f.mem, places[i].segment)[places[i].offset + 20] ^= 1;
        struct found_log log = fixture_read(f.io, &cfg);
        ck_assert_int_eq(log.rc, ERR_CORRUPT);
        ck_assert_int_eq(wal_pos_cmp(log.fault.pos, places[i]), 0);
        bytes_of(f.mem, places[i].segment)[places[i].offset + 20] ^= 1;
    }
    fixture_end(&f);
}
END_TEST

START_TEST(every_truncation_is_seen)
{
    small_log();
    struct io_file *file;
    for (uint64_t n = 0; n < LOG_SEGMENT; n += n < 2 * WAL_BLOCK ? 1 : 331) {
        struct io_mem *m = io_mem_crash(f.mem, io_mem_trace_len(f.mem), IO_CUT_ALL, 0);
        ck_assert_ok(io_open(io_mem_io(m), path_of(1 + n % 2), IO_WRITE, &file));
        ck_assert_ok(io_truncate(file, n));
        io_close(file);
        struct found_log log = fixture_read(io_mem_io(m), NULL);
        ck_assert_int_eq(log.rc, ERR_CORRUPT);
        ck_assert_uint_eq(log.fault.pos.segment, 1 + n % 2);
        io_mem_free(m);
    }
    ck_assert_ok(io_open(f.io, path_of(2), IO_WRITE, &file)); /* and so is a longer file */
    ck_assert_ok(io_truncate(file, LOG_SEGMENT + 1));
    io_close(file);
    ck_assert_int_eq(fixture_read(f.io, NULL).rc, ERR_CORRUPT);
    fixture_end(&f);
}
END_TEST

START_TEST(missing_segments_are_seen)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    while (wal_writer_segment(f.w) < 5)
        ck_assert_ok(fixture_append(&f, 9000));
    for (uint64_t gone = 1; gone <= 5; gone++) {
        struct io_mem *m = io_mem_crash(f.mem, io_mem_trace_len(f.mem), IO_CUT_ALL, 0);
        ck_assert_ok(io_unlink(io_mem_io(m), path_of(gone)));
        struct found_log log = fixture_read(io_mem_io(m), NULL);
        if (gone == 1) { /* older ones were recycled: nothing odd about it */
            ck_assert_int_eq(log.rc, 0);
            ck_assert_uint_eq(log.last, f.appended);
        } else {
            ck_assert_int_eq(log.rc, ERR_CORRUPT);
            ck_assert_uint_eq(log.fault.pos.segment, gone);
            ck_assert_str_eq(log.fault.file, path_of(gone));
        }
        log = fixture_read(io_mem_io(m), &(struct wal_reader_config){.from = {1, 0}});
        ck_assert_int_eq(log.rc, ERR_CORRUPT);
        io_mem_free(m);
    }
    fixture_end(&f);
}
END_TEST

/* ---- power cuts */

/* What a crash may have left of the last write: everything before it, then a prefix of its entries;
 * and recovery goes on from there. Takes m over. */
static void check_crash(struct io_mem *m, uint64_t durable, uint64_t at_most)
{
    struct found_log log = fixture_read(io_mem_io(m), NULL);
    ck_assert_msg(log.rc == 0, "%s", log.e.text);
    ck_assert_uint_ge(log.last, durable);
    ck_assert_uint_le(log.last, at_most);
    struct fixture g;
    fixture_recover(&g, m, LOG_SEGMENT);
    ck_assert_uint_eq(g.appended, log.last);
    for (int i = 0; i < 3; i++)
        ck_assert_ok(fixture_append(&g, 7000));
    struct found_log again = fixture_read(g.io, NULL);
    ck_assert_msg(again.rc == 0, "%s", again.e.text);
    ck_assert_uint_eq(again.last, log.last + 3);
    fixture_end(&g);
}

/* The last write of three groups, from `before` to `after` in the trace. */
static void last_write(size_t *before, size_t *after)
{
    static const size_t sizes[] = {9000, 300, 5000};
    fixture_begin(&f, LOG_SEGMENT, 0);
    ck_assert_ok(fixture_append(&f, 100));
    ck_assert_ok(fixture_append(&f, 5000));
    ck_assert_ok(fixture_prepare(&f));
    *before = io_mem_trace_len(f.mem);
    ck_assert_ok(fixture_append_many(&f, sizes, 3));
    *after = io_mem_trace_len(f.mem);
}

START_TEST(write_torn_at_every_sector)
{
    enum { SECTOR = 512 };
    size_t before, after;
    last_write(&before, &after);
    size_t from = 5 * WAL_BLOCK, n = (size_t)wal_writer_end(f.w).offset - from;
    const uint8_t *whole = bytes_of(f.mem, 1) + from;
    size_t torn = 0, ends = 0;
    for (size_t k = 0; k <= n / SECTOR; k++)
        for (int how = 0; how < 4; how++) {
            struct io_mem *m = io_mem_crash(f.mem, before, IO_CUT_ALL, 0);
            uint8_t *p = bytes_of(m, 1) + from;
            size_t at = k * SECTOR, one = at < n ? SECTOR : 0;
            if (how == 0) /* the first k sectors */
                memcpy(p, whole, at);
            else if (how == 1) /* all behind them */
                memcpy(p + at, whole + at, n - at);
            else if (how == 2) /* one alone */
                memcpy(p + at, whole + at, one);
            else { /* all but one */
                memcpy(p, whole, n);
                memset(p + at, 0, one);
            }
            struct found_log log = fixture_read(io_mem_io(m), NULL);
            torn += log.end.torn;
            ends += log.last == 2;
            check_crash(m, 2, 5);
        }
    ck_assert_uint_gt(torn, 50);
    ck_assert_uint_gt(ends, 50);
    fixture_end(&f);
}
END_TEST

START_TEST(crash_states_recover)
{
    static const enum io_mem_cut cuts[] = {IO_CUT_NONE, IO_CUT_ALL,   IO_CUT_SEED,
                                           IO_CUT_DROP, IO_CUT_ALONE, IO_CUT_LAST_FIRST};
    size_t before, after;
    last_write(&before, &after);
    for (size_t upto = before; upto <= after; upto++)
        for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++)
            for (uint64_t seed = 0; seed < (cuts[c] == IO_CUT_SEED ? 40 : 8); seed++) {
                struct io_mem *m = io_mem_crash(f.mem, upto, cuts[c], seed);
                check_crash(m, upto == after ? 5 : 2, 5);
            }
    fixture_end(&f);
}
END_TEST

/* Cut at every point of a life with rolls, recycling and recovery: whatever was acknowledged by
 * then is there. */
START_TEST(whole_life_survives_cuts_anywhere)
{
    enum { STEPS = 400 };
    static size_t at[STEPS];
    static uint64_t acked[STEPS];
    static struct wal_pos keep[STEPS];
    size_t n = 0;
    fixture_begin(&f, LOG_SEGMENT, 1);
    size_t start = io_mem_trace_len(f.mem);
    struct wal_pos kept = {1, WAL_BLOCK};
    for (size_t i = 0; i < 60; i++) {
        if (i % 16 == 15) {
            kept = (struct wal_pos){wal_writer_segment(f.w) - 1, WAL_BLOCK};
            ck_assert_ok(wal_writer_release_before(f.w, kept, NULL));
        }
        ck_assert_ok(fixture_append(&f, i * 331 % 9000));
        at[n] = io_mem_trace_len(f.mem);
        keep[n] = kept;
        acked[n++] = f.appended;
    }
    ck_assert_uint_gt(wal_writer_segment(f.w), 5);
    size_t states = 0;
    for (size_t upto = start; upto <= at[n - 1]; upto++) {
        uint64_t have = 0, next = 1;
        struct wal_pos from = {0, 0};
        for (size_t i = 0; i < n && at[i] <= upto; i++) {
            have = acked[i];
            next = have + 1;
            from = keep[i];
        }
        for (uint64_t seed = 0; seed < 3; seed++) {
            struct io_mem *m = io_mem_crash(f.mem, upto, IO_CUT_SEED, seed);
            struct wal_reader_config cfg = {.from = from};
            struct found_log log = fixture_read(io_mem_io(m), &cfg);
            ck_assert_msg(log.rc == 0, "cut at %zu, seed %llu: %s", upto, (unsigned long long)seed,
                          log.e.text);
            ck_assert_uint_ge(log.last, have);
            ck_assert_uint_le(log.last, next);
            log = fixture_read(io_mem_io(m),
                               NULL); /* and with what was released, as far as it is left */
            ck_assert_msg(log.rc == 0 || log.rc == ERR_NOTFOUND, "cut at %zu, seed %llu: %s", upto,
                          (unsigned long long)seed, log.e.text);
            ck_assert_uint_ge(log.last, have);
            io_mem_free(m);
            states++;
        }
    }
    ck_assert_uint_gt(states, 400);
    fixture_end(&f);
}
END_TEST

/* ---- what OPEN cut off */

START_TEST(dead_tail_never_comes_back)
{
    size_t before, after;
    last_write(&before, &after);
    /* The first group of the last write is lost, the two behind it arrived. */
    struct io_mem *m = io_mem_crash(f.mem, after, IO_CUT_ALL, 0);
    uint8_t lost[WAL_BLOCK];
    memcpy(lost, bytes_of(m, 1) + 5 * WAL_BLOCK, WAL_BLOCK);
    memset(bytes_of(m, 1) + 5 * WAL_BLOCK, 0, WAL_BLOCK);
    struct fixture g;
    fixture_recover(&g, m, LOG_SEGMENT);
    ck_assert_uint_eq(g.appended, 2);
    ck_assert_ok(fixture_append(&g, 50));
    /* Even when the sector heals. Entry 3 is the new one: fixture_read would see the old one's
     * bytes. */
    memcpy(bytes_of(g.mem, 1) + 5 * WAL_BLOCK, lost, WAL_BLOCK);
    struct found_log log = fixture_read(g.io, NULL);
    ck_assert_msg(log.rc == 0, "%s", log.e.text);
    ck_assert_uint_eq(log.last, 3);
    ck_assert_uint_eq(log.groups, 5); /* two OPENs */
    /* What is before the cut still counts. */
    bytes_of(g.mem, 1)[3 * WAL_BLOCK + 50] ^= 1;
    log = fixture_read(g.io, NULL);
    ck_assert_int_eq(log.rc, ERR_CORRUPT);
    ck_assert_uint_eq(log.fault.pos.segment, 1);
    ck_assert_uint_eq(log.fault.pos.offset, 3 * WAL_BLOCK);
    fixture_end(&g);
    fixture_end(&f);
}
END_TEST

START_TEST(segments_between_are_dead)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    ck_assert_ok(fixture_append(&f, 10));
    ck_assert_ok(fixture_prepare(&f)); /* 2: empty, prepared in vain */
    fixture_stop(&f);
    fixture_recover(&f, f.mem, LOG_SEGMENT); /* nobody has used it again yet */
    ck_assert_uint_eq(wal_writer_segment(f.w), 3);
    ck_assert_ok(fixture_append(&f, 10));
    bytes_of(f.mem, 2)[5 * WAL_BLOCK] = 1; /* whatever it holds */
    struct found_log log = fixture_read(f.io, NULL);
    ck_assert_msg(log.rc == 0, "%s", log.e.text);
    ck_assert_uint_eq(log.last, 2);
    /* It has a name, though, so its header must be right. */
    bytes_of(f.mem, 2)[100] = 1;
    log = fixture_read(f.io, NULL);
    ck_assert_int_eq(log.rc, ERR_CORRUPT);
    ck_assert_uint_eq(log.fault.pos.segment, 2);
    bytes_of(f.mem, 2)[100] = 0;
    log = fixture_read(f.io, &(struct wal_reader_config){.from = {2, 0}});
    ck_assert_int_eq(log.rc, ERR_CORRUPT); /* nothing ever began there */
    fixture_end(&f);
}
END_TEST

static bool has_segment(uint64_t id)
{
    struct io_stat st;
    int rc = io_stat(f.io, path_of(id), &st);
    ck_assert(rc == 0 || rc == -ENOENT);
    return rc == 0;
}

/* A log that ends in segment 1, and dead segments from 2 on: the spare one, and those of starts
 * that died behind their OPEN. */
static void with_dead_segments(int starts)
{
    struct found_log log;
    fixture_begin(&f, LOG_SEGMENT, 1);
    ck_assert_ok(fixture_append(&f, 10));
    ck_assert_ok(fixture_prepare(&f));
    log = fixture_read(f.io, NULL);
    for (int i = 0; i < starts; i++) {
        fixture_stop(&f);
        ck_assert_ok(
            wal_writer_open(&f.w, &f.cfg, log.end.pos, log.end.last_segment++, 3, 7, 1, NULL));
        wal_write_init(&f.wr, f.w);
    }
}

START_TEST(dead_segments_are_removed)
{
    with_dead_segments(3);
    ck_assert(has_segment(1) && has_segment(2) && has_segment(5));
    ck_assert(!has_segment(3) && !has_segment(4)); /* one is spared, however often a start dies */
    ck_assert_ok(fixture_append(&f, 10));
    struct found_log log = fixture_read(f.io, NULL);
    ck_assert_msg(log.rc == 0, "%s", log.e.text);
    ck_assert_uint_eq(log.last, 2);
    fixture_end(&f);
}
END_TEST

START_TEST(a_dead_segment_is_used_again)
{
    with_dead_segments(1);
    uint64_t made = io_mem_calls(f.mem, IO_MEM_ALLOCATE);
    uint64_t removed = io_mem_calls(f.mem, IO_MEM_UNLINK);
    ck_assert_ok(fixture_prepare(&f));
    ck_assert(!has_segment(2) && has_segment(4));
    ck_assert_uint_eq(io_mem_calls(f.mem, IO_MEM_UNLINK), removed);
    ck_assert_uint_eq(io_mem_calls(f.mem, IO_MEM_ALLOCATE), made + 1);
    ck_assert_uint_eq(wal_writer_bytes(f.w), 3 * LOG_SEGMENT); /* 1, 3 and 4 */
    while (wal_writer_segment(f.w) < 4)
        ck_assert_ok(fixture_append(&f, 4000));
    struct found_log log = fixture_read(f.io, NULL);
    ck_assert_msg(log.rc == 0, "%s", log.e.text);
    ck_assert_uint_eq(log.last, f.appended);
    fixture_end(&f);
}
END_TEST

START_TEST(dead_segments_of_another_size_are_removed)
{
    with_dead_segments(0);
    fixture_stop(&f);
    fixture_recover(&f, f.mem, 2 * LOG_SEGMENT);
    ck_assert(has_segment(1) && !has_segment(2) && has_segment(3));
    fixture_end(&f);
}
END_TEST

START_TEST(read_errors_are_not_the_end)
{
    small_log();
    uint64_t before = io_mem_calls(f.mem, IO_MEM_READ);
    ck_assert_int_eq(fixture_read(f.io, NULL).rc, 0);
    uint64_t reads = io_mem_calls(f.mem, IO_MEM_READ) - before;
    for (uint64_t i = 1; i <= reads; i++) {
        io_mem_fail(f.mem, IO_MEM_READ, i, EIO, 1);
        ck_assert_int_eq(fixture_read(f.io, NULL).rc, -EIO);
        ck_assert_uint_eq(io_mem_faults(f.mem), i);
    }
    fixture_end(&f);
}
END_TEST

/* ---- groups nobody would write, with right checksums */

static void forge(uint64_t segment, uint64_t offset, uint32_t payload_len, enum wal_frame_type type,
                  struct span body)
{
    uint8_t *p = bytes_of(f.mem, segment) + offset;
    struct wal_group g = {.pos = {segment, offset}, .payload_len = payload_len};
    memset(p, 0, WAL_BLOCK);
    wal_group_header_encode(p, &g);
    p[WAL_GROUP_HEADER + WAL_PAYLOAD_HEADER] = (uint8_t)type;
    put_le32(p + WAL_GROUP_HEADER + WAL_PAYLOAD_HEADER + 4, (uint32_t)body.n);
    memcpy(p + WAL_GROUP_HEADER + WAL_PAYLOAD_HEADER + WAL_FRAME_HEADER, body.p, body.n);
    wal_group_seal(p, segment); /* the fixture's salts count from 1 */
}

START_TEST(forged_lengths_are_not_groups)
{
    /* 0x1000000: more than the file; the others: less than a payload's header. */
    static const uint32_t lengths[] = {0, 1, 15, 0x1000000 - 80, UINT32_MAX - 80};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        fixture_begin(&f, LOG_SEGMENT, 0);
        ck_assert_ok(fixture_append(&f, 10));
        forge(1, 3 * WAL_BLOCK, 24, WAL_NOOP, span_of("", 0));
        struct found_log log = fixture_read(f.io, NULL);
        ck_assert_int_eq(log.rc, 0);
        ck_assert_uint_eq(log.groups, 3); /* so forging works */
        uint8_t *p = bytes_of(f.mem, 1) + 3 * WAL_BLOCK;
        put_le32(p + 12, lengths[i]);
        if (lengths[i] < WAL_PAYLOAD_HEADER) { /* nothing else wrong with it */
            memset(p + WAL_GROUP_HEADER, 0, WAL_BLOCK - WAL_GROUP_HEADER);
            wal_group_seal(p, 1);
        }
        put_le32(p + 4, crc32c(crc32c(0, "\1\0\0\0\0\0\0", 8), p + 8, 72));
        log = fixture_read(f.io, NULL);
        ck_assert_int_eq(log.rc, 0);
        ck_assert_uint_eq(log.groups, 2);
        ck_assert(log.end.torn);
        ck_assert_uint_le(log.end.torn_bytes, LOG_SEGMENT - 3 * WAL_BLOCK);
        fixture_end(&f);
    }
}
END_TEST

START_TEST(forged_opens_are_faults)
{
    static const struct wal_open opens[] = {
        {1, 0, {2, 4096}}, /* itself */
        {1, 0, {3, 4096}}, /* a later one */
        {1, 0, {0, 4096}}, /* none, but an end */
        {1, 0, {1, 100}},       {1, 0, {1, 0}},
        {1, 0, {1, 4096 * 17}}, {1, 0, {1, 4096}}, /* before its own OPEN's end */
        {1, 0, {1, 4096 * 15}}};                   /* behind all groups */
    uint8_t body[WAL_OPEN_SIZE];
    for (size_t i = 0; i < sizeof opens / sizeof *opens + 2; i++) {
        fixture_begin(&f, LOG_SEGMENT, 0);
        ck_assert_ok(fixture_append(&f, 10));
        ck_assert_ok(fixture_prepare(&f));
        wal_open_encode(body, &opens[i < 8 ? i : 0]);
        if (i < 8)
            forge(2, WAL_BLOCK, 16 + 8 + 32, WAL_OPEN, span_of(body, 32));
        else if (i == 8)
            forge(2, WAL_BLOCK, 16 + 8 + 32, WAL_STATE, span_of(body, 32));
        else
            forge(2, WAL_BLOCK, 16 + 8 + 31, WAL_OPEN, span_of(body, 31));
        struct found_log log = fixture_read(f.io, NULL);
        ck_assert_msg(log.rc == ERR_CORRUPT, "%zu: %d", i, log.rc);
        fixture_end(&f);
    }
}
END_TEST

UNIT_MAIN(forged_lengths_are_not_groups, forged_opens_are_faults, every_flipped_byte_is_seen,
          every_lost_or_misplaced_block_is_seen, mark_makes_the_last_group_known_durable,
          open_of_a_first_segment_counts_once_stated, checkpoint_knows_what_was_durable,
          every_truncation_is_seen, missing_segments_are_seen, write_torn_at_every_sector,
          crash_states_recover, whole_life_survives_cuts_anywhere, dead_tail_never_comes_back,
          segments_between_are_dead, dead_segments_are_removed, a_dead_segment_is_used_again,
          dead_segments_of_another_size_are_removed, a_closed_log_is_read_to_its_end_only,
          a_log_that_went_on_was_not_closed, damage_of_a_closed_log_is_seen,
          read_errors_are_not_the_end)
