/* segment.c - make a segment file, from nothing or from an old one.
 *
 * The file is built under the temporary name `<id>.tmp` and renamed when its header and its full
 * size are durable. The steps of recycling, and what a crash after each leaves:
 *
 *   rename old to temporary, sync directory   a temporary file, removed at the next start; or still
 *                                             the old segment, unharmed, for the directory is
 *                                             synced before its header is touched
 *   allocate, write header, sync              a temporary file
 *   rename to the new name, sync directory    the new segment, or a temporary file
 *
 * What fails before the header is touched (for want of descriptors, or of memory) gives the old
 * file its name back: on a full disk it may be the only one that can become the next segment.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mutant.h"
#include "wal/state.h"

/* Bytes of them in one write: a commit waits for the one that the device is busy with, and smaller
 * ones take longer in all than a log that is written at full speed has. */
enum { ZEROS = 256 << 10 };

static int temporary_path(char *buf, size_t cap, const char *dir, uint64_t id)
{
    return io_path(buf, cap, dir, "%020" PRIu64 ".tmp", id);
}

static bool temporary_name(const char *name)
{
    return strlen(name) == 24 && strspn(name, "0123456789") == 20 && strcmp(name + 20, ".tmp") == 0;
}

static int sync_names(struct io *io, const char *dir, bool *uncertain, struct err *e)
{
    int rc = MUTANT(names_not_synced) ? 0 : io_sync_dir(io, dir);
    if (rc != 0) {
        *uncertain = !io_sync_not_begun(rc);
        return err_code(e, rc, "%s: cannot sync the directory", dir);
    }
    return 0;
}

/* The old file under the temporary name, durably. */
static int take_old(struct wal_segment_plan *p, const char *tmp, struct err *e)
{
    char old[IO_PATH_MAX];
    int rc = wal_segment_path(old, sizeof old, p->dir, p->recycle);
    if (rc != 0)
        return err_code(e, rc, "%s", p->dir);
    rc = io_rename(p->io, old, tmp);
    if (rc != 0 && rc != -ENOENT)
        return err_code(e, rc, "%s: cannot rename", old);
    p->recycled = true;
    if (rc == -ENOENT) { /* somebody took it away: make a new file, then */
        p->recycle = 0;
        return 0;
    }
    return sync_names(p->io, p->dir, &p->uncertain, e);
}

/* Space that is merely reserved becomes the file's only when it is written: a change of extents,
 * and a commit of the file system's journal, for each of the first writes. */
static int write_zeros(struct io_file *f, uint64_t size)
{
    size_t n = ZEROS < size ? ZEROS : (size_t)size;
    uint8_t *zeros = aligned_alloc(WAL_BLOCK, n);
    if (!zeros)
        return -ENOMEM;
    memset(zeros, 0, n);
    int rc = 0;
    for (uint64_t at = 0; at < size && rc == 0; at += n)
        rc = io_pwrite(f, zeros, size - at < n ? (size_t)(size - at) : n, at);
    free(zeros);
    return rc;
}

/* A file from nothing must not take the room that is reserved for other things. */
static int look_for_room(const struct wal_segment_plan *p, const char *tmp, struct err *e)
{
    uint64_t left, want;
    if (p->leave_free == 0 || io_space(p->io, p->dir, &left) != 0)
        return 0; /* unknown: the allocation will tell */
    if (__builtin_add_overflow(p->header.size, p->leave_free, &want) || left < want)
        return err_code(e, -ENOSPC,
                        "%s: cannot reserve %" PRIu64 " bytes: %" PRIu64 " are free, %" PRIu64
                        " of them kept for other things",
                        tmp, p->header.size, left, p->leave_free);
    return 0;
}

