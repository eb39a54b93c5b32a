#include "broker/pace.h"
#include "tests/unit/unit.h"

static const int64_t ms = 1000000;

static struct commits commits;
static struct pace pace;

static void begin(void)
{
    commits = (struct commits){0};
    pace_init(&pace, &commits);
}

static void commit(void)
{
    commits_begin(&commits);
    commits_end(&commits);
}

START_TEST(an_idle_log_holds_nobody_back)
{
    struct pace_piece piece[5];
    commit();
    pace_init(&pace, &commits); /* what was before does not count */
    for (int i = 0; i < 5; i++) {
        ck_assert(!pace_log_in_use(&pace, i * ms));
        ck_assert_int_le(pace_next(&pace, i * ms), i * ms);
        pace_begin(&pace, &piece[i], i * ms);
    }
    for (int i = 0; i < 5; i++)
        pace_end(&pace, &piece[i], 10 * ms);
    ck_assert_int_le(pace_next(&pace, 10 * ms), 10 * ms);
}
END_TEST

START_TEST(one_piece_at_a_time_beside_commits)
{
    struct pace_piece one;
    begin();
    commits_begin(&commits);
    ck_assert(pace_log_in_use(&pace, 0));
    ck_assert_int_le(pace_next(&pace, 0), 0);
    pace_begin(&pace, &one, 0);
    ck_assert_int_eq(pace_next(&pace, 0), INT64_MAX);
    commits_end(&commits);
    ck_assert_int_eq(pace_next(&pace, ms), INT64_MAX);
    pace_end(&pace, &one, ms);
    ck_assert_int_lt(pace_next(&pace, ms), INT64_MAX);
}
END_TEST

/* Read a piece from 10 to 12 ms; when may the next one begin? */
static int64_t after_a_piece(void (*meanwhile)(void))
{
    struct pace_piece piece;
    ck_assert_int_le(pace_next(&pace, 10 * ms), 10 * ms);
    pace_begin(&pace, &piece, 10 * ms);
    if (meanwhile)
        meanwhile();
    pace_end(&pace, &piece, 12 * ms);
    return pace_next(&pace, 12 * ms);
}

static void begin_commit(void)
{
    commits_begin(&commits);
}

static void end_commit(void)
{
    commits_end(&commits);
}

START_TEST(a_piece_that_met_a_commit_is_followed_by_a_rest)
{
    const int64_t rested = 12 * ms + PACE_REST * 2 * ms;
    begin();
    ck_assert_int_eq(after_a_piece(begin_commit), rested);
    begin();
    ck_assert_int_eq(after_a_piece(commit), rested);
    begin();
    begin_commit();
    ck_assert_int_eq(after_a_piece(NULL), rested); /* it lasted all the while */
    begin();
    begin_commit();
    ck_assert_int_eq(after_a_piece(end_commit), rested);
}
END_TEST

START_TEST(a_piece_between_commits_is_not)
{
    begin();
    commit();
    ck_assert(pace_log_in_use(&pace, 9 * ms));
    ck_assert_int_le(after_a_piece(NULL), 12 * ms);
}
END_TEST

START_TEST(a_rest_has_an_end)
{
    struct pace_piece piece;
    begin();
    begin_commit();
    pace_begin(&pace, &piece, 0);
    pace_end(&pace, &piece, 3600 * 1000 * ms);
    ck_assert_int_eq(pace_next(&pace, 3600 * 1000 * ms), (3600 * 1000 + PACE_REST_MS) * ms);
}
END_TEST

START_TEST(the_log_is_idle_some_time_after_the_last_commit)
{
    begin();
    commit();
    ck_assert(pace_log_in_use(&pace, 0));
    ck_assert(pace_log_in_use(&pace, (PACE_IN_USE_MS - 1) * ms));
    ck_assert(!pace_log_in_use(&pace, PACE_IN_USE_MS * ms));
    begin_commit(); /* one that lasts */
    ck_assert(pace_log_in_use(&pace, 9 * PACE_IN_USE_MS * ms));
    ck_assert(pace_log_in_use(&pace, 99 * PACE_IN_USE_MS * ms));
}
END_TEST

START_TEST(a_log_on_a_disk_of_its_own_is_not_waited_for)
{
    pace_init(&pace, NULL);
    ck_assert(!pace_log_in_use(&pace, 0));
    ck_assert_int_le(after_a_piece(NULL), 12 * ms);
}
END_TEST

UNIT_MAIN(an_idle_log_holds_nobody_back, one_piece_at_a_time_beside_commits,
          a_piece_that_met_a_commit_is_followed_by_a_rest, a_piece_between_commits_is_not,
          a_rest_has_an_end, the_log_is_idle_some_time_after_the_last_commit,
          a_log_on_a_disk_of_its_own_is_not_waited_for)
