/* One node: what a shard promises to producers, and what it does when the disk does not keep its
 * promises. */
#include "shard/checkpoint.h"
#include "tests/unit/memory.h"
#include "tests/unit/shard/power.h"

#include <errno.h>
#include <stdlib.h>

static struct rig rig;
static struct err err;

static void begin(void)
{
    rig_init(&rig, NULL);
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
}

/* Open again what a kill (IO_CUT_ALL) or a power cut (IO_CUT_NONE) leaves. history keeps what was
 * promised. */
static void crash(struct rig *history, enum io_mem_cut cut)
{
    struct io_mem *left = io_mem_crash(rig.disk, io_mem_trace_len(rig.disk), cut, 0);
    *history = rig;
    for (int i = 0; i < 2; i++)
        history->shard[i].rig = history;
    rig_drop(history);
    rig_init(&rig, left);
    rig.wal_max_bytes = history->wal_max_bytes;
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
}

static struct rig_batch *produce(const struct rig_topic *t, int32_t partition)
{
    struct rig_batch *b = rig_produce(&rig, t, partition, 3, 100, -1, 0, 0);
    rig_flush(&rig);
    return b;
}

START_TEST(batches_get_dense_offsets_and_come_back)
{
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 2));
    struct rig_topic *t = rig_topic(&rig, "t");
    for (int i = 0; i < 10; i++) {
        struct rig_batch *b = produce(t, 1);
        rig_run(&rig);
        ck_assert(b->done);
        ck_assert_int_eq(b->produce.code, 0);
        ck_assert_int_eq(b->produce.base_offset, 3 * i);
    }
    power_check(&rig, &rig, 10);
    ck_assert_uint_eq(rig.advanced, 10);
    rig_release(&rig);
}
END_TEST

START_TEST(nothing_is_acknowledged_before_its_sync)
{
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_batch *b = produce(rig_topic(&rig, "t"), 0);
    ck_assert(rig.shard[1].write_due);
    ck_assert(!b->done);
    struct plog *log = shard_partition(rig.shard[1].s, &b->topic_id, 0);
    ck_assert_int_eq(plog_high_watermark(log), 0);
    rig_run(&rig);
    ck_assert(b->done);
    ck_assert_int_eq(plog_high_watermark(log), 3);
    rig_release(&rig);
}
END_TEST

START_TEST(a_request_over_64_partitions_costs_one_sync_and_no_proposal)
{
    struct shard_stats before, after, meta_before, meta_after;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 64));
    produce(rig_topic(&rig, "t"), 0);
    rig_run(&rig);
    shard_stats(rig.shard[1].s, &before);
    shard_stats(rig.shard[0].s, &meta_before);
    uint64_t commits = io_mem_calls(rig.disk, IO_MEM_COMMIT);
    for (int p = 0; p < 64; p++)
        rig_produce(&rig, rig_topic(&rig, "t"), p, 1, 50, -1, 0, 0);
    rig_flush(&rig);
    rig_run(&rig);
    shard_stats(rig.shard[1].s, &after);
    shard_stats(rig.shard[0].s, &meta_after);
    ck_assert_uint_eq(io_mem_calls(rig.disk, IO_MEM_COMMIT) - commits, 1);
    ck_assert_uint_eq(after.syncs - before.syncs, 1);
    ck_assert_uint_eq(after.batches - before.batches, 64);
    ck_assert_uint_eq(meta_after.proposals, meta_before.proposals);
    power_check(&rig, &rig, 65);
    rig_release(&rig);
}
END_TEST

START_TEST(while_a_sync_is_under_way_the_next_group_gathers)
{
    struct shard_stats st;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    shard_stats(rig.shard[1].s, &st);
    uint64_t syncs = st.syncs;
    struct rig_batch *b[20];
    for (int i = 0; i < 20; i++)
        b[i] =
            produce(rig_topic(&rig, "t"), 0); /* the first starts a write, the others wait for it */
    rig_run(&rig);
    shard_stats(rig.shard[1].s, &st);
    ck_assert_uint_eq(st.syncs - syncs, 2);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(b[i]->produce.base_offset, 3 * i);
    rig_release(&rig);
}
END_TEST

