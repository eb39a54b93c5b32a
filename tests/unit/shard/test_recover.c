/* What a start takes for its log, and what it refuses. */
#include <stdlib.h>
#include <string.h>

#include "shard/checkpoint.h"
#include "tests/unit/shard/power.h"

static struct rig rig;
static struct err err;

static void begin(void)
{
    rig_init(&rig, NULL);
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
}

static void produce(const struct rig_topic *t)
{
    rig_produce(&rig, t, 0, 3, 100, -1, 0, 0);
    rig_flush(&rig);
    rig_run(&rig);
}

static int note_lowest(void *lowest, const char *name)
{
    char *least = lowest;
    if (strstr(name, ".wal") && (!*least || strcmp(name, least) < 0))
        snprintf(least, 64, "%s", name);
    return 0;
}

/* The segment is there for the older of the two checkpoints alone. */
START_TEST(damage_where_no_recovery_reads_refuses_no_start)
{
    static const char dir[] = RIG_DIR "/wal/1";
    struct rig history;
    struct checkpoint newest, older;
    bool bad;
    char lowest[64] = "", path[128];
    size_t n;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    for (int round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < rig.segment_bytes / 4096; i++) { /* a block for each, or more */
            produce(rig_topic(&rig, "t"));
        }
        shard_checkpoint(rig.shard[1].s);
        rig_run(&rig);
    }
    produce(rig_topic(&rig, "t"));
    struct io_mem *left = io_mem_crash(rig.disk, io_mem_trace_len(rig.disk), IO_CUT_ALL, 0);
    history = rig;
    rig_drop(&history);
    rig_init(&rig, left);
    ck_assert_ok(io_list(io_mem_io(left), dir, note_lowest, lowest));
    ck_assert_ok(checkpoint_load(io_mem_io(left), dir, NULL, &newest, &older, &bad, &err));
    ck_assert_uint_lt(strtoull(lowest, NULL, 10), newest.replay.segment);
    checkpoint_release(&newest);
    checkpoint_release(&older);
    snprintf(path, sizeof path, "%s/%s", dir, lowest);
    io_mem_bytes(left, path, &n)[70] ^= 0x10;
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
    power_check(&rig, &history, 3);
    rig_release(&history);
    rig_release(&rig);
}
END_TEST

/* Its partitions' records are not in it: they must not be removed as if they were. */
START_TEST(a_log_made_anew_is_not_taken_for_the_one_that_is_missing)
{
    static const char wal[] = RIG_DIR "/wal/1";
    uint64_t self = 1;
    struct io_stat st;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    produce(rig_topic(&rig, "t"));
    shard_checkpoint(rig.shard[1].s);
    rig_run(&rig);
    struct io_mem *left = io_mem_crash(rig.disk, io_mem_trace_len(rig.disk), IO_CUT_ALL, 0);
    struct rig history = rig;
    struct shard_config cfg = {.io = io_mem_io(left),
                               .clock = &rig.clock.clock,
                               .owner = {rig.node.meta.cluster_id, 1, 1},
                               .wal_dir = wal,
                               .segment_bytes = rig.segment_bytes};
    ck_assert_ok(io_rename(cfg.io, wal, "/aside"));
    ck_assert_ok(io_mkdir(cfg.io, wal));
    ck_assert_ok(shard_bootstrap(&cfg, &self, 1, &err));
    rig_drop(&history);
    rig_init(&rig, left);
    for (int i = 0; i < 2; i++) { /* the refusal stands */
        ck_assert_int_eq(rig_open(&rig, &err), ERR_CORRUPT);
        ck_assert_msg(strstr(err.text, wal) && strstr(err.text, "t-0"), "%s", err.text);
        ck_assert_ok(io_stat(cfg.io, RIG_DIR "/log/t-0/00000000000000000000.log", &st));
    }
    ck_assert_ok(io_remove_tree(cfg.io, wal));
    ck_assert_ok(io_rename(cfg.io, "/aside", wal));
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
    power_check(&rig, &history, 1);
    rig_release(&history);
    rig_release(&rig);
}
END_TEST

/* A start made its checkpoint, and nothing came into the log before the power went. */
START_TEST(a_log_whose_second_checkpoint_is_damaged_is_not_taken_for_a_new_one)
{
    static const char wal[] = RIG_DIR "/wal/1";
    uint64_t self = 1;
    struct io_file *f;
    begin();
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct io_mem *left = io_mem_crash(rig.disk, io_mem_trace_len(rig.disk), IO_CUT_ALL, 0);
    struct shard_config cfg = {.io = io_mem_io(left),
                               .clock = &rig.clock.clock,
                               .owner = {rig.node.meta.cluster_id, 1, 1},
                               .wal_dir = wal,
                               .segment_bytes = rig.segment_bytes};
    ck_assert_ok(io_remove_tree(cfg.io, wal));
    ck_assert_ok(io_mkdir(cfg.io, wal));
    ck_assert_ok(shard_bootstrap(&cfg, &self, 1, &err));
    ck_assert_ok(
        io_open(cfg.io, RIG_DIR "/wal/1/checkpoint.0", IO_WRITE | IO_CREATE | IO_EXCL, &f));
    ck_assert_ok(io_pwrite(f, "damaged", 7, 0));
    io_close(f);
    rig_release(&rig);
    rig_init(&rig, left);
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
    rig_release(&rig);
}
END_TEST

UNIT_MAIN(a_log_whose_second_checkpoint_is_damaged_is_not_taken_for_a_new_one,
          damage_where_no_recovery_reads_refuses_no_start,
          a_log_made_anew_is_not_taken_for_the_one_that_is_missing)
