#include "base/io_mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

enum { SEEDS = 200, SECTOR = 512 };

static const enum io_mem_cut all_cuts[] = {IO_CUT_NONE,  IO_CUT_ALL,   IO_CUT_SEED,
                                           IO_CUT_DROP,  IO_CUT_ALONE, IO_CUT_LAST_FIRST,
                                           IO_CUT_SIZES, IO_CUT_NAMES};

static struct io_mem *new_disk(void)
{
    struct io_mem *m = io_mem_new();
    ck_assert_ptr_nonnull(m);
    return m;
}

static struct io_mem *crash(const struct io_mem *m, size_t upto, enum io_mem_cut cut, uint64_t seed)
{
    struct io_mem *c = io_mem_crash(m, upto, cut, seed);
    ck_assert_ptr_nonnull(c);
    return c;
}

static struct io_mem *crash_now(const struct io_mem *m, enum io_mem_cut cut, uint64_t seed)
{
    return crash(m, io_mem_trace_len(m), cut, seed);
}

static struct io_file *open_new(struct io_mem *m, const char *path)
{
    struct io_file *f;
    ck_assert_ok(io_open(io_mem_io(m), path, IO_WRITE | IO_CREATE, &f));
    return f;
}

/* A file with a durable name. */
static struct io_file *open_durable(struct io_mem *m, const char *path)
{
    struct io_file *f = open_new(m, path);
    ck_assert_ok(io_sync_dir(io_mem_io(m), "/"));
    return f;
}

static void put(struct io_file *f, char c, size_t n, uint64_t off)
{
    char *buf = malloc(n);
    memset(buf, c, n);
    ck_assert_ok(io_pwrite(f, buf, n, off));
    free(buf);
}

/* Content as a string; "-" if there is no such file. */
static const char *text_of(struct io_mem *m, const char *path)
{
    static char text[64];
    uint8_t *buf;
    size_t n;
    int err = io_read_file(io_mem_io(m), path, sizeof text - 1, &buf, &n);
    if (err == -ENOENT)
        return "-";
    ck_assert_ok(err);
    memcpy(text, buf, n + 1);
    free(buf);
    return text;
}

static void expect_after(const struct io_mem *m, enum io_mem_cut cut, uint64_t seed,
                         const char *path, const char *text)
{
    struct io_mem *c = crash_now(m, cut, seed);
    ck_assert_str_eq(text_of(c, path), text);
    io_mem_free(c);
}

START_TEST(bytes_are_durable_after_a_sync_only)
{
    struct io_mem *m = new_disk();
    struct io_file *f = open_durable(m, "/a");
    put(f, 'A', 3, 0);
    ck_assert_uint_eq(io_mem_unsynced(m, io_mem_trace_len(m)), 1);
    expect_after(m, IO_CUT_NONE, 0, "/a", "");
    expect_after(m, IO_CUT_ALL, 0, "/a", "AAA");
    ck_assert_ok(io_sync(f));
    ck_assert_uint_eq(io_mem_unsynced(m, io_mem_trace_len(m)), 0);
    expect_after(m, IO_CUT_NONE, 0, "/a", "AAA");
    put(f, 'B', 1, 1);
    expect_after(m, IO_CUT_NONE, 0, "/a", "AAA");
    expect_after(m, IO_CUT_ALL, 0, "/a", "ABA");
    struct iovec iov = {"C", 1};
    ck_assert_ok(io_commit(f, &iov, 1, 2));
    expect_after(m, IO_CUT_NONE, 0, "/a", "ABC");
    io_close(f);
    io_mem_free(m);
}
END_TEST

START_TEST(names_are_durable_after_a_sync_of_their_directory_only)
{
    struct io_mem *m = new_disk();
    struct io *io = io_mem_io(m);
    struct io_file *f = open_new(m, "/a");
    put(f, 'A', 1, 0);
    ck_assert_ok(io_sync(f));
    struct io_mem *c = crash_now(m, IO_CUT_NONE, 0);
    uint64_t left;
    ck_assert_str_eq(text_of(c, "/a"), "-");
    io_mem_set_space(c, 10);
    ck_assert_ok(io_space(io_mem_io(c), "/", &left));
    ck_assert_uint_eq(left, 10); /* what has no name takes no space */
    io_mem_free(c);
    ck_assert_ok(io_sync_dir(io, "/"));
    expect_after(m, IO_CUT_NONE, 0, "/a", "A");
    ck_assert_ok(io_unlink(io, "/a"));
    expect_after(m, IO_CUT_NONE, 0, "/a", "A");
    expect_after(m, IO_CUT_ALL, 0, "/a", "-");
    ck_assert_ok(io_sync_dir(io, "/"));
    expect_after(m, IO_CUT_NONE, 0, "/a", "-");
    io_close(f);
    io_mem_free(m);
}
END_TEST