static void survives(enum io_mem_cut cut)
{
    struct rig history;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "a", 3));
    ck_assert_ok(rig_create_topic(&rig, "b", 1));
    for (int i = 0; i < 200; i++) {
        produce(rig_topic(&rig, i % 4 ? "a" : "b"), i % 4 ? i % 3 : 0);
        if (i % 7 == 0)
            rig_run(&rig);
        if (i == 120)
            shard_checkpoint(rig.shard[1].s);
    }
    rig_run(&rig);
    crash(&history, cut);
    power_check(&rig, &history, 200);
    rig_release(&history);
    rig_release(&rig);
}

START_TEST(acknowledged_batches_survive_a_kill)
{
    survives(IO_CUT_ALL);
}
END_TEST

START_TEST(acknowledged_batches_survive_a_power_cut)
{
    survives(IO_CUT_NONE);
}
END_TEST

/* With something to replay, too, a leader begins with one entry of its own. */
START_TEST(a_start_adds_one_entry)
{
    struct rig history;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    produce(rig_topic(&rig, "t"), 0);
    rig_run(&rig);
    for (int i = 0; i < 3; i++) {
        uint64_t last = shard_applied_index(rig.shard[1].s);
        crash(&history, IO_CUT_NONE);
        struct shard_stats st;
        shard_stats(rig.shard[1].s, &st);
        ck_assert_uint_eq(st.proposals, 1);
        ck_assert_uint_eq(shard_applied_index(rig.shard[1].s), last + 1);
        rig_release(&history);
    }
    rig_release(&rig);
}
END_TEST

START_TEST(a_clean_stop_leaves_a_mark_and_a_checkpoint)
{
    struct rig history;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    for (int i = 0; i < 20; i++)
        produce(rig_topic(&rig, "t"), 0);
    rig_run(&rig);
    shard_stop(rig.shard[1].s);
    rig_run(&rig);
    ck_assert(shard_stopped(rig.shard[1].s));
    struct rig_batch *late = produce(rig_topic(&rig, "t"), 0);
    ck_assert_int_eq(late->produce.code, ERR_CLOSED);
    struct checkpoint c, older;
    bool bad;
    ck_assert_ok(
        checkpoint_load(io_mem_io(rig.disk), RIG_DIR "/wal/1", NULL, &c, &older, &bad, &err));
    ck_assert_uint_eq(c.flags & CHECKPOINT_CLEAN, CHECKPOINT_CLEAN);
    ck_assert_uint_eq(c.index, shard_applied_index(rig.shard[1].s));
    checkpoint_release(&c);
    checkpoint_release(&older);
    crash(&history, IO_CUT_NONE);
    power_check(&rig, &history, 20);
    rig_release(&history);
    rig_release(&rig);
}
END_TEST

START_TEST(a_log_start_moves_when_its_trim_is_durable)
{
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_topic *t = rig_topic(&rig, "t");
    produce(t, 0);
    rig_run(&rig);
    struct plog *log = shard_partition(rig.shard[1].s, &t->id, 0);
    struct rig_trim *trim = rig_trim(&rig, t, 0, 2);
    rig_flush(&rig);
    ck_assert(!trim->done);
    ck_assert_int_eq(plog_log_start(log), 0);
    rig_run(&rig);
    ck_assert(trim->done);
    ck_assert_int_eq(plog_log_start(log), 2);
    rig_release(&rig);
}
END_TEST

/* ---- idempotence */

START_TEST(a_batch_sent_again_gets_the_originals_offset_once_that_is_durable)
{
    struct rig history;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_topic *t = rig_topic(&rig, "t");
    struct rig_batch *first = rig_produce(&rig, t, 0, 2, 10, 7, 0, 0);
    struct rig_batch *with_it = rig_produce_again(&rig, first); /* both in one group */
    rig_flush(&rig);
    ck_assert(!first->done && !with_it->done);
    struct rig_batch *in_flight = rig_produce_again(&rig, first);
    rig_flush(&rig);
    ck_assert_msg(!in_flight->done, "a duplicate was answered before its original was durable");
    struct rig_batch *gathering = rig_produce(&rig, t, 0, 2, 10, 7, 0, 2);
    struct rig_batch *twice = rig_produce_again(&rig, gathering);
    rig_flush(&rig);
    ck_assert(!gathering->done && !twice->done);
    rig_run(&rig);
    ck_assert_int_eq(with_it->produce.code, 0);
    ck_assert_int_eq(with_it->produce.base_offset, 0);
    ck_assert_int_eq(in_flight->produce.code, 0);
    ck_assert_int_eq(in_flight->produce.base_offset, 0);
    ck_assert_int_eq(twice->produce.base_offset, 2);
    struct rig_batch *applied = rig_produce_again(&rig, first);
    rig_flush(&rig);
    ck_assert(applied->done);
    ck_assert_int_eq(applied->produce.base_offset, 0);
    crash(&history, IO_CUT_NONE);
    struct rig_batch *after = rig_produce_again(&rig, first);
    rig_flush(&rig);
    rig_run(&rig);
    ck_assert_int_eq(after->produce.code, 0);
    ck_assert_int_eq(after->produce.base_offset, 0);
    power_check(&rig, &history, 5);
    rig_release(&history);
    rig_release(&rig);
}
END_TEST

