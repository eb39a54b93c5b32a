/* What is appended is read back: sizes, rolls, recycling; what is counted; what a failure leaves.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/wal/fixture.h"
#include "wal/group.h"

static struct fixture f;

static uint64_t syncs(void)
{
    return io_mem_calls(f.mem, IO_MEM_SYNC) + io_mem_calls(f.mem, IO_MEM_COMMIT);
}

static void check_log(uint64_t first, uint64_t last)
{
    struct found_log log = fixture_read(f.io, NULL);
    ck_assert_msg(log.rc == 0, "%s", log.e.text);
    ck_assert_uint_eq(log.first, first);
    ck_assert_uint_eq(log.last, last);
    ck_assert_int_eq(wal_pos_cmp(log.end.pos, wal_writer_end(f.w)), 0);
    ck_assert(!log.end.torn);
}

START_TEST(every_size_comes_back)
{
    /* Around each block boundary: header 80, payload header 16, frame header 8. */
    fixture_begin(&f, LOG_SEGMENT, 0);
    static const int around[] = {0, 1, 2, 3, 5, 12};
    for (size_t k = 0; k < sizeof around / sizeof *around; k++)
        for (int d = -3; d <= 3; d++) {
            int n = around[k] * WAL_BLOCK - 104 + d;
            ck_assert_ok(fixture_append(&f, n < 0 ? (size_t)(d + 3) : (size_t)n));
        }
    check_log(1, f.appended);
    fixture_end(&f);
}
END_TEST

START_TEST(largest_payload_fits_and_no_larger)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    size_t max = wal_writer_max_payload(f.w) - WAL_PAYLOAD_HEADER - WAL_FRAME_HEADER;
    ck_assert_ok(fixture_append(&f, max));
    ck_assert_int_eq(fixture_append(&f, max + 1), ERR_TOOBIG);
    ck_assert_ok(fixture_append(&f, max)); /* and rolls */
    check_log(1, 2);
    ck_assert_uint_eq(wal_writer_segment(f.w), 2);
    fixture_end(&f);
}
END_TEST

START_TEST(empty_log_reads_as_its_open)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    struct found_log log = fixture_read(f.io, NULL);
    ck_assert_int_eq(log.rc, 0);
    ck_assert_uint_eq(log.groups, 1);
    ck_assert_uint_eq(log.term, f.term);
    ck_assert_uint_eq(log.vote, f.vote);
    ck_assert_uint_eq(log.end.last_segment, 1);
    fixture_end(&f);
}
END_TEST

START_TEST(rolls_over_many_segments)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    for (size_t i = 0; i < 200; i++)
        ck_assert_ok(fixture_append(&f, i * 97 % 9000));
    ck_assert_uint_gt(wal_writer_segment(f.w), 10);
    check_log(1, 200);
    fixture_end(&f);
}
END_TEST

START_TEST(one_write_may_roll_several_times)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    size_t sizes[40];
    for (size_t i = 0; i < 40; i++)
        sizes[i] = 5000 + i;
    uint64_t before = io_mem_calls(f.mem, IO_MEM_COMMIT);
    ck_assert_ok(fixture_append_many(&f, sizes, 40));
    check_log(1, 40);
    /* One commit per segment: 40 groups of two blocks, six in a segment. */
    ck_assert_uint_eq(io_mem_calls(f.mem, IO_MEM_COMMIT) - before, wal_writer_segment(f.w));
    ck_assert_uint_gt(wal_writer_segment(f.w), 5);
    ck_assert_ok(fixture_prepare(&f)); /* the need of many was for once */
    ck_assert_uint_eq(wal_writer_bytes(f.w), (wal_writer_segment(f.w) + 1) * LOG_SEGMENT);
    fixture_end(&f);
}
END_TEST