START_TEST(what_stands_in_a_lost_directory_is_lost)
{
    struct io_mem *m = new_disk();
    struct io *io = io_mem_io(m);
    ck_assert_ok(io_mkdir(io, "/d"));
    ck_assert_ok(io_replace_file(io, "/d/a", "A", 1));
    expect_after(m, IO_CUT_NONE, 0, "/d/a", "-");
    ck_assert_ok(io_sync_dir(io, "/"));
    expect_after(m, IO_CUT_NONE, 0, "/d/a", "A");
    io_mem_free(m);
}
END_TEST

START_TEST(sync_fs_makes_all_durable)
{
    struct io_mem *m = new_disk();
    struct io *io = io_mem_io(m);
    ck_assert_ok(io_mkdir(io, "/d"));
    struct io_file *f = open_new(m, "/d/a");
    put(f, 'A', 1, 0);
    struct io_file *root;
    ck_assert_ok(io_open(io, "/", IO_READ, &root));
    ck_assert_ok(io_sync_fs(root));
    io_close(root);
    expect_after(m, IO_CUT_NONE, 0, "/d/a", "A");
    io_close(f);
    io_mem_free(m);
}
END_TEST

/* In every state of every prefix the file holds the old or the new text whole; seen with both. */
static bool is_atomic(const struct io_mem *m, const char *old, const char *new)
{
    bool whole = true;
    for (size_t upto = 0; upto <= io_mem_trace_len(m); upto++) {
        for (size_t i = 0; i < sizeof all_cuts / sizeof *all_cuts; i++) {
            for (uint64_t seed = 0; seed < 20; seed++) {
                struct io_mem *c = crash(m, upto, all_cuts[i], seed);
                const char *text = text_of(c, "/a");
                whole = whole && (strcmp(text, old) == 0 || strcmp(text, new) == 0);
                io_mem_free(c);
            }
        }
    }
    return whole;
}

static struct io_mem *disk_with(const char *path, const char *text)
{
    struct io_mem *m = new_disk();
    ck_assert_ok(io_replace_file(io_mem_io(m), path, text, strlen(text)));
    struct io_mem *c = crash_now(m, IO_CUT_NONE, 0);
    io_mem_free(m);
    return c;
}

START_TEST(replace_file_survives_every_cut)
{
    struct io_mem *m = disk_with("/a", "old");
    ck_assert_ok(io_replace_file(io_mem_io(m), "/a", "newer", 5));
    ck_assert(is_atomic(m, "old", "newer"));
    expect_after(m, IO_CUT_NONE, 0, "/a", "newer");
    io_mem_free(m);
}
END_TEST

/* The disk catches who forgets the sync before the rename. */
START_TEST(a_careless_replace_is_caught)
{
    struct io_mem *m = disk_with("/a", "old");
    struct io_file *f = open_new(m, "/a.tmp");
    put(f, 'n', 5, 0);
    io_close(f);
    ck_assert_ok(io_rename(io_mem_io(m), "/a.tmp", "/a"));
    ck_assert_ok(io_sync_dir(io_mem_io(m), "/"));
    ck_assert(!is_atomic(m, "old", "nnnnn"));
    io_mem_free(m);
}
END_TEST

START_TEST(a_rename_between_directories_waits_for_both)
{
    struct io_mem *m = disk_with("/a", "A");
    struct io *io = io_mem_io(m);
    ck_assert_ok(io_mkdir(io, "/d"));
    ck_assert_ok(io_sync_dir(io, "/"));
    ck_assert_ok(io_rename(io, "/a", "/d/b"));
    ck_assert_ok(io_sync_dir(io, "/d"));
    expect_after(m, IO_CUT_NONE, 0, "/a", "A");
    expect_after(m, IO_CUT_NONE, 0, "/d/b", "-");
    expect_after(m, IO_CUT_ALL, 0, "/a", "-");
    ck_assert_ok(io_sync_dir(io, "/"));
    expect_after(m, IO_CUT_NONE, 0, "/a", "-");
    expect_after(m, IO_CUT_NONE, 0, "/d/b", "A");
    io_mem_free(m);
}
END_TEST

