/* fault_shim.c - put in front of the C library by LD_PRELOAD: note every call that changes a file
 * of the broker's, and let one of them fail, or be the last thing the process does.
 *
 *   FAULT_ROOT   the data directory, without a link in its path: only what is in it counts
 *   FAULT_TRACE  a file that gets a line "call path" for each of them; " HIT" behind the one below
 *   FAULT_CALL   the call, as it is named here
 *   FAULT_PATH   an extended regular expression; what the path, relative to the root, has to match
 *   FAULT_NTH    which one of those calls
 *   FAULT_WHAT   kill (before it does anything), short (half of the blocks, or of a block's bytes,
 *                are written, and said to be), or an error number (nothing is done)
 *
 * The names are those of programs with 64-bit file offsets on glibc. What needs dlsym cannot fail
 * here: without a library below there is no broker to test.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <regex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum verdict { PASS, FAIL, SHORT };
enum { BLOCK = 4096 };

static const char *root, *call, *what;
static size_t root_len;
static regex_t path_wanted;
static bool armed;
static int trace_fd = -1;
static long nth;
static atomic_long met;

__attribute__((constructor)) static void prepare(void)
{
    const char *trace = getenv("FAULT_TRACE"), *path = getenv("FAULT_PATH"),
               *number = getenv("FAULT_NTH");
    root = getenv("FAULT_ROOT");
    call = getenv("FAULT_CALL");
    what = getenv("FAULT_WHAT");
    root_len = root ? strlen(root) : 0;
    if (trace)
        trace_fd = open(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    nth = number ? strtol(number, NULL, 10) : 0;
    armed = root && call && what && path && nth > 0 &&
            regcomp(&path_wanted, path, REG_EXTENDED | REG_NOSUB) == 0;
}

/* The path below the root; NULL: it is not there. */
static const char *below_root(const char *path)
{
    if (!root || strncmp(path, root, root_len) != 0)
        return NULL;
    if (path[root_len] == 0)
        return ".";
    return path[root_len] == '/' ? path + root_len + 1 : NULL;
}

/* A line in one call, past everything that is intercepted here. */
static void note(const char *name, const char *path, bool hit)
{
    char line[PATH_MAX + 64];
    int n = snprintf(line, sizeof line, "%s %s%s\n", name, path, hit ? " HIT" : "");
    if (trace_fd >= 0 && n > 0 && (size_t)n < sizeof line)
        syscall(SYS_write, trace_fd, line, (size_t)n);
}

static enum verdict judge(const char *name, const char *path)
{
    int before = errno;
    const char *rest = below_root(path);
    if (!rest)
        return PASS;
    bool hit = armed && strcmp(name, call) == 0 && regexec(&path_wanted, rest, 0, NULL, 0) == 0 &&
               atomic_fetch_add(&met, 1) + 1 == nth;
    note(name, rest, hit);
    errno = before;
    if (!hit)
        return PASS;
    if (strcmp(what, "kill") == 0)
        kill(getpid(), SIGKILL);
    if (strcmp(what, "short") == 0)
        return SHORT;
    errno = atoi(what);
    return FAIL;
}

static enum verdict judge_fd(const char *name, int fd)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0)
        return PASS;
    path[n] = 0;
    return judge(name, path);
}

/* ---- calls on paths */

typedef int path_call(const char *);