START_TEST(write_of_more_groups_than_the_kernel_takes_iovecs)
{
    enum { N = 2500 };
    static size_t sizes[N];
    fixture_begin(&f, 4096 * WAL_BLOCK, 0);
    uint64_t before = syncs();
    ck_assert_ok(fixture_append_many(&f, sizes, N));
    ck_assert_uint_eq(syncs() - before, 1);
    ck_assert_uint_eq(f.wr.bytes, (uint64_t)N * WAL_BLOCK);
    check_log(1, N);
    fixture_end(&f);
}
END_TEST

START_TEST(one_commit_per_write_and_no_other_sync)
{
    fixture_begin(&f, 64 * WAL_BLOCK, 0);
    ck_assert_ok(fixture_prepare(&f));
    for (int i = 0; i < 10; i++) {
        uint64_t commits = io_mem_calls(f.mem, IO_MEM_COMMIT), all = syncs();
        size_t sizes[3] = {10, 5000, 0};
        ck_assert_ok(fixture_append_many(&f, sizes, 3));
        ck_assert_uint_eq(io_mem_calls(f.mem, IO_MEM_COMMIT) - commits, 1);
        ck_assert_uint_eq(syncs() - all, 1);
    }
    ck_assert_uint_eq(io_mem_calls(f.mem, IO_MEM_WRITE), 2); /* the two segment headers */
    fixture_end(&f);
}
END_TEST

START_TEST(headers_state_what_was_synced_before_the_write)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    struct wal_pos before = wal_writer_synced(f.w);
    size_t sizes[2] = {1, 1};
    ck_assert_ok(fixture_append_many(&f, sizes, 2));
    struct wal_pos after = wal_writer_synced(f.w);
    ck_assert_uint_eq(after.offset, before.offset + 2 * WAL_BLOCK);
    clock_manual_advance(&f.clock, 0);
    ck_assert_ok(fixture_append(&f, 1));

    struct wal_reader_config cfg = {.io = f.io, .path = LOG_DIR};
    struct wal_reader *r;
    struct wal_group g;
    ck_assert_ok(wal_reader_open(&r, &cfg, NULL));
    ck_assert_int_eq(wal_reader_next(r, &g, NULL), 1); /* OPEN */
    ck_assert_int_eq(wal_pos_cmp(g.synced, (struct wal_pos){0, 0}), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(wal_reader_next(r, &g, NULL), 1);
        ck_assert_int_eq(wal_pos_cmp(g.synced, before), 0);
        ck_assert_int_eq(wal_pos_cmp(g.pos, wal_write_pos(&f.wr, 0)), -1);
    }
    ck_assert_int_eq(wal_reader_next(r, &g, NULL), 1);
    ck_assert_int_eq(wal_pos_cmp(g.synced, after), 0);
    ck_assert_int_eq(wal_pos_cmp(g.pos, wal_write_pos(&f.wr, 0)), 0);
    wal_reader_free(r);
    fixture_end(&f);
}
END_TEST

START_TEST(mark_is_wanted_exactly_while_something_is_unstated)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    ck_assert(wal_writer_wants_mark(f.w)); /* OPEN holds the vote */
    ck_assert_ok(fixture_mark(&f));
    ck_assert(!wal_writer_wants_mark(f.w));
    ck_assert_ok(fixture_append(&f, 9));
    ck_assert(wal_writer_wants_mark(f.w));
    ck_assert_ok(fixture_append(&f, 9));
    ck_assert(wal_writer_wants_mark(f.w));
    ck_assert_ok(fixture_mark(&f));
    ck_assert(!wal_writer_wants_mark(f.w));
    ck_assert_ok(fixture_mark(&f));
    ck_assert(!wal_writer_wants_mark(f.w));
    while (wal_writer_segment(f.w) == 1) /* a MARK that rolls writes an OPEN */
        ck_assert_ok(fixture_mark(&f));
    ck_assert(wal_writer_wants_mark(f.w));
    ck_assert_ok(fixture_mark(&f));
    ck_assert(!wal_writer_wants_mark(f.w));
    fixture_end(&f);
}
END_TEST

