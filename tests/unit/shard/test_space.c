/* Where room is short nothing fails: records are refused, what is logged waits, reading goes on,
 * and all of it is over by itself. */
#include "tests/unit/shard/power.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct rig rig;
static struct err err;
static struct log lines;

static void begin(void)
{
    rig_init(&rig, NULL);
    log_init(&lines, memfd_create("lines", 0), LOG_INFO, clock_system());
    rig.log = &lines;
}

static struct rig_topic *open_with(int32_t partitions)
{
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
    ck_assert_ok(rig_create_topic(&rig, "t", partitions));
    return rig_topic(&rig, "t");
}

/* How many lines have that in them? */
static unsigned said(const char *what)
{
    static char text[1 << 20];
    ssize_t n = pread(lines.fd, text, sizeof text - 1, 0);
    unsigned found = 0;
    ck_assert(n >= 0);
    text[n] = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        found++;
    return found;
}

static struct rig_batch *produce(const struct rig_topic *t, int32_t partition)
{
    struct rig_batch *b = rig_produce(&rig, t, partition, 4, 500, -1, 0, 0);
    rig_flush(&rig);
    rig_run(&rig);
    return b;
}

/* The disk holds what it holds now, and `more`. */
static void fill_disk(uint64_t more)
{
    uint64_t left;
    io_mem_set_space(rig.disk, UINT64_MAX / 2);
    ck_assert_ok(io_space(io_mem_io(rig.disk), RIG_DIR, &left));
    io_mem_set_space(rig.disk, UINT64_MAX / 2 - left + more);
}

static void free_disk(void)
{
    io_mem_set_space(rig.disk, UINT64_MAX);
}

/* A power cut; then all that was acknowledged is there. */
static void end(size_t least)
{
    power_cut(&rig, least);
    rig_release(&rig);
    close(lines.fd);
}

/* ---- applying */

START_TEST(an_entry_that_finds_no_room_waits_and_is_applied_once)
{
    begin();
    struct rig_topic *t = open_with(1);
    produce(t, 0);
    fill_disk(0);
    struct rig_batch *waits = produce(t, 0);
    struct rig_batch *refused = produce(t, 0);
    rig_pass(&rig, 300);
    ck_assert(!waits->done);
    ck_assert_int_eq(refused->produce.code, -ENOSPC);
    ck_assert(!shard_poisoned(rig.shard[1].s));
    ck_assert(!plog_failed(shard_partition(rig.shard[1].s, &t->id, 0)));
    power_check(&rig, &rig, 1);
    for (int i = 0; i < 20; i++)
        rig_pass(&rig, 300);
    ck_assert_uint_eq(said("no room to apply"), 1);
    free_disk();
    rig_pass(&rig, 300);
    ck_assert(waits->done);
    ck_assert_int_eq(waits->produce.code, 0);
    ck_assert_int_eq(waits->produce.base_offset, 4);
    struct rig_batch *b = produce(t, 0);
    ck_assert_int_eq(b->produce.code, 0);
    ck_assert_int_eq(b->produce.base_offset, 8);
    ck_assert_uint_eq(said("room to apply what is logged again"), 1);
    end(3);
}
END_TEST

/* Its first batch finds no room; the second, which was on its way, must not take its place. */
START_TEST(a_producer_that_begins_keeps_its_order)
{
    enum { OURS = 7, OTHERS = 8 };
    begin();
    struct rig_topic *t = open_with(2);
    produce(t, 1);
    fill_disk(0);
    struct rig_batch *waits = produce(t, 1);
    struct rig_batch *first = rig_produce(&rig, t, 0, 2, 100, OURS, 0, 0);
    struct rig_batch *behind = rig_produce(&rig, t, 0, 2, 100, OURS, 0, 2);
    rig_flush(&rig);
    rig_run(&rig);
    ck_assert_int_eq(first->produce.code, -ENOSPC);
    ck_assert_int_eq(behind->produce.code, -ENOSPC);
    free_disk();
    for (int i = 0; i < 3; i++)
        rig_pass(&rig, 300);
    ck_assert_int_eq(waits->produce.code, 0);
    struct rig_batch *second = rig_produce(&rig, t, 0, 2, 100, OURS, 0, 2);
    struct rig_batch *forgotten = rig_produce(&rig, t, 0, 2, 100, OTHERS, 0, 9);
    rig_flush(&rig);
    rig_run(&rig);
    ck_assert_int_eq(second->produce.code, ERR_OUTOFORDER);
    ck_assert_int_eq(forgotten->produce.code, 0);
    for (int32_t sequence = 0; sequence < 6; sequence += 2) {
        struct rig_batch *again = rig_produce(&rig, t, 0, 2, 100, OURS, 0, sequence);
        rig_flush(&rig);
        rig_run(&rig);
        ck_assert_int_eq(again->produce.code, 0);
        ck_assert_int_eq(again->produce.base_offset, 2 + sequence);
    }
    end(5);
}
END_TEST

