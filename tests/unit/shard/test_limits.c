/* One node at its limits: more than an entry or the log takes, and a stop that finds no room. */
#include "shard/shard_impl.h"
#include "tests/unit/memory.h"
#include "tests/unit/shard/power.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct rig rig;
static struct err err;

/* Segments have salts: without entropy there is none. */
static bool no_entropy;

ssize_t getrandom(void *buf, size_t n, unsigned flags)
{
    errno = EAGAIN;
    return no_entropy ? -1 : syscall(SYS_getrandom, buf, n, flags);
}

static struct rig_topic *begin(int32_t partitions)
{
    rig_init(&rig, NULL);
    rig.wal_max_bytes = 4 * RIG_SEGMENT;
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
    ck_assert_ok(rig_create_topic(&rig, "t", partitions));
    return rig_topic(&rig, "t");
}

static void end(size_t least)
{
    power_cut(&rig, least);
    rig_release(&rig);
}

static struct rig_batch *produce(const struct rig_topic *t, int32_t partition, size_t size)
{
    struct rig_batch *b = rig_produce(&rig, t, partition, 4, size, -1, 0, 0);
    rig_flush(&rig);
    return b;
}

/* ---- stop */

static size_t unanswered(void)
{
    size_t n = 0;
    for (size_t i = 0; i < rig.n_batches; i++)
        n += !rig.batches[i]->done;
    return n;
}

/* Until batches wait for room in the log. */
static void fill_up(const struct rig_topic *t, int32_t partition)
{
    for (int i = 0; i < 100 && unanswered() < 20; i++) {
        produce(t, partition, 4000);
        rig_run(&rig);
    }
    ck_assert_uint_ge(unanswered(), 20);
}

START_TEST(a_stop_with_a_full_log_makes_room_first)
{
    struct rig_topic *t = begin(1);
    rig.hold_jobs = true;
    fill_up(t, 0);
    rig.hold_jobs = false;
    shard_stop(rig.shard[1].s);
    rig_run(&rig);
    ck_assert(shard_stopped(rig.shard[1].s));
    ck_assert(!shard_poisoned(rig.shard[1].s));
    ck_assert_uint_eq(unanswered(), 0);
    for (size_t i = 0; i < rig.n_batches; i++)
        ck_assert_int_eq(rig.batches[i]->produce.code, 0);
    end(rig.n_batches);
}
END_TEST

/* A partition log that failed keeps its records in the WAL, which therefore finds no room any more:
 * nothing waits for what cannot come. */
START_TEST(a_full_log_that_no_checkpoint_may_empty_refuses_and_stops)
{
    struct rig_topic *t = begin(2);
    produce(t, 0, 10);
    produce(t, 1, 10);
    rig_run(&rig);
    io_mem_fail(rig.disk, IO_MEM_WRITE, 1, EIO, 1);
    produce(t, 0, 10);
    rig_run(&rig);
    ck_assert_uint_eq(io_mem_faults(rig.disk), 1);
    struct rig_batch *b = NULL;
    for (int i = 0; i < 100 && (!b || b->produce.code == 0); i++) {
        b = produce(t, 1, 4000);
        rig_run(&rig);
    }
    ck_assert_int_eq(b->produce.code, -ENOSPC);
    ck_assert_uint_eq(unanswered(), 0);
    ck_assert(!shard_poisoned(rig.shard[1].s));
    shard_stop(rig.shard[1].s);
    rig_run(&rig);
    ck_assert(shard_stopped(rig.shard[1].s));
    ck_assert_uint_eq(unanswered(), 0);
    end(5);
}
END_TEST