START_TEST(a_file_never_has_two_names)
{
    struct io_mem *m = disk_with("/a", "A");
    struct io *io = io_mem_io(m);
    ck_assert_ok(io_rename(io, "/a", "/b"));
    ck_assert_ok(io_rename(io, "/b", "/c"));
    for (uint64_t seed = 0; seed < 2; seed++) {
        struct io_mem *c = crash_now(m, IO_CUT_ALONE, seed);
        char **names;
        size_t n;
        ck_assert_ok(io_names(io_mem_io(c), "/", &names, &n));
        ck_assert_uint_eq(n, 1);
        ck_assert_str_eq(names[0], seed == 0 ? "b" : "c");
        io_names_free(names, n);
        io_mem_free(c);
    }
    io_mem_free(m);
}
END_TEST

START_TEST(drop_and_alone_choose_one_change)
{
    struct io_mem *m = new_disk();
    struct io_file *f = open_durable(m, "/a");
    put(f, '-', 3, 0);
    ck_assert_ok(io_sync(f));
    for (int i = 0; i < 3; i++)
        put(f, (char)('A' + i), 1, (uint64_t)i);
    ck_assert_uint_eq(io_mem_unsynced(m, io_mem_trace_len(m)), 3);
    ck_assert_uint_eq(io_mem_unsynced(m, io_mem_trace_len(m) - 1), 2);
    static const char *const dropped[] = {"-BC", "A-C", "AB-"}, *const alone[] = {"A--", "-B-",
                                                                                  "--C"};
    for (uint64_t i = 0; i < 6; i++) {
        expect_after(m, IO_CUT_DROP, i, "/a", dropped[i % 3]);
        expect_after(m, IO_CUT_ALONE, i, "/a", alone[i % 3]);
    }
    io_close(f);
    io_mem_free(m);
}
END_TEST

/* Which sectors of a write over old bytes are new, as bits; each must be wholly one or the other.
 */
static unsigned new_sectors(struct io_mem *c, size_t n)
{
    size_t got;
    uint8_t *p = io_mem_bytes(c, "/a", &got);
    unsigned bits = 0;
    ck_assert_uint_eq(got, n * SECTOR);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *s = p + i * SECTOR;
        for (size_t k = 1; k < SECTOR; k++)
            ck_assert_int_eq(s[k], s[0]);
        ck_assert(s[0] == 'o' || s[0] == 'n');
        bits |= (unsigned)(s[0] == 'n') << i;
    }
    return bits;
}

START_TEST(writes_tear_at_any_sector)
{
    enum { SECTORS = 12 };
    struct io_mem *m = new_disk();
    struct io_file *f = open_durable(m, "/a");
    put(f, 'o', SECTORS * SECTOR, 0);
    ck_assert_ok(io_sync(f));
    put(f, 'n', SECTORS * SECTOR, 0);
    bool none = false, all = false, later_first = false, prefix = false;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct io_mem *c = crash_now(m, IO_CUT_SEED, seed);
        unsigned bits = new_sectors(c, SECTORS);
        none = none || bits == 0;
        all = all || bits == (1u << SECTORS) - 1;
        later_first = later_first || (bits && !(bits & 1));
        prefix = prefix || ((bits & 1) && (bits & (bits + 1)) == 0 && bits < (1u << SECTORS) - 1);
        io_mem_free(c);
    }
    ck_assert(none && all && later_first && prefix);
    io_close(f);
    io_mem_free(m);
}
END_TEST

START_TEST(the_last_write_may_come_first)
{
    struct io_mem *m = new_disk();
    struct io_file *f = open_durable(m, "/a");
    put(f, 'o', 4 * SECTOR, 0);
    ck_assert_ok(io_sync(f));
    put(f, 'n', 2 * SECTOR, 0);
    put(f, 'n', 2 * SECTOR, 2 * SECTOR);
    bool some = false;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct io_mem *c = crash_now(m, IO_CUT_LAST_FIRST, seed);
        unsigned bits = new_sectors(c, 4);
        ck_assert_uint_eq(bits & 3, 0);
        some = some || bits;
        io_mem_free(c);
    }
    ck_assert(some);
    io_close(f);
    io_mem_free(m);
}
END_TEST

