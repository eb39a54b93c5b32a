/* node_init.c - a node's first start, and a data shard's.
 *
 * DIR/init.tmp gathers what is renamed into DIR, node.meta last. WALs of another device are built
 * in their place: WALDIR/init.tmp is there from before the first of them until DIR/init.tmp is
 * complete, and as long as it is there what lies beside it was never written to by a broker. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io_late.h"
#include "base/mutant.h"
#include "shard/node_impl.h"

#define INIT_DIR "init.tmp"
#define ADD_DIR "add.tmp"

/* <wal_dir>/<shard>, complete and durable but for its name. */
static int build_shard(const struct node *n, const struct node_config *cfg, const char *wal_dir,
                       const char *meta_dir, uint32_t shard, struct err *e)
{
    char wal[IO_PATH_MAX];
    uint64_t self = n->meta.node_id;
    if (node_wal_dir(wal, sizeof wal, wal_dir, shard))
        return err_code(e, -ENAMETOOLONG, "%s", wal_dir);
    struct shard_config sc = {.io = n->io,
                              .log = cfg->log,
                              .clock = cfg->clock,
                              .owner = {n->meta.cluster_id, n->meta.node_id, shard},
                              .wal_dir = wal,
                              .meta_dir = meta_dir,
                              .segment_bytes =
                                  shard ? cfg->segment_bytes : cfg->meta_segment_bytes};
    int rc = node_make_dir(n->io, wal, e);
    if (rc == 0)
        rc = shard_bootstrap(&sc, &self, 1, e);
    return rc ? rc : node_sync_dir(n->io, wal, e);
}

/* ---- a WALDIR */

static bool is_shard(const char *name)
{
    return name[0] != 0 && strspn(name, "0123456789") == strlen(name);
}

/* What a killed first start left goes; anything else is somebody's log. */
static int clear_wal_dir(const struct node *n, struct err *e)
{
    const char *dir = n->meta.wal_dir;
    char **names;
    size_t count;
    int ours = node_exists(n->io, dir, INIT_DIR);
    int rc = ours < 0 ? ours : io_names(n->io, dir, &names, &count);
    if (rc < 0)
        return err_code(e, rc, "%s", dir);
    for (size_t i = 0; i < count && rc == 0; i++) {
        char path[IO_PATH_MAX];
        if (!is_shard(names[i]))
            continue;
        if (!ours)
            rc = err_set(e, ERR_FOREIGN, "%s: holds a WAL already: let wal.dir name an empty one",
                         dir);
        else if ((rc = io_path(path, sizeof path, dir, "%s", names[i])) != 0 ||
                 (rc = io_remove_tree(n->io, path)) != 0)
            err_code(e, rc, "remove %s/%s", dir, names[i]);
    }
    io_names_free(names, count);
    return rc;
}

static int begin_wal_dir(struct node *n, struct err *e)
{
    char init[IO_PATH_MAX];
    int rc = node_make_root(n->io, n->meta.wal_dir, e);
    if (rc == 0)
        rc = node_lock_wal(n, e);
    if (rc == 0)
        rc = clear_wal_dir(n, e);
    if (rc)
        return rc;
    rc = io_path(init, sizeof init, n->meta.wal_dir, INIT_DIR);
    rc = rc ? err_code(e, rc, "%s", n->meta.wal_dir) : node_make_dir(n->io, init, e);
    return rc ? rc : node_sync_dir(n->io, n->meta.wal_dir, e);
}

/* DIR/init.tmp says from here on that the WALs are whole. */
static int finish_wal_dir(const struct node *n, struct err *e)
{
    char init[IO_PATH_MAX];
    int rc = io_path(init, sizeof init, n->meta.wal_dir, INIT_DIR);
    if (rc == 0)
        rc = io_rmdir(n->io, init);
    return rc && rc != -ENOENT ? err_code(e, rc, "remove %s/" INIT_DIR, n->meta.wal_dir)
                               : node_sync_dir(n->io, n->meta.wal_dir, e);
}

/* ---- DIR */

static int build_shards(const struct node *n, const struct node_config *cfg, const char *init,
                        struct err *e)
{
    char wal[IO_PATH_MAX], meta[IO_PATH_MAX];
    int rc = node_meta_dir(meta, sizeof meta, init);
    if (rc == 0)
        rc = io_path(wal, sizeof wal, init, "wal");
    if (rc)
        return err_code(e, rc, "%s", init);
    const char *dir = n->meta.wal_elsewhere ? n->meta.wal_dir : wal;
    for (uint32_t shard = 0; shard <= cfg->data_shards && rc == 0; shard++)
        rc = build_shard(n, cfg, dir, meta, shard, e);
    return rc ? rc : node_sync_dir(n->io, dir, e);
}

