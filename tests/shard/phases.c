#include "tests/shard/phases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const phase_words[PHASES] = {
#define PHASE(name, words) words,
#include "tests/shard/phases.def"
#undef PHASE
};

struct watched {
    struct io_file f;
    struct io_file *inner;
    struct watched *next;
    char path[IO_PATH_MAX]; /* its name now */
};

static struct phases *phases_of(struct io *io)
{
    return (struct phases *)io;
}

static struct watched *watched_of(struct io_file *f)
{
    return (struct watched *)f;
}

/* ---- what a path is touched for */

static bool has(const char *path, const char *part)
{
    return strstr(path, part) != NULL;
}

static bool ends(const char *path, const char *end)
{
    size_t n = strlen(path), k = strlen(end);
    return n >= k && strcmp(path + n - k, end) == 0;
}

static enum phase in_wal(const struct phases *p, const char *path, bool unlinked)
{
    if (has(path, "/checkpoint."))
        return PHASE_CHECKPOINT;
    if (unlinked && ends(path, ".wal"))
        return PHASE_RELEASE;
    if (ends(path, ".tmp"))
        return p->recycling ? PHASE_RECYCLE : PHASE_ROLL;
    return has(path, "/wal/0/") ? PHASE_METADATA : PHASE_GROUP;
}

static enum phase in_logs(const char *path, bool unlinked)
{
    if (has(path, "-delete"))
        return PHASE_DELETION;
    if (has(path, "-new"))
        return PHASE_CREATION;
    if (has(path, ".cleaned") || has(path, ".swap") || has(path, "/compaction-checkpoint"))
        return PHASE_COMPACTION;
    return unlinked ? PHASE_RETENTION : PHASE_APPLY;
}

static enum phase phase_of(const struct phases *p, const char *path, bool unlinked)
{
    if (has(path, "/init.tmp") || has(path, "/node.meta"))
        return PHASE_FIRST_START;
    if (p->recovering)
        return PHASE_RECOVERY;
    if (has(path, "/wal/"))
        return in_wal(p, path, unlinked);
    if (has(path, "/log/"))
        return in_logs(path, unlinked);
    return has(path, "/meta") ? PHASE_SNAPSHOT : PHASE_FIRST_START;
}

/* All changes that came since the last call were for this. */
static void note(struct phases *p, enum phase phase)
{
    size_t n = io_mem_trace_len(p->mem);
    if (n > p->cap) {
        p->cap = 2 * n;
        p->of = realloc(p->of, p->cap);
        if (!p->of)
            abort();
    }
    for (; p->n < n; p->n++)
        p->of[p->n] = (uint8_t)phase;
    p->faults[phase] += io_mem_faults(p->mem) - p->n_faults;
    p->n_faults = io_mem_faults(p->mem);
}

static int noted(struct io *io, const char *path, int rc)
{
    struct phases *p = phases_of(io);
    note(p, phase_of(p, path, false));
    return rc;
}

/* ---- files */

static void on_close(struct io_file *f)
{
    struct watched **at = &phases_of(f->io)->files;
    while (*at != watched_of(f))
        at = &(*at)->next;
    *at = watched_of(f)->next;
    io_close(watched_of(f)->inner);
    free(f);
}

static ssize_t on_pread(struct io_file *f, void *buf, size_t n, uint64_t off)
{
    ssize_t got = io_pread(watched_of(f)->inner, buf, n, off);
    noted(f->io, watched_of(f)->path, 0);
    return got;
}

static int on_pwritev(struct io_file *f, const struct iovec *iov, int n, uint64_t off)
{
    struct watched *w = watched_of(f);
    return noted(f->io, w->path, io_pwritev(w->inner, iov, n, off));
}

static int on_sync(struct io_file *f)
{
    struct watched *w = watched_of(f);
    return noted(f->io, w->path, io_sync(w->inner));
}

static int on_commit(struct io_file *f, const struct iovec *iov, int n, uint64_t off)
{
    struct watched *w = watched_of(f);
    return noted(f->io, w->path, io_commit(w->inner, iov, n, off));
}

static int on_truncate(struct io_file *f, uint64_t size)
{
    struct watched *w = watched_of(f);
    return noted(f->io, w->path, io_truncate(w->inner, size));
}

static int on_allocate(struct io_file *f, uint64_t off, uint64_t n)
{
    struct watched *w = watched_of(f);
    return noted(f->io, w->path, io_allocate(w->inner, off, n));
}

static int on_fstat(struct io_file *f, struct io_stat *st)
{
    return io_fstat(watched_of(f)->inner, st);
}

static int on_drop_cache(struct io_file *f)
{
    return io_drop_cache(watched_of(f)->inner);
}

static int on_write_back(struct io_file *f, uint64_t off, uint64_t n)
{
    struct watched *w = watched_of(f);
    return noted(f->io, w->path, io_write_back(w->inner, off, n));
}

