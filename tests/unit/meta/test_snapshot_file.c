/* Snapshots in a directory: saved so that a power cut leaves the old state or the new one, listed
 * as numbers, pruned by what checkpoints still name. */
#include <errno.h>

#include "base/io_mem.h"
#include "tests/unit/meta/kit.h"

static const char dir[] = "/meta";

static struct io_mem *disk_new(void)
{
    struct io_mem *disk = io_mem_new();
    ck_assert_ptr_nonnull(disk);
    ck_assert_ok(io_mkdir(io_mem_io(disk), dir));
    ck_assert_ok(io_sync_dir(io_mem_io(disk), "/"));
    return disk;
}

static void save(struct io *io, const struct meta_image *m)
{
    struct err e = {0, ""};
    ck_assert_msg(meta_snapshot_save(io, dir, m, 1, &e) == 0, "%s", e.text);
}

/* An image at that index, with one topic that tells it from others. */
static struct meta_image *image_at(uint64_t index)
{
    struct meta_image *m = kit_new(), *next;
    char name[24];
    snprintf(name, sizeof name, "at-%llu", (unsigned long long)index);
    kit_create(&m, name, 1);
    next = meta_advance(m, index, KIT_TERM);
    meta_image_unref(m);
    return next;
}

static void save_at(struct io *io, uint64_t index)
{
    struct meta_image *m = image_at(index);
    save(io, m);
    meta_image_unref(m);
}

/* The indexes that are there, as text. */
static const char *indexes(struct io *io)
{
    static char text[256];
    struct meta_snapshot_name *list = NULL;
    size_t n, len = 0;
    ck_assert_ok(meta_snapshot_list(io, dir, &list, &n));
    text[0] = 0;
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%llu", i ? " " : "",
                                (unsigned long long)list[i].index);
    free(list);
    return text;
}

static int load(struct io *io, uint64_t index, struct meta_image **out)
{
    struct uuid cluster = kit_id(0xffffffff);
    struct err e = {0, ""};
    *out = NULL;
    int rc = meta_snapshot_load(io, dir, index, &cluster, out, &e);
    ck_assert((rc < 0) == (strstr(e.text, dir) != NULL));
    return rc;
}

static void loads(struct io *io, uint64_t index)
{
    struct meta_image *m, *want = image_at(index);
    ck_assert_int_eq(load(io, index, &m), 0);
    kit_same(m, want);
    meta_image_unref(m);
    meta_image_unref(want);
}

START_TEST(saved_and_loaded)
{
    struct io_mem *disk = disk_new();
    struct meta_image *m;
    save_at(io_mem_io(disk), 100);
    save_at(io_mem_io(disk), 9);
    save_at(io_mem_io(disk), 1000000);
    ck_assert_str_eq(indexes(io_mem_io(disk)), "9 100 1000000");
    loads(io_mem_io(disk), 100);
    loads(io_mem_io(disk), 9);
    ck_assert_int_eq(load(io_mem_io(disk), 10, &m), ERR_CORRUPT);
    io_mem_free(disk);
}
END_TEST

START_TEST(prune_keeps_what_is_named)
{
    struct io_mem *disk = disk_new();
    struct io *io = io_mem_io(disk);
    struct io_file *f;
    struct err e;
    for (uint64_t i = 1; i <= 5; i++)
        save_at(io, 10 * i);
    ck_assert_ok(io_open(io, "/meta/00000000000000000007-00000000000000000001.snapshot.tmp",
                         IO_WRITE | IO_CREATE, &f));
    io_close(f);
    ck_assert_ok(io_open(io, "/meta/notes", IO_WRITE | IO_CREATE, &f));
    io_close(f);
    ck_assert_ok(meta_snapshot_prune(io, dir, 30, &e));
    ck_assert_str_eq(indexes(io), "30 40 50");
    char **names;
    size_t n;
    ck_assert_ok(io_names(io, dir, &names, &n));
    ck_assert_uint_eq(n, 4);
    ck_assert_str_eq(names[3], "notes"); /* not ours */
    io_names_free(names, n);
    io_mem_free(disk);
}
END_TEST

