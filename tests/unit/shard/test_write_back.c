/* Partition logs are written back as they grow, and what is left before a checkpoint begins; and
 * what becomes of a failure. */
#include <errno.h>

#include "shard/machine_data.h"
#include "tests/unit/shard/power.h"

enum { PARTS = 60, SIZE = 1000 }; /* PARTS: more than go into one task */

static struct rig rig;
static struct err err;

static struct rig_topic *begin(uint64_t write_back_bytes, uint64_t buffer_bytes)
{
    rig_init(&rig, NULL);
    rig.write_back_bytes = write_back_bytes;
    rig.buffer_bytes = buffer_bytes;
    rig.settings.segment_bytes = 1 << 20;
    rig.segment_bytes = 1 << 20; /* checkpoints come when they are asked for */
    rig.wal_max_bytes = 8 << 20;
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
    ck_assert_ok(rig_create_topic(&rig, "t", PARTS));
    return rig_topic(&rig, "t");
}

static struct shard *shard(void)
{
    return rig.shard[1].s;
}

static struct rig_batch *produce(const struct rig_topic *t, int32_t partition)
{
    struct rig_batch *b = rig_produce(&rig, t, partition, 1, SIZE, -1, 0, 0);
    rig_flush(&rig);
    rig_run(&rig);
    return b;
}

static uint64_t pieces(void)
{
    return io_mem_calls(rig.disk, IO_MEM_WRITE_BACK);
}

static uint64_t checkpoints(void)
{
    struct shard_stats st;
    shard_stats(shard(), &st);
    return st.checkpoints;
}

START_TEST(a_log_is_handed_over_as_it_grows)
{
    struct rig_topic *t = begin(4 * SIZE, 0);
    for (int i = 0; i < 40; i++)
        produce(t, 0);
    produce(t, 1);
    ck_assert_uint_ge(pieces(), 8); /* a batch is a little longer than its record's value */
    ck_assert_uint_le(pieces(), 10);
    ck_assert_uint_lt(plog_unwritten(shard_partition(shard(), &t->id, 0)), 4 * SIZE);
    ck_assert_uint_gt(plog_unwritten(shard_partition(shard(), &t->id, 1)), 0);
    power_check(&rig, &rig, 41);
    power_cut(&rig, 41); /* it is as good as not written */
    rig_release(&rig);
}
END_TEST

START_TEST(switched_off_nothing_is)
{
    struct rig_topic *t = begin(0, 0);
    for (int i = 0; i < 40; i++)
        produce(t, 0);
    uint64_t before = checkpoints();
    shard_checkpoint(shard());
    rig_run(&rig);
    ck_assert_uint_eq(checkpoints(), before + 1);
    ck_assert_uint_eq(pieces(), 0);
    rig_release(&rig);
}
END_TEST

/* With one under way the others wait for their turn. */
START_TEST(one_task_at_a_time)
{
    struct rig_topic *t = begin(SIZE, 0);
    rig.hold_jobs = true;
    for (int32_t i = 0; i < PARTS; i++)
        produce(t, i);
    ck_assert_uint_eq(rig.shard[1].n_jobs, 1);
    ck_assert_uint_eq(pieces(), 0);
    rig.hold_jobs = false;
    rig_run(&rig);
    ck_assert_uint_eq(pieces(), PARTS);
    rig_release(&rig);
}
END_TEST

/* Little in each of many logs, or in memory: it follows before a checkpoint begins, in steps. */
START_TEST(a_checkpoint_waits_for_what_is_left)
{
    for (int buffered = 0; buffered < 2; buffered++) {
        struct rig_topic *t = begin(1 << 20, buffered ? 1 << 20 : 0);
        for (int32_t i = 0; i < PARTS; i++)
            produce(t, i);
        ck_assert_uint_eq(pieces(), 0);
        uint64_t before = checkpoints();
        shard_checkpoint(shard());
        rig_run(&rig);
        ck_assert_uint_eq(checkpoints(), before);
        ck_assert_uint_gt(pieces(), 0);
        ck_assert_uint_lt(pieces(), PARTS);
        ck_assert_int_eq(produce(t, 0)->produce.code, 0); /* and others are served meanwhile */
        int64_t passed = 0;
        for (; checkpoints() == before && passed < 10000; passed += 10) {
            ck_assert_int_le(shard_tick(shard()), 10);
            rig_pass(&rig, 10);
        }
        ck_assert_int_le(passed, 2100);
        ck_assert_uint_ge(pieces(), PARTS);
        power_cut(&rig, PARTS);
        rig_release(&rig);
    }
}
END_TEST