START_TEST(size_and_data_are_lost_apart)
{
    struct io_mem *m = new_disk();
    struct io_file *f = open_durable(m, "/a");
    ck_assert_ok(io_allocate(f, 0, 4));
    put(f, 'A', 2, 1);
    struct io_mem *size_only = crash_now(m, IO_CUT_ALONE, 0);
    size_t n;
    uint8_t *p = io_mem_bytes(size_only, "/a", &n);
    ck_assert_bytes_eq(p, n, "\0\0\0\0", 4);
    io_mem_free(size_only);
    struct io_mem *sizeless = crash_now(m, IO_CUT_ALONE, 1); /* bytes beyond a size that was lost */
    ck_assert_ptr_nonnull(io_mem_bytes(sizeless, "/a", &n));
    ck_assert_uint_eq(n, 0);
    io_mem_free(sizeless);
    ck_assert_ok(io_sync(f));
    ck_assert_ok(io_truncate(f, 1));
    put(f, 'B', 1, 0);
    struct io_mem *data_only = crash_now(m, IO_CUT_ALONE, 1);
    p = io_mem_bytes(data_only, "/a", &n);
    ck_assert_bytes_eq(p, n, "BAA\0", 4);
    io_mem_free(data_only);
    io_close(f);
    io_mem_free(m);
}
END_TEST

START_TEST(states_are_disks_of_their_own)
{
    struct io_mem *m = disk_with("/a", "old");
    struct io_file *f = open_new(m, "/b");
    put(f, 'x', 10000, 0);
    io_close(f);
    uint64_t before = io_mem_digest(m);
    struct io_mem *c = crash_now(m, IO_CUT_ALL, 0);
    ck_assert_uint_eq(io_mem_digest(c), before);
    ck_assert_uint_eq(io_mem_trace_len(c), 0);
    f = open_new(c, "/b");
    put(f, 'y', 5000, 3);
    io_close(f);
    ck_assert_uint_ne(io_mem_digest(c), before);
    ck_assert_uint_eq(io_mem_digest(m), before);
    struct io_mem *again = crash_now(c, IO_CUT_NONE, 0);
    ck_assert_uint_eq(io_mem_digest(again), before); /* what it began with is durable */
    io_mem_free(m);
    expect_after(c, IO_CUT_NONE, 0, "/a", "old"); /* it outlives the disk it came from */
    io_mem_free(c);
    ck_assert_uint_eq(io_mem_digest(again), before);
    io_mem_free(again);
}
END_TEST

/* Random changes against arrays; every prefix of the trace gives the disk of that time back. */

enum { FILES = 3, MAX_SIZE = 20000, STEPS = 400 };

struct model {
    uint8_t bytes[MAX_SIZE];
    size_t size;
};

static void random_step(struct io_file *f, struct model *x)
{
    static uint8_t buf[MAX_SIZE];
    size_t off = (size_t)rand() % MAX_SIZE, n = (size_t)rand() % (MAX_SIZE - off) + 1;
    if (rand() % 2)
        off -= off % 4096;
    if (rand() % 4 == 0) {
        ck_assert_ok(io_truncate(f, off));
        if (off < x->size)
            memset(x->bytes + off, 0, x->size - off);
        x->size = off;
    } else {
        memset(buf, rand(), n);
        ck_assert_ok(io_pwrite(f, buf, n, off));
        memcpy(x->bytes + off, buf, n);
        x->size = off + n > x->size ? off + n : x->size;
    }
}

static void expect_model(struct io_mem *m, const char *path, const struct model *x)
{
    uint8_t *buf;
    size_t n;
    ck_assert_ok(io_read_file(io_mem_io(m), path, MAX_SIZE, &buf, &n));
    ck_assert_bytes_eq(buf, n, x->bytes, x->size);
    free(buf);
}

