#include "cli/meta_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/checkpoint_check.h"
#include "cli/meta_history.h"
#include "shard/node.h"

/* A check under way. */
struct check {
    const struct place *place;
    struct verdict *to;
};

/* ---- single files */

/* The whole file; false if it is not there or cannot be read, which is told. */
static bool read_whole(struct check *c, const char *path, uint8_t **buf, size_t *n)
{
    struct err e;
    int rc = io_read_file(c->place->io, path, META_SNAPSHOT_MAX, buf, n);
    if (rc == 0) {
        c->to->files++;
        c->to->bytes += *n;
    } else if (rc != -ENOENT) {
        err_code(&e, rc, "%s", path);
        faults_add(&c->to->faults, path, 0, &e);
    }
    return rc == 0;
}

static void check_node(struct check *c)
{
    char path[IO_PATH_MAX];
    struct node_meta meta;
    uint8_t *buf;
    size_t n;
    struct err e;
    if (io_path(path, sizeof path, c->place->path, "node.meta") < 0 ||
        !read_whole(c, path, &buf, &n))
        return;
    free(buf);
    if (node_read(c->place->io, c->place->path, &meta, &e) < 0)
        faults_add(&c->to->faults, path, 0, &e);
}

/* A snapshot by itself, under whatever name. */
static void check_snapshot(struct check *c)
{
    const char *path = c->place->path;
    uint8_t *buf;
    size_t n;
    uint64_t at;
    struct err e;
    struct meta_image *m = NULL;
    if (!read_whole(c, path, &buf, &n))
        return;
    if (meta_snapshot_decode(span_of(buf, n), NULL, &m, &at, &e) < 0)
        faults_add(&c->to->faults, path, at, &e);
    meta_image_unref(m);
    free(buf);
}

/* ---- checkpoints, snapshots and log together; -ENOENT: files went away meanwhile */

static bool is_listed(const struct history *h, uint64_t index)
{
    for (size_t i = 0; i < h->n_snapshots; i++) {
        if (h->snapshots[i].index == index)
            return true;
    }
    return false;
}

static void snapshot_path(const struct history *h, size_t i, char path[IO_PATH_MAX])
{
    char name[META_SNAPSHOT_NAME];
    meta_snapshot_format_name(name, h->snapshots[i]);
    if (io_path(path, IO_PATH_MAX, h->place->snapshots, "%s", name) < 0)
        path[0] = 0;
}

static void check_checkpoints(struct check *c, const struct history *h)
{
    for (int i = 0; i < 2; i++) {
        char path[IO_PATH_MAX];
        struct checkpoint cp;
        if (io_path(path, sizeof path, c->place->log, "checkpoint.%d", i) < 0 ||
            !checkpoint_check(c->to, c->place->io, path, place_owner(c->place), &cp))
            continue;
        if (h->place->snapshots[0] && !is_listed(h, cp.index))
            faults_put(&c->to->faults, FAULT_CORRUPTION, path, 56,
                       "the snapshot of index %" PRIu64 " is missing", cp.index);
        checkpoint_release(&cp);
    }
}

static void check_log(struct check *c, const struct history *h)
{
    size_t n = 0;
    if (h->log)
        wal_reader_segments(h->log, &n);
    c->to->files += n;
    c->to->bytes += h->n_bytes;
    c->to->units += h->n_groups;
    c->to->records += h->n_written;
    if (h->end.torn)
        faults_put(&c->to->faults, FAULT_TORN, wal_reader_file(h->log), h->end.pos.offset,
                   "an incomplete write of %" PRIu64 " bytes: cut when the broker starts",
                   h->end.torn_bytes);
}

/* Do two images say the same, to the byte of their snapshots? */
static bool same_image(const struct meta_image *a, const struct meta_image *b)
{
    struct wr x, y;
    wr_init(&x, META_SNAPSHOT_MAX);
    wr_init(&y, META_SNAPSHOT_MAX);
    meta_snapshot_encode(a, 0, &x);
    meta_snapshot_encode(b, 0, &y);
    bool same = !x.err && !y.err && span_eq(span_of(x.buf, x.len), span_of(y.buf, y.len));
    wr_free(&x);
    wr_free(&y);
    return same;
}

/* Snapshot i by itself; NULL if it is not good. */
static int load_snapshot(struct check *c, struct history *h, size_t i, struct meta_image **out)
{
    struct history_fault where;
    char path[IO_PATH_MAX];
    struct io_stat st;
    struct err e;
    *out = NULL;
    int rc = history_snapshot(h, h->snapshots[i], out, &where, &e);
    if (rc == -ENOENT)
        return rc;
    if (rc < 0)
        faults_add(&c->to->faults, where.file, where.position, &e);
    snapshot_path(h, i, path);
    if (io_stat(h->place->io, path, &st) == 0) {
        c->to->files++;
        c->to->bytes += st.size;
    }
    return 0;
}

