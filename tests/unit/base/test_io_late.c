/* What is built aside is synced once, at the end, and not before. */
#include <errno.h>

#include "base/io_late.h"
#include "base/io_mem.h"
#include "tests/unit/unit.h"

#define FILE_A "/d/a"

static struct io_mem *disk;
static struct io_late late;

static void begin(void)
{
    disk = io_mem_new();
    io_late_init(&late, io_mem_io(disk));
    ck_assert_ok(io_mkdir(&late.io, "/d"));
    ck_assert_ok(io_sync_dir(&late.io, "/"));
}

static void end(void)
{
    io_late_release(&late);
    io_mem_free(disk);
}

/* A file that is written, synced and renamed, and its directory synced each time. */
static void write_several_times(void)
{
    struct io_file *f;
    struct iovec iov = {"bc", 2};
    ck_assert_ok(io_open(&late.io, "/d/tmp", IO_WRITE | IO_CREATE, &f));
    ck_assert_ok(io_pwrite(f, "a", 1, 0));
    ck_assert_ok(io_sync(f));
    ck_assert_ok(io_sync_dir(&late.io, "/d"));
    ck_assert_ok(io_commit(f, &iov, 1, 1));
    ck_assert_ok(io_rename(&late.io, "/d/tmp", FILE_A));
    io_close(f);
    ck_assert_ok(io_sync_dir(&late.io, "/d"));
}

static uint64_t syncs(void)
{
    return io_mem_calls(disk, IO_MEM_SYNC) + io_mem_calls(disk, IO_MEM_COMMIT) +
           io_mem_calls(disk, IO_MEM_SYNC_DIR);
}

/* The length of FILE_A after a power cut now, or an error. */
static int survived(void)
{
    struct io_mem *left = io_mem_crash(disk, io_mem_trace_len(disk), IO_CUT_NONE, 0);
    struct io_stat st;
    int rc = io_stat(io_mem_io(left), FILE_A, &st);
    io_mem_free(left);
    return rc < 0 ? rc : (int)st.size;
}

START_TEST(each_file_and_directory_is_synced_once)
{
    begin();
    write_several_times();
    ck_assert_uint_eq(syncs(), 0);
    ck_assert_int_eq(survived(), -ENOENT);
    ck_assert_ok(io_late_sync(&late, NULL));
    ck_assert_uint_eq(syncs(), 3); /* a, and the names in / and /d */
    ck_assert_int_eq(survived(), 3);
    ck_assert_ok(io_late_sync(&late, NULL));
    ck_assert_uint_eq(syncs(), 3);
    end();
}
END_TEST

START_TEST(a_failed_sync_is_told)
{
    static const enum io_mem_call calls[] = {IO_MEM_SYNC, IO_MEM_SYNC_DIR};
    for (size_t i = 0; i < 2; i++) {
        struct err e;
        begin();
        write_several_times();
        io_mem_fail(disk, calls[i], 1, EIO, 1);
        ck_assert_int_eq(io_late_sync(&late, &e), -EIO);
        ck_assert_ptr_nonnull(strstr(e.text, "/d"));
        end();
    }
}
END_TEST

START_TEST(released_it_does_nothing)
{
    begin();
    write_several_times();
    io_late_release(&late);
    ck_assert_uint_eq(syncs(), 0);
    io_mem_free(disk);
}
END_TEST

UNIT_MAIN(each_file_and_directory_is_synced_once, a_failed_sync_is_told, released_it_does_nothing)
