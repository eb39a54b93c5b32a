/* What retention removes, what it must not, and when the space is free. */
#include "shard/machine_data.h"
#include "tests/shard/rig.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static struct rig_topic *t;
static struct plog *tlog;
static struct err err;

enum { MINUTE = 60000, HOUR = 60 * MINUTE, CHECK_MS = 10 * MINUTE };
#define TEN_YEARS (INT64_C(3653) * 24 * HOUR)

static void open_rig(void)
{
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
    t = rig_topic(&rig, "t");
    tlog = t ? shard_partition(rig.shard[1].s, &t->id, 0) : NULL;
}

/* One partition, checked every ten minutes; records live for a day, a segment takes an hour. */
static void begin(void)
{
    rig_init(&rig, NULL);
    rig.retention_check_ms = CHECK_MS;
    rig.settings.retention_ms = 24 * (int64_t)HOUR;
    rig.settings.segment_ms = HOUR;
    open_rig();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    t = rig_topic(&rig, "t");
    tlog = shard_partition(rig.shard[1].s, &t->id, 0);
}

static void restart(void)
{
    ck_assert_ok(rig_stop(&rig));
    open_rig();
}

/* Let time pass as it does: in steps. */
static void pass(int64_t ms)
{
    for (; ms > 0; ms -= CHECK_MS)
        rig_pass(&rig, ms < CHECK_MS ? ms : CHECK_MS);
}

static void produce(int records)
{
    struct rig_batch *b = rig_produce(&rig, t, 0, records, 100, -1, 0, 0);
    rig_flush(&rig);
    rig_run(&rig);
    ck_assert_int_eq(b->produce.code, 0);
}

/* n segments of ten records, an hour apart: the next one would begin now. */
static void fill(int n)
{
    for (int i = 0; i < n; i++) {
        produce(10);
        pass(HOUR + MINUTE);
    }
}

static void checkpoint(void)
{
    shard_checkpoint(rig.shard[1].s);
    rig_run(&rig);
}

static size_t files(void)
{
    char **names, path[IO_PATH_MAX], dir[IO_PATH_MAX];
    size_t n, found = 0;
    ck_assert_ok(node_log_dir(dir, sizeof dir, RIG_DIR));
    ck_assert_ok(io_path(path, sizeof path, dir, "t-0"));
    ck_assert_ok(io_names(io_mem_io(rig.disk), path, &names, &n));
    for (size_t i = 0; i < n; i++)
        found += strstr(names[i], ".log") != NULL;
    io_names_free(names, n);
    return found;
}

static void ck_log(int64_t start, int64_t end)
{
    ck_assert_int_eq(plog_log_start(tlog), start);
    ck_assert_int_eq(plog_log_end(tlog), end);
    ck_assert_int_eq(plog_high_watermark(tlog), end);
}

static void end(void)
{
    size_t checked;
    ck_assert_msg(rig_check(&rig, &rig, io_mem_trace_len(rig.disk), &checked, &err) == 0, "%s",
                  err.text);
    rig_release(&rig);
}

/* ---- by age */

START_TEST(old_segments_go_whole_and_oldest_first)
{
    begin();
    fill(23);
    ck_log(0, 230);
    pass(50 * MINUTE);
    ck_log(10, 230); /* its last record is a day old and a check was made */
    pass(2 * HOUR);
    ck_log(30, 230);
    checkpoint();
    checkpoint(); /* no recovery begins before the segments any more */
    ck_assert_uint_eq(files(), 20);
    end();
}
END_TEST

START_TEST(the_active_segment_goes_when_all_of_it_is_old)
{
    begin();
    fill(2);
    pass(26 * HOUR);
    ck_log(20, 20);
    checkpoint();
    checkpoint();
    ck_assert_uint_eq(files(), 0);
    restart();
    ck_log(20, 20);
    produce(5);
    ck_log(20, 25);
    restart();
    ck_log(20, 25);
    end();
}
END_TEST

