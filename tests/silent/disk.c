#include "tests/silent/disk.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tests/shard/rig.h"

enum { FILE_MAX = 1 << 28 };

void disk_die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("silent: ", stderr);
    vfprintf(stderr, fmt, ap);
    putc('\n', stderr);
    va_end(ap);
    exit(2);
}

static void must(int rc, const char *what)
{
    if (rc < 0)
        disk_die("%s: %s", what, err_str(rc));
}

uint8_t *disk_read(struct io_mem *mem, const char *path, size_t *n)
{
    uint8_t *bytes = NULL;
    int rc = io_read_file(io_mem_io(mem), path, FILE_MAX, &bytes, n);
    if (rc != -ENOENT)
        must(rc, path);
    return rc < 0 ? NULL : bytes;
}

void disk_write(struct io_mem *mem, const char *path, const uint8_t *bytes, size_t n)
{
    struct io_file *f;
    must(io_open(io_mem_io(mem), path, IO_WRITE | IO_CREATE | IO_TRUNC, &f), path);
    if (n > 0)
        must(io_pwrite(f, bytes, n, 0), path);
    io_close(f);
}

void disk_remove(struct io_mem *mem, const char *path)
{
    must(io_unlink(io_mem_io(mem), path), path);
}

static void add_file(struct disk *d, const char *from, const char *to)
{
    uint8_t *bytes;
    size_t n;
    must(io_read_file(io_posix(), from, FILE_MAX, &bytes, &n), from);
    disk_write(d->mem, to, bytes, n);
    free(bytes);
    struct disk_file *v = reallocarray(d->files, d->n + 1, sizeof *v);
    if (!v)
        disk_die("out of memory");
    d->files = v;
    snprintf(v[d->n].path, sizeof v[d->n].path, "%s", to);
    v[d->n++].size = n;
}

static void add_directory(struct disk *d, const char *from, const char *to)
{
    char **names;
    size_t n;
    must(io_mkdir(io_mem_io(d->mem), to), to);
    must(io_names(io_posix(), from, &names, &n), from);
    for (size_t i = 0; i < n; i++) {
        char source[IO_PATH_MAX], target[IO_PATH_MAX];
        struct io_stat st;
        must(io_path(source, sizeof source, from, "%s", names[i]), from);
        must(io_path(target, sizeof target, to, "%s", names[i]), to);
        must(io_stat(io_posix(), source, &st), source);
        if (st.is_dir)
            add_directory(d, source, target);
        else
            add_file(d, source, target);
    }
    io_names_free(names, n);
}

void disk_load(struct disk *d, const char *name, const char *dir)
{
    *d = (struct disk){.name = name, .mem = io_mem_new()};
    if (!d->mem)
        disk_die("out of memory");
    add_directory(d, dir, RIG_DIR);
    /* All of it synced, and no trace of how it came there. */
    struct io_mem *settled = io_mem_crash(d->mem, io_mem_trace_len(d->mem), IO_CUT_ALL, 0);
    if (!settled)
        disk_die("out of memory");
    io_mem_free(d->mem);
    d->mem = settled;
}

void disk_release(struct disk *d)
{
    io_mem_free(d->mem);
    free(d->files);
}

struct io_mem *disk_copy(const struct disk *d)
{
    struct io_mem *copy = io_mem_crash(d->mem, 0, IO_CUT_ALL, 0);
    if (!copy)
        disk_die("out of memory");
    return copy;
}
