#include "tests/sim/disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/coverage.h"
#include "tests/sim/fiber.h"
#include "tests/sim/world.h"

struct disk_file {
    struct io_file f; /* first */
    struct io_file *under;
    char *path;
    bool wal;
};

static struct sim_disk *disk_of(struct io *io)
{
    return (struct sim_disk *)io;
}

static struct sim_disk *disk_of_file(struct io_file *f)
{
    return disk_of(f->io);
}

static struct io_file *under(struct io_file *f)
{
    return ((struct disk_file *)f)->under;
}

static const char *path_of(struct io_file *f)
{
    return ((struct disk_file *)f)->path;
}

static struct io *below(struct sim_disk *d)
{
    return io_mem_io(d->mem);
}

/* ---- what goes wrong */

static const int errnums[IO_MEM_CALLS][4] = {
    [IO_MEM_WRITE] = {EIO, ENOSPC, EDQUOT, EIO},
    [IO_MEM_SYNC] = {EIO, ENOSPC, EIO, EDQUOT},
    [IO_MEM_COMMIT] = {EIO, ENOSPC, EIO, EDQUOT},
    [IO_MEM_RENAME] = {EIO, ENOSPC, EROFS, EIO},
    [IO_MEM_SYNC_DIR] = {EIO, EIO, EIO, EIO},
    [IO_MEM_OPEN] = {EMFILE, EIO, ENOSPC, EROFS},
    [IO_MEM_TRUNCATE] = {EIO, EIO, EIO, EROFS},
    [IO_MEM_ALLOCATE] = {ENOSPC, EDQUOT, ENOSPC, EIO},
    [IO_MEM_UNLINK] = {EIO, EROFS, EIO, EIO},
    [IO_MEM_READ] = {EIO, EIO, EIO, EIO},
    [IO_MEM_WRITE_BACK] = {EIO, ENOSPC, EIO, ENOTSUP},
};

static enum cover fault_mark(enum io_mem_call call)
{
    return (enum cover)(COVER_fault_write + (int)call);
}

#define CANNOT_FAIL IO_MEM_CALLS /* io_mem has no fault for it */

/* Maybe arm the disk below to fail this call. */
static void maybe_fail(struct sim_disk *d, enum io_mem_call call, bool wal)
{
    struct sim_world *w = d->w;
    if (!d->faulty || call == CANNOT_FAIL || !rng_chance(&w->rng, w->plan.fault_ppm[call]))
        return;
    int errnum = errnums[call][rng_below(&w->rng, 4)];
    io_mem_fail(d->mem, call, 1, errnum, 1);
    d->life_faults++;
    d->rot += wal && (call == IO_MEM_COMMIT || call == IO_MEM_SYNC || call == IO_MEM_WRITE);
    cover(w, fault_mark(call));
    trace_line(w, "fault node=%u call=%d errno=%d", d->node, (int)call, errnum);
}

/* Let other events happen. */
static void maybe_wait(struct sim_disk *d, enum io_mem_call call)
{
    struct sim_world *w = d->w;
    if (!fiber_inside() || !rng_chance(&w->rng, w->plan.yield_ppm))
        return;
    bool sync = call == IO_MEM_SYNC || call == IO_MEM_COMMIT;
    bool slow = sync && rng_chance(&w->rng, w->plan.slow_sync_ppm);
    if (slow)
        cover(w, COVER_slow_sync);
    sim_task_wait(w, slow ? rng_between(&w->rng, 1, 30) * SIM_SECOND
                          : rng_delay(&w->rng, w->plan.disk_delay));
}

enum turn { GO, DEAD, DIES_BEFORE, DIES_BETWEEN, DIES_AFTER };

static void die(struct sim_disk *d)
{
    d->dead = true;
    d->die_in = 0;
    cover(d->w, COVER_died_in_a_change);
    trace_line(d->w, "death node=%u trace=%zu", d->node, io_mem_trace_len(d->mem));
}

/* Before a change: does the node live to see it? */
static enum turn begin_change(struct sim_disk *d, enum io_mem_call call, bool wal, const char *path)
{
    static const char *const names[] = {"write",    "sync", "commit",     "rename",
                                        "sync_dir", "open", "truncate",   "allocate",
                                        "unlink",   "read", "write_back", "other"};
    if (d->dead)
        return DEAD;
    if (d->quiet)
        return GO;
    maybe_wait(d, call);
    if (d->dead)
        return DEAD;
    trace_hash(d->w, (uint64_t)call << 32 | d->node);
    d->changes++;
    trace_detail(d->w, "%s %s", names[call], path);
    if (d->die_in && (!d->die_in_commit || call == IO_MEM_COMMIT) && --d->die_in == 0) {
        uint64_t when = rng_below(&d->w->rng, call == IO_MEM_COMMIT ? 3 : 2);
        return d->die_in_commit || when == 2 ? DIES_BETWEEN : when ? DIES_AFTER : DIES_BEFORE;
    }
    maybe_fail(d, call, wal);
    return GO;
}

