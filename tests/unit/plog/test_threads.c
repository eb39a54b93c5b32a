/* One writer, several readers. Worth most in a build with --enable-sanitize=thread.
 *
 * libcheck's assertions are for one thread; in others `must` ends the test by a signal. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/plog/fixture.h"

enum { READERS = 3, BATCHES = 4000, JUMPS = 60, RETIRED_MAX = 200000 };

static struct fixture f;

#define must(cond, why)                                                         \
    do {                                                                        \
        if (!(cond)) {                                                          \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #cond, why); \
            abort();                                                            \
        }                                                                       \
    } while (0)

/* Nothing is freed before the readers have ended. */
struct retired {
    void (*fn)(void *arg);
    void *arg;
};
static struct retired retired[RETIRED_MAX];
static size_t n_retired;

static void retire(void *ctx, void (*fn)(void *arg), void *arg)
{
    (void)ctx;
    must(n_retired < RETIRED_MAX, "more room");
    retired[n_retired++] = (struct retired){fn, arg};
}

static void free_retired(void)
{
    for (size_t i = 0; i < n_retired; i++)
        retired[i].fn(retired[i].arg);
    n_retired = 0;
}

/* The batches of a slice are whole and follow each other. */
static void check_slice(struct plog_slice *s)
{
    uint8_t *buf = malloc(s->len);
    int64_t next = s->base_offset;
    must(plog_slice_read(s, buf) == s->len, "read");
    for (size_t at = 0; at < s->len;) {
        struct batch b;
        struct err e = {0};
        must(batch_verify(span_of(buf + at, s->len - at), &b, &e) == 0, e.text);
        must(b.base_offset == next, "continuity");
        next = batch_last_offset(&b) + 1;
        at += batch_size(&b);
    }
    must(next == s->next_offset, "the end");
    free(buf);
}

struct reader {
    pthread_t thread;
    int64_t lag; /* how far it jumps back now and then */
    int jumps;
    uint64_t slices;
};

/* Trimming may take away what is just being looked for. */
static bool trimmed_since(int64_t start)
{
    return plog_log_start(f.log) > start;
}

static void ask_for_times(int64_t at, int64_t hw, int64_t start)
{
    struct plog_time t;
    struct err e = {0};
    must(plog_find_time(f.log, 1000 + at, hw, &t, &e) == 0, e.text);
    must(t.offset < 0 || t.offset >= start, "a time above the start");
    must(plog_find_max_time(f.log, hw, &t, &e) == 0, e.text);
    must(t.offset < 0 || t.offset >= start, "a time above the start");
    (void)plog_bytes(f.log);
    (void)plog_epoch_of(f.log, at);
}

/* Read one slice and give the offset to go on with. */
static int64_t read_once(struct reader *r, int64_t at)
{
    struct plog_slice s;
    struct err e = {0};
    int64_t hw = plog_high_watermark(f.log), start = plog_log_start(f.log);
    if (at < start)
        return start;
    int rc = plog_read_now(f.log, at, hw, 3000, true, &s, &e);
    if (rc == -EAGAIN)
        rc = plog_read(f.log, at, hw, 3000, true, &s, &e);
    must(rc == 0 || (rc == ERR_OFFSET && trimmed_since(start)), e.text);
    if (rc < 0 || s.len == 0)
        return at;
    check_slice(&s);
    must(s.base_offset <= at && s.next_offset > at && s.next_offset <= hw, "bounds");
    at = s.next_offset;
    plog_slice_release(&s);
    if (++r->slices % 50 == 0)
        ask_for_times(at, hw, start);
    if (at > r->lag && r->slices % 10 == 0 && r->jumps++ < JUMPS)
        at -= r->lag;
    return at;
}

static void *read_all(void *arg)
{
    int64_t at = 0;
    while (at < BATCHES)
        at = read_once(arg, at);
    return NULL;
}