START_TEST(a_stop_whose_checkpoints_fail_ends_all_the_same)
{
    struct rig_topic *t = begin(1);
    rig.hold_jobs = true;
    fill_up(t, 0);
    rig.hold_jobs = false;
    io_mem_fail(rig.disk, IO_MEM_RENAME, 1, EIO, 0);
    shard_stop(rig.shard[1].s);
    rig_run(&rig);
    ck_assert(shard_stopped(rig.shard[1].s));
    ck_assert_uint_eq(unanswered(), 0);
    end(3);
}
END_TEST

/* Not even the job that would make the next segment could be begun. */
START_TEST(without_a_job_for_the_next_segment_nothing_waits_for_one)
{
    struct rig_topic *t = begin(1);
    no_entropy = true;
    struct rig_batch *b = NULL;
    for (int i = 0; i < 100 && (!b || b->produce.code == 0); i++) {
        b = produce(t, 0, 4000);
        rig_run(&rig);
    }
    ck_assert_int_eq(b->produce.code, -EAGAIN);
    no_entropy = false;
    rig_pass(&rig, 1100);
    b = produce(t, 0, 4000);
    rig_run(&rig);
    ck_assert_int_eq(b->produce.code, 0); /* it was tried again */
    no_entropy = true;
    rig.hold_jobs = true;
    fill_up(t, 0);
    rig.hold_jobs = false;
    shard_stop(rig.shard[1].s);
    rig_run(&rig);
    ck_assert(shard_stopped(rig.shard[1].s));
    ck_assert_uint_eq(unanswered(), 0);
    no_entropy = false;
    end(4);
}
END_TEST

/* Whatever there is no memory for: a host in a hurry gets its answers, and the stop ends. */
START_TEST(a_stop_without_memory_ends)
{
    if (!memory_may_fail())
        return;
    bool failed = true;
    for (unsigned nth = 1; failed; nth++) {
        struct rig_topic *t = begin(1);
        produce(t, 0, 10);
        rig_run(&rig);
        struct rig_batch *b = rig_produce(&rig, t, 0, 4, 4000, -1, 0, 0);
        memory_fail(nth, 0);
        rig_flush(&rig);
        failed = memory_failed() > 0;
        rig_run(&rig);
        shard_hurry(rig.shard[1].s);
        rig_run(&rig);
        bool answered = b->done;
        shard_stop(rig.shard[1].s);
        rig_run(&rig);
        memory_fail(0, 0);
        ck_assert_msg(answered, "without allocation %u", nth);
        ck_assert_msg(shard_stopped(rig.shard[1].s), "without allocation %u", nth);
        end(1);
    }
}
END_TEST

/* The table of entries is full: the next one finds no memory. */
static struct rig_batch *produce_into_full_table(unsigned times)
{
    rig_init(&rig, NULL);
    rig.wal_max_bytes = 64 * RIG_SEGMENT;
    rig.checkpoint_bytes = 32 * RIG_SEGMENT; /* none of them is dropped */
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_topic *t = rig_topic(&rig, "t");
    struct entries *table = &rig.shard[1].s->entries;
    for (int i = 0; table->n < table->cap; i++) {
        ck_assert_int_lt(i, 1000);
        produce(t, 0, 10);
        rig_run(&rig);
    }
    struct rig_batch *b = rig_produce(&rig, t, 0, 4, 10, -1, 0, 0);
    memory_fail(1, times);
    rig_flush(&rig);
    rig_run(&rig);
    return b; /* no assertion before memory_fail(0, 0): they want memory, too */
}

START_TEST(an_entry_that_finds_no_memory_waits_for_it)
{
    if (!memory_may_fail())
        return;
    struct rig_batch *b = produce_into_full_table(1);
    ck_assert_uint_eq(memory_failed(), 1);
    memory_fail(0, 0);
    ck_assert(!shard_poisoned(rig.shard[1].s));
    ck_assert(!b->done);
    ck_assert_int_le(shard_tick(rig.shard[1].s), 100);
    rig_pass(&rig, 100);
    ck_assert(b->done);
    ck_assert_int_eq(b->produce.code, 0);
    struct rig_batch *next = produce(rig_topic(&rig, "t"), 0, 10);
    rig_run(&rig);
    ck_assert_int_eq(next->produce.code, 0);
    ck_assert_int_eq(next->produce.base_offset, b->produce.base_offset + 4);
    shard_stop(rig.shard[1].s);
    rig_run(&rig);
    ck_assert(shard_stopped(rig.shard[1].s));
    end(20);
}
END_TEST

