#include "cli/html.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static char *text;
static size_t size;

static FILE *begin(void)
{
    return open_memstream(&text, &size);
}

static void wrote(FILE *f, const char *want)
{
    fclose(f);
    ck_assert_str_eq(text, want);
    free(text);
}

START_TEST(nothing_in_a_text_is_markup)
{
    FILE *f = begin();
    html_str(f, "<b a=\"x\" c='y'>&amp;</b>");
    wrote(f, "&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;amp;&lt;/b&gt;");
    f = begin();
    html_text(f, span_of("a\0b\x1b[31m\x7f\n\xc2\xb5", 12));
    wrote(f, "a\xef\xbf\xbd"
             "b\xef\xbf\xbd[31m\xef\xbf\xbd\n\xc2\xb5");
    f = begin();
    html_str(f, NULL);
    wrote(f, "");
}
END_TEST

START_TEST(thousands_stand_apart)
{
    static const struct {
        double v;
        int digits;
        const char *want;
    } rows[] = {{0, 0, "0"},
                {999, 0, "999"},
                {1000, 0, "1,000"},
                {-1234, 0, "-1,234"},
                {1234567.891, 2, "1,234,567.89"},
                {0.5, 3, "0.500"},
                {NAN, 1, "-"},
                {INFINITY, 1, "-"},
                {1e300, 0, "-"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        FILE *f = begin();
        html_number(f, rows[i].v, rows[i].digits);
        wrote(f, rows[i].want);
    }
}
END_TEST

START_TEST(times_have_a_unit_that_suits_them)
{
    static const struct {
        double us;
        const char *want;
    } rows[] = {
        {0, "0.00 \xc2\xb5s"}, {5, "5.00 \xc2\xb5s"}, {870.4, "870 \xc2\xb5s"}, {1250, "1.25 ms"},
        {25000, "25.0 ms"},    {1500000, "1.50 s"},   {600000000, "600 s"},     {NAN, "-"}};
    char out[HTML_TIME_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_str_eq(html_time(rows[i].us, out), rows[i].want);
}
END_TEST

START_TEST(a_page_that_cannot_be_written_is_an_error)
{
    struct err e;
    ck_assert_ptr_null(html_open(unit_path(unit_path(unit_dir(), "missing"), "page"), "x", &e));
    ck_assert_int_eq(e.code, -ENOENT);
    FILE *f = html_open("/dev/full", "x", &e);
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(html_close(f, "/dev/full", &e), -ENOSPC);
    ck_assert_ptr_nonnull(strstr(e.text, "/dev/full"));
}
END_TEST

UNIT_MAIN(nothing_in_a_text_is_markup, thousands_stand_apart, times_have_a_unit_that_suits_them,
          a_page_that_cannot_be_written_is_an_error)
