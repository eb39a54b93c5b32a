/* Where reading begins, whom a log belongs to, single files and groups, and logs that move. */
#include <errno.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "tests/unit/wal/fixture.h"

static struct fixture f;

static const char *path_of(uint64_t id)
{
    static char path[IO_PATH_MAX];
    ck_assert_ok(wal_segment_path(path, sizeof path, LOG_DIR, id));
    return path;
}

static void grow_to(uint64_t segment)
{
    while (wal_writer_segment(f.w) < segment)
        ck_assert_ok(fixture_append(&f, 9000));
}

static struct wal_reader *open_live(void)
{
    struct wal_reader_config cfg = {.io = f.io, .path = LOG_DIR, .live = true};
    struct wal_reader *r;
    struct err e;
    int rc = wal_reader_open(&r, &cfg, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    return r;
}

/* Read entries until the end; returns the last index seen. */
static uint64_t drain(struct wal_reader *r, uint64_t last)
{
    struct wal_group g;
    struct err e;
    int rc;
    while ((rc = wal_reader_next(r, &g, &e)) == 1)
        if (g.index)
            last = g.index;
    ck_assert_msg(rc == 0, "%s", e.text);
    return last;
}

START_TEST(no_log_no_reader)
{
    f.mem = io_mem_new();
    f.io = io_mem_io(f.mem);
    ck_assert_ok(io_mkdir(f.io, LOG_DIR));
    ck_assert_int_eq(fixture_read(f.io, NULL).rc, ERR_NOTFOUND);
    struct wal_reader_config cfg = {.path = "/none"};
    ck_assert_int_eq(fixture_read(f.io, &cfg).rc, -ENOENT);
    cfg = (struct wal_reader_config){.from = {1, WAL_BLOCK}};
    ck_assert_int_eq(fixture_read(f.io, &cfg).rc, ERR_CORRUPT);
    cfg = (struct wal_reader_config){.synced = {1, WAL_BLOCK}};
    ck_assert_int_eq(fixture_read(f.io, &cfg).rc, ERR_CORRUPT);
    io_mem_free(f.mem);
}
END_TEST

START_TEST(begins_at_any_group)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    grow_to(4);
    struct wal_reader_config cfg = {.io = f.io, .path = LOG_DIR};
    struct wal_reader *all;
    struct wal_group g, again;
    ck_assert_ok(wal_reader_open(&all, &cfg, NULL));
    struct wal_reader *at;
    ck_assert_ok(wal_reader_open(&at, &cfg, NULL));
    size_t n = 0, segments;
    wal_reader_segments(all, &segments);
    ck_assert_uint_eq(segments, 4);
    while (wal_reader_next(all, &g, NULL) == 1) {
        n++;
        struct wal_reader_config from = {.from = g.pos};
        struct found_log log = fixture_read(f.io, &from);
        ck_assert_msg(log.rc == 0, "%s", log.e.text);
        ck_assert_uint_eq(log.last, f.appended);
        if (g.index)
            ck_assert_uint_eq(log.first, g.index);
        ck_assert_ok(wal_reader_at(at, g.pos, &again, NULL));
        ck_assert_uint_eq(again.index, g.index);
        ck_assert(span_eq(again.payload, g.payload));
        ck_assert_uint_eq(wal_reader_segment(all)->id, g.pos.segment);
    }
    ck_assert_uint_gt(n, 10);
    struct wal_end end;
    wal_reader_end(all, &end);
    struct found_log log = fixture_read(f.io, &(struct wal_reader_config){.from = end.pos});
    ck_assert_int_eq(log.rc, 0);
    ck_assert_uint_eq(log.groups, 0);
    ck_assert_int_eq(wal_pos_cmp(log.end.pos, end.pos), 0);

    static const struct wal_pos bad[] = {{5, 4096}, {1, 100}, {1, 1 << 20}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(fixture_read(f.io, &(struct wal_reader_config){.from = bad[i]}).rc,
                         ERR_CORRUPT);
    ck_assert_int_eq(wal_reader_at(at, end.pos, &again, NULL), ERR_CORRUPT);
    ck_assert_int_eq(wal_reader_at(at, (struct wal_pos){1, 0}, &again, NULL), ERR_CORRUPT);
    ck_assert_int_eq(wal_reader_at(at, (struct wal_pos){9, 4096}, &again, NULL), -ENOENT);
    wal_reader_free(all);
    wal_reader_free(at);
    fixture_end(&f);
}
END_TEST

START_TEST(foreign_logs_are_refused)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    struct wal_owner o = f.cfg.owner;
    struct wal_reader_config cfg = {.owner = &o};
    ck_assert_int_eq(fixture_read(f.io, &cfg).rc, 0);
    o.node_id++;
    ck_assert_int_eq(fixture_read(f.io, &cfg).rc, ERR_FOREIGN);
    o.node_id--;
    o.shard++;
    ck_assert_int_eq(fixture_read(f.io, &cfg).rc, ERR_FOREIGN);
    o.shard--;
    o.cluster_id.b[15] ^= 1;
    struct found_log log = fixture_read(f.io, &cfg);
    ck_assert_int_eq(log.rc, ERR_FOREIGN);
    ck_assert_ptr_nonnull(strstr(log.e.text, path_of(1)));
    fixture_end(&f);
}
END_TEST

