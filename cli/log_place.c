#include "cli/log_place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plog/index_file.h"
#include "plog/plog.h"
#include "plog/swap.h"
#include "shard/node.h"

static void partition_release(struct log_partition *part)
{
    for (size_t i = 0; i < part->n; i++)
        free(part->segments[i].path);
    for (size_t i = 0; i < part->n_bad_swaps; i++)
        free(part->bad_swaps[i].path);
    free(part->bad_swaps);
    free(part->segments);
    free(part->dir);
}

void log_place_release(struct log_place *p)
{
    for (size_t i = 0; i < p->n; i++)
        partition_release(&p->v[i]);
    free(p->v);
    p->v = NULL;
    p->n = 0;
}

/* ---- one partition */

static int add_segment(struct log_partition *part, int64_t base, const char *path)
{
    struct log_segment *v = reallocarray(part->segments, part->n + 1, sizeof *v);
    if (!v)
        return -ENOMEM;
    part->segments = v;
    v[part->n] = (struct log_segment){.base = base, .path = strdup(path)};
    return v[part->n++].path ? 0 : -ENOMEM;
}

/* The others are looked at then. */
static int refuse_swap(struct log_partition *part, const char *path, const struct err *why)
{
    struct log_swap *v = reallocarray(part->bad_swaps, part->n_bad_swaps + 1, sizeof *v);
    if (!v)
        return -ENOMEM;
    part->bad_swaps = v;
    v[part->n_bad_swaps] = (struct log_swap){.path = strdup(path), .why = *why};
    return v[part->n_bad_swaps++].path ? 0 : -ENOMEM;
}

/* A compaction was interrupted: its file is in force, not those it replaces (plog/swap.h). */
static int take_swap(struct log_partition *part, const struct plog_leftovers *l, const char *path,
                     int64_t base)
{
    int64_t end;
    size_t kept = 0;
    struct err why;
    int rc = plog_swap_look(l, base, &end, &why);
    if (rc < 0)
        return rc == ERR_CORRUPT ? refuse_swap(part, path, &why) : rc;
    for (size_t i = 0; i < part->n; i++) {
        struct log_segment *s = &part->segments[i];
        if (s->base >= base && s->base < end)
            free(s->path);
        else
            part->segments[kept++] = *s;
    }
    part->n = kept;
    return add_segment(part, base, path);
}

static int by_base(const void *a, const void *b)
{
    const struct log_segment *x = a, *y = b;
    return x->base < y->base ? -1 : x->base > y->base;
}

static int take_swaps(struct log_place *p, struct log_partition *part, const char *dir,
                      char *const *names, size_t n)
{
    struct plog_leftovers l = {.io = p->io, .dir = dir, .names = names, .n = n};
    l.active = (struct plog_segment_id){part->topic_id, part->partition, INT64_MAX};
    if (uuid_is_zero(&part->topic_id))
        l.active.partition = -1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char path[IO_PATH_MAX];
        const char *ending;
        int64_t base;
        if (!plog_parse_name(names[i], &base, &ending) || strcmp(ending, ".log.swap") != 0)
            continue;
        rc = io_path(path, sizeof path, dir, "%s", names[i]);
        if (rc == 0)
            rc = take_swap(part, &l, path, base);
    }
    if (part->n > 0)
        qsort(part->segments, part->n, sizeof *part->segments, by_base);
    return rc;
}

static int add_segments(struct log_place *p, struct log_partition *part, const char *dir)
{
    char **names;
    size_t n;
    int rc = io_names(p->io, dir, &names, &n); /* sorted: by base offset */
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char path[IO_PATH_MAX];
        const char *ending;
        int64_t base;
        if (!plog_parse_name(names[i], &base, &ending) || strcmp(ending, ".log") != 0)
            continue;
        rc = io_path(path, sizeof path, dir, "%s", names[i]);
        if (rc == 0)
            rc = add_segment(part, base, path);
    }
    if (rc == 0)
        rc = take_swaps(p, part, dir, names, n);
    io_names_free(names, n);
    if (part->n > 0)
        part->segments[part->n - 1].last = true;
    return rc;
}

static const char *last_name(const char *path, size_t n, char *buf, size_t cap)
{
    while (n > 1 && path[n - 1] == '/')
        n--;
    size_t from = n;
    while (from > 0 && path[from - 1] != '/')
        from--;
    if (n - from >= cap)
        n = from;
    memcpy(buf, path + from, n - from);
    buf[n - from] = 0;
    return buf;
}