static int on_start_write_back(struct io_file *f, uint64_t off, uint64_t n)
{
    struct watched *w = watched_of(f);
    return noted(f->io, w->path, io_start_write_back(w->inner, off, n));
}

static int on_sync_fs(struct io_file *f)
{
    struct watched *w = watched_of(f);
    return noted(f->io, w->path, io_sync_fs(w->inner));
}

static int on_fd(struct io_file *f)
{
    return io_fd(watched_of(f)->inner);
}

static int watch(struct io *io, const char *path, struct io_file *inner, struct io_file **out)
{
    struct watched *w = calloc(1, sizeof *w);
    if (!w || strlen(path) >= sizeof w->path)
        abort();
    w->f = (struct io_file){io->ops, io};
    w->inner = inner;
    w->next = phases_of(io)->files;
    phases_of(io)->files = w;
    strcpy(w->path, path);
    *out = &w->f;
    return noted(io, path, 0);
}

/* ---- names */

static int on_open(struct io *io, const char *path, int flags, struct io_file **out)
{
    struct io_file *inner;
    int rc = io_open(phases_of(io)->disk, path, flags, &inner);
    return rc ? noted(io, path, rc) : watch(io, path, inner, out);
}

static int on_lock(struct io *io, const char *path, struct io_file **out)
{
    struct io_file *inner;
    int rc = io_lock(phases_of(io)->disk, path, &inner);
    return rc ? noted(io, path, rc) : watch(io, path, inner, out);
}

static int on_stat(struct io *io, const char *path, struct io_stat *st)
{
    return io_stat(phases_of(io)->disk, path, st);
}

static int on_rename(struct io *io, const char *from, const char *to)
{
    struct phases *p = phases_of(io);
    bool taken = ends(from, ".wal") && ends(to, ".tmp");
    p->recycling = p->recycling || taken;
    int rc = io_rename(p->disk, from, to);
    /* The name that is not one of what is there anyway says more. */
    note(p, phase_of(p,
                     ends(from, ".tmp") || has(from, ".cleaned") || has(from, ".swap") ||
                             has(from, "-new")
                         ? from
                         : to,
                     false));
    if (ends(from, ".tmp") && ends(to, ".wal"))
        p->recycling = false;
    for (struct watched *w = p->files; rc == 0 && w; w = w->next)
        if (strcmp(w->path, from) == 0)
            strcpy(w->path, to);
    return rc;
}

static int on_unlink(struct io *io, const char *path)
{
    struct phases *p = phases_of(io);
    int rc = io_unlink(p->disk, path);
    note(p, phase_of(p, path, true));
    return rc;
}

static int on_mkdir(struct io *io, const char *path)
{
    return noted(io, path, io_mkdir(phases_of(io)->disk, path));
}

static int on_rmdir(struct io *io, const char *path)
{
    return noted(io, path, io_rmdir(phases_of(io)->disk, path));
}

/* Of a directory many things are synced: it goes on with what was done before. */
static int on_sync_dir(struct io *io, const char *path)
{
    struct phases *p = phases_of(io);
    int rc = io_sync_dir(p->disk, path);
    note(p, p->n ? (enum phase)p->of[p->n - 1] : PHASE_FIRST_START);
    return rc;
}

static int on_list(struct io *io, const char *path, int (*each)(void *ctx, const char *name),
                   void *ctx)
{
    return io_list(phases_of(io)->disk, path, each, ctx);
}

static int on_space(struct io *io, const char *path, uint64_t *free_bytes)
{
    return io_space(phases_of(io)->disk, path, free_bytes);
}

static const struct io_ops ops = {
    .open = on_open,
    .close = on_close,
    .pread = on_pread,
    .pwritev = on_pwritev,
    .sync = on_sync,
    .commit = on_commit,
    .truncate = on_truncate,
    .allocate = on_allocate,
    .fstat = on_fstat,
    .drop_cache = on_drop_cache,
    .write_back = on_write_back,
    .start_write_back = on_start_write_back,
    .sync_fs = on_sync_fs,
    .fd = on_fd,
    .stat = on_stat,
    .rename = on_rename,
    .unlink = on_unlink,
    .mkdir = on_mkdir,
    .rmdir = on_rmdir,
    .sync_dir = on_sync_dir,
    .list = on_list,
    .lock = on_lock,
    .space = on_space,
};

struct phases *phases_new(struct io_mem *mem)
{
    struct phases *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->io.ops = &ops;
    p->disk = io_mem_io(mem);
    p->mem = mem;
    return p;
}

void phases_free(struct phases *p)
{
    free(p->of);
    free(p);
}

enum phase phases_at(const struct phases *p, size_t upto)
{
    return upto && upto <= p->n ? (enum phase)p->of[upto - 1] : PHASE_FIRST_START;
}