START_TEST(consecutive_local_frames_share_a_group)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    uint8_t body[WAL_STATE_SIZE];
    struct wal_state state = {9, 8};
    wal_state_encode(body, &state);
    uint64_t before = wal_writer_end(f.w).offset;
    wal_write_begin(&f.wr);
    ck_assert_ok(wal_write_local(&f.wr, WAL_STATE, span_of(body, sizeof body)));
    ck_assert_ok(wal_write_local(&f.wr, WAL_MARK, span_of(NULL, 0)));
    ck_assert_ok(wal_write_seal(&f.wr, 9, 8, 2, NULL));
    wal_write_run(&f.wr, &f.clock.clock);
    ck_assert_ok(wal_write_done(&f.wr, NULL));
    ck_assert_uint_eq(wal_writer_end(f.w).offset, before + WAL_BLOCK);
    struct found_log log = fixture_read(f.io, NULL);
    ck_assert_uint_eq(log.groups, 2);
    ck_assert_uint_eq(log.marks, 1);
    ck_assert_uint_eq(log.term, 9);
    ck_assert_uint_eq(log.vote, 8);
    fixture_end(&f);
}
END_TEST

START_TEST(refused_seal_changes_nothing)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    ck_assert_ok(fixture_append(&f, 40000));
    struct wal_pos end = wal_writer_end(f.w);
    struct wal_payload p;
    ck_assert_ok(wal_payload_init(&p, 0));
    fixture_fill(wal_payload_frame(&p, WAL_BATCH, 0, 40000), 40000, 2);
    wal_payload_stamp(&p, 1002, 6);
    wal_write_begin(&f.wr);
    ck_assert_ok(wal_write_entry(&f.wr, &p, 2, f.term));
    bool rolled;
    ck_assert_int_eq(wal_write_seal(&f.wr, f.term, f.vote, 2, &rolled), ERR_BUSY);
    ck_assert_int_eq(wal_pos_cmp(wal_writer_end(f.w), end), 0);
    ck_assert_ok(fixture_prepare(&f));
    ck_assert_ok(wal_write_seal(&f.wr, f.term, f.vote, 2, &rolled));
    ck_assert(rolled);
    ck_assert_uint_eq(wal_writer_segment(f.w), 1); /* not before its OPEN is durable */
    ck_assert_ok(wal_writer_release_before(f.w, (struct wal_pos){99, 0}, NULL));
    ck_assert_uint_eq(wal_writer_bytes(f.w), 2 * LOG_SEGMENT); /* ROLL is still to be written */
    wal_write_run(&f.wr, &f.clock.clock);
    ck_assert_ok(wal_write_done(&f.wr, NULL));
    ck_assert_uint_eq(wal_writer_segment(f.w), 2);
    wal_payload_release(&p);
    check_log(1, 2);
    fixture_end(&f);
}
END_TEST

START_TEST(failed_commit_poisons)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    ck_assert_ok(fixture_append(&f, 100));
    ck_assert_ok(fixture_prepare(&f));
    struct wal_pos synced = wal_writer_synced(f.w);
    io_mem_fail(f.mem, IO_MEM_COMMIT, 1, EIO, 1);
    ck_assert_int_eq(fixture_append(&f, 9000), -EIO);
    ck_assert_uint_eq(io_mem_faults(f.mem), 1);
    ck_assert(wal_writer_poisoned(f.w));

    size_t trace = io_mem_trace_len(f.mem);
    ck_assert_int_eq(fixture_append(&f, 10), ERR_POISONED);
    ck_assert_int_eq(fixture_mark(&f), ERR_POISONED);
    wal_write_begin(&f.wr);
    ck_assert_int_eq(wal_write_seal(&f.wr, 1, 1, 1, NULL), ERR_POISONED);
    ck_assert_int_eq(wal_write_done(&f.wr, NULL), ERR_POISONED);
    ck_assert_int_eq(wal_writer_release_before(f.w, synced, NULL), ERR_POISONED);
    struct wal_prepare *p;
    ck_assert_int_eq(wal_prepare_begin(f.w, 1, &p), 0);
    ck_assert(!wal_writer_wants_mark(f.w));
    ck_assert_int_eq(wal_pos_cmp(wal_writer_synced(f.w), synced), 0);
    ck_assert_uint_eq(io_mem_trace_len(f.mem), trace); /* the disk was left alone */

    struct found_log log = fixture_read(f.io, NULL);
    ck_assert_int_eq(log.rc, 0);
    ck_assert_uint_eq(log.last, 1);
    fixture_end(&f);
}
END_TEST

