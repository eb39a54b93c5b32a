/* A shard compacts the logs of topics that want it: which, when, and across stops, deletions and
 * power cuts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch/records.h"
#include "plog/compact.h"
#include "tests/shard/rig.h"
#include "tests/unit/unit.h"

enum { BACKOFF_MS = 15000, HISTORY_MAX = 4096, KEYS = 12, TEXT = 16 };

static struct rig rig;
static struct rig_topic *t;
static struct err err;

/* Everything that was put, as it was. */
static struct put {
    struct rig_batch *batch;
    int32_t partition;
    int key;
    int value;
} history[HISTORY_MAX];
static int n_history;

static void open_rig(struct rig *r)
{
    ck_assert_msg(rig_open(r, &err) == 0, "%s", err.text);
    t = rig_topic(r, "t");
}

static void begin(int32_t partitions)
{
    rig_init(&rig, NULL);
    rig.compact_backoff_ms = BACKOFF_MS;
    rig.compact_key_bytes = 1 << 20;
    rig.settings.segment_bytes = 2048;
    rig.settings.cleanup_policy = META_CLEANUP_COMPACT;
    n_history = 0;
    open_rig(&rig);
    ck_assert_ok(rig_create_topic(&rig, "t", partitions));
    t = rig_topic(&rig, "t");
}

static struct plog *log_of(struct rig *r, int32_t partition)
{
    struct plog *log = shard_partition(r->shard[1].s, &t->id, partition);
    ck_assert_ptr_nonnull(log);
    return log;
}

static void put(int32_t partition, int key)
{
    char key_text[TEXT], value_text[TEXT];
    struct put *p = &history[n_history];
    ck_assert_int_lt(n_history, HISTORY_MAX);
    *p = (struct put){.partition = partition, .key = key, .value = n_history++};
    snprintf(key_text, sizeof key_text, "k%d", key);
    snprintf(value_text, sizeof value_text, "v%d", p->value);
    p->batch = rig_put(&rig, t, partition, key_text, value_text);
}

static void settle(void)
{
    rig_flush(&rig);
    rig_run(&rig);
}

static void fill(int32_t partition, int n)
{
    for (int i = 0; i < n; i++) {
        put(partition, i * 7 % KEYS);
        settle();
    }
}

static void checkpoint(void)
{
    shard_checkpoint(rig.shard[1].s);
    rig_run(&rig);
}

static uint64_t compactions(void)
{
    struct shard_stats st;
    shard_stats(rig.shard[1].s, &st);
    return st.compactions;
}

/* Let whatever is due be compacted. */
static void compact(void)
{
    checkpoint();
    checkpoint();
    for (int i = 0; i < 4; i++)
        rig_pass(&rig, BACKOFF_MS);
}

/* ---- reading */

struct last {
    int64_t offset;
    int value;
};

static int number(struct span s, char letter)
{
    char text[TEXT] = {0};
    int n;
    ck_assert_uint_lt(s.n, sizeof text);
    memcpy(text, s.p, s.n);
    ck_assert_int_eq(text[0], letter);
    ck_assert_int_eq(sscanf(text + 1, "%d", &n), 1);
    return n;
}

