#include "cli/bench_chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static char *drawn;

/* A chart of one line, as text. */
static const char *draw(enum chart_scale xs, enum chart_scale ys, const struct chart_point *v,
                        size_t n)
{
    const struct chart_line line = {"<line>", NULL, 1, false, false, v, n};
    const struct chart c = {"a & b",
                            {"across", xs, xs == CHART_TAIL ? CHART_PERCENT : CHART_SECONDS},
                            {"up", ys, ys == CHART_LOG ? CHART_TIME : CHART_COUNT},
                            &line,
                            1};
    size_t size;
    free(drawn);
    FILE *f = open_memstream(&drawn, &size);
    chart_write(&c, f);
    fclose(f);
    return drawn;
}

static size_t times(const char *text, const char *what)
{
    size_t n = 0;
    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

START_TEST(axes_tell_round_values_with_units)
{
    static const struct chart_point v[] = {{0, 0}, {10, 43000}};
    static const struct chart_point curve[] = {{0, 130}, {50, 500}, {99.99, 30000}, {100, 90000}};
    const char *text = draw(CHART_LINEAR, CHART_LINEAR, v, 2);
    ck_assert(strstr(text, ">0 s<") && strstr(text, ">10 s<"));
    ck_assert(strstr(text, ">0<") && strstr(text, ">50 k<"));
    text = draw(CHART_TAIL, CHART_LOG, curve, 4);
    ck_assert(strstr(text, ">50 %<") && strstr(text, ">99.99 %<") && !strstr(text, ">99.999 %<"));
    ck_assert(strstr(text, ">200 \xc2\xb5s<") && strstr(text, ">1 ms<"));
}
END_TEST

START_TEST(the_maximum_is_the_end_of_the_tail)
{
    static const struct chart_point curve[] = {{0, 1}, {99, 10}, {100, 100}};
    const char *line = strstr(draw(CHART_TAIL, CHART_LOG, curve, 3), "class=\"l ");
    ck_assert_ptr_nonnull(strstr(line, "L836.0 "));
}
END_TEST

START_TEST(what_is_not_there_is_a_gap)
{
    static const struct chart_point v[] = {{0, 5}, {1, 6}, {2, NAN}, {3, 7}, {4, 8}};
    const char *line = strstr(draw(CHART_LINEAR, CHART_LINEAR, v, 5), "<path class=\"l ");
    size_t n = strcspn(line, ">");
    char path[400];
    snprintf(path, sizeof path, "%.*s", (int)n, line);
    ck_assert_uint_eq(times(path, "M"), 2);
    ck_assert_uint_eq(times(path, "L"), 2);
}
END_TEST

START_TEST(texts_are_not_markup)
{
    static const struct chart_point v[] = {{0, 5}, {1, 6}};
    const char *text = draw(CHART_LINEAR, CHART_LINEAR, v, 2);
    ck_assert_ptr_null(strstr(text, "<line>"));
    ck_assert_ptr_nonnull(strstr(text, "a &amp; b"));
}
END_TEST

START_TEST(no_points_are_told_in_words)
{
    static const struct chart_point v[] = {{NAN, 5}, {1, NAN}, {2, -1}};
    ck_assert_ptr_null(strstr(draw(CHART_LINEAR, CHART_LINEAR, v, 0), "<svg"));
    ck_assert_ptr_nonnull(strstr(drawn, "nothing to show"));
    ck_assert_ptr_null(strstr(draw(CHART_LINEAR, CHART_LOG, v, 3), "<svg"));
}
END_TEST

START_TEST(odd_values_are_drawn_all_the_same)
{
    static const double odd[] = {0,  1e-320, 1e-9, 1,        100, 1e300,
                                 -5, -1e300, NAN,  INFINITY, 50,  99.999999999999};
    enum { N = sizeof odd / sizeof *odd };
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            const struct chart_point v[] = {{odd[i], odd[k]}, {odd[k], odd[i]}};
            for (int s = 0; s < 6; s++) {
                const char *text = draw(s % 3, s / 3, v, 2);
                ck_assert_ptr_null(strstr(text, "nan"));
                ck_assert_ptr_null(strstr(text, "inf"));
            }
        }
}
END_TEST

UNIT_MAIN(axes_tell_round_values_with_units, the_maximum_is_the_end_of_the_tail,
          what_is_not_there_is_a_gap, texts_are_not_markup, no_points_are_told_in_words,
          odd_values_are_drawn_all_the_same)
