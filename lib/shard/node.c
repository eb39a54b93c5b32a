#include "shard/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mutant.h"
#include "shard/node_impl.h"

int node_wal_dir(char *buf, size_t cap, const char *wal_dir, uint32_t shard)
{
    return io_path(buf, cap, wal_dir, "%u", shard);
}

int node_meta_dir(char *buf, size_t cap, const char *dir)
{
    return io_path(buf, cap, dir, "meta");
}

int node_log_dir(char *buf, size_t cap, const char *dir)
{
    return io_path(buf, cap, dir, "log");
}

/* ---- directories */

int node_exists(struct io *io, const char *dir, const char *name)
{
    char path[IO_PATH_MAX];
    struct io_stat st;
    int rc = io_path(path, sizeof path, dir, "%s", name);
    if (rc == 0)
        rc = io_stat(io, path, &st);
    return rc == 0 ? 1 : rc == -ENOENT ? 0 : rc;
}

int node_make_dir(struct io *io, const char *path, struct err *e)
{
    int rc = io_mkdir(io, path);
    return rc && rc != -EEXIST ? err_code(e, rc, "create directory %s", path) : 0;
}

int node_sync_dir(struct io *io, const char *path, struct err *e)
{
    int rc = io_sync_dir(io, path);
    return rc ? err_code(e, rc, "sync directory %s", path) : 0;
}

/* The name is made durable even if it was there: a start that was killed may have made it and not
 * come to the sync, and everything below it would go with the name. */
int node_make_root(struct io *io, const char *path, struct err *e)
{
    char parent[IO_PATH_MAX];
    size_t len = strlen(path);
    int made = io_mkdir(io, path);
    if (made && made != -EEXIST)
        return err_code(e, made, "create directory %s", path);
    while (len && path[len - 1] == '/')
        len--;
    while (len && path[len - 1] != '/')
        len--;
    if (len >= sizeof parent)
        return err_code(e, -ENAMETOOLONG, "%s", path);
    memcpy(parent, path, len);
    parent[len] = 0;
    int rc = io_sync_dir(io, len ? parent : ".");
    if (rc == -EACCES && made == -EEXIST)
        return 0; /* in a directory we may not read another user made it, before any start */
    return rc ? err_code(e, rc, "sync directory %s", len ? parent : ".") : 0;
}

static int lock_dir(struct io *io, const char *dir, struct io_file **lock, struct err *e)
{
    char path[IO_PATH_MAX];
    int rc = io_path(path, sizeof path, dir, "lock");
    if (rc)
        return err_code(e, rc, "%s", dir);
    rc = io_lock(io, path, lock);
    if (rc == -EAGAIN)
        return err_set(e, ERR_LOCKED,
                       "%s: another chronikd runs on this directory: stop it or name another", dir);
    return rc ? err_code(e, rc, "lock %s", path) : 0;
}

int node_lock_wal(struct node *n, struct err *e)
{
    return n->wal_lock ? 0 : lock_dir(n->io, n->meta.wal_dir, &n->wal_lock, e);
}

/* ---- every start */

static int check_identity(const struct node *n, const struct node_config *cfg, struct err *e)
{
    char id[UUID_TEXT];
    uuid_text(&n->meta.cluster_id, id);
    if (cfg->cluster_id && strcmp(cfg->cluster_id, id) != 0)
        return err_set(e, ERR_FOREIGN,
                       "%s: belongs to cluster %s, not %s: name the right directory", n->dir, id,
                       cfg->cluster_id);
    if (n->meta.node_id != cfg->node_id)
        return err_set(e, ERR_FOREIGN,
                       "%s: belongs to node %u, not %u: set node.id or name the right directory",
                       n->dir, n->meta.node_id, cfg->node_id);
    return 0;
}

static int note_wal(void *highest, const char *name)
{
    char same[16];
    int shard = (int)strtoul(name, NULL, 10);
    snprintf(same, sizeof same, "%d", shard);
    if (strcmp(name, same) == 0 && shard > *(int *)highest && shard <= NODE_SHARDS_MAX)
        *(int *)highest = shard;
    return 0;
}

/* The highest shard that has a WAL below dir, -1 for none. 0 or an error code. */
static int highest_wal(const struct node *n, const char *dir, int *shard)
{
    *shard = -1;
    int rc = io_list(n->io, dir, note_wal, shard);
    return rc == -ENOENT ? 0 : rc;
}

/* Every start makes sure of shards 0 and 1, and shards are added in order: one that is missing
 * below the highest was there. */