START_TEST(entries_added_before_the_poison_are_refused_too)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    struct wal_write other;
    struct wal_payload p;
    ck_assert_ok(wal_payload_init(&p, 0));
    wal_write_init(&other, f.w);
    wal_write_begin(&other);
    ck_assert_ok(wal_write_entry(&other, &p, 2, f.term));
    io_mem_fail(f.mem, IO_MEM_COMMIT, 1, EIO, 1);
    ck_assert_int_eq(fixture_append(&f, 1), -EIO);
    ck_assert_int_eq(wal_write_seal(&other, 1, 1, 1, NULL), ERR_POISONED);
    ck_assert_uint_eq(io_mem_faults(f.mem), 1);
    wal_write_release(&other);
    wal_payload_release(&p);
    fixture_end(&f);
}
END_TEST

START_TEST(full_disk_is_waited_out)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    io_mem_set_space(f.mem, LOG_SEGMENT + WAL_BLOCK);
    while (fixture_append(&f, 3000) == 0)
        ;
    uint64_t reached = f.appended;
    ck_assert_uint_eq(reached, 13); /* all of the segment, but for header, OPEN and ROLL */
    ck_assert_int_eq(fixture_append(&f, 3000), -ENOSPC);
    ck_assert(!wal_writer_poisoned(f.w));
    char **names;
    size_t n;
    ck_assert_ok(io_names(f.io, LOG_DIR, &names, &n));
    ck_assert_uint_eq(n, 1); /* no temporary file is left in the way */
    io_names_free(names, n);
    io_mem_set_space(f.mem, UINT64_MAX);
    ck_assert_ok(fixture_append(&f, 3000));
    check_log(1, reached + 1);
    fixture_end(&f);
}
END_TEST

/* As checkpoints release them, several at a time: none is removed, none made from nothing, and all
 * are ready ahead of their use. */
START_TEST(released_segments_are_all_used_again)
{
    enum { SPARE = 3, ROUNDS = 4 };
    fixture_begin(&f, LOG_SEGMENT, SPARE);
    while (wal_writer_segment(f.w) < 2 * SPARE)
        ck_assert_ok(fixture_append(&f, 9000));
    char **names;
    size_t n, n_now;
    ck_assert_ok(fixture_prepare(&f));
    ck_assert_ok(io_names(f.io, LOG_DIR, &names, &n));
    io_names_free(names, n);
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        uint64_t keep = wal_writer_segment(f.w) - SPARE;
        ck_assert_ok(wal_writer_release_before(f.w, (struct wal_pos){keep + 1, 0}, NULL));
        ck_assert_ok(fixture_prepare(&f));
        uint64_t allocated = io_mem_calls(f.mem, IO_MEM_ALLOCATE);
        for (uint64_t to = wal_writer_segment(f.w) + SPARE - 1; wal_writer_segment(f.w) < to;)
            ck_assert_ok(fixture_append(&f, 9000));
        ck_assert_uint_eq(io_mem_calls(f.mem, IO_MEM_ALLOCATE), allocated);
        ck_assert_uint_eq(io_mem_calls(f.mem, IO_MEM_UNLINK), 0);
    }
    ck_assert_ok(io_names(f.io, LOG_DIR, &names, &n_now));
    io_names_free(names, n_now);
    ck_assert_uint_eq(n_now, n);

    wal_writer_keep_spare(f.w, 0); /* the disk is full */
    ck_assert_ok(wal_writer_release_before(f.w, wal_writer_synced(f.w), NULL));
    ck_assert_ok(fixture_prepare(&f));
    ck_assert_uint_gt(io_mem_calls(f.mem, IO_MEM_UNLINK), 0);
    struct found_log log = fixture_read(f.io, NULL);
    ck_assert_int_eq(log.rc, 0);
    ck_assert_uint_eq(log.last, f.appended);
    fixture_end(&f);
}
END_TEST

