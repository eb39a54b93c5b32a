/* Compaction: what stays, what goes, and what looking finds afterwards. */
#include "plog/compact_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "batch/filter.h"
#include "plog/swap.h"
#include "tests/unit/plog/compact_kit.h"

static struct kit k;

static size_t segments(void)
{
    int64_t bases[256];
    return fixture_segments(&k.f, bases, 256);
}

/* Names that a compaction under way has, in the partition's directory. */
static size_t leftovers(void)
{
    char **names;
    size_t n, found = 0;
    ck_assert_ok(io_names(k.f.io, "/t-0", &names, &n));
    for (size_t i = 0; i < n; i++)
        found += plog_swap_name(names[i]);
    io_names_free(names, n);
    return found;
}

/* Segments of which some become one. */
static void fill_unevenly(void)
{
    fixture_open_new(&k.f);
    kit_fill(&k, 20);
    for (int i = 0; i < 4; i++) {
        kit_fill(&k, 3);
        kit_seal(&k);
    }
    kit_fill(&k, 20);
    kit_seal(&k);
}

/* The model: rounds of random writes and compactions, some after a restart. */
START_TEST(the_last_record_of_each_key_stays)
{
    for (uint32_t seed = 1; seed <= 6; seed++) {
        kit_init(&k);
        k.f.random = seed;
        k.n_keys = 5 + (int)seed * 20;
        k.rules.delete_retention_ms = 1000000;
        k.n_ends = 2;
        k.ends[0].id = 1000;
        k.ends[1].id = 2000;
        fixture_open_new(&k.f);
        for (int round = 0; round < 6; round++) {
            kit_fill(&k, 60);
            kit_seal(&k);
            kit_compact(&k);
            ck_assert_int_eq(k.stats.clean_to, (int64_t)k.n);
            ck_assert_uint_lt(k.stats.bytes_after, k.stats.bytes_before);
            ck_assert_uint_eq(leftovers(), 0);
            kit_fill(&k, 3);
            kit_check(&k, k.stats.clean_to, 0);
            kit_check_looking(&k);
            if (round % 2) {
                kit_reopen(&k);
                kit_check(&k, k.stats.clean_to, 0);
                kit_check_looking(&k);
            }
        }
        kit_release(&k);
    }
}
END_TEST

/* What was appended since, and the active segment, are not looked at. */
START_TEST(the_active_segment_is_not_touched)
{
    struct plog_dirt d;
    size_t size, again;
    kit_init(&k);
    fixture_open_new(&k.f);
    kit_fill(&k, 60);
    plog_compact_look(k.f.log, &d);
    ck_assert_uint_eq(d.dirty, 0); /* no floor yet */
    ck_assert_uint_gt(d.held, 0);
    kit_compact(&k);
    ck_assert_int_eq(k.stats.clean_to, 0);

    kit_seal(&k);
    int64_t sealed = (int64_t)k.n;
    kit_fill(&k, 2);
    plog_compact_look(k.f.log, &d);
    ck_assert_uint_gt(d.dirty, 0);
    ck_assert_uint_eq(d.held, 0);
    const char *path = fixture_path(&k.f, sealed, ".log");
    uint8_t *was = io_mem_bytes(k.f.mem, path, &size);
    was = memcpy(malloc(size), was, size);
    kit_compact(&k);
    ck_assert_int_eq(k.stats.clean_to, sealed);
    uint8_t *is = io_mem_bytes(k.f.mem, path, &again);
    ck_assert_bytes_eq(is, again, was, size);
    free(was);
    plog_compact_look(k.f.log, &d);
    ck_assert_uint_eq(d.dirty, 0);
    ck_assert_uint_gt(d.clean, 0);
    kit_check(&k, sealed, 0);

    /* Nothing is dirty again only because no floor is known yet. */
    uint64_t clean = d.clean;
    struct plog_mark mark;
    plog_mark(k.f.log, &mark);
    fixture_reopen(&k.f, &mark);
    plog_compact_look(k.f.log, &d);
    ck_assert_uint_eq(d.clean, clean);
    ck_assert_uint_eq(d.dirty + d.held, 0);
    kit_release(&k);
}
END_TEST

