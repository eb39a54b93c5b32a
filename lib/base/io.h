/* io.h - the disk, behind a table of functions: the seam where tests put a disk of their own.
 *
 * Everything below lib/shard touches files through a struct io and nothing else, so that the same
 * code runs on the real disk (io_posix), on a disk in memory that can lose power (io_mem), and
 * under a recorder or an injector of faults. Paths are whole paths; a struct io_file is an open
 * file. All functions return >= 0 or a negated errno. A short transfer is never reported as
 * success: read gives the bytes read (fewer only at the end of the file), write and commit all or
 * an error (-EIO when the system wrote fewer bytes without saying why). Functions on different
 * files may run in different threads at the same time; pread and pwrite on one file too.
 *
 * A sync that gives -EMFILE or -ENFILE was not begun (sync_dir and sync_fs open what they sync): it
 * may be tried again, while any other failed sync leaves nobody knowing what the disk holds.
 *
 * Durability follows POSIX as ext4 and XFS keep it: file content and size are durable after sync
 * (fdatasync) on the file; a created, renamed or removed name after sync_dir on its directory.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct io;
struct io_file;

enum io_open_flags {
    IO_READ = 0,
    IO_WRITE = 1,  /* read and write */
    IO_CREATE = 2, /* with IO_WRITE: create, mode 0640 */
    IO_EXCL = 4,   /* with IO_CREATE: -EEXIST if it is there */
    IO_TRUNC = 8,  /* with IO_WRITE */
    IO_DIRECT = 16 /* with IO_WRITE: past the page cache where the file system can and
                    * is known to keep RWF_DSYNC: ext2 to ext4, XFS, Btrfs, F2FS, tmpfs, and
                    * overlayfs, which hands it to the one below. Addresses,
                    * lengths and offsets of what is written are multiples of IO_DIRECT_BLOCK. */
};
enum { IO_DIRECT_BLOCK = 4096 };

struct io_stat {
    uint64_t size;    /* bytes */
    uint64_t blocks;  /* bytes of disk space in use */
    int64_t mtime_ms; /* ms since 1970 */
    bool is_dir;
};

struct io_ops {
    int (*open)(struct io *io, const char *path, int flags, struct io_file **out);
    /* Errors of close are ignored: what must be durable was synced before. f is gone after it. */
    void (*close)(struct io_file *f);
    ssize_t (*pread)(struct io_file *f, void *buf, size_t n, uint64_t off);
    /* What of it is in memory, from the beginning on: fewer bytes do not mean the end of the file.
     * -EAGAIN: nothing is. NULL: pread makes nobody wait. */
    ssize_t (*pread_now)(struct io_file *f, void *buf, size_t n, uint64_t off);
    /* Can that be told? Where it cannot (overlayfs, for one), pread_now waits like pread, which the
     * first one of a file finds out. NULL: no. */
    bool (*tells_cached)(struct io_file *f);
    int (*pwritev)(struct io_file *f, const struct iovec *iov, int n, uint64_t off);
    /* fdatasync. After a failure the file's unsynced bytes are in an unknown state. */
    int (*sync)(struct io_file *f);
    /* pwritev and sync in one: the only call on the path of an acknowledgement. What was written
     * to the file before is durable then, too. */
    int (*commit)(struct io_file *f, const struct iovec *iov, int n, uint64_t off);
    int (*truncate)(struct io_file *f, uint64_t size);
    /* Reserve space for [off, off + n) and grow the file to cover it; -ENOSPC if there is none. */
    int (*allocate)(struct io_file *f, uint64_t off, uint64_t n);
    int (*fstat)(struct io_file *f, struct io_stat *st);
    /* Forget the cached pages of a file, so that the next read comes from the disk. Unsynced pages
     * may stay. */
    int (*drop_cache)(struct io_file *f);
    /* Have [off, off + n) written back and wait for it. Promises nothing: what is to be durable is
     * synced after it, and then has little left to do. */
    int (*write_back)(struct io_file *f, uint64_t off, uint64_t n);
    /* Have the system begin to write [off, off + n) back, and wait for nothing. Promises nothing:
     * what fails later is told by the next sync, from which this takes nothing away. -ENOTSUP where
     * it cannot be asked for; any other failure is like that of a sync. */
    int (*start_write_back)(struct io_file *f, uint64_t off, uint64_t n);
    /* syncfs on the file system that holds f, a file or a directory; -ENOTSUP where that is not
     * known to be kept (on others than ext2 to ext4, XFS, Btrfs, F2FS and tmpfs; by Linux before
     * 5.8, which tells of no failure). It tells of failed
     * writes since f was opened, so f must be open before the first write that counts. */
    int (*sync_fs)(struct io_file *f);
    /* The descriptor for sendfile, or -1 if the file has none. */
    int (*fd)(struct io_file *f);

