#include "base/io_late.h"

#include <stdlib.h>
#include <string.h>

struct io_late_file {
    struct io_file f;
    struct io_file *real;
    struct io_late_file *next; /* of the unsynced ones */
    bool due;                  /* a sync was asked for */
    char path[];               /* it was opened by */
};

static struct io_late_file *late_file(struct io_file *f)
{
    return (struct io_late_file *)f;
}

static struct io_late *late(struct io *io)
{
    return (struct io_late *)io;
}

static struct io *real_io(struct io *io)
{
    return late(io)->real;
}

static struct io_file *real_file(struct io_file *f)
{
    return late_file(f)->real;
}

/* ---- files */

static int late_open(struct io *io, const char *path, int flags, struct io_file **out)
{
    size_t n = strlen(path) + 1;
    struct io_late_file *f = calloc(1, sizeof *f + n);
    if (!f)
        return -ENOMEM;
    int rc = io_open(real_io(io), path, flags, &f->real);
    if (rc < 0) {
        free(f);
        return rc;
    }
    f->f = (struct io_file){io->ops, io};
    memcpy(f->path, path, n);
    *out = &f->f;
    return rc;
}

static void drop(struct io_late_file *f)
{
    io_close(f->real);
    free(f);
}

static void late_close(struct io_file *file)
{
    struct io_late_file *f = late_file(file);
    struct io_late *l = late(file->io);
    if (!f->due) {
        drop(f);
        return;
    }
    f->next = l->unsynced;
    l->unsynced = f;
}

static ssize_t late_pread(struct io_file *f, void *buf, size_t n, uint64_t off)
{
    return io_pread(real_file(f), buf, n, off);
}

static int late_pwritev(struct io_file *f, const struct iovec *iov, int n, uint64_t off)
{
    return io_pwritev(real_file(f), iov, n, off);
}

static int late_sync(struct io_file *f)
{
    late_file(f)->due = true;
    return 0;
}

static int late_commit(struct io_file *f, const struct iovec *iov, int n, uint64_t off)
{
    late_file(f)->due = true;
    return io_pwritev(real_file(f), iov, n, off);
}

static int late_truncate(struct io_file *f, uint64_t size)
{
    return io_truncate(real_file(f), size);
}

static int late_allocate(struct io_file *f, uint64_t off, uint64_t n)
{
    return io_allocate(real_file(f), off, n);
}

static int late_fstat(struct io_file *f, struct io_stat *st)
{
    return io_fstat(real_file(f), st);
}

/* What is not synced would not come from the disk. */
static int late_drop_cache(struct io_file *f)
{
    return late_file(f)->due ? 0 : io_drop_cache(real_file(f));
}

static int late_write_back(struct io_file *f, uint64_t off, uint64_t n)
{
    return io_write_back(real_file(f), off, n);
}

static int late_sync_fs(struct io_file *f)
{
    return io_sync_fs(real_file(f));
}

static int late_fd(struct io_file *f)
{
    return io_fd(real_file(f));
}

/* ---- names */

static int late_stat(struct io *io, const char *path, struct io_stat *st)
{
    return io_stat(real_io(io), path, st);
}

static int late_rename(struct io *io, const char *from, const char *to)
{
    return io_rename(real_io(io), from, to);
}

static int late_unlink(struct io *io, const char *path)
{
    return io_unlink(real_io(io), path);
}

static int late_mkdir(struct io *io, const char *path)
{
    return io_mkdir(real_io(io), path);
}

static int late_rmdir(struct io *io, const char *path)
{
    return io_rmdir(real_io(io), path);
}

static int late_sync_dir(struct io *io, const char *path)
{
    struct io_late *l = late(io);
    for (size_t i = 0; i < l->n_dirs; i++)
        if (strcmp(l->dirs[i], path) == 0)
            return 0;
    char **dirs = reallocarray(l->dirs, l->n_dirs + 1, sizeof *dirs);
    if (!dirs)
        return -ENOMEM;
    l->dirs = dirs;
    dirs[l->n_dirs] = strdup(path);
    if (!dirs[l->n_dirs])
        return -ENOMEM;
    l->n_dirs++;
    return 0;
}

static int late_list(struct io *io, const char *path, int (*each)(void *ctx, const char *name),
                     void *ctx)
{
    return io_list(real_io(io), path, each, ctx);
}

/* The real one's: it is closed like that, and there is nothing to put off. */
static int late_lock(struct io *io, const char *path, struct io_file **out)
{
    return io_lock(real_io(io), path, out);
}

static int late_space(struct io *io, const char *path, uint64_t *free_bytes)
{
    return io_space(real_io(io), path, free_bytes);
}

/* ---- life */

void io_late_init(struct io_late *l, struct io *real)
{
    static const struct io_ops ops = {
        .open = late_open,
        .close = late_close,
        .pread = late_pread,
        .pwritev = late_pwritev,
        .sync = late_sync,
        .commit = late_commit,
        .truncate = late_truncate,
        .allocate = late_allocate,
        .fstat = late_fstat,
        .drop_cache = late_drop_cache,
        .write_back = late_write_back,
        .sync_fs = late_sync_fs,
        .fd = late_fd,
        .stat = late_stat,
        .rename = late_rename,
        .unlink = late_unlink,
        .mkdir = late_mkdir,
        .rmdir = late_rmdir,
        .sync_dir = late_sync_dir,
        .list = late_list,
        .lock = late_lock,
        .space = late_space,
    };
    *l = (struct io_late){.io = {&ops}, .real = real};
}

int io_late_sync(struct io_late *l, struct err *e)
{
    int rc = 0;
    while (l->unsynced && rc == 0) {
        struct io_late_file *f = l->unsynced;
        l->unsynced = f->next;
        rc = io_sync(f->real);
        if (rc)
            err_code(e, rc, "sync %s", f->path);
        drop(f);
    }
    while (l->n_dirs && rc == 0) {
        char *dir = l->dirs[l->n_dirs - 1];
        rc = io_sync_dir(l->real, dir);
        if (rc) {
            err_code(e, rc, "sync directory %s", dir);
        } else {
            free(dir);
            l->n_dirs--;
        }
    }
    return rc;
}

void io_late_release(struct io_late *l)
{
    while (l->unsynced) {
        struct io_late_file *f = l->unsynced;
        l->unsynced = f->next;
        drop(f);
    }
    for (size_t i = 0; i < l->n_dirs; i++)
        free(l->dirs[i]);
    free(l->dirs);
    *l = (struct io_late){.real = NULL};
}