START_TEST(nothing_is_done_unless_it_pays)
{
    kit_init(&k);
    fixture_open_new(&k.f);
    kit_fill(&k, 60);
    kit_seal(&k);
    kit_compact(&k);
    int64_t clean = k.stats.clean_to;
    ck_assert_int_gt(clean, 0);
    for (int i = 0; i < 2; i++)
        kit_put(&k, i, i);
    kit_seal(&k);
    k.rules.min_dirty_ratio = 0.5;
    kit_compact(&k);
    ck_assert_int_eq(k.stats.clean_to, 0);
    ck_assert_uint_eq(k.stats.bytes_before, 0);

    /* Unless somebody has waited too long. */
    k.rules.max_lag_ms = 100;
    kit_compact(&k);
    ck_assert_int_eq(k.stats.clean_to, 0);
    k.now += 200;
    kit_compact(&k);
    ck_assert_int_eq(k.stats.clean_to, (int64_t)k.n);
    kit_release(&k);
}
END_TEST

START_TEST(what_is_young_stays)
{
    kit_init(&k);
    fixture_open_new(&k.f);
    for (int i = 0; i < 30; i++)
        kit_put(&k, i % 3, i);
    kit_seal(&k);
    int64_t old = (int64_t)k.n;
    k.now += 5000;
    for (int i = 0; i < 30; i++)
        kit_put(&k, i % 3, i);
    kit_seal(&k);
    k.rules.min_lag_ms = 4000;
    kit_compact(&k);
    ck_assert_int_eq(k.stats.clean_to, old);
    kit_check(&k, old, 0);
    k.now += 4000;
    kit_compact(&k);
    ck_assert_int_eq(k.stats.clean_to, (int64_t)k.n);
    kit_check(&k, (int64_t)k.n, 0);
    kit_release(&k);
}
END_TEST

/* The keys of the dirty part do not fit into memory: it takes several rounds, and each leaves the
 * log as it must be. */
START_TEST(little_memory_takes_several_rounds)
{
    int rounds = 0;
    kit_init(&k);
    k.n_keys = 150;
    k.rules.key_bytes = 48 * 24;
    fixture_open_new(&k.f);
    kit_fill(&k, 200);
    kit_seal(&k);
    for (int64_t clean = 0; clean < (int64_t)k.n; clean = k.stats.clean_to, rounds++) {
        kit_compact(&k);
        ck_assert_int_gt(k.stats.clean_to, clean);
        kit_check(&k, k.stats.clean_to, KIT_NOW);
        kit_reopen(&k);
        kit_check_looking(&k);
    }
    ck_assert_int_gt(rounds, 5);
    kit_release(&k);
}
END_TEST

START_TEST(a_tombstone_stays_until_its_time)
{
    kit_init(&k);
    fixture_open_new(&k.f);
    kit_put(&k, 1, 1);
    kit_put(&k, 2, 2);
    kit_put(&k, 1, KIT_TOMBSTONE);
    kit_put(&k, 3, 3);
    kit_seal(&k);
    kit_compact(&k); /* sets the horizon */
    int64_t due = k.now + KIT_DAY;
    kit_check(&k, 4, 0);
    size_t n;
    for (int i = 0; i < 2; i++) {
        k.now = due - 1 + i;
        kit_put(&k, 4, i);
        kit_seal(&k);
        k.now = due - 1 + i;
        kit_compact(&k);
        free(kit_read(&k, k.f.log, &n));
        ck_assert_uint_eq(n, i ? 3 : 4);
        kit_check(&k, (int64_t)k.n, i ? due : 0);
    }
    kit_release(&k);
}
END_TEST

/* A tombstone goes only once what it deletes is gone, also if that takes several rounds, and if
 * keys do not fit into memory. */
START_TEST(a_deleted_key_does_not_come_back)
{
    for (int little = 0; little < 2; little++) {
        kit_init(&k);
        k.rules.delete_retention_ms = 0;
        k.rules.key_bytes = little ? 24 * 24 : 1 << 20;
        k.n_keys = little ? 60 : 8;
        fixture_open_new(&k.f);
        for (int round = 0; round < 16; round++) {
            size_t n;
            kit_fill(&k, 15);
            kit_seal(&k);
            kit_compact(&k);
            struct kit_record *all = kit_read(&k, k.f.log, &n);
            bool *seen = calloc((size_t)k.n_keys, sizeof *seen);
            for (size_t i = n; i-- > 0;) {
                /* The last one there is of a key is the last there was. */
                for (size_t j = (size_t)all[i].offset + 1; !seen[all[i].key] && j < k.n; j++)
                    ck_assert_int_ne(k.records[j].key, all[i].key);
                seen[all[i].key] = true;
            }
            free(seen);
            free(all);
        }
        kit_release(&k);
    }
}
END_TEST

