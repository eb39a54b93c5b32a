/* write_ways.c - what a group of large batches costs the disk, by the ways in which a broker could
 * make it durable. An experiment for docs/performance.md, not run by make check.
 *
 *   write_ways DIR LOGS GROUP-KIB SECONDS ROUNDS [THREADS]
 *
 *   once    the group into a recycled log, past the page cache, synced; nowhere else. The limit.
 *   twice   the same, then each log's part into its file, of which write-back is begun as it grows:
 *           what Chronik does
 *   refer   each log's part into its file, all files synced by THREADS (4) at once; then a reference
 *           of 4 KiB into the recycled log, synced: every byte is written once, but two syncs
 *           wait for each other. The files grow by their writes.
 *   refer+  the same, the files allocated before
 *
 * The ways take turns, round after round; a line is the median of a way's rounds and their range.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    LOGS_MOST = 256,
    THREADS_MOST = 64,
    ROUNDS_MOST = 100,
    REFERENCE = 4096,
    WRITE_BACK = 512 << 10,
    RECYCLED = 256 << 20,
    ALLOCATED = 1 << 30, /* for each log together: a round that is faster than that ends early */
};

struct way {
    const char *name;
    bool in_wal, in_logs, logs_synced, allocated;
};

static const struct way WAYS[] = {
    {"once", .in_wal = true},
    {"twice", .in_wal = true, .in_logs = true},
    {"refer", .in_logs = true, .logs_synced = true},
    {"refer+", .in_logs = true, .logs_synced = true, .allocated = true},
};
enum { WAYS_N = sizeof(WAYS) / sizeof(*WAYS) };

static const char *dir;
static size_t logs, group, threads = 4;
static char *bytes;
static int wal, files[LOGS_MOST];
static off_t wal_at, at[LOGS_MOST];
static pthread_barrier_t begin, done;
static bool over;

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void write_at(int fd, size_t n, off_t where)
{
    check(pwrite(fd, bytes, n, where) == (ssize_t)n, "write");
}

static void into_wal(size_t n)
{
    if (wal_at + (off_t)n > RECYCLED)
        wal_at = 0;
    struct iovec all = {bytes, n};
    check(pwritev2(wal, &all, 1, wal_at, RWF_DSYNC) == (ssize_t)n, "write that syncs");
    wal_at += (off_t)n;
}

static void into_log(size_t i, bool synced)
{
    size_t part = group / logs;
    off_t before = at[i] / WRITE_BACK;
    write_at(files[i], part, at[i]);
    at[i] += (off_t)part;
    off_t whole = at[i] / WRITE_BACK;
    if (synced)
        check(fdatasync(files[i]) == 0, "fdatasync");
    else if (whole > before)
        check(sync_file_range(files[i], before * WRITE_BACK, (whole - before) * WRITE_BACK,
                              SYNC_FILE_RANGE_WRITE) == 0,
              "sync_file_range");
}

/* Thread t of those that write and sync the logs has every THREADS-th. */
static void *sync_logs(void *arg)
{
    for (;;) {
        pthread_barrier_wait(&begin);
        if (over)
            return NULL;
        for (size_t i = (size_t)(uintptr_t)arg; i < logs; i += threads)
            into_log(i, true);
        pthread_barrier_wait(&done);
    }
}

static void one_group(const struct way *w)
{
    if (w->in_wal)
        into_wal(group);
    if (w->logs_synced) {
        pthread_barrier_wait(&begin);
        pthread_barrier_wait(&done);
        into_wal(REFERENCE);
    } else if (w->in_logs) {
        for (size_t i = 0; i < logs; i++)
            into_log(i, false);
    }
}

static int open_new(const char *name, size_t i, int flags)
{
    char path[4096];
    check(snprintf(path, sizeof path, "%s/%s-%zu", dir, name, i) < (int)sizeof path, "path");
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | flags, 0644);
    check(fd >= 0, path);
    check(unlink(path) == 0, path);
    return fd;
}

/* Megabytes (10^6) a second of WAY, in files of its own. */
static double measure(const struct way *w, double seconds)
{
    for (size_t i = 0; i < logs; i++) {
        files[i] = open_new("log", i, 0);
        at[i] = 0;
        if (w->allocated)
            check(posix_fallocate(files[i], 0, ALLOCATED / (off_t)logs) == 0, "allocate");
        check(fsync(files[i]) == 0, "fsync");
    }
    uint64_t written = 0;
    double began = now(), took;
    do {
        one_group(w);
        written += group;
        took = now() - began;
    } while (took < seconds && (!w->allocated || written + group <= ALLOCATED));
    for (size_t i = 0; i < logs; i++)
        close(files[i]);
    return (double)written / took / 1e6;
}

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
    double rate[WAYS_N][ROUNDS_MOST];
    pthread_t syncing[THREADS_MOST];
    if (argc < 6 || argc > 7) {
        fprintf(stderr, "usage: write_ways DIR LOGS GROUP-KIB SECONDS ROUNDS [THREADS]\n");
        return 2;
    }
    dir = argv[1];
    logs = strtoul(argv[2], NULL, 10);
    group = strtoul(argv[3], NULL, 10) << 10;
    double seconds = strtod(argv[4], NULL);
    size_t rounds = strtoul(argv[5], NULL, 10);
    if (argc > 6)
        threads = strtoul(argv[6], NULL, 10);
    if (logs < 1 || logs > LOGS_MOST || group < REFERENCE || group % REFERENCE ||
        group > RECYCLED || rounds < 1 || rounds > ROUNDS_MOST || threads < 1 ||
        threads > THREADS_MOST || !(seconds > 0)) {
        fprintf(stderr,
                "write_ways: out of bounds: at most %d LOGS, 4 to %d KiB, %d ROUNDS, %d THREADS\n",
                LOGS_MOST, RECYCLED >> 10, ROUNDS_MOST, THREADS_MOST);
        return 2;
    }
    check((bytes = aligned_alloc(REFERENCE, group)) != NULL, "memory");
    memset(bytes, 'x', group);
    wal = open_new("wal", 0, O_DIRECT);
    for (off_t o = 0; o + (off_t)group <= RECYCLED; o += (off_t)group)
        write_at(wal, group, o);
    check(fsync(wal) == 0, "fsync");
    pthread_barrier_init(&begin, NULL, (unsigned)threads + 1);
    pthread_barrier_init(&done, NULL, (unsigned)threads + 1);
    for (size_t t = 0; t < threads; t++)
        check(pthread_create(&syncing[t], NULL, sync_logs, (void *)(uintptr_t)t) == 0, "thread");

    for (size_t r = 0; r < rounds; r++)
        for (size_t w = 0; w < WAYS_N; w++)
            rate[w][r] = measure(&WAYS[w], seconds);

    over = true;
    pthread_barrier_wait(&begin);
    for (size_t t = 0; t < threads; t++)
        pthread_join(syncing[t], NULL);
    for (size_t w = 0; w < WAYS_N; w++) {
        qsort(rate[w], rounds, sizeof(double), ascending);
        double median = rate[w][rounds / 2];
        printf("%-7s %5.0f MB/s (%.0f-%.0f), %.2f ms a group\n", WAYS[w].name, median, rate[w][0],
               rate[w][rounds - 1], (double)group / median / 1e3);
    }
    free(bytes);
    return 0;
}