/* It gave the first up and begins an epoch, or it has written elsewhere: nothing is due. */
START_TEST(what_is_due_is_of_one_epoch_and_partition)
{
    begin();
    struct rig_topic *t = open_with(2);
    produce(t, 1);
    fill_disk(0);
    produce(t, 1);
    struct rig_batch *first = rig_produce(&rig, t, 0, 2, 100, 7, 0, 0);
    rig_flush(&rig);
    rig_run(&rig);
    ck_assert_int_eq(first->produce.code, -ENOSPC);
    free_disk();
    for (int i = 0; i < 3; i++)
        rig_pass(&rig, 300);
    struct rig_batch *elsewhere = rig_produce(&rig, t, 1, 2, 100, 7, 0, 5);
    struct rig_batch *later = rig_produce(&rig, t, 0, 2, 100, 7, 1, 0);
    rig_flush(&rig);
    rig_run(&rig);
    ck_assert_int_eq(elsewhere->produce.code, 0);
    ck_assert_int_eq(later->produce.code, 0);
    end(4);
}
END_TEST

/* One entry, three partitions; the second finds no room. */
START_TEST(partitions_that_took_their_part_do_not_take_it_again)
{
    static const int codes[] = {ENOSPC, EDQUOT, EFBIG, EMFILE, ENFILE, ENOMEM};
    for (size_t k = 0; k < sizeof codes / sizeof *codes; k++) {
        begin();
        struct rig_topic *t = open_with(3);
        struct rig_batch *b[3];
        io_mem_fail(rig.disk, IO_MEM_WRITE, 4, codes[k], 2); /* metadata and records of each */
        for (int p = 0; p < 3; p++)
            b[p] = rig_produce(&rig, t, p, 2, 100, 7, 0, 0);
        rig_flush(&rig);
        rig_run(&rig);
        ck_assert_uint_eq(io_mem_faults(rig.disk), 1);
        ck_assert_int_eq(plog_log_end(shard_partition(rig.shard[1].s, &t->id, 0)), 2);
        ck_assert_int_eq(plog_log_end(shard_partition(rig.shard[1].s, &t->id, 1)), 0);
        struct shard_stats st;
        shard_stats(rig.shard[1].s, &st);
        uint64_t before = st.checkpoints;
        shard_checkpoint(rig.shard[1].s);
        rig_run(&rig);
        shard_stats(rig.shard[1].s, &st);
        ck_assert_uint_eq(st.checkpoints, before); /* no index at which all stand */
        for (int i = 0; i < 3; i++)
            rig_pass(&rig, 300);
        ck_assert_uint_eq(io_mem_faults(rig.disk), 2);
        for (int p = 0; p < 3; p++) {
            ck_assert(b[p]->done);
            ck_assert_int_eq(b[p]->produce.code, 0);
            struct rig_batch *again = rig_produce_again(&rig, b[p]);
            rig_flush(&rig);
            rig_run(&rig);
            ck_assert_int_eq(again->produce.code, 0);
            ck_assert_int_eq(again->produce.base_offset, 0);
            ck_assert_int_eq(plog_log_end(shard_partition(rig.shard[1].s, &t->id, p)), 2);
        }
        shard_stats(rig.shard[1].s, &st);
        ck_assert_uint_eq(st.checkpoints, before + 1);
        end(3);
    }
}
END_TEST

