/* The data directory: first start killed anywhere, and everything that must be refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/io_mem.h"
#include "shard/node.h"
#include "tests/unit/unit.h"

#define DIR_NAME "/d"

static struct clock_manual manual;

static struct node_config config(struct io_mem *disk)
{
    clock_manual_init(&manual, 1000000, 1800000000000);
    return (struct node_config){.io = io_mem_io(disk),
                                .dir = DIR_NAME,
                                .node_id = 1,
                                .data_shards = 1,
                                .segment_bytes = WAL_SEGMENT_MIN,
                                .meta_segment_bytes = WAL_SEGMENT_MIN,
                                .clock = &manual.clock};
}

static struct io_mem *made(void)
{
    struct io_mem *disk = io_mem_new();
    struct node_config cfg = config(disk);
    struct node n;
    struct err e;
    ck_assert_msg(node_open(&n, &cfg, &e) == 0, "%s", e.text);
    ck_assert(n.fresh);
    node_release(&n);
    return disk;
}

START_TEST(a_first_start_cut_anywhere_begins_again)
{
    struct io_mem *disk = made();
    size_t len = io_mem_trace_len(disk);
    ck_assert_uint_gt(len, 30);
    for (size_t upto = 0; upto <= len; upto++) {
        for (int cut = IO_CUT_NONE; cut <= IO_CUT_LAST_FIRST; cut++) {
            struct io_mem *left = io_mem_crash(disk, upto, (enum io_mem_cut)cut, upto * 7 + 1);
            struct node_config cfg = config(left);
            struct node n;
            struct err e;
            int rc = node_open(&n, &cfg, &e);
            ck_assert_msg(rc == 0, "cut %d at %zu of %zu: %s", cut, upto, len, e.text);
            struct uuid id = n.meta.cluster_id;
            node_release(&n);
            rc = node_open(&n, &cfg, &e);
            ck_assert_msg(rc == 0, "cut %d at %zu of %zu, second start: %s", cut, upto, len,
                          e.text);
            ck_assert(!n.fresh);
            ck_assert(uuid_eq(&id, &n.meta.cluster_id));
            node_release(&n);
            io_mem_free(left);
        }
    }
    io_mem_free(disk);
}
END_TEST

/* For each of its files and directories one, and a few for their way into place. */
START_TEST(a_first_start_syncs_little)
{
    struct io_mem *disk = made();
    ck_assert_uint_le(io_mem_calls(disk, IO_MEM_SYNC) + io_mem_calls(disk, IO_MEM_COMMIT), 6);
    ck_assert_uint_le(io_mem_calls(disk, IO_MEM_SYNC_DIR), 14);
    io_mem_free(disk);
}
END_TEST

/* Begun again after a failure, with what the first try left in the page cache: the second one must
 * make all of it durable, not only what it did itself. */
START_TEST(a_first_start_that_failed_anywhere_is_durable_once_begun_again)
{
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        struct io_mem *disk = io_mem_new(), *left;
        struct node_config cfg = config(disk);
        struct node n;
        struct err e;
        io_mem_fail(disk, IO_MEM_SYNC_DIR, nth, EIO, 1);
        failed = node_open(&n, &cfg, &e) != 0;
        ck_assert_msg(!failed || node_open(&n, &cfg, &e) == 0, "after %llu: %s",
                      (unsigned long long)nth, e.text);
        struct uuid id = n.meta.cluster_id;
        node_release(&n);
        left = io_mem_crash(disk, io_mem_trace_len(disk), IO_CUT_NONE, 0);
        cfg = config(left);
        ck_assert_msg(node_open(&n, &cfg, &e) == 0, "after %llu: %s", (unsigned long long)nth,
                      e.text);
        ck_assert_msg(!n.fresh && uuid_eq(&id, &n.meta.cluster_id),
                      "the directory is gone after a power cut: sync %llu had failed",
                      (unsigned long long)nth);
        node_release(&n);
        io_mem_free(left);
        io_mem_free(disk);
        ck_assert_uint_lt(nth, 100);
    }
}
END_TEST