/* After it: rc, or -EIO for the dead. */
static int end_change(struct sim_disk *d, enum turn t, int rc)
{
    if (t == DIES_AFTER || t == DIES_BETWEEN)
        die(d);
    return t == GO ? rc : -EIO;
}

static bool stops(struct sim_disk *d, enum turn t)
{
    if (t == DIES_BEFORE)
        die(d);
    return t == DEAD || t == DIES_BEFORE;
}

/* ---- files */

static int disk_open(struct io *io, const char *path, int flags, struct io_file **out)
{
    struct sim_disk *d = disk_of(io);
    struct disk_file *f;
    enum turn t = flags & IO_WRITE ? begin_change(d, IO_MEM_OPEN, false, path)
                  : d->dead        ? DEAD
                                   : GO;
    if (stops(d, t))
        return -EIO;
    if (!(flags & IO_WRITE) && !d->quiet)
        maybe_fail(d, IO_MEM_OPEN, false);
    struct io_file *u;
    *out = NULL;
    int rc = io_open(below(d), path, flags, &u);
    if (rc == 0) {
        f = sim_alloc(sizeof *f);
        *f = (struct disk_file){
            .f = {io->ops, io}, .under = u, .path = strdup(path), .wal = strstr(path, "/wal/")};
        *out = &f->f;
    }
    rc = end_change(d, t, rc);
    if (rc && *out) {
        io_close(*out);
        *out = NULL;
    }
    return rc;
}

static int disk_lock(struct io *io, const char *path, struct io_file **out)
{
    struct sim_disk *d = disk_of(io);
    struct disk_file *f;
    struct io_file *u;
    if (d->dead)
        return -EIO;
    int rc = io_lock(below(d), path, &u);
    if (rc)
        return rc;
    f = sim_alloc(sizeof *f);
    *f = (struct disk_file){.f = {io->ops, io}, .under = u, .path = strdup(path)};
    *out = &f->f;
    return 0;
}

static void disk_close(struct io_file *f)
{
    io_close(under(f));
    free(((struct disk_file *)f)->path);
    free(f);
}

static ssize_t disk_pread(struct io_file *f, void *buf, size_t n, uint64_t off)
{
    struct sim_disk *d = disk_of_file(f);
    if (d->dead)
        return -EIO;
    if (!d->quiet)
        maybe_fail(d, IO_MEM_READ, ((struct disk_file *)f)->wal);
    return io_pread(under(f), buf, n, off);
}

static int disk_pwritev(struct io_file *f, const struct iovec *iov, int n, uint64_t off)
{
    struct sim_disk *d = disk_of_file(f);
    enum turn t = begin_change(d, IO_MEM_WRITE, ((struct disk_file *)f)->wal, path_of(f));
    return stops(d, t) ? -EIO : end_change(d, t, io_pwritev(under(f), iov, n, off));
}

static int disk_sync(struct io_file *f)
{
    struct sim_disk *d = disk_of_file(f);
    enum turn t = begin_change(d, IO_MEM_SYNC, ((struct disk_file *)f)->wal, path_of(f));
    return stops(d, t) ? -EIO : end_change(d, t, io_sync(under(f)));
}

static int disk_commit(struct io_file *f, const struct iovec *iov, int n, uint64_t off)
{
    struct sim_disk *d = disk_of_file(f);
    enum turn t = begin_change(d, IO_MEM_COMMIT, true, path_of(f));
    if (stops(d, t))
        return -EIO;
    if (t == DIES_BETWEEN) {
        cover(d->w, COVER_died_in_a_commit);
        d->half_done = true;
        return end_change(d, t, io_pwritev(under(f), iov, n, off));
    }
    return end_change(d, t, io_commit(under(f), iov, n, off));
}

static int disk_truncate(struct io_file *f, uint64_t size)
{
    struct sim_disk *d = disk_of_file(f);
    enum turn t = begin_change(d, IO_MEM_TRUNCATE, false, path_of(f));
    return stops(d, t) ? -EIO : end_change(d, t, io_truncate(under(f), size));
}

static int disk_allocate(struct io_file *f, uint64_t off, uint64_t n)
{
    struct sim_disk *d = disk_of_file(f);
    enum turn t = begin_change(d, IO_MEM_ALLOCATE, false, path_of(f));
    return stops(d, t) ? -EIO : end_change(d, t, io_allocate(under(f), off, n));
}

static int disk_fstat(struct io_file *f, struct io_stat *st)
{
    return disk_of_file(f)->dead ? -EIO : io_fstat(under(f), st);
}

