/* The system's files, and what becomes of a system that does less than it was asked: this program
 * stands between the library and the calls below. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/io.h"
#include "tests/unit/memory.h"
#include "tests/unit/unit.h"

enum { EXT4 = 0xef53 };

static struct {
    size_t most;      /* bytes one call transfers; 0: all */
    bool interrupted; /* every other call fails with EINTR */
    bool writes_nothing;
    bool cannot_allocate;
    int sync_error;
    uint32_t fs; /* its magic number; 0: as it is */
    int fs_error;
    const char *kernel; /* NULL: as it is */
    int direct_error;   /* of an open past the page cache */
    int at_once_error;  /* of a write that syncs */
    int write_back_error;
    unsigned write_back_flags; /* of the last one */
    unsigned calls, syncs, at_once, undirected;
} odd;

static bool interrupts(void)
{
    errno = EINTR;
    return odd.interrupted && odd.calls++ % 2 == 0;
}

static size_t limited(size_t n)
{
    return odd.most && n > odd.most ? odd.most : n;
}

ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
    if (interrupts())
        return -1;
    if (odd.writes_nothing)
        return 0;
    if (!odd.most)
        return syscall(SYS_pwritev, fd, iov, n, off, 0);
    while (iov->iov_len == 0)
        iov++;
    return syscall(SYS_pwrite64, fd, iov->iov_base, limited(iov->iov_len), off);
}

ssize_t pread(int fd, void *buf, size_t n, off_t off)
{
    return interrupts() ? -1 : syscall(SYS_pread64, fd, buf, limited(n), off);
}

int fallocate(int fd, int mode, off_t off, off_t n)
{
    errno = EOPNOTSUPP;
    if (odd.cannot_allocate)
        return -1;
    return interrupts() ? -1 : (int)syscall(SYS_fallocate, fd, mode, off, n);
}

/* What is asked of the device is counted; where the test's directory is may not be able to do it.
 */
ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t off, int flags)
{
    ck_assert_int_eq(flags, RWF_DSYNC);
    odd.at_once++;
    errno = odd.at_once_error;
    if (odd.at_once_error)
        return -1;
    return odd.most ? syscall(SYS_pwrite64, fd, iov->iov_base, limited(iov->iov_len), off)
                    : syscall(SYS_pwritev, fd, iov, n, off, 0);
}

int open(const char *path, int flags, ...)
{
    errno = odd.direct_error;
    if (odd.direct_error && flags & O_DIRECT)
        return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags & ~O_DIRECT, 0640);
}

int fcntl(int fd, int what, ...)
{
    if (what != F_SETFL)
        return (int)syscall(SYS_fcntl, fd, what);
    odd.undirected++;
    return 0;
}