/* A fault in any call of a preparation: nothing is lost, and after one more try the log goes on;
 * but a directory that cannot be synced poisons. */
START_TEST(preparation_survives_faults)
{
    static const enum io_mem_call calls[] = {IO_MEM_WRITE, IO_MEM_SYNC, IO_MEM_RENAME, IO_MEM_OPEN,
                                             IO_MEM_ALLOCATE};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (int recycling = 0; recycling < 2; recycling++) {
            fixture_begin(&f, LOG_SEGMENT, 1);
            while (wal_writer_segment(f.w) < 3)
                ck_assert_ok(fixture_append(&f, 9000));
            if (recycling)
                ck_assert_ok(wal_writer_release_before(f.w, wal_writer_synced(f.w), NULL));
            io_mem_fail(f.mem, calls[i], 1, EIO, 1);
            ck_assert_int_eq(fixture_prepare(&f), -EIO);
            ck_assert_uint_eq(io_mem_faults(f.mem), 1);
            ck_assert(!wal_writer_poisoned(f.w));
            while (wal_writer_segment(f.w) < 6)
                ck_assert_ok(fixture_append(&f, 9000));
            struct found_log log = fixture_read(f.io, NULL);
            ck_assert_msg(log.rc == 0, "%s", log.e.text);
            ck_assert_uint_eq(log.last, f.appended);
            fixture_end(&f);
        }
}
END_TEST

/* Short of descriptors or of space, a preparation has not harmed the released segment that was to
 * be recycled: it is there for the next one, which may find no room for a new file. */
START_TEST(a_preparation_that_fails_early_keeps_what_it_would_recycle)
{
    static const enum io_mem_call calls[] = {IO_MEM_SYNC_DIR, IO_MEM_OPEN, IO_MEM_ALLOCATE};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct io_stat st;
        fixture_begin(&f, LOG_SEGMENT, 1);
        while (wal_writer_segment(f.w) < 3)
            ck_assert_ok(fixture_append(&f, 9000));
        ck_assert_ok(wal_writer_release_before(f.w, (struct wal_pos){2, WAL_BLOCK}, NULL));
        io_mem_fail(f.mem, calls[i], 1, EMFILE, 1);
        ck_assert_int_eq(fixture_prepare(&f), -EMFILE);
        ck_assert_uint_eq(io_mem_faults(f.mem), 1);
        ck_assert_ok(io_stat(f.io, LOG_DIR "/00000000000000000001.wal", &st));
        io_mem_fail(f.mem, IO_MEM_ALLOCATE, 2, ENOSPC, 0); /* of a file that is there it is none */
        ck_assert_ok(fixture_prepare(&f));
        ck_assert_int_eq(io_stat(f.io, LOG_DIR "/00000000000000000001.wal", &st), -ENOENT);
        ck_assert_ok(io_stat(f.io, LOG_DIR "/00000000000000000004.wal", &st));
        fixture_end(&f);
    }
}
END_TEST

START_TEST(unsynced_directory_poisons)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    io_mem_fail(f.mem, IO_MEM_SYNC_DIR, 1, EIO, 1);
    ck_assert_int_eq(fixture_prepare(&f), ERR_POISONED);
    ck_assert_uint_eq(io_mem_faults(f.mem), 1);
    ck_assert(wal_writer_poisoned(f.w));
    fixture_end(&f);
}
END_TEST