/* ---- WALs on a device of their own */

#define WAL_DIR "/w"

/* A node whose WALs are in WAL_DIR; their device has the other disk's names, but one power. */
static struct node_config config_apart(struct io_mem *disk)
{
    struct node_config cfg = config(disk);
    cfg.wal_dir = WAL_DIR;
    return cfg;
}

static void open_close(const struct node_config *cfg, struct uuid *id)
{
    struct node n;
    struct err e;
    int rc = node_open(&n, cfg, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    if (id)
        *id = n.meta.cluster_id;
    node_release(&n);
}

static bool there(struct io *io, const char *path)
{
    struct io_stat st;
    return io_stat(io, path, &st) == 0;
}

START_TEST(wals_live_where_wal_dir_says)
{
    struct io_mem *disk = io_mem_new();
    struct node_config cfg = config_apart(disk);
    struct node_meta meta;
    struct err e;
    open_close(&cfg, NULL);
    ck_assert(there(cfg.io, WAL_DIR "/0/checkpoint.1") && there(cfg.io, WAL_DIR "/1/checkpoint.1"));
    ck_assert(!there(cfg.io, DIR_NAME "/wal") && !there(cfg.io, WAL_DIR "/init.tmp"));
    ck_assert_ok(node_read(cfg.io, DIR_NAME, &meta, &e));
    ck_assert_str_eq(meta.wal_dir, WAL_DIR);
    cfg.wal_dir = NULL; /* node.meta knows */
    cfg.data_shards = 2;
    open_close(&cfg, NULL);
    ck_assert(there(cfg.io, WAL_DIR "/2/checkpoint.1"));
    io_mem_free(disk);
}
END_TEST

START_TEST(a_first_start_over_two_places_cut_anywhere_begins_again)
{
    struct io_mem *disk = io_mem_new();
    struct node_config cfg = config_apart(disk);
    open_close(&cfg, NULL);
    size_t len = io_mem_trace_len(disk);
    for (size_t upto = 0; upto <= len; upto++) {
        for (int cut = IO_CUT_NONE; cut <= IO_CUT_LAST_FIRST; cut++) {
            struct io_mem *left = io_mem_crash(disk, upto, (enum io_mem_cut)cut, upto * 7 + 1);
            struct uuid first, second;
            cfg = config_apart(left);
            open_close(&cfg, &first);
            open_close(&cfg, &second);
            ck_assert(uuid_eq(&first, &second));
            ck_assert(!there(cfg.io, WAL_DIR "/init.tmp"));
            io_mem_free(left);
        }
    }
    io_mem_free(disk);
}
END_TEST

START_TEST(a_wal_dir_of_another_node_is_never_emptied)
{
    struct io_mem *disk = io_mem_new();
    struct node_config cfg = config_apart(disk);
    struct node n, second;
    struct err e;
    ck_assert_ok(node_open(&n, &cfg, &e));
    cfg.dir = "/e";
    ck_assert_int_eq(node_open(&second, &cfg, &e), ERR_LOCKED);
    node_release(&n);
    ck_assert_int_eq(node_open(&second, &cfg, &e), ERR_FOREIGN);
    ck_assert_ptr_nonnull(strstr(e.text, WAL_DIR));
    ck_assert(there(cfg.io, WAL_DIR "/1/checkpoint.1"));
    io_mem_free(disk);
}
END_TEST

START_TEST(moved_wals_are_found_and_a_copy_is_not_taken_for_them)
{
    struct io_mem *disk = made();
    struct node_config cfg = config_apart(disk);
    struct node n;
    struct err e;
    ck_assert_int_eq(node_open(&n, &cfg, &e), ERR_INVALID); /* nothing there */
    ck_assert_ptr_nonnull(strstr(e.text, DIR_NAME "/wal"));
    ck_assert_ok(io_mkdir(cfg.io, WAL_DIR));
    ck_assert_ok(io_mkdir(cfg.io, WAL_DIR "/0"));
    ck_assert_int_eq(node_open(&n, &cfg, &e), ERR_INVALID); /* in both places */
    ck_assert_ok(io_rmdir(cfg.io, WAL_DIR "/0"));
    ck_assert_ok(io_rename(cfg.io, DIR_NAME "/wal/0", WAL_DIR "/0"));
    ck_assert_int_eq(node_open(&n, &cfg, &e), ERR_INVALID); /* a part of them */
    ck_assert_ptr_nonnull(strstr(e.text, DIR_NAME "/wal"));
    ck_assert_ok(io_rename(cfg.io, DIR_NAME "/wal/1", WAL_DIR "/1"));
    open_close(&cfg, NULL);
    cfg.wal_dir = NULL;
    open_close(&cfg, NULL);
    cfg.wal_dir = "w";
    ck_assert_int_eq(node_open(&n, &cfg, &e), ERR_INVALID);
    io_mem_free(disk);
}
END_TEST

START_TEST(a_second_process_is_refused)
{
    struct io_mem *disk = io_mem_new();
    struct node_config cfg = config(disk);
    struct node a, b;
    struct err e;
    ck_assert_ok(node_open(&a, &cfg, &e));
    ck_assert_int_eq(node_open(&b, &cfg, &e), ERR_LOCKED);
    ck_assert_ptr_nonnull(strstr(e.text, DIR_NAME));
    node_release(&a);
    ck_assert_ok(node_open(&b, &cfg, &e));
    node_release(&b);
    io_mem_free(disk);
}
END_TEST

START_TEST(another_cluster_or_node_is_refused)
{
    struct io_mem *disk = made();
    struct node_config cfg = config(disk);
    struct node n;
    struct err e;
    cfg.node_id = 2;
    ck_assert_int_eq(node_open(&n, &cfg, &e), ERR_FOREIGN);
    cfg.node_id = 1;
    cfg.cluster_id = "AAECAwQFBgcICQoLDA0ODw";
    ck_assert_int_eq(node_open(&n, &cfg, &e), ERR_FOREIGN);
    ck_assert_ptr_nonnull(strstr(e.text, cfg.cluster_id));
    io_mem_free(disk);
}
END_TEST

static void put_meta(struct io_mem *disk, const char *text)
{
    char buf[256];
    snprintf(buf, sizeof buf, "%scrc32c=%08x\n", text, crc32c(0, text, strlen(text)));
    ck_assert_ok(io_replace_file(io_mem_io(disk), DIR_NAME "/node.meta", buf, strlen(buf)));
}

START_TEST(a_newer_format_is_refused)
{
    struct io_mem *disk = made();
    struct node_config cfg = config(disk);
    struct node n;
    struct err e;
    put_meta(disk,
             "chronik.format=2\ncluster.id=AAECAwQFBgcICQoLDA0ODw\nnode.id=1\nsomething.new=1\n");
    ck_assert_int_eq(node_open(&n, &cfg, &e), ERR_VERSION);
    io_mem_free(disk);
}
END_TEST

START_TEST(every_flipped_byte_of_node_meta_is_noticed)
{
    struct io_mem *disk = made();
    struct node_config cfg = config(disk);
    size_t n;
    uint8_t *p = io_mem_bytes(disk, DIR_NAME "/node.meta", &n);
    for (size_t i = 0; i < n; i++) {
        struct node_meta meta;
        struct err e;
        p[i] ^= 4;
        ck_assert_msg(node_read(cfg.io, DIR_NAME, &meta, &e) == ERR_CORRUPT, "byte %zu", i);
        p[i] ^= 4;
    }
    io_mem_free(disk);
}
END_TEST

START_TEST(data_without_node_meta_is_never_overwritten)
{
    struct io_mem *disk = made();
    struct node_config cfg = config(disk);
    struct node n;
    struct err e;
    ck_assert_ok(io_unlink(cfg.io, DIR_NAME "/node.meta"));
    ck_assert_int_eq(node_open(&n, &cfg, &e), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, "node.meta"));
    struct io_stat st;
    ck_assert_ok(io_stat(cfg.io, DIR_NAME "/wal/1/checkpoint.1", &st));
    io_mem_free(disk);
}
END_TEST