START_TEST(a_power_cut_leaves_whole_snapshots)
{
    struct io_mem *disk = disk_new();
    save_at(io_mem_io(disk), 1);
    size_t before = io_mem_trace_len(disk);
    save_at(io_mem_io(disk), 2);
    size_t after = io_mem_trace_len(disk);
    ck_assert_uint_gt(after, before);
    for (size_t upto = before; upto <= after; upto++) {
        for (uint64_t seed = 0; seed < 16; seed++) {
            struct io_mem *cut = io_mem_crash(disk, upto, IO_CUT_SEED, seed);
            struct io *io = io_mem_io(cut);
            const char *there = indexes(io);
            bool both = strcmp(there, "1 2") == 0;
            ck_assert_msg(both || strcmp(there, "1") == 0, "%s", there);
            ck_assert(both || upto < after);
            loads(io, 1);
            if (both)
                loads(io, 2);
            io_mem_free(cut);
        }
    }
    io_mem_free(disk);
}
END_TEST

START_TEST(a_failing_disk_is_reported)
{
    static const enum io_mem_call calls[] = {IO_MEM_OPEN, IO_MEM_COMMIT, IO_MEM_RENAME,
                                             IO_MEM_SYNC_DIR};
    struct meta_image *m = image_at(2);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct io_mem *disk = disk_new();
        struct err e = {0, ""};
        save_at(io_mem_io(disk), 1);
        io_mem_fail(disk, calls[i], 1, EIO, 1);
        ck_assert_int_eq(meta_snapshot_save(io_mem_io(disk), dir, m, 1, &e), -EIO);
        ck_assert_uint_eq(io_mem_faults(disk), 1);
        ck_assert_ptr_nonnull(strstr(e.text, dir));
        loads(io_mem_io(disk), 1);
        save(io_mem_io(disk), m);
        loads(io_mem_io(disk), 2);
        io_mem_free(disk);
    }
    meta_image_unref(m);
}
END_TEST

START_TEST(a_bad_file_is_named)
{
    struct io_mem *disk = disk_new();
    struct io *io = io_mem_io(disk);
    struct meta_image *m;
    size_t n;
    save_at(io, 1);
    uint8_t *p = io_mem_bytes(disk, "/meta/00000000000000000001-00000000000000000003.snapshot", &n);
    ck_assert_ptr_nonnull(p);
    p[n / 2] ^= 1;
    ck_assert_int_eq(load(io, 1, &m), ERR_CORRUPT);
    p[n / 2] ^= 1;
    loads(io, 1);
    /* Under another's name. */
    ck_assert_ok(io_rename(io, "/meta/00000000000000000001-00000000000000000003.snapshot",
                           "/meta/00000000000000000002-00000000000000000003.snapshot"));
    ck_assert_int_eq(load(io, 2, &m), ERR_CORRUPT);
    ck_assert_int_eq(load(io, 1, &m), ERR_CORRUPT);
    io_mem_free(disk);
}
END_TEST

START_TEST(another_clusters_file_is_refused)
{
    struct io_mem *disk = disk_new();
    struct uuid other = kit_id(77);
    struct meta_image *m = NULL;
    struct err e;
    save_at(io_mem_io(disk), 1);
    ck_assert_int_eq(meta_snapshot_load(io_mem_io(disk), dir, 1, &other, &m, &e), ERR_FOREIGN);
    ck_assert_ok(meta_snapshot_load(io_mem_io(disk), dir, 1, NULL, &m, &e));
    meta_image_unref(m);
    io_mem_free(disk);
}
END_TEST

UNIT_MAIN(saved_and_loaded, prune_keeps_what_is_named, a_power_cut_leaves_whole_snapshots,
          a_failing_disk_is_reported, a_bad_file_is_named, another_clusters_file_is_refused)