/* The one that finds none for good is not acknowledged, and does not hold up a stop. */
START_TEST(an_entry_that_never_finds_memory_ends_with_the_stop)
{
    if (!memory_may_fail())
        return;
    for (int hurry = 0; hurry < 2; hurry++) {
        struct rig_batch *b = produce_into_full_table(0);
        bool waited = !b->done && !shard_poisoned(rig.shard[1].s);
        if (hurry)
            shard_hurry(rig.shard[1].s);
        bool answered = b->done;
        shard_stop(rig.shard[1].s);
        rig_run(&rig);
        memory_fail(0, 0);
        ck_assert(waited);
        ck_assert(answered || !hurry);
        ck_assert(shard_stopped(rig.shard[1].s));
        ck_assert(b->done);
        ck_assert_int_ne(b->produce.code, 0);
        end(20);
    }
}
END_TEST

/* ---- a checkpoint that no start could read */

START_TEST(a_checkpoint_of_too_many_producers_says_what_to_set)
{
    struct rig_topic *t = begin(1);
    struct shard *s = rig.shard[1].s;
    for (int pid = 1; pid <= 50; pid++)
        rig_produce(&rig, t, 0, 1, 10, pid, 0, 0);
    rig_flush(&rig);
    rig_run(&rig);
    s->checkpoint_max = 50 * 43;
    ck_assert_int_eq(shard_checkpoint_now(s, 0, &err), ERR_TOOBIG);
    ck_assert_ptr_nonnull(strstr(err.text, "50 idempotent producers"));
    ck_assert_ptr_nonnull(strstr(err.text, "producer.id.expiration.ms"));
    ck_assert(!shard_poisoned(s));
    s->cfg.producer_expiry_ms = 1; /* which helps */
    clock_manual_advance(&rig.clock, 1000);
    ck_assert_msg(shard_checkpoint_now(s, 0, &err) == 0, "%s", err.text);
    end(50);
}
END_TEST

/* ---- a kill and then a power cut */

/* What a killed process left in the page cache, names of files too, is made durable before a
 * checkpoint counts on it. */
START_TEST(a_log_made_before_a_kill_survives_a_power_cut_after_it)
{
    struct rig_topic *t = begin(1);
    shard_checkpoint(rig.shard[1].s); /* knows the partition, which is empty */
    rig_run(&rig);
    produce(t, 0, 10);
    rig_run(&rig);
    rig_drop(&rig);
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
    end(1);
}
END_TEST

/* ---- starts that die young */

static size_t segments(const struct rig *r)
{
    char **names;
    size_t n, found = 0;
    ck_assert_ok(io_names(io_mem_io(r->disk), RIG_DIR "/wal/1", &names, &n));
    for (size_t i = 0; i < n; i++) {
        uint64_t id;
        found += wal_segment_name(names[i], &id);
    }
    io_names_free(names, n);
    return found;
}

/* What a power cut at any point of the last start leaves. */
static void cut_everywhere(size_t from, const struct rig *history)
{
    for (size_t upto = from; upto <= io_mem_trace_len(history->disk); upto++) {
        for (int cut = IO_CUT_NONE; cut <= IO_CUT_SEED; cut++) {
            struct rig r;
            size_t checked = 0;
            rig_init(&r, io_mem_crash(history->disk, upto, (enum io_mem_cut)cut, upto));
            r.wal_max_bytes = history->wal_max_bytes;
            ck_assert_msg(rig_open(&r, &err) == 0, "cut %d at %zu: %s", cut, upto, err.text);
            ck_assert_msg(rig_check(&r, history, SIZE_MAX - 1, &checked, &err) == 0,
                          "cut %d at %zu: %s", cut, upto, err.text);
            ck_assert_uint_ge(checked, 10);
            rig_release(&r);
        }
    }
}