static int build_tree(const struct node *n, const struct node_config *cfg, const char *init,
                      struct err *e)
{
    static const char *const dirs[] = {"meta", "log", "wal"};
    size_t n_dirs = n->meta.wal_elsewhere ? 2 : 3;
    char path[IO_PATH_MAX];
    int rc = io_remove_tree(n->io, init);
    if (rc)
        return err_code(e, rc, "remove %s", init);
    rc = node_make_dir(n->io, init, e);
    for (size_t i = 0; i < n_dirs && rc == 0; i++) {
        rc = io_path(path, sizeof path, init, "%s", dirs[i]);
        rc = rc ? err_code(e, rc, "%s", init) : node_make_dir(n->io, path, e);
    }
    if (rc == 0)
        rc = build_shards(n, cfg, init, e);
    for (size_t i = 0; i < n_dirs && rc == 0; i++) {
        rc = io_path(path, sizeof path, init, "%s", dirs[i]);
        rc = rc ? err_code(e, rc, "%s", init) : node_sync_dir(n->io, path, e);
    }
    return rc ? rc : node_sync_dir(n->io, init, e);
}

/* Nothing of it counts before it is whole: so all is synced once, at the end. */
static int build(const struct node *n, const struct node_config *cfg, const char *init,
                 struct err *e)
{
    struct io_late late;
    struct node aside = *n;
    io_late_init(&late, n->io);
    aside.io = &late.io;
    int rc = build_tree(&aside, cfg, init, e);
    if (rc == 0 && !MUTANT(late_never))
        rc = io_late_sync(&late, e);
    io_late_release(&late);
    /* node.meta in init.tmp says that all beside it is complete, and durable. */
    return rc ? rc : node_write(n->io, init, &n->meta, e);
}

static int move_one(const struct node *n, const char *init, const char *name, struct err *e)
{
    char from[IO_PATH_MAX], to[IO_PATH_MAX];
    if (io_path(from, sizeof from, init, "%s", name) || io_path(to, sizeof to, n->dir, "%s", name))
        return err_code(e, -ENAMETOOLONG, "%s", n->dir);
    int there = node_exists(n->io, init, name);
    if (there == 0)
        return 0; /* moved before a crash */
    int rc = there < 0 ? there : io_rename(n->io, from, to);
    return rc ? err_code(e, rc, "rename %s to %s", from, to) : 0;
}

/* Names that were moved, durable where they are and where they were. */
static int sync_moved(const struct node *n, const char *init, struct err *e)
{
    int rc = node_sync_dir(n->io, n->dir, e);
    return rc ? rc : node_sync_dir(n->io, init, e);
}

/* Move what build made into place. Begun again after a crash, it goes on with what is left. */
static int move_in(const struct node *n, const char *init, struct err *e)
{
    static const char *const names[] = {"wal", "meta", "log"};
    int rc = node_sync_dir(n->io, n->dir, e);
    if (rc == 0 && n->meta.wal_elsewhere)
        rc = finish_wal_dir(n, e);
    for (size_t i = 0; i < 3 && rc == 0; i++)
        rc = move_one(n, init, names[i], e);
    if (rc == 0)
        rc = sync_moved(n, init, e);
    /* It must never be there without the rest. */
    if (rc == 0)
        rc = move_one(n, init, "node.meta", e);
    if (rc == 0)
        rc = sync_moved(n, init, e);
    if (rc == 0)
        rc = io_rmdir(n->io, init);
    return rc && rc != -ENOENT ? err_code(e, rc, "remove %s", init)
                               : node_sync_dir(n->io, n->dir, e);
}

static int refuse_foreign_content(const struct node *n, struct err *e)
{
    static const char *const names[] = {"wal", "meta", "log"};
    for (size_t i = 0; i < 3; i++) {
        int there = node_exists(n->io, n->dir, names[i]);
        if (there < 0)
            return err_code(e, there, "%s/%s", n->dir, names[i]);
        if (there)
            return err_set(
                e, ERR_CORRUPT,
                "%s: holds %s/ but no node.meta: restore node.meta, or name an empty directory",
                n->dir, names[i]);
    }
    return 0;
}

