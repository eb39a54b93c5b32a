#include "cli/bench_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "cli/bench_pace.h"

enum { BLOCK = 4096, PREPARE_CHUNK = 1 << 20 };

/* Every write begins with it, so that the file is known again and no other file is ever
 * overwritten. */
static const char mark[] = "chronik-bench disk test: this file may be deleted\n";

static volatile sig_atomic_t interrupted;
static void on_signal(int sig)
{
    (void)sig;
    interrupted = 1;
}

static int64_t round_up(int64_t n, int64_t to)
{
    return (n + to - 1) / to * to;
}

static int64_t now_ns(void)
{
    return clock_system()->mono_ns(clock_system());
}

/* Bytes no file system or drive can shrink. */
static uint8_t *make_block(size_t n)
{
    uint8_t *p = aligned_alloc(BLOCK, n);
    uint64_t x = 0x2545f4914f6cdd1d;
    if (!p)
        return NULL;
    for (size_t i = 0; i + sizeof x <= n; i += sizeof x) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(p + i, &x, sizeof x);
    }
    memcpy(p, mark, sizeof mark);
    return p;
}

/* A file that is there must be one of ours. */
static int open_file(struct io_file **f, const char *path, bool direct, struct err *e)
{
    _Alignas(BLOCK) uint8_t head[BLOCK];
    int how = direct ? IO_WRITE | IO_DIRECT : IO_WRITE;
    int rc = io_open(io_posix(), path, how | IO_CREATE | IO_EXCL, f);
    if (!rc)
        return 0;
    if (rc != -EEXIST)
        return err_code(e, rc, "%s", path);
    rc = io_open(io_posix(), path, how, f);
    if (rc)
        return err_code(e, rc, "%s", path);
    ssize_t n = io_pread(*f, head, sizeof head, 0);
    if (n < 0)
        return err_code(e, (int)n, "%s", path);
    if ((size_t)n < sizeof mark || memcmp(head, mark, sizeof mark) != 0)
        return err_set(e, ERR_EXISTS, "%s: is there and is no file of a disk test: not overwritten",
                       path);
    return 0;
}

/* Behind what the whole file was written with stands a block that says how much that is: a file of
 * the same size may as well have been left by a preparation that was cut short. */
static void make_trailer(uint8_t *block, int64_t size)
{
    memset(block, 0, BLOCK);
    snprintf((char *)block, BLOCK, "chronik-bench disk test: the %lld bytes before are written\n",
             (long long)size);
}

static bool is_whole(struct io_file *f, int64_t size)
{
    _Alignas(BLOCK) uint8_t want[BLOCK], got[BLOCK];
    struct io_stat st;
    if (io_fstat(f, &st) || (int64_t)st.size < size + BLOCK || st.size % BLOCK)
        return false;
    make_trailer(want, (int64_t)st.size - BLOCK);
    return io_pread(f, got, BLOCK, st.size - BLOCK) == BLOCK && !memcmp(want, got, BLOCK);
}

static int fill(struct io_file *f, int64_t size)
{
    _Alignas(BLOCK) uint8_t trailer[BLOCK];
    uint8_t *p = make_block(PREPARE_CHUNK);
    int rc = p ? io_truncate(f, (uint64_t)size) : -ENOMEM;
    if (!rc)
        rc = io_allocate(f, 0, (uint64_t)size + BLOCK);
    for (int64_t at = 0; at < size && !rc && !interrupted; at += PREPARE_CHUNK) {
        int64_t n = size - at < PREPARE_CHUNK ? size - at : PREPARE_CHUNK;
        rc = io_pwrite(f, p, (size_t)n, (uint64_t)at);
    }
    free(p);
    if (!rc)
        rc = io_sync(f);
    make_trailer(trailer, size);
    return rc || interrupted ? rc : io_pwrite(f, trailer, BLOCK, (uint64_t)size);
}

/* Write and sync the whole file once, so that what is measured allocates nothing. A file that was
 * kept is written already. */
static int prepare(struct io_file *f, int64_t size, const char *path, struct err *e)
{
    int rc = is_whole(f, size) ? 0 : fill(f, size);
    if (!rc)
        rc = io_sync(f);
    if (!rc) /* large writes leave large pages behind, which make small syncs slower */
        rc = io_drop_cache(f);
    return rc ? err_code(e, rc, "%s: cannot prepare %lld bytes", path, (long long)size) : 0;
}

/* Does the file system take a write and its sync in one call? */
static bool syncs_at_once(struct io_file *f)
{
    struct iovec iov = {make_block(BLOCK), BLOCK};
    bool yes = iov.iov_base && pwritev2(io_fd(f), &iov, 1, 0, RWF_DSYNC) == BLOCK;
    free(iov.iov_base);
    return yes;
}

