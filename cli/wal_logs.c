/* wal_logs.c - from a PATH to logs.
 *
 *   a file                             that segment alone
 *   a directory holding segments       that log
 *   one holding numbered directories   a log each: the broker's wal directory
 *   one holding such a wal directory   the broker's data directory
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/wal_tool.h"
#include "shard/node.h"

/* A search under way. */
struct search {
    struct wal_logs *logs;
    struct io *io;
    int64_t shard; /* -1: any */
    struct node_meta meta;
    bool owned; /* meta is known */
    struct err *e;
};

static int add(struct search *s, const char *path, bool is_file, uint32_t shard)
{
    struct wal_log *v = realloc(s->logs->v, (s->logs->n + 1) * sizeof *v);
    char *copy = strdup(path);
    if (v)
        s->logs->v = v;
    if (!v || !copy) {
        free(copy);
        return err_code(s->e, -ENOMEM, "%s", path);
    }
    s->logs->v[s->logs->n++] =
        (struct wal_log){.io = s->io,
                         .path = copy,
                         .is_file = is_file,
                         .owned = s->owned,
                         .owner = {s->meta.cluster_id, s->meta.node_id, shard}};
    return 0;
}

static bool holds_segments(char **names, size_t n)
{
    uint64_t id;
    for (size_t i = 0; i < n; i++)
        if (wal_segment_name(names[i], &id))
            return true;
    return false;
}

/* The number of a shard's directory, or -1. */
static int64_t number_of(const char *name)
{
    int64_t n;
    return opt_parse_int(name, 0, UINT32_MAX, &n) == 0 ? n : -1;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = number_of(*(char *const *)a), y = number_of(*(char *const *)b);
    return x < y ? -1 : x > y;
}

/* The shards below a wal directory, in order. */
static int add_shards(struct search *s, const char *dir, char **names, size_t n)
{
    int rc = 0;
    if (n > 0)
        qsort(names, n, sizeof *names, by_number);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char path[IO_PATH_MAX];
        struct io_stat st;
        int64_t number = number_of(names[i]);
        if (number < 0 || (s->shard >= 0 && number != s->shard))
            continue;
        rc = io_path(path, sizeof path, dir, "%s", names[i]);
        if (rc == 0)
            rc = io_stat(s->io, path, &st);
        if (rc != 0)
            return err_code(s->e, rc, "%s/%s", dir, names[i]);
        if (st.is_dir)
            rc = add(s, path, false, (uint32_t)number);
    }
    return rc;
}

static int add_directory(struct search *s, const char *dir)
{
    char **names;
    size_t n;
    int rc = io_names(s->io, dir, &names, &n);
    if (rc != 0)
        return err_code(s->e, rc, "%s", dir);
    rc = holds_segments(names, n) ? add(s, dir, false, 0) : add_shards(s, dir, names, n);
    io_names_free(names, n);
    return rc;
}

/* Of a data directory: where node.meta says; without a good one, where it usually is. */
static int add_node(struct search *s, const char *dir)
{
    char wal[IO_PATH_MAX];
    struct io_stat st;
    s->owned = node_read(s->io, dir, &s->meta, NULL) == 0;
    if (s->owned)
        return add_directory(s, s->meta.wal_dir);
    int rc = io_path(wal, sizeof wal, dir, "wal");
    if (rc != 0)
        return err_code(s->e, rc, "%s", dir);
    return io_stat(s->io, wal, &st) == 0 && st.is_dir ? add_directory(s, wal) : 0;
}

int wal_logs_add(struct wal_logs *logs, struct io *io, const char *path, int64_t shard,
                 struct err *e)
{
    struct search s = {.logs = logs, .io = io, .shard = shard, .e = e};
    struct io_stat st;
    size_t before = logs->n;
    int rc = io_stat(io, path, &st);
    if (rc != 0)
        return err_code(e, rc, "%s", path);
    if (!st.is_dir)
        return add(&s, path, true, 0);
    rc = add_directory(&s, path);
    if (rc == 0 && logs->n == before)
        rc = add_node(&s, path);
    if (rc == 0 && logs->n == before)
        return err_set(e, ERR_NOTFOUND, "%s: no write-ahead log here", path);
    return rc;
}

int wal_logs_find(struct wal_logs *logs, const struct opt_args *args, int64_t shard, struct err *e)
{
    int rc = 0;
    memset(logs, 0, sizeof *logs);
    for (size_t i = 0; rc == 0 && i < args->n; i++)
        rc = wal_logs_add(logs, io_posix(), args->operands[i], shard, e);
    return rc;
}

void wal_logs_release(struct wal_logs *logs)
{
    for (size_t i = 0; i < logs->n; i++)
        free(logs->v[i].path);
    free(logs->v);
    memset(logs, 0, sizeof *logs);
}