/* An append over several segments that fails in each of its writes in turn. */
START_TEST(what_reached_the_files_is_taken_back)
{
    for (uint64_t nth = 1; nth <= 6; nth++) {
        begin();
        rig.settings.segment_bytes = 4096;
        struct rig_topic *t = open_with(1);
        produce(t, 0);
        io_mem_fail(rig.disk, IO_MEM_WRITE, nth, ENOSPC, 1);
        struct rig_batch *b[6];
        for (int i = 0; i < 6; i++)
            b[i] = rig_produce(&rig, t, 0, 2, 1000, -1, 0, 0);
        rig_flush(&rig);
        rig_run(&rig);
        ck_assert_uint_eq(io_mem_faults(rig.disk), 1);
        struct io_stat st;
        ck_assert_ok(
            io_stat(io_mem_io(rig.disk), RIG_DIR "/log/t-0/00000000000000000000.log", &st));
        ck_assert_uint_eq(st.size, rig.batches[0]->produce.n);
        char **names;
        size_t n;
        ck_assert_ok(io_names(io_mem_io(rig.disk), RIG_DIR "/log/t-0", &names, &n));
        ck_assert_uint_eq(n, 2); /* partition.metadata and the first segment */
        io_names_free(names, n);
        rig_pass(&rig, 300);
        for (int i = 0; i < 6; i++)
            ck_assert_int_eq(b[i]->produce.code, 0);
        end(7);
    }
}
END_TEST

/* One of them cannot be removed: it must not be taken for part of the log one day. */
START_TEST(what_cannot_be_taken_back_takes_its_log_offline)
{
    begin();
    rig.settings.segment_bytes = 4096;
    struct rig_topic *t = open_with(2);
    produce(t, 0);
    io_mem_fail(rig.disk, IO_MEM_WRITE, 3, ENOSPC, 1);
    io_mem_fail(rig.disk, IO_MEM_UNLINK, 1, ENOSPC, 1);
    struct rig_batch *b[6];
    for (int i = 0; i < 6; i++)
        b[i] = rig_produce(&rig, t, 0, 2, 1000, -1, 0, 0);
    rig_flush(&rig);
    rig_run(&rig);
    rig_pass(&rig, 300);
    ck_assert_uint_eq(io_mem_faults(rig.disk), 2);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(b[i]->produce.code, -EIO);
    ck_assert(plog_failed(shard_partition(rig.shard[1].s, &t->id, 0)));
    ck_assert_int_eq(produce(t, 1)->produce.code, 0);
    end(2);
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_for_lack_of_descriptors_fails_no_log)
{
    begin();
    struct rig_topic *t = open_with(1);
    io_mem_fail(rig.disk, IO_MEM_OPEN, 1, EMFILE, 3);
    struct rig_batch *b = produce(t, 0);
    ck_assert(!b->done);
    for (int i = 0; i < 5; i++)
        rig_pass(&rig, 300);
    ck_assert_uint_eq(io_mem_faults(rig.disk), 3);
    ck_assert_int_eq(b->produce.code, 0);
    end(1);
}
END_TEST

/* ---- gaining room */

static void write_segments(struct rig_topic *t, int32_t partition)
{
    for (int i = 0; i < 60; i++)
        ck_assert_int_eq(produce(t, partition)->produce.code, 0);
    for (int i = 0; i < 2; i++) { /* no recovery needs the old segments then */
        shard_checkpoint(rig.shard[1].s);
        rig_run(&rig);
        produce(t, partition);
    }
}

START_TEST(a_trim_makes_room_for_what_waits_before_it)
{
    begin();
    struct rig_topic *t = open_with(1);
    write_segments(t, 0);
    fill_disk(0);
    struct rig_batch *waits = produce(t, 0);
    ck_assert(!waits->done);
    struct rig_trim *trim = rig_trim(&rig, t, 0, 200);
    rig_flush(&rig);
    rig_run(&rig);
    ck_assert(!trim->done);
    for (int i = 0; i < 3; i++)
        rig_pass(&rig, 300);
    ck_assert(waits->done && trim->done);
    ck_assert_int_eq(waits->produce.code, 0);
    ck_assert_int_eq(trim->trim.code, 0);
    ck_assert_int_eq(produce(t, 0)->produce.code, 0);
    free_disk();
    end(5);
}
END_TEST