START_TEST(newer_formats_are_refused)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    size_t n;
    uint8_t *p = io_mem_bytes(f.mem, path_of(1), &n);
    p[8] = 2;
    put_le32(p + 12, 0);
    put_le32(p + 12, crc32c(0, p, WAL_BLOCK));
    struct found_log log = fixture_read(f.io, NULL);
    ck_assert_int_eq(log.rc, ERR_VERSION);
    ck_assert_ptr_nonnull(strstr(log.e.text, path_of(1)));
    fixture_end(&f);
}
END_TEST

START_TEST(single_files_are_read_alone)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    grow_to(3);
    struct wal_reader_config cfg = {.path = path_of(1)};
    struct found_log log = fixture_read(f.io, &cfg);
    ck_assert_msg(log.rc == 0, "%s", log.e.text);
    ck_assert_uint_eq(log.first, 1);
    ck_assert(log.end.rolled);
    ck_assert_uint_eq(log.end.pos.segment, 1);
    uint64_t next = log.last + 1;
    ck_assert_ok(io_rename(f.io, path_of(2), "/copy"));
    cfg.path = "/copy";
    log = fixture_read(f.io, &cfg);
    ck_assert_msg(log.rc == 0, "%s", log.e.text);
    ck_assert_uint_eq(log.first, next);
    ck_assert_ok(io_rename(f.io, "/copy", path_of(7))); /* a wrong name is a fault, though */
    cfg.path = path_of(7);
    ck_assert_int_eq(fixture_read(f.io, &cfg).rc, ERR_CORRUPT);
    fixture_end(&f);
}
END_TEST

START_TEST(live_log_is_followed)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    ck_assert_ok(fixture_append(&f, 10));
    struct wal_reader *r = open_live();
    uint64_t last = drain(r, 0);
    ck_assert_uint_eq(last, 1);
    for (int i = 0; i < 60; i++) {
        ck_assert_ok(fixture_append(&f, 7000));
        if (i % 3 == 0) {
            last = drain(r, last);
            ck_assert_uint_eq(last, f.appended);
        }
    }
    ck_assert_uint_gt(wal_writer_segment(f.w), 8);
    wal_reader_free(r);
    fixture_end(&f);
}
END_TEST

START_TEST(live_log_may_lose_its_beginning)
{
    for (int recycled = 0; recycled < 2; recycled++) {
        fixture_begin(&f, LOG_SEGMENT, recycled ? 9 : 0);
        grow_to(4);
        struct wal_reader *r = open_live();
        struct wal_group g;
        ck_assert_int_eq(wal_reader_next(r, &g, NULL), 1); /* stands in segment 1 */
        ck_assert_ok(wal_writer_release_before(f.w, (struct wal_pos){3, 0}, NULL));
        grow_to(6); /* 1 and 2 are gone, or are 5 and 6 by now */
        uint64_t last = drain(r, 0);
        ck_assert_uint_eq(last, f.appended);
        wal_reader_free(r);
        fixture_end(&f);
    }
}
END_TEST