static int disk_drop_cache(struct io_file *f)
{
    return disk_of_file(f)->dead ? -EIO : io_drop_cache(under(f));
}

static int disk_write_back(struct io_file *f, uint64_t off, uint64_t n)
{
    struct sim_disk *d = disk_of_file(f);
    enum turn t = begin_change(d, CANNOT_FAIL, false, path_of(f));
    return stops(d, t) ? -EIO : end_change(d, t, io_write_back(under(f), off, n));
}

static int disk_start_write_back(struct io_file *f, uint64_t off, uint64_t n)
{
    struct sim_disk *d = disk_of_file(f);
    enum turn t = begin_change(d, IO_MEM_WRITE_BACK, false, path_of(f));
    return stops(d, t) ? -EIO : end_change(d, t, io_start_write_back(under(f), off, n));
}

static int disk_sync_fs(struct io_file *f)
{
    struct sim_disk *d = disk_of_file(f);
    enum turn t = begin_change(d, CANNOT_FAIL, false, path_of(f));
    return stops(d, t) ? -EIO : end_change(d, t, io_sync_fs(under(f)));
}

static int disk_fd(struct io_file *f)
{
    (void)f;
    return -1;
}

/* ---- names */

static int disk_stat(struct io *io, const char *path, struct io_stat *st)
{
    struct sim_disk *d = disk_of(io);
    return d->dead ? -EIO : io_stat(below(d), path, st);
}

static int disk_rename(struct io *io, const char *from, const char *to)
{
    struct sim_disk *d = disk_of(io);
    enum turn t = begin_change(d, IO_MEM_RENAME, false, to);
    return stops(d, t) ? -EIO : end_change(d, t, io_rename(below(d), from, to));
}

static int disk_unlink(struct io *io, const char *path)
{
    struct sim_disk *d = disk_of(io);
    enum turn t = begin_change(d, IO_MEM_UNLINK, false, path);
    return stops(d, t) ? -EIO : end_change(d, t, io_unlink(below(d), path));
}

static int disk_mkdir(struct io *io, const char *path)
{
    struct sim_disk *d = disk_of(io);
    enum turn t = begin_change(d, CANNOT_FAIL, false, path);
    if (stops(d, t))
        return -EIO;
    return end_change(d, t, io_mkdir(below(d), path));
}

static int disk_rmdir(struct io *io, const char *path)
{
    struct sim_disk *d = disk_of(io);
    return d->dead ? -EIO : io_rmdir(below(d), path);
}

static int disk_sync_dir(struct io *io, const char *path)
{
    struct sim_disk *d = disk_of(io);
    enum turn t = begin_change(d, IO_MEM_SYNC_DIR, false, path);
    return stops(d, t) ? -EIO : end_change(d, t, io_sync_dir(below(d), path));
}

static int disk_list(struct io *io, const char *path, int (*each)(void *ctx, const char *name),
                     void *ctx)
{
    struct sim_disk *d = disk_of(io);
    return d->dead ? -EIO : io_list(below(d), path, each, ctx);
}

static int disk_space(struct io *io, const char *path, uint64_t *free_bytes)
{
    struct sim_disk *d = disk_of(io);
    return d->dead ? -EIO : io_space(below(d), path, free_bytes);
}

static const struct io_ops disk_ops = {
    .open = disk_open,
    .close = disk_close,
    .pread = disk_pread,
    .pwritev = disk_pwritev,
    .sync = disk_sync,
    .commit = disk_commit,
    .truncate = disk_truncate,
    .allocate = disk_allocate,
    .fstat = disk_fstat,
    .drop_cache = disk_drop_cache,
    .fd = disk_fd,
    .stat = disk_stat,
    .rename = disk_rename,
    .unlink = disk_unlink,
    .mkdir = disk_mkdir,
    .rmdir = disk_rmdir,
    .sync_dir = disk_sync_dir,
    .list = disk_list,
    .write_back = disk_write_back,
    .start_write_back = disk_start_write_back,
    .sync_fs = disk_sync_fs,
    .lock = disk_lock,
    .space = disk_space,
};

void sim_disk_init(struct sim_disk *d, struct sim_world *w, uint32_t node, struct io_mem *mem)
{
    *d = (struct sim_disk){.io = {&disk_ops}, .mem = mem, .w = w, .node = node};
}

void sim_disk_release(struct sim_disk *d)
{
    io_mem_free(d->mem);
    d->mem = NULL;
}

void sim_disk_power_cut(struct sim_disk *d, enum io_mem_cut cut, uint64_t seed)
{
    struct io_mem *left = io_mem_crash(d->mem, io_mem_trace_len(d->mem), cut, seed);
    if (!left)
        sim_out_of_memory();
    io_mem_free(d->mem);
    d->mem = left;
}