START_TEST(one_young_record_keeps_its_segment)
{
    begin();
    rig.settings.segment_ms = INT64_MAX;
    restart();
    produce(10);
    pass(23 * HOUR);
    produce(1);
    pass(23 * HOUR);
    ck_log(0, 11);
    pass(2 * HOUR);
    ck_log(11, 11);
    end();
}
END_TEST

/* ---- by size */

static void keep_bytes(uint64_t n)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    ck_assert_ok(rig_set(&rig, t, "retention.bytes", text));
}

START_TEST(as_many_bytes_stay_as_are_wanted)
{
    begin();
    rig.settings.retention_ms = -1;
    restart();
    fill(10);
    uint64_t one = plog_bytes(tlog) / 10;
    keep_bytes(one * 4 - 1);
    pass(CHECK_MS);
    ck_log(60, 100);
    for (int i = 0; i < 5; i++) /* the files of before are still there, and do not count */
        pass(CHECK_MS);
    ck_log(60, 100);
    fill(1);
    ck_log(70, 110);
    keep_bytes(one * 3 + 1);
    pass(CHECK_MS);
    ck_log(70, 110);
    keep_bytes(0);
    pass(CHECK_MS);
    ck_log(110, 110);
    rig_release(&rig);
}
END_TEST

/* ---- whose records */

START_TEST(only_the_policy_delete_removes)
{
    begin();
    ck_assert_ok(rig_set(&rig, t, "cleanup.policy", "compact"));
    ck_assert_ok(rig_set(&rig, t, "retention.bytes", "0"));
    fill(2);
    pass(48 * HOUR);
    ck_log(0, 20);
    ck_assert_ok(rig_set(&rig, t, "cleanup.policy", "compact,delete"));
    pass(CHECK_MS);
    ck_log(20, 20);
    rig_release(&rig);
}
END_TEST

START_TEST(settings_count_as_they_are_altered)
{
    begin();
    fill(3);
    ck_assert_ok(rig_set(&rig, t, "retention.ms", "-1"));
    pass(48 * HOUR);
    ck_log(0, 30);
    ck_assert_ok(rig_set(&rig, NULL, "log.retention.ms", "3600000"));
    pass(CHECK_MS);
    ck_log(0, 30); /* the topic's own comes first */
    ck_assert_ok(rig_set(&rig, t, "retention.ms", NULL));
    pass(CHECK_MS);
    ck_log(30, 30);
    ck_assert_ok(rig_set(&rig, t, "segment.bytes", "1024"));
    ck_assert_ok(rig_set(&rig, t, "retention.ms", "-1"));
    size_t n = plog_segments_count(tlog);
    for (int i = 0; i < 4; i++)
        produce(8);
    ck_assert_uint_eq(plog_segments_count(tlog), n + 3);
    ck_assert_ok(rig_set(&rig, t, "segment.bytes", NULL));
    produce(8);
    produce(8);
    ck_assert_uint_eq(plog_segments_count(tlog), n + 3);
    rig_release(&rig);
}
END_TEST

/* ---- time */

START_TEST(a_clock_that_jumps_removes_nothing)
{
    begin();
    fill(3);
    rig.clock.wall += TEN_YEARS;
    pass(CHECK_MS * 5);
    ck_log(0, 30);
    rig.clock.wall -= 2 * TEN_YEARS;
    pass(CHECK_MS * 5);
    ck_log(0, 30);
    rig.clock.wall += TEN_YEARS;
    pass(CHECK_MS * 5);
    ck_log(0, 30);
    rig.clock.wall += TEN_YEARS; /* but what lasts is taken for the truth */
    pass(CHECK_MS * 8);
    ck_log(30, 30);
    end();
}
END_TEST

