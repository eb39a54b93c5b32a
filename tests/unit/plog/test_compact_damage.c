/* What reading makes of a compacted log whose bytes, or hints, are not those that were written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plog/compact_impl.h"
#include "tests/unit/plog/compact_kit.h"

static struct kit k;

/* A gap in a log that was never compacted is a loss; in one that was, the ends of segments still
 * have to meet. */
START_TEST(gaps_are_good_only_where_compaction_was)
{
    struct io_file *file;
    struct plog_slice s;
    struct err e;
    kit_init(&k);
    fixture_open_new(&k.f);
    kit_fill(&k, 50);
    kit_seal(&k);
    kit_compact(&k);
    kit_reopen(&k);
    kit_check(&k, (int64_t)k.n, 0);

    /* Cut at the end of a batch: a compacted segment lost what its end must reach. */
    struct batch all[256];
    size_t n = kit_walk_all(&k, all, 256);
    ck_assert_uint_gt(n, 3);
    const char *path = fixture_path(&k.f, 0, ".log");
    uint64_t bytes = 0;
    int64_t bases[16];
    size_t n_segments = fixture_segments(&k.f, bases, 16);
    for (size_t i = 0; i < n && all[i].base_offset < bases[1]; i++) {
        if (i + 1 < n && all[i + 1].base_offset < bases[1])
            bytes += batch_size(&all[i]);
    }
    ck_assert_uint_ge(n_segments, 2);
    ck_assert_ok(io_open(k.f.io, path, IO_WRITE, &file));
    ck_assert_ok(io_truncate(file, bytes));
    io_close(file);
    kit_reopen(&k);
    int rc = plog_read(k.f.log, 0, INT64_MAX, 1 << 20, true, &s, &e);
    if (rc == 0)
        rc = plog_slice_verify(k.f.log, &s, &e);
    plog_slice_release(&s);
    ck_assert_int_eq(rc, ERR_CORRUPT);
    kit_release(&k);

    /* Without its progress file the log counts as never compacted. */
    kit_init(&k);
    fixture_open_new(&k.f);
    kit_fill(&k, 50);
    kit_seal(&k);
    kit_compact(&k);
    ck_assert_ok(io_unlink(k.f.io, "/t-0/compaction-checkpoint"));
    kit_reopen(&k);
    rc = plog_read(k.f.log, 0, INT64_MAX, 1 << 20, true, &s, &e);
    if (rc == 0)
        rc = plog_slice_verify(k.f.log, &s, &e);
    plog_slice_release(&s);
    ck_assert_int_eq(rc, ERR_CORRUPT);
    kit_release(&k);
}
END_TEST

/* Of what compaction may come to, but has not, there is no file that tells where gaps are. */
START_TEST(a_batch_that_has_moved_onto_the_next_is_noticed)
{
    struct plog_slice s;
    struct err e;
    size_t size;
    kit_init(&k);
    fixture_open_new(&k.f);
    kit_append(&k, 1, BATCH_NONE);
    kit_append(&k, 2, BATCH_NONE);
    kit_seal(&k);
    struct plog_progress progress = {0, plog_log_end(k.f.log)};
    ck_assert_ok(plog_progress_save(k.f.io, "/t-0", &progress, &e));
    uint8_t *p = io_mem_bytes(k.f.mem, fixture_path(&k.f, 0, ".log"), &size);
    p[7] ^= 1; /* the first one's offset: 1 */
    kit_reopen(&k);
    int rc = plog_read(k.f.log, 0, plog_log_end(k.f.log), 1, true, &s, &e);
    if (rc == 0)
        rc = plog_slice_verify(k.f.log, &s, &e);
    ck_assert_int_eq(rc, ERR_CORRUPT);
    plog_slice_release(&s);
    kit_release(&k);
}
END_TEST

/* So is one whose length was changed to that of two. */
START_TEST(a_batch_that_reaches_over_the_next_is_noticed)
{
    enum { LENGTH = 8 };
    struct plog_slice s;
    struct err e;
    size_t size;
    kit_init(&k);
    fixture_open_new(&k.f);
    kit_append(&k, 1, BATCH_NONE);
    kit_append(&k, 1, BATCH_NONE);
    kit_append(&k, 1, BATCH_NONE);
    kit_seal(&k);
    struct plog_progress progress = {0, plog_log_end(k.f.log)};
    ck_assert_ok(plog_progress_save(k.f.io, "/t-0", &progress, &e));
    uint8_t *p = io_mem_bytes(k.f.mem, fixture_path(&k.f, 0, ".log"), &size);
    uint32_t length = get_be32(p + LENGTH);
    uint32_t second = get_be32(p + BATCH_PREFIX + length + LENGTH);
    put_be32(p + LENGTH, length + BATCH_PREFIX + second);
    kit_reopen(&k);
    ck_assert_int_eq(plog_read(k.f.log, 1, plog_log_end(k.f.log), 1, true, &s, &e), ERR_CORRUPT);
    kit_release(&k);
}
END_TEST

