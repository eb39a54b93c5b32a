#include "cli/bench_search.h"
#include "tests/unit/unit.h"

enum { TRIED_MAX = 200 };

/* A broker that holds up to a rate, and what was tried on it. */
struct broker {
    int64_t limit;
    int64_t tried[TRIED_MAX];
    bool held[TRIED_MAX];
    int n;
    int fail_confirms; /* so many tries behind the first that is to confirm fail */
    int fail_from;     /* from this try on, counted from 1, so many fail, whatever the rate */
    int fail_times;
    uint64_t *chance; /* one in 20 tries fails; NULL: none does */
};

/* splitmix64 */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool holds(struct broker *b, const struct search *s)
{
    if (s->phase >= SEARCH_CONFIRM && b->fail_confirms) {
        b->fail_confirms--;
        return false;
    }
    if (b->fail_from && b->n >= b->fail_from && b->n < b->fail_from + b->fail_times)
        return false;
    if (b->chance && draw(b->chance) % 20 == 0)
        return false;
    return s->next <= b->limit;
}

static bool try_it(struct broker *b, const struct search *s)
{
    ck_assert_int_lt(b->n, TRIED_MAX);
    b->tried[b->n++] = s->next;
    return b->held[b->n - 1] = holds(b, s);
}

static struct search search(struct broker *b, int64_t lowest, int64_t highest, double resolution)
{
    struct search s;
    search_init(&s, lowest, highest, resolution);
    while (s.phase != SEARCH_DONE) {
        ck_assert_int_ge(s.next, lowest);
        ck_assert_int_le(s.next, highest);
        search_learn(&s, try_it(b, &s));
    }
    return s;
}

static int times(const struct broker *b, int64_t rate, bool held)
{
    int n = 0;
    for (int i = 0; i < b->n; i++)
        n += b->tried[i] == rate && b->held[i] == held;
    return n;
}

/* What every answer is: it held twice, what is right above it failed three times. */
static bool is_close(const struct search *s, double resolution)
{
    return s->refused - s->held <= 1 ||
           (double)(s->refused - s->held) <= resolution * (double)s->held;
}

static void answers(const struct broker *b, const struct search *s, double resolution)
{
    ck_assert(is_close(s, resolution));
    ck_assert_int_ge(times(b, s->held, true), 2);
    ck_assert_int_ge(times(b, s->refused, false), 3);
}

START_TEST(it_doubles_then_halves_the_gap_confirms_and_doubts)
{
    static const int64_t want[] = {100,  200,  400,  800,  1600, 1600, 1200,
                                   1200, 1000, 1100, 1100, 1050, 1050, 1100};
    struct broker b = {.limit = 1099};
    struct search s = search(&b, 100, 1000000, 0.05);
    ck_assert_int_eq(b.n, sizeof want / sizeof *want);
    for (int i = 0; i < b.n; i++)
        ck_assert_int_eq(b.tried[i], want[i]);
    ck_assert_int_eq(s.held, 1050);
    ck_assert_int_eq(s.refused, 1100);
}
END_TEST

START_TEST(the_answer_holds_and_is_as_close_as_was_asked_for)
{
    static const double resolutions[] = {0.01, 0.05, 0.2, 0.5};
    for (int64_t limit = 10; limit < 3000000; limit = limit * 5 / 4 + 1)
        for (int i = 0; i < 4; i++) {
            struct broker b = {.limit = limit};
            struct search s = search(&b, 10, 10000000, resolutions[i]);
            ck_assert_int_le(s.held, limit);
            ck_assert_int_gt(s.refused, limit);
            answers(&b, &s, resolutions[i]);
            ck_assert_int_lt(b.n, 50);
        }
}
END_TEST

START_TEST(nothing_is_the_answer_if_the_lowest_rate_is_refused)
{
    struct broker b = {.limit = 99};
    struct search s = search(&b, 100, 1000, 0.05);
    ck_assert_int_eq(b.n, 3);
    ck_assert_int_eq(s.held, 0);
    ck_assert_int_eq(s.refused, 100);
}
END_TEST

START_TEST(the_highest_rate_may_be_the_answer)
{
    struct broker b = {.limit = 5000};
    struct search s = search(&b, 100, 1000, 0.05);
    ck_assert_int_eq(s.held, 1000);
    ck_assert_int_eq(s.refused, 0);
    ck_assert_int_eq(times(&b, 1000, true), 2);
    b = (struct broker){.limit = 5000};
    s = search(&b, 1000, 1000, 0.05);
    ck_assert_int_eq(s.held, 1000);
    ck_assert_int_eq(b.n, 2);
}
END_TEST

/* Whatever the search is at, the lowest rate included. */
START_TEST(one_standstill_changes_nothing)
{
    struct broker quiet = {.limit = 100000};
    struct search want = search(&quiet, 1000, 10000000, 0.05);
    for (int n = 1; n <= 2; n++)
        for (int i = 1; i <= quiet.n; i++) {
            struct broker b = {.limit = 100000, .fail_from = i, .fail_times = n};
            struct search s = search(&b, 1000, 10000000, 0.05);
            answers(&b, &s, 0.05);
            ck_assert_int_le(s.held, 100000);
            ck_assert_int_gt(s.refused, 100000);
            if (n == 1)
                ck_assert_int_eq(s.held, want.held);
        }
}
END_TEST

START_TEST(what_is_not_confirmed_is_not_the_answer)
{
    struct broker b = {.limit = 1000, .fail_confirms = 2};
    struct search s = search(&b, 100, 1000000, 0.05);
    answers(&b, &s, 0.05);
    ck_assert_int_eq(s.held, 1000); /* that it failed was doubted */

    for (int times = 3; times < 12; times++) { /* further and further back, and up again */
        b = (struct broker){.limit = 1000, .fail_confirms = times};
        s = search(&b, 100, 1000000, 0.05);
        answers(&b, &s, 0.05);
    }

    b = (struct broker){.limit = 1000, .fail_confirms = TRIED_MAX};
    s = search(&b, 100, 1000000, 0.05);
    ck_assert_int_eq(s.held, 0);
    ck_assert_int_eq(s.refused, 100);
    ck_assert_int_lt(b.n, 40);
}
END_TEST

/* Every twentieth try fails whatever the rate, and yet the limit is found, nearly always. */
START_TEST(noise_seldom_leads_it_astray)
{
    enum { SEEDS = 1000, ASTRAY_MAX = 15 };
    int astray = 0, tries = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t chance = seed;
        struct broker b = {.limit = 1000 + (int64_t)(draw(&chance) % 1000000), .chance = &chance};
        struct search s = search(&b, 1000, 1000000000, 0.05);
        ck_assert_int_le(s.held, b.limit);
        if (s.held)
            ck_assert(is_close(&s, 0.05));
        astray += s.refused <= b.limit;
        tries += b.n;
    }
    ck_assert_msg(astray <= ASTRAY_MAX, "%d of %d", astray, SEEDS);
    ck_assert_int_lt(tries, 32 * SEEDS);
}
END_TEST

UNIT_MAIN(it_doubles_then_halves_the_gap_confirms_and_doubts,
          the_answer_holds_and_is_as_close_as_was_asked_for,
          nothing_is_the_answer_if_the_lowest_rate_is_refused, the_highest_rate_may_be_the_answer,
          one_standstill_changes_nothing, what_is_not_confirmed_is_not_the_answer,
          noise_seldom_leads_it_astray)
