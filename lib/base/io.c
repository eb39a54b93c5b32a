#include "base/io.h"
#include "base/mutant.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Shorthands. They also bound what reaches the table: positions fit off_t, and off + n does not
 * wrap. */

static bool in_range(uint64_t off, uint64_t n)
{
    return off <= INT64_MAX && n <= INT64_MAX - off;
}

static bool iov_in_range(const struct iovec *iov, int n, uint64_t off)
{
    for (int i = 0; i < n; i++) {
        if (!in_range(off, iov[i].iov_len))
            return false;
        off += iov[i].iov_len;
    }
    return n >= 0;
}

int io_open(struct io *io, const char *path, int flags, struct io_file **out)
{
    bool write = flags & IO_WRITE, create = flags & IO_CREATE;
    if ((!write && flags != IO_READ) || ((flags & IO_EXCL) && !create))
        return -EINVAL;
    int rc = io->ops->open(io, path, flags, out);
    if (rc < 0)
        *out = NULL;
    return rc;
}

void io_close(struct io_file *f)
{
    if (f)
        f->ops->close(f);
}

ssize_t io_pread(struct io_file *f, void *buf, size_t n, uint64_t off)
{
    return in_range(off, n) ? f->ops->pread(f, buf, n, off) : -EINVAL;
}

ssize_t io_pread_now(struct io_file *f, void *buf, size_t n, uint64_t off)
{
    if (!f->ops->pread_now)
        return io_pread(f, buf, n, off);
    return in_range(off, n) ? f->ops->pread_now(f, buf, n, off) : -EINVAL;
}

bool io_tells_cached(struct io_file *f)
{
    return f->ops->tells_cached && f->ops->tells_cached(f);
}

int io_pwrite(struct io_file *f, const void *buf, size_t n, uint64_t off)
{
    struct iovec iov = {(void *)buf, n};
    return io_pwritev(f, &iov, 1, off);
}

int io_pwritev(struct io_file *f, const struct iovec *iov, int n, uint64_t off)
{
    return iov_in_range(iov, n, off) ? f->ops->pwritev(f, iov, n, off) : -EFBIG;
}

int io_sync(struct io_file *f)
{
    return f->ops->sync(f);
}

int io_commit(struct io_file *f, const struct iovec *iov, int n, uint64_t off)
{
    return iov_in_range(iov, n, off) ? f->ops->commit(f, iov, n, off) : -EFBIG;
}

int io_truncate(struct io_file *f, uint64_t size)
{
    return in_range(size, 0) ? f->ops->truncate(f, size) : -EFBIG;
}

int io_allocate(struct io_file *f, uint64_t off, uint64_t n)
{
    if (!in_range(off, n))
        return -EFBIG;
    return n ? f->ops->allocate(f, off, n) : 0;
}

int io_fstat(struct io_file *f, struct io_stat *st)
{
    return f->ops->fstat(f, st);
}

int io_drop_cache(struct io_file *f)
{
    return f->ops->drop_cache(f);
}

int io_fd(struct io_file *f)
{
    return f->ops->fd(f);
}

int io_stat(struct io *io, const char *path, struct io_stat *st)
{
    return io->ops->stat(io, path, st);
}

int io_rename(struct io *io, const char *from, const char *to)
{
    return io->ops->rename(io, from, to);
}

int io_unlink(struct io *io, const char *path)
{
    return io->ops->unlink(io, path);
}

int io_mkdir(struct io *io, const char *path)
{
    return io->ops->mkdir(io, path);
}

int io_rmdir(struct io *io, const char *path)
{
    return io->ops->rmdir(io, path);
}

int io_sync_dir(struct io *io, const char *path)
{
    return io->ops->sync_dir(io, path);
}

int io_list(struct io *io, const char *path, int (*each)(void *ctx, const char *name), void *ctx)
{
    return io->ops->list(io, path, each, ctx);
}

int io_write_back(struct io_file *f, uint64_t off, uint64_t n)
{
    return f->ops->write_back(f, off, n);
}

int io_start_write_back(struct io_file *f, uint64_t off, uint64_t n)
{
    return f->ops->start_write_back(f, off, n);
}

int io_sync_fs(struct io_file *f)
{
    return f->ops->sync_fs(f);
}

int io_lock(struct io *io, const char *path, struct io_file **out)
{
    int rc = io->ops->lock(io, path, out);
    if (rc < 0)
        *out = NULL;
    return rc;
}

int io_space(struct io *io, const char *path, uint64_t *free_bytes)
{
    return io->ops->space(io, path, free_bytes);
}

/* Helpers over the table */