/* What io_commit makes of a write to a file that was synced: the file system has a say. */
static const char *method_of(struct io_file *f)
{
    int flags = fcntl(io_fd(f), F_GETFL);
    if (flags < 0 || !(flags & O_DIRECT))
        return "pwrite, fdatasync";
    return syncs_at_once(f) ? "O_DIRECT, RWF_DSYNC" : "O_DIRECT, fdatasync";
}

static void sleep_until(int64_t at_ns)
{
    struct timespec at = {.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000};
    while (!interrupted && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

/* A test that runs. */
struct test {
    const struct bench_options *o;
    struct disk_result *r;
    struct pace pace; /* of an open loop */
    int64_t start, warm, end;
    struct bench_usage first; /* when measuring began; at_ns 0: it has not */
};

/* When the next write is due: now, in a closed loop. Waits until then. */
static int64_t next_due(struct test *t)
{
    if (!t->o->rate)
        return now_ns();
    int64_t due = t->start + pace_next(&t->pace);
    if (due < t->end)
        sleep_until(due);
    return due;
}

/* Due before the end: a device that stands still for long must not make the test last for ever. */
static bool is_over(const struct test *t, int64_t due)
{
    int64_t grace = t->o->request_timeout_ms * 1000000;
    return interrupted || due >= t->end ||
           (t->end < INT64_MAX - grace && now_ns() >= t->end + grace) ||
           (t->o->count && t->r->stats.records >= (uint64_t)t->o->count);
}

/* A write has been made. */
static void count(struct test *t, int64_t due, int64_t sent, int64_t done)
{
    struct disk_result *r = t->r;
    if (due < t->warm)
        return;
    if (!t->first.at_ns)
        bench_usage_read(&t->first, due);
    hdr_record(&r->stats.latency, (uint64_t)(done - due));
    hdr_record(&r->stats.service, (uint64_t)(done - sent));
    r->stats.requests++;
    r->stats.records++;
    r->stats.bytes += (uint64_t)r->write_size;
    r->elapsed_ns = done - t->first.at_ns;
}

/* Those that were due and never begun have failed. */
static void count_unbegun(struct test *t)
{
    const struct bench_options *o = t->o;
    uint64_t begun = pace_number(&t->pace), due = 0;
    if (o->rate && o->duration_ms && !o->count && !interrupted)
        due = (uint64_t)((double)(t->end - t->start) * (double)o->rate / 1e9);
    if (due <= begun)
        return;
    t->r->stats.failed_requests = t->r->stats.failed_records = due - begun;
}

static int measure(struct io_file *f, const struct bench_options *o, struct disk_result *r,
                   struct err *e)
{
    struct test t = {.o = o, .r = r, .start = now_ns()};
    struct iovec iov = {make_block((size_t)r->write_size), (size_t)r->write_size};
    struct bench_usage last;
    int64_t at = 0, due;
    int rc = iov.iov_base ? 0 : err_code(e, -ENOMEM, "buffer");
    t.warm = t.start + o->warmup_ms * 1000000;
    t.end = o->duration_ms ? t.warm + o->duration_ms * 1000000 : INT64_MAX;
    pace_init(&t.pace, o->rate, 1, 1, 0, 1);
    while (!rc && (due = next_due(&t), !is_over(&t, due))) {
        int64_t sent = now_ns();
        rc = io_commit(f, &iov, 1, (uint64_t)at);
        if (rc)
            err_code(e, rc, "%s: write or sync", r->path);
        else
            count(&t, due, o->rate ? sent : due, now_ns());
        at += r->write_size;
        if (at + r->write_size > r->file_size)
            at = 0;
        pace_advance(&t.pace);
    }
    count_unbegun(&t);
    bench_usage_read(&last, now_ns());
    if (t.first.at_ns)
        r->cost = bench_cost_between(&t.first, &last);
    free(iov.iov_base);
    return rc;
}

int disk_execute(const struct bench_options *o, struct disk_result *r, struct err *e)
{
    struct io_file *f = NULL;
    memset(r, 0, sizeof *r);
    bench_stats_init(&r->stats);
    r->write_size = round_up(o->message_size ? o->message_size : 1, BLOCK);
    r->file_size = round_up(o->file_size > r->write_size ? o->file_size : r->write_size, BLOCK);
    int n = o->file
                ? snprintf(r->path, sizeof r->path, "%s", o->file)
                : snprintf(r->path, sizeof r->path, "%s/chronik-bench.%d", o->dir, (int)getpid());
    if (n < 0 || (size_t)n >= sizeof r->path)
        return err_set(e, ERR_TOOBIG, "%s: the path is too long", o->file ? o->file : o->dir);
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    int rc = open_file(&f, r->path, o->direct, e);
    bool ours = !rc;
    if (!rc)
        rc = prepare(f, r->file_size, r->path, e);
    if (!rc)
        r->sync_method = method_of(f);
    if (!rc)
        rc = measure(f, o, r, e);
    io_close(f);
    if (ours && !o->file)
        io_unlink(io_posix(), r->path);
    r->interrupted = interrupted;
    return rc;
}
