#include "cli/bench_search.h"
#include "tests/unit/unit.h"

enum { TRIED_MAX = 200 };

/* A broker that holds up to a rate, and what was tried on it. */
struct broker {
    int64_t limit;
    int64_t tried[TRIED_MAX];
    int n, confirms;
    int fail_confirms; /* so many tries to confirm fail, whatever the rate */
};

static bool try_it(struct broker *b, const struct search *s)
{
    ck_assert_int_lt(b->n, TRIED_MAX);
    b->tried[b->n++] = s->next;
    if (s->phase == SEARCH_CONFIRM && b->confirms++ < b->fail_confirms)
        return false;
    return s->next <= b->limit;
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

static int held_at(const struct broker *b, int64_t rate)
{
    int times = 0;
    for (int i = 0; i < b->n; i++)
        times += b->tried[i] == rate;
    return times;
}

START_TEST(it_doubles_then_halves_the_gap_and_confirms)
{
    static const int64_t want[] = {100, 200, 400, 800, 1600, 1200, 1000, 1100, 1050, 1050};
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
            ck_assert(s.refused - s.held <= 1 ||
                      (double)(s.refused - s.held) <= resolutions[i] * (double)s.held);
            ck_assert_int_eq(held_at(&b, s.held), 2);
            ck_assert_int_lt(b.n, 40);
        }
}
END_TEST

START_TEST(nothing_is_the_answer_if_the_lowest_rate_is_refused)
{
    struct broker b = {.limit = 99};
    struct search s = search(&b, 100, 1000, 0.05);
    ck_assert_int_eq(b.n, 1);
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
    ck_assert_int_eq(held_at(&b, 1000), 2);
    b = (struct broker){.limit = 5000};
    s = search(&b, 1000, 1000, 0.05);
    ck_assert_int_eq(s.held, 1000);
    ck_assert_int_eq(b.n, 2);
}
END_TEST

START_TEST(what_is_not_confirmed_is_not_the_answer)
{
    struct broker b = {.limit = 1000, .fail_confirms = 1};
    struct search s = search(&b, 100, 1000000, 0.05);
    int64_t found = s.refused; /* what held first, once */
    ck_assert_int_gt(found, 900);
    ck_assert_int_lt(s.held, found);
    ck_assert_int_gt(s.held, found * 9 / 10);
    ck_assert_int_eq(held_at(&b, s.held), 2);

    b = (struct broker){.limit = 1000, .fail_confirms = 3};
    s = search(&b, 100, 1000000, 0.05);
    ck_assert_int_lt(s.held, found * 8 / 10); /* further and further back */
    ck_assert_int_eq(held_at(&b, s.held), 2);

    b = (struct broker){.limit = 1000, .fail_confirms = TRIED_MAX};
    s = search(&b, 100, 1000000, 0.05);
    ck_assert_int_eq(s.held, 0);
    ck_assert_int_eq(s.refused, 100);
    ck_assert_int_lt(b.n, 30);
}
END_TEST

UNIT_MAIN(it_doubles_then_halves_the_gap_and_confirms,
          the_answer_holds_and_is_as_close_as_was_asked_for,
          nothing_is_the_answer_if_the_lowest_rate_is_refused, the_highest_rate_may_be_the_answer,
          what_is_not_confirmed_is_not_the_answer)
