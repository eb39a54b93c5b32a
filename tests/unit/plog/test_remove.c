/* Segments and whole partitions go. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/plog/fixture.h"

static struct fixture f;

static void filled(void)
{
    fixture_init(&f);
    fixture_open_new(&f);
    fixture_fill(&f, 100);
    fixture_sync(&f, false);
}

START_TEST(segments_below_the_log_start_go)
{
    int64_t b[64], after[64];
    struct plog_slice s;
    filled();
    size_t n = fixture_segments(&f, b, 64);
    ck_assert_ok(plog_set_floor(f.log, INT64_MAX, NULL));
    ck_assert_ok(plog_set_log_start(f.log, b[2] + 1, NULL));
    ck_assert_int_eq(plog_log_start(f.log), b[2] + 1);
    ck_assert_ok(plog_set_log_start(f.log, 0, NULL)); /* never back */
    ck_assert_int_eq(plog_log_start(f.log), b[2] + 1);
    ck_assert_uint_eq(fixture_segments(&f, after, 64), n - 2);
    ck_assert_int_eq(after[0], b[2]);
    ck_assert(!fixture_exists(&f, fixture_path(&f, b[0], ".index")));
    ck_assert(!fixture_exists(&f, fixture_path(&f, b[0], ".timeindex")));
    ck_assert(!fixture_exists(&f, fixture_path(&f, b[0], ".check")));
    ck_assert_int_eq(plog_read(f.log, b[2], INT64_MAX, 100, true, &s, NULL), ERR_OFFSET);
    fixture_check_reads(&f);
    ck_assert_int_eq(plog_set_log_start(f.log, fixture_end(&f) + 1, NULL), ERR_OFFSET);
    ck_assert_ok(
        plog_set_log_start(f.log, fixture_end(&f), NULL)); /* everything but the active one */
    ck_assert_uint_eq(fixture_segments(&f, after, 64), 1);
    fixture_fill(&f, 5);
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(the_floor_keeps_what_a_recovery_needs)
{
    int64_t b[64], after[64];
    filled();
    size_t n = fixture_segments(&f, b, 64);
    ck_assert_ok(plog_set_log_start(f.log, b[4], NULL));
    ck_assert_uint_eq(fixture_segments(&f, after, 64), n); /* no floor yet */
    ck_assert_ok(plog_set_floor(f.log, b[3], NULL));
    fixture_segments(&f, after, 64);
    ck_assert_int_eq(after[0], b[3]);
    ck_assert_ok(plog_set_floor(f.log, b[1], NULL)); /* never back */
    ck_assert_ok(plog_set_floor(f.log, b[5], NULL));
    fixture_segments(&f, after, 64);
    ck_assert_int_eq(after[0], b[4]);
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

/* From the older checkpoint the log start is behind what is there; the log's trims are replayed. */
START_TEST(an_older_mark_may_begin_below_the_first_segment)
{
    int64_t b[64];
    struct plog_mark mark;
    struct plog_slice s;
    struct err e;
    filled();
    plog_mark(f.log, &mark);
    fixture_segments(&f, b, 64);
    ck_assert_ok(plog_set_floor(f.log, mark.segment, NULL));
    ck_assert_ok(plog_set_log_start(f.log, b[2], NULL));
    fixture_reopen(&f, &mark);
    ck_assert_int_eq(plog_log_start(f.log), 0);
    ck_assert_int_eq(plog_read(f.log, 0, INT64_MAX, 100, true, &s, &e), ERR_CORRUPT);
    ck_assert_ok(plog_set_log_start(f.log, b[2], NULL));
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(a_failed_unlink_is_told_and_made_good)
{
    int64_t b[64], after[64];
    struct plog_mark mark;
    struct err e;
    filled();
    fixture_segments(&f, b, 64);
    ck_assert_ok(plog_set_floor(f.log, INT64_MAX, NULL));
    io_mem_fail(f.mem, IO_MEM_UNLINK, 1, EIO, 1);
    ck_assert_int_eq(plog_set_log_start(f.log, b[2], &e), -EIO);
    ck_assert_int_eq(plog_log_start(f.log), b[2]);
    fixture_check_reads(&f);
    ck_assert(fixture_exists(&f, fixture_path(&f, b[0], ".log")));
    plog_mark(f.log, &mark);
    fixture_reopen(&f, &mark);
    ck_assert_ok(plog_set_floor(f.log, mark.segment, NULL));
    fixture_segments(&f, after, 64);
    ck_assert_int_eq(after[0], b[2]);
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

START_TEST(slices_outlive_their_segment)
{
    struct plog_slice s;
    uint8_t buf[4096];
    filled();
    ck_assert_ok(plog_read(f.log, 0, INT64_MAX, 1000, true, &s, NULL));
    ck_assert_ok(plog_set_floor(f.log, INT64_MAX, NULL));
    ck_assert_ok(plog_set_log_start(f.log, fixture_end(&f), NULL));
    ck_assert(!fixture_exists(&f, fixture_path(&f, 0, ".log")));
    ck_assert_int_eq(plog_slice_read(&s, buf), s.len);
    ck_assert_mem_eq(buf, f.batches[0].bytes.p, f.batches[0].bytes.n);
    plog_slice_release(&s);
    fixture_release(&f);
}
END_TEST

/* Old segments do not keep their descriptors for ever. */
START_TEST(old_segments_are_let_go)
{
    fixture_init_posix(&f);
    fixture_open_new(&f);
    for (int i = 0; i < 40; i++) {
        fixture_fill(&f, 20);
        fixture_check_all(&f);
        fixture_sync(&f, false);
    }
    int64_t b[512];
    ck_assert_uint_gt(fixture_segments(&f, b, 512), 30);
    char **names;
    size_t n;
    ck_assert_ok(plog_roll(f.log, NULL));
    ck_assert_ok(io_names(io_posix(), "/proc/self/fd", &names, &n));
    io_names_free(names, n);
    ck_assert_uint_lt(n, 30);
    fixture_check_reads(&f);
    fixture_release(&f);
}
END_TEST

static bool exists(const char *name)
{
    return fixture_exists(&f, unit_path(f.cfg.dir, name));
}

static void make_dir(const char *name, const char *metadata)
{
    struct io_file *file;
    const char *dir = unit_path(f.cfg.dir, name);
    ck_assert_ok(io_mkdir(f.io, dir));
    if (!metadata)
        return;
    ck_assert_ok(io_open(f.io, unit_path(dir, "partition.metadata"), IO_WRITE | IO_CREATE, &file));
    ck_assert_ok(io_pwrite(file, metadata, strlen(metadata), 0));
    io_close(file);
}

START_TEST(a_partition_is_removed)
{
    filled();
    plog_free(f.log);
    f.log = NULL;
    make_dir("AAAAAAAAAAAAAAAAAAAABw-0-delete", "left from before");
    ck_assert_ok(plog_remove(&f.cfg, "t", 0, &f.id, NULL));
    ck_assert_ok(plog_remove(&f.cfg, "t", 0, &f.id, NULL));
    ck_assert(!exists("t-0"));
    ck_assert(!exists("AAAAAAAAAAAAAAAAAAAABw-0-delete"));
    fixture_release(&f);
}
END_TEST

static char asked[512];

static bool is_known(void *ctx, const char *topic, int32_t partition, const struct uuid *id)
{
    char text[UUID_TEXT], line[128];
    (void)ctx;
    uuid_text(id, text);
    snprintf(line, sizeof line, "%s %d %s\n", topic, partition, uuid_is_zero(id) ? "zero" : text);
    strncat(asked, line, sizeof asked - strlen(asked) - 1);
    return strcmp(topic, "keep") == 0;
}

START_TEST(a_sweep_leaves_what_is_known)
{
    static const char good[] = "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAABw\n";
    fixture_init(&f);
    make_dir("keep-0", good);
    make_dir("keep-12", "version: 1\ntopic_id: AAAAAAAAAAAAAAAAAAAABw\n");
    make_dir("a-b-7", good);
    make_dir("gone-3", NULL);
    make_dir("AAAAAAAAAAAAAAAAAAAABw-0-delete", good);
    make_dir("-AAAAAAAAAAAAAAAAAAABw-5-new", NULL);
    make_dir("lost+found", NULL);
    make_dir("t-01", good);
    make_dir("-3", good);
    make_dir("x-99999999999", good);
    make_dir("topic-delete", good);
    ck_assert_ok(plog_sweep(&f.cfg, is_known, NULL, NULL));
    ck_assert_str_eq(asked, "a-b 7 AAAAAAAAAAAAAAAAAAAABw\n"
                            "gone 3 zero\n"
                            "keep 0 AAAAAAAAAAAAAAAAAAAABw\n"
                            "keep 12 zero\n");
    ck_assert(exists("keep-0") && exists("keep-12"));
    ck_assert(!exists("a-b-7") && !exists("gone-3"));
    ck_assert(!exists("AAAAAAAAAAAAAAAAAAAABw-0-delete"));
    ck_assert(!exists("AAAAAAAAAAAAAAAAAAAABw-7-delete"));
    ck_assert(!exists("-AAAAAAAAAAAAAAAAAAABw-5-new"));
    ck_assert(exists("lost+found") && exists("t-01") && exists("-3") && exists("x-99999999999") &&
              exists("topic-delete"));
    fixture_release(&f);
}
END_TEST

/* Two crashes can leave a directory beside the one it was to become. */
START_TEST(a_removal_in_the_way_of_another_one_is_no_fault)
{
    fixture_init(&f);
    make_dir("0-9", "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAABw\n");
    make_dir("AAAAAAAAAAAAAAAAAAAABw-9-delete", NULL); /* listed behind it */
    ck_assert_ok(plog_sweep(&f.cfg, is_known, NULL, NULL));
    ck_assert(!exists("0-9") && !exists("AAAAAAAAAAAAAAAAAAAABw-9-delete"));
    fixture_release(&f);
}
END_TEST

/* Whenever a removal is interrupted, a sweep ends it. */
START_TEST(an_interrupted_removal_is_finished)
{
    for (uint64_t k = 1; k < 12; k++) {
        struct err e;
        filled();
        plog_free(f.log);
        f.log = NULL;
        io_mem_fail(f.mem, IO_MEM_UNLINK, k, EIO, 1);
        ck_assert_int_eq(plog_remove(&f.cfg, "t", 0, &f.id, &e), -EIO);
        ck_assert(!exists("t-0"));
        ck_assert(exists("AAAAAAAAAAAAAAAAAAAABw-0-delete"));
        ck_assert_ok(plog_sweep(&f.cfg, is_known, NULL, NULL));
        ck_assert(!exists("AAAAAAAAAAAAAAAAAAAABw-0-delete"));
        fixture_release(&f);
    }
}
END_TEST

START_TEST(names_are_kafkas)
{
    char name[300], topic[260];
    ck_assert_ok(plog_dirname(name, sizeof name, "a.b-c", 12));
    ck_assert_str_eq(name, "a.b-c-12");
    memset(topic, 'x', sizeof topic);
    topic[249] = 0;
    ck_assert_ok(plog_dirname(name, sizeof name, topic, INT32_MAX));
    ck_assert_int_eq(plog_dirname(name, 100, topic, 0), -ENAMETOOLONG);
}
END_TEST

/* A reader that found the log before it was deleted must not get what is made in its place. */
START_TEST(an_abandoned_log_gives_nothing_of_its_successor)
{
    struct plog_mark mark;
    struct plog_slice held, s;
    struct plog_time found;
    struct err e;
    fixture_init(&f);
    fixture_open_new(&f);
    fixture_fill(&f, 60);
    fixture_sync(&f, false);
    plog_mark(f.log, &mark);
    fixture_reopen(&f, &mark); /* cold */
    ck_assert_ok(plog_read(f.log, fixture_end(&f) - 1, INT64_MAX, 1 << 20, true, &held, &e));
    plog_abandon(f.log);
    ck_assert_ok(plog_remove(&f.cfg, "t", 0, &f.id, &e));
    ck_assert_int_eq(plog_read(f.log, 0, INT64_MAX, 1 << 20, true, &s, &e), ERR_NOTFOUND);
    ck_assert_int_eq(plog_find_time(f.log, 1000, INT64_MAX, &found, &e), ERR_NOTFOUND);
    struct plog *old = f.log;
    f.log = NULL;
    f.id.b[0]++;
    fixture_open_new(&f);
    fixture_append(&f, 0); /* the very same offsets */
    ck_assert_int_eq(plog_read(old, 0, INT64_MAX, 1 << 20, true, &s, &e), ERR_NOTFOUND);
    ck_assert_int_eq(plog_find_time(old, 1000, INT64_MAX, &found, &e), ERR_NOTFOUND);
    ck_assert_ok(plog_slice_verify(old, &held, &e));
    plog_slice_release(&held);
    plog_free(old);
    fixture_check_all(&f);
    fixture_release(&f);
}
END_TEST

UNIT_MAIN(an_abandoned_log_gives_nothing_of_its_successor, segments_below_the_log_start_go,
          the_floor_keeps_what_a_recovery_needs, an_older_mark_may_begin_below_the_first_segment,
          a_failed_unlink_is_told_and_made_good, slices_outlive_their_segment,
          old_segments_are_let_go, a_partition_is_removed, a_sweep_leaves_what_is_known,
          a_removal_in_the_way_of_another_one_is_no_fault, an_interrupted_removal_is_finished,
          names_are_kafkas)