/* From *m, which may be NULL, along the log to snapshot i, whose image *m becomes. The log need not
 * reach back to all snapshots. */
static int check_step(struct check *c, struct history *h, size_t i, struct meta_image **m)
{
    struct meta_image *there;
    struct history_fault where;
    char path[IO_PATH_MAX];
    struct err e;
    int rc = load_snapshot(c, h, i, &there);
    if (rc < 0 || !there)
        return rc;
    rc = *m ? history_replay(h, m, meta_index(there), &where, &e) : ERR_NOTFOUND;
    snapshot_path(h, i, path);
    if (rc == 0 && !same_image(*m, there))
        faults_put(&c->to->faults, FAULT_CORRUPTION, path, 0,
                   "the log leads from the snapshot before to another image");
    else if (rc < 0 && rc != ERR_NOTFOUND && rc != -ENOENT)
        faults_add(&c->to->faults, where.file, where.position, &e);
    meta_image_unref(*m);
    *m = there;
    return rc == -ENOENT ? rc : 0;
}

/* From the newest snapshot (NULL: there is no good one) to the end of the log. */
static int check_end(struct check *c, struct history *h, struct meta_image **m)
{
    struct history_fault where;
    struct err e;
    if (h->n_entries == 0)
        return 0;
    if (!*m && h->n_snapshots == 0 && history_empty(h, m, &e) == -ENOMEM)
        return -ENOMEM;
    if (!*m)
        return 0; /* part of a log: nothing to start from */
    int rc = history_replay(h, m, history_last(h), &where, &e);
    if (rc == ERR_NOTFOUND)
        faults_put(&c->to->faults, FAULT_CORRUPTION, h->place->log, 0,
                   "the log begins at index %" PRIu64 ", behind the newest snapshot's %" PRIu64,
                   h->first, meta_index(*m));
    else if (rc < 0 && rc != -ENOENT)
        faults_add(&c->to->faults, where.file, where.position, &e);
    return rc == -ENOENT ? rc : 0;
}

static int check_opened(struct check *c, struct history *h)
{
    struct meta_image *m = NULL;
    int rc = 0;
    check_log(c, h);
    for (size_t i = 0; i < h->n_snapshots && rc == 0; i++)
        rc = check_step(c, h, i, &m);
    if (rc == 0)
        rc = check_end(c, h, &m);
    meta_image_unref(m);
    if (rc == 0 && (c->place->kind == PLACE_NODE || c->place->kind == PLACE_LOG))
        check_checkpoints(c, h);
    return rc;
}

/* Did a running broker save or remove snapshots since h was opened? */
static bool changed(const struct history *h)
{
    struct meta_snapshot_name *list = NULL;
    size_t n = 0;
    if (!h->place->snapshots[0] ||
        meta_snapshot_list(h->place->io, h->place->snapshots, &list, &n) < 0)
        return false;
    bool same =
        n == h->n_snapshots && (n == 0 || memcmp(list, h->snapshots, n * sizeof *list) == 0);
    free(list);
    return !same;
}

static int try_history(struct check *c)
{
    struct history h;
    struct history_fault where = {.file = ""};
    struct err e;
    int rc = history_open(&h, c->place, &where, &e);
    if (rc < 0 && rc != -ENOENT)
        faults_add(&c->to->faults, where.file[0] ? where.file : c->place->log, where.position, &e);
    if (rc != -ENOENT)
        rc = check_opened(c, &h);
    if (rc == 0 && c->to->faults.failed && changed(&h))
        rc = -ENOENT;
    history_close(&h);
    return rc;
}

static void check_history(struct check *c)
{
    enum { TRIES = 10 };
    int rc = -ENOENT;
    for (int i = 0; i < TRIES && rc == -ENOENT; i++) {
        faults_release(&c->to->faults);
        *c->to = (struct verdict){0};
        if (c->place->kind == PLACE_NODE)
            check_node(c);
        rc = try_history(c);
    }
    if (rc < 0 && !c->to->faults.trouble) {
        cli_error("%s: %s", c->place->path, err_str(rc));
        c->to->faults.trouble = rc;
    }
}

/* A checkpoint by itself. */
static void check_checkpoint(struct check *c)
{
    struct checkpoint cp;
    if (checkpoint_check(c->to, c->place->io, c->place->path, NULL, &cp))
        checkpoint_release(&cp);
}

void meta_check_run(struct verdict *to, const struct place *p)
{
    struct check c = {p, to};
    *to = (struct verdict){0};
    if (p->kind == PLACE_SNAPSHOT)
        check_snapshot(&c);
    else if (p->kind == PLACE_CHECKPOINT)
        check_checkpoint(&c);
    else
        check_history(&c);
}