START_TEST(a_deleted_topic_makes_room_for_what_waits)
{
    begin();
    struct rig_topic *t = open_with(1);
    ck_assert_ok(rig_create_topic(&rig, "other", 1));
    write_segments(rig_topic(&rig, "other"), 0);
    produce(t, 0);
    fill_disk(0);
    struct rig_batch *waits = produce(t, 0);
    ck_assert(!waits->done);
    ck_assert_ok(rig_delete_topic(&rig, "other"));
    rig_run(&rig);
    ck_assert(waits->done);
    ck_assert_int_eq(waits->produce.code, 0);
    free_disk();
    end(2);
}
END_TEST

/* ---- the reserve */

START_TEST(records_are_refused_before_the_disk_is_full_and_taken_again)
{
    begin();
    rig.reserve_bytes = 20000;
    rig.wal_max_bytes = 4 * RIG_SEGMENT;
    struct rig_topic *t = open_with(1);
    write_segments(t, 0);
    fill_disk(40000);
    rig_pass(&rig, 200); /* it looks every 100 ms */
    struct rig_batch *b = NULL;
    size_t taken = 0;
    for (int i = 0; i < 100 && (!b || b->produce.code == 0); i++) {
        b = produce(t, 0);
        ck_assert(b->done); /* nothing waits */
        taken += b->produce.code == 0;
    }
    ck_assert_int_eq(b->produce.code, -ENOSPC);
    ck_assert_uint_ge(taken, 5);
    ck_assert_uint_eq(io_mem_faults(rig.disk), 0);
    ck_assert_uint_eq(said("disk nearly full"), 1);
    power_check(&rig, &rig, taken);
    shard_checkpoint(rig.shard[1].s); /* finds room in the reserve */
    struct shard_stats st;
    shard_stats(rig.shard[1].s, &st);
    uint64_t before = st.checkpoints;
    rig_run(&rig);
    shard_stats(rig.shard[1].s, &st);
    ck_assert_uint_eq(st.checkpoints, before + 1);
    struct rig_trim *trim = rig_trim(&rig, t, 0, 200);
    rig_flush(&rig);
    rig_run(&rig);
    ck_assert(trim->done);
    ck_assert_int_eq(trim->trim.code, 0);
    rig_pass(&rig, 200);
    ck_assert_int_eq(produce(t, 0)->produce.code, 0);
    ck_assert_uint_eq(said("disk has room again"), 1);
    ck_assert_uint_eq(said("disk nearly full"), 1);
    free_disk();
    end(taken > 60 ? 10 : 1);
}
END_TEST

/* The reserve is not for new WAL segments either: a checkpoint gives back an old one. */
START_TEST(without_room_for_a_segment_the_log_recycles)
{
    begin();
    rig.reserve_bytes = 10000;
    rig.wal_max_bytes = 64 * RIG_SEGMENT;
    rig.settings.segment_bytes = 8 * 1024;
    struct rig_topic *t = open_with(1);
    for (int i = 0; i < 60; i++)
        produce(t, 0);
    fill_disk(RIG_SEGMENT / 2);
    struct rig_batch *b = NULL;
    struct shard_stats st;
    shard_stats(rig.shard[1].s, &st);
    uint64_t bytes = st.bytes;
    for (int i = 0; i < 400; i++) {
        b = produce(t, 0);
        if (i % 5 == 4) {
            rig_trim(&rig, t, 0, -1);
            rig_flush(&rig);
            rig_run(&rig);
        }
        rig_pass(&rig, 250);
    }
    ck_assert_int_eq(b->produce.code, 0);
    shard_stats(rig.shard[1].s, &st);
    ck_assert_uint_gt(st.bytes - bytes, 6 * RIG_SEGMENT);
    free_disk();
    end(0); /* all was trimmed */
}
END_TEST

