/* What every disk owes its users: each test runs on the system's and on the one in memory. */
#include "base/io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io_mem.h"
#include "tests/unit/unit.h"

struct disk {
    struct io *io;
    const char *dir; /* an empty one */
};

static const char *at(const struct disk *d, const char *name)
{
    return unit_path(d->dir, name);
}

static void on_each_disk(void (*test)(const struct disk *d))
{
    test(&(struct disk){io_posix(), unit_dir()});
    struct io_mem *m = io_mem_new();
    ck_assert_ptr_nonnull(m);
    ck_assert_ok(io_mkdir(io_mem_io(m), "/d"));
    test(&(struct disk){io_mem_io(m), "/d"});
    io_mem_free(m);
}

#define DISK_TEST(name)                             \
    static void check_##name(const struct disk *d); \
    START_TEST(name)                                \
    {                                               \
        on_each_disk(check_##name);                 \
    }                                               \
    END_TEST                                        \
    static void check_##name(const struct disk *d)

static struct io_file *must_open(const struct disk *d, const char *name, int flags)
{
    struct io_file *f = NULL;
    ck_assert_ok(io_open(d->io, at(d, name), flags, &f));
    return f;
}

static void put(const struct disk *d, const char *name, const char *text)
{
    struct io_file *f = must_open(d, name, IO_WRITE | IO_CREATE | IO_TRUNC);
    ck_assert_ok(io_pwrite(f, text, strlen(text), 0));
    io_close(f);
}

static void expect(const struct disk *d, const char *name, const char *text)
{
    uint8_t *buf;
    size_t n;
    ck_assert_ok(io_read_file(d->io, at(d, name), 1 << 20, &buf, &n));
    ck_assert_str_eq((char *)buf, text);
    ck_assert_uint_eq(n, strlen(text));
    free(buf);
}

DISK_TEST(open_flags_do_what_they_say)
{
    struct io_file *f;
    ck_assert_int_eq(io_open(d->io, at(d, "a"), IO_READ, &f), -ENOENT);
    ck_assert_int_eq(io_open(d->io, at(d, "a"), IO_WRITE, &f), -ENOENT);
    ck_assert_int_eq(io_open(d->io, at(d, "a"), IO_CREATE, &f), -EINVAL);
    ck_assert_int_eq(io_open(d->io, at(d, "a"), IO_WRITE | IO_EXCL, &f), -EINVAL);
    io_close(must_open(d, "a", IO_WRITE | IO_CREATE | IO_EXCL));
    ck_assert_int_eq(io_open(d->io, at(d, "a"), IO_WRITE | IO_CREATE | IO_EXCL, &f), -EEXIST);
    put(d, "a", "text");
    io_close(must_open(d, "a", IO_WRITE | IO_CREATE));
    expect(d, "a", "text");
    io_close(must_open(d, "a", IO_WRITE | IO_TRUNC));
    expect(d, "a", "");
    ck_assert_int_eq(io_open(d->io, at(d, "a/b"), IO_READ, &f), -ENOTDIR);
    ck_assert_int_eq(io_open(d->io, d->dir, IO_WRITE, &f), -EISDIR);
    f = must_open(d, "a", IO_READ);
    ck_assert_int_eq(io_pwrite(f, "x", 1, 0), -EBADF);
    io_close(f);
    io_close(NULL);
}

DISK_TEST(reads_give_what_was_written)
{
    struct io_file *f = must_open(d, "a", IO_WRITE | IO_CREATE);
    char buf[16] = {0};
    ck_assert_int_eq(io_pread(f, buf, 4, 0), 0);
    struct iovec iov[] = {{"", 0}, {"abc", 3}, {"", 0}, {"defgh", 5}, {"", 0}};
    ck_assert_ok(io_pwritev(f, iov, 5, 4096 * 3 - 2));
    ck_assert_int_eq(io_pread(f, buf, 8, 4096 * 3 - 2), 8);
    ck_assert_mem_eq(buf, "abcdefgh", 8);
    ck_assert_int_eq(io_pread(f, buf, 16, 4096 * 3), 6); /* the end of the file */
    ck_assert_mem_eq(buf, "cdefgh", 6);
    ck_assert_int_eq(io_pread(f, buf, 4, 4096), 4); /* a hole */
    ck_assert_mem_eq(buf, "\0\0\0\0", 4);
    ck_assert_ok(io_pwrite(f, "XY", 2, 4096 * 3 - 1));
    ck_assert_int_eq(io_pread(f, buf, 8, 4096 * 3 - 2), 8);
    ck_assert_mem_eq(buf, "aXYdefgh", 8);
    ck_assert_ok(io_pwritev(f, iov, 1, 0));
    ck_assert_ok(io_pwritev(f, NULL, 0, 0));
    ck_assert_ok(io_commit(f, iov, 5, 0));
    ck_assert_int_eq(io_pread(f, buf, 8, 0), 8);
    ck_assert_mem_eq(buf, "abcdefgh", 8);
    ck_assert_ok(io_sync(f));
    ck_assert_ok(io_drop_cache(f));
    io_close(f);
}

/* More vectors than the system takes at once, each of another length. */
DISK_TEST(long_vectors_are_written_whole)
{
    enum { N = 3000, BYTES = N * 7 };
    static uint8_t want[BYTES], got[BYTES + 1];
    static struct iovec iov[N];
    size_t n = 0;
    for (size_t i = 0; i < N; i++) {
        iov[i] = (struct iovec){want + n, i % 8};
        for (size_t k = 0; k < i % 8; k++, n++)
            want[n] = (uint8_t)(i * 31 + k);
    }
    struct io_file *f = must_open(d, "a", IO_WRITE | IO_CREATE);
    ck_assert_ok(io_pwritev(f, iov, N, 5));
    ck_assert_int_eq(io_pread(f, got, sizeof got, 5), (ssize_t)n);
    ck_assert_mem_eq(got, want, n);
    io_close(f);
}

DISK_TEST(sizes_change)
{
    struct io_file *f = must_open(d, "a", IO_WRITE | IO_CREATE);
    struct io_stat st;
    char buf[8];
    ck_assert_ok(io_pwrite(f, "abcdefgh", 8, 0));
    ck_assert_ok(io_truncate(f, 3));
    ck_assert_ok(io_truncate(f, 8));
    ck_assert_int_eq(io_pread(f, buf, 8, 0), 8);
    ck_assert_mem_eq(buf, "abc\0\0\0\0\0", 8); /* what was cut off does not come back */
    ck_assert_ok(io_allocate(f, 4096, 1 << 16));
    ck_assert_ok(io_fstat(f, &st));
    ck_assert_uint_eq(st.size, 4096 + (1 << 16));
    ck_assert_ok(io_allocate(f, 0, 10)); /* never shrinks, never overwrites */
    ck_assert_ok(io_allocate(f, 1 << 20, 0));
    ck_assert_ok(io_stat(d->io, at(d, "a"), &st));
    ck_assert_uint_eq(st.size, 4096 + (1 << 16));
    ck_assert(!st.is_dir);
    ck_assert_int_eq(io_pread(f, buf, 3, 0), 3);
    ck_assert_mem_eq(buf, "abc", 3);
    ck_assert_ok(io_stat(d->io, d->dir, &st));
    ck_assert(st.is_dir);
    ck_assert_int_eq(io_stat(d->io, at(d, "b"), &st), -ENOENT);
    io_close(f);
}

DISK_TEST(positions_out_of_range_are_refused)
{
    struct io_file *f = must_open(d, "a", IO_WRITE | IO_CREATE);
    char c = 'x';
    struct iovec two[] = {{&c, 1}, {&c, 1}};
    ck_assert_int_eq(io_pread(f, &c, 1, UINT64_MAX), -EINVAL);
    ck_assert_int_eq(io_pwrite(f, &c, 1, INT64_MAX), -EFBIG);
    ck_assert_int_eq(io_pwritev(f, two, 2, INT64_MAX - 1), -EFBIG);
    ck_assert_int_eq(io_commit(f, two, 2, UINT64_MAX), -EFBIG);
    ck_assert_int_eq(io_truncate(f, UINT64_MAX), -EFBIG);
    ck_assert_int_eq(io_allocate(f, INT64_MAX, 1), -EFBIG);
    ck_assert_int_eq(io_allocate(f, 1, UINT64_MAX), -EFBIG);
    io_close(f);
}

DISK_TEST(names_move_as_rename_rules)
{
    put(d, "a", "A");
    put(d, "b", "B");
    ck_assert_ok(io_rename(d->io, at(d, "a"), at(d, "b")));
    expect(d, "b", "A");
    ck_assert_int_eq(io_rename(d->io, at(d, "a"), at(d, "b")), -ENOENT);
    ck_assert_ok(io_rename(d->io, at(d, "b"), at(d, "b")));
    ck_assert_ok(io_mkdir(d->io, at(d, "x")));
    ck_assert_int_eq(io_mkdir(d->io, at(d, "x")), -EEXIST);
    ck_assert_int_eq(io_mkdir(d->io, at(d, "b")), -EEXIST);
    ck_assert_int_eq(io_mkdir(d->io, at(d, "q/y")), -ENOENT);
    ck_assert_int_eq(io_rename(d->io, at(d, "b"), at(d, "x")), -EISDIR);
    ck_assert_int_eq(io_rename(d->io, at(d, "x"), at(d, "b")), -ENOTDIR);
    ck_assert_int_eq(io_rename(d->io, at(d, "x"), at(d, "x/y")), -EINVAL);
    ck_assert_ok(io_rename(d->io, at(d, "b"), at(d, "x/b")));
    ck_assert_ok(io_mkdir(d->io, at(d, "y")));
    ck_assert_int_eq(io_rename(d->io, at(d, "y"), at(d, "x")), -ENOTEMPTY);
    ck_assert_ok(io_rename(d->io, at(d, "x"), at(d, "y")));
    expect(d, "y/b", "A");
    ck_assert_int_eq(io_rmdir(d->io, at(d, "y")), -ENOTEMPTY);
    ck_assert_int_eq(io_rmdir(d->io, at(d, "y/b")), -ENOTDIR);
    ck_assert_int_eq(io_sync_dir(d->io, at(d, "y/b")), -ENOTDIR);
    ck_assert_int_eq(io_unlink(d->io, at(d, "y")), -EISDIR);
    ck_assert_ok(io_unlink(d->io, at(d, "y/b")));
    ck_assert_int_eq(io_unlink(d->io, at(d, "y/b")), -ENOENT);
    ck_assert_ok(io_sync_dir(d->io, at(d, "y")));
    ck_assert_ok(io_rmdir(d->io, at(d, "y")));
    ck_assert_int_eq(io_sync_dir(d->io, at(d, "y")), -ENOENT);
}

DISK_TEST(an_unlinked_file_stays_readable)
{
    char c;
    put(d, "a", "A");
    put(d, "b", "B");
    struct io_file *a = must_open(d, "a", IO_READ), *b = must_open(d, "b", IO_READ);
    ck_assert_ok(io_unlink(d->io, at(d, "a")));
    put(d, "a", "new");
    ck_assert_ok(io_rename(d->io, at(d, "a"), at(d, "b")));
    ck_assert_int_eq(io_pread(a, &c, 1, 0), 1);
    ck_assert_int_eq(c, 'A');
    ck_assert_int_eq(io_pread(b, &c, 1, 0), 1);
    ck_assert_int_eq(c, 'B');
    io_close(a);
    io_close(b);
    expect(d, "b", "new");
}

DISK_TEST(names_are_listed_sorted)
{
    char **names;
    size_t n;
    ck_assert_ok(io_names(d->io, d->dir, &names, &n));
    ck_assert_uint_eq(n, 0);
    io_names_free(names, n);
    static const char *const want[] = {".x", "B", "a", "a.tmp", "ab", "b", "\xc3\xa4"};
    for (size_t i = 0; i < 7; i++)
        put(d, want[i * 3 % 7], "");
    ck_assert_ok(io_names(d->io, d->dir, &names, &n));
    ck_assert_uint_eq(n, 7);
    for (size_t i = 0; i < n; i++)
        ck_assert_str_eq(names[i], want[i]);
    io_names_free(names, n);
    ck_assert_int_eq(io_names(d->io, at(d, "no"), &names, &n), -ENOENT);
    ck_assert_int_eq(io_names(d->io, at(d, "a"), &names, &n), -ENOTDIR);
}

static int stop_at_second(void *ctx, const char *name)
{
    (void)name;
    return ++*(int *)ctx == 2 ? 77 : 0;
}

DISK_TEST(a_walk_ends_when_told)
{
    int met = 0;
    put(d, "a", "");
    put(d, "b", "");
    put(d, "c", "");
    ck_assert_int_eq(io_list(d->io, d->dir, stop_at_second, &met), 77);
    ck_assert_int_eq(met, 2);
}

DISK_TEST(replace_file_replaces_and_tidies_up)
{
    ck_assert_ok(io_replace_file(d->io, at(d, "a"), "one", 3));
    expect(d, "a", "one");
    put(d, "a.tmp", "something long left by a crash");
    ck_assert_ok(io_replace_file(d->io, at(d, "a"), "two", 3));
    expect(d, "a", "two");
    struct io_stat st;
    ck_assert_int_eq(io_stat(d->io, at(d, "a.tmp"), &st), -ENOENT);
    ck_assert_ok(io_mkdir(d->io, at(d, "dir")));
    ck_assert_int_eq(io_replace_file(d->io, at(d, "dir"), "x", 1), -EISDIR);
    ck_assert_int_eq(io_stat(d->io, at(d, "dir.tmp"), &st), -ENOENT);
}

DISK_TEST(read_file_is_bounded)
{
    uint8_t *buf;
    size_t n;
    put(d, "a", "12345");
    ck_assert_int_eq(io_read_file(d->io, at(d, "a"), 4, &buf, &n), -EFBIG);
    ck_assert_int_eq(io_read_file(d->io, at(d, "b"), 4, &buf, &n), -ENOENT);
    ck_assert_int_eq(io_read_file(d->io, d->dir, 1 << 20, &buf, &n), -EISDIR);
    ck_assert_ok(io_read_file(d->io, at(d, "a"), 5, &buf, &n));
    ck_assert_uint_eq(n, 5);
    free(buf);
}

DISK_TEST(trees_are_removed)
{
    struct io_stat st;
    ck_assert_ok(io_mkdir(d->io, at(d, "t")));
    ck_assert_ok(io_mkdir(d->io, at(d, "t/u")));
    ck_assert_ok(io_mkdir(d->io, at(d, "t/u/v")));
    put(d, "t/a", "x");
    put(d, "t/u/v/b", "x");
    ck_assert_ok(io_remove_tree(d->io, at(d, "t")));
    ck_assert_int_eq(io_stat(d->io, at(d, "t"), &st), -ENOENT);
    ck_assert_ok(io_remove_tree(d->io, at(d, "t")));
}

DISK_TEST(a_lock_is_exclusive_until_closed)
{
    struct io_file *a, *b;
    ck_assert_ok(io_lock(d->io, at(d, "lock"), &a));
    ck_assert_int_eq(io_lock(d->io, at(d, "lock"), &b), -EAGAIN);
    io_close(a);
    ck_assert_ok(io_lock(d->io, at(d, "lock"), &b));
    io_close(b);
}

DISK_TEST(space_and_sync_fs_answer)
{
    uint64_t n = 0;
    ck_assert_ok(io_space(d->io, d->dir, &n));
    ck_assert_uint_gt(n, 0);
    ck_assert_int_eq(io_space(d->io, at(d, "no"), &n), -ENOENT);
    struct io_file *dir;
    ck_assert_ok(io_open(d->io, d->dir, IO_READ, &dir));
    int err = io_sync_fs(dir);
    ck_assert(err == 0 || err == -ENOTSUP);
    io_close(dir);
}

START_TEST(path_is_bounded)
{
    char buf[8];
    ck_assert_ok(io_path(buf, sizeof buf, "ab", "%d.x", 12));
    ck_assert_str_eq(buf, "ab/12.x");
    ck_assert_int_eq(io_path(buf, sizeof buf, "ab", "%d.x", 123), -ENAMETOOLONG);
    ck_assert_int_eq(io_path(buf, sizeof buf, "1234567", "x"), -ENAMETOOLONG);
}
END_TEST

UNIT_MAIN(open_flags_do_what_they_say, reads_give_what_was_written, long_vectors_are_written_whole,
          sizes_change, positions_out_of_range_are_refused, names_move_as_rename_rules,
          an_unlinked_file_stays_readable, names_are_listed_sorted, a_walk_ends_when_told,
          replace_file_replaces_and_tidies_up, read_file_is_bounded, trees_are_removed,
          a_lock_is_exclusive_until_closed, space_and_sync_fs_answer, path_is_bounded)
