#include "plog/swap.h"
#include "base/mutant.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plog/plog_impl.h"

static const char cleaned[] = ".cleaned", swap[] = ".swap";
enum { LOG = 0, WINDOW = 256 << 10 }; /* LOG: the first of plog_endings */

/* "<dir>/<base><ending><suffix>" */
static int path_of(char *buf, size_t cap, const char *dir, int64_t base, size_t ending,
                   const char *suffix)
{
    return io_path(buf, cap, dir, "%020" PRId64 "%s%s", base, plog_endings[ending], suffix);
}

int plog_cleaned_path(char *buf, size_t cap, const char *dir, int64_t base)
{
    return path_of(buf, cap, dir, base, LOG, cleaned);
}

static int rename_to(struct io *io, const char *dir, int64_t base, size_t ending, const char *from,
                     const char *to, struct err *e)
{
    char a[IO_PATH_MAX], b[IO_PATH_MAX];
    int rc = path_of(a, sizeof a, dir, base, ending, from);
    if (rc == 0)
        rc = path_of(b, sizeof b, dir, base, ending, to);
    if (rc < 0)
        return err_code(e, rc, "%s", dir);
    rc = io_rename(io, a, b);
    return rc < 0 ? err_code(e, rc, "%s: rename to %s", a, b) : 0;
}

static int sync_names(struct io *io, const char *dir, struct err *e)
{
    int rc = MUTANT(swap_not_synced) ? 0 : io_sync_dir(io, dir);
    return rc < 0 ? err_code(e, rc, "%s: sync", dir) : 0;
}

int plog_swap_commit(struct io *io, const char *dir, int64_t base, struct err *e)
{
    char path[IO_PATH_MAX];
    struct io_stat st;
    int rc = rename_to(io, dir, base, LOG, cleaned, swap, e);
    if (rc == -ENOENT && path_of(path, sizeof path, dir, base, LOG, swap) == 0 &&
        io_stat(io, path, &st) == 0)
        rc = 0; /* renamed, and only not synced, the last time */
    return rc < 0 ? rc : sync_names(io, dir, e);
}

static int unlink_name(struct io *io, const char *dir, const char *name, struct err *e)
{
    char path[IO_PATH_MAX];
    int rc = io_path(path, sizeof path, dir, "%s", name);
    if (rc == 0)
        rc = io_unlink(io, path);
    return rc < 0 && rc != -ENOENT ? err_code(e, rc, "%s/%s: remove", dir, name) : 0;
}

/* The files of segments that begin behind base and below end. */
static int remove_replaced(struct io *io, const char *dir, int64_t base, int64_t end, struct err *e)
{
    char **names;
    size_t n;
    int rc = io_names(io, dir, &names, &n);
    if (rc < 0)
        return err_code(e, rc, "%s", dir);
    for (size_t i = 0; i < n && rc == 0; i++) {
        int64_t at;
        if (plog_segment_name(names[i], &at) && at > base && at < end)
            rc = unlink_name(io, dir, names[i], e);
    }
    io_names_free(names, n);
    return rc;
}

int plog_swap_finish(struct io *io, const char *dir, int64_t base, int64_t end, struct err *e)
{
    int rc = remove_replaced(io, dir, base, end, e);
    for (size_t i = LOG + 1; plog_endings[i] && rc == 0; i++) {
        rc = rename_to(io, dir, base, i, cleaned, "", e);
        if (rc == -ENOENT) /* a process before this one did it */
            rc = 0;
    }
    if (rc == 0)
        rc = sync_names(io, dir, e);
    if (rc == 0)
        rc = rename_to(io, dir, base, LOG, swap, "", e);
    if (rc == -ENOENT) /* likewise: it was there */
        rc = 0;
    return rc < 0 ? rc : sync_names(io, dir, e);
}

int plog_swap_abandon(struct io *io, const char *dir, int64_t base, struct err *e)
{
    int first = 0;
    for (size_t i = LOG; plog_endings[i]; i++) {
        char path[IO_PATH_MAX];
        int rc = path_of(path, sizeof path, dir, base, i, cleaned);
        if (rc == 0)
            rc = io_unlink(io, path);
        if (rc < 0 && rc != -ENOENT && first == 0)
            first = err_code(e, rc, "%s: remove", path);
    }
    return first;
}

/* ---- at a start */

static bool has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);
    return n > m && strcmp(name + n - m, suffix) == 0;
}

bool plog_swap_name(const char *name)
{
    const char *ending;
    int64_t base;
    return plog_parse_name(name, &base, &ending) &&
           (has_suffix(ending, cleaned) || has_suffix(ending, swap));
}

/* The offset behind its last batch. It was synced before it got that name, but what it replaces is
 * removed on its word: every batch is checked. */