/* Also when it jumped while the broker was off, and when a checkpoint was made meanwhile. */
START_TEST(a_clock_that_jumped_before_a_start_removes_nothing)
{
    begin();
    fill(3);
    rig.clock.wall += TEN_YEARS;
    restart();
    pass(CHECK_MS * 3);
    ck_log(0, 30);
    checkpoint();
    restart();
    pass(CHECK_MS * 5);
    ck_log(0, 30);
    pass(CHECK_MS * 2);
    ck_log(30, 30);
    end();
}
END_TEST

/* Nor does it make the shard forget what producers sent last. */
START_TEST(a_clock_that_jumps_forgets_no_producer)
{
    begin();
    struct rig_batch *first = rig_produce(&rig, t, 0, 1, 10, 7, 0, 0);
    rig_flush(&rig);
    rig_run(&rig);
    rig.clock.wall += TEN_YEARS;
    checkpoint();
    struct rig_batch *again = rig_produce_again(&rig, first);
    rig_flush(&rig);
    rig_run(&rig);
    ck_assert_int_eq(again->produce.code, 0);
    ck_log(0, 1);
    end();
}
END_TEST

static struct rig_batch *idempotent(int64_t producer)
{
    struct rig_batch *b = rig_produce(&rig, t, 0, 1, 10, producer, 0, 0);
    rig_flush(&rig);
    rig_run(&rig);
    return b;
}

static void ck_known(const struct rig_batch *first, int64_t end_offset)
{
    struct rig_batch *again = rig_produce_again(&rig, first);
    rig_flush(&rig);
    rig_run(&rig);
    ck_assert_int_eq(again->produce.code, 0);
    ck_log(0, end_offset);
}

static void begin_forgetful(void)
{
    rig_init(&rig, NULL);
    rig.retention_check_ms = CHECK_MS;
    rig.producer_expiry_ms = 24 * (int64_t)HOUR;
    open_rig();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    restart();
}

static void begin_behind(void)
{
    begin_forgetful();
    rig.clock.wall -= 72 * (int64_t)HOUR;
    restart();
}

/* A start three days behind, and the clock is set soon: what was noted meanwhile is not three days
 * old for the process that comes next. */
START_TEST(a_clock_that_was_behind_forgets_no_producer)
{
    begin_behind();
    struct rig_batch *first = idempotent(7);
    rig.clock.wall += 72 * (int64_t)HOUR;
    pass(2 * HOUR);
    checkpoint();
    ck_known(first, 1);
    restart();
    checkpoint();
    ck_known(first, 1);
    rig_release(&rig);
}
END_TEST

/* Nor what was noted since, by the same process, however long ago the leap was. */
START_TEST(a_clock_that_was_behind_is_not_noted_by_for_ever)
{
    begin_behind();
    rig.clock.wall += 72 * (int64_t)HOUR;
    struct rig_batch *first = idempotent(7);
    pass(28 * (int64_t)HOUR);
    struct rig_batch *late = idempotent(8);
    checkpoint();
    ck_known(late, 2);
    ck_known(first, 3); /* a day after the leap it was forgotten */
    rig_release(&rig);
}
END_TEST

/* The clock stood behind for a moment, and what was staged then is replayed. */
START_TEST(what_a_replay_tells_is_no_older_than_the_checkpoint)
{
    begin_forgetful();
    checkpoint();
    rig.clock.wall -= 72 * (int64_t)HOUR;
    struct rig_batch *first = idempotent(7);
    rig.clock.wall += 72 * (int64_t)HOUR;
    rig_drop(&rig); /* killed */
    open_rig();
    checkpoint();
    ck_known(first, 1);
    end();
}
END_TEST

START_TEST(records_from_the_future_stay)
{
    begin();
    rig.clock.wall += TEN_YEARS;
    produce(10);
    rig.clock.wall -= TEN_YEARS;
    fill(3);
    pass(48 * HOUR);
    ck_log(0, 40);
    ck_assert_ok(rig_set(&rig, t, "retention.bytes", "0")); /* size does not care */
    pass(CHECK_MS);
    ck_log(40, 40);
    rig_release(&rig);
}
END_TEST

/* ---- after a restart */

