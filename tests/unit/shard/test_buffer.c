/* The memory in which small appends gather: its bound, and what a checkpoint does before it begins.
 */
#include "plog/block.h"
#include "shard/machine_data.h"
#include "tests/unit/shard/power.h"

#include <errno.h>

enum { PARTS = 60 };

static struct rig rig;
static struct err err;

static struct rig_topic *begin(uint64_t buffer_bytes)
{
    rig_init(&rig, NULL);
    rig.buffer_bytes = buffer_bytes;
    rig.segment_bytes = 1 << 20; /* checkpoints come when they are asked for */
    rig.wal_max_bytes = 8 << 20;
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
    ck_assert_ok(rig_create_topic(&rig, "t", PARTS));
    return rig_topic(&rig, "t");
}

static struct rig_batch *produce(const struct rig_topic *t, int32_t partition)
{
    struct rig_batch *b = rig_produce(&rig, t, partition, 1, 100, -1, 0, 0);
    rig_flush(&rig);
    rig_run(&rig);
    return b;
}

static const struct data_machine *machine(void)
{
    return rig.shard[1].s->data;
}

START_TEST(the_sum_is_bounded)
{
    uint64_t bound = 20 * PLOG_BLOCK_MIN;
    struct rig_topic *t = begin(bound);
    for (int32_t i = 0; i < PARTS; i++) {
        produce(t, i);
        ck_assert_uint_le(machine()->buffered, bound + PLOG_BLOCK_MIN);
    }
    ck_assert_uint_gt(machine()->buffered, bound / 2);
    /* Those that wait longest were written, the latest were not. */
    ck_assert_uint_eq(plog_buffered(shard_partition(rig.shard[1].s, &t->id, 0)), 0);
    ck_assert_uint_gt(plog_buffered(shard_partition(rig.shard[1].s, &t->id, PARTS - 1)), 0);
    power_check(&rig, &rig, PARTS);
    power_cut(&rig, PARTS);
    rig_release(&rig);
}
END_TEST

START_TEST(a_checkpoint_begins_when_most_is_written)
{
    struct rig_topic *t = begin(1 << 20);
    for (int32_t i = 0; i < PARTS; i++)
        produce(t, i);
    ck_assert_uint_eq(machine()->n_buffers, PARTS);
    struct shard_stats before, after;
    shard_stats(rig.shard[1].s, &before);
    shard_checkpoint(rig.shard[1].s);
    ck_assert_uint_lt(machine()->n_buffers, PARTS); /* some at a time, */
    ck_assert_uint_gt(machine()->n_buffers, 0);
    ck_assert_int_eq(produce(t, 0)->produce.code, 0); /* and others are served in between */
    rig_pass(&rig, 10);
    shard_stats(rig.shard[1].s, &after);
    ck_assert_uint_gt(after.checkpoints, before.checkpoints);
    power_cut(&rig, PARTS);
    rig_release(&rig);
}
END_TEST

/* Gathered records are there although their files find no room; further ones wait, and all of it
 * is over by itself. */
START_TEST(without_room_the_rest_waits)
{
    struct rig_topic *t = begin(4 * PLOG_BLOCK_MIN);
    uint64_t left;
    produce(t, 0);
    io_mem_set_space(rig.disk, UINT64_MAX / 2);
    ck_assert_ok(io_space(io_mem_io(rig.disk), RIG_DIR, &left));
    io_mem_set_space(rig.disk, UINT64_MAX / 2 - left);
    for (int32_t i = 1; i < 5; i++)
        ck_assert_int_eq(produce(t, i)->produce.code, 0);
    struct rig_batch *waits = produce(t, 5);
    ck_assert(!waits->done);
    power_check(&rig, &rig, 5);
    io_mem_set_space(rig.disk, UINT64_MAX);
    rig_pass(&rig, 5000);
    ck_assert(waits->done);
    power_check(&rig, &rig, 6);
    for (int32_t i = 6; i < PARTS; i++)
        produce(t, i);
    power_cut(&rig, PARTS);
    rig_release(&rig);
}
END_TEST

UNIT_MAIN(the_sum_is_bounded, a_checkpoint_begins_when_most_is_written, without_room_the_rest_waits)