static int end_of(struct io *io, const char *path, int64_t base, int64_t *end, struct err *e)
{
    struct plog_scan scan;
    struct io_stat st;
    struct io_file *f;
    int rc = io_open(io, path, IO_READ, &f);
    if (rc < 0)
        return err_code(e, rc, "%s", path);
    size_t cap = WINDOW;
    uint8_t *window = NULL;
    rc = io_fstat(f, &st);
    if (rc == 0 && !(window = plog_scan_window(st.size, &cap)))
        rc = -ENOMEM;
    if (rc < 0) {
        err_code(e, rc, "%s", path);
    } else {
        plog_scan_init(&scan, f, path, 0, st.size, base, window, cap);
        scan.gaps = true;
        struct span bytes;
        while ((rc = plog_scan_next(&scan, e)) > 0 && (rc = plog_scan_bytes(&scan, &bytes, e)) == 0)
            ;
        *end = scan.next;
        plog_scan_release(&scan);
    }
    free(window);
    io_close(f);
    return rc;
}

/* Base offsets are under no CRC. A cleaned segment ends where the last of those it replaces did,
 * and there the next one begins; else its last offset is wrong, and what it would remove is not its
 * own. If those it replaces are gone, nothing is left to be removed on its word. Its last batch is
 * never missing. */
static bool end_fits(const struct plog_leftovers *l, int64_t base, int64_t end)
{
    int64_t next = l->active.base;
    bool replaces = false;
    for (size_t i = 0; i < l->n; i++) {
        const char *ending;
        int64_t at;
        if (!plog_parse_name(l->names[i], &at, &ending) || strcmp(ending, plog_endings[LOG]) != 0)
            continue;
        replaces |= at >= base && at < end;
        next = at >= end && at < next ? at : next;
    }
    if (next == INT64_MAX) /* the active one, which has no file yet, begins where this ends */
        next = end;
    return end > base && (next == end || (!replaces && end < next));
}

/* 0 if it may end there. The check file that was written with it says where it ends, too, under a
 * checksum of its own; damaged or gone it says nothing. */
static int check_end(const struct plog_leftovers *l, int64_t base, int64_t end, struct err *e)
{
    char path[IO_PATH_MAX];
    struct plog_check c;
    struct plog_segment_id id = l->active, *whose = id.partition < 0 ? NULL : &id;
    id.base = base;
    int rc = path_of(path, sizeof path, l->dir, base, LOG, cleaned);
    if (rc == 0)
        rc = plog_check_load(l->io, path, whose, &c, e);
    if (rc == ERR_NOTFOUND) { /* it has its own name already */
        rc = path_of(path, sizeof path, l->dir, base, LOG, "");
        if (rc == 0)
            rc = plog_check_load(l->io, path, whose, &c, e);
    }
    if (rc == ERR_NOTFOUND || rc == ERR_CORRUPT)
        c.end = end;
    else if (rc < 0)
        return rc;
    if ((end_fits(l, base, end) && c.end == end) || MUTANT(swap_end_believed))
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s/%020" PRId64 ".log.swap: it ends at offset %" PRId64
                   ", what it replaces does not",
                   l->dir, base, end);
}

int plog_swap_look(const struct plog_leftovers *l, int64_t base, int64_t *end, struct err *e)
{
    char path[IO_PATH_MAX];
    int rc = path_of(path, sizeof path, l->dir, base, LOG, swap);
    if (rc < 0)
        return err_code(e, rc, "%s", l->dir);
    rc = end_of(l->io, path, base, end, e);
    return rc < 0 ? rc : check_end(l, base, *end, e);
}

static int finish_swap(const struct plog_leftovers *l, struct log *log, const char *name,
                       struct err *e)
{
    const char *ending;
    int64_t base, end = 0;
    if (!plog_parse_name(name, &base, &ending) || strcmp(ending, ".log.swap") != 0)
        return 0; /* not ours */
    int rc = plog_swap_look(l, base, &end, e);
    /* Whoever was killed between its rename and the sync left the name in the page cache alone. */
    if (rc == 0 && !MUTANT(swap_found_not_synced))
        rc = sync_names(l->io, l->dir, e);
    if (rc == 0)
        rc = plog_swap_finish(l->io, l->dir, base, end, e);
    if (rc == 0)
        log_info(log, "plog", "compaction that was interrupted is finished file=%s/%s", l->dir,
                 name);
    return rc;
}

int plog_swap_recover(const struct plog_leftovers *l, struct log *log, struct err *e)
{
    int rc = 0;
    if (MUTANT(swap_half_done))
        return 0;
    for (size_t i = 0; i < l->n && rc == 0; i++) {
        if (has_suffix(l->names[i], swap))
            rc = finish_swap(l, log, l->names[i], e);
    }
    for (size_t i = 0; i < l->n && rc == 0; i++) {
        int64_t base;
        const char *ending;
        if (has_suffix(l->names[i], cleaned) && plog_parse_name(l->names[i], &base, &ending))
            rc = unlink_name(l->io, l->dir, l->names[i], e);
    }
    return rc;
}