START_TEST(sequences_must_follow_and_epochs_fence)
{
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_topic *t = rig_topic(&rig, "t");
    struct {
        int16_t epoch;
        int32_t sequence;
        int code;
    } steps[] = {
        {1, 5, 0},               /* an unknown producer may begin anywhere (KIP-360) */
        {1, 7, 0},               /* 5, 6 were the first batch */
        {1, 11, ERR_OUTOFORDER}, /* 9, 10 are missing */
        {1, 9, 0},
        {0, 11, ERR_FENCED},
        {2, 11, ERR_OUTOFORDER}, /* a new epoch begins at 0 */
        {2, 0, 0},
        {1, 11, ERR_FENCED},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct rig_batch *b = rig_produce(&rig, t, 0, 2, 10, 9, steps[i].epoch, steps[i].sequence);
        rig_flush(&rig);
        rig_run(&rig);
        ck_assert_msg(b->produce.code == steps[i].code, "step %zu: %s", i,
                      err_str(b->produce.code));
    }
    rig_release(&rig);
}
END_TEST

START_TEST(sequences_wrap_to_zero)
{
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_topic *t = rig_topic(&rig, "t");
    struct rig_batch *a = rig_produce(&rig, t, 0, 3, 10, 9, 0, INT32_MAX - 1); /* ..., MAX, 0 */
    struct rig_batch *b = rig_produce(&rig, t, 0, 1, 10, 9, 0, 1);
    rig_flush(&rig);
    rig_run(&rig);
    ck_assert_int_eq(a->produce.code, 0);
    ck_assert_int_eq(b->produce.code, 0);
    rig_release(&rig);
}
END_TEST

START_TEST(producer_state_survives_checkpoints_and_restarts)
{
    struct rig history[2];
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_topic *t = rig_topic(&rig, "t");
    struct rig_batch *b[8];
    for (int i = 0; i < 8; i++) {
        b[i] = rig_produce(&rig, t, 0, 1, 10, 3, 0, i);
        rig_flush(&rig);
        rig_run(&rig);
        if (i == 5) {
            shard_checkpoint(rig.shard[1].s);
            rig_run(&rig);
        }
    }
    for (int round = 0; round < 2;
         round++) { /* from the checkpoint and the log; then from a checkpoint alone */
        crash(&history[round], IO_CUT_NONE);
        for (int i = 3; i < 8; i++) {
            struct rig_batch *again = rig_produce_again(&rig, b[i]);
            rig_flush(&rig);
            rig_run(&rig);
            ck_assert_int_eq(again->produce.code, 0);
            ck_assert_int_eq(again->produce.base_offset, i);
        }
    }
    rig_release(&history[0]);
    rig_release(&history[1]);
    rig_release(&rig);
}
END_TEST

/* ---- faults */

START_TEST(after_a_failed_sync_nothing_is_acknowledged)
{
    struct rig history;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_topic *t = rig_topic(&rig, "t");
    struct rig_batch *good = produce(t, 0);
    rig_run(&rig);
    io_mem_fail(rig.disk, IO_MEM_COMMIT, 1, EIO, 1); /* once: the next would succeed */
    struct rig_batch *bad = produce(t, 0);
    struct rig_batch *behind = produce(t, 0);
    rig_run(&rig);
    ck_assert_uint_eq(io_mem_faults(rig.disk), 1);
    ck_assert_int_eq(bad->produce.code, ERR_POISONED);
    ck_assert_int_eq(behind->produce.code, ERR_POISONED);
    struct rig_batch *later = produce(t, 0);
    rig_run(&rig);
    ck_assert_int_eq(later->produce.code, ERR_POISONED);
    ck_assert(shard_poisoned(rig.shard[1].s));
    power_check(&rig, &rig, 1); /* reading goes on */
    ck_assert_int_eq(good->produce.code, 0);
    crash(&history, IO_CUT_NONE);
    power_check(&rig, &history, 1);
    struct rig_batch *again = produce(rig_topic(&history, "t"), 0);
    rig_run(&rig);
    ck_assert_int_eq(again->produce.code, 0);
    rig_release(&history);
    rig_release(&rig);
}
END_TEST