#define ON_PATH(name)                                         \
    int name(const char *path)                                \
    {                                                         \
        static path_call *below;                              \
        if (!below)                                           \
            below = (path_call *)dlsym(RTLD_NEXT, #name);     \
        return judge(#name, path) == FAIL ? -1 : below(path); \
    }
ON_PATH(unlink)
ON_PATH(rmdir)

int mkdir(const char *path, mode_t mode)
{
    static int (*below)(const char *, mode_t);
    if (!below)
        below = (int (*)(const char *, mode_t))dlsym(RTLD_NEXT, "mkdir");
    return judge("mkdir", path) == FAIL ? -1 : below(path, mode);
}

int rename(const char *from, const char *to)
{
    static int (*below)(const char *, const char *);
    if (!below)
        below = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    return judge("rename", from) == FAIL ? -1 : below(from, to);
}

int open64(const char *path, int flags, ...)
{
    static int (*below)(const char *, int, ...);
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list ap;
        va_start(ap, flags);
        mode = (mode_t)va_arg(ap, int);
        va_end(ap);
    }
    if (!below)
        below = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
    bool changes = flags & (O_CREAT | O_TRUNC);
    return changes && judge("open", path) == FAIL ? -1 : below(path, flags, mode);
}

/* ---- calls on files */

typedef int fd_call(int);

#define ON_FD(name)                                          \
    int name(int fd)                                         \
    {                                                        \
        static fd_call *below;                               \
        if (!below)                                          \
            below = (fd_call *)dlsym(RTLD_NEXT, #name);      \
        return judge_fd(#name, fd) == FAIL ? -1 : below(fd); \
    }
ON_FD(fsync)
ON_FD(fdatasync)
ON_FD(syncfs)

int ftruncate64(int fd, off64_t size)
{
    static int (*below)(int, off64_t);
    if (!below)
        below = (int (*)(int, off64_t))dlsym(RTLD_NEXT, "ftruncate64");
    return judge_fd("ftruncate", fd) == FAIL ? -1 : below(fd, size);
}

int fallocate64(int fd, int mode, off64_t off, off64_t n)
{
    static int (*below)(int, int, off64_t, off64_t);
    if (!below)
        below = (int (*)(int, int, off64_t, off64_t))dlsym(RTLD_NEXT, "fallocate64");
    return judge_fd("fallocate", fd) == FAIL ? -1 : below(fd, mode, off, n);
}

/* Less than all of the bytes: half of the blocks, since what goes past the page cache goes in
 * blocks; of less than two blocks `least` bytes. Gives the number of vectors. */
static int halve(const struct iovec *iov, int n, size_t least, struct iovec *half)
{
    size_t all = 0;
    int k = 0;
    for (int i = 0; i < n; i++)
        all += iov[i].iov_len;
    size_t left = all / BLOCK / 2 * BLOCK;
    if (left == 0)
        left = least < all ? least : all;
    for (; left > 0; k++) {
        half[k] = iov[k];
        if (half[k].iov_len > left)
            half[k].iov_len = left;
        left -= half[k].iov_len;
    }
    return k;
}

ssize_t pwritev64(int fd, const struct iovec *iov, int n, off64_t off)
{
    static ssize_t (*below)(int, const struct iovec *, int, off64_t);
    struct iovec half[IOV_MAX];
    if (!below)
        below = (ssize_t(*)(int, const struct iovec *, int, off64_t))dlsym(RTLD_NEXT, "pwritev64");
    switch (judge_fd("pwritev", fd)) {
    case FAIL:
        return -1;
    case SHORT:
        return below(fd, half, halve(iov, n, 1, half), off);
    case PASS:
        break;
    }
    return below(fd, iov, n, off);
}

ssize_t pwritev64v2(int fd, const struct iovec *iov, int n, off64_t off, int flags)
{
    static ssize_t (*below)(int, const struct iovec *, int, off64_t, int);
    struct iovec half[IOV_MAX];
    int k;
    if (!below)
        below = (ssize_t(*)(int, const struct iovec *, int, off64_t, int))dlsym(RTLD_NEXT,
                                                                                "pwritev64v2");
    switch (judge_fd("pwritev2", fd)) {
    case FAIL:
        return -1;
    case SHORT:
        k = halve(iov, n, 0, half);
        return k ? below(fd, half, k, off, flags) : 0;
    case PASS:
        break;
    }
    return below(fd, iov, n, off, flags);
}
