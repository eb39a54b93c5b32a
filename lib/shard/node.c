#include "shard/node.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"

enum { META_FILE_MAX = 4096 };
#define INIT_DIR "init.tmp"

/* node.meta, text:
 *
 *   chronik.format=1
 *   cluster.id=<22 characters>
 *   node.id=<number>
 *   crc32c=<8 hexadecimal digits, of all bytes before this line>
 */

int node_wal_dir(char *buf, size_t cap, const char *dir, uint32_t shard)
{
    return io_path(buf, cap, dir, "wal/%u", shard);
}

int node_meta_dir(char *buf, size_t cap, const char *dir)
{
    return io_path(buf, cap, dir, "meta");
}

int node_log_dir(char *buf, size_t cap, const char *dir)
{
    return io_path(buf, cap, dir, "log");
}

/* ---- node.meta */

static int write_meta(struct io *io, const char *dir, const struct uuid *cluster_id,
                      uint32_t node_id, struct err *e)
{
    char path[IO_PATH_MAX], text[256], id[UUID_TEXT];
    uuid_text(cluster_id, id);
    int n = snprintf(text, sizeof text, "chronik.format=%d\ncluster.id=%s\nnode.id=%u\n",
                     NODE_FORMAT, id, node_id);
    uint32_t crc = crc32c(0, text, (size_t)n);
    n += snprintf(text + n, sizeof text - (size_t)n, "crc32c=%08x\n", crc);
    int rc = io_path(path, sizeof path, dir, "node.meta");
    if (rc == 0)
        rc = io_replace_file(io, path, text, (size_t)n);
    return rc ? err_code(e, rc, "write %s/node.meta", dir) : 0;
}

static int parse_meta(const char *path, const char *text, struct uuid *cluster_id,
                      uint32_t *node_id, struct err *e)
{
    unsigned format = 0, id = 0;
    char cluster[64] = "", crc[24] = "";
    int end = 0;
    const char *last = strstr(text, "crc32c=");
    if (last)
        snprintf(crc, sizeof crc, "crc32c=%08x\n", crc32c(0, text, (size_t)(last - text)));
    if (!last || strcmp(last, crc) != 0)
        return err_set(e, ERR_CORRUPT, "%s: checksum does not match", path);
    if (sscanf(text, "chronik.format=%u", &format) == 1 && format > NODE_FORMAT)
        return err_set(
            e, ERR_VERSION,
            "%s: format %u is newer than this program (it knows %d): use a newer chronikd", path,
            format, NODE_FORMAT);
    if (sscanf(text, "chronik.format=%u\ncluster.id=%63s\nnode.id=%u\n%n", &format, cluster, &id,
               &end) != 3 ||
        text + end != last || uuid_parse(cluster_id, cluster))
        return err_set(e, ERR_CORRUPT, "%s: not in the format of node.meta", path);
    *node_id = id;
    return 0;
}

int node_read(struct io *io, const char *dir, struct uuid *cluster_id, uint32_t *node_id,
              struct err *e)
{
    char path[IO_PATH_MAX];
    uint8_t *text = NULL;
    size_t n;
    int rc = io_path(path, sizeof path, dir, "node.meta");
    if (rc == 0)
        rc = io_read_file(io, path, META_FILE_MAX, &text, &n);
    if (rc == -ENOENT)
        return err_set(e, ERR_NOTFOUND, "%s: no such file: not a data directory of Chronik", path);
    if (rc)
        return err_code(e, rc, "read %s/node.meta", dir);
    rc = memchr(text, 0, n) ? err_set(e, ERR_CORRUPT, "%s: holds a NUL byte", path)
                            : parse_meta(path, (const char *)text, cluster_id, node_id, e);
    free(text);
    return rc;
}

/* ---- the first start */

static int make_dir(struct io *io, const char *path, struct err *e)
{
    int rc = io_mkdir(io, path);
    return rc && rc != -EEXIST ? err_code(e, rc, "create directory %s", path) : 0;
}

static int exists(struct io *io, const char *dir, const char *name)
{
    char path[IO_PATH_MAX];
    struct io_stat st;
    int rc = io_path(path, sizeof path, dir, "%s", name);
    if (rc == 0)
        rc = io_stat(io, path, &st);
    return rc == 0 ? 1 : rc == -ENOENT ? 0 : rc;
}

static int sync_dir(struct io *io, const char *path, struct err *e)
{
    int rc = io_sync_dir(io, path);
    return rc ? err_code(e, rc, "sync directory %s", path) : 0;
}

/* wal/<shard> below `dir`, complete and durable. */
static int build_shard(const struct node *n, const struct node_config *cfg, const char *dir,
                       uint32_t shard, struct err *e)
{
    char wal[IO_PATH_MAX], meta[IO_PATH_MAX];
    uint64_t self = n->node_id;
    if (node_wal_dir(wal, sizeof wal, dir, shard) || node_meta_dir(meta, sizeof meta, dir))
        return err_code(e, -ENAMETOOLONG, "%s", dir);
    struct shard_config sc = {.io = n->io,
                              .log = cfg->log,
                              .clock = cfg->clock,
                              .owner = {n->cluster_id, n->node_id, shard},
                              .wal_dir = wal,
                              .meta_dir = meta,
                              .segment_bytes =
                                  shard ? cfg->segment_bytes : cfg->meta_segment_bytes};
    int rc = make_dir(n->io, wal, e);
    if (rc == 0)
        rc = shard_bootstrap(&sc, &self, 1, e);
    return rc ? rc : sync_dir(n->io, wal, e);
}