int fdatasync(int fd)
{
    odd.syncs++;
    errno = odd.sync_error;
    return odd.sync_error ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int sync_file_range(int fd, off_t off, off_t n, unsigned flags)
{
    if (interrupts())
        return -1;
    odd.write_back_flags = flags;
    errno = odd.write_back_error;
    return odd.write_back_error ? -1 : (int)syscall(SYS_sync_file_range, fd, off, n, flags);
}

int fstatfs(int fd, struct statfs *s)
{
    int r = (int)syscall(SYS_fstatfs, fd, s);
    if (odd.fs)
        s->f_type = (__typeof__(s->f_type))odd.fs;
    errno = odd.fs_error;
    if (odd.fs_error)
        return -1;
    return r;
}

int uname(struct utsname *u)
{
    memset(u, 0, sizeof *u);
    snprintf(u->release, sizeof u->release, "%s", odd.kernel ? odd.kernel : "6.1.0-30-amd64");
    return 0;
}

static struct io_file *new_file(void)
{
    struct io_file *f = NULL;
    ck_assert_ok(io_open(io_posix(), unit_path(unit_dir(), "a"), IO_WRITE | IO_CREATE, &f));
    return f;
}

static void expect(struct io_file *f, const char *bytes, size_t n)
{
    char buf[64] = {0};
    ck_assert_int_eq(io_pread(f, buf, sizeof buf, 0), (ssize_t)n);
    ck_assert_mem_eq(buf, bytes, n);
}

START_TEST(short_and_interrupted_calls_are_continued)
{
    struct io_file *f = new_file();
    struct iovec iov[] = {{"abcdefg", 7}, {"", 0}, {"h", 1}, {"ijklm", 5}, {"", 0}};
    odd.interrupted = true;
    for (odd.most = 1; odd.most < 8; odd.most++) {
        ck_assert_ok(io_truncate(f, 0));
        ck_assert_ok(io_pwritev(f, iov, 5, 2));
        expect(f, "\0\0abcdefghijklm", 15);
    }
    ck_assert_ok(io_allocate(f, 0, 20));
    expect(f, "\0\0abcdefghijklm\0\0\0\0\0", 20);
    io_close(f);
}
END_TEST

START_TEST(a_write_of_nothing_is_an_error)
{
    struct io_file *f = new_file();
    struct iovec iov = {"a", 1};
    odd.writes_nothing = true;
    ck_assert_int_eq(io_pwritev(f, &iov, 1, 0), -EIO);
    ck_assert_int_eq(io_commit(f, &iov, 1, 0), -EIO);
    io_close(f);
}
END_TEST

START_TEST(a_failed_sync_fails_the_commit)
{
    struct io_file *f = new_file();
    struct iovec iov = {"a", 1};
    odd.sync_error = ENOSPC;
    ck_assert_int_eq(io_commit(f, &iov, 1, 0), -ENOSPC);
    ck_assert_int_eq(io_sync(f), -ENOSPC);
    odd.sync_error = 0;
    ck_assert_ok(io_commit(f, &iov, 1, 0));
    io_close(f);
}
END_TEST

START_TEST(a_direct_commit_is_one_call_unless_something_waits_for_a_sync)
{
    static _Alignas(IO_DIRECT_BLOCK) uint8_t block[IO_DIRECT_BLOCK] = "direct";
    struct iovec iov = {block, sizeof block};
    struct io_file *f;
    const char *path = unit_path(unit_dir(), "direct");
    odd.fs = EXT4;
    ck_assert_ok(io_open(io_posix(), path, IO_WRITE | IO_CREATE | IO_DIRECT, &f));
    ck_assert_ok(io_allocate(f, 0, 3 * sizeof block));
    ck_assert_ok(io_commit(f, &iov, 1, 0)); /* the file's size is not durable yet */
    ck_assert(odd.syncs == 1 && odd.at_once == 0);
    ck_assert_ok(io_commit(f, &iov, 1, sizeof block));
    ck_assert(odd.syncs == 1 && odd.at_once == 1);
    ck_assert_ok(io_pwritev(f, &iov, 1, 0));
    ck_assert_ok(io_commit(f, &iov, 1, sizeof block));
    ck_assert(odd.syncs == 2 && odd.at_once == 1);
    odd.most = 100; /* a short one is done again, whole */
    odd.at_once = 0;
    ck_assert_ok(io_commit(f, &iov, 1, 2 * sizeof block));
    ck_assert(odd.syncs == 3 && odd.at_once == 1);
    odd.most = 0;
    odd.at_once_error = EIO;
    ck_assert_int_eq(io_commit(f, &iov, 1, 0), -EIO);
    odd.at_once_error = EOPNOTSUPP;
    ck_assert_ok(io_commit(f, &iov, 1, 0));
    ck_assert_uint_eq(odd.syncs, 4);
    uint8_t back[sizeof block];
    ck_assert_int_eq(io_pread(f, back, sizeof back, 2 * sizeof back), sizeof back);
    ck_assert_mem_eq(back, block, sizeof back);
    io_close(f);
}
END_TEST

START_TEST(where_nothing_is_direct_the_cache_is_used)
{
    struct iovec iov = {"a", 1};
    struct io_file *f;
    const char *path = unit_path(unit_dir(), "cached");
    odd.direct_error = EINVAL;
    ck_assert_ok(io_open(io_posix(), path, IO_WRITE | IO_CREATE | IO_EXCL | IO_DIRECT, &f));
    ck_assert_ok(io_commit(f, &iov, 1, 0));
    ck_assert(odd.syncs == 1 && odd.at_once == 0);
    io_close(f);
    odd.direct_error = EACCES;
    ck_assert_int_eq(io_open(io_posix(), path, IO_WRITE | IO_DIRECT, &f), -EACCES);
}
END_TEST

START_TEST(zeros_are_written_where_nothing_can_be_allocated)
{
    struct io_file *f = new_file();
    struct io_stat st;
    odd.cannot_allocate = true;
    ck_assert_ok(io_pwrite(f, "abc", 3, 0));
    ck_assert_ok(io_allocate(f, 0, 300000));
    ck_assert_ok(io_fstat(f, &st));
    ck_assert_uint_eq(st.size, 300000);
    ck_assert_uint_ge(st.blocks, 300000); /* no hole */
    ck_assert_ok(io_allocate(f, 0, 10));
    ck_assert_ok(io_truncate(f, 5));
    expect(f, "abc\0\0", 5);
    io_close(f);
}
END_TEST

START_TEST(syncfs_and_direct_writes_are_believed_of_known_file_systems)
{
    static const struct {
        uint32_t type;
        bool direct, sync_fs;
    } systems[] = {
        {EXT4, true, true},
        {0x58465342, true, true},
        {0x9123683e, true, true},
        {0xf2f52010, true, true},
        {0x01021994, true, true},
        {0x794c7630, true, false}, /* overlay */
        {0x65735546, false, false} /* FUSE */,
        {0x01021997, false, false} /* 9p */,
        {0xff534d42, false, false} /* CIFS */,
        {0x6969, false, false} /* NFS */,
    };
    static _Alignas(IO_DIRECT_BLOCK) uint8_t block[IO_DIRECT_BLOCK];
    struct iovec iov = {block, sizeof block};
    const char *path = unit_path(unit_dir(), "direct");
    struct io_file *dir, *f;
    ck_assert_ok(io_open(io_posix(), unit_dir(), IO_READ, &dir));
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) {
        odd.fs = systems[i].type;
        odd.syncs = odd.at_once = odd.undirected = 0;
        ck_assert_int_eq(io_sync_fs(dir), systems[i].sync_fs ? 0 : -ENOTSUP);
        ck_assert_ok(io_open(io_posix(), path, IO_WRITE | IO_CREATE | IO_DIRECT, &f));
        ck_assert_ok(io_sync(f));
        ck_assert_ok(io_commit(f, &iov, 1, 0));
        ck_assert_uint_eq(odd.at_once, systems[i].direct);
        ck_assert_uint_eq(odd.syncs, systems[i].direct ? 1 : 2);
        ck_assert_uint_eq(odd.undirected, !systems[i].direct); /* nor must writes be aligned */
        io_close(f);
    }
    odd.fs = EXT4;
    odd.kernel = "5.7.19-generic"; /* syncfs there tells of no failed write */
    ck_assert_int_eq(io_sync_fs(dir), -ENOTSUP);
    odd.kernel = "5.10.0";
    ck_assert_ok(io_sync_fs(dir));
    odd.fs_error = EIO; /* who knows what it is */
    ck_assert_int_eq(io_sync_fs(dir), -ENOTSUP);
    io_close(dir);
}
END_TEST