START_TEST(contents_and_prefixes_are_exact)
{
    static struct model x[FILES];
    static const char *const path[FILES] = {"/a", "/b", "/c"};
    static uint64_t digest[STEPS + FILES + 1];
    struct io_mem *m = new_disk();
    struct io_file *f[FILES];
    srand(1);
    digest[0] = io_mem_digest(m);
    for (size_t i = 0; i < FILES; i++) {
        f[i] = open_new(m, path[i]);
        digest[io_mem_trace_len(m)] = io_mem_digest(m);
    }
    for (size_t step = 0; step < STEPS; step++) {
        size_t i = (size_t)rand() % FILES;
        random_step(f[i], &x[i]);
        expect_model(m, path[i], &x[i]);
        digest[io_mem_trace_len(m)] = io_mem_digest(m);
    }
    for (size_t upto = 0; upto <= io_mem_trace_len(m); upto++) {
        struct io_mem *c = crash(m, upto, IO_CUT_ALL, 0);
        ck_assert_uint_eq(io_mem_digest(c), digest[upto]);
        io_mem_free(c);
    }
    for (size_t i = 0; i < FILES; i++)
        io_close(f[i]);
    io_mem_free(m);
}
END_TEST

START_TEST(the_digest_sees_content_not_history)
{
    struct io_mem *a = new_disk(), *b = new_disk();
    struct io_file *f = open_new(a, "/x"), *g = open_new(b, "/tmp");
    io_close(open_new(a, "/y"));
    put(f, 0, 8192, 0);
    put(f, 'x', 1, 100);
    put(g, 'x', 1, 100);
    ck_assert_ok(io_truncate(g, 8192)); /* a hole where the other has zeros */
    ck_assert_ok(io_rename(io_mem_io(b), "/tmp", "/x"));
    ck_assert_uint_ne(io_mem_digest(a), io_mem_digest(b));
    io_close(open_new(b, "/y"));
    ck_assert_uint_eq(io_mem_digest(a), io_mem_digest(b));
    ck_assert_ok(io_truncate(g, 8193));
    ck_assert_uint_ne(io_mem_digest(a), io_mem_digest(b));
    io_close(f);
    io_close(g);
    io_mem_free(a);
    io_mem_free(b);
}
END_TEST

START_TEST(bytes_can_be_flipped_in_place)
{
    struct io_mem *m = disk_with("/a", "text");
    uint64_t before = io_mem_digest(m);
    size_t n;
    uint8_t *p = io_mem_bytes(m, "/a", &n);
    ck_assert_uint_eq(n, 4);
    ck_assert_uint_eq(io_mem_digest(m), before);
    p[1] ^= 1;
    ck_assert_str_eq(text_of(m, "/a"), "tdxt");
    ck_assert_uint_ne(io_mem_digest(m), before);
    struct io_file *f = open_new(m, "/a");
    put(f, '!', 1, 4);
    ck_assert_str_eq(text_of(m, "/a"), "tdxt!");
    expect_after(m, IO_CUT_NONE, 0, "/a", "tdxt");
    ck_assert_ptr_null(io_mem_bytes(m, "/b", &n));
    ck_assert_ptr_null(io_mem_bytes(m, "/", &n));
    io_close(f);
    io_mem_free(m);
}
END_TEST

START_TEST(faults_fire_when_told)
{
    struct io_mem *m = new_disk();
    struct io_file *f = open_durable(m, "/a");
    io_mem_fail(m, IO_MEM_SYNC, 2, EIO, 2);
    ck_assert_ok(io_sync(f));
    ck_assert_int_eq(io_sync(f), -EIO);
    ck_assert_int_eq(io_sync(f), -EIO);
    ck_assert_ok(io_sync(f));
    ck_assert_uint_eq(io_mem_faults(m), 2);
    ck_assert_uint_eq(io_mem_calls(m, IO_MEM_SYNC), 4);
    io_mem_fail(m, IO_MEM_OPEN, 1, ENOSPC, 0);
    struct io_file *g;
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(io_open(io_mem_io(m), "/b", IO_WRITE | IO_CREATE, &g), -ENOSPC);
    io_mem_fail(m, IO_MEM_OPEN, 0, 0, 0);
    ck_assert_ok(io_open(io_mem_io(m), "/b", IO_WRITE | IO_CREATE, &g));
    io_close(g);
    io_close(f);
    io_mem_free(m);
}
END_TEST

