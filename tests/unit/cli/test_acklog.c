#include <stdio.h>
#include <string.h>

#include "cli/acklog.h"
#include "tests/unit/unit.h"

static struct acklog log_;
static struct err err;

static int parse(const char *text)
{
    acklog_release(&log_);
    err = (struct err){0};
    return acklog_parse(&log_, text, strlen(text), "x.log", &err);
}

static const struct acked some = {.partition = 3,
                                  .base = 1234567890123,
                                  .count = 64,
                                  .client = 127,
                                  .sequence = 99,
                                  .crc = 0xdeadbeef};

static void append(const char *path, uint32_t run, const char *topic)
{
    struct acklog_writer w;
    struct wr lines;
    wr_init(&lines, 0);
    acklog_line(&lines, &some);
    ck_assert_ok(acklog_open(&w, path, run, topic, &err));
    ck_assert_ok(acklog_write(&w, &lines));
    acklog_close(&w);
    wr_free(&lines);
}

START_TEST(what_is_written_is_read)
{
    const char *path = unit_path(unit_dir(), "acks");
    append(path, 0x00c0ffee, "orders");
    append(path, 7, "more orders");
    ck_assert_ok(acklog_read(&log_, path, &err));
    ck_assert_uint_eq(log_.n_runs, 2);
    ck_assert_uint_eq(log_.runs[0].id, 0xc0ffee);
    ck_assert_str_eq(log_.runs[1].topic, "more orders");
    ck_assert_uint_eq(log_.n, 2);
    for (int i = 0; i < 2; i++) {
        const struct acked *a = &log_.v[i];
        ck_assert_uint_eq(a->run, (uint32_t)i);
        ck_assert_int_eq(a->partition, some.partition);
        ck_assert_int_eq(a->base, some.base);
        ck_assert_int_eq(a->count, some.count);
        ck_assert_uint_eq(a->client, some.client);
        ck_assert_uint_eq(a->sequence, some.sequence);
        ck_assert_uint_eq(a->crc, some.crc);
    }
    acklog_release(&log_);
}
END_TEST

/* A kill in the middle of a write leaves part of a line. */
START_TEST(a_torn_line_is_ignored_and_cut_by_the_next_run)
{
    const char *path = unit_path(unit_dir(), "acks");
    append(path, 1, "t");
    FILE *f = fopen(path, "a");
    fputs("3 1000 64 1", f);
    fclose(f);
    ck_assert_ok(acklog_read(&log_, path, &err));
    ck_assert_uint_eq(log_.n, 1);
    acklog_release(&log_);
    append(path, 2, "t");
    ck_assert_ok(acklog_read(&log_, path, &err));
    ck_assert_uint_eq(log_.n, 2);
    ck_assert_uint_eq(log_.n_runs, 2);
    acklog_release(&log_);
    f = fopen(path, "w");
    fputs("run 1 00", f);
    fclose(f);
    append(path, 3, "t");
    ck_assert_ok(acklog_read(&log_, path, &err));
    ck_assert_uint_eq(log_.n_runs, 1);
    acklog_release(&log_);
}
END_TEST

static void refused(const char *bytes, size_t n)
{
    const char *path = unit_path(unit_dir(), "mine");
    struct acklog_writer w;
    char now[128];
    FILE *f = fopen(path, "w");
    fwrite(bytes, 1, n, f);
    fclose(f);
    ck_assert_int_eq(acklog_open(&w, path, 1, "t", &err), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(err.text, "mine: is there, and is no ack log"));
    f = fopen(path, "r");
    ck_assert_uint_eq(fread(now, 1, sizeof now, f), n);
    fclose(f);
    ck_assert_mem_eq(now, bytes, n);
}

START_TEST(another_file_is_left_as_it_is)
{
    static const char zeros[100], torn[] = "run 1 0\0", text[] = "a,b\nc,d";
    refused(zeros, sizeof zeros);
    refused(torn, sizeof torn - 1);
    refused(text, sizeof text - 1);
    refused("\nhello\n", 7);
    refused("0 0 1 0 0 0\n", 12);
    const char *path = unit_path(unit_dir(), "noted");
    FILE *f = fopen(path, "w");
    fputs("# by hand\n\nru", f);
    fclose(f);
    append(path, 1, "t");
    ck_assert_ok(acklog_read(&log_, path, &err));
    ck_assert_uint_eq(log_.n, 1);
    acklog_release(&log_);
}
END_TEST

START_TEST(lines_that_are_none_are_named)
{
    static const char *const bad[] = {
        "0 0 1 0 0 00000000\n",              /* before any run */
        "run 2 00000001 t\n",                /* a newer format */
        "run 1 00000001 \n",                 /* no topic */
        "run 1 t\n",                         /* no number */
        "run 1 1 t\n0 0 1 0 0\n",            /* a field too few */
        "run 1 1 t\n0 0 1 0 0 0 0\n",        /* one too many */
        "run 1 1 t\n-1 0 1 0 0 0\n",         /* negative */
        "run 1 1 t\n2147483648 0 1 0 0 0\n", /* too large */
        "run 1 1 t\n0 0 0 0 0 0\n",          /* no records */
        "run 1 1 t\n0 9223372036854775807 1 0 0 0\n",
        "run 1 1 t\n0 0 1 0 18446744073709551616 0\n",
        "run 1 1 t\n0 0 1 0 0 123456789\n",
        "run 1 1 t\n0 0 1 0 0 xyz\n",
        "hello\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(parse(bad[i]) == ERR_MALFORMED, "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(err.text, strchr(bad[i], '\n')[1] ? "x.log:2" : "x.log:1"));
    }
    static const char nul[] = "run 1 1 \0t\n";
    acklog_release(&log_);
    ck_assert_int_eq(acklog_parse(&log_, nul, sizeof nul - 1, "x.log", &err), ERR_MALFORMED);
    ck_assert_ok(parse("# a comment\n\nrun 1 1 t\n0 0 1 0 0 0\n"));
    ck_assert_uint_eq(log_.n, 1);
    ck_assert_ok(parse(""));
    acklog_release(&log_);
}
END_TEST

START_TEST(sorting_is_by_topic_partition_and_offset)
{
    ck_assert_ok(parse(
        "run 1 1 b\n1 5 1 0 0 1\n0 9 1 0 0 2\nrun 1 2 a\n7 0 1 0 0 3\nrun 1 3 b\n0 2 1 0 0 4\n"));
    acklog_sort(&log_);
    static const uint32_t want[] = {3, 4, 2, 1};
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(log_.v[i].crc, want[i]);
    acklog_release(&log_);
}
END_TEST

UNIT_MAIN(what_is_written_is_read, a_torn_line_is_ignored_and_cut_by_the_next_run,
          another_file_is_left_as_it_is, lines_that_are_none_are_named,
          sorting_is_by_topic_partition_and_offset)
