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

static int add(struct wal_logs *logs, const char *path, bool is_file, struct err *e)
{
    struct wal_log *v = realloc(logs->v, (logs->n + 1) * sizeof *v);
    char *copy = strdup(path);
    if (v)
        logs->v = v;
    if (!v || !copy) {
        free(copy);
        return err_code(e, -ENOMEM, "%s", path);
    }
    logs->v[logs->n++] = (struct wal_log){.path = copy, .is_file = is_file};
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

/* The shards below a wal directory, in order. Their number is added to *n. */
static int add_shards(struct wal_logs *logs, const char *dir, char **names, size_t n_names,
                      int64_t shard, struct err *e)
{
    int rc = 0;
    if (n_names > 0)
        qsort(names, n_names, sizeof *names, by_number);
    for (size_t i = 0; rc == 0 && i < n_names; i++) {
        char path[IO_PATH_MAX];
        struct io_stat st;
        int64_t number = number_of(names[i]);
        if (number < 0 || (shard >= 0 && number != shard))
            continue;
        rc = io_path(path, sizeof path, dir, "%s", names[i]);
        if (rc == 0)
            rc = io_stat(io_posix(), path, &st);
        if (rc != 0)
            return err_code(e, rc, "%s/%s", dir, names[i]);
        if (st.is_dir)
            rc = add(logs, path, false, e);
    }
    return rc;
}

/* Of a data directory: where node.meta says; without a good one, where it usually is. */
static int wal_dir(char *buf, size_t cap, const char *dir)
{
    struct node_meta meta;
    if (node_read(io_posix(), dir, &meta, NULL) != 0)
        return io_path(buf, cap, dir, "wal");
    snprintf(buf, cap, "%s", meta.wal_dir);
    return 0;
}

static int add_directory(struct wal_logs *logs, const char *dir, bool deeper, int64_t shard,
                         struct err *e)
{
    char **names, wal[IO_PATH_MAX];
    size_t n, before = logs->n;
    struct io_stat st;
    int rc = io_names(io_posix(), dir, &names, &n);
    if (rc != 0)
        return err_code(e, rc, "%s", dir);
    if (holds_segments(names, n))
        rc = add(logs, dir, false, e);
    else
        rc = add_shards(logs, dir, names, n, shard, e);
    io_names_free(names, n);
    if (rc != 0 || logs->n > before)
        return rc;
    if (deeper && wal_dir(wal, sizeof wal, dir) == 0 && io_stat(io_posix(), wal, &st) == 0 &&
        st.is_dir)
        return add_directory(logs, wal, false, shard, e);
    return err_set(e, ERR_NOTFOUND, "%s: no write-ahead log here", dir);
}

int wal_logs_find(struct wal_logs *logs, const struct opt_args *args, int64_t shard, struct err *e)
{
    int rc = 0;
    memset(logs, 0, sizeof *logs);
    for (size_t i = 0; rc == 0 && i < args->n; i++) {
        const char *path = args->operands[i];
        struct io_stat st;
        rc = io_stat(io_posix(), path, &st);
        if (rc != 0)
            return err_code(e, rc, "%s", path);
        rc = st.is_dir ? add_directory(logs, path, true, shard, e) : add(logs, path, true, e);
    }
    return rc;
}

void wal_logs_release(struct wal_logs *logs)
{
    for (size_t i = 0; i < logs->n; i++)
        free(logs->v[i].path);
    free(logs->v);
    memset(logs, 0, sizeof *logs);
}