/* Syncings run in a thread of their own, one after the other. */
static void *run_syncing(void *arg)
{
    struct err e = {0};
    must(plog_syncing_run(arg, false, &e) == 0, e.text);
    return NULL;
}

static struct plog_syncing *sync_in_thread(pthread_t *thread)
{
    struct plog_syncing *s;
    ck_assert_ok(plog_sync_begin(f.log, &s, NULL));
    if (s)
        ck_assert_int_eq(pthread_create(thread, NULL, run_syncing, s), 0);
    return s;
}

static void finish(struct plog_syncing *s, pthread_t thread)
{
    if (!s)
        return;
    pthread_join(thread, NULL);
    plog_syncing_free(s);
}

static void write_all(bool trim)
{
    struct plog_syncing *s = NULL;
    pthread_t thread;
    size_t from = 0;
    while (f.n < BATCHES) {
        fixture_make(&f, 1, fixture_random(&f, 60), 1000 + (int64_t)f.n, 0, (int32_t)(f.n / 500));
        if (fixture_random(&f, 3) && f.n < BATCHES)
            continue;
        fixture_append(&f, from);
        from = f.n;
        if (fixture_random(&f, 200) == 0 || f.n == BATCHES) {
            finish(s, thread);
            s = sync_in_thread(&thread);
        }
        if (trim && fixture_random(&f, 100) == 0 && fixture_end(&f) > 1500)
            ck_assert_ok(plog_set_log_start(f.log, fixture_end(&f) - 1500, NULL));
    }
    finish(s, thread);
}

static void run(bool trim, bool buffered)
{
    struct reader r[READERS] = {{.lag = 0}, {.lag = 50}, {.lag = 700}};
    fixture_init_posix(&f);
    f.cfg.retire = retire;
    f.cfg.buffered = buffered;
    fixture_open_new(&f);
    ck_assert_ok(plog_set_floor(f.log, INT64_MAX, NULL));
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_create(&r[i].thread, NULL, read_all, &r[i]), 0);
    write_all(trim);
    for (int i = 0; i < READERS; i++) {
        pthread_join(r[i].thread, NULL);
        ck_assert_uint_gt(r[i].slices, 0);
    }
    free_retired();
    f.cfg.retire = NULL;
    fixture_check_all(&f);
    fixture_release(&f);
}

START_TEST(readers_and_a_writer)
{
    run(false, false);
}
END_TEST

START_TEST(readers_and_a_writer_that_trims)
{
    run(true, false);
}
END_TEST

START_TEST(readers_and_a_writer_that_gathers)
{
    run(false, true);
    run(true, true);
}
END_TEST

/* Many threads want what is not loaded yet: one load stays. */
static void *read_cold(void *arg)
{
    (void)arg;
    for (int64_t at = 0; at < fixture_end(&f);) {
        struct plog_slice s;
        struct err e = {0};
        must(plog_read(f.log, at, INT64_MAX, 500, true, &s, &e) == 0, e.text);
        must(plog_slice_verify(f.log, &s, &e) == 0, e.text);
        at = s.next_offset;
        plog_slice_release(&s);
    }
    return NULL;
}

START_TEST(threads_load_the_same_segments)
{
    struct plog_mark mark;
    pthread_t thread[READERS];
    fixture_init_posix(&f);
    fixture_open_new(&f);
    fixture_fill(&f, 300);
    fixture_sync(&f, false);
    fixture_fill(&f, 10);
    plog_mark(f.log, &mark);
    fixture_reopen(&f, &mark);
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, read_cold, NULL), 0);
    for (int i = 0; i < READERS; i++)
        pthread_join(thread[i], NULL);
    fixture_check_all(&f);
    fixture_release(&f);
}
END_TEST

UNIT_MAIN(readers_and_a_writer, readers_and_a_writer_that_trims, readers_and_a_writer_that_gathers,
          threads_load_the_same_segments)
