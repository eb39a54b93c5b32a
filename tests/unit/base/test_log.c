#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static struct clock_manual now;
static struct log l;
static int in;

/* A log into a pipe; what was written so far, as text. */
static void start(enum log_level level)
{
    int fd[2];
    ck_assert_int_eq(pipe2(fd, O_NONBLOCK | O_CLOEXEC), 0);
    clock_manual_init(&now, 0, INT64_C(1795406706789)); /* 2026-11-23T04:05:06.789Z */
    log_init(&l, fd[1], level, &now.clock);
    in = fd[0];
}

static const char *written(void)
{
    static char text[8192];
    ssize_t n = read(in, text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    return text;
}

START_TEST(a_line_looks_as_documented)
{
    start(LOG_INFO);
    log_warn(&l, "wal", "torn tail cut position=%d", 8192);
    ck_assert_str_eq(written(), "2026-11-23T04:05:06.789Z WARN wal: torn tail cut position=8192\n");
    clock_manual_advance(&now, 300);
    log_error(&l, "a", "b");
    ck_assert_str_eq(written(), "2026-11-23T04:05:07.089Z ERROR a: b\n");
}
END_TEST

START_TEST(a_time_that_has_no_text_is_a_dash)
{
    start(LOG_INFO);
    now.wall = INT64_MAX;
    log_info(&l, "a", "b");
    ck_assert_str_eq(written(), "- INFO a: b\n");
}
END_TEST

START_TEST(levels_filter)
{
    start(LOG_WARN);
    log_info(&l, "a", "no");
    log_debug(&l, "a", "no");
    ck_assert_str_eq(written(), "");
    l.level = LOG_DEBUG;
    log_debug(&l, "a", "yes");
    ck_assert_ptr_nonnull(strstr(written(), "DEBUG a: yes\n"));
    l.fd = -1;
    log_error(&l, "a", "nowhere");
    log_error((struct log *)NULL, "a", "nowhere");
    log_debug((struct log *)NULL, "a", "nowhere");
    ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST(a_message_cannot_forge_a_line)
{
    start(LOG_INFO);
    log_info(&l, "a", "x\ny\rz\033[2J\x7f\ttopic=\xc3\xa4");
    const char *s = written();
    ck_assert_str_eq(s + 25, "INFO a: x?y?z?[2J??topic=\xc3\xa4\n");
}
END_TEST

START_TEST(a_long_message_is_cut_but_ends_its_line)
{
    start(LOG_INFO);
    log_info(&l, "a", "%5000d", 1);
    const char *s = written();
    ck_assert_uint_lt(strlen(s), 4096); /* one write to a pipe is whole up to there */
    ck_assert_ptr_eq(strchr(s, '\n'), s + strlen(s) - 1);
}
END_TEST

START_TEST(a_line_that_comes_often_is_held_back_and_counted)
{
    struct log_limit limit = {0};
    uint32_t held = 7;
    ck_assert(log_limit_due(&limit, 50, 1000, &held));
    ck_assert_uint_eq(held, 0);
    ck_assert(!log_limit_due(&limit, 60, 1000, &held));
    ck_assert(!log_limit_due(&limit, 1049, 1000, &held));
    ck_assert(log_limit_due(&limit, 1050, 1000, &held));
    ck_assert_uint_eq(held, 2);
    ck_assert(!log_limit_due(&limit, 1051, 1000, &held));
}
END_TEST

START_TEST(a_quote_is_printable_and_bounded)
{
    char buf[LOG_QUOTED], longer[500];
    ck_assert_str_eq(log_quote(buf, span_of("a\nb\\\xff", 5)), "a\\x0ab\\x5c\\xff");
    memset(longer, 1, sizeof longer);
    log_quote(buf, span_of(longer, sizeof longer));
    ck_assert_uint_lt(strlen(buf), LOG_QUOTED);
    ck_assert_str_eq(buf + strlen(buf) - 3, "...");
}
END_TEST

UNIT_MAIN(a_line_that_comes_often_is_held_back_and_counted, a_line_looks_as_documented,
          a_time_that_has_no_text_is_a_dash, levels_filter, a_message_cannot_forge_a_line,
          a_long_message_is_cut_but_ends_its_line, a_quote_is_printable_and_bounded)