START_TEST(the_last_batch_of_a_producer_stays_as_a_header)
{
    struct batch all[64];
    kit_init(&k);
    fixture_open_new(&k.f);
    k.n_ends = 1;
    k.ends[0].id = 42;
    while (k.ends[0].last_offset == 0) {
        k.sequence = 700;
        kit_append(&k, 3, BATCH_LZ4);
    }
    int64_t last = k.ends[0].last_offset;
    k.n_ends = 0;
    for (int i = 0; i < k.n_keys; i++)
        kit_put(&k, i, i); /* everything before is superfluous */
    kit_seal(&k);
    k.n_ends = 1;
    kit_compact(&k);
    size_t n = kit_walk_all(&k, all, 64);
    ck_assert_uint_eq(n, (size_t)k.n_keys + 1);
    ck_assert_int_eq(all[0].producer_id, 42);
    ck_assert_int_eq(all[0].count, 0);
    ck_assert_int_eq(batch_last_offset(&all[0]), last);
    ck_assert_int_eq(all[0].base_offset, last - 2);
    ck_assert_int_eq(all[0].base_sequence, 700);
    ck_assert_int_eq(all[0].last_offset_delta, 2);
    kit_check(&k, (int64_t)k.n, 0);
    kit_check_looking(&k);

    k.n_ends = 0; /* forgotten: nothing needs the header any more */
    kit_put(&k, 1, 1);
    kit_seal(&k);
    kit_compact(&k);
    n = kit_walk_all(&k, all, 64);
    ck_assert_int_ne(all[0].producer_id, 42);
    kit_release(&k);
}
END_TEST

START_TEST(small_segments_become_one)
{
    kit_init(&k);
    fixture_open_new(&k.f);
    for (int i = 0; i < 12; i++) {
        kit_put(&k, i, i);
        kit_seal(&k);
    }
    size_t before = segments();
    kit_compact(&k);
    ck_assert_uint_ge(before, 12);
    ck_assert_uint_eq(k.stats.segments_after, 1);
    ck_assert_uint_eq(segments(), before - 11);
    kit_check(&k, (int64_t)k.n, 0);
    kit_release(&k);

    /* But none becomes larger than a segment may be. */
    kit_init(&k);
    k.n_keys = 100000;
    fixture_open_new(&k.f);
    kit_fill(&k, 200);
    kit_seal(&k);
    kit_compact(&k);
    ck_assert_uint_gt(k.stats.segments_after, 3);
    int64_t bases[256];
    size_t n = fixture_segments(&k.f, bases, 256);
    for (size_t i = 0; i < n; i++) {
        size_t size;
        (void)io_mem_bytes(k.f.mem, fixture_path(&k.f, bases[i], ".log"), &size);
        ck_assert_uint_le(size, 2200); /* a delete horizon makes a batch a few bytes larger */
    }
    kit_release(&k);
}
END_TEST

/* Where everything stays, nothing is exchanged. */
START_TEST(a_segment_without_repetitions_is_left_alone)
{
    kit_init(&k);
    fixture_open_new(&k.f);
    for (int i = 0; i < 15; i++)
        kit_put(&k, i, i);
    kit_seal(&k);
    size_t size;
    const char *path = fixture_path(&k.f, 0, ".log");
    uint8_t *was = io_mem_bytes(k.f.mem, path, &size);
    uint64_t renames = io_mem_calls(k.f.mem, IO_MEM_RENAME);
    kit_compact(&k);
    ck_assert_int_eq(k.stats.clean_to, 15);
    ck_assert_uint_eq(io_mem_calls(k.f.mem, IO_MEM_RENAME) - renames, 2); /* progress, twice */
    ck_assert_ptr_eq(io_mem_bytes(k.f.mem, path, &size), was);
    ck_assert_uint_eq(leftovers(), 0);
    kit_check(&k, 15, 0);
    kit_release(&k);
}
END_TEST

/* ---- readers */

struct held {
    void (*fn)(void *arg);
    void *arg;
};
static struct held held[512];
static size_t n_held;

