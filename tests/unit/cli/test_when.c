#include "tests/unit/unit.h"

#include "base/err.h"
#include "cli/when.h"

START_TEST(times_are_understood)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"0", 0},
        {"1769860800123", 1769860800123},
        {"1970-01-01T00:00:00Z", 0},
        {"2026-01-31T12:00:00Z", 1769860800000},
        {"2026-01-31T12:00:00.1z", 1769860800100},
        {"2026-01-31T12:00:00.123456Z", 1769860800123},
        {"2026-01-31T14:00:00+02:00", 1769860800000},
        {"2026-01-31T08:30:00-03:30", 1769860800000},
        {"2024-02-29T00:00:00Z", 1709164800000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = -1;
        ck_assert_msg(!when_parse(cases[i].text, &ms), "%s", cases[i].text);
        ck_assert_int_eq(ms, cases[i].ms);
    }
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
    static const char *const wrong[] = {
        "",
        "-1",
        "now",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00:00Zx",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:00+2",
        "2026-1-31T12:00:00Z",
        "-999-01-31T12:00:00Z",
        "2026-01-31T12:00: 1Z",
        "2026-01-31T12:00:00+ 2:00",
        "99999999999999999999",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t ms;
        ck_assert_msg(when_parse(wrong[i], &ms) == ERR_INVALID, "%s", wrong[i]);
    }
}
END_TEST

UNIT_MAIN(times_are_understood, what_is_no_time_is_refused)
