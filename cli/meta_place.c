#include "cli/meta_place.h"

#include <errno.h>
#include <string.h>

#include "meta/meta.h"
#include "shard/node.h"

const struct wal_owner *place_owner(const struct place *p)
{
    return p->owned ? &p->owner : NULL;
}

const struct uuid *place_cluster(const struct place *p)
{
    return p->owned ? &p->owner.cluster_id : NULL;
}

static int set_path(char to[IO_PATH_MAX], const char *path)
{
    size_t n = strlen(path);
    if (n >= IO_PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(to, path, n + 1);
    return 0;
}

/* ---- files: by their magic, and by their name if it is that which is damaged */

static bool is_segment_name(const char *name)
{
    uint64_t id;
    return wal_segment_name(name, &id);
}

static bool is_snapshot_name(const char *name)
{
    struct meta_snapshot_name s;
    return meta_snapshot_parse_name(name, &s);
}

static bool is_checkpoint_name(const char *name)
{
    return strcmp(name, "checkpoint.0") == 0 || strcmp(name, "checkpoint.1") == 0;
}

static const struct file_kind {
    enum place_kind kind;
    char magic[9];
    bool (*named)(const char *name);
} file_kinds[] = {
    {PLACE_SNAPSHOT, "CHRONMET", is_snapshot_name},
    {PLACE_SEGMENT, "CHRONWAL", is_segment_name},
    {PLACE_CHECKPOINT, "CHRONCKP", is_checkpoint_name},
};
enum { FILE_KINDS = sizeof file_kinds / sizeof *file_kinds };

static const struct file_kind *kind_of_file(const char *path, const char magic[8])
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    for (size_t i = 0; i < FILE_KINDS; i++) {
        if (memcmp(file_kinds[i].magic, magic, 8) == 0)
            return &file_kinds[i];
    }
    for (size_t i = 0; i < FILE_KINDS; i++) {
        if (file_kinds[i].named(name))
            return &file_kinds[i];
    }
    return NULL;
}

static int find_file(struct place *p, struct err *e)
{
    struct io_file *f;
    char magic[8] = "";
    int rc = io_open(p->io, p->path, IO_READ, &f);
    if (rc < 0)
        return err_code(e, rc, "%s", p->path);
    ssize_t got = io_pread(f, magic, sizeof magic, 0);
    io_close(f);
    if (got < 0)
        return err_code(e, (int)got, "%s", p->path);
    const struct file_kind *kind = kind_of_file(p->path, magic);
    if (!kind)
        return err_set(e, ERR_NOTFOUND,
                       "%s: neither a metadata snapshot nor a WAL segment nor a checkpoint",
                       p->path);
    p->kind = kind->kind;
    rc = kind->kind == PLACE_SEGMENT ? set_path(p->log, p->path) : 0;
    return rc < 0 ? err_code(e, rc, "%s", p->path) : 0;
}

/* ---- directories */

struct contents {
    bool node, segments, snapshots;
};

static int look(void *ctx, const char *name)
{
    struct contents *c = ctx;
    c->node = c->node || strcmp(name, "node.meta") == 0;
    c->segments = c->segments || is_segment_name(name) || is_checkpoint_name(name);
    c->snapshots = c->snapshots || is_snapshot_name(name);
    return 0;
}

static int find_node(struct place *p)
{
    struct node_meta meta;
    p->kind = PLACE_NODE;
    int rc = node_meta_dir(p->snapshots, sizeof p->snapshots, p->path);
    if (rc == 0 && node_read(p->io, p->path, &meta, NULL) == 0) {
        p->owned = true;
        p->owner = (struct wal_owner){meta.cluster_id, meta.node_id, 0};
        return node_wal_dir(p->log, sizeof p->log, meta.wal_dir, 0);
    }
    return rc ? rc : io_path(p->log, sizeof p->log, p->path, "wal/0");
}

static int find_directory(struct place *p, struct err *e)
{
    struct contents c = {false, false, false};
    int rc = io_list(p->io, p->path, look, &c);
    if (rc == 0 && c.node) {
        rc = find_node(p);
    } else if (rc == 0 && c.snapshots) {
        p->kind = PLACE_SNAPSHOTS;
        rc = set_path(p->snapshots, p->path);
    } else if (rc == 0 && c.segments) {
        p->kind = PLACE_LOG;
        rc = set_path(p->log, p->path);
    } else if (rc == 0) {
        return err_set(e, ERR_NOTFOUND,
                       "%s: neither a data directory of Chronik nor one of snapshots or of a log",
                       p->path);
    }
    return rc < 0 ? err_code(e, rc, "%s", p->path) : 0;
}

int place_find(struct place *p, struct io *io, const char *path, struct err *e)
{
    struct io_stat st;
    *p = (struct place){.io = io, .path = path};
    int rc = io_stat(io, path, &st);
    if (rc < 0)
        return err_code(e, rc, "%s", path);
    return st.is_dir ? find_directory(p, e) : find_file(p, e);
}

int place_check_shard(const struct place *p, const struct wal_reader *r, struct err *e)
{
    size_t n;
    const struct wal_segment_header *s = wal_reader_segments(r, &n);
    if (n == 0 || s[0].owner.shard == 0)
        return 0;
    return err_set(e, ERR_INVALID, "%s: holds records, not metadata: see chronik-wal", p->path);
}
