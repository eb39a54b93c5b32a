#include "tests/unit/unit.h"

#include <string.h>
#include <unistd.h>

#include "cli/lines.h"

static int ends[2];
static struct lines lines;
static struct client_wait wait_long, wait_not;

static void start(size_t max)
{
    ck_assert_int_eq(pipe(ends), 0);
    lines_init(&lines, ends[0], max);
    wait_not = (struct client_wait){.clock = clock_system(), .interrupt_fd = -1};
    wait_long = wait_not;
    wait_long.deadline_ms = INT64_MAX;
}

static void put(const char *text)
{
    ck_assert_int_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
}

static void stop(void)
{
    lines_release(&lines);
    close(ends[0]);
}

static void expect(const char *text)
{
    struct span line;
    ck_assert_int_eq(lines_next(&lines, &wait_long, &line), 1);
    ck_assert_bytes_eq(line.p, line.n, text, strlen(text));
}

START_TEST(lines_come_as_they_are_written)
{
    struct span line;
    start(1000);
    put("one\ntwo");
    expect("one");
    ck_assert_uint_eq(lines.number, 1);
    ck_assert_int_eq(lines_next(&lines, &wait_not, &line), ERR_TIMEOUT);
    put(" and a half");
    ck_assert_int_eq(lines_next(&lines, &wait_not, &line), ERR_TIMEOUT);
    put("\n");
    expect("two and a half");
    put("\nlast");
    expect("");
    ck_assert_int_eq(lines_next(&lines, &wait_not, &line), ERR_TIMEOUT);
    close(ends[1]);
    expect("last");
    ck_assert_uint_eq(lines.number, 4);
    ck_assert_int_eq(lines_next(&lines, &wait_long, &line), 0);
    ck_assert_int_eq(lines_next(&lines, &wait_long, &line), 0);
    stop();
}
END_TEST

START_TEST(an_input_without_lines_ends)
{
    struct span line;
    start(1000);
    close(ends[1]);
    ck_assert_int_eq(lines_next(&lines, &wait_long, &line), 0);
    stop();
}
END_TEST

START_TEST(a_line_that_is_too_long_is_refused)
{
    struct span line;
    start(5);
    put("12345\n123456\n");
    expect("12345");
    ck_assert_int_eq(lines_next(&lines, &wait_long, &line), ERR_TOOBIG);
    close(ends[1]);
    stop();
    start(5); /* its end need not be there */
    put("123456");
    ck_assert_int_eq(lines_next(&lines, &wait_long, &line), ERR_TOOBIG);
    close(ends[1]);
    stop();
}
END_TEST

START_TEST(an_interrupt_ends_the_waiting)
{
    struct span line;
    int other[2];
    start(1000);
    put("kept\n");
    ck_assert_int_eq(pipe(other), 0);
    ck_assert_int_eq(write(other[1], "", 1), 1);
    wait_long.interrupt_fd = other[0];
    ck_assert_int_eq(lines_next(&lines, &wait_long, &line), ERR_INTERRUPTED);
    wait_long.interrupt_fd = -1;
    expect("kept");
    close(ends[1]);
    stop();
}
END_TEST

UNIT_MAIN(lines_come_as_they_are_written, an_input_without_lines_ends,
          a_line_that_is_too_long_is_refused, an_interrupt_ends_the_waiting)