int io_path(char *buf, size_t cap, const char *dir, const char *fmt, ...)
{
    int n = snprintf(buf, cap, "%s/", dir);
    if (n < 0 || (size_t)n >= cap)
        return -ENAMETOOLONG;
    va_list ap;
    va_start(ap, fmt);
    int m = vsnprintf(buf + n, cap - (size_t)n, fmt, ap);
    va_end(ap);
    return m < 0 || (size_t)m >= cap - (size_t)n ? -ENAMETOOLONG : 0;
}

static int read_open_file(struct io_file *f, size_t max, uint8_t **buf, size_t *n)
{
    struct io_stat st;
    int err = io_fstat(f, &st);
    if (err)
        return err;
    if (st.is_dir)
        return -EISDIR;
    if (st.size > max || st.size >= SIZE_MAX)
        return -EFBIG;
    uint8_t *p = malloc((size_t)st.size + 1);
    if (!p)
        return -ENOMEM;
    ssize_t got = io_pread(f, p, (size_t)st.size, 0);
    if (got < 0) {
        free(p);
        return (int)got;
    }
    p[got] = 0;
    *buf = p;
    *n = (size_t)got;
    return 0;
}

int io_read_file(struct io *io, const char *path, size_t max, uint8_t **buf, size_t *n)
{
    struct io_file *f;
    int err = io_open(io, path, IO_READ, &f);
    if (err)
        return err;
    err = read_open_file(f, max, buf, n);
    io_close(f);
    return err;
}

/* A file that is whole and durable under a name nobody looks for. */
static int write_aside(struct io *io, const char *path, const void *buf, size_t n)
{
    struct io_file *f;
    int err = io_open(io, path, IO_WRITE | IO_CREATE | IO_TRUNC, &f);
    if (err)
        return err;
    struct iovec iov = {(void *)buf, n};
    err = MUTANT(file_before_content) ? io_pwritev(f, &iov, 1, 0) : io_commit(f, &iov, 1, 0);
    io_close(f);
    return err;
}

static int sync_parent(struct io *io, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return io_sync_dir(io, ".");
    char dir[IO_PATH_MAX];
    int n = slash == path ? 1 : (int)(slash - path);
    if (snprintf(dir, sizeof dir, "%.*s", n, path) >= (int)sizeof dir)
        return -ENAMETOOLONG;
    return io_sync_dir(io, dir);
}

int io_replace_file(struct io *io, const char *path, const void *buf, size_t n)
{
    char tmp[IO_PATH_MAX];
    if (snprintf(tmp, sizeof tmp, "%s.tmp", path) >= (int)sizeof tmp)
        return -ENAMETOOLONG;
    int err = write_aside(io, tmp, buf, n);
    if (!err)
        err = io_rename(io, tmp, path);
    if (err) {
        io_unlink(io, tmp); /* best effort: the next call truncates it anyway */
        return err;
    }
    return sync_parent(io, path);
}

struct name_list {
    char **names;
    size_t n, cap;
};

static int collect(void *ctx, const char *name)
{
    struct name_list *l = ctx;
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        char **names = reallocarray(l->names, cap, sizeof *names);
        if (!names)
            return -ENOMEM;
        l->names = names;
        l->cap = cap;
    }
    l->names[l->n] = strdup(name);
    if (!l->names[l->n])
        return -ENOMEM;
    l->n++;
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int io_names(struct io *io, const char *path, char ***names, size_t *n)
{
    struct name_list l = {0};
    int err = io_list(io, path, collect, &l);
    if (err) {
        io_names_free(l.names, l.n);
        return err;
    }
    if (l.n)
        qsort(l.names, l.n, sizeof *l.names, by_bytes);
    *names = l.names;
    *n = l.n;
    return 0;
}

void io_names_free(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

/* unlink goes first and a directory is known by its refusal, so that a symbolic link is removed and
 * never followed. */
static int remove_entry(struct io *io, const char *dir, const char *name)
{
    char path[IO_PATH_MAX];
    int err = io_path(path, sizeof path, dir, "%s", name);
    if (err)
        return err;
    err = io_unlink(io, path);
    return err == -EISDIR ? io_remove_tree(io, path) : err;
}

int io_remove_tree(struct io *io, const char *path)
{
    char **names;
    size_t n;
    int err = io_names(io, path, &names, &n);
    if (err)
        return err == -ENOENT ? 0 : err;
    for (size_t i = 0; i < n && !err; i++)
        err = remove_entry(io, path, names[i]);
    io_names_free(names, n);
    return err ? err : io_rmdir(io, path);
}