static void hold(void *ctx, void (*fn)(void *arg), void *arg)
{
    (void)ctx;
    ck_assert_uint_lt(n_held, 512);
    held[n_held++] = (struct held){fn, arg};
}

static void let_go(void)
{
    for (size_t i = 0; i < n_held; i++)
        held[i].fn(held[i].arg);
    n_held = 0;
}

START_TEST(readers_of_before_end_before_files_change_names)
{
    struct plog_slice s;
    uint8_t was[500], is[500];
    kit_init(&k);
    k.f.cfg.retire = hold;
    fixture_open_new(&k.f);
    kit_fill(&k, 40);
    kit_seal(&k);
    let_go();
    ck_assert_ok(plog_read(k.f.log, 0, INT64_MAX, 500, true, &s, NULL));
    ck_assert_int_eq(io_pread(s.file, was, s.len, s.pos), s.len);
    size_t size;
    uint8_t *old = io_mem_bytes(k.f.mem, fixture_path(&k.f, 0, ".log"), &size);

    struct plog_compaction *c = kit_begin(&k);
    int rc;
    do {
        plog_compact_run(c);
        rc = plog_compact_step(k.f.log, c, NULL);
    } while (rc == PLOG_COMPACT_RUN);
    ck_assert_int_eq(rc, PLOG_COMPACT_WAIT);
    ck_assert_int_eq(plog_compact_step(k.f.log, c, NULL), PLOG_COMPACT_WAIT);
    ck_assert_ptr_eq(io_mem_bytes(k.f.mem, fixture_path(&k.f, 0, ".log"), &size), old);
    for (int i = 0; i < 30; i++) { /* so many new segments that old ones are forgotten */
        kit_fill(&k, 5);
        ck_assert_ok(plog_roll(k.f.log, NULL));
        fixture_sync(&k.f, false);
    }
    kit_check_looking(&k); /* the new segment is in force, whatever its file is called */
    let_go();
    ck_assert_int_eq(plog_compact_step(k.f.log, c, NULL), PLOG_COMPACT_RUN);
    while (rc != PLOG_COMPACT_DONE) {
        if (rc == PLOG_COMPACT_WAIT)
            let_go();
        else
            plog_compact_run(c);
        rc = plog_compact_step(k.f.log, c, NULL);
        ck_assert_int_ge(rc, 0);
    }
    plog_compact_stats(c, &k.stats);
    plog_compact_free(k.f.log, c);
    let_go();

    /* And a slice that somebody is still sending is what it was. */
    ck_assert_int_eq(io_pread(s.file, is, s.len, s.pos), s.len);
    ck_assert_mem_eq(is, was, s.len);
    plog_slice_release(&s);
    kit_check(&k, k.stats.clean_to, 0);
    k.f.cfg.retire = NULL;
    kit_reopen(&k);
    let_go();
    kit_check(&k, k.stats.clean_to, 0);
    kit_release(&k);
}
END_TEST

/* A syncing that was begun before writes index files by the names of the segments that it noted:
 * these are replaced when it is over. */
START_TEST(no_index_of_before_is_written_over_the_new_one)
{
    struct plog_syncing *sync;
    struct plog_mark mark;
    int rc;
    kit_init(&k);
    fixture_open_new(&k.f);
    kit_fill(&k, 60);
    ck_assert_ok(plog_roll(k.f.log, NULL));
    plog_mark(k.f.log, &mark);
    ck_assert_ok(plog_set_floor(k.f.log, mark.segment, NULL));
    ck_assert_ok(plog_sync_begin(k.f.log, &sync, NULL));
    struct plog_compaction *c = kit_begin(&k);
    do {
        plog_compact_run(c);
        rc = plog_compact_step(k.f.log, c, NULL);
    } while (rc == PLOG_COMPACT_RUN && !plog_compact_exchanges(c));
    ck_assert_int_eq(rc, PLOG_COMPACT_WAIT);
    ck_assert_int_eq(plog_compact_step(k.f.log, c, NULL), PLOG_COMPACT_WAIT);
    ck_assert(!plog_compact_exchanges(c));
    ck_assert_ok(plog_syncing_run(sync, false, NULL));
    plog_syncing_free(sync);
    ck_assert_int_eq(plog_compact_step(k.f.log, c, NULL), PLOG_COMPACT_RUN);
    ck_assert_ok(kit_finish(&k, c, NULL));
    kit_reopen(&k);
    kit_check(&k, (int64_t)k.n, 0);
    kit_check_looking(&k);
    kit_release(&k);
}
END_TEST

