/* When a loop keeps a stage to write it by itself, and in which order stages go. */
#include "broker/container.h"
#include "broker/lone.h"
#include "broker/shard_thread.h"
#include "broker/stage.h"
#include "broker/worker.h"
#include "loop/loop_virtual.h"
#include "tests/unit/unit.h"

enum { ROW = 16, SMALL = 100, LARGE = 1 << 20, STAGES = 4 };

static struct worker w;
static struct shard_produce small = {.n = SMALL}, large = {.n = LARGE};
static struct shard_produce *of_small = &small, *of_large = &large;
static struct stage stages[STAGES];
static char
    gone[2 * STAGES + 1]; /* which stages left, and how: "0t" by the shard's thread, "0h" here */
static bool shard_is_free;
static const int asks, another; /* connections are only compared */

static const struct conn *client(const int *which)
{
    return (const struct conn *)(const void *)which;
}

static void note(struct loop_msg *m, const char *how)
{
    struct stage *s = container_of(m, struct stage, msg);
    char text[] = {(char)('0' + (s - stages)), *how, 0};
    strcat(gone, text);
}

/* What lone.c calls of the shard's thread. */
void shard_thread_post(struct shard_thread *t, struct loop_msg *m)
{
    (void)t;
    note(m, "t");
}

bool shard_thread_run_here(struct shard_thread *t, struct loop_msg *m, struct worker *here)
{
    (void)t;
    ck_assert_ptr_eq(here, &w);
    if (shard_is_free)
        note(m, "h");
    return shard_is_free;
}

static void begin(void)
{
    w = (struct worker){.loop = loop_new(), .n_requests = 1};
    ck_assert_ptr_nonnull(w.loop);
    for (int i = 0; i < STAGES; i++)
        stages[i] = (struct stage){.home = &w, .n = 1, .parts = &of_small};
    *gone = 0;
    shard_is_free = true;
    for (int i = 0; i < ROW - 1; i++)
        lone_note(&w, client(&asks));
}

static void end(void)
{
    loop_free(w.loop);
}

/* As stage_send does. */
static bool send_stage(int i)
{
    w.lone.away++;
    bool kept = lone_keep(&w, &stages[i]);
    if (!kept)
        shard_thread_post(NULL, &stages[i].msg);
    return kept;
}

static void finish(const char *expected)
{
    ck_assert_int_ge(loop_virtual_step(w.loop), 0);
    ck_assert_str_eq(gone, expected);
    end();
}

START_TEST(the_sixteenth_request_in_a_row_is_a_lone_one)
{
    begin();
    ck_assert(!send_stage(0));
    w.lone.away = 0;
    lone_note(&w, client(&asks));
    ck_assert(send_stage(1));
    finish("0t1h");
}
END_TEST

START_TEST(another_client_begins_the_row_anew)
{
    begin();
    lone_note(&w, client(&another));
    lone_note(&w, client(&asks));
    ck_assert(!send_stage(0));
    finish("0t");
}
END_TEST

START_TEST(the_shards_thread_writes_when_it_has_a_turn)
{
    begin();
    lone_note(&w, client(&asks));
    shard_is_free = false;
    ck_assert(send_stage(0));
    finish("0t");
}
END_TEST

/* Its end may wait in the mailbox: the one that is written here would overtake it. */
START_TEST(nothing_is_kept_while_another_stage_is_away)
{
    begin();
    lone_note(&w, client(&asks));
    w.lone.away = 1;
    ck_assert(!send_stage(0));
    finish("0t");
}
END_TEST

START_TEST(nothing_is_kept_beside_another_request)
{
    begin();
    lone_note(&w, client(&asks));
    w.n_requests = 2;
    ck_assert(!send_stage(0));
    finish("0t");
}
END_TEST

START_TEST(what_is_large_is_not_kept)
{
    begin();
    lone_note(&w, client(&asks));
    stages[0].parts = &of_large;
    ck_assert(!send_stage(0));
    finish("0t");
}
END_TEST

START_TEST(a_request_that_follows_sends_what_was_kept_ahead_of_its_own)
{
    begin();
    lone_note(&w, client(&asks));
    ck_assert(send_stage(0));
    lone_note(&w, client(&asks));
    ck_assert_str_eq(gone, "0t");
    ck_assert(!send_stage(1)); /* the first one is still away */
    finish("0t1t");
}
END_TEST

START_TEST(of_two_stages_of_a_request_neither_is_kept)
{
    begin();
    lone_note(&w, client(&asks));
    ck_assert(send_stage(0));
    ck_assert(!send_stage(1));
    finish("0t1t");
}
END_TEST

UNIT_MAIN(the_sixteenth_request_in_a_row_is_a_lone_one, another_client_begins_the_row_anew,
          the_shards_thread_writes_when_it_has_a_turn, nothing_is_kept_while_another_stage_is_away,
          nothing_is_kept_beside_another_request, what_is_large_is_not_kept,
          a_request_that_follows_sends_what_was_kept_ahead_of_its_own,
          of_two_stages_of_a_request_neither_is_kept)