static int check_whole(const struct node *n, const char *dir, int highest, struct err *e)
{
    int last = MUTANT(gap_filled) || highest < 1 ? 1 : highest;
    for (int shard = 0; shard <= last; shard++) {
        char name[16];
        snprintf(name, sizeof name, "%d", shard);
        int there = node_exists(n->io, dir, name);
        if (there < 0)
            return err_code(e, there, "%s/%s", dir, name);
        if (!there)
            return err_set(e, ERR_CORRUPT,
                           "%s/%s: is missing: one of the logs 0 to %d, it holds what no other "
                           "file has: put it back, or take away what is no log; nothing was "
                           "changed",
                           dir, name, last);
    }
    return 0;
}

/* wal.dir differs from node.meta. A stale copy must never be taken for the log, nor a part of them
 * for all, so both places are looked at. */
static int move_wal_dir(struct node *n, const struct node_meta *moved, struct err *e)
{
    int old, now, rc = highest_wal(n, n->meta.wal_dir, &old);
    if (rc)
        return err_code(e, rc, "%s", n->meta.wal_dir);
    rc = highest_wal(n, moved->wal_dir, &now);
    if (rc)
        return err_code(e, rc, "wal.dir: %s", moved->wal_dir);
    if (old >= 0 || now < 0)
        return err_set(e, ERR_INVALID,
                       "wal.dir: %s: the WALs are in %s: name that, or move what is there while no "
                       "chronikd runs",
                       moved->wal_dir, n->meta.wal_dir);
    rc = check_whole(n, moved->wal_dir, now, e);
    if (rc == 0)
        rc = node_write(n->io, n->dir, moved, e);
    if (rc)
        return rc;
    log_info(n->log, "node", "the write-ahead logs have moved from=%s to=%s", n->meta.wal_dir,
             moved->wal_dir);
    n->meta = *moved;
    return 0;
}

static int check_wal_dir(struct node *n, const struct node_config *cfg, struct err *e)
{
    struct node_meta want = n->meta;
    int rc = cfg->wal_dir ? node_set_wal_dir(&want, n->dir, cfg->wal_dir, e) : 0;
    if (rc == 0 && strcmp(want.wal_dir, n->meta.wal_dir) != 0)
        rc = move_wal_dir(n, &want, e);
    if (rc == 0 && n->meta.wal_elsewhere)
        rc = node_lock_wal(n, e);
    return rc;
}

static int check_shards(const struct node *n, const struct node_config *cfg, struct err *e)
{
    int highest, rc = node_settle_added(n, e);
    if (rc)
        return rc;
    rc = highest_wal(n, n->meta.wal_dir, &highest);
    if (rc)
        return err_code(e, rc, "%s", n->meta.wal_dir);
    rc = check_whole(n, n->meta.wal_dir, highest, e);
    if (rc)
        return rc;
    if (highest > (int)cfg->data_shards)
        return err_set(e, ERR_INVALID,
                       "%s: has more than %u data shards: set wal.shards to what it was", n->dir,
                       cfg->data_shards);
    rc = node_clear_added(n, e);
    for (uint32_t shard = (uint32_t)highest + 1; shard <= cfg->data_shards && rc == 0; shard++)
        rc = node_add_shard(n, cfg, shard, e);
    return rc;
}

static int open_dir(struct node *n, const struct node_config *cfg, struct err *e)
{
    int rc = node_make_root(n->io, n->dir, e);
    if (rc == 0)
        rc = lock_dir(n->io, n->dir, &n->lock, e);
    if (rc)
        return rc;
    int there = node_exists(n->io, n->dir, "node.meta");
    if (there < 0)
        return err_code(e, there, "%s/node.meta", n->dir);
    rc = there ? node_read(n->io, n->dir, &n->meta, e) : node_first_start(n, cfg, e);
    if (rc == 0)
        rc = check_identity(n, cfg, e);
    if (rc == 0)
        rc = check_wal_dir(n, cfg, e);
    return rc ? rc : check_shards(n, cfg, e);
}

int node_open(struct node *n, const struct node_config *cfg, struct err *e)
{
    memset(n, 0, sizeof *n);
    n->io = cfg->io;
    n->log = cfg->log;
    n->dir = strdup(cfg->dir);
    if (!n->dir)
        return err_code(e, -ENOMEM, "%s", cfg->dir);
    int rc = cfg->read_only ? node_read(n->io, n->dir, &n->meta, e) : open_dir(n, cfg, e);
    if (rc)
        node_release(n);
    return rc;
}

void node_release(struct node *n)
{
    io_close(n->wal_lock);
    io_close(n->lock);
    free(n->dir);
    memset(n, 0, sizeof *n);
}