START_TEST(data_shards_can_be_added_not_taken_away)
{
    struct io_mem *disk = made();
    struct node_config cfg = config(disk);
    struct node n;
    struct err e;
    cfg.data_shards = 3;
    ck_assert_msg(node_open(&n, &cfg, &e) == 0, "%s", e.text);
    node_release(&n);
    struct io_stat st;
    ck_assert_ok(io_stat(cfg.io, DIR_NAME "/wal/3/checkpoint.1", &st));
    cfg.data_shards = 1;
    ck_assert_int_eq(node_open(&n, &cfg, &e), ERR_INVALID);
    io_mem_free(disk);
}
END_TEST

static const enum io_mem_cut cuts[] = {IO_CUT_NONE, IO_CUT_ALL, IO_CUT_SEED, IO_CUT_DROP,
                                       IO_CUT_ALONE};
enum { CUTS = sizeof cuts / sizeof *cuts };

/* What a process that counts on a directory puts there. */
static void put_record(struct io *io, const char *dir)
{
    char path[64];
    struct io_file *f;
    snprintf(path, sizeof path, "%s/record", dir);
    ck_assert_ok(io_open(io, path, IO_WRITE | IO_CREATE, &f));
    ck_assert_ok(io_pwrite(f, "x", 1, 0));
    ck_assert_ok(io_sync(f));
    io_close(f);
    ck_assert_ok(io_sync_dir(io, dir));
}

