#include "base/clock.h"

#include "tests/unit/unit.h"

START_TEST(clocks)
{
    struct clock_manual now;
    struct clock *c = clock_system();
    int64_t a = c->mono_ns(c), b = c->mono_ns(c);
    ck_assert_int_le(a, b);
    ck_assert_int_gt(c->wall_ms(c), INT64_C(1700000000000));
    clock_manual_init(&now, 5000000, 7);
    clock_manual_advance(&now, 2);
    ck_assert_int_eq(clock_mono_ms(&now.clock), 7);
    ck_assert_int_eq(now.clock.wall_ms(&now.clock), 9);
}
END_TEST

START_TEST(a_clock_that_is_set_is_noticed_once)
{
    struct clock_manual now;
    struct clock_watch w = {0};
    clock_manual_init(&now, 5000000, INT64_C(1800000000000));
    ck_assert_int_eq(clock_watch(&w, &now.clock), 0);
    clock_manual_advance(&now, 3600000);
    ck_assert_int_eq(clock_watch(&w, &now.clock), 0);
    now.wall += 999; /* slewed */
    ck_assert_int_eq(clock_watch(&w, &now.clock), 0);
    now.wall -= INT64_C(10) * 365 * 86400000;
    ck_assert_int_eq(clock_watch(&w, &now.clock), INT64_C(-10) * 365 * 86400000);
    ck_assert_int_eq(clock_watch(&w, &now.clock), 0);
    now.wall += 1000;
    ck_assert_int_eq(clock_watch(&w, &now.clock), 1000);
}
END_TEST

START_TEST(a_time_as_text)
{
    static const struct {
        int64_t ms;
        const char *text;
    } times[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000, "1969-12-31T23:59:59.000Z"},
        {INT64_C(1795406706789), "2026-11-23T04:05:06.789Z"},
        {INT64_C(1709164800000), "2024-02-29T00:00:00.000Z"},
        {INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
        {INT64_C(-30610224000000), "1000-01-01T00:00:00.000Z"},
    };
    static const int64_t none[] = {INT64_C(253402300800000), INT64_C(-30610224000001), INT64_MAX,
                                   INT64_MIN};
    char text[CLOCK_TEXT];
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        ck_assert(clock_text(times[i].ms, text));
        ck_assert_str_eq(text, times[i].text);
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        ck_assert(!clock_text(none[i], text));
        ck_assert_str_eq(text, "");
    }
}
END_TEST

UNIT_MAIN(clocks, a_clock_that_is_set_is_noticed_once, a_time_as_text)