/* A compacted log, read back by another process. */
static void compacted_log(uint32_t seed)
{
    kit_init(&k);
    k.f.random = seed;
    k.n_keys = 60;
    fixture_open_new(&k.f);
    kit_fill(&k, 80);
    kit_seal(&k);
    kit_compact(&k);
}

static int read_through(void)
{
    int64_t offset = 0, end = plog_log_end(k.f.log);
    while (offset < end) {
        struct plog_slice s;
        int rc = plog_read(k.f.log, offset, end, 1 + fixture_random(&k.f, 500), true, &s, NULL);
        if (rc == 0)
            rc = plog_slice_verify(k.f.log, &s, NULL);
        offset = s.next_offset;
        plog_slice_release(&s);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Base offsets are under no CRC, and none is due where offsets may be missing. */
START_TEST(no_flipped_bit_of_a_compacted_segment_is_served)
{
    int64_t bases[16];
    for (uint32_t i = 0; i < 300; i++) {
        size_t size;
        compacted_log(i);
        size_t n = fixture_segments(&k.f, bases, 16) - 1; /* the active one is empty */
        const char *path = fixture_path(&k.f, bases[fixture_random(&k.f, (uint32_t)n)], ".log");
        uint8_t *p = io_mem_bytes(k.f.mem, path, &size);
        size_t at = i % 2 ? fixture_random(&k.f, (uint32_t)size) : i / 2 % 8;
        p[at] ^= (uint8_t)(1 << fixture_random(&k.f, 8));
        kit_reopen(&k);
        ck_assert_int_eq(read_through(), ERR_CORRUPT);

        /* Nor is it made right by another compaction. */
        kit_fill(&k, 10);
        kit_seal(&k);
        ck_assert_int_eq(kit_finish(&k, kit_begin(&k), NULL), ERR_CORRUPT);
        kit_release(&k);
    }
}
END_TEST

START_TEST(a_damaged_check_file_does_no_harm)
{
    for (int damage = 0; damage < 100; damage++) {
        size_t size;
        compacted_log(7);
        uint8_t *p = io_mem_bytes(k.f.mem, fixture_path(&k.f, 0, ".check"), &size);
        ck_assert_ptr_nonnull(p);
        if (damage == 0)
            ck_assert_ok(io_unlink(k.f.io, fixture_path(&k.f, 0, ".check")));
        else
            p[fixture_random(&k.f, (uint32_t)size)] ^= (uint8_t)(1 << damage % 8);
        kit_reopen(&k);
        kit_check(&k, (int64_t)k.n, 0);
        kit_fill(&k, 10);
        kit_seal(&k);
        kit_compact(&k);
        kit_reopen(&k);
        kit_check(&k, (int64_t)k.n, 0);
        kit_release(&k);
    }
}
END_TEST

START_TEST(a_damaged_progress_file_costs_work_only)
{
    for (size_t at = 0;; at++) {
        size_t size;
        kit_init(&k);
        fixture_open_new(&k.f);
        kit_fill(&k, 50);
        kit_seal(&k);
        kit_compact(&k);
        uint8_t *p = io_mem_bytes(k.f.mem, "/t-0/compaction-checkpoint", &size);
        if (at == size)
            break;
        p[at] ^= 1;
        kit_reopen(&k);
        kit_check(&k, (int64_t)k.n, 0);
        kit_fill(&k, 30);
        kit_seal(&k);
        kit_compact(&k);
        kit_check(&k, (int64_t)k.n, 0);
        kit_reopen(&k);
        kit_check(&k, (int64_t)k.n, 0);
        kit_release(&k);
    }
    kit_release(&k);
}
END_TEST

UNIT_MAIN(gaps_are_good_only_where_compaction_was, a_batch_that_has_moved_onto_the_next_is_noticed,
          a_batch_that_reaches_over_the_next_is_noticed,
          no_flipped_bit_of_a_compacted_segment_is_served, a_damaged_check_file_does_no_harm,
          a_damaged_progress_file_costs_work_only)