/* A kill leaves names that no sync has covered. The next start finds them, and what is then
 * acknowledged on them must outlast the power. */
START_TEST(a_shard_whose_adding_was_killed_is_served_only_when_its_name_is_durable)
{
    struct io_mem *disk = made();
    size_t from = io_mem_trace_len(disk);
    struct node_config cfg = config(disk);
    cfg.data_shards = 2;
    open_close(&cfg, NULL);
    size_t to = io_mem_trace_len(disk);
    ck_assert_uint_gt(to, from + 10);
    for (size_t upto = from; upto <= to; upto++) {
        struct io_mem *killed = io_mem_kill(disk, upto);
        cfg.io = io_mem_io(killed);
        open_close(&cfg, NULL);
        ck_assert(!there(cfg.io, DIR_NAME "/wal/add.tmp"));
        size_t served = io_mem_trace_len(killed);
        put_record(cfg.io, DIR_NAME "/wal/2");
        size_t end = io_mem_trace_len(killed);
        for (size_t at = upto; at <= end; at++) {
            for (size_t i = 0; i < (at <= served ? 1 : 4) * CUTS; i++) {
                struct io_mem *left = io_mem_crash(killed, at, cuts[i % CUTS], at * 7 + i);
                cfg.io = io_mem_io(left);
                open_close(&cfg, NULL);
                ck_assert_msg(at < end || there(cfg.io, DIR_NAME "/wal/2/record"),
                              "killed at %zu of %zu to %zu, cut %zu: the shard is gone", upto, from,
                              to, i);
                io_mem_free(left);
            }
        }
        io_mem_free(killed);
    }
    io_mem_free(disk);
}
END_TEST

static void kill_and_cut_first_start(bool apart)
{
    struct io_mem *disk = io_mem_new();
    struct node_config cfg = apart ? config_apart(disk) : config(disk);
    open_close(&cfg, NULL);
    for (size_t upto = 0; upto <= io_mem_trace_len(disk); upto++) {
        struct io_mem *killed = io_mem_kill(disk, upto);
        struct uuid id, later;
        cfg.io = io_mem_io(killed);
        open_close(&cfg, &id);
        size_t end = io_mem_trace_len(killed);
        for (size_t at = upto; at <= end; at++) {
            for (size_t i = 0; i < CUTS; i++) {
                struct io_mem *left = io_mem_crash(killed, at, cuts[i], at * 7 + i);
                cfg.io = io_mem_io(left);
                open_close(&cfg, &later);
                ck_assert_msg(at < end || uuid_eq(&id, &later),
                              "killed at %zu, cut %zu at %zu: begun anew", upto, i, at);
                io_mem_free(left);
            }
        }
        io_mem_free(killed);
    }
    io_mem_free(disk);
}