START_TEST(a_failed_partition_log_takes_only_itself_out)
{
    struct rig history;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 2));
    struct rig_topic *t = rig_topic(&rig, "t");
    produce(t, 0);
    produce(t, 1);
    rig_run(&rig);
    io_mem_fail(rig.disk, IO_MEM_WRITE, 1, EIO, 1); /* partition logs write, the WAL commits */
    struct rig_batch *bad = produce(t, 0);
    rig_run(&rig);
    ck_assert_uint_eq(io_mem_faults(rig.disk), 1);
    ck_assert_int_eq(bad->produce.code, -EIO);
    ck_assert_int_eq(plog_high_watermark(shard_partition(rig.shard[1].s, &t->id, 0)), 3);
    struct rig_batch *refused = produce(t, 0), *other = produce(t, 1);
    rig_run(&rig);
    ck_assert_int_eq(refused->produce.code, -EIO);
    ck_assert_int_eq(other->produce.code, 0);
    crash(&history, IO_CUT_NONE);
    power_check(&rig, &history, 3);
    rig_release(&history);
    rig_release(&rig);
}
END_TEST

static uint64_t checkpoints(void)
{
    struct shard_stats st;
    shard_stats(rig.shard[1].s, &st);
    return st.checkpoints;
}

START_TEST(a_checkpoint_that_cannot_be_saved_is_tried_again_later)
{
    struct rig history;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_topic *t = rig_topic(&rig, "t");
    produce(t, 0);
    rig_run(&rig);
    uint64_t before = checkpoints();
    io_mem_fail(rig.disk, IO_MEM_RENAME, 1, EIO, 1);
    shard_checkpoint(rig.shard[1].s);
    rig_run(&rig);
    ck_assert_uint_eq(io_mem_faults(rig.disk), 1);
    ck_assert_uint_eq(checkpoints(), before);
    shard_checkpoint(rig.shard[1].s);
    ck_assert_uint_eq(rig.shard[1].n_jobs, 0); /* not at once */
    struct rig_batch *b = produce(t, 0);
    rig_run(&rig);
    ck_assert_int_eq(b->produce.code, 0); /* the partition's log is none the worse */
    rig_pass(&rig, 1100);
    ck_assert_uint_eq(checkpoints(), before + 1);
    crash(&history, IO_CUT_NONE);
    power_check(&rig, &history, 2);
    rig_release(&history);
    rig_release(&rig);
}
END_TEST

START_TEST(a_log_whose_sync_failed_takes_nothing_more_and_its_wal_is_kept)
{
    struct rig history;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 2));
    struct rig_topic *t = rig_topic(&rig, "t");
    produce(t, 0);
    rig_run(&rig);
    io_mem_fail(rig.disk, IO_MEM_SYNC, 1, EIO, 1);
    shard_checkpoint(rig.shard[1].s);
    rig_run(&rig);
    ck_assert_uint_eq(io_mem_faults(rig.disk), 1);
    struct rig_batch *refused = produce(t, 0), *other = produce(t, 1);
    rig_run(&rig);
    ck_assert_int_eq(refused->produce.code, -EIO);
    ck_assert_int_eq(other->produce.code, 0);
    uint64_t before = checkpoints();
    rig_pass(&rig, 5000);
    shard_checkpoint(rig.shard[1].s);
    rig_run(&rig);
    ck_assert_uint_eq(checkpoints(), before); /* a sync that succeeds now proves nothing */
    crash(&history, IO_CUT_NONE);
    power_check(&rig, &history, 2);
    rig_release(&history);
    rig_release(&rig);
}
END_TEST