/* Neither segments nor checkpoints can be made. What came all at once is written as far as the log
 * has room, the rest is refused, and a trim still finds its place. */
START_TEST(no_more_is_submitted_than_the_log_has_room_for)
{
    begin();
    rig.group_bytes = 8 * 1024;
    struct rig_topic *t = open_with(1);
    produce(t, 0);
    io_mem_fail(rig.disk, IO_MEM_RENAME, 1, ENOSPC, 0);
    shard_checkpoint(rig.shard[1].s);
    rig_run(&rig);
    struct rig_batch *b[64];
    for (int i = 0; i < 64; i++)
        b[i] = rig_produce(&rig, t, 0, 10, 500, -1, 0, 0);
    rig_flush(&rig);
    rig_run(&rig);
    rig_pass(&rig, 3000);
    int taken = 0;
    for (int i = 0; i < 64; i++) {
        ck_assert_msg(b[i]->done, "batch %d waits", i);
        taken += b[i]->produce.code == 0;
    }
    ck_assert_int_ge(taken, 5);
    ck_assert_int_lt(taken, 64);
    struct rig_trim *trim = rig_trim(&rig, t, 0, -1);
    rig_flush(&rig);
    rig_run(&rig);
    ck_assert(trim->done);
    ck_assert_int_eq(trim->trim.code, 0);
    io_mem_fail(rig.disk, IO_MEM_RENAME, 0, 0, 0);
    rig_pass(&rig, 3000);
    ck_assert_int_eq(produce(t, 0)->produce.code, 0);
    end(1);
}
END_TEST

/* ---- stop and start */

START_TEST(a_stop_while_an_entry_waits_ends_and_the_next_start_applies_it)
{
    begin();
    struct rig_topic *t = open_with(1);
    produce(t, 0);
    fill_disk(0);
    struct rig_batch *waits = produce(t, 0);
    ck_assert(!waits->done);
    shard_stop(rig.shard[1].s);
    rig_run(&rig);
    ck_assert(shard_stopped(rig.shard[1].s));
    ck_assert(waits->done);
    ck_assert_int_ne(waits->produce.code, 0);
    rig_drop(&rig);

    /* Until shard 0 comes up and shard 1 finds no room for what waited. */
    free_disk();
    bool waited = false;
    for (uint64_t nth = 1; nth < 20 && !waited; nth++) {
        io_mem_fail(rig.disk, IO_MEM_WRITE, nth, ENOSPC, 0);
        ck_assert_int_eq(rig_open(&rig, &err), -ENOSPC);
        waited = strstr(err.text, "nothing is lost") != NULL;
    }
    ck_assert_msg(waited, "%s", err.text);
    io_mem_fail(rig.disk, IO_MEM_WRITE, 0, 0, 0);
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
    ck_assert_int_eq(plog_log_end(shard_partition(rig.shard[1].s, &t->id, 0)), 8);
    end(1);
}
END_TEST

START_TEST(who_is_in_a_hurry_gets_answers)
{
    begin();
    struct rig_topic *t = open_with(1);
    produce(t, 0);
    fill_disk(0);
    struct rig_batch *waits = produce(t, 0);
    ck_assert(!waits->done);
    shard_hurry(rig.shard[1].s);
    ck_assert(waits->done);
    ck_assert_int_eq(waits->produce.code, ERR_UNKNOWN_OUTCOME);
    free_disk();
    rig_pass(&rig, 300);
    ck_assert_int_eq(plog_log_end(shard_partition(rig.shard[1].s, &t->id, 0)), 8);
    end(1);
}
END_TEST

START_TEST(a_hurry_ends_waiting_for_the_log_too)
{
    begin();
    rig.wal_max_bytes = 4 * RIG_SEGMENT;
    struct rig_topic *t = open_with(1);
    rig.hold_jobs = true;
    struct rig_batch *b = NULL;
    for (int i = 0; i < 200 && (!b || b->done); i++)
        b = produce(t, 0);
    ck_assert(!b->done);
    shard_hurry(rig.shard[1].s);
    ck_assert(b->done);
    ck_assert_int_eq(b->produce.code, ERR_CLOSED);
    rig.hold_jobs = false;
    rig_run(&rig);
    end(10);
}
END_TEST

