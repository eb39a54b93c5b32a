/* Readers on a disk that only counts. */
#include <sched.h>
#include <stdatomic.h>

#include "broker/container.h"
#include "broker/reader.h"
#include "tests/unit/unit.h"

enum { READINGS = 40, PIECES = 5, THREADS = 4 };

struct old {
    struct reading reading;
    int number, pieces;
    atomic_bool done;
};

static struct reader reader;
static struct commits commits;
static struct old old[READINGS];
static atomic_int reading, most, sparing_pieces, n_order, open_gate;
static int order[READINGS * (PIECES + 1)];

static bool piece(struct reading *r, uint8_t *buf, bool sparing)
{
    struct old *o = container_of(r, struct old, reading);
    buf[READER_PIECE - 1] = 1;
    int now = atomic_fetch_add(&reading, 1) + 1, was = atomic_load(&most);
    while (now > was && !atomic_compare_exchange_weak(&most, &was, now))
        ;
    while (!atomic_load(&open_gate))
        sched_yield();
    order[atomic_fetch_add(&n_order, 1)] = o->number;
    atomic_fetch_add(&sparing_pieces, sparing);
    atomic_fetch_sub(&reading, 1);
    return o->pieces-- > 0;
}

static void done(struct reading *r)
{
    struct old *o = container_of(r, struct old, reading);
    ck_assert_int_eq(o->pieces, -1);
    atomic_store(&o->done, true);
}

static void post_all(int n)
{
    for (int i = 0; i < n; i++) {
        old[i] =
            (struct old){.reading = {.piece = piece, .done = done}, .number = i, .pieces = PIECES};
        reader_post(&reader, &old[i].reading);
    }
}

static void await(atomic_int *what, int n)
{
    while (atomic_load(what) < n)
        sched_yield();
}

static void check_all_done(int n)
{
    ck_assert_int_eq(n_order, n * (PIECES + 1));
    for (int i = 0; i < n; i++)
        ck_assert(old[i].done);
}

START_TEST(an_idle_log_lets_all_read_at_once)
{
    ck_assert_ok(reader_start(&reader, clock_system(), &commits, THREADS));
    post_all(READINGS);
    await(&reading, THREADS);
    open_gate = 1;
    reader_stop(&reader);
    check_all_done(READINGS);
    ck_assert_int_eq(sparing_pieces, 0);
}
END_TEST

/* A commit lasts all the while: pieces follow one another, each after its rest. */
START_TEST(one_piece_is_read_at_a_time_beside_a_commit)
{
    ck_assert_ok(reader_start(&reader, clock_system(), &commits, THREADS));
    commits_begin(&commits);
    open_gate = 1;
    post_all(READINGS);
    await(&n_order, READINGS * (PIECES + 1));
    ck_assert_int_eq(most, 1);
    ck_assert_int_eq(sparing_pieces, READINGS * (PIECES + 1));
    reader_stop(&reader);
    check_all_done(READINGS);
}
END_TEST

START_TEST(readings_take_turns)
{
    ck_assert_ok(reader_start(&reader, clock_system(), &commits, 1));
    post_all(3);
    open_gate = 1; /* until then the first has waited for it, and the others behind it */
    reader_stop(&reader);
    check_all_done(3);
    for (int i = 0; i < 3 * (PIECES + 1); i++)
        ck_assert_int_eq(order[i], i % 3);
}
END_TEST

static struct clock_manual far_off;

static bool long_piece(struct reading *r, uint8_t *buf, bool sparing)
{
    clock_manual_advance(&far_off, 1000);
    return piece(r, buf, sparing);
}

/* By the system's clock this one's rests take for ever. */
START_TEST(a_stop_ends_rests_and_finishes_what_is_queued)
{
    clock_manual_init(&far_off, INT64_MAX / 2, 0);
    ck_assert_ok(reader_start(&reader, &far_off.clock, &commits, 1));
    commits_begin(&commits);
    open_gate = 1;
    old[0] = (struct old){.reading = {.piece = long_piece, .done = done}, .pieces = PIECES};
    reader_post(&reader, &old[0].reading);
    await(&n_order, 1);
    reader_stop(&reader);
    check_all_done(1);
}
END_TEST

START_TEST(readers_that_never_started_can_be_stopped)
{
    reader_stop(&reader);
}
END_TEST

UNIT_MAIN(an_idle_log_lets_all_read_at_once, one_piece_is_read_at_a_time_beside_a_commit,
          readings_take_turns, a_stop_ends_rests_and_finishes_what_is_queued,
          readers_that_never_started_can_be_stopped)