START_TEST(times_of_before_a_start_are_read)
{
    for (int lost = 0; lost < 2; lost++) {
        begin();
        fill(100);
        ck_assert_int_ge(plog_log_start(tlog), 700);
        checkpoint();
        restart();
        int64_t start = plog_log_start(tlog);
        for (size_t i = 0; lost && i < plog_segments_count(tlog); i++) {
            char path[IO_PATH_MAX], dir[IO_PATH_MAX];
            node_log_dir(dir, sizeof dir, RIG_DIR);
            ck_assert_ok(io_path(path, sizeof path, dir, "t-0/%020lld.check",
                                 (long long)plog_segments_at(tlog, i).base));
            io_unlink(io_mem_io(rig.disk), path);
        }
        pass(5 * HOUR);
        ck_assert_int_ge(plog_log_start(tlog), start + 30);
        pass(48 * HOUR);
        ck_log(1000, 1000);
        end();
    }
}
END_TEST

/* More of them than are read at a time. */
START_TEST(a_long_log_goes_at_once)
{
    begin();
    ck_assert_ok(rig_set(&rig, t, "retention.ms", "-1"));
    fill(200);
    restart();
    pass(26 * HOUR);
    ck_assert_ok(rig_set(&rig, t, "retention.ms", NULL));
    pass(CHECK_MS);
    ck_log(2000, 2000);
    end();
}
END_TEST

START_TEST(a_damaged_segment_keeps_itself_and_what_follows)
{
    char path[IO_PATH_MAX], dir[IO_PATH_MAX];
    size_t n;
    begin();
    fill(5);
    restart();
    node_log_dir(dir, sizeof dir, RIG_DIR);
    ck_assert_ok(io_path(path, sizeof path, dir, "t-0/%020d.check", 20));
    ck_assert_ok(io_unlink(io_mem_io(rig.disk), path));
    ck_assert_ok(io_path(path, sizeof path, dir, "t-0/%020d.log", 20));
    io_mem_bytes(rig.disk, path, &n)[16] ^= 1;
    pass(48 * HOUR);
    ck_log(20, 50);
    rig_release(&rig);
}
END_TEST

/* Reading is under way when its partition is deleted, and when the shard stops. */
START_TEST(what_is_read_may_be_gone)
{
    begin();
    fill(5);
    restart();
    rig.hold_jobs = true;
    clock_manual_advance(&rig.clock, 30 * HOUR);
    shard_tick(rig.shard[1].s);
    ck_assert_uint_eq(rig.shard[1].n_jobs, 1);
    rig_delete_topic(&rig, "t");
    rig.hold_jobs = false;
    rig_run(&rig);
    ck_assert(!shard_poisoned(rig.shard[1].s));
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    t = rig_topic(&rig, "t");
    tlog = shard_partition(rig.shard[1].s, &t->id, 0);
    fill(2);
    restart();
    rig.hold_jobs = true;
    clock_manual_advance(&rig.clock, 30 * HOUR);
    shard_tick(rig.shard[1].s);
    ck_assert_uint_eq(rig.shard[1].n_jobs, 1);
    shard_stop(rig.shard[1].s);
    ck_assert(!shard_stopped(rig.shard[1].s));
    rig.hold_jobs = false;
    rig_run(&rig);
    ck_assert(shard_stopped(rig.shard[1].s));
    rig_release(&rig);
}
END_TEST

/* ---- space */

/* Without any traffic that would ask for checkpoints. */
START_TEST(space_comes_free_in_silence)
{
    begin();
    fill(3);
    rig.checkpoint_ms = MINUTE;
    restart();
    pass(26 * HOUR);
    ck_log(30, 30);
    ck_assert_uint_eq(files(), 0);
    struct shard_stats before, after;
    shard_stats(rig.shard[1].s, &before);
    pass(26 * HOUR);
    shard_stats(rig.shard[1].s, &after);
    ck_assert_uint_eq(before.checkpoints, after.checkpoints);
    end();
}
END_TEST