START_TEST(starts_that_die_before_their_checkpoint_do_not_fill_the_disk)
{
    struct rig_topic *t = begin(1);
    for (int i = 0; i < 10; i++) {
        produce(t, 0, 100);
        rig_run(&rig);
        if (i == 5)
            shard_checkpoint(rig.shard[1].s);
    }
    rig_drop(&rig);
    /* One that dies with its checkpoint done: that names a segment with nothing but its OPEN, which
     * stays, but those behind it need not. */
    io_mem_fail(rig.disk, IO_MEM_COMMIT, 5, EIO, 1); /* shard 1's first entry */
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
    ck_assert(shard_poisoned(rig.shard[1].s));
    rig_drop(&rig);
    size_t before = segments(&rig), first = 0, from = 0;
    for (int i = 0; i < 12; i++) {
        from = io_mem_trace_len(rig.disk);
        /* Three for shard 0, a segment and a checkpoint for shard 1: that fails. */
        io_mem_fail(rig.disk, IO_MEM_RENAME, 5, EIO, 1);
        ck_assert_int_eq(rig_open(&rig, &err), -EIO);
        ck_assert_msg(strstr(err.text, "checkpoint") != NULL, "%s", err.text);
        first = i ? first : segments(&rig);
        ck_assert_uint_eq(segments(&rig), first);
    }
    ck_assert_uint_le(first, before + 1);
    struct rig history = rig;
    cut_everywhere(from, &history);
    end(10);
}
END_TEST

/* ---- trims */

enum { TRIMS = 4000 };
static unsigned trimmed;

static void on_trimmed(struct shard_trim *t)
{
    ck_assert_int_eq(t->code, 0);
    trimmed++;
}

START_TEST(more_trims_than_an_entry_takes_go_into_several)
{
    struct rig_topic *t = begin(1);
    struct shard_trim *trims = calloc(TRIMS, sizeof *trims);
    produce(t, 0, 10);
    rig_run(&rig);
    trimmed = 0;
    for (int i = 0; i < TRIMS; i++) {
        trims[i] = (struct shard_trim){.topic_id = t->id, .log_start = i % 4, .done = on_trimmed};
        shard_trim(rig.shard[1].s, &trims[i]);
    }
    rig_flush(&rig);
    rig_run(&rig);
    ck_assert(!shard_poisoned(rig.shard[1].s));
    ck_assert_uint_eq(trimmed, TRIMS);
    free(trims);
    rig_release(&rig);
}
END_TEST

/* ---- duplicates */

/* Ticks with a millisecond in between: who asks to be called again at once? */
static int hasty_ticks(int n)
{
    int hasty = 0;
    for (int i = 0; i < n; i++) {
        clock_manual_advance(&rig.clock, 1);
        hasty += shard_tick(rig.shard[1].s) <= 1;
    }
    return hasty;
}

START_TEST(a_linger_is_as_long_as_it_says)
{
    rig_init(&rig, NULL);
    rig.linger_us = 5500;
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    ck_assert_int_eq(shard_linger_ns(rig.shard[1].s), INT64_MAX);
    struct rig_batch *b = produce(rig_topic(&rig, "t"), 0, 10);
    ck_assert_int_eq(shard_linger_ns(rig.shard[1].s), 5500000);
    clock_manual_advance(&rig.clock, 2);
    rig_flush(&rig);
    ck_assert_int_eq(shard_linger_ns(rig.shard[1].s), 3500000);
    clock_manual_advance(&rig.clock, 4);
    ck_assert_int_eq(shard_linger_ns(rig.shard[1].s), 0);
    rig_flush(&rig);
    rig_run(&rig);
    ck_assert(b->done);
    ck_assert_int_eq(shard_linger_ns(rig.shard[1].s), INT64_MAX);
    rig_release(&rig);
}
END_TEST