static int choose_cluster_id(struct node *n, const struct node_config *cfg, struct err *e)
{
    if (!cfg->cluster_id) {
        int rc = uuid_random(&n->meta.cluster_id);
        return rc ? err_code(e, rc, "draw a cluster id") : 0;
    }
    return uuid_parse(&n->meta.cluster_id, cfg->cluster_id)
               ? err_set(e, ERR_INVALID, "cluster id %s: not 22 characters of URL-safe base64",
                         cfg->cluster_id)
               : 0;
}

int node_first_start(struct node *n, const struct node_config *cfg, struct err *e)
{
    char init[IO_PATH_MAX];
    if (io_path(init, sizeof init, n->dir, INIT_DIR))
        return err_code(e, -ENAMETOOLONG, "%s", n->dir);
    int built = node_exists(n->io, init, "node.meta");
    if (built < 0 && built != -ENOTDIR)
        return err_code(e, built, "%s", init);
    if (built == 1) {
        int rc = node_read(n->io, init, &n->meta, e);
        if (rc == 0 && !n->meta.wal_elsewhere) /* it is on its way out of init.tmp */
            rc = node_set_wal_dir(&n->meta, n->dir, NULL, e);
        if (rc == 0 && !MUTANT(init_found_not_synced)) /* killed before it was, or not */
            rc = node_sync_dir(n->io, init, e);
        return rc ? rc : move_in(n, init, e);
    }
    n->meta.node_id = cfg->node_id;
    int rc = refuse_foreign_content(n, e);
    if (rc == 0)
        rc = choose_cluster_id(n, cfg, e);
    if (rc == 0)
        rc = node_set_wal_dir(&n->meta, n->dir, cfg->wal_dir, e);
    if (rc == 0 && n->meta.wal_elsewhere)
        rc = begin_wal_dir(n, e);
    if (rc == 0)
        rc = build(n, cfg, init, e);
    n->fresh = rc == 0;
    return rc ? rc : move_in(n, init, e);
}

/* ---- a further shard */

/* A name that was moved from add.tmp, durable where it is and where it was. */
static int sync_added(const struct node *n, const char *add, struct err *e)
{
    int rc = MUTANT(added_half_synced) ? 0 : node_sync_dir(n->io, add, e);
    return rc ? rc : node_sync_dir(n->io, n->meta.wal_dir, e);
}

int node_settle_added(const struct node *n, struct err *e)
{
    char add[IO_PATH_MAX];
    if (io_path(add, sizeof add, n->meta.wal_dir, ADD_DIR))
        return err_code(e, -ENAMETOOLONG, "%s", n->meta.wal_dir);
    int there = MUTANT(added_found_not_synced) ? 0 : node_exists(n->io, n->meta.wal_dir, ADD_DIR);
    if (there < 0)
        return err_code(e, there, "%s", add);
    return there ? sync_added(n, add, e) : 0;
}

int node_clear_added(const struct node *n, struct err *e)
{
    char add[IO_PATH_MAX];
    int rc = io_path(add, sizeof add, n->meta.wal_dir, ADD_DIR);
    if (rc == 0)
        rc = io_remove_tree(n->io, add);
    return rc ? err_code(e, rc, "remove %s/" ADD_DIR, n->meta.wal_dir) : 0;
}

/* Built aside and renamed, like the whole directory. add.tmp is there until the new name is
 * durable, for the next start to see whether it is. */
int node_add_shard(const struct node *n, const struct node_config *cfg, uint32_t shard,
                   struct err *e)
{
    const char *dir = n->meta.wal_dir;
    char add[IO_PATH_MAX], meta[IO_PATH_MAX], from[IO_PATH_MAX], to[IO_PATH_MAX];
    if (io_path(add, sizeof add, dir, ADD_DIR) || node_meta_dir(meta, sizeof meta, n->dir) ||
        node_wal_dir(from, sizeof from, add, shard) || node_wal_dir(to, sizeof to, dir, shard))
        return err_code(e, -ENAMETOOLONG, "%s", dir);
    int rc = node_make_dir(n->io, add, e);
    if (rc == 0)
        rc = build_shard(n, cfg, add, meta, shard, e);
    if (rc)
        return rc;
    rc = io_rename(n->io, from, to);
    if (rc)
        return err_code(e, rc, "rename %s to %s", from, to);
    rc = sync_added(n, add, e);
    return rc ? rc : node_clear_added(n, e);
}