/* ---- checkpoints */

static void checkpoint_fails_for_a_while(enum io_mem_call call, int code)
{
    begin();
    struct rig_topic *t = open_with(2);
    produce(t, 0);
    produce(t, 1);
    io_mem_fail(rig.disk, call, 1, code, 0);
    shard_checkpoint(rig.shard[1].s);
    shard_checkpoint(rig.shard[0].s);
    rig_run(&rig);
    for (int i = 0; i < 10; i++)
        rig_pass(&rig, 1100);
    ck_assert_uint_ge(io_mem_faults(rig.disk), 10);
    ck_assert_uint_eq(said("checkpoint failed"), 2); /* once a shard */
    ck_assert_int_eq(produce(t, 0)->produce.code, 0);
    io_mem_fail(rig.disk, call, 0, 0, 0);
    rig_pass(&rig, 1100);
    ck_assert_uint_eq(said("checkpoints succeed again"), 2);
    ck_assert_int_eq(produce(t, 1)->produce.code, 0);
    end(4);
}

START_TEST(checkpoints_that_find_no_room_are_tried_until_they_do)
{
    checkpoint_fails_for_a_while(IO_MEM_RENAME, ENOSPC);
}
END_TEST

/* A sync that was never begun says nothing about the disk. */
START_TEST(checkpoints_without_descriptors_are_tried_until_there_are_some)
{
    checkpoint_fails_for_a_while(IO_MEM_SYNC_DIR, EMFILE);
}
END_TEST

/* ---- time */

START_TEST(a_clock_that_is_set_makes_no_producer_forgotten)
{
    static const int64_t jumps[] = {INT64_C(10) * 365 * 86400000, INT64_C(-10) * 365 * 86400000};
    for (size_t k = 0; k < 2; k++) {
        begin();
        rig.producer_expiry_ms = 86400000;
        struct rig_topic *t = open_with(1);
        struct rig_batch *before = rig_produce(&rig, t, 0, 1, 10, 7, 0, 0);
        rig_flush(&rig);
        rig_run(&rig);
        rig.clock.wall += jumps[k];
        struct rig_batch *b = rig_produce(&rig, t, 0, 1, 10, 8, 0, 0);
        rig_flush(&rig);
        rig_run(&rig);
        shard_checkpoint(rig.shard[1].s);
        rig_run(&rig);
        struct rig_batch *again[2] = {rig_produce_again(&rig, before), rig_produce_again(&rig, b)};
        rig_flush(&rig);
        rig_run(&rig);
        ck_assert_int_eq(again[0]->produce.base_offset, 0);
        ck_assert_int_eq(again[1]->produce.base_offset, 1);
        ck_assert_int_eq(plog_log_end(shard_partition(rig.shard[1].s, &t->id, 0)), 2);
        end(4);
    }
}
END_TEST

UNIT_MAIN(an_entry_that_finds_no_room_waits_and_is_applied_once,
          a_producer_that_begins_keeps_its_order, what_is_due_is_of_one_epoch_and_partition,
          partitions_that_took_their_part_do_not_take_it_again,
          what_reached_the_files_is_taken_back, what_cannot_be_taken_back_takes_its_log_offline,
          a_file_that_cannot_be_opened_for_lack_of_descriptors_fails_no_log,
          a_trim_makes_room_for_what_waits_before_it, a_deleted_topic_makes_room_for_what_waits,
          records_are_refused_before_the_disk_is_full_and_taken_again,
          without_room_for_a_segment_the_log_recycles,
          no_more_is_submitted_than_the_log_has_room_for,
          a_stop_while_an_entry_waits_ends_and_the_next_start_applies_it,
          who_is_in_a_hurry_gets_answers, a_hurry_ends_waiting_for_the_log_too,
          checkpoints_that_find_no_room_are_tried_until_they_do,
          checkpoints_without_descriptors_are_tried_until_there_are_some,
          a_clock_that_is_set_makes_no_producer_forgotten)