static int64_t read_batch(struct span bytes, int64_t next, struct last last[KEYS], int *records)
{
    struct records it;
    struct record r;
    struct batch b;
    int rc = batch_verify(bytes, &b, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
    ck_assert_int_ge(b.base_offset, next);
    ck_assert_ok(records_init(&it, span_of(bytes.p, batch_size(&b)), 1 << 20));
    while ((rc = records_next(&it, &r)) > 0) {
        last[number(r.key, 'k')] = (struct last){r.offset, r.value.p ? number(r.value, 'v') : -1};
        ++*records;
    }
    ck_assert_int_eq(rc, 0);
    records_release(&it);
    return batch_last_offset(&b) + 1;
}

/* The last record of each key, as a consumer finds them; how many records there are at all. */
static int read_all(struct rig *r, int32_t partition, struct last last[KEYS])
{
    struct plog *log = log_of(r, partition);
    int64_t offset = plog_log_start(log), hw = plog_high_watermark(log);
    int records = 0;
    for (int k = 0; k < KEYS; k++)
        last[k] = (struct last){-1, -1};
    while (offset < hw) {
        struct plog_slice sl;
        int rc = plog_read(log, offset, hw, 4096, true, &sl, &err);
        ck_assert_msg(rc == 0, "%s", err.text);
        ck_assert_uint_gt(sl.len, 0);
        rc = plog_slice_verify(log, &sl, &err);
        ck_assert_msg(rc == 0, "%s", err.text);
        uint8_t *buf = malloc(sl.len);
        ck_assert_int_eq(plog_slice_read(&sl, buf), sl.len);
        for (size_t at = 0; at < sl.len;) {
            struct batch b;
            ck_assert_ok(batch_peek(span_of(buf + at, sl.len - at), &b));
            offset = read_batch(span_of(buf + at, sl.len - at), offset, last, &records);
            at += batch_size(&b);
        }
        offset = sl.next_offset;
        free(buf);
        plog_slice_release(&sl);
    }
    return records;
}

/* Nothing acknowledged before `upto` is lost: for each key that record is there, or a later one. */
static int check_at(struct rig *r, int32_t partition, size_t upto)
{
    struct last last[KEYS];
    int records = read_all(r, partition, last);
    for (int i = 0; i < n_history; i++) {
        const struct put *p = &history[i];
        if (p->partition != partition || p->batch->acked_at > upto)
            continue;
        int64_t offset = p->batch->produce.base_offset;
        if (offset < plog_log_start(log_of(r, partition)))
            continue;
        ck_assert_int_ge(last[p->key].offset, offset);
        if (last[p->key].offset == offset)
            ck_assert_int_eq(last[p->key].value, p->value);
    }
    return records;
}

static int check(int32_t partition)
{
    return check_at(&rig, partition, SIZE_MAX - 1);
}

/* ---- */

START_TEST(a_compacted_topic_shrinks)
{
    begin(1);
    fill(0, 300);
    ck_assert_int_eq(check(0), 300);
    uint64_t bytes = plog_bytes(log_of(&rig, 0));
    compact();
    ck_assert_uint_ge(compactions(), 1);
    ck_assert_uint_lt(plog_bytes(log_of(&rig, 0)), bytes / 3);
    ck_assert_int_lt(check(0), 60);
    ck_assert_int_eq(plog_log_end(log_of(&rig, 0)), 300);
    ck_assert_int_eq(plog_log_start(log_of(&rig, 0)), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_ok(rig_stop(&rig));
        open_rig(&rig);
        ck_assert_int_lt(check(0), 60);
        fill(0, 100);
        compact();
        ck_assert_int_lt(check(0), 60);
        rig_drop(&rig); /* killed */
        open_rig(&rig);
        ck_assert_int_lt(check(0), 60);
    }
    rig_release(&rig);
}
END_TEST

/* Nobody writes and nobody asks: the checkpoints that let the floor rise come by themselves. */
START_TEST(an_idle_log_is_compacted_too)
{
    begin(1);
    ck_assert_ok(rig_stop(&rig));
    rig.checkpoint_ms = 60000;
    open_rig(&rig);
    fill(0, 300);
    for (int i = 0; i < 30; i++)
        rig_pass(&rig, 10000);
    ck_assert_uint_ge(compactions(), 1);
    ck_assert_int_lt(check(0), 60);
    struct shard_stats st, later;
    shard_stats(rig.shard[1].s, &st);
    for (int i = 0; i < 60; i++)
        rig_pass(&rig, 10000);
    shard_stats(rig.shard[1].s, &later);
    ck_assert_uint_eq(later.checkpoints, st.checkpoints); /* and then they end */
    ck_assert_uint_eq(later.compactions, st.compactions);
    rig_release(&rig);
}
END_TEST

START_TEST(the_dirtiest_log_comes_first)
{
    begin(3);
    fill(1, 200);
    compact();
    fill(0, 60);
    fill(1, 60);
    fill(2, 200);
    checkpoint();
    checkpoint();
    uint64_t before[3], done = compactions();
    for (int32_t i = 0; i < 3; i++)
        before[i] = plog_bytes(log_of(&rig, i));
    clock_manual_advance(&rig.clock, BACKOFF_MS);
    bool seen = false;
    for (shard_tick(rig.shard[1].s); rig_step(&rig); shard_tick(rig.shard[1].s)) {
        if (compactions() != done + 1 || seen)
            continue;
        seen = true; /* one with nothing clean in it, not the one that was compacted before */
        ck_assert_uint_eq(plog_bytes(log_of(&rig, 1)), before[1]);
    }
    ck_assert(seen);
    for (int32_t i = 0; i < 3; i++)
        check(i);
    rig_release(&rig);
}
END_TEST

START_TEST(only_the_policy_compact_compacts)
{
    begin(1);
    ck_assert_ok(rig_set(&rig, t, "cleanup.policy", "delete"));
    fill(0, 300);
    compact();
    ck_assert_uint_eq(compactions(), 0);
    ck_assert_int_eq(check(0), 300);
    ck_assert_ok(rig_set(&rig, t, "cleanup.policy", "compact,delete"));
    ck_assert_ok(rig_set(&rig, t, "min.cleanable.dirty.ratio", "1"));
    compact();
    ck_assert_uint_eq(compactions(), 0);
    ck_assert_ok(rig_set(&rig, t, "min.cleanable.dirty.ratio", "0.9"));
    compact();
    ck_assert_int_lt(check(0), 60);
    rig_release(&rig);
}
END_TEST

START_TEST(retention_goes_on_under_compact_and_delete)
{
    begin(1);
    ck_assert_ok(rig_stop(&rig));
    rig.retention_check_ms = 60000;
    rig.settings.cleanup_policy = META_CLEANUP_COMPACT | META_CLEANUP_DELETE;
    rig.settings.retention_ms = 3600000;
    open_rig(&rig);
    fill(0, 200);
    compact();
    ck_assert_int_lt(check(0), 60);
    for (int i = 0; i < 40; i++)
        rig_pass(&rig, 60000);
    fill(0, 50);
    for (int i = 0; i < 25; i++)
        rig_pass(&rig, 60000);
    ck_assert_int_ge(plog_log_start(log_of(&rig, 0)), 180); /* what is old is gone, */
    compact();
    check(0); /* what is not, is not */
    ck_assert_int_eq(plog_log_end(log_of(&rig, 0)), 250);
    rig_release(&rig);
}
END_TEST

/* A topic goes, and one of its name comes, while a slice of its compaction waits or runs. */
START_TEST(a_topic_may_be_deleted_meanwhile)
{
    for (int steps = 0; steps < 14; steps++) {
        begin(1);
        fill(0, 100);
        checkpoint();
        checkpoint();
        clock_manual_advance(&rig.clock, BACKOFF_MS);
        shard_tick(rig.shard[1].s);
        for (int i = 0; i < steps && rig.shard[1].n_jobs; i++) {
            struct rig_shard *rs = &rig.shard[1];
            struct shard_job *job = rs->jobs[0];
            rs->n_jobs--;
            memmove(rs->jobs, rs->jobs + 1, rs->n_jobs * sizeof(struct shard_job *));
            shard_job_run(job);
            shard_job_done(rs->s, job);
            shard_tick(rs->s);
        }
        ck_assert_ok(rig_delete_topic(&rig, "t"));
        ck_assert_ok(rig_create_topic(&rig, "t", 1));
        t = rig_topic(&rig, "t");
        n_history = 0;
        fill(0, 30);
        ck_assert_int_eq(check(0), 30);
        rig_drop(&rig);
        open_rig(&rig);
        ck_assert_int_eq(check(0), 30);
        rig_release(&rig);
    }
}
END_TEST

/* From the answer on all that is there stays, but for what is being exchanged; and the log is not
 * the worse for it. */
START_TEST(a_topic_may_be_told_to_keep_all_meanwhile)
{
    int left[14];
    for (int steps = 0; steps < 14; steps++) {
        begin(1);
        fill(0, 300);
        checkpoint();
        checkpoint();
        clock_manual_advance(&rig.clock, BACKOFF_MS);
        shard_tick(rig.shard[1].s);
        for (int i = 0; i < steps && rig_step(&rig); i++)
            shard_tick(rig.shard[1].s);
        ck_assert_ok(rig_set(&rig, t, "cleanup.policy", "delete"));
        for (int i = 0; i < 4; i++)
            rig_pass(&rig, BACKOFF_MS);
        ck_assert(!plog_compact_spoilt(log_of(&rig, 0)));
        left[steps] = check(0);
        ck_assert_ok(rig_set(&rig, t, "cleanup.policy", "compact"));
        compact();
        ck_assert_int_lt(check(0), 60);
        rig_release(&rig);
    }
    ck_assert_int_eq(left[0], 300);
    ck_assert_int_eq(left[1], 300);
}
END_TEST

START_TEST(a_stop_does_not_wait_for_the_end_of_it)
{
    for (int steps = 0; steps < 14; steps++) {
        begin(1);
        fill(0, 100);
        checkpoint();
        checkpoint();
        clock_manual_advance(&rig.clock, BACKOFF_MS);
        shard_tick(rig.shard[1].s);
        for (int i = 0; i < steps && rig_step(&rig); i++)
            shard_tick(rig.shard[1].s);
        ck_assert_ok(rig_stop(&rig));
        open_rig(&rig);
        check(0);
        compact();
        ck_assert_int_lt(check(0), 60);
        rig_release(&rig);
    }
}
END_TEST

static void check_tombstone(bool there)
{
    struct last last[KEYS];
    read_all(&rig, 0, last);
    ck_assert_int_eq(last[0].offset >= 0, there);
    if (there)
        ck_assert_int_eq(last[0].value, -1);
}

/* Fill, so that what came before is in segments that are complete, and compact. */
static void go_on(void)
{
    for (int i = 0; i < 100; i++) {
        put(0, 1 + i % (KEYS - 1));
        settle();
    }
    compact();
}

static void pass_hours(int n)
{
    for (int i = 0; i < 6 * n; i++)
        rig_pass(&rig, 600000);
}

/* A tombstone stays for as long as readers were promised, also if the clock stood ten years in the
 * past when that time began; and over a stop. */
START_TEST(a_clock_that_was_in_the_past_costs_no_tombstone)
{
    const int64_t ten_years = INT64_C(3653) * 86400000;
    for (int stop = 0; stop < 2; stop++) {
        begin(1);
        ck_assert_ok(rig_set(&rig, t, "delete.retention.ms", "86400000"));
        rig.clock.wall -= ten_years;
        put(0, 0);
        rig_put(&rig, t, 0, "k0", NULL);
        go_on();
        check_tombstone(true);
        rig.clock.wall += ten_years; /* it is set right, */
        pass_hours(2);               /* and believed */
        go_on();
        check_tombstone(true);
        if (stop) {
            ck_assert_ok(rig_stop(&rig));
            open_rig(&rig);
        }
        pass_hours(20);
        go_on();
        check_tombstone(true);
        pass_hours(5);
        go_on();
        check_tombstone(false);
        rig_release(&rig);
    }
}
END_TEST

/* The log forgets a producer's records, not the producer. */
START_TEST(sequences_survive_compaction)
{
    begin(1);
    struct rig_batch *first = rig_produce(&rig, t, 0, 2, 10, 500, 0, 0);
    settle();
    ck_assert_int_eq(first->produce.code, 0);
    ck_assert_ok(rig_set(&rig, t, "cleanup.policy", "compact"));
    fill(0, 300);
    compact();
    ck_assert_int_lt(check(0), 60);
    for (int i = 0; i < 2; i++) {
        struct rig_batch *again = rig_produce_again(&rig, first);
        settle();
        ck_assert_int_eq(again->produce.code, 0);
        ck_assert_int_eq(again->produce.base_offset, first->produce.base_offset);
        ck_assert_ok(rig_stop(&rig));
        open_rig(&rig);
    }
    struct rig_batch *next = rig_produce(&rig, t, 0, 1, 10, 500, 0, 5);
    settle();
    ck_assert_int_eq(next->produce.code, ERR_OUTOFORDER);
    next = rig_produce(&rig, t, 0, 1, 10, 500, 0, 2);
    settle();
    ck_assert_int_eq(next->produce.code, 0);
    rig_release(&rig);
}
END_TEST

START_TEST(a_disk_without_room_is_no_trouble_for_produce)
{
    begin(1);
    fill(0, 300);
    checkpoint();
    checkpoint();
    io_mem_fail(rig.disk, IO_MEM_RENAME, 1, ENOSPC, 0);
    for (int i = 0; i < 3; i++)
        rig_pass(&rig, BACKOFF_MS);
    ck_assert_uint_gt(io_mem_faults(rig.disk), 1);
    ck_assert_int_eq(check(0), 300);
    io_mem_fail(rig.disk, IO_MEM_RENAME, 0, 0, 0);
    fill(0, 20);
    ck_assert_int_eq(check(0), 320);
    compact();
    ck_assert_int_lt(check(0), 60);
    rig_release(&rig);
}
END_TEST

/* Wherever in the exchange of files room or descriptors are short: it is brought to its end later,
 * and the log goes on being compacted, and losing what is old. */
START_TEST(a_shortage_while_files_are_exchanged_passes)
{
    static const struct {
        enum io_mem_call call;
        int code;
    } faults[] = {{IO_MEM_RENAME, ENOSPC}, {IO_MEM_SYNC_DIR, EMFILE}, {IO_MEM_UNLINK, EDQUOT}};
    for (size_t k = 0; k < sizeof faults / sizeof *faults; k++) {
        bool met = true;
        for (uint64_t nth = 1; met; nth++) {
            begin(1);
            fill(0, 100);
            checkpoint();
            checkpoint();
            io_mem_fail(rig.disk, faults[k].call, nth, faults[k].code, 2);
            for (int i = 0; i < 4; i++)
                rig_pass(&rig, BACKOFF_MS);
            met = io_mem_faults(rig.disk) > 0;
            io_mem_fail(rig.disk, faults[k].call, 0, 0, 0);
            rig_pass(&rig, BACKOFF_MS);
            ck_assert(!plog_compact_spoilt(log_of(&rig, 0)));
            compact();
            ck_assert_int_lt(check(0), 60);
            ck_assert_ok(rig_stop(&rig));
            open_rig(&rig);
            ck_assert_int_lt(check(0), 60);
            rig_release(&rig);
        }
    }
}
END_TEST

/* What is tried again takes time: else a disk that stays full would cost a processor. */
START_TEST(a_shortage_that_stays_is_not_tried_without_a_pause)
{
    begin(1);
    fill(0, 100);
    checkpoint();
    checkpoint();
    io_mem_fail(rig.disk, IO_MEM_RENAME, 1, ENOSPC, 0);
    for (int i = 0; i < 4; i++)
        rig_pass(&rig, BACKOFF_MS);
    uint64_t before = io_mem_faults(rig.disk);
    ck_assert_uint_gt(before, 0);
    for (int i = 0; i < 10; i++)
        rig_pass(&rig, 100);
    ck_assert_uint_le(io_mem_faults(rig.disk) - before, 2 * 10);
    io_mem_fail(rig.disk, IO_MEM_RENAME, 0, 0, 0);
    rig_pass(&rig, BACKOFF_MS);
    compact();
    ck_assert_int_lt(check(0), 60);
    ck_assert_ok(rig_stop(&rig));
    rig_release(&rig);
}
END_TEST

/* ---- power cuts */

static uint32_t draw(uint32_t below)
{
    static uint32_t state = 4711;
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
}

static void act(void)
{
    switch (draw(12)) {
    case 0:
        shard_checkpoint(rig.shard[1].s);
        break;
    case 1:
        rig_pass(&rig, BACKOFF_MS);
        break;
    case 2:
        rig_run(&rig);
        break;
    default:
        put((int32_t)draw(2), (int)draw(KEYS));
        rig_flush(&rig);
    }
    for (uint32_t i = draw(6); i > 0 && rig_step(&rig); i--)
        ;
}

static void cut(size_t upto, enum io_mem_cut how, uint64_t seed)
{
    struct rig after;
    rig_init(&after, io_mem_crash(rig.disk, upto, how, seed));
    after.settings = rig.settings;
    after.clock = rig.clock;
    after.compact_backoff_ms = BACKOFF_MS;
    after.compact_key_bytes = rig.compact_key_bytes;
    memcpy(after.topics, rig.topics, sizeof after.topics);
    after.n_topics = rig.n_topics;
    open_rig(&after);
    for (int32_t i = 0; i < 2; i++)
        check_at(&after, i, upto);
    /* It goes on, and compacts, from there. */
    for (int i = 0; i < 3; i++) {
        shard_checkpoint(after.shard[1].s);
        rig_run(&after);
        rig_pass(&after, BACKOFF_MS);
    }
    for (int32_t i = 0; i < 2; i++)
        check_at(&after, i, upto);
    ck_assert_ok(rig_stop(&after));
    rig_release(&after);
    t = rig_topic(&rig, "t");
}

START_TEST(no_power_cut_loses_the_last_of_a_key)
{
    begin(2);
    size_t from = io_mem_trace_len(rig.disk);
    for (int i = 0; i < 1500; i++)
        act();
    rig_run(&rig);
    ck_assert_uint_ge(compactions(), 5);
    size_t to = io_mem_trace_len(rig.disk);
    for (int i = 0; i < 120; i++) {
        size_t upto = from + draw((uint32_t)(to - from + 1));
        static const enum io_mem_cut how[] = {IO_CUT_NONE, IO_CUT_ALL, IO_CUT_SEED, IO_CUT_SEED,
                                              IO_CUT_LAST_FIRST};
        cut(upto, how[i % 5], (uint64_t)i);
    }
    rig_release(&rig);
}
END_TEST

UNIT_MAIN(a_clock_that_was_in_the_past_costs_no_tombstone, a_compacted_topic_shrinks,
          an_idle_log_is_compacted_too, the_dirtiest_log_comes_first,
          only_the_policy_compact_compacts, retention_goes_on_under_compact_and_delete,
          a_topic_may_be_deleted_meanwhile, a_topic_may_be_told_to_keep_all_meanwhile,
          a_stop_does_not_wait_for_the_end_of_it, sequences_survive_compaction,
          a_disk_without_room_is_no_trouble_for_produce,
          a_shortage_while_files_are_exchanged_passes,
          a_shortage_that_stays_is_not_tried_without_a_pause, no_power_cut_loses_the_last_of_a_key)
