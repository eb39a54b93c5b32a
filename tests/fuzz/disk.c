#include "tests/fuzz/disk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

static const struct io_ops ops;
static int disk_rename(struct io *io, const char *from, const char *to);

static struct fuzz_disk the_disk;

struct fuzz_disk *fuzz_disk(void)
{
    struct fuzz_disk *d = &the_disk;
    must(fuzz_disk_idle(d));
    d->io.ops = &ops;
    d->n_files = d->used = 0;
    d->opens_left = 0;
    d->fails = false;
    return d;
}

void fuzz_disk_later(struct fuzz_disk *d, unsigned opens, const char *from, const char *to)
{
    d->opens_left = opens;
    d->from = from;
    d->to = to;
}

void fuzz_disk_fail(struct fuzz_disk *d, unsigned changes)
{
    d->fails = true;
    d->changes_left = changes;
}

void fuzz_disk_mend(struct fuzz_disk *d)
{
    d->fails = false;
}

/* A change is about to be made. */
static bool refuse(struct fuzz_disk *d)
{
    return d->fails && (d->changes_left == 0 || d->changes_left-- == 0);
}

static struct fuzz_disk *disk_of(struct io *io)
{
    return (struct fuzz_disk *)io; /* its first member */
}

static struct fuzz_file *file_of(struct io_file *f)
{
    return ((struct fuzz_open *)f)->file;
}

struct fuzz_file *fuzz_disk_find(struct fuzz_disk *d, const char *path)
{
    for (size_t i = 0; i < d->n_files; i++) {
        if (d->files[i].path[0] && strcmp(d->files[i].path, path) == 0)
            return &d->files[i];
    }
    return NULL;
}

static bool reserve(struct fuzz_disk *d, struct fuzz_file *f, size_t n)
{
    if (n <= f->room)
        return true;
    size_t room = n < SIZE_MAX / 2 ? n + n / 2 : n;
    if (room > sizeof d->memory - d->used)
        return false;
    uint8_t *p = d->memory + d->used;
    d->used += room;
    if (f->n)
        memcpy(p, f->bytes, f->n);
    f->bytes = p;
    f->room = room;
    return true;
}

static bool put_bytes(struct fuzz_disk *d, struct fuzz_file *f, uint64_t at, const void *p,
                      size_t n)
{
    if (at > FUZZ_DISK_BYTES || !reserve(d, f, (size_t)at + n))
        return false;
    size_t end = (size_t)at + n;
    if (at > f->n)
        memset(f->bytes + f->n, 0, (size_t)at - f->n);
    if (n)
        memcpy(f->bytes + at, p, n);
    f->n = end > f->n ? end : f->n;
    f->size = f->size > end ? f->size : end;
    return true;
}

static struct fuzz_file *new_file(struct fuzz_disk *d, const char *path)
{
    if (d->n_files == FUZZ_FILES || strlen(path) >= FUZZ_PATH)
        return NULL;
    struct fuzz_file *f = &d->files[d->n_files++];
    *f = (struct fuzz_file){.n = 0};
    snprintf(f->path, sizeof f->path, "%s", path);
    return f;
}

struct fuzz_file *fuzz_disk_put(struct fuzz_disk *d, const char *path, struct span bytes,
                                uint64_t size)
{
    struct fuzz_file *f = fuzz_disk_find(d, path);
    if (!f)
        f = new_file(d, path);
    if (!f)
        return NULL;
    f->n = 0;
    f->size = size;
    return put_bytes(d, f, 0, bytes.p, bytes.n) ? f : NULL;
}

bool fuzz_disk_idle(const struct fuzz_disk *d)
{
    for (size_t i = 0; i < FUZZ_OPEN; i++) {
        if (d->opened[i].file)
            return false;
    }
    return true;
}

/* ---- files */

static int disk_open(struct io *io, const char *path, int flags, struct io_file **out)
{
    struct fuzz_disk *d = disk_of(io);
    if (d->opens_left && --d->opens_left == 0)
        (void)disk_rename(io, d->from, d->to);
    struct fuzz_file *f = fuzz_disk_find(d, path);
    if (f && (flags & IO_EXCL))
        return -EEXIST;
    if (!f && !(flags & IO_CREATE))
        return -ENOENT;
    if ((!f || flags & IO_TRUNC) && refuse(d))
        return -EIO;
    if (!f && !(f = new_file(d, path)))
        return -ENOSPC;
    if (flags & IO_TRUNC)
        f->n = f->size = 0;
    for (size_t i = 0; i < FUZZ_OPEN; i++) {
        struct fuzz_open *o = &d->opened[i];
        if (o->file)
            continue;
        *o = (struct fuzz_open){{&ops, io}, f};
        *out = &o->base;
        return 0;
    }
    return -EMFILE;
}

static void disk_close(struct io_file *f)
{
    ((struct fuzz_open *)f)->file = NULL;
}

static ssize_t disk_pread(struct io_file *file, void *buf, size_t n, uint64_t off)
{
    const struct fuzz_file *f = file_of(file);
    if (off >= f->size)
        return 0;
    n = n < f->size - off ? n : (size_t)(f->size - off);
    size_t there = off < f->n ? f->n - (size_t)off : 0;
    there = there < n ? there : n;
    if (there)
        memcpy(buf, f->bytes + off, there);
    memset((uint8_t *)buf + there, 0, n - there);
    return (ssize_t)n;
}

static int disk_pwritev(struct io_file *file, const struct iovec *iov, int n, uint64_t off)
{
    if (refuse(disk_of(file->io)))
        return -EIO;
    for (int i = 0; i < n; i++) {
        if (!put_bytes(disk_of(file->io), file_of(file), off, iov[i].iov_base, iov[i].iov_len))
            return -ENOSPC;
        off += iov[i].iov_len;
    }
    return 0;
}