START_TEST(a_full_disk_refuses_and_resumes)
{
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_topic *t = rig_topic(&rig, "t");
    io_mem_fail(rig.disk, IO_MEM_ALLOCATE, 1, ENOSPC, 0);
    struct rig_batch *b = NULL;
    int refused = 0;
    for (int i = 0; i < 100 && !refused; i++) {
        b = produce(t, 0);
        rig_run(&rig);
        refused = b->done && b->produce.code == -ENOSPC;
    }
    ck_assert_msg(refused, "the disk was never full");
    ck_assert(!shard_poisoned(rig.shard[1].s));
    io_mem_fail(rig.disk, IO_MEM_ALLOCATE, 0, 0, 0);
    rig_pass(&rig, 2000);
    b = produce(t, 0);
    rig_run(&rig);
    ck_assert(b->done);
    ck_assert_int_eq(b->produce.code, 0);
    power_check(&rig, &rig, 10);
    rig_release(&rig);
}
END_TEST

START_TEST(the_wal_stays_within_its_bound)
{
    struct rig history;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 4));
    struct rig_topic *t = rig_topic(&rig, "t");
    struct shard_stats st;
    for (int i = 0; i < 3000; i++) {
        rig_produce(&rig, t, i % 4, 2, 1000, -1, 0, 0);
        rig_flush(&rig);
        if (i % 10 == 0)
            rig_run(&rig);
        shard_stats(rig.shard[1].s, &st);
        ck_assert_uint_le(st.wal_bytes, rig.wal_max_bytes);
    }
    rig_run(&rig);
    ck_assert_uint_gt(st.bytes, 2 * rig.wal_max_bytes);
    ck_assert_uint_gt(st.checkpoints, 3);
    crash(&history, IO_CUT_NONE);
    power_check(&rig, &history, 3000);
    rig_release(&history);
    rig_release(&rig);
}
END_TEST

/* ---- structure */

START_TEST(a_deleted_topic_made_again_has_none_of_the_old_data)
{
    struct rig history;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    produce(rig_topic(&rig, "t"), 0);
    rig_run(&rig);
    struct uuid old = rig_topic(&rig, "t")->id;
    ck_assert_ok(rig_delete_topic(&rig, "t"));
    ck_assert_ptr_null(shard_partition(rig.shard[1].s, &old, 0));
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_batch *b = produce(rig_topic(&rig, "t"), 0);
    rig_run(&rig);
    ck_assert_int_eq(b->produce.base_offset, 0);
    power_check(&rig, &rig, 1);
    crash(&history, IO_CUT_ALL);
    power_check(&rig, &history, 1);
    ck_assert_ptr_null(shard_partition(rig.shard[1].s, &old, 0));
    rig_release(&history);
    rig_release(&rig);
}
END_TEST

START_TEST(a_new_topic_is_served_once_its_image_is_handed_on)
{
    begin();
    rig.drop_apply = true;
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_batch *b = produce(rig_topic(&rig, "t"), 0);
    rig_run(&rig);
    ck_assert(!b->done);
    shard_set_image(rig.shard[1].s, shard_image(rig.shard[0].s));
    rig_run(&rig);
    ck_assert_int_eq(b->produce.code, 0);
    rig_release(&rig);
}
END_TEST

START_TEST(what_waited_for_an_image_goes_before_what_came_later)
{
    begin();
    rig.drop_apply = true;
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_topic *t = rig_topic(&rig, "t");
    struct rig_batch *b[4];
    for (int i = 0; i < 4; i++) {
        b[i] = rig_produce(&rig, t, 0, 3, 100, 77, 0, 3 * i);
        if (i < 2)
            rig_flush(&rig); /* these have met the old image; those come while the new one does */
    }
    shard_set_image(rig.shard[1].s, shard_image(rig.shard[0].s));
    rig_run(&rig);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(b[i]->produce.code, 0);
        ck_assert_int_eq(b[i]->produce.base_offset, 3 * i);
    }
    rig_release(&rig);
}
END_TEST

/* An image that brings a topic, and one in which that is gone again. */
static void make_images(struct meta_image *image[2], struct uuid *brief)
{
    begin();
    ck_assert_ok(rig_create_topic(&rig, "before", 2));
    rig.drop_apply = true;
    ck_assert_ok(rig_create_topic(&rig, "brief", 3));
    *brief = rig_topic(&rig, "brief")->id;
    image[0] = meta_image_ref(shard_image(rig.shard[0].s));
    ck_assert_ok(rig_delete_topic(&rig, "brief"));
    ck_assert_ok(rig_create_topic(&rig, "after", 2));
    image[1] = meta_image_ref(shard_image(rig.shard[0].s));
}

