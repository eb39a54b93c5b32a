/* Append, roll, read, fail. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/plog/fixture.h"

static struct fixture f;

START_TEST(an_empty_log_touches_nothing)
{
    struct plog_slice s;
    struct plog_mark m;
    fixture_init(&f);
    size_t trace = io_mem_trace_len(f.mem);
    fixture_open_new(&f);
    ck_assert_int_eq(plog_log_start(f.log), 0);
    ck_assert_int_eq(plog_log_end(f.log), 0);
    ck_assert_int_eq(plog_high_watermark(f.log), 0);
    ck_assert_uint_eq(plog_bytes(f.log), 0);
    ck_assert(!plog_dirty(f.log));
    ck_assert_ok(plog_read(f.log, 0, 0, 100, true, &s, NULL));
    ck_assert_uint_eq(s.len, 0);
    ck_assert_ok(plog_roll(f.log, NULL));
    plog_mark(f.log, &m);
    ck_assert_int_eq(m.log_end, 0);
    ck_assert_int_eq(m.max_timestamp, -1);
    fixture_reopen(&f, &m);
    ck_assert_uint_eq(io_mem_trace_len(f.mem), trace);
    fixture_fill(&f, 10);
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(what_is_appended_is_read_at_every_offset)
{
    fixture_init(&f);
    fixture_open_new(&f);
    ck_assert_str_eq(plog_topic(f.log), "t");
    ck_assert_int_eq(plog_partition(f.log), 0);
    ck_assert(uuid_eq(plog_topic_id(f.log), &f.id));
    fixture_fill(&f, 150);
    int64_t bases[64];
    ck_assert_uint_gt(fixture_segments(&f, bases, 64), 5);
    fixture_check_reads(&f);
    fixture_check_all(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(the_same_on_a_real_disk)
{
    fixture_init_posix(&f);
    fixture_open_new(&f);
    fixture_fill(&f, 100);
    fixture_check_reads(&f);
    ck_assert(fixture_exists(&f, unit_path(f.cfg.dir, "t-0/partition.metadata")));
    fixture_release(&f);
}
END_TEST

START_TEST(one_append_may_span_segments)
{
    fixture_init(&f);
    fixture_open_new(&f);
    for (int i = 0; i < 60; i++)
        fixture_make(&f, 2, 40, 1000 + i, 1, 0);
    size_t writes = io_mem_calls(f.mem, IO_MEM_WRITE);
    fixture_append(&f, 0);
    int64_t bases[64];
    size_t n = fixture_segments(&f, bases, 64);
    ck_assert_uint_gt(n, 3);
    /* One write per segment, and one for partition.metadata. */
    ck_assert_uint_eq(io_mem_calls(f.mem, IO_MEM_WRITE) - writes, n + 1);
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(a_segment_does_not_exceed_its_size)
{
    struct io_stat st;
    int64_t bases[64];
    fixture_init(&f);
    fixture_open_new(&f);
    fixture_fill(&f, 100);
    fixture_make(&f, 1, 5000, 1, 1, 100); /* but a batch may be larger than that */
    fixture_append(&f, f.n - 1);
    size_t n = fixture_segments(&f, bases, 64);
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        ck_assert_ok(io_stat(f.io, fixture_path(&f, bases[i], ".log"), &st));
        ck_assert_uint_le(st.size, i + 1 < n ? 2000 : 5200);
        sum += st.size;
    }
    ck_assert_uint_gt(st.size, 2000);
    ck_assert_uint_eq(plog_bytes(f.log), sum);
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(a_segment_is_filled_to_its_size)
{
    int64_t bases[64];
    fixture_init(&f);
    fixture_make(&f, 1, 40, 1, 0, 0);
    f.cfg.settings.segment_bytes = 3 * f.batches[0].bytes.n;
    fixture_open_new(&f);
    for (int i = 1; i < 3; i++)
        fixture_make(&f, 1, 40, 1, 0, 0);
    fixture_append(&f, 0);
    ck_assert_uint_eq(fixture_segments(&f, bases, 64), 1);
    fixture_make(&f, 1, 0, 1, 0, 0);
    fixture_append(&f, 3);
    ck_assert_uint_eq(fixture_segments(&f, bases, 64), 2);
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(rolling_by_hand_begins_at_the_end)
{
    int64_t bases[64];
    fixture_init(&f);
    fixture_open_new(&f);
    fixture_fill(&f, 3);
    int64_t end = fixture_end(&f);
    ck_assert_ok(plog_roll(f.log, NULL));
    ck_assert_ok(plog_roll(f.log, NULL)); /* an empty one is not rolled */
    fixture_check_reads(&f);
    fixture_fill(&f, 3);
    ck_assert_uint_eq(fixture_segments(&f, bases, 64), 2);
    ck_assert_int_eq(bases[1], end);
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(readers_see_up_to_the_limit)
{
    struct plog_slice s;
    fixture_init(&f);
    fixture_open_new(&f);
    fixture_make(&f, 5, 10, 1, 1, 0);
    fixture_make(&f, 5, 10, 1, 1, 0);
    struct span two[] = {f.batches[0].bytes, f.batches[1].bytes};
    ck_assert_ok(plog_append(f.log, two, 2, NULL));
    ck_assert_int_eq(plog_high_watermark(f.log), 0);
    plog_set_high_watermark(f.log, 5);
    plog_set_high_watermark(f.log, 3); /* never back */
    ck_assert_int_eq(plog_high_watermark(f.log), 5);
    plog_set_high_watermark(f.log, 100); /* nor beyond the end */
    ck_assert_int_eq(plog_high_watermark(f.log), 10);
    ck_assert_ok(plog_read(f.log, 2, 5, 10000, true, &s, NULL));
    ck_assert_int_eq(s.base_offset, 0);
    ck_assert_int_eq(s.next_offset, 5);
    plog_slice_release(&s);
    ck_assert_ok(plog_read(f.log, 2, 4, 10000, true, &s, NULL)); /* the batch reaches over it */
    ck_assert_uint_eq(s.len, 0);
    ck_assert_ok(plog_read(f.log, 7, 7, 10000, true, &s, NULL));
    ck_assert_uint_eq(s.len, 0);
    ck_assert_int_eq(plog_read(f.log, 8, 7, 10000, true, &s, NULL), ERR_OFFSET);
    ck_assert_int_eq(plog_read(f.log, 11, 100, 10000, true, &s, NULL), ERR_OFFSET);
    ck_assert_int_eq(plog_read(f.log, -1, 100, 10000, true, &s, NULL), ERR_OFFSET);
    fixture_release(&f);
}
END_TEST

/* The mark memory: reading what was just appended opens and reads nothing. */
START_TEST(a_consumer_at_the_end_needs_no_io)
{
    struct plog_slice s;
    fixture_init(&f);
    f.cfg.settings.segment_bytes = 1 << 20;
    fixture_open_new(&f);
    fixture_fill(&f, 100);
    uint64_t reads = io_mem_calls(f.mem, IO_MEM_READ), opens = io_mem_calls(f.mem, IO_MEM_OPEN);
    for (int i = 0; i < 100; i++) {
        int64_t from = fixture_end(&f);
        for (int k = 0; k < 3; k++)
            fixture_make(&f, 2, 50, 5000, 1, 100);
        fixture_append(&f, f.n - 3);
        ck_assert_ok(plog_read_now(f.log, from, INT64_MAX, 1 << 20, true, &s, NULL));
        ck_assert_int_eq(s.base_offset, from);
        ck_assert_int_eq(s.next_offset, fixture_end(&f));
        ck_assert(s.verified);
        plog_slice_release(&s);
    }
    ck_assert_uint_eq(io_mem_calls(f.mem, IO_MEM_READ), reads);
    ck_assert_uint_eq(io_mem_calls(f.mem, IO_MEM_OPEN), opens);
    fixture_release(&f);
}
END_TEST

static void refused(struct span s, int code)
{
    struct err e;
    int64_t end = plog_log_end(f.log);
    uint64_t bytes = plog_bytes(f.log);
    ck_assert_int_eq(plog_append(f.log, &s, 1, &e), code);
    ck_assert_int_eq(plog_log_end(f.log), end);
    ck_assert_uint_eq(plog_bytes(f.log), bytes);
    ck_assert(plog_failed(f.log));
    ck_assert_int_eq(plog_append(f.log, &s, 1, &e), ERR_POISONED);
    ck_assert_int_eq(plog_roll(f.log, &e), ERR_POISONED);
}

static void filled(void)
{
    fixture_init(&f);
    fixture_open_new(&f);
    fixture_fill(&f, 20);
}

START_TEST(batches_must_follow_the_end)
{
    filled();
    refused(f.batches[3].bytes, ERR_INVALID);
    fixture_check_reads(&f); /* reading goes on */
    fixture_release(&f);
    filled();
    fixture_make(&f, 1, 5, 1, 1, 50);
    fixture_make(&f, 1, 5, 1, 1, 50);
    refused(f.batches[f.n - 1].bytes, ERR_INVALID);
    fixture_release(&f);
    filled();
    fixture_make(&f, 1, 5, 1, 1, 50);
    struct span cut = f.batches[f.n - 1].bytes;
    cut.n--;
    refused(cut, ERR_INVALID);
    fixture_release(&f);
    filled();
    fixture_make(&f, 1, 5, 1, 1, -1); /* an epoch of the past */
    refused(f.batches[f.n - 1].bytes, ERR_INVALID);
    fixture_release(&f);
}
END_TEST

/* A fault at the k-th call of any kind: nothing of the append is seen, everything before it is. */
START_TEST(a_failed_write_changes_nothing)
{
    static const enum io_mem_call kinds[] = {IO_MEM_WRITE, IO_MEM_OPEN, IO_MEM_RENAME};
    size_t fired = 0;
    for (size_t kind = 0; kind < 3; kind++) {
        for (uint64_t k = 1; k < 8; k++) {
            for (int fresh = 0; fresh < 2; fresh++) {
                fixture_init(&f);
                fixture_open_new(&f);
                if (!fresh)
                    fixture_fill(&f, 20);
                size_t n = f.n;
                struct span spans[40];
                for (int i = 0; i < 40; i++) {
                    fixture_make(&f, 2, 50, 1, 1, 77);
                    spans[i] = f.batches[f.n - 1].bytes;
                }
                int64_t end = plog_log_end(f.log);
                uint64_t bytes = plog_bytes(f.log);
                size_t epochs, epochs_after;
                plog_epochs(f.log, &epochs);
                io_mem_fail(f.mem, kinds[kind], k, EIO, 1);
                struct err e;
                int rc = plog_append(f.log, spans, 40, &e);
                if (io_mem_faults(f.mem)) {
                    fired++;
                    ck_assert_int_eq(rc, -EIO);
                    ck_assert(plog_failed(f.log));
                    ck_assert_int_eq(plog_log_end(f.log), end);
                    ck_assert_uint_eq(plog_bytes(f.log), bytes);
                    plog_epochs(f.log, &epochs_after);
                    ck_assert_uint_eq(epochs_after, epochs);
                    fixture_cut(&f, end);
                    ck_assert_uint_eq(f.n, n);
                    if (n)
                        fixture_check_all(&f);
                    /* A restart from where the log stood goes on. */
                    struct plog_mark m;
                    plog_mark(f.log, &m);
                    fixture_reopen(&f, &m);
                    fixture_fill(&f, 40);
                    fixture_check_reads(&f);
                } else {
                    ck_assert_ok(rc);
                }
                fixture_release(&f);
            }
        }
    }
    ck_assert_uint_gt(fired, 15);
}
END_TEST

START_TEST(slices_outlive_the_log)
{
    struct plog_slice s, t;
    uint8_t buf[4096];
    fixture_init(&f);
    fixture_open_new(&f);
    fixture_fill(&f, 30);
    ck_assert_ok(plog_read(f.log, 0, INT64_MAX, 2000, true, &s, NULL));
    t = s;
    plog_slice_ref(&t);
    plog_free(f.log);
    f.log = NULL;
    plog_slice_release(&s);
    ck_assert_int_eq(io_pread(t.file, buf, t.len, t.pos), t.len);
    ck_assert_mem_eq(buf, f.batches[0].bytes.p, f.batches[0].bytes.n);
    plog_slice_release(&t);
    fixture_release(&f);
}
END_TEST

START_TEST(a_leftover_directory_is_not_mixed_in)
{
    fixture_init(&f);
    fixture_open_new(&f);
    fixture_fill(&f, 50);
    plog_free(f.log);
    fixture_cut(&f, 0);
    fixture_open_new(&f); /* the same topic: emptied */
    fixture_fill(&f, 5);
    fixture_check_reads(&f);
    int64_t bases[4];
    ck_assert_uint_eq(fixture_segments(&f, bases, 4), 1);
    plog_free(f.log);
    fixture_cut(&f, 0);
    f.id.b[0] = 99; /* another one: refused */
    fixture_open_new(&f);
    fixture_make(&f, 1, 1, 1, 1, 0);
    struct err e;
    ck_assert_int_eq(plog_append(f.log, &f.batches[0].bytes, 1, &e), ERR_EXISTS);
    ck_assert_ptr_nonnull(strstr(e.text, "/t-0"));
    fixture_release(&f);
}
END_TEST

START_TEST(epochs_are_remembered)
{
    struct plog_epoch found;
    int64_t end;
    size_t n;
    fixture_init(&f);
    fixture_open_new(&f);
    plog_epoch_end(f.log, 3, &found, &end);
    ck_assert_int_eq(found.epoch, -1);
    ck_assert_int_eq(end, -1);
    ck_assert_int_eq(plog_epoch_of(f.log, 0), -1);
    static const int32_t epochs[] = {2, 2, 5, 5, 5, 9};
    for (int i = 0; i < 6; i++)
        fixture_make(&f, 10, 1, 1, 1, epochs[i]);
    fixture_append(&f, 0);
    const struct plog_epoch *e = plog_epochs(f.log, &n);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(e[1].epoch, 5);
    ck_assert_int_eq(e[1].start, 20);
    static const struct {
        int32_t ask, epoch;
        int64_t start, end;
    } cases[] = {{-1, -1, -1, -1}, {0, 0, 0, 0},   {1, 1, 0, 0},   {2, 2, 0, 20},  {4, 2, 0, 20},
                 {5, 5, 20, 50},   {8, 5, 20, 50}, {9, 9, 50, 60}, {10, 9, 50, 60}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plog_epoch_end(f.log, cases[i].ask, &found, &end);
        ck_assert_int_eq(found.epoch, cases[i].epoch);
        ck_assert_int_eq(found.start, cases[i].start);
        ck_assert_int_eq(end, cases[i].end);
    }
    ck_assert_int_eq(plog_epoch_of(f.log, 19), 2);
    ck_assert_int_eq(plog_epoch_of(f.log, 20), 5);
    ck_assert_int_eq(plog_epoch_of(f.log, 1000), 9);
    ck_assert_ok(plog_set_log_start(f.log, 20, NULL)); /* where one ends and the next begins */
    e = plog_epochs(f.log, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(e[0].epoch, 5);
    ck_assert_ok(plog_set_log_start(f.log, 30, NULL));
    e = plog_epochs(f.log, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(e[0].epoch, 5);
    ck_assert_int_eq(e[0].start, 30);
    ck_assert_ok(plog_set_log_start(f.log, 60, NULL));
    e = plog_epochs(f.log, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(e[0].epoch, 9);
    ck_assert_int_eq(e[0].start, 60);
    fixture_release(&f);
}
END_TEST

UNIT_MAIN(an_empty_log_touches_nothing, what_is_appended_is_read_at_every_offset,
          the_same_on_a_real_disk, one_append_may_span_segments, a_segment_does_not_exceed_its_size,
          a_segment_is_filled_to_its_size, rolling_by_hand_begins_at_the_end,
          readers_see_up_to_the_limit, a_consumer_at_the_end_needs_no_io,
          batches_must_follow_the_end, a_failed_write_changes_nothing, slices_outlive_the_log,
          a_leftover_directory_is_not_mixed_in, epochs_are_remembered)