/* Begun without a wait: that would keep the sync from hearing of a failure. Where the call is
 * missing, who would wait may go on, for nothing was promised; who begins it learns not to. */
START_TEST(write_back_is_begun_or_waited_for)
{
    static const int missing[] = {ENOSYS, EPERM, EOPNOTSUPP};
    struct io_file *f = new_file();
    ck_assert_ok(io_pwrite(f, "abc", 3, 0));
    odd.interrupted = true;
    ck_assert_ok(io_start_write_back(f, 0, 3));
    ck_assert_uint_eq(odd.write_back_flags, SYNC_FILE_RANGE_WRITE);
    ck_assert_ok(io_write_back(f, 0, 3));
    ck_assert_uint_ne(odd.write_back_flags & SYNC_FILE_RANGE_WAIT_AFTER, 0);
    odd.interrupted = false;
    for (size_t i = 0; i < 3; i++) {
        odd.write_back_error = missing[i];
        ck_assert_int_eq(io_start_write_back(f, 0, 3), -ENOTSUP);
        ck_assert_ok(io_write_back(f, 0, 3));
    }
    odd.write_back_error = EIO;
    ck_assert_int_eq(io_start_write_back(f, 0, 3), -EIO);
    ck_assert_int_eq(io_write_back(f, 0, 3), -EIO);
    odd.write_back_error = 0;
    io_close(f);
}
END_TEST

