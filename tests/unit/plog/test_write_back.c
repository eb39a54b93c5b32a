/* What a log hands to the disk as it grows: each byte once, and nothing that a syncing need know.
 */
#include <errno.h>

#include "plog/plog_impl.h"
#include "tests/unit/plog/fixture.h"

enum { PAGE = 4096 };

static struct fixture f;

static void begin(uint64_t segment_bytes, bool buffered)
{
    fixture_init(&f);
    f.cfg.settings.segment_bytes = segment_bytes;
    f.cfg.buffered = buffered;
    fixture_open_new(&f);
}

/* Take the next piece, and hand it over; it ends at byte `end` of the segment that begins at base.
 */
static void expect_piece(int64_t base, uint64_t pos, uint64_t end)
{
    struct plog_write_back w;
    ck_assert(plog_write_back_begin(f.log, &w));
    ck_assert_int_eq(((struct plog_segment *)w.owner)->base, base);
    ck_assert_uint_eq(w.pos, pos);
    ck_assert_uint_eq(w.pos + w.len, end);
    ck_assert_ok(plog_write_back_run(&w, NULL));
    plog_write_back_release(&w);
}

static void expect_none(void)
{
    struct plog_write_back w;
    ck_assert_uint_eq(plog_unwritten(f.log), 0);
    ck_assert(!plog_write_back_begin(f.log, &w));
}

START_TEST(each_byte_is_handed_once)
{
    begin(1 << 20, false);
    expect_none();
    fixture_fill(&f, 100);
    uint64_t first = plog_bytes(f.log);
    ck_assert_uint_gt(first, PAGE);
    ck_assert_uint_eq(plog_unwritten(f.log), first);
    expect_piece(0, 0, first);
    expect_none();
    fixture_fill(&f, 10);
    uint64_t second = plog_bytes(f.log);
    ck_assert_uint_eq(plog_unwritten(f.log), second - first);
    expect_piece(0, first - first % PAGE, second); /* by whole pages */
    expect_none();
    fixture_release(&f);
}
END_TEST

START_TEST(older_segments_go_first)
{
    int64_t bases[64];
    begin(2000, false);
    fixture_fill(&f, 60);
    size_t n = fixture_segments(&f, bases, 64);
    ck_assert_uint_gt(n, 3);
    ck_assert_uint_eq(plog_unwritten(f.log), plog_bytes(f.log));
    for (size_t i = 0; i < n; i++)
        expect_piece(bases[i], 0, plog_segment_bytes(plog_segments(f.log)->seg[i]));
    expect_none();
    fixture_release(&f);
}
END_TEST

START_TEST(what_is_in_memory_is_not_in_the_file)
{
    begin(1 << 20, true);
    fixture_make(&f, 1, 50, 1000, 0, 100);
    fixture_append(&f, 0);
    ck_assert_uint_gt(plog_buffered(f.log), 0);
    expect_none();
    ck_assert_ok(plog_flush(f.log, NULL));
    expect_piece(0, 0, plog_bytes(f.log));
    fixture_release(&f);
}
END_TEST

START_TEST(a_syncing_covers_it_until_it_is_undone)
{
    struct plog_syncing *s;
    begin(1 << 20, false);
    fixture_fill(&f, 20);
    uint64_t handed = plog_bytes(f.log);
    expect_piece(0, 0, handed);
    ck_assert(plog_dirty(f.log)); /* it is no syncing */
    fixture_fill(&f, 20);
    ck_assert_ok(plog_sync_begin(f.log, &s, NULL));
    expect_none();
    plog_sync_undo(f.log, s);
    plog_syncing_free(s);
    ck_assert_uint_eq(plog_unwritten(f.log), plog_bytes(f.log) - handed);
    fixture_sync(&f, false);
    expect_none();
    fixture_fill(&f, 1);
    ck_assert_uint_gt(plog_unwritten(f.log), 0);
    fixture_release(&f);
}
END_TEST

START_TEST(what_was_there_at_the_start_is_not_handed)
{
    struct plog_mark mark;
    begin(1 << 20, false);
    fixture_fill(&f, 50);
    fixture_sync(&f, false);
    plog_mark(f.log, &mark);
    uint64_t old = plog_bytes(f.log);
    fixture_reopen(&f, &mark);
    expect_none();
    fixture_fill(&f, 1);
    ck_assert_uint_eq(plog_unwritten(f.log), plog_bytes(f.log) - old);
    fixture_release(&f);
}
END_TEST

START_TEST(failures_name_the_file)
{
    static const int errors[] = {EIO, ENOSPC, ENOTSUP};
    for (size_t i = 0; i < 3; i++) {
        struct plog_write_back w;
        struct err e;
        begin(1 << 20, false);
        fixture_fill(&f, 5);
        ck_assert(plog_write_back_begin(f.log, &w));
        io_mem_fail(f.mem, IO_MEM_WRITE_BACK, 1, errors[i], 1);
        ck_assert_int_eq(plog_write_back_run(&w, &e), -errors[i]);
        ck_assert_ptr_nonnull(strstr(e.text, "00000000000000000000.log: write back"));
        plog_write_back_release(&w);
        fixture_release(&f);
    }
}
END_TEST

START_TEST(a_piece_outlives_the_log)
{
    struct plog_write_back w;
    begin(1 << 20, false);
    fixture_fill(&f, 5);
    ck_assert(plog_write_back_begin(f.log, &w));
    plog_free(f.log);
    f.log = NULL;
    ck_assert_ok(plog_remove(&f.cfg, "t", 0, &f.id, NULL));
    ck_assert_ok(plog_write_back_run(&w, NULL));
    plog_write_back_release(&w);
    fixture_release(&f);
}
END_TEST

UNIT_MAIN(each_byte_is_handed_once, older_segments_go_first, what_is_in_memory_is_not_in_the_file,
          a_syncing_covers_it_until_it_is_undone, what_was_there_at_the_start_is_not_handed,
          failures_name_the_file, a_piece_outlives_the_log)
