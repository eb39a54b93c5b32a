/* A log is compacted again and again while one thread writes it and others read. Worth most in a
 * build with --enable-sanitize=thread.
 *
 * libcheck's assertions are for one thread; in others `must` ends the test by a signal. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch/records.h"
#include "plog/compact.h"
#include "tests/unit/plog/fixture.h"

enum { READERS = 3, RECORDS = 2400, KEYS = 40, ROLL_EVERY = 200, RETIRED_MAX = 4096, PASSES = 5 };

static struct fixture f;
static _Atomic bool written;

#define must(cond, why)                                                         \
    do {                                                                        \
        if (!(cond)) {                                                          \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #cond, why); \
            abort();                                                            \
        }                                                                       \
    } while (0)

static int key_of(int64_t offset)
{
    return (int)((uint64_t)offset * 2654435761u % 1000003 % KEYS);
}

/* ---- read sections, and what waits for their end */

struct reader {
    pthread_t thread;
    _Atomic uint64_t sections; /* odd: within one */
    uint32_t random;
    uint64_t gaps;
};
static struct reader readers[READERS];

static struct retired {
    void (*fn)(void *arg);
    void *arg;
    uint64_t seen[READERS];
} retired[RETIRED_MAX];
static size_t n_retired;

static void retire(void *ctx, void (*fn)(void *arg), void *arg)
{
    (void)ctx;
    must(n_retired < RETIRED_MAX, "more room");
    struct retired *r = &retired[n_retired++];
    *r = (struct retired){.fn = fn, .arg = arg};
    for (int i = 0; i < READERS; i++)
        r->seen[i] = atomic_load(&readers[i].sections);
}

static bool is_over(const struct retired *r)
{
    for (int i = 0; i < READERS; i++) {
        if (r->seen[i] % 2 && atomic_load(&readers[i].sections) == r->seen[i])
            return false;
    }
    return true;
}

static void free_retired(void)
{
    size_t done = 0;
    while (done < n_retired && is_over(&retired[done])) {
        retired[done].fn(retired[done].arg);
        done++;
    }
    n_retired -= done;
    memmove(retired, retired + done, n_retired * sizeof *retired);
}

static void enter(struct reader *r)
{
    atomic_fetch_add(&r->sections, 1);
}

static void leave(struct reader *r)
{
    atomic_fetch_add(&r->sections, 1);
}

/* ---- readers */

/* The records of a slice, which nobody keeps from being replaced any more. */
static void take_slice(struct reader *r, const struct plog_slice *s, int64_t from,
                       int64_t last[KEYS])
{
    uint8_t *buf = malloc(s->len);
    int64_t next = s->base_offset;
    must(plog_slice_read(s, buf) == s->len, "read");
    for (size_t at = 0; at < s->len;) {
        struct records it;
        struct record record;
        struct batch b;
        struct err e = {0};
        must(batch_verify(span_of(buf + at, s->len - at), &b, &e) == 0, e.text);
        must(b.base_offset >= next, "order");
        r->gaps += b.base_offset > next;
        must(records_init(&it, span_of(buf + at, batch_size(&b)), 1 << 20) == 0, "records");
        while (records_next(&it, &record) > 0) {
            char value[32] = {0};
            memcpy(value, record.value.p, record.value.n);
            must(strtoll(value, NULL, 10) == record.offset, "a record of this offset");
            if (record.offset >= from)
                last[key_of(record.offset)] = record.offset;
        }
        records_release(&it);
        next = batch_last_offset(&b) + 1;
        at += batch_size(&b);
    }
    must(next <= s->next_offset, "the end");
    free(buf);
}

/* What was the latest when it was asked for: later ones of its key may have it compacted away. */
static void find_times(int64_t at)
{
    struct plog_time t;
    struct err e = {0};
    int64_t end = plog_high_watermark(f.log);
    must(plog_find_time(f.log, 1000 + at, end, &t, &e) == 0, e.text);
    must(plog_find_max_time(f.log, end, &t, &e) == 0, e.text);
    must(t.offset == end - 1 || plog_high_watermark(f.log) > end, "the latest record is there");
}

/* From the start to the end: of each key the last record there was, or a later one, is seen. The
 * end is that of the moment when it is reached: a record may go for one that was written since. */