START_TEST(modes_and_descriptors)
{
    const char *dir = unit_dir();
    struct stat st;
    struct io_file *f;
    umask(0);
    ck_assert_ok(io_open(io_posix(), unit_path(dir, "a"), IO_WRITE | IO_CREATE, &f));
    ck_assert_ok(io_mkdir(io_posix(), unit_path(dir, "d")));
    ck_assert_int_eq(stat(unit_path(dir, "a"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0640);
    ck_assert_int_eq(stat(unit_path(dir, "d"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0750);
    ck_assert_int_ge(io_fd(f), 0);
    ck_assert_int_eq(fcntl(io_fd(f), F_GETFD), FD_CLOEXEC);
    io_close(f);
}
END_TEST

/* A link out of the tree is removed, what it points to is not. */
START_TEST(remove_tree_follows_no_links)
{
    const char *dir = unit_dir();
    struct stat st;
    ck_assert_ok(io_mkdir(io_posix(), unit_path(dir, "keep")));
    ck_assert_ok(io_replace_file(io_posix(), unit_path(dir, "keep/a"), "A", 1));
    ck_assert_ok(io_mkdir(io_posix(), unit_path(dir, "t")));
    ck_assert_int_eq(symlink("../keep", unit_path(dir, "t/link")), 0);
    ck_assert_ok(io_remove_tree(io_posix(), unit_path(dir, "t")));
    ck_assert_int_eq(stat(unit_path(dir, "keep/a"), &st), 0);
    ck_assert_int_eq(stat(unit_path(dir, "t"), &st), -1);
}
END_TEST

/* At the limit on the size of files the system writes what fits and refuses the rest. */
START_TEST(a_short_write_that_cannot_go_on_is_an_error)
{
    static const char bytes[20000];
    struct rlimit old, small;
    struct io_stat st;
    struct io_file *f = new_file();
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){10000, old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    int err = io_pwrite(f, bytes, sizeof bytes, 0);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert_int_eq(err, -EFBIG);
    ck_assert_ok(io_fstat(f, &st));
    ck_assert_uint_eq(st.size, 10000); /* so it was short first */
    io_close(f);
}
END_TEST

START_TEST(without_memory_no_file_is_made)
{
    const char *path = unit_path(unit_dir(), "a");
    struct io_file *f;
    struct stat st;
    if (!memory_may_fail())
        return;
    memory_fail(1, 1);
    ck_assert_int_eq(io_open(io_posix(), path, IO_WRITE | IO_CREATE | IO_EXCL, &f), -ENOMEM);
    ck_assert_int_eq(stat(path, &st), -1);
    memory_fail(1, 1);
    ck_assert_int_eq(io_lock(io_posix(), path, &f), -ENOMEM);
    ck_assert_uint_eq(memory_failed(), 1);
    ck_assert_int_eq(stat(path, &st), -1);
    ck_assert_ok(io_open(io_posix(), path, IO_WRITE | IO_CREATE | IO_EXCL, &f));
    io_close(f);
}
END_TEST

UNIT_MAIN(without_memory_no_file_is_made,
          a_direct_commit_is_one_call_unless_something_waits_for_a_sync,
          where_nothing_is_direct_the_cache_is_used, short_and_interrupted_calls_are_continued,
          a_write_of_nothing_is_an_error, a_failed_sync_fails_the_commit,
          zeros_are_written_where_nothing_can_be_allocated,
          syncfs_and_direct_writes_are_believed_of_known_file_systems,
          write_back_is_begun_or_waited_for, modes_and_descriptors, remove_tree_follows_no_links,
          a_short_write_that_cannot_go_on_is_an_error)
