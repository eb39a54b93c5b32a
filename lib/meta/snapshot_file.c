/* Snapshots in their directory. A name is written when its bytes are durable, so a named one that
 * does not check is corruption, and what is left under a temporary name is worth nothing. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meta/meta.h"

enum { DIGITS = 20 };
static const char suffix[] = ".snapshot", temporary[] = ".snapshot.tmp";

/* ---- names */

void meta_snapshot_format_name(char out[META_SNAPSHOT_NAME], struct meta_snapshot_name s)
{
    snprintf(out, META_SNAPSHOT_NAME, "%0*" PRIu64 "-%0*" PRIu64 "%s", DIGITS, s.index, DIGITS,
             s.term, suffix);
}

/* Exactly DIGITS digits that fit 64 bits; NULL if s does not begin with such. */
static const char *parse_number(const char *s, uint64_t *v)
{
    *v = 0;
    for (int i = 0; i < DIGITS; i++) {
        if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(*v, (uint64_t)10, v) ||
            __builtin_add_overflow(*v, (uint64_t)(s[i] - '0'), v))
            return NULL;
    }
    return s + DIGITS;
}

bool meta_snapshot_parse_name(const char *name, struct meta_snapshot_name *s)
{
    const char *p = parse_number(name, &s->index);
    if (!p || *p++ != '-')
        return false;
    p = parse_number(p, &s->term);
    return p && strcmp(p, suffix) == 0;
}

static int name_cmp(const void *a, const void *b)
{
    const struct meta_snapshot_name *x = a, *y = b;
    if (x->index != y->index)
        return x->index < y->index ? -1 : 1;
    return (x->term > y->term) - (x->term < y->term);
}

/* ---- the directory */

struct listing {
    struct meta_snapshot_name *list;
    size_t n, cap;
};

static int add_name(void *ctx, const char *name)
{
    struct listing *l = ctx;
    struct meta_snapshot_name s;
    if (!meta_snapshot_parse_name(name, &s))
        return 0;
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 8;
        struct meta_snapshot_name *grown = realloc(l->list, cap * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        l->list = grown;
        l->cap = cap;
    }
    l->list[l->n++] = s;
    return 0;
}

int meta_snapshot_list(struct io *io, const char *dir, struct meta_snapshot_name **list, size_t *n)
{
    struct listing l = {NULL, 0, 0};
    int rc = io_list(io, dir, add_name, &l);
    if (rc < 0) {
        free(l.list);
        return rc;
    }
    if (l.n > 1)
        qsort(l.list, l.n, sizeof *l.list, name_cmp);
    *list = l.list;
    *n = l.n;
    return 0;
}

static int path_of(char path[IO_PATH_MAX], const char *dir, struct meta_snapshot_name s)
{
    char name[META_SNAPSHOT_NAME];
    meta_snapshot_format_name(name, s);
    return io_path(path, IO_PATH_MAX, dir, "%s", name);
}

/* ---- saving and pruning */

int meta_snapshot_save(struct io *io, const char *dir, const struct meta_image *m, int64_t wall_ms,
                       struct err *e)
{
    char path[IO_PATH_MAX];
    struct wr w;
    int rc = path_of(path, dir, (struct meta_snapshot_name){meta_index(m), meta_term(m)});
    if (rc < 0)
        return err_code(e, rc, "%s", dir);
    wr_init(&w, META_SNAPSHOT_MAX);
    meta_snapshot_encode(m, wall_ms, &w);
    rc = w.err ? w.err : io_replace_file(io, path, w.buf, w.len);
    wr_free(&w);
    return rc < 0 ? err_code(e, rc, "%s", path) : 0;
}

/* Is that a file an interrupted save left? */
static bool is_temporary(const char *name)
{
    size_t n = strlen(name), tail = strlen(temporary);
    return n > tail && strcmp(name + n - tail, temporary) == 0;
}

int meta_snapshot_prune(struct io *io, const char *dir, uint64_t keep, struct err *e)
{
    char **names = NULL, path[IO_PATH_MAX];
    size_t n = 0;
    int rc = io_names(io, dir, &names, &n);
    if (rc < 0)
        return err_code(e, rc, "%s", dir);
    for (size_t i = 0; i < n && rc >= 0; i++) {
        struct meta_snapshot_name s;
        bool old = meta_snapshot_parse_name(names[i], &s) && s.index < keep;
        if (!old && !is_temporary(names[i]))
            continue;
        rc = io_path(path, sizeof path, dir, "%s", names[i]);
        if (rc >= 0)
            rc = io_unlink(io, path);
        if (rc < 0)
            err_code(e, rc, "%s/%s", dir, names[i]);
    }
    io_names_free(names, n);
    return rc < 0 ? rc : 0;
}

/* ---- loading */

/* The name of the snapshot of that index; the newest term if there are several. */
static int find_index(struct io *io, const char *dir, uint64_t index, struct meta_snapshot_name *s)
{
    struct meta_snapshot_name *list = NULL;
    size_t n = 0;
    int rc = meta_snapshot_list(io, dir, &list, &n);
    bool found = false;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (list[i].index == index) {
            *s = list[i];
            found = true;
        }
    }
    free(list);
    return rc < 0 ? rc : found ? 0 : ERR_NOTFOUND;
}

/* A snapshot under another's name would be served as that other. */
static int check_name(const struct meta_image *m, struct meta_snapshot_name s, struct err *e)
{
    if (meta_index(m) == s.index && meta_term(m) == s.term)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "byte 40: its index and term are %" PRIu64 " and %" PRIu64
                   ", its name says otherwise",
                   meta_index(m), meta_term(m));
}

static int load_path(struct io *io, const char *path, struct meta_snapshot_name s,
                     const struct uuid *owner, struct meta_image **out, struct err *e)
{
    uint8_t *buf = NULL;
    size_t n = 0;
    struct meta_image *m = NULL;
    int rc = io_read_file(io, path, META_SNAPSHOT_MAX, &buf, &n);
    if (rc < 0)
        return err_code(e, rc, "%s", path);
    rc = meta_snapshot_decode(span_of(buf, n), owner, &m, NULL, e);
    free(buf);
    if (rc == 0)
        rc = check_name(m, s, e);
    if (rc < 0) {
        err_wrap(e, "%s", path);
        meta_image_unref(m);
        return rc;
    }
    *out = m;
    return 0;
}

int meta_snapshot_load(struct io *io, const char *dir, uint64_t index, const struct uuid *owner,
                       struct meta_image **out, struct err *e)
{
    char path[IO_PATH_MAX];
    struct meta_snapshot_name s;
    int rc = find_index(io, dir, index, &s);
    if (rc == ERR_NOTFOUND)
        return err_set(e, ERR_CORRUPT, "%s: the metadata snapshot of index %" PRIu64 " is missing",
                       dir, index);
    if (rc >= 0)
        rc = path_of(path, dir, s);
    if (rc < 0)
        return err_code(e, rc, "%s", dir);
    return load_path(io, path, s, owner, out, e);
}
