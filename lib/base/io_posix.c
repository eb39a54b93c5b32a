#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mutant.h"

enum {
    FILE_MODE = 0640,
    DIR_MODE = 0750,
    IOV_PART = 128,         /* vectors handed to one system call */
    LIST_BYTES = 16 * 1024, /* of directory entries taken at once */
    ZEROS = 64 * 1024       /* bytes per write where a file system cannot allocate */
};

struct posix_file {
    struct io_file f;
    int fd;
    bool direct;
    bool unsynced; /* a direct file's: changed by other means than commit since the last sync */
    _Atomic bool untold; /* its file system does not tell what is in memory */
};

static struct posix_file *posix_file(struct io_file *f)
{
    return (struct posix_file *)f;
}
/* Run a system call until no signal cuts it short: that is no failure, whatever the file system. */
#define UNINTERRUPTED(call)                      \
    ({                                           \
        __typeof__(call) unint_r;                \
        do {                                     \
            unint_r = (call);                    \
        } while (unint_r < 0 && errno == EINTR); \
        unint_r;                                 \
    })

static int fd_of(struct io_file *f)
{
    return posix_file(f)->fd;
}

/* Before it is opened, so that lack of memory leaves no new file behind. */
static struct posix_file *file_new(struct io *io)
{
    struct posix_file *p = calloc(1, sizeof *p);
    if (p)
        p->f = (struct io_file){io->ops, io};
    return p;
}

/* fd: open, or a code. */
static int file_opened(struct posix_file *p, int fd, struct io_file **out)
{
    if (fd < 0) {
        free(p);
        return fd;
    }
    p->fd = fd;
    *out = &p->f;
    return 0;
}

static int open_fd(const char *path, int flags)
{
    int fd = UNINTERRUPTED(open(path, flags | O_CLOEXEC, FILE_MODE));
    return fd < 0 ? -errno : fd;
}

/* ---- what a file system keeps of its promises */

enum {
    KEEPS_DSYNC = 1, /* a write past the cache with RWF_DSYNC is durable when it comes back */
    KEEPS_SYNCFS = 2 /* syncfs makes durable what its files hold, and tells of what failed */
};

/* FUSE, 9p, CIFS and others give 0 to calls of which they tell their servers nothing. */
static int kept_by(uint32_t type)
{
    static const struct {
        uint32_t type;
        int keeps;
    } known[] = {
        {0xef53, KEEPS_DSYNC | KEEPS_SYNCFS},     /* ext2, ext3, ext4 */
        {0x58465342, KEEPS_DSYNC | KEEPS_SYNCFS}, /* XFS */
        {0x9123683e, KEEPS_DSYNC | KEEPS_SYNCFS}, /* Btrfs */
        {0xf2f52010, KEEPS_DSYNC | KEEPS_SYNCFS}, /* F2FS */
        {0x01021994, KEEPS_DSYNC | KEEPS_SYNCFS}, /* tmpfs: nothing on it is durable anyway */
        {0x794c7630, KEEPS_DSYNC}, /* overlayfs: writes go to the file below as they are, its
                                    * syncfs passes only some of the dirty files down */
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].type == type)
            return known[i].keeps;
    return MUTANT(any_fs_believed) ? KEEPS_DSYNC | KEEPS_SYNCFS : 0;
}

/* What the file system of an open file keeps; nothing, if that cannot be told. */
static int keeps(int fd)
{
    struct statfs s;
    return UNINTERRUPTED(fstatfs(fd, &s)) ? 0 : kept_by((uint32_t)s.f_type);
}

/* Where that is not believed it becomes a file like others. 1: it stays; 0, or a code. */
static int stays_direct(int fd)
{
    if (keeps(fd) & KEEPS_DSYNC)
        return 1;
    return fcntl(fd, F_SETFL, 0) ? -errno : 0; /* O_DIRECT is the only such flag it may have */
}