static size_t count_files(void)
{
    char **names;
    size_t n;
    ck_assert_ok(io_names(f.io, LOG_DIR, &names, &n));
    io_names_free(names, n);
    return n;
}

START_TEST(released_segments_are_recycled_or_unlinked)
{
    fixture_begin(&f, LOG_SEGMENT, 1);
    while (wal_writer_segment(f.w) < 6)
        ck_assert_ok(fixture_append(&f, 9000));
    ck_assert_uint_eq(wal_writer_bytes(f.w), 6 * LOG_SEGMENT);
    struct wal_pos keep = {5, WAL_BLOCK};
    ck_assert_ok(wal_writer_release_before(f.w, keep, NULL));
    ck_assert_uint_eq(wal_writer_bytes(f.w), 2 * LOG_SEGMENT);
    ck_assert_ok(fixture_prepare(&f));
    /* 1 and 2 unlinked, 3 became 7, 4 waits; 5 and 6 are kept. */
    struct io_stat st;
    ck_assert_int_eq(io_stat(f.io, LOG_DIR "/00000000000000000002.wal", &st), -ENOENT);
    ck_assert_int_eq(io_stat(f.io, LOG_DIR "/00000000000000000003.wal", &st), -ENOENT);
    ck_assert_ok(io_stat(f.io, LOG_DIR "/00000000000000000004.wal", &st));
    ck_assert_ok(io_stat(f.io, LOG_DIR "/00000000000000000007.wal", &st));
    ck_assert_uint_eq(count_files(), 4);
    ck_assert_uint_eq(wal_writer_bytes(f.w), 3 * LOG_SEGMENT);
    /* Nothing that is written to, or not yet, is ever released. */
    ck_assert_ok(wal_writer_release_before(f.w, (struct wal_pos){99, 0}, NULL));
    ck_assert_uint_eq(wal_writer_bytes(f.w), 2 * LOG_SEGMENT);
    ck_assert_ok(fixture_append(&f, 9000));
    struct found_log log = fixture_read(f.io, &(struct wal_reader_config){.from = {6, 0}});
    ck_assert_msg(log.rc == 0, "%s", log.e.text);
    ck_assert_uint_eq(log.last, f.appended);
    fixture_end(&f);
}
END_TEST

START_TEST(recycling_goes_round)
{
    fixture_begin(&f, LOG_SEGMENT, 1);
    while (wal_writer_segment(f.w) < 20) {
        ck_assert_ok(fixture_append(&f, 9000));
        ck_assert_ok(wal_writer_release_before(f.w, wal_writer_synced(f.w), NULL));
        ck_assert_uint_le(count_files(), 4);
    }
    /* Of files, four were made in all: the rest are former ones. Each new life has one name taken
     * away and one given. */
    ck_assert_uint_le(io_mem_calls(f.mem, IO_MEM_UNLINK), 1);
    ck_assert_uint_ge(io_mem_calls(f.mem, IO_MEM_RENAME), 2 * 16);
    size_t n;
    uint8_t *p = io_mem_bytes(f.mem, LOG_DIR "/00000000000000000020.wal", &n);
    ck_assert_mem_eq(p + n - 5 * WAL_BLOCK, "CKWG", 4);
    fixture_end(&f);
}
END_TEST

/* The stale groups of a recycled segment sit at the very places where new ones go: same sizes, same
 * offsets, right checksums. Only id and salt tell them apart, and they must never come back. */