/* Lingering is for company. What waits for room or for an image keeps nobody awake meanwhile. */
START_TEST(what_cannot_go_on_does_not_linger)
{
    rig_init(&rig, NULL);
    rig.wal_max_bytes = 4 * RIG_SEGMENT;
    rig.linger_us = 5000;
    ck_assert_msg(rig_open(&rig, &err) == 0, "%s", err.text);
    ck_assert_ok(rig_create_topic(&rig, "t", 1));
    struct rig_topic *t = rig_topic(&rig, "t");
    struct rig_batch *b = produce(t, 0, 10);
    ck_assert_int_ge(hasty_ticks(10), 3);
    rig_run(&rig);
    ck_assert(b->done);
    rig_pass(&rig, 1000);

    struct rig_topic unknown = *t; /* of an image that is still to come */
    unknown.id.b[0] ^= 1;
    struct rig_batch *waits = rig_produce(&rig, &unknown, 0, 1, 10, -1, 0, 0);
    waits->produce.meta_index = UINT64_MAX;
    rig_flush(&rig);
    ck_assert_int_le(hasty_ticks(100), 5);

    rig.hold_jobs = true; /* and trims at the log's bound */
    struct rig_trim *x = NULL;
    for (int i = 0; i < 1000 && (!x || x->done); i++) {
        x = rig_trim(&rig, t, 0, -1);
        rig_flush(&rig);
        rig_pass(&rig, 10);
    }
    ck_assert(!x->done);
    ck_assert_int_le(hasty_ticks(100), 5);
    ck_assert(!x->done);
    rig.hold_jobs = false;
    rig_run(&rig);
    rig_pass(&rig, 10);
    ck_assert(x->done);
    shard_hurry(rig.shard[1].s);
    ck_assert_int_eq(waits->produce.code, ERR_CLOSED);
    rig_release(&rig);
}
END_TEST

START_TEST(a_duplicate_is_answered_when_its_original_is_applied_and_others_are_in_flight)
{
    struct rig_topic *t = begin(1);
    struct rig_batch *first = rig_produce(&rig, t, 0, 1, 10, 7, 0, 0);
    rig_flush(&rig);
    struct rig_batch *second = rig_produce(&rig, t, 0, 1, 10, 7, 0, 1);
    rig_step(&rig); /* writes the first; the second is on its way */
    ck_assert(first->done && !second->done);
    struct rig_batch *again = rig_produce_again(&rig, first);
    rig_flush(&rig);
    rig_run(&rig);
    ck_assert(again->done);
    ck_assert_int_eq(again->produce.code, 0);
    ck_assert_int_eq(again->produce.base_offset, 0);
    end(3);
}
END_TEST

UNIT_MAIN(a_stop_with_a_full_log_makes_room_first,
          a_full_log_that_no_checkpoint_may_empty_refuses_and_stops,
          a_stop_whose_checkpoints_fail_ends_all_the_same,
          without_a_job_for_the_next_segment_nothing_waits_for_one, a_stop_without_memory_ends,
          a_checkpoint_of_too_many_producers_says_what_to_set,
          an_entry_that_finds_no_memory_waits_for_it,
          an_entry_that_never_finds_memory_ends_with_the_stop,
          starts_that_die_before_their_checkpoint_do_not_fill_the_disk,
          a_log_made_before_a_kill_survives_a_power_cut_after_it,
          more_trims_than_an_entry_takes_go_into_several, a_linger_is_as_long_as_it_says,
          what_cannot_go_on_does_not_linger,
          a_duplicate_is_answered_when_its_original_is_applied_and_others_are_in_flight)