static int build(const struct node *n, const struct node_config *cfg, const char *init,
                 struct err *e)
{
    static const char *const dirs[] = {"wal", "meta", "log"};
    char path[IO_PATH_MAX];
    int rc = io_remove_tree(n->io, init);
    if (rc)
        return err_code(e, rc, "remove %s", init);
    rc = make_dir(n->io, init, e);
    for (size_t i = 0; i < 3 && rc == 0; i++) {
        rc = io_path(path, sizeof path, init, "%s", dirs[i]);
        rc = rc ? err_code(e, rc, "%s", init) : make_dir(n->io, path, e);
    }
    for (uint32_t shard = 0; shard <= cfg->data_shards && rc == 0; shard++)
        rc = build_shard(n, cfg, init, shard, e);
    for (size_t i = 0; i < 3 && rc == 0; i++) {
        rc = io_path(path, sizeof path, init, "%s", dirs[i]);
        rc = rc ? err_code(e, rc, "%s", init) : sync_dir(n->io, path, e);
    }
    if (rc == 0)
        rc = sync_dir(n->io, init, e);
    /* node.meta in init.tmp says that all beside it is complete. */
    return rc ? rc : write_meta(n->io, init, &n->cluster_id, n->node_id, e);
}

/* Move what build made into place, node.meta last. Begun again after a crash, it goes on with what
 * is left. */
static int move_in(const struct node *n, const char *init, struct err *e)
{
    static const char *const names[] = {"wal", "meta", "log", "node.meta"};
    int rc = sync_dir(n->io, n->dir, e);
    for (size_t i = 0; i < 4 && rc == 0; i++) {
        char from[IO_PATH_MAX], to[IO_PATH_MAX];
        if (io_path(from, sizeof from, init, "%s", names[i]) ||
            io_path(to, sizeof to, n->dir, "%s", names[i]))
            return err_code(e, -ENAMETOOLONG, "%s", n->dir);
        int there = exists(n->io, init, names[i]);
        if (there == 0)
            continue; /* moved before the crash */
        rc = there < 0 ? there : io_rename(n->io, from, to);
        if (rc)
            return err_code(e, rc, "rename %s to %s", from, to);
        /* Each name durable in both directories before the next: node.meta must never be there
         * without the rest. */
        rc = sync_dir(n->io, n->dir, e);
        if (rc == 0)
            rc = sync_dir(n->io, init, e);
    }
    if (rc == 0)
        rc = io_rmdir(n->io, init);
    return rc && rc != -ENOENT ? err_code(e, rc, "remove %s", init) : sync_dir(n->io, n->dir, e);
}

static int refuse_foreign_content(const struct node *n, struct err *e)
{
    static const char *const names[] = {"wal", "meta", "log"};
    for (size_t i = 0; i < 3; i++) {
        int there = exists(n->io, n->dir, names[i]);
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
        int rc = uuid_random(&n->cluster_id);
        return rc ? err_code(e, rc, "draw a cluster id") : 0;
    }
    return uuid_parse(&n->cluster_id, cfg->cluster_id)
               ? err_set(e, ERR_INVALID, "cluster id %s: not 22 characters of URL-safe base64",
                         cfg->cluster_id)
               : 0;
}

static int first_start(struct node *n, const struct node_config *cfg, struct err *e)
{
    char init[IO_PATH_MAX];
    if (io_path(init, sizeof init, n->dir, INIT_DIR))
        return err_code(e, -ENAMETOOLONG, "%s", n->dir);
    int built = exists(n->io, init, "node.meta");
    if (built < 0 && built != -ENOTDIR)
        return err_code(e, built, "%s", init);
    if (built == 1) {
        int rc = node_read(n->io, init, &n->cluster_id, &n->node_id, e);
        return rc ? rc : move_in(n, init, e);
    }
    int rc = refuse_foreign_content(n, e);
    if (rc == 0)
        rc = choose_cluster_id(n, cfg, e);
    n->node_id = cfg->node_id;
    if (rc == 0)
        rc = build(n, cfg, init, e);
    n->fresh = rc == 0;
    return rc ? rc : move_in(n, init, e);
}

/* ---- every start */

static int check_identity(const struct node *n, const struct node_config *cfg, struct err *e)
{
    char id[UUID_TEXT];
    uuid_text(&n->cluster_id, id);
    if (cfg->cluster_id && strcmp(cfg->cluster_id, id) != 0)
        return err_set(e, ERR_FOREIGN,
                       "%s: belongs to cluster %s, not %s: name the right directory", n->dir, id,
                       cfg->cluster_id);
    if (n->node_id != cfg->node_id)
        return err_set(e, ERR_FOREIGN,
                       "%s: belongs to node %u, not %u: set node.id or name the right directory",
                       n->dir, n->node_id, cfg->node_id);
    return 0;
}