/* One row per call that can fail. */
static int call_once(struct io_mem *m, struct io_file *f, enum io_mem_call call)
{
    struct iovec iov = {"xx", 2};
    struct io_file *g = NULL;
    char c;
    int r;
    switch (call) {
    case IO_MEM_WRITE:
        return io_pwritev(f, &iov, 1, 0);
    case IO_MEM_SYNC:
        return io_sync(f);
    case IO_MEM_COMMIT:
        return io_commit(f, &iov, 1, 0);
    case IO_MEM_RENAME:
        return io_rename(io_mem_io(m), "/a", "/a2");
    case IO_MEM_SYNC_DIR:
        return io_sync_dir(io_mem_io(m), "/");
    case IO_MEM_OPEN:
        r = io_open(io_mem_io(m), "/a", IO_READ, &g);
        io_close(g);
        return r;
    case IO_MEM_TRUNCATE:
        return io_truncate(f, 7);
    case IO_MEM_ALLOCATE:
        return io_allocate(f, 0, 10);
    case IO_MEM_UNLINK:
        return io_unlink(io_mem_io(m), "/a");
    case IO_MEM_READ:
        return (int)io_pread(f, &c, 1, 0);
    case IO_MEM_WRITE_BACK:
        return io_start_write_back(f, 0, 10);
    case IO_MEM_CALLS:
        break;
    }
    ck_abort_msg("no such call");
}

START_TEST(every_call_can_fail_and_is_counted)
{
    for (unsigned call = 0; call < IO_MEM_CALLS; call++) {
        struct io_mem *m = new_disk();
        struct io_file *f = open_durable(m, "/a");
        uint64_t before = io_mem_calls(m, call);
        io_mem_fail(m, call, 1, EDQUOT, 1);
        ck_assert_int_eq(call_once(m, f, call), -EDQUOT);
        ck_assert_ok(call_once(m, f, call));
        ck_assert_uint_eq(io_mem_calls(m, call), before + 2);
        ck_assert_uint_eq(io_mem_faults(m), 1);
        io_close(f);
        io_mem_free(m);
    }
}
END_TEST

START_TEST(a_failed_write_leaves_its_first_half)
{
    struct io_mem *m = new_disk();
    struct io_file *f = open_durable(m, "/a");
    io_mem_fail(m, IO_MEM_WRITE, 1, ENOSPC, 1);
    ck_assert_int_eq(io_pwrite(f, "abcd", 4, 0), -ENOSPC);
    ck_assert_str_eq(text_of(m, "/a"), "ab");
    io_mem_fail(m, IO_MEM_COMMIT, 1, EIO, 1);
    struct iovec iov = {"ABCDEF", 6};
    ck_assert_int_eq(io_commit(f, &iov, 1, 0), -EIO);
    ck_assert_str_eq(text_of(m, "/a"), "ABC");
    expect_after(m, IO_CUT_NONE, 0, "/a", "");
    io_close(f);
    io_mem_free(m);
}
END_TEST

/* As on Linux: the pages of a failed sync count as clean, the next sync succeeds without them. */
START_TEST(a_sync_after_a_failed_one_saves_no_bytes)
{
    struct io_mem *m = new_disk();
    struct io_file *f = open_durable(m, "/a");
    put(f, 'A', 2, 0);
    io_mem_fail(m, IO_MEM_SYNC, 1, EIO, 1);
    ck_assert_int_eq(io_sync(f), -EIO);
    expect_after(m, IO_CUT_NONE, 0, "/a", "");
    ck_assert_ok(io_sync(f)); /* saves the size */
    struct io_mem *c = crash_now(m, IO_CUT_NONE, 0);
    size_t n;
    uint8_t *p = io_mem_bytes(c, "/a", &n);
    ck_assert_bytes_eq(p, n, "\0\0", 2);
    io_mem_free(c);
    expect_after(m, IO_CUT_ALL, 0, "/a", "AA");
    put(f, 'B', 2, 0);
    ck_assert_ok(io_sync(f));
    expect_after(m, IO_CUT_NONE, 0, "/a", "BB");
    io_close(f);
    io_mem_free(m);
}
END_TEST