static void read_through(struct reader *r)
{
    int64_t last[KEYS], due[KEYS], end = plog_high_watermark(f.log), at = 0;
    memset(last, -1, sizeof last);
    memset(due, -1, sizeof due);
    for (int64_t o = 0; o < end; o++)
        due[key_of(o)] = o;
    while (at < plog_high_watermark(f.log)) {
        struct plog_slice s;
        struct err e = {0};
        r->random = r->random * 1664525 + 1013904223;
        enter(r);
        int rc = plog_read(f.log, at, plog_high_watermark(f.log), r->random >> 20, true, &s, &e);
        must(rc == 0 && s.len > 0, e.text);
        rc = plog_slice_verify(f.log, &s, &e);
        must(rc == 0, e.text);
        if (r->random % 8 == 0)
            find_times(at);
        leave(r);
        take_slice(r, &s, at, last);
        at = s.next_offset;
        plog_slice_release(&s);
    }
    for (int k = 0; k < KEYS; k++)
        must(last[k] >= due[k], "the last of a key is there");
}

static void *read_all(void *arg)
{
    for (int pass = 0; pass < PASSES || !atomic_load(&written); pass++)
        read_through(arg);
    read_through(arg);
    return NULL;
}

/* ---- the writer, and the thread that runs slices for it */

static void put(int64_t offset)
{
    struct batch_builder b;
    struct wr w;
    char key[16], value[32];
    snprintf(key, sizeof key, "k%d", key_of(offset));
    snprintf(value, sizeof value, "%lld", (long long)offset);
    wr_init(&w, 0);
    batch_builder_init(&b, offset % 7 ? BATCH_NONE : BATCH_LZ4);
    batch_builder_add(&b, 1000 + offset, span_str(key), span_str(value), NULL, 0);
    ck_assert_ok(batch_builder_finish(&b, &w));
    batch_builder_release(&b);
    batch_place(w.buf, offset, 1);
    struct span bytes = span_of(w.buf, w.len);
    ck_assert_ok(plog_append(f.log, &bytes, 1, NULL));
    plog_set_high_watermark(f.log, offset + 1);
    wr_free(&w);
}

struct slice {
    pthread_t thread;
    struct plog_compaction *c;
    bool running;
    _Atomic bool done;
    int next;
};

static void *run_slice(void *arg)
{
    struct slice *s = arg;
    plog_compact_run(s->c);
    atomic_store(&s->done, true);
    return NULL;
}

static void start_slice(struct slice *s)
{
    atomic_store(&s->done, false);
    s->running = true;
    ck_assert_int_eq(pthread_create(&s->thread, NULL, run_slice, s), 0);
}

/* 1: a compaction came to its end. */
static int advance(struct slice *s)
{
    struct err e;
    if (!s->c || (s->running && !atomic_load(&s->done)))
        return 0;
    if (s->running)
        pthread_join(s->thread, NULL);
    s->running = false;
    s->next = plog_compact_step(f.log, s->c, &e);
    ck_assert_msg(s->next >= 0, "%s", e.text);
    if (s->next == PLOG_COMPACT_RUN)
        start_slice(s);
    if (s->next != PLOG_COMPACT_DONE)
        return 0;
    plog_compact_free(f.log, s->c);
    s->c = NULL;
    return 1;
}

static void begin(struct slice *s)
{
    struct plog_compact_rules rules = {.max_lag_ms = INT64_MAX, .key_bytes = 1 << 16};
    struct plog_mark mark;
    ck_assert_ok(plog_roll(f.log, NULL));
    plog_mark(f.log, &mark);
    ck_assert_ok(plog_set_floor(f.log, mark.segment, NULL));
    ck_assert_ok(plog_compact_begin(f.log, &rules, &s->c, NULL));
    start_slice(s);
}

/* Wait for the one that is under way. */
static int finish(struct slice *s)
{
    int done = 0;
    while (s->c) {
        done += advance(s);
        free_retired();
        sched_yield();
    }
    return done;
}

START_TEST(readers_never_miss_a_key)
{
    struct slice s = {.c = NULL};
    int compactions = 0;
    fixture_init_posix(&f);
    f.cfg.retire = retire;
    fixture_open_new(&f);
    put(0);
    for (int i = 0; i < READERS; i++) {
        readers[i].random = (uint32_t)i;
        ck_assert_int_eq(pthread_create(&readers[i].thread, NULL, read_all, &readers[i]), 0);
    }
    for (int64_t offset = 1; offset < RECORDS; offset++) {
        put(offset);
        compactions += advance(&s);
        free_retired();
        if (offset % ROLL_EVERY)
            continue;
        compactions += finish(&s);
        begin(&s);
    }
    compactions += finish(&s);
    atomic_store(&written, true);
    uint64_t gaps = 0;
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        gaps += readers[i].gaps;
    }
    free_retired();
    ck_assert_uint_eq(n_retired, 0);
    ck_assert_int_eq(compactions, (RECORDS - 1) / ROLL_EVERY);
    ck_assert_uint_gt(gaps, 0);
    fixture_release(&f);
}
END_TEST

UNIT_MAIN(readers_never_miss_a_key)