static int disk_sync(struct io_file *file)
{
    (void)file;
    return 0;
}

static int disk_truncate(struct io_file *file, uint64_t size)
{
    struct fuzz_file *f = file_of(file);
    if (refuse(disk_of(file->io)))
        return -EIO;
    f->n = f->n < size ? f->n : (size_t)size;
    f->size = size;
    return 0;
}

static int disk_allocate(struct io_file *file, uint64_t off, uint64_t n)
{
    struct fuzz_file *f = file_of(file);
    f->size = f->size > off + n ? f->size : off + n;
    return 0;
}

static int disk_fstat(struct io_file *file, struct io_stat *st)
{
    const struct fuzz_file *f = file_of(file);
    *st = (struct io_stat){.size = f->size, .blocks = f->size};
    return 0;
}

static int disk_fd(struct io_file *file)
{
    (void)file;
    return -1;
}

/* ---- names */

/* What is behind "<dir>/" in path; NULL if it is elsewhere. */
static const char *inside(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    while (n && dir[n - 1] == '/')
        n--;
    return strncmp(path, dir, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

static int disk_stat(struct io *io, const char *path, struct io_stat *st)
{
    struct fuzz_disk *d = disk_of(io);
    const struct fuzz_file *f = fuzz_disk_find(d, path);
    *st = (struct io_stat){.size = 0};
    if (f) {
        st->size = st->blocks = f->size;
        return 0;
    }
    for (size_t i = 0; i < d->n_files; i++) {
        if (inside(d->files[i].path, path)) {
            st->is_dir = true;
            return 0;
        }
    }
    return -ENOENT;
}

static int disk_unlink(struct io *io, const char *path)
{
    struct fuzz_file *f = fuzz_disk_find(disk_of(io), path);
    if (!f)
        return -ENOENT;
    if (refuse(disk_of(io)))
        return -EIO;
    f->path[0] = '\0';
    return 0;
}

/* The files of a directory get another one. */
static int rename_dir(struct fuzz_disk *d, const char *from, const char *to)
{
    int rc = -ENOENT;
    for (size_t i = 0; i < d->n_files; i++) {
        char path[FUZZ_PATH];
        const char *name = inside(d->files[i].path, from);
        if (!name)
            continue;
        int n = snprintf(path, sizeof path, "%s/%s", to, name);
        if (n >= FUZZ_PATH)
            return -ENAMETOOLONG;
        memcpy(d->files[i].path, path, (size_t)n + 1);
        rc = 0;
    }
    return rc;
}

static int disk_rename(struct io *io, const char *from, const char *to)
{
    struct fuzz_file *f = fuzz_disk_find(disk_of(io), from);
    struct fuzz_file *over = fuzz_disk_find(disk_of(io), to);
    if (strlen(to) >= FUZZ_PATH)
        return -ENAMETOOLONG;
    if (!f)
        return rename_dir(disk_of(io), from, to);
    if (refuse(disk_of(io)))
        return -EIO;
    if (over)
        over->path[0] = '\0';
    snprintf(f->path, sizeof f->path, "%s", to);
    return 0;
}

static int disk_mkdir(struct io *io, const char *path)
{
    struct io_stat st;
    return disk_stat(io, path, &st) == 0 ? -EEXIST : 0;
}

static int disk_dir(struct io *io, const char *path)
{
    (void)io;
    (void)path;
    return 0;
}

/* Was the entry, the first so many bytes of name, met in an earlier file already? */
static bool listed(const struct fuzz_disk *d, size_t before, const char *dir, const char *name,
                   size_t n)
{
    for (size_t i = 0; i < before; i++) {
        const char *other = inside(d->files[i].path, dir);
        if (other && strncmp(other, name, n) == 0 && (other[n] == '\0' || other[n] == '/'))
            return true;
    }
    return false;
}

static int disk_list(struct io *io, const char *path, int (*each)(void *ctx, const char *name),
                     void *ctx)
{
    const struct fuzz_disk *d = disk_of(io);
    bool there = false;
    for (size_t i = 0; i < d->n_files; i++) {
        char entry[FUZZ_PATH];
        const char *name = inside(d->files[i].path, path);
        if (!name)
            continue;
        there = true;
        size_t n = strcspn(name, "/");
        if (listed(d, i, path, name, n))
            continue;
        snprintf(entry, sizeof entry, "%.*s", (int)n, name);
        int rc = each(ctx, entry);
        if (rc != 0)
            return rc;
    }
    return there ? 0 : -ENOENT;
}

static int disk_lock(struct io *io, const char *path, struct io_file **out)
{
    return disk_open(io, path, IO_WRITE | IO_CREATE, out);
}

static int disk_space(struct io *io, const char *path, uint64_t *free_bytes)
{
    (void)path;
    *free_bytes = FUZZ_DISK_BYTES - disk_of(io)->used;
    return 0;
}

static const struct io_ops ops = {
    .open = disk_open,
    .close = disk_close,
    .pread = disk_pread,
    .pwritev = disk_pwritev,
    .sync = disk_sync,
    .commit = disk_pwritev,
    .truncate = disk_truncate,
    .allocate = disk_allocate,
    .fstat = disk_fstat,
    .drop_cache = disk_sync,
    .fd = disk_fd,
    .stat = disk_stat,
    .rename = disk_rename,
    .unlink = disk_unlink,
    .mkdir = disk_mkdir,
    .rmdir = disk_dir,
    .sync_dir = disk_dir,
    .list = disk_list,
    .sync_fs = disk_sync,
    .lock = disk_lock,
    .space = disk_space,
};