/* Like a failed sync; where there is no such thing, nothing happens to the bytes. */
START_TEST(a_failed_write_back_loses_what_it_should_write)
{
    for (int missing = 0; missing < 2; missing++) {
        struct io_mem *m = disk_with("/a", "old");
        struct io_file *f = open_new(m, "/a");
        put(f, 'x', 3, 0);
        ck_assert_ok(io_start_write_back(f, 0, 3));
        expect_after(m, IO_CUT_NONE, 0, "/a", "old"); /* begun is not done */
        io_mem_fail(m, IO_MEM_WRITE_BACK, 1, missing ? ENOTSUP : EIO, 1);
        ck_assert_int_eq(io_start_write_back(f, 0, 3), missing ? -ENOTSUP : -EIO);
        ck_assert_ok(io_sync(f));
        expect_after(m, IO_CUT_NONE, 0, "/a", missing ? "xxx" : "old");
        io_close(f);
        io_mem_free(m);
    }
}
END_TEST

START_TEST(lost_bytes_are_read_until_the_cache_is_dropped)
{
    struct io_mem *m = disk_with("/a", "old");
    struct io_file *f = open_new(m, "/a");
    put(f, 'x', 1, 0);
    ck_assert_ok(io_sync(f));
    put(f, 'y', 1, 1);
    io_mem_fail(m, IO_MEM_SYNC, 1, EIO, 1);
    ck_assert_int_eq(io_sync(f), -EIO);
    put(f, 'z', 1, 2);
    ck_assert_str_eq(text_of(m, "/a"), "xyz");
    ck_assert_ok(io_drop_cache(f));
    ck_assert_str_eq(text_of(m, "/a"), "xlz"); /* unsynced pages stay */
    expect_after(m, IO_CUT_ALL, 0, "/a", "xlz");
    io_close(f);
    io_mem_free(m);
}
END_TEST

/* An append that is cut may leave a shorter file, or one of full size with zeros in it. */
START_TEST(a_torn_append_is_short_or_has_zeros)
{
    struct io_mem *m = new_disk();
    struct io_file *f = open_durable(m, "/a");
    put(f, 'A', 8 * SECTOR, 0);
    bool is_short = false, has_zeros = false;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct io_mem *c = crash_now(m, IO_CUT_SEED, seed);
        size_t n;
        uint8_t *p = io_mem_bytes(c, "/a", &n);
        is_short = is_short || (n > 0 && n < 8 * SECTOR && !memchr(p, 0, n));
        has_zeros = has_zeros || (n == 8 * SECTOR && memchr(p, 0, n) && memchr(p, 'A', n));
        ck_assert_uint_eq(n % SECTOR, 0);
        io_mem_free(c);
    }
    ck_assert(is_short && has_zeros);
    io_close(f);
    io_mem_free(m);
}
END_TEST

/* A size without its data; a name without either. */
START_TEST(sizes_and_names_come_without_data)
{
    struct io_mem *m = disk_with("/a", "old");
    struct io_file *f = open_new(m, "/b");
    put(f, 'x', 5, 0);
    ck_assert_ok(io_rename(io_mem_io(m), "/b", "/a"));
    struct io_mem *c = crash_now(m, IO_CUT_SIZES, 0);
    size_t n;
    uint8_t *p = io_mem_bytes(c, "/a", &n);
    ck_assert_bytes_eq(p, n, "\0\0\0\0\0", 5);
    io_mem_free(c);
    expect_after(m, IO_CUT_NAMES, 0, "/a", "");
    ck_assert_ok(io_sync(f));
    expect_after(m, IO_CUT_NAMES, 0, "/a", "xxxxx");
    io_close(f);
    io_mem_free(m);
}
END_TEST