/* Full size, header, durable. */
static int fill(struct wal_segment_plan *p, struct io_file *f, const char *tmp, struct err *e)
{
    int rc = io_allocate(f, 0, p->header.size);
    if (rc != 0)
        return err_code(e, rc, "%s: cannot reserve %" PRIu64 " bytes", tmp, p->header.size);
    if (p->zeros && !p->recycle)
        rc = write_zeros(f, p->header.size);
    if (rc != 0)
        return err_code(e, rc, "%s: cannot write zeros", tmp);
    uint8_t *block = aligned_alloc(WAL_BLOCK, WAL_BLOCK);
    if (!block)
        return err_code(e, -ENOMEM, "%s", tmp);
    wal_segment_header_encode(block, &p->header);
    struct iovec iov[] = {{block, WAL_BLOCK}, p->first};
    p->touched = true;
    rc = io_pwritev(f, iov, p->first.iov_len ? 2 : 1, 0);
    free(block);
    if (rc != 0)
        return err_code(e, rc, "%s: byte 0: cannot write the segment header", tmp);
    rc = MUTANT(segment_before_header) ? 0 : io_sync(f);
    return rc != 0 ? err_code(e, rc, "%s: cannot sync", tmp) : 0;
}

static int build(struct wal_segment_plan *p, const char *tmp, const char *path, struct err *e)
{
    int rc = p->recycle ? take_old(p, tmp, e) : 0;
    if (rc == 0 && !p->recycle)
        rc = look_for_room(p, tmp, e);
    if (rc != 0)
        return rc;
    int how = p->recycle ? IO_WRITE : IO_WRITE | IO_CREATE | IO_TRUNC;
    if (p->direct)
        how |= IO_DIRECT;
    rc = io_open(p->io, tmp, how, &p->file);
    if (rc != 0)
        return err_code(e, rc, "%s: cannot open", tmp);
    rc = fill(p, p->file, tmp, e);
    if (rc != 0)
        return rc;
    rc = io_rename(p->io, tmp, path);
    if (rc != 0)
        return err_code(e, rc, "%s: cannot rename", tmp);
    return sync_names(p->io, p->dir, &p->uncertain, e);
}

/* At worst the next start sweeps the temporary file away. */
static void clear_up(struct wal_segment_plan *p, const char *tmp)
{
    char old[IO_PATH_MAX];
    bool unharmed = p->recycled && !p->touched && !p->uncertain && !MUTANT(recycling_loses);
    if (unharmed && wal_segment_path(old, sizeof old, p->dir, p->recycle) == 0 &&
        io_rename(p->io, tmp, old) == 0)
        p->recycled = false;
    else
        (void)io_unlink(p->io, tmp);
}

int wal_segment_make(struct wal_segment_plan *p, struct err *e)
{
    char tmp[IO_PATH_MAX], path[IO_PATH_MAX];
    int rc = temporary_path(tmp, sizeof tmp, p->dir, p->header.id);
    if (rc == 0)
        rc = wal_segment_path(path, sizeof path, p->dir, p->header.id);
    if (rc != 0)
        return err_code(e, rc, "%s", p->dir);
    rc = build(p, tmp, path, e);
    if (rc == 0)
        return 0;
    io_close(p->file);
    p->file = NULL;
    clear_up(p, tmp);
    return rc;
}

int wal_segment_remove(struct io *io, const char *dir, uint64_t id, bool *uncertain, struct err *e)
{
    char path[IO_PATH_MAX] = "";
    int rc = wal_segment_path(path, sizeof path, dir, id);
    if (rc == 0)
        rc = io_unlink(io, path);
    if (rc != 0 && rc != -ENOENT)
        return err_code(e, rc, "%s: cannot remove", path);
    /* One by one, so that what is left after a power cut is always the newest, without gaps. */
    return sync_names(io, dir, uncertain, e);
}

int wal_segment_sweep(struct io *io, const char *dir, struct err *e)
{
    char **names;
    size_t n;
    int rc = io_names(io, dir, &names, &n);
    if (rc != 0)
        return err_code(e, rc, "%s: cannot list the directory", dir);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char path[IO_PATH_MAX];
        if (!temporary_name(names[i]))
            continue;
        rc = io_path(path, sizeof path, dir, "%s", names[i]);
        if (rc == 0)
            rc = io_unlink(io, path);
        if (rc != 0)
            err_code(e, rc, "%s/%s: cannot remove", dir, names[i]);
    }
    io_names_free(names, n);
    return rc;
}

int wal_salt(const struct wal_writer *w, uint64_t *salt)
{
    if (w->random) {
        *salt = w->random(w->random_ctx);
        return 0;
    }
    ssize_t n = getrandom(salt, sizeof *salt, 0);
    if (n < 0)
        return -errno;
    return n == sizeof *salt ? 0 : -EIO;
}