START_TEST(a_first_start_killed_anywhere_and_begun_again_outlasts_the_power)
{
    kill_and_cut_first_start(false);
    kill_and_cut_first_start(true);
}
END_TEST

/* A log is never made anew where one was: below the highest shard that is there, none can be new. */
START_TEST(a_log_that_is_missing_is_not_made_anew)
{
    struct io_mem *disk = io_mem_new();
    struct node_config cfg = config(disk);
    struct node n;
    struct err e;
    cfg.data_shards = 4;
    open_close(&cfg, NULL);
    for (int shard = 0; shard < 4; shard++) {
        char path[64];
        snprintf(path, sizeof path, DIR_NAME "/wal/%d", shard);
        ck_assert_ok(io_rename(cfg.io, path, "/aside"));
        ck_assert_int_eq(node_open(&n, &cfg, &e), ERR_CORRUPT);
        ck_assert_msg(strncmp(e.text, path, strlen(path)) == 0, "%s", e.text);
        ck_assert(!there(cfg.io, path));
        ck_assert_ok(io_rename(cfg.io, "/aside", path));
        open_close(&cfg, NULL);
    }
    ck_assert_ok(io_rename(cfg.io, DIR_NAME "/wal/2", "/aside"));
    cfg.data_shards = 1; /* nor is what lies behind the gap overlooked */
    ck_assert_int_eq(node_open(&n, &cfg, &e), ERR_CORRUPT);
    io_mem_free(disk);
}
END_TEST

START_TEST(wals_that_were_moved_in_part_are_not_taken)
{
    struct io_mem *disk = io_mem_new();
    struct node_config cfg = config(disk);
    struct node_meta meta;
    struct node n;
    struct err e;
    cfg.data_shards = 3;
    open_close(&cfg, NULL);
    cfg.wal_dir = WAL_DIR;
    ck_assert_ok(io_mkdir(cfg.io, WAL_DIR));
    ck_assert_ok(io_rename(cfg.io, DIR_NAME "/wal/0", WAL_DIR "/0"));
    ck_assert_ok(io_rename(cfg.io, DIR_NAME "/wal/1", WAL_DIR "/1"));
    ck_assert_int_eq(node_open(&n, &cfg, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.text, DIR_NAME "/wal"));
    ck_assert_ok(io_rename(cfg.io, DIR_NAME "/wal/2", "/aside"));
    ck_assert_ok(io_rename(cfg.io, DIR_NAME "/wal/3", WAL_DIR "/3"));
    ck_assert_int_eq(node_open(&n, &cfg, &e), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, WAL_DIR "/2"));
    ck_assert_ok(node_read(cfg.io, DIR_NAME, &meta, &e));
    ck_assert_str_eq(meta.wal_dir, DIR_NAME "/wal");
    ck_assert_ok(io_rename(cfg.io, "/aside", WAL_DIR "/2"));
    open_close(&cfg, NULL);
    io_mem_free(disk);
}
END_TEST

UNIT_MAIN(a_shard_whose_adding_was_killed_is_served_only_when_its_name_is_durable,
          a_first_start_killed_anywhere_and_begun_again_outlasts_the_power,
          a_log_that_is_missing_is_not_made_anew, wals_that_were_moved_in_part_are_not_taken,
          a_first_start_cut_anywhere_begins_again, a_first_start_syncs_little,
          a_first_start_that_failed_anywhere_is_durable_once_begun_again,
          a_second_process_is_refused, another_cluster_or_node_is_refused,
          a_newer_format_is_refused, every_flipped_byte_of_node_meta_is_noticed,
          data_without_node_meta_is_never_overwritten, data_shards_can_be_added_not_taken_away,
          wals_live_where_wal_dir_says, a_first_start_over_two_places_cut_anywhere_begins_again,
          a_wal_dir_of_another_node_is_never_emptied,
          moved_wals_are_found_and_a_copy_is_not_taken_for_them)