    int (*stat)(struct io *io, const char *path, struct io_stat *st);
    int (*rename)(struct io *io, const char *from, const char *to); /* replaces `to` */
    int (*unlink)(struct io *io, const char *path);
    int (*mkdir)(struct io *io, const char *path); /* -EEXIST if it is there */
    int (*rmdir)(struct io *io, const char *path); /* empty ones */
    int (*sync_dir)(struct io *io, const char *path);
    /* Call each(ctx, name) for every entry but . and .., in no order; a non-zero return ends the
     * walk and is returned. */
    int (*list)(struct io *io, const char *path, int (*each)(void *ctx, const char *name),
                void *ctx);
    /* An exclusive lock on the file at path (created if missing), held until close; -EAGAIN if
     * another process has it. */
    int (*lock)(struct io *io, const char *path, struct io_file **out);
    /* Bytes free for this user on the file system of path. */
    int (*space)(struct io *io, const char *path, uint64_t *free_bytes);
};

struct io {
    const struct io_ops *ops;
};
struct io_file {
    const struct io_ops *ops;
    struct io *io;
};

/* The operating system's files. Static storage, thread-safe. */
struct io *io_posix(void);

/* Shorthands over the table. On failure *out is NULL. */
int io_open(struct io *io, const char *path, int flags, struct io_file **out);
void io_close(struct io_file *f); /* NULL is fine */
ssize_t io_pread(struct io_file *f, void *buf, size_t n, uint64_t off);
ssize_t io_pread_now(struct io_file *f, void *buf, size_t n, uint64_t off);
bool io_tells_cached(struct io_file *f);
int io_pwrite(struct io_file *f, const void *buf, size_t n, uint64_t off);
int io_pwritev(struct io_file *f, const struct iovec *iov, int n, uint64_t off);
int io_sync(struct io_file *f);
int io_commit(struct io_file *f, const struct iovec *iov, int n, uint64_t off);
int io_truncate(struct io_file *f, uint64_t size);
int io_allocate(struct io_file *f, uint64_t off, uint64_t n);
int io_fstat(struct io_file *f, struct io_stat *st);
int io_drop_cache(struct io_file *f);
int io_fd(struct io_file *f);
int io_stat(struct io *io, const char *path, struct io_stat *st);
int io_rename(struct io *io, const char *from, const char *to);
int io_unlink(struct io *io, const char *path);
int io_mkdir(struct io *io, const char *path);
int io_rmdir(struct io *io, const char *path);
int io_sync_dir(struct io *io, const char *path);
int io_list(struct io *io, const char *path, int (*each)(void *ctx, const char *name), void *ctx);
int io_write_back(struct io_file *f, uint64_t off, uint64_t n);
int io_start_write_back(struct io_file *f, uint64_t off, uint64_t n);
int io_sync_fs(struct io_file *f);
int io_lock(struct io *io, const char *path, struct io_file **out);
int io_space(struct io *io, const char *path, uint64_t *free_bytes);

/* Read a whole small file (malloc'ed, NUL behind it); -EFBIG over max bytes. */
int io_read_file(struct io *io, const char *path, size_t max, uint8_t **buf, size_t *n);
/* Replace path by the bytes so that after a crash either the old or the new content is there: write
 * path.tmp, sync, rename, sync the directory. */
int io_replace_file(struct io *io, const char *path, const void *buf, size_t n);
/* Remove a directory and all in it; a missing one is fine. Not durable until its parent is synced.
 */
int io_remove_tree(struct io *io, const char *path);
/* Was the sync that gave this code not even begun? */
static inline bool io_sync_not_begun(int code)
{
    return code == -EMFILE || code == -ENFILE;
}
/* All names in a directory, sorted bytewise; a malloc'ed array of malloc'ed strings
 * (io_names_free). */
int io_names(struct io *io, const char *path, char ***names, size_t *n);
void io_names_free(char **names, size_t n);

/* dir "/" name into buf; -ENAMETOOLONG if it does not fit. */
int io_path(char *buf, size_t cap, const char *dir, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
enum { IO_PATH_MAX = 1024 };

#endif