static unsigned count_partitions(const struct uuid *id)
{
    unsigned n = 0;
    for (int32_t i = 0; i < 3; i++)
        n += shard_partition(rig.shard[1].s, id, i) != NULL;
    return n;
}

/* Whatever there is no memory for, the image comes into force later; or, if a newer one comes
 * first, leaves nothing behind. */
START_TEST(an_image_that_finds_no_memory_waits_and_leaves_nothing_behind)
{
    bool failed = memory_may_fail();
    for (unsigned nth = 1; failed; nth++) {
        for (int last = 0; last < 2; last++) {
            struct meta_image *image[2];
            struct uuid brief;
            make_images(image, &brief);
            memory_fail(nth, 1);
            shard_set_image(rig.shard[1].s, image[0]);
            failed = memory_failed() > 0;
            memory_fail(0, 0);
            if (last)
                shard_set_image(rig.shard[1].s, image[1]);
            else
                rig_pass(&rig, 200);
            ck_assert(!shard_poisoned(rig.shard[1].s));
            ck_assert_uint_eq(shard_image_index(rig.shard[1].s), meta_index(image[last]));
            ck_assert_uint_eq(count_partitions(&brief), last ? 0 : 3);
            ck_assert_uint_eq(count_partitions(&rig_topic(&rig, "before")->id), 2);
            ck_assert_uint_eq(count_partitions(&rig_topic(&rig, "after")->id), last ? 2 : 0);
            for (int i = 0; i < 2; i++)
                meta_image_unref(image[i]);
            rig_release(&rig);
        }
    }
}
END_TEST

START_TEST(a_deletion_waits_for_the_checkpoint_that_is_being_made)
{
    struct rig history;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_topic *old = rig_topic(&rig, "t");
    produce(old, 0);
    rig_run(&rig);
    rig.hold_jobs = true;
    shard_checkpoint(rig.shard[1].s);
    ck_assert_ok(rig_delete_topic(&rig, "t"));
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_batch *b = produce(rig_topic(&rig, "t"), 0);
    rig_run(&rig);
    uint64_t newest = meta_index(shard_image(rig.shard[0].s));
    ck_assert(!b->done);
    ck_assert_uint_lt(shard_image_index(rig.shard[1].s), newest);
    rig.hold_jobs = false;
    rig_run(&rig);
    ck_assert_int_eq(b->produce.code, 0);
    ck_assert_uint_eq(shard_image_index(rig.shard[1].s), newest);
    ck_assert_int_eq(b->produce.base_offset, 0);
    crash(&history, IO_CUT_ALL);
    power_check(&rig, &history, 1);
    rig_release(&history);
    rig_release(&rig);
}
END_TEST

START_TEST(idle_means_a_mark_and_then_every_flip_is_corruption)
{
    struct rig history;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_batch *b = produce(rig_topic(&rig, "t"), 0);
    rig_run(&rig);
    rig_pass(&rig, 100);
    rig_pass(&rig, 100);
    struct io_mem *left = io_mem_crash(rig.disk, io_mem_trace_len(rig.disk), IO_CUT_ALL, 0);
    history = rig;
    rig_drop(&history);
    rig_init(&rig, left);
    size_t n, at = 0;
    uint8_t *wal = io_mem_bytes(left, RIG_DIR "/wal/1/00000000000000000002.wal", &n);
    ck_assert_ptr_nonnull(wal);
    while (at + b->produce.n <= n && memcmp(wal + at + 61, b->bytes + 61, b->produce.n - 61) != 0)
        at++;
    ck_assert_uint_lt(at, n);
    wal[at + 70] ^= 1;
    int rc = rig_open(&rig, &err);
    ck_assert_int_eq(rc, ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.text, "00000000000000000002.wal"));
    rig_release(&history);
    rig_release(&rig);
}
END_TEST

/* ---- damaged directories */

struct damage {
    const char *what, *path;
    int remove, flip, code;
};