START_TEST(former_life_is_never_read)
{
    fixture_begin(&f, LOG_SEGMENT, 4);
    while (wal_writer_segment(f.w) < 4)
        ck_assert_ok(fixture_append(&f, 3000));
    struct wal_pos now = wal_writer_synced(f.w);
    ck_assert_ok(wal_writer_release_before(f.w, now, NULL));
    while (wal_writer_segment(f.w) < 5)
        ck_assert_ok(fixture_append(&f, 3000));
    /* Segment 5 is segment 1's file: behind its first groups lie whole groups of the former life.
     */
    size_t n, live = (size_t)wal_writer_end(f.w).offset, stale = 0;
    uint8_t *bytes = io_mem_bytes(f.mem, LOG_DIR "/00000000000000000005.wal", &n);
    for (size_t at = live; at < n; at += WAL_BLOCK)
        stale += memcmp(bytes + at, "CKWG", 4) == 0;
    ck_assert_uint_gt(stale, 5);
    struct found_log log = fixture_read(f.io, &(struct wal_reader_config){.from = {4, 0}});
    ck_assert_msg(log.rc == 0, "%s", log.e.text);
    ck_assert_uint_eq(log.last, f.appended);
    ck_assert_int_eq(wal_pos_cmp(log.end.pos, wal_writer_end(f.w)), 0);
    ck_assert(!log.end.torn);

    /* Even if the id was the same in that life (after a restore from a copy), the salt would tell.
     */
    bytes = io_mem_bytes(f.mem, LOG_DIR "/00000000000000000005.wal", &n);
    for (size_t at = live; at < n; at += WAL_BLOCK)
        if (memcmp(bytes + at, "CKWG", 4) == 0) {
            bytes[at + 16] = 5;
            wal_group_seal(bytes + at, 1);
        }
    log = fixture_read(f.io, &(struct wal_reader_config){.from = {4, 0}});
    ck_assert_int_eq(log.rc, 0);
    ck_assert_uint_eq(log.last, f.appended);
    fixture_end(&f);
}
END_TEST

START_TEST(leftovers_of_a_preparation_are_swept)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    ck_assert_ok(fixture_append(&f, 10));
    struct io_file *file;
    ck_assert_ok(io_open(f.io, LOG_DIR "/00000000000000000002.tmp", IO_WRITE | IO_CREATE, &file));
    io_close(file);
    ck_assert_ok(io_open(f.io, LOG_DIR "/checkpoint.0.tmp", IO_WRITE | IO_CREATE, &file));
    io_close(file);
    fixture_stop(&f);
    fixture_recover(&f, f.mem, LOG_SEGMENT);
    struct io_stat st;
    ck_assert_int_eq(io_stat(f.io, LOG_DIR "/00000000000000000002.tmp", &st), -ENOENT);
    ck_assert_ok(io_stat(f.io, LOG_DIR "/checkpoint.0.tmp", &st)); /* not ours */
    check_log(1, 1);
    fixture_end(&f);
}
END_TEST

START_TEST(segment_nobody_read_stops_the_writer)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    struct wal_pos end = wal_writer_end(f.w);
    struct wal_writer *w;
    struct err e;
    ck_assert_int_eq(wal_writer_open(&w, &f.cfg, end, 0, 1, 1, 1, &e), ERR_EXISTS);
    ck_assert_ptr_null(w);
    ck_assert_int_eq(wal_writer_open(&w, &f.cfg, end, UINT64_MAX, 1, 1, 1, &e), ERR_TOOBIG);
    f.cfg.segment_bytes = WAL_SEGMENT_MIN + 1;
    ck_assert_int_eq(wal_writer_open(&w, &f.cfg, end, 1, 1, 1, 1, &e), ERR_INVALID);
    fixture_end(&f);
}
END_TEST

START_TEST(opening_syncs_what_was_read)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    ck_assert_ok(fixture_append(&f, 10));
    fixture_stop(&f);
    io_mem_fail(f.mem, IO_MEM_SYNC, 1, EIO, 1); /* the first sync is the old segment's */
    struct wal_writer *w;
    struct err e;
    size_t trace = io_mem_trace_len(f.mem);
    int rc = wal_writer_open(&w, &f.cfg, (struct wal_pos){1, 3 * WAL_BLOCK}, 1, 1, 1, 1, &e);
    ck_assert_int_eq(rc, -EIO);
    ck_assert_uint_eq(io_mem_faults(f.mem), 1);
    ck_assert_ptr_nonnull(strstr(e.text, "00000000000000000001.wal"));
    ck_assert_uint_le(io_mem_trace_len(f.mem) - trace, 1); /* nothing was changed */
    fixture_end(&f);
}
END_TEST