static int posix_open(struct io *io, const char *path, int flags, struct io_file **out)
{
    int o = flags & IO_WRITE ? O_RDWR : O_RDONLY;
    o |= flags & IO_CREATE ? O_CREAT : 0;
    o |= flags & IO_EXCL ? O_EXCL : 0;
    o |= flags & IO_TRUNC ? O_TRUNC : 0;
    bool direct = flags & IO_DIRECT;
    struct posix_file *p = file_new(io);
    if (!p)
        return -ENOMEM;
    int fd = open_fd(path, direct ? o | O_DIRECT : o);
    if (fd == -EINVAL && direct) { /* not on this file system */
        direct = false;
        fd = open_fd(path, o & ~O_EXCL);
    }
    int stays = fd >= 0 && direct ? stays_direct(fd) : 0;
    if (stays < 0) {
        close(fd);
        fd = stays;
    }
    p->direct = p->unsynced = stays == 1;
    return file_opened(p, fd, out);
}

static void posix_close(struct io_file *f)
{
    close(fd_of(f));
    free(f);
}

static ssize_t posix_pread(struct io_file *f, void *buf, size_t n, uint64_t off)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(fd_of(f), (uint8_t *)buf + done, n - done, (off_t)(off + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static bool posix_tells_cached(struct io_file *f)
{
    return !atomic_load_explicit(&posix_file(f)->untold, memory_order_relaxed);
}

static ssize_t posix_pread_now(struct io_file *f, void *buf, size_t n, uint64_t off)
{
    struct iovec iov = {buf, n};
    if (!posix_tells_cached(f))
        return posix_pread(f, buf, n, off);
    ssize_t got = UNINTERRUPTED(preadv2(fd_of(f), &iov, 1, (off_t)off, RWF_NOWAIT));
    if (got >= 0 || errno != EOPNOTSUPP)
        return got < 0 ? -errno : got;
    atomic_store_explicit(&posix_file(f)->untold, true, memory_order_relaxed);
    return posix_pread(f, buf, n, off);
}

/* What of a vector is still to be written. */
struct rest {
    const struct iovec *iov;
    int n;
    size_t skip; /* bytes of iov[0] done */
};

static void rest_advance(struct rest *r, size_t done)
{
    r->skip += done;
    while (r->n > 0 && r->skip >= r->iov->iov_len) {
        r->skip -= r->iov->iov_len;
        r->iov++;
        r->n--;
    }
}

static ssize_t write_some(int fd, const struct rest *r, uint64_t off)
{
    struct iovec part[IOV_PART];
    int n = r->n < IOV_PART ? r->n : IOV_PART;
    memcpy(part, r->iov, (size_t)n * sizeof *part);
    part[0].iov_base = (uint8_t *)part[0].iov_base + r->skip;
    part[0].iov_len -= r->skip;
    return pwritev(fd, part, n, (off_t)off);
}

/* Others may be written while they are synced by another thread, and need no such note. */
static void note_unsynced(struct io_file *f, bool unsynced)
{
    if (posix_file(f)->direct)
        posix_file(f)->unsynced = unsynced;
}

static int posix_pwritev(struct io_file *f, const struct iovec *iov, int n, uint64_t off)
{
    struct rest r = {iov, n, 0};
    rest_advance(&r, 0); /* past leading empty ones: nothing left means nothing to write */
    note_unsynced(f, true);
    while (r.n > 0) {
        ssize_t done = write_some(fd_of(f), &r, off);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        if (done == 0)
            return -EIO;
        rest_advance(&r, (size_t)done);
        off += (size_t)done;
    }
    return 0;
}

static int posix_sync(struct io_file *f)
{
    if (UNINTERRUPTED(fdatasync(fd_of(f))))
        return -errno;
    note_unsynced(f, false);
    return 0;
}

static size_t iov_bytes(const struct iovec *iov, int n)
{
    size_t bytes = 0;
    for (int i = 0; i < n; i++)
        bytes += iov[i].iov_len;
    return bytes;
}

/* One call for both. The device may be told to put just these bytes on its medium, so that
 * everything before must be there already. 1: done; 0: the long way, please. */
static int commit_at_once(const struct posix_file *p, const struct iovec *iov, int n, uint64_t off)
{
    if (!p->direct || p->unsynced)
        return 0;
    ssize_t done = pwritev2(p->fd, iov, n, (off_t)off, RWF_DSYNC);
    if (done < 0)
        return errno == EOPNOTSUPP || errno == EINTR ? 0 : -errno;
    return (size_t)done == iov_bytes(iov, n);
}

static int posix_commit(struct io_file *f, const struct iovec *iov, int n, uint64_t off)
{
    int rc = commit_at_once(posix_file(f), iov, n, off);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = posix_pwritev(f, iov, n, off);
    return rc ? rc : posix_sync(f);
}

static int posix_truncate(struct io_file *f, uint64_t size)
{
    note_unsynced(f, true);
    return UNINTERRUPTED(ftruncate(fd_of(f), (off_t)size)) ? -errno : 0;
}

static int posix_fstat(struct io_file *f, struct io_stat *st);

/* Holes before the present end stay holes: writing zeros there could race with a writer. */
static int grow_by_writing(struct io_file *f, uint64_t off, uint64_t n)
{
    static const _Alignas(IO_DIRECT_BLOCK) uint8_t zeros[ZEROS];
    uint64_t end = off + n;
    struct io_stat st = {0};
    int err = posix_fstat(f, &st);
    if (err)
        return err;
    for (uint64_t at = st.size; !err && at < end;) {
        size_t part = end - at < ZEROS ? (size_t)(end - at) : ZEROS;
        struct iovec iov = {(void *)zeros, part};
        err = posix_pwritev(f, &iov, 1, at);
        at += part;
    }
    return err;
}

static int posix_allocate(struct io_file *f, uint64_t off, uint64_t n)
{
    note_unsynced(f, true);
    int r = UNINTERRUPTED(fallocate(fd_of(f), 0, (off_t)off, (off_t)n));
    if (r && errno == EOPNOTSUPP)
        return grow_by_writing(f, off, n);
    return r ? -errno : 0;
}

static void fill_stat(const struct stat *s, struct io_stat *st)
{
    *st = (struct io_stat){
        .size = (uint64_t)s->st_size,
        .blocks = (uint64_t)s->st_blocks * 512,
        .mtime_ms = (int64_t)s->st_mtim.tv_sec * 1000 + s->st_mtim.tv_nsec / 1000000,
        .is_dir = S_ISDIR(s->st_mode),
    };
}

static int posix_fstat(struct io_file *f, struct io_stat *st)
{
    struct stat s;
    if (fstat(fd_of(f), &s))
        return -errno;
    fill_stat(&s, st);
    return 0;
}

static int posix_drop_cache(struct io_file *f)
{
    return -posix_fadvise(fd_of(f), 0, 0, POSIX_FADV_DONTNEED);
}

static int posix_stat(struct io *io, const char *path, struct io_stat *st)
{
    (void)io;
    struct stat s;
    if (stat(path, &s))
        return -errno;
    fill_stat(&s, st);
    return 0;
}

static int posix_rename(struct io *io, const char *from, const char *to)
{
    (void)io;
    return rename(from, to) ? -errno : 0;
}

static int posix_unlink(struct io *io, const char *path)
{
    (void)io;
    return unlink(path) ? -errno : 0;
}

static int posix_mkdir(struct io *io, const char *path)
{
    (void)io;
    return mkdir(path, DIR_MODE) ? -errno : 0;
}

static int posix_rmdir(struct io *io, const char *path)
{
    (void)io;
    return rmdir(path) ? -errno : 0;
}

static int posix_sync_dir(struct io *io, const char *path)
{
    (void)io;
    int fd = open_fd(path, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return fd;
    int err = UNINTERRUPTED(fsync(fd)) ? -errno : 0;
    close(fd);
    return err;
}

/* getdents64 and not readdir: a start lists thousands of small directories, and opendir asks for
 * the state of each, and for memory. */
static int list_fd(int fd, int (*each)(void *ctx, const char *name), void *ctx)
{
    _Alignas(struct dirent64) char buf[LIST_BYTES];
    for (;;) {
        ssize_t n = getdents64(fd, buf, sizeof buf);
        if (n <= 0)
            return n < 0 ? -errno : 0;
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *e = (const void *)(buf + at);
            at += e->d_reclen;
            bool self = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
            int r = self ? 0 : each(ctx, e->d_name);
            if (r)
                return r;
        }
    }
}

static int posix_list(struct io *io, const char *path, int (*each)(void *ctx, const char *name),
                      void *ctx)
{
    (void)io;
    int fd = open_fd(path, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return fd;
    int r = list_fd(fd, each, ctx);
    close(fd);
    return r;
}

/* -ENOTSUP where the kernel, an emulation of one, or a filter of system calls has no such call. */
static int sync_range(struct io_file *f, uint64_t off, uint64_t n, unsigned how)
{
    if (UNINTERRUPTED(sync_file_range(fd_of(f), (off_t)off, (off_t)n, how)) == 0)
        return 0;
    return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM ? -ENOTSUP : -errno;
}

static int posix_write_back(struct io_file *f, uint64_t off, uint64_t n)
{
    unsigned how = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    int rc = sync_range(f, off, n, how);
    return rc == -ENOTSUP ? 0 : rc; /* the sync does it all, then */
}

/* Without WAIT, which would tell of a failed write once and let the next sync succeed. */
static int posix_start_write_back(struct io_file *f, uint64_t off, uint64_t n)
{
    return sync_range(f, off, n, SYNC_FILE_RANGE_WRITE);
}

/* Before Linux 5.8 syncfs tells nobody of pages that could not be written. */
static bool syncfs_tells_of_failures(void)
{
    struct utsname u;
    unsigned major, minor;
    return uname(&u) == 0 && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
           (major > 5 || (major == 5 && minor >= 8));
}

static int posix_sync_fs(struct io_file *f)
{
    if (!(keeps(fd_of(f)) & KEEPS_SYNCFS) || !syncfs_tells_of_failures())
        return -ENOTSUP;
    return UNINTERRUPTED(syncfs(fd_of(f))) ? -errno : 0;
}

static int posix_lock(struct io *io, const char *path, struct io_file **out)
{
    struct posix_file *p = file_new(io);
    if (!p)
        return -ENOMEM;
    int fd = open_fd(path, O_RDWR | O_CREAT);
    if (fd >= 0 && UNINTERRUPTED(flock(fd, LOCK_EX | LOCK_NB))) {
        int err = -errno;
        close(fd);
        fd = err;
    }
    return file_opened(p, fd, out);
}

static int posix_space(struct io *io, const char *path, uint64_t *free_bytes)
{
    (void)io;
    struct statvfs s;
    if (statvfs(path, &s))
        return -errno;
    *free_bytes = (uint64_t)s.f_bavail * s.f_frsize;
    return 0;
}

struct io *io_posix(void)
{
    static const struct io_ops ops = {
        .open = posix_open,
        .close = posix_close,
        .pread = posix_pread,
        .pread_now = posix_pread_now,
        .tells_cached = posix_tells_cached,
        .pwritev = posix_pwritev,
        .sync = posix_sync,
        .commit = posix_commit,
        .truncate = posix_truncate,
        .allocate = posix_allocate,
        .fstat = posix_fstat,
        .drop_cache = posix_drop_cache,
        .fd = fd_of,
        .stat = posix_stat,
        .rename = posix_rename,
        .unlink = posix_unlink,
        .mkdir = posix_mkdir,
        .rmdir = posix_rmdir,
        .sync_dir = posix_sync_dir,
        .list = posix_list,
        .write_back = posix_write_back,
        .start_write_back = posix_start_write_back,
        .sync_fs = posix_sync_fs,
        .lock = posix_lock,
        .space = posix_space,
    };
    static struct io io = {&ops};
    return &io;
}
