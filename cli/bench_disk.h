/* bench_disk.h - the disk's floor: how long a write takes until it is on the medium, one after the
 * other, at increasing positions of a file that was written and synced in full before and is begun
 * anew at its end.
 *
 * That is what a write-ahead log on recycled segments does. It goes through io_commit, as the
 * broker's does: past the page cache and with the sync in the same call, where the file system has
 * that, unless it is not wanted (as with the broker's wal.direct.io=false). At a
 * rate, writes are due at fixed times, and go one after the other all the same.
 */
#ifndef CLI_BENCH_DISK_H
#define CLI_BENCH_DISK_H

#include "cli/bench.h"
#include "cli/bench_stats.h"
#include "cli/bench_usage.h"

struct disk_result {
    struct bench_stats stats;
    int64_t elapsed_ns;
    struct bench_cost cost;
    int64_t write_size, file_size; /* bytes, as used */
    const char *sync_method;       /* how a write and its sync were done; NULL: none was */
    char path[512];
    bool interrupted;
};

/* 0 or a code. ERR_EXISTS: the file is there and was not made by this. */
int disk_execute(const struct bench_options *o, struct disk_result *r, struct err *e);

#endif