START_TEST(changed_segment_size_takes_effect)
{
    fixture_begin(&f, LOG_SEGMENT, 2);
    while (wal_writer_segment(f.w) < 3)
        ck_assert_ok(fixture_append(&f, 9000));
    fixture_stop(&f);
    fixture_recover(&f, f.mem, 2 * LOG_SEGMENT);
    ck_assert_ok(wal_writer_release_before(f.w, wal_writer_synced(f.w), NULL));
    while (wal_writer_segment(f.w) < 7)
        ck_assert_ok(fixture_append(&f, 9000));
    ck_assert_ok(fixture_append(&f, wal_writer_max_payload(f.w) - 24));
    struct found_log log = fixture_read(f.io, &(struct wal_reader_config){.from = {4, 0}});
    ck_assert_msg(log.rc == 0, "%s", log.e.text);
    ck_assert_uint_eq(log.last, f.appended);
    fixture_end(&f);
}
END_TEST

START_TEST(a_log_past_the_cache_begins_in_a_short_segment)
{
    enum { SEGMENT = 4 << 20, SHORT = 1 << 20 };
    fixture_begin(&f, SEGMENT, 0);
    struct wal_pos end = wal_writer_end(f.w);
    wal_write_release(&f.wr);
    wal_writer_free(f.w);
    f.cfg.direct = true;
    ck_assert_ok(wal_writer_open(&f.w, &f.cfg, end, end.segment, f.term, f.vote, 1, NULL));
    wal_write_init(&f.wr, f.w);
    ck_assert_uint_eq(wal_writer_bytes(f.w), SEGMENT + SHORT);
    ck_assert_ok(fixture_append(&f, 9000));
    ck_assert_uint_eq(wal_writer_segment(f.w), 2);
    ck_assert_ok(fixture_append(&f, 2 * SHORT)); /* it never had so much room */
    ck_assert_uint_eq(wal_writer_segment(f.w), 3);
    ck_assert_uint_eq(wal_writer_bytes(f.w), SEGMENT + SHORT + SEGMENT);
    check_log(1, 2);
    /* Released, it makes no segment: that one is of full size. */
    ck_assert_ok(wal_writer_release_before(f.w, wal_writer_synced(f.w), NULL));
    ck_assert_ok(fixture_append(&f, 2 * SHORT));
    ck_assert_uint_eq(wal_writer_segment(f.w), 4);
    ck_assert_uint_eq(wal_writer_bytes(f.w), 2 * SEGMENT);
    fixture_end(&f);
}
END_TEST

UNIT_MAIN(every_size_comes_back, largest_payload_fits_and_no_larger, empty_log_reads_as_its_open,
          rolls_over_many_segments, one_write_may_roll_several_times,
          write_of_more_groups_than_the_kernel_takes_iovecs, one_commit_per_write_and_no_other_sync,
          headers_state_what_was_synced_before_the_write,
          mark_is_wanted_exactly_while_something_is_unstated,
          consecutive_local_frames_share_a_group, refused_seal_changes_nothing,
          failed_commit_poisons, entries_added_before_the_poison_are_refused_too,
          full_disk_is_waited_out, released_segments_are_all_used_again,
          preparation_survives_faults, a_preparation_that_fails_early_keeps_what_it_would_recycle,
          unsynced_directory_poisons, released_segments_are_recycled_or_unlinked,
          recycling_goes_round, former_life_is_never_read, leftovers_of_a_preparation_are_swept,
          segment_nobody_read_stops_the_writer, opening_syncs_what_was_read,
          changed_segment_size_takes_effect, a_log_past_the_cache_begins_in_a_short_segment)