START_TEST(space_is_bounded)
{
    struct io_mem *m = new_disk();
    struct io_file *f = open_durable(m, "/a");
    uint64_t left;
    io_mem_set_space(m, 100);
    ck_assert_ok(io_allocate(f, 0, 60));
    put(f, 'x', 60, 0); /* in reserved space */
    ck_assert_int_eq(io_pwrite(f, "12345", 5, 96), -ENOSPC);
    ck_assert_int_eq(io_allocate(f, 60, 41), -ENOSPC);
    ck_assert_int_eq(io_truncate(f, 101), -ENOSPC);
    ck_assert_ok(io_space(io_mem_io(m), "/", &left));
    ck_assert_uint_eq(left, 40);
    ck_assert_ok(io_pwrite(f, "1234", 4, 96));
    ck_assert_ok(io_truncate(f, 10));
    ck_assert_ok(io_space(io_mem_io(m), "/", &left));
    ck_assert_uint_eq(left, 90);
    struct io_file *g = open_new(m, "/b");
    ck_assert_int_eq(io_allocate(g, 0, 91), -ENOSPC);
    ck_assert_ok(io_allocate(g, 0, 90));
    io_close(g);
    ck_assert_ok(io_unlink(io_mem_io(m), "/b"));
    ck_assert_ok(io_unlink(io_mem_io(m), "/a"));
    ck_assert_ok(io_space(io_mem_io(m), "/", &left));
    ck_assert_uint_eq(left, 90); /* an open file keeps its space */
    io_close(f);
    ck_assert_ok(io_space(io_mem_io(m), "/", &left));
    ck_assert_uint_eq(left, 100);
    io_mem_free(m);
}
END_TEST

/* A kill leaves the page cache to the next process, and with it what a power cut then takes. */
START_TEST(what_a_kill_leaves_can_still_be_lost)
{
    struct io_mem *m = new_disk(), *killed, *cut;
    struct io_file *f = open_new(m, "/a");
    ck_assert_ok(io_pwrite(f, "synced", 6, 0));
    ck_assert_ok(io_sync(f));
    ck_assert_ok(io_sync_dir(io_mem_io(m), "/"));
    ck_assert_ok(io_rename(io_mem_io(m), "/a", "/b"));
    ck_assert_ok(io_pwrite(f, "cached", 6, 0));
    size_t upto = io_mem_trace_len(m);
    ck_assert_ok(io_unlink(io_mem_io(m), "/b"));
    io_close(f);
    killed = io_mem_kill(m, upto);
    io_mem_free(m);
    ck_assert_uint_eq(io_mem_trace_len(killed), upto);
    ck_assert_uint_eq(io_mem_unsynced(killed, upto), 2);
    ck_assert_str_eq(text_of(killed, "/b"), "cached");
    cut = io_mem_crash(killed, upto, IO_CUT_NONE, 0);
    ck_assert_str_eq(text_of(cut, "/a"), "synced");
    io_mem_free(cut);
    ck_assert_ok(io_sync_dir(io_mem_io(killed), "/"));
    cut = io_mem_crash(killed, upto + 1, IO_CUT_NONE, 0);
    ck_assert_str_eq(text_of(cut, "/b"), "synced");
    io_mem_free(cut);
    io_mem_free(killed);
}
END_TEST

START_TEST(it_has_no_descriptors)
{
    struct io_mem *m = new_disk();
    struct io_file *f = open_new(m, "a"); /* no slash is the root too */
    ck_assert_int_eq(io_fd(f), -1);
    struct io_stat st;
    ck_assert_ok(io_stat(io_mem_io(m), "//./a", &st));
    ck_assert_int_eq(io_stat(io_mem_io(m), "/../a", &st), -EINVAL);
    io_close(f);
    io_mem_free(m);
}
END_TEST

UNIT_MAIN(bytes_are_durable_after_a_sync_only,
          names_are_durable_after_a_sync_of_their_directory_only,
          what_stands_in_a_lost_directory_is_lost, sync_fs_makes_all_durable,
          replace_file_survives_every_cut, a_careless_replace_is_caught,
          a_rename_between_directories_waits_for_both, a_file_never_has_two_names,
          drop_and_alone_choose_one_change, writes_tear_at_any_sector,
          the_last_write_may_come_first, sizes_and_names_come_without_data,
          size_and_data_are_lost_apart, states_are_disks_of_their_own,
          contents_and_prefixes_are_exact, the_digest_sees_content_not_history,
          bytes_can_be_flipped_in_place, faults_fire_when_told, every_call_can_fail_and_is_counted,
          a_failed_write_leaves_its_first_half, a_sync_after_a_failed_one_saves_no_bytes,
          a_failed_write_back_loses_what_it_should_write,
          lost_bytes_are_read_until_the_cache_is_dropped, a_torn_append_is_short_or_has_zeros,
          space_is_bounded, what_a_kill_leaves_can_still_be_lost, it_has_no_descriptors)