/* Appends, rolls, syncings and a moving log start between any two steps. */
START_TEST(the_log_goes_on_meanwhile)
{
    for (int when = 0; when < 60; when++) {
        kit_init(&k);
        k.f.random = (uint32_t)when;
        k.n_keys = 40;
        k.rules.key_bytes = 40 * 24;
        fixture_open_new(&k.f);
        kit_fill(&k, 80);
        kit_seal(&k);
        struct plog_compaction *c = kit_begin(&k);
        int rc = PLOG_COMPACT_RUN;
        for (int step = 0; rc > 0; step++) {
            plog_compact_run(c);
            rc = plog_compact_step(k.f.log, c, NULL);
            if (step < when)
                continue;
            int64_t start = plog_log_start(k.f.log) + fixture_random(&k.f, 250);
            if (step == when && start < (int64_t)k.n)
                ck_assert_ok(plog_set_log_start(k.f.log, start, NULL));
            kit_fill(&k, 2);
            fixture_sync(&k.f, step % 2);
        }
        ck_assert_int_eq(rc, PLOG_COMPACT_DONE);
        plog_compact_stats(c, &k.stats);
        plog_compact_free(k.f.log, c);
        kit_check(&k, k.stats.clean_to, 0);
        int64_t bases[256];
        size_t n = fixture_segments(&k.f, bases, 256);
        if (n > 1) /* nothing below the log start is left over */
            ck_assert_int_gt(bases[1], plog_log_start(k.f.log));
        kit_reopen(&k);
        kit_check(&k, k.stats.clean_to, 0);
        kit_release(&k);
    }
}
END_TEST

START_TEST(given_up_anywhere_it_leaves_no_trace)
{
    for (int steps = 0;; steps++) {
        kit_init(&k);
        fill_unevenly();
        struct plog_compaction *c = kit_begin(&k);
        int rc = PLOG_COMPACT_RUN;
        for (int i = 0; i < steps && rc > 0; i++) {
            plog_compact_run(c);
            rc = plog_compact_step(k.f.log, c, NULL);
        }
        plog_compact_free(k.f.log, c);
        kit_reopen(&k);
        ck_assert_uint_eq(leftovers(), 0);
        kit_compact(&k); /* and the next one comes to its end */
        kit_check(&k, (int64_t)k.n, 0);
        kit_release(&k);
        if (rc == PLOG_COMPACT_DONE)
            break;
    }
}
END_TEST

/* ---- faults */

START_TEST(a_damaged_segment_is_not_compacted)
{
    for (int i = 0; i < 60; i++) {
        size_t size;
        struct plog_dirt d;
        struct err e;
        kit_init(&k);
        k.f.random = (uint32_t)i;
        fixture_open_new(&k.f);
        kit_fill(&k, 40);
        kit_seal(&k);
        const char *path = fixture_path(&k.f, 0, ".log");
        uint8_t *p = io_mem_bytes(k.f.mem, path, &size);
        size_t at = fixture_random(&k.f, (uint32_t)size);
        p[at] ^= 0x10;
        kit_reopen(&k);
        struct plog_compaction *c = kit_begin(&k);
        int rc = kit_finish(&k, c, &e);
        ck_assert_int_eq(rc, ERR_CORRUPT);
        ck_assert_ptr_nonnull(strstr(e.text, path));
        p = io_mem_bytes(k.f.mem, path, &size);
        p[at] ^= 0x10;
        plog_compact_look(k.f.log, &d);
        ck_assert_uint_eq(d.dirty, 0); /* nor tried again and again */
        ck_assert_uint_eq(leftovers(), 0);
        kit_check(&k, 0, 0);
        kit_release(&k);
    }
}
END_TEST