/* Not so if the log has no room left, or has become much longer meanwhile. */
START_TEST(a_log_that_grows_fast_is_not_waited_for)
{
    struct rig_topic *t = begin(1 << 20, 0);
    for (int32_t i = 0; i < PARTS; i++)
        produce(t, i);
    uint64_t before = checkpoints();
    shard_checkpoint(shard());
    rig_run(&rig);
    ck_assert_uint_eq(checkpoints(), before);
    shard()->cfg.checkpoint_bytes = 1000;
    rig_pass(&rig, 0);
    ck_assert_uint_gt(checkpoints(), before);
    ck_assert_uint_lt(pieces(), PARTS);
    power_check(&rig, &rig, PARTS);
    rig_release(&rig);
}
END_TEST

START_TEST(after_a_failure_the_log_is_offline)
{
    static const int errors[] = {EIO, ENOSPC};
    for (size_t i = 0; i < 2; i++) {
        struct rig_topic *t = begin(SIZE, 0);
        io_mem_fail(rig.disk, IO_MEM_WRITE_BACK, 1, errors[i], 1);
        ck_assert_int_eq(produce(t, 0)->produce.code, 0); /* it is in the write-ahead log */
        ck_assert(plog_failed(shard_partition(shard(), &t->id, 0)));
        ck_assert_int_eq(produce(t, 0)->produce.code, -EIO);
        ck_assert_int_eq(produce(t, 1)->produce.code, 0);
        uint64_t before = checkpoints();
        shard_checkpoint(shard());
        rig_pass(&rig, 10000);
        ck_assert_uint_eq(checkpoints(), before);
        power_cut(&rig, 2);
        rig_release(&rig);
    }
}
END_TEST

/* Its sync finds nothing wrong any more, whether the shard has heard of it by then or not. */
static void fail_beside_a_checkpoint(bool heard)
{
    struct rig_topic *t = begin(2 * SIZE, 0);
    struct rig_shard *rs = &rig.shard[1];
    uint64_t before = checkpoints();
    produce(t, 0);
    rig.hold_jobs = true;
    shard()->cfg.write_back_bytes = 0; /* so that it begins at once */
    shard_checkpoint(shard());
    shard()->cfg.write_back_bytes = SIZE;
    produce(t, 1);
    ck_assert_uint_eq(rs->n_jobs, 2);
    io_mem_fail(rig.disk, IO_MEM_WRITE_BACK, 1, EIO, 1);
    shard_job_run(rs->jobs[1]);
    ck_assert_uint_eq(pieces(), 1);
    if (heard)
        shard_job_done(shard(), rs->jobs[1]);
    shard_job_run(rs->jobs[0]);
    shard_job_done(shard(), rs->jobs[0]);
    if (!heard)
        shard_job_done(shard(), rs->jobs[1]);
    rs->n_jobs = 0;
    rig.hold_jobs = false;
    rig_pass(&rig, 10000);
    ck_assert_uint_eq(checkpoints(), before);
    ck_assert(!plog_failed(shard_partition(shard(), &t->id, 0)));
    ck_assert(plog_failed(shard_partition(shard(), &t->id, 1)));
    power_cut(&rig, 2);
    rig_release(&rig);
}
END_TEST

START_TEST(a_checkpoint_under_way_is_not_saved)
{
    fail_beside_a_checkpoint(false);
    fail_beside_a_checkpoint(true);
}
END_TEST

START_TEST(where_the_system_cannot_checkpoints_do_it)
{
    struct rig_topic *t = begin(SIZE, 0);
    io_mem_fail(rig.disk, IO_MEM_WRITE_BACK, 1, ENOTSUP, 0);
    for (int32_t i = 0; i < PARTS; i++)
        ck_assert_int_eq(produce(t, i)->produce.code, 0);
    ck_assert_uint_eq(pieces(), 1);
    uint64_t before = checkpoints();
    shard_checkpoint(shard());
    rig_run(&rig);
    ck_assert_uint_eq(checkpoints(), before + 1);
    power_cut(&rig, PARTS);
    rig_release(&rig);
}
END_TEST

START_TEST(a_topic_may_go_meanwhile)
{
    struct rig_topic *t = begin(SIZE, 0);
    rig.hold_jobs = true;
    for (int32_t i = 0; i < PARTS; i++)
        produce(t, i);
    io_mem_fail(rig.disk, IO_MEM_WRITE_BACK, 1, EIO, 1);
    ck_assert_ok(rig_delete_topic(&rig, "t"));
    rig.hold_jobs = false;
    rig_run(&rig);
    ck_assert_uint_eq(pieces(), 1);
    ck_assert_ok(rig_create_topic(&rig, "u", 1));
    ck_assert_int_eq(produce(rig_topic(&rig, "u"), 0)->produce.code, 0);
    ck_assert_int_eq(rig_stop(&rig), 0);
    rig_release(&rig);
}
END_TEST

UNIT_MAIN(a_log_is_handed_over_as_it_grows, switched_off_nothing_is, one_task_at_a_time,
          a_checkpoint_waits_for_what_is_left, a_log_that_grows_fast_is_not_waited_for,
          after_a_failure_the_log_is_offline, a_checkpoint_under_way_is_not_saved,
          where_the_system_cannot_checkpoints_do_it, a_topic_may_go_meanwhile)