START_TEST(a_file_whose_records_were_deleted_comes_free)
{
    begin();
    rig.checkpoint_ms = MINUTE;
    rig.settings.retention_ms = -1;
    restart();
    produce(10);
    struct rig_trim *x = rig_trim(&rig, t, 0, -1);
    rig_flush(&rig);
    rig_run(&rig);
    ck_assert_int_eq(x->trim.code, 0);
    ck_assert_int_eq(x->trim.log_start, 10);
    ck_assert_int_eq(x->trim.low_watermark, 10);
    ck_assert_uint_eq(files(), 1);
    pass(HOUR);
    ck_assert_uint_eq(files(), 0);
    produce(1);
    ck_log(10, 11);
    end();
}
END_TEST

/* What has gathered in memory is written when a segment ends. Where that fails, the log is offline
 * and no checkpoint may be made, from then on and not from the next checkpoint on. */
START_TEST(a_log_that_fails_while_it_rolls_is_offline_at_once)
{
    for (int deleted = 0; deleted < 2; deleted++) {
        begin();
        rig.buffer_bytes = 1 << 20;
        restart();
        produce(10);
        ck_assert_uint_gt(plog_buffered(tlog), 0);
        if (deleted) {
            rig_trim(&rig, t, 0, -1);
            rig_flush(&rig);
            rig_run(&rig);
        }
        io_mem_fail(rig.disk, IO_MEM_WRITE, 1, EIO, 1);
        pass(deleted ? HOUR : 25 * (int64_t)HOUR);
        ck_assert_uint_eq(io_mem_faults(rig.disk), 1);
        ck_assert(plog_failed(tlog));
        struct shard *s = rig.shard[1].s;
        ck_assert(s->ops->hold_checkpoints(s));
        ck_assert_uint_eq(s->data->buffered, 0);
        rig_drop(&rig);
        open_rig();
        ck_log(deleted ? 10 : 0, 10);
        end();
    }
}
END_TEST

/* Segments of ten records without timestamps, one each file; the files say that they were written
 * now. */
static void fill_timeless(int n)
{
    rig.no_timestamps = true;
    for (int i = 0; i < n; i++) {
        char path[IO_PATH_MAX];
        produce(10);
        ck_assert_ok(io_path(path, sizeof path, RIG_DIR "/log/t-0", "%020d.log", 10 * i));
        ck_assert_ok(io_mem_set_mtime(rig.disk, path, rig.clock.wall));
        pass(HOUR + MINUTE);
    }
}

static void begin_timeless(void)
{
    begin();
    ck_assert_ok(rig_set(&rig, t, "segment.bytes", "1100"));
}

START_TEST(without_timestamps_a_segment_is_as_old_as_its_file)
{
    begin_timeless();
    fill_timeless(5);
    ck_assert_uint_eq(plog_segments_count(tlog), 5);
    ck_log(0, 50);
    restart();
    pass(17 * (int64_t)HOUR);
    ck_log(0, 50);
    pass(2 * (int64_t)HOUR);
    ck_log(10, 50);
    pass(72 * (int64_t)HOUR);
    ck_log(40, 50); /* the active one has no age */
    end();
}
END_TEST

START_TEST(a_file_that_was_written_in_the_past_is_as_old_as_the_leap)
{
    begin_timeless();
    rig.clock.wall -= TEN_YEARS;
    pass(MINUTE);
    fill_timeless(3);
    ck_log(0, 30);
    rig.clock.wall += TEN_YEARS;
    pass(2 * (int64_t)HOUR);
    restart();
    pass(22 * (int64_t)HOUR);
    ck_log(0, 30);
    pass(3 * (int64_t)HOUR);
    ck_log(20, 30);
    end();
}
END_TEST