/* A group that is half there when a live reader looks at it, and whole a moment later. */
START_TEST(live_reader_waits_for_the_rest_of_a_group)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    ck_assert_ok(fixture_append(&f, 10));
    ck_assert_ok(fixture_append(&f, 6000));
    ck_assert_ok(fixture_append(&f, 10));
    size_t n;
    uint8_t *p = io_mem_bytes(f.mem, path_of(1), &n);
    struct wal_reader *r = open_live();
    uint8_t half[WAL_BLOCK];
    memcpy(half, p + 4 * WAL_BLOCK,
           WAL_BLOCK); /* of the second group, and the third is not there yet */
    uint8_t third[WAL_BLOCK];
    memcpy(third, p + 5 * WAL_BLOCK, WAL_BLOCK);
    memset(p + 4 * WAL_BLOCK, 0, 2 * WAL_BLOCK);
    ck_assert_uint_eq(drain(r, 0), 1);
    struct wal_end end;
    wal_reader_end(r, &end);
    ck_assert(end.torn);
    memcpy(p + 4 * WAL_BLOCK, half, WAL_BLOCK);
    memcpy(p + 5 * WAL_BLOCK, third, WAL_BLOCK);
    ck_assert_uint_eq(drain(r, 1), 3);
    wal_reader_end(r, &end);
    ck_assert(!end.torn);
    /* Damage is damage on a live log too. */
    wal_reader_free(r);
    p[3 * WAL_BLOCK + 5] ^= 1;
    ck_assert_int_eq(fixture_read(f.io, &(struct wal_reader_config){.live = true}).rc, ERR_CORRUPT);
    fixture_end(&f);
}
END_TEST

/* ---- what happens between two reads */

static const struct io_ops *real_files, *real_disk;
static struct io_ops hooked_files, hooked_disk;
static uint64_t reads_until_hook;
static size_t files_open;
static void (*hook)(void);

static ssize_t hooked_pread(struct io_file *file, void *buf, size_t n, uint64_t off)
{
    if (hook && reads_until_hook-- == 0) {
        hook();
        hook = NULL;
    }
    return real_files->pread(file, buf, n, off);
}

static void hooked_close(struct io_file *file)
{
    files_open--;
    real_files->close(file);
}

static int hooked_open(struct io *io, const char *path, int flags, struct io_file **out)
{
    int rc = real_disk->open(io, path, flags, out);
    if (rc != 0)
        return rc;
    real_files = (*out)->ops;
    hooked_files = *real_files;
    hooked_files.pread = hooked_pread;
    hooked_files.close = hooked_close;
    (*out)->ops = &hooked_files;
    files_open++;
    return 0;
}

static void hook_disk(void)
{
    real_disk = f.io->ops;
    hooked_disk = *real_disk;
    hooked_disk.open = hooked_open;
    f.io->ops = &hooked_disk;
}

static uint8_t late[2 * WAL_BLOCK];
static void second_group_arrives(void)
{
    size_t n;
    memcpy(io_mem_bytes(f.mem, path_of(1), &n) + 3 * WAL_BLOCK, late, sizeof late);
}

/* The reader finds a group missing whose successors are there: whenever it arrives, that is no
 * fault. */
START_TEST(group_that_arrives_while_it_is_judged)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    ck_assert_ok(fixture_append(&f, 10));
    ck_assert_ok(fixture_append(&f, 6000));
    ck_assert_ok(fixture_append(&f, 10));
    hook_disk();
    size_t n, whole = 0;
    memcpy(late, io_mem_bytes(f.mem, path_of(1), &n) + 3 * WAL_BLOCK, sizeof late);
    for (uint64_t at = 0; at < 9; at++) {
        memset(io_mem_bytes(f.mem, path_of(1), &n) + 3 * WAL_BLOCK, 0, sizeof late);
        hook = second_group_arrives;
        reads_until_hook = at;
        struct found_log log = fixture_read(f.io, &(struct wal_reader_config){.live = true});
        if (hook)
            break; /* all reads are done */
        ck_assert_msg(log.rc == 0, "at read %d: %s", (int)at, log.e.text);
        ck_assert_uint_eq(log.last, 3);
        whole++;
    }
    ck_assert_uint_gt(whole, 5);
    fixture_end(&f);
}
END_TEST

START_TEST(files_are_closed)
{
    fixture_begin(&f, LOG_SEGMENT, 0);
    fixture_stop(&f);
    hook_disk();
    fixture_recover(&f, f.mem, LOG_SEGMENT);
    while (wal_writer_segment(f.w) < 8) {
        ck_assert_ok(fixture_append(&f, 9000));
        ck_assert_uint_le(files_open, 2); /* the live one and the ready one */
    }
    size_t before = files_open;
    ck_assert_int_eq(fixture_read(f.io, NULL).rc, 0);
    ck_assert_uint_eq(files_open, before);
    fixture_stop(&f);
    ck_assert_uint_eq(files_open, 0);
    fixture_end(&f);
}
END_TEST

UNIT_MAIN(group_that_arrives_while_it_is_judged, files_are_closed, no_log_no_reader,
          begins_at_any_group, foreign_logs_are_refused, newer_formats_are_refused,
          single_files_are_read_alone, live_log_is_followed, live_log_may_lose_its_beginning,
          live_reader_waits_for_the_rest_of_a_group)