static int new_partition(struct log_place *p, const char *dir, struct log_partition **out)
{
    char name[IO_PATH_MAX];
    struct log_partition *v = reallocarray(p->v, p->n + 1, sizeof *v);
    if (!v)
        return -ENOMEM;
    p->v = v;
    *out = &v[p->n];
    **out = (struct log_partition){.dir = strdup(dir), .partition = -1};
    if (!(*out)->dir)
        return -ENOMEM;
    p->n++;
    last_name(dir, strlen(dir), name, sizeof name);
    if (!plog_parse_dirname(name, (*out)->topic, sizeof(*out)->topic, &(*out)->partition))
        (*out)->topic[0] = 0;
    if (plog_dir_id(p->io, dir, &(*out)->topic_id) < 0)
        (*out)->topic_id = (struct uuid){0};
    return 0;
}

static int add_partition(struct log_place *p, const char *dir)
{
    struct log_partition *part;
    int rc = new_partition(p, dir, &part);
    return rc < 0 ? rc : add_segments(p, part, dir);
}

/* ---- directories */

/* A partition's directory, by what is in it. */
static bool holds_segments(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *ending;
        int64_t base;
        if (strcmp(names[i], "partition.metadata") == 0 ||
            (plog_parse_name(names[i], &base, &ending) && strcmp(ending, ".log") == 0))
            return true;
    }
    return false;
}

static int by_name(const void *a, const void *b)
{
    const struct log_partition *x = a, *y = b;
    int cmp = strcmp(x->topic, y->topic);
    return cmp ? cmp : x->partition < y->partition ? -1 : x->partition > y->partition;
}

static int add_partitions(struct log_place *p, const char *dir, char **names, size_t n)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char path[IO_PATH_MAX], topic[META_NAME_MAX + 1];
        int32_t partition;
        struct io_stat st;
        if (!plog_parse_dirname(names[i], topic, sizeof topic, &partition))
            continue; /* "-delete" and "-new", too: on their way out or in */
        rc = io_path(path, sizeof path, dir, "%s", names[i]);
        if (rc == 0)
            rc = io_stat(p->io, path, &st);
        if (rc == 0 && st.is_dir)
            rc = add_partition(p, path);
        if (rc == -ENOENT)
            rc = 0; /* removed meanwhile */
    }
    if (p->n > 0)
        qsort(p->v, p->n, sizeof *p->v, by_name);
    return rc;
}

static bool is_node(const struct log_place *p)
{
    char path[IO_PATH_MAX];
    struct io_stat st;
    return io_path(path, sizeof path, p->path, "node.meta") == 0 && io_stat(p->io, path, &st) == 0;
}

static int find_in_directory(struct log_place *p, struct err *e)
{
    char logs[IO_PATH_MAX];
    const char *dir = p->path;
    char **names;
    size_t n;
    int rc = 0;
    p->is_node = is_node(p);
    if (p->is_node) {
        rc = node_log_dir(logs, sizeof logs, p->path);
        dir = logs;
    }
    if (rc == 0)
        rc = io_names(p->io, dir, &names, &n);
    if (rc == -ENOENT && p->is_node)
        return 0; /* no partition has been written to */
    if (rc < 0)
        return err_code(e, rc, "%s", dir);
    rc = holds_segments(names, n) ? add_partition(p, dir) : add_partitions(p, dir, names, n);
    io_names_free(names, n);
    if (rc < 0)
        return err_code(e, rc, "%s", dir);
    if (p->n == 0 && !p->is_node)
        return err_set(e, ERR_NOTFOUND, "%s: no partition's log here", dir);
    return 0;
}

/* ---- files */

static int find_file(struct log_place *p, struct err *e)
{
    static const char *const endings[] = {".log", ".index", ".timeindex", ".check"};
    char dir[IO_PATH_MAX], path[IO_PATH_MAX];
    const char *slash = strrchr(p->path, '/'), *name = slash ? slash + 1 : p->path, *ending;
    struct log_partition *part;
    int64_t base = -1;
    size_t n = (size_t)(name - p->path);
    if (strlen(p->path) >= sizeof path)
        return err_code(e, -ENAMETOOLONG, "%s", p->path);
    strcpy(path, p->path);
    memcpy(dir, p->path, n);
    strcpy(dir + n, n ? "" : ".");
    if (plog_parse_name(name, &base, &ending)) {
        bool known = false;
        for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
            known |= strcmp(ending, endings[i]) == 0;
        if (known)
            strcpy(path + n + LOG_SEGMENT_NAME, ".log");
    }
    int rc = new_partition(p, dir, &part);
    if (rc == 0)
        rc = add_segment(part, base, path);
    if (rc < 0)
        return err_code(e, rc, "%s", p->path);
    part->is_file = true;
    return 0;
}

int log_place_find(struct log_place *p, struct io *io, const char *path, struct err *e)
{
    struct io_stat st;
    *p = (struct log_place){.io = io, .path = path};
    int rc = io_stat(io, path, &st);
    if (rc < 0)
        return err_code(e, rc, "%s", path);
    return st.is_dir ? find_in_directory(p, e) : find_file(p, e);
}
