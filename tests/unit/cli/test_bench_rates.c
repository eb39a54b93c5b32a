#include <string.h>

#include "cli/bench_rates.h"
#include "tests/unit/unit.h"

/* The text means these rates; the last is 0. */
static void means(const char *text, const int64_t *want)
{
    struct rates r;
    struct err e;
    ck_assert_msg(rates_parse(text, &r, &e) == 0, "%s", text);
    int64_t rate = 0;
    do {
        rate = rates_next(&r, rate);
        ck_assert_int_eq(rate, *want);
    } while (*want++);
}

START_TEST(rates_go_up_by_a_sum_or_a_factor_as_far_as_the_end)
{
    means("1000:3000:1000", (int64_t[]){1000, 2000, 3000, 0});
    means("1000:2999:1000", (int64_t[]){1000, 2000, 0});
    means("7:7:1", (int64_t[]){7, 0});
    means("100:900:x2", (int64_t[]){100, 200, 400, 800, 0});
    means("100:400:x1.5", (int64_t[]){100, 150, 225, 338, 0});
    means("1:5:x1.1", (int64_t[]){1, 2, 3, 4, 5, 0}); /* no rate twice */
    means("999999999:1000000000:1000000000", (int64_t[]){999999999, 0});
}
END_TEST

START_TEST(a_ramp_may_say_how_long_each_step_lasts)
{
    struct rates r;
    struct err e;
    ck_assert_int_eq(rates_parse("1:2:1", &r, &e), 0);
    ck_assert_int_eq(r.each_ms, 0);
    ck_assert_int_eq(rates_parse("1:2:1/5", &r, &e), 0);
    ck_assert_int_eq(r.each_ms, 5000);
    ck_assert_int_eq(rates_parse("1:2:x2/250ms", &r, &e), 0);
    ck_assert_int_eq(r.each_ms, 250);
}
END_TEST

START_TEST(what_is_no_ramp_is_refused_with_the_part_that_is_wrong)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "'' is not FROM:TO:STEP"},
        {"1000", "'1000' is not FROM:TO:STEP"},
        {"1:2", "'1:2' is not FROM:TO:STEP"},
        {"0:10:1", "'0' is not a rate"},
        {"-5:10:1", "'-5' is not a rate"},
        {"1:1000000001:1", "'1000000001' is not a rate"},
        {"1:9223372036854775808:1", "'9223372036854775808' is not a rate"},
        {"1:10:0", "'0' is not a rate"},
        {"1:10:", "'' is not a rate"},
        {"1:10:2:3", "'2:3' is not a rate"},
        {"1:10:x1", "'x1' is not a factor"},
        {"1:10:x", "'x' is not a factor"},
        {"1:10:xnan", "'xnan' is not a factor"},
        {"1:10:x-2", "'x-2' is not a factor"},
        {"1:10:x2y", "'x2y' is not a factor"},
        {"1:10:x1e9", "'x1e9' is not a factor"},
        {"10:1:1", "it begins at 10 and ends at 1"},
        {"1:10:1/", "'' is not a time"},
        {"1:10:1/never", "'never' is not a time"},
        {"1:10:1/0", "'0' is not a time"},
        {"1:1002:1", "these are more than 1000 steps"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct rates r;
        struct err e;
        ck_assert_int_eq(rates_parse(bad[i].text, &r, &e), ERR_INVALID);
        ck_assert_msg(!strncmp(e.text, bad[i].why, strlen(bad[i].why)), "%s: %s", bad[i].text,
                      e.text);
    }
}
END_TEST

UNIT_MAIN(rates_go_up_by_a_sum_or_a_factor_as_far_as_the_end,
          a_ramp_may_say_how_long_each_step_lasts,
          what_is_no_ramp_is_refused_with_the_part_that_is_wrong)