START_TEST(a_full_disk_still_takes_trims)
{
    rig_init(&rig, NULL);
    rig.retention_check_ms = CHECK_MS;
    rig.settings.segment_ms = HOUR;
    open_rig();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    t = rig_topic(&rig, "t");
    tlog = shard_partition(rig.shard[1].s, &t->id, 0);
    struct rig_batch *b = NULL;
    io_mem_fail(rig.disk, IO_MEM_ALLOCATE, 1, ENOSPC, 0);
    for (int i = 0; i < 200 && !(b && b->done && b->produce.code == -ENOSPC); i++) {
        b = rig_produce(&rig, t, 0, 1, 1000, -1, 0, 0);
        rig_flush(&rig);
        rig_run(&rig);
        rig_pass(&rig, 2000);
    }
    ck_assert_int_eq(b->produce.code, -ENOSPC);
    int64_t end_offset = plog_log_end(tlog);
    rig.settings.retention_ms = 0;
    ck_assert_ok(rig_set(&rig, NULL, "log.retention.ms", "0"));
    pass(2 * CHECK_MS);
    ck_log(end_offset, end_offset);
    io_mem_fail(rig.disk, IO_MEM_ALLOCATE, 0, 0, 0);
    pass(MINUTE);
    produce(1);
    end();
}
END_TEST

/* ---- crashes */

START_TEST(what_was_removed_stays_removed)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        begin();
        fill(5 + (int)seed % 3);
        if (seed % 2)
            checkpoint();
        pass((int64_t)(20 + seed / 4) * HOUR);
        if (seed % 5)
            checkpoint();
        produce(3);
        struct rig history = rig;
        struct uuid id = t->id;
        int64_t start = plog_log_start(tlog);
        size_t checked;
        rig_init(&rig, io_mem_crash(history.disk, io_mem_trace_len(history.disk),
                                    (enum io_mem_cut)(seed % (IO_CUT_LAST_FIRST + 1)), seed));
        rig.settings = history.settings;
        ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
        ck_assert_msg(rig_check(&rig, &history, io_mem_trace_len(history.disk), &checked, &err) ==
                          0,
                      "%s", err.text);
        tlog = shard_partition(rig.shard[1].s, &id, 0);
        ck_assert_int_ge(plog_log_start(tlog), start);
        rig_release(&rig);
        rig_release(&history);
    }
}
END_TEST

/* Whoever wants nothing of the kind gives a time without end. */
START_TEST(what_is_never_due_keeps_nobody_awake)
{
    begin();
    ck_assert_ok(rig_stop(&rig));
    rig.retention_check_ms = rig.compact_backoff_ms = rig.checkpoint_ms = INT64_MAX;
    open_rig();
    produce(10);
    for (int i = 0; i < 100; i++)
        rig_pass(&rig, MINUTE);
    ck_assert_int_gt(shard_tick(rig.shard[1].s), 0);
    rig_release(&rig);
}
END_TEST

UNIT_MAIN(old_segments_go_whole_and_oldest_first, the_active_segment_goes_when_all_of_it_is_old,
          one_young_record_keeps_its_segment, as_many_bytes_stay_as_are_wanted,
          only_the_policy_delete_removes, settings_count_as_they_are_altered,
          a_clock_that_jumps_removes_nothing, a_clock_that_jumped_before_a_start_removes_nothing,
          a_clock_that_jumps_forgets_no_producer, a_clock_that_was_behind_forgets_no_producer,
          a_clock_that_was_behind_is_not_noted_by_for_ever,
          what_a_replay_tells_is_no_older_than_the_checkpoint, records_from_the_future_stay,
          times_of_before_a_start_are_read, a_long_log_goes_at_once,
          a_damaged_segment_keeps_itself_and_what_follows, what_is_read_may_be_gone,
          space_comes_free_in_silence, a_file_whose_records_were_deleted_comes_free,
          a_log_that_fails_while_it_rolls_is_offline_at_once,
          without_timestamps_a_segment_is_as_old_as_its_file,
          a_file_that_was_written_in_the_past_is_as_old_as_the_leap, a_full_disk_still_takes_trims,
          what_was_removed_stays_removed, what_is_never_due_keeps_nobody_awake)