/* Any call that fails: no reader notices, and a restart has the old log or the new one. */
START_TEST(a_failing_disk_costs_no_record)
{
    static const enum io_mem_call calls[] = {
        IO_MEM_WRITE, IO_MEM_SYNC,     IO_MEM_RENAME, IO_MEM_SYNC_DIR, IO_MEM_OPEN,
        IO_MEM_READ,  IO_MEM_TRUNCATE, IO_MEM_UNLINK, IO_MEM_COMMIT,
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        int64_t fired = 0;
        for (uint64_t nth = 1; nth < 200; nth += nth < 20 ? 1 : 7) {
            struct err e;
            kit_init(&k);
            fill_unevenly();
            io_mem_fail(k.f.mem, calls[i], nth, EIO, 1);
            uint64_t faults = io_mem_faults(k.f.mem);
            int rc = kit_finish(&k, kit_begin(&k), &e);
            bool hit = io_mem_faults(k.f.mem) > faults;
            fired += hit;
            io_mem_fail(k.f.mem, calls[i], 0, 0, 0);
            if (rc < 0)
                ck_assert_msg(strstr(e.text, "/t-0"), "%s", e.text);
            /* Whatever was exchanged before is in force. */
            size_t n;
            free(kit_read(&k, k.f.log, &n));
            kit_check_looking(&k);
            kit_reopen(&k);
            kit_check_looking(&k);
            kit_compact(&k);
            kit_check(&k, (int64_t)k.n, 0);
            ck_assert_uint_eq(leftovers(), 0);
            kit_release(&k);
            if (!hit)
                break;
        }
        if (calls[i] != IO_MEM_TRUNCATE)
            ck_assert_int_gt(fired, 0);
    }
}
END_TEST

START_TEST(a_full_disk_is_tried_again_later)
{
    struct err e;
    struct plog_dirt d;
    kit_init(&k);
    fixture_open_new(&k.f);
    kit_fill(&k, 50);
    kit_seal(&k);
    io_mem_set_space(k.f.mem, 0);
    ck_assert_int_eq(kit_finish(&k, kit_begin(&k), &e), -ENOSPC);
    io_mem_set_space(k.f.mem, UINT64_MAX);
    ck_assert_uint_eq(leftovers(), 0);
    plog_compact_look(k.f.log, &d);
    ck_assert_uint_gt(d.dirty, 0);
    kit_compact(&k);
    kit_check(&k, (int64_t)k.n, 0);
    kit_release(&k);
}
END_TEST

/* ---- what compaction does not understand yet */

START_TEST(a_transaction_is_where_it_ends)
{
    struct batch_builder b;
    struct wr w;
    kit_init(&k);
    fixture_open_new(&k.f);
    for (int i = 0; i < 6; i++)
        kit_put(&k, 1, i);
    wr_init(&w, 0);
    batch_builder_init(&b, BATCH_NONE);
    b.producer_id = 5;
    b.producer_epoch = 0;
    b.base_sequence = 0;
    b.attributes = BATCH_ATTR_TXN;
    batch_builder_add(&b, k.now++, span_str("k1"), span_str("v99"), NULL, 0);
    ck_assert_ok(batch_builder_finish(&b, &w));
    batch_builder_release(&b);
    batch_place(w.buf, 6, 0);
    struct span bytes = span_of(w.buf, w.len);
    ck_assert_ok(plog_append(k.f.log, &bytes, 1, NULL));
    wr_free(&w);
    k.records[k.n] = (struct kit_record){(int64_t)k.n, k.now - 1, 1, 99};
    k.n++;
    for (int i = 0; i < 6; i++)
        kit_put(&k, 1, 100 + i);
    kit_seal(&k);
    kit_compact(&k);
    ck_assert_int_eq(k.stats.clean_to, 6);
    kit_check(&k, 6, 0);
    kit_compact(&k);
    ck_assert_int_eq(k.stats.clean_to, 0);
    kit_check(&k, 6, 0);
    kit_release(&k);
}
END_TEST

UNIT_MAIN(the_last_record_of_each_key_stays, the_active_segment_is_not_touched,
          nothing_is_done_unless_it_pays, what_is_young_stays, little_memory_takes_several_rounds,
          a_tombstone_stays_until_its_time, a_deleted_key_does_not_come_back,
          the_last_batch_of_a_producer_stays_as_a_header, small_segments_become_one,
          a_segment_without_repetitions_is_left_alone,
          readers_of_before_end_before_files_change_names,
          no_index_of_before_is_written_over_the_new_one, the_log_goes_on_meanwhile,
          given_up_anywhere_it_leaves_no_trace, a_damaged_segment_is_not_compacted,
          a_failing_disk_costs_no_record, a_full_disk_is_tried_again_later,
          a_transaction_is_where_it_ends)