/* Shards are built aside and renamed, like the whole directory. */
static int add_shard(const struct node *n, const struct node_config *cfg, uint32_t shard,
                     struct err *e)
{
    char init[IO_PATH_MAX], from[IO_PATH_MAX], to[IO_PATH_MAX], wal[IO_PATH_MAX];
    if (io_path(init, sizeof init, n->dir, INIT_DIR) || io_path(wal, sizeof wal, init, "wal") ||
        node_wal_dir(from, sizeof from, init, shard) || node_wal_dir(to, sizeof to, n->dir, shard))
        return err_code(e, -ENAMETOOLONG, "%s", n->dir);
    int rc = io_remove_tree(n->io, init);
    if (rc)
        return err_code(e, rc, "remove %s", init);
    rc = make_dir(n->io, init, e);
    if (rc == 0)
        rc = make_dir(n->io, wal, e);
    if (rc == 0)
        rc = build_shard(n, cfg, init, shard, e);
    if (rc)
        return rc;
    rc = io_rename(n->io, from, to);
    if (rc)
        return err_code(e, rc, "rename %s to %s", from, to);
    rc = io_path(wal, sizeof wal, n->dir, "wal");
    if (rc == 0)
        rc = sync_dir(n->io, wal, e);
    if (rc == 0)
        rc = io_remove_tree(n->io, init);
    return rc ? err_code(e, rc, "add shard %u", shard) : 0;
}

static int check_shards(const struct node *n, const struct node_config *cfg, struct err *e)
{
    for (uint32_t shard = 0;; shard++) {
        char name[32];
        snprintf(name, sizeof name, "wal/%u", shard);
        int there = exists(n->io, n->dir, name);
        if (there < 0)
            return err_code(e, there, "%s/%s", n->dir, name);
        if (there && shard > cfg->data_shards)
            return err_set(e, ERR_INVALID,
                           "%s: has more than %u data shards: set wal.shards to what it was",
                           n->dir, cfg->data_shards);
        if (there)
            continue;
        if (shard > cfg->data_shards)
            return 0;
        if (shard <= 1) /* every directory has these from its first start on */
            return err_set(e, ERR_CORRUPT, "%s/%s: is missing", n->dir, name);
        int rc = add_shard(n, cfg, shard, e);
        if (rc)
            return rc;
    }
}

/* Create the data directory if it is missing, its name durable in its parent. */
static int make_data_dir(const struct node *n, struct err *e)
{
    char parent[IO_PATH_MAX];
    size_t len = strlen(n->dir);
    int rc = io_mkdir(n->io, n->dir);
    if (rc == -EEXIST)
        return 0;
    if (rc)
        return err_code(e, rc, "create data directory %s", n->dir);
    while (len && n->dir[len - 1] == '/')
        len--;
    while (len && n->dir[len - 1] != '/')
        len--;
    if (len >= sizeof parent)
        return err_code(e, -ENAMETOOLONG, "%s", n->dir);
    memcpy(parent, n->dir, len);
    parent[len] = 0;
    return sync_dir(n->io, len ? parent : ".", e);
}

static int open_dir(struct node *n, const struct node_config *cfg, struct err *e)
{
    char path[IO_PATH_MAX];
    int rc = make_data_dir(n, e);
    if (rc)
        return rc;
    rc = io_path(path, sizeof path, n->dir, "lock");
    if (rc)
        return err_code(e, rc, "%s", n->dir);
    rc = io_lock(n->io, path, &n->lock);
    if (rc == -EAGAIN)
        return err_set(e, ERR_LOCKED,
                       "%s: another chronikd runs on this directory: stop it or name another",
                       n->dir);
    if (rc)
        return err_code(e, rc, "lock %s", path);
    int there = exists(n->io, n->dir, "node.meta");
    if (there < 0)
        return err_code(e, there, "%s/node.meta", n->dir);
    rc = there ? node_read(n->io, n->dir, &n->cluster_id, &n->node_id, e) : first_start(n, cfg, e);
    if (rc == 0)
        rc = check_identity(n, cfg, e);
    return rc ? rc : check_shards(n, cfg, e);
}

int node_open(struct node *n, const struct node_config *cfg, struct err *e)
{
    memset(n, 0, sizeof *n);
    n->io = cfg->io;
    n->dir = strdup(cfg->dir);
    if (!n->dir)
        return err_code(e, -ENOMEM, "%s", cfg->dir);
    int rc = cfg->read_only ? node_read(n->io, n->dir, &n->cluster_id, &n->node_id, e)
                            : open_dir(n, cfg, e);
    if (rc)
        node_release(n);
    return rc;
}

void node_release(struct node *n)
{
    io_close(n->lock);
    free(n->dir);
    memset(n, 0, sizeof *n);
}