START_TEST(damaged_directories_are_refused_with_the_file_named)
{
    static const struct damage cases[] = {
        {"no node.meta", RIG_DIR "/node.meta", 1, 0, ERR_CORRUPT},
        {"node.meta damaged", RIG_DIR "/node.meta", 0, 20, ERR_CORRUPT},
        {"live segment missing", RIG_DIR "/wal/1/00000000000000000002.wal", 1, 0, ERR_CORRUPT},
        {"segment header damaged", RIG_DIR "/wal/1/00000000000000000002.wal", 0, 70, ERR_CORRUPT},
        {"OPEN damaged", RIG_DIR "/wal/1/00000000000000000002.wal", 0, 4096 + 85, ERR_CORRUPT},
        {"metadata segment missing", RIG_DIR "/wal/0/00000000000000000002.wal", 1, 0, ERR_CORRUPT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin();
        ck_assert_ok(rig_create_topic(&rig, "t", 1));
        produce(rig_topic(&rig, "t"), 0);
        rig_run(&rig);
        struct io_mem *left = io_mem_crash(rig.disk, io_mem_trace_len(rig.disk), IO_CUT_ALL, 0);
        rig_release(&rig);
        rig_init(&rig, left);
        if (cases[i].remove) {
            ck_assert_ok(io_unlink(io_mem_io(left), cases[i].path));
        } else {
            size_t n;
            uint8_t *p = io_mem_bytes(left, cases[i].path, &n);
            ck_assert_ptr_nonnull(p);
            p[cases[i].flip] ^= 0x10;
        }
        int rc = rig_open(&rig, &err);
        ck_assert_msg(rc == cases[i].code, "%s: %s: %s", cases[i].what, err_name(rc), err.text);
        ck_assert_msg(strstr(err.text, RIG_DIR) != NULL, "%s: %s", cases[i].what, err.text);
        rig_release(&rig);
    }
}
END_TEST

START_TEST(a_partition_that_does_not_say_whose_it_is_stays_and_is_refused)
{
    static const char metadata[] = RIG_DIR "/log/t-0/partition.metadata";
    for (int missing = 0; missing < 2; missing++) {
        struct io_stat st;
        begin();
        ck_assert_ok(rig_create_topic(&rig, "t", 1));
        produce(rig_topic(&rig, "t"), 0);
        rig_run(&rig);
        shard_checkpoint(rig.shard[1].s);
        rig_run(&rig);
        struct io_mem *left = io_mem_crash(rig.disk, io_mem_trace_len(rig.disk), IO_CUT_NONE, 0);
        rig_release(&rig);
        rig_init(&rig, left);
        if (missing) {
            ck_assert_ok(io_unlink(io_mem_io(left), metadata));
        } else {
            size_t n;
            uint8_t *p = io_mem_bytes(left, metadata, &n);
            p[n - 5] = p[n - 5] == 'x' ? 'y' : 'x'; /* another topic's id */
        }
        ck_assert_int_eq(rig_open(&rig, &err), ERR_CORRUPT);
        ck_assert_msg(strstr(err.text, metadata) != NULL, "%s", err.text);
        ck_assert_ok(io_stat(io_mem_io(left), RIG_DIR "/log/t-0/00000000000000000000.log", &st));
        rig_release(&rig);
    }
}
END_TEST

/* After a failed sync the pages read as clean, and a later sync that goes well does not write them:
 * not in this process nor in the next. Whatever they hold has to be written anew. */
START_TEST(what_a_failed_sync_lost_is_not_trusted_after_a_restart)
{
    uint64_t before = 1, faults = 0;
    for (uint64_t nth = 1; faults != before; nth++) {
        struct rig history;
        begin();
        before = faults;
        ck_assert_ok(rig_create_topic(&rig, "t", 1));
        shard_checkpoint(rig.shard[1].s); /* one that knows the partition, and nothing in it */
        rig_run(&rig);
        produce(rig_topic(&rig, "t"), 0);
        rig_run(&rig);
        io_mem_fail(rig.disk, IO_MEM_SYNC, nth, EIO, 1);
        shard_checkpoint(rig.shard[1].s);
        rig_run(&rig);
        faults += io_mem_faults(rig.disk);
        io_mem_fail(rig.disk, IO_MEM_SYNC, 0, 0, 0);
        rig_drop(&rig); /* killed: the page cache stays */
        ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
        for (int i = 0; i < 3; i++) { /* until the log no longer has it */
            produce(rig_topic(&rig, "t"), 0);
            rig_run(&rig);
            shard_checkpoint(rig.shard[1].s);
            rig_run(&rig);
        }
        crash(&history, IO_CUT_NONE);
        power_check(&rig, &history, 4);
        rig_release(&rig);
        rig_release(&history);
    }
    ck_assert_uint_ge(faults, 2);
}
END_TEST

START_TEST(one_damaged_checkpoint_is_survived_two_are_not)
{
    for (int both = 0; both < 2; both++) {
        struct rig history;
        begin();
        ck_assert_ok(rig_create_topic(&rig, "t", 1));
        for (int i = 0; i < 30; i++) {
            produce(rig_topic(&rig, "t"), 0);
            rig_run(&rig);
            if (i % 10 == 5) {
                shard_checkpoint(rig.shard[1].s);
                rig_run(&rig);
            }
        }
        struct io_mem *left = io_mem_crash(rig.disk, io_mem_trace_len(rig.disk), IO_CUT_ALL, 0);
        history = rig;
        rig_drop(&history);
        for (int file = 0; file < 2; file++) {
            struct io_mem *copy = io_mem_crash(left, 0, IO_CUT_ALL, 0);
            size_t n;
            rig_init(&rig, copy);
            for (int k = 0; k < 2; k++)
                if (both || k == file)
                    io_mem_bytes(copy,
                                 k ? RIG_DIR "/wal/1/checkpoint.1" : RIG_DIR "/wal/1/checkpoint.0",
                                 &n)[100] ^= 1;
            int rc = rig_open(&rig, &err);
            ck_assert_msg(rc == (both ? ERR_CORRUPT : 0), "%s", err.text);
            if (!both)
                power_check(&rig, &history, 30);
            rig_release(&rig);
        }
        io_mem_free(left);
        rig_release(&history);
    }
}
END_TEST

START_TEST(a_metadata_log_that_lost_entries_is_noticed)
{
    begin();
    struct io_mem *young = io_mem_crash(rig.disk, io_mem_trace_len(rig.disk), IO_CUT_ALL, 0);
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    produce(rig_topic(&rig, "t"), 0);
    rig_run(&rig);
    struct io_mem *old = io_mem_crash(rig.disk, io_mem_trace_len(rig.disk), IO_CUT_ALL, 0);
    rig_release(&rig);
    /* The WAL of shard 0 as it was before the topic. */
    size_t n, m;
    uint8_t *from = io_mem_bytes(young, RIG_DIR "/wal/0/00000000000000000002.wal", &n);
    uint8_t *to = io_mem_bytes(old, RIG_DIR "/wal/0/00000000000000000002.wal", &m);
    ck_assert_uint_eq(n, m);
    memcpy(to, from, n);
    io_mem_free(young);
    rig_init(&rig, old);
    ck_assert_int_eq(rig_open(&rig, &err), ERR_CORRUPT);
    ck_assert_msg(strstr(err.text, "metadata was lost") != NULL, "%s", err.text);
    rig_release(&rig);
}
END_TEST

UNIT_MAIN(a_log_start_moves_when_its_trim_is_durable, batches_get_dense_offsets_and_come_back,
          nothing_is_acknowledged_before_its_sync,
          a_request_over_64_partitions_costs_one_sync_and_no_proposal,
          while_a_sync_is_under_way_the_next_group_gathers, acknowledged_batches_survive_a_kill,
          acknowledged_batches_survive_a_power_cut, a_start_adds_one_entry,
          a_clean_stop_leaves_a_mark_and_a_checkpoint,
          a_batch_sent_again_gets_the_originals_offset_once_that_is_durable,
          sequences_must_follow_and_epochs_fence, sequences_wrap_to_zero,
          producer_state_survives_checkpoints_and_restarts,
          after_a_failed_sync_nothing_is_acknowledged, a_failed_partition_log_takes_only_itself_out,
          a_checkpoint_that_cannot_be_saved_is_tried_again_later,
          a_log_whose_sync_failed_takes_nothing_more_and_its_wal_is_kept,
          a_full_disk_refuses_and_resumes, the_wal_stays_within_its_bound,
          a_deleted_topic_made_again_has_none_of_the_old_data,
          a_new_topic_is_served_once_its_image_is_handed_on,
          what_waited_for_an_image_goes_before_what_came_later,
          an_image_that_finds_no_memory_waits_and_leaves_nothing_behind,
          a_deletion_waits_for_the_checkpoint_that_is_being_made,
          idle_means_a_mark_and_then_every_flip_is_corruption,
          damaged_directories_are_refused_with_the_file_named,
          a_partition_that_does_not_say_whose_it_is_stays_and_is_refused,
          what_a_failed_sync_lost_is_not_trusted_after_a_restart,
          one_damaged_checkpoint_is_survived_two_are_not,
          a_metadata_log_that_lost_entries_is_noticed)
