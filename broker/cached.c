#include "broker/cached.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Of Linux 6.5, as linux/mman.h has them since; the same number on every machine. */
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
struct range {
    uint64_t pos, len;
};
struct counts {
    uint64_t cached, dirty, written_back, evicted, lately_evicted;
};

enum { PROBE_EVERY = 64 * 1024 };

static bool byte_is_cached(int fd, uint64_t pos)
{
    char byte;
    struct iovec iov = {&byte, 1};
    return preadv2(fd, &iov, 1, (off_t)pos, RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

static uint64_t pages(uint64_t pos, uint64_t len)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    return (pos + len - 1) / page - pos / page + 1;
}

/* -1: that cannot be told. */
static int count_tells(int fd, uint64_t pos, uint64_t len)
{
    struct range range = {pos, len};
    struct counts counts;
    if (syscall(SYS_cachestat, fd, &range, &counts, 0))
        return -1;
    return counts.cached >= pages(pos, len);
}

/* A byte that is looked for and not there may be read ahead for it: what can be told without that
 * comes first. */
bool cached(int fd, uint64_t pos, uint64_t len)
{
    int all = pages(pos, len) == 1 ? 1 : count_tells(fd, pos, len);
    for (uint64_t at = 0; all < 0 && at < len; at += PROBE_EVERY) {
        if (!byte_is_cached(fd, pos + at))
            return false;
    }
    /* What is read comes in order: the last byte tells of pages that are still under way. */
    return all != 0 && byte_is_cached(fd, pos + len - 1);
}
