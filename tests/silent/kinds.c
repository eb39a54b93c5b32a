#include "tests/silent/kinds.h"

#include <stdlib.h>
#include <string.h>

#include "batch/batch.h"
#include "tests/shard/rig.h"
#include "wal/group.h"

const char *const kind_names[KINDS] = {
    [KIND_NODE] = "node.meta",
    [KIND_META_WAL_HEADER] = "metadata WAL, segment header",
    [KIND_META_WAL_HEADER_REST] = "metadata WAL, zeros behind it",
    [KIND_META_WAL_GROUP] = "metadata WAL, group headers",
    [KIND_META_WAL_PAYLOAD] = "metadata WAL, payloads",
    [KIND_META_WAL_PADDING] = "metadata WAL, padding",
    [KIND_META_WAL_DEAD] = "metadata WAL, behind the end",
    [KIND_META_CHECKPOINT] = "metadata checkpoints",
    [KIND_SNAPSHOT] = "metadata snapshots",
    [KIND_WAL_HEADER] = "data WAL, segment header",
    [KIND_WAL_HEADER_REST] = "data WAL, zeros behind it",
    [KIND_WAL_GROUP] = "data WAL, group headers",
    [KIND_WAL_PAYLOAD] = "data WAL, payloads",
    [KIND_WAL_PADDING] = "data WAL, padding",
    [KIND_WAL_DEAD] = "data WAL, behind the end",
    [KIND_CHECKPOINT] = "data checkpoints",
    [KIND_LOG_PLACE] = ".log, place of batches",
    [KIND_LOG_HEADER] = ".log, rest of their headers",
    [KIND_LOG_RECORDS] = ".log, records",
    [KIND_INDEX] = ".index",
    [KIND_TIMEINDEX] = ".timeindex",
    [KIND_CHECK] = ".check",
    [KIND_EPOCHS] = "leader-epoch-checkpoint",
    [KIND_METADATA] = "partition.metadata",
    [KIND_PROGRESS] = "compaction-checkpoint",
    [KIND_OTHER] = "other files",
};

static void add(struct regions *r, enum kind kind, const struct disk_file *f, size_t from,
                size_t to)
{
    if (from >= to)
        return;
    struct region *v = reallocarray(r->v, r->n + 1, sizeof *v);
    if (!v)
        disk_die("out of memory");
    r->v = v;
    v[r->n++] = (struct region){kind, f, from, to};
}

void regions_release(struct regions *r)
{
    free(r->v);
    *r = (struct regions){0};
}

/* ---- files with parts */

/* The kinds of a WAL's parts follow each other in the same order for both kinds of shards. */
static void add_wal(struct regions *r, const struct disk_file *f, const uint8_t *p, enum kind first)
{
    struct wal_segment_header h;
    size_t at = WAL_BLOCK;
    if (f->size < WAL_BLOCK || wal_segment_header_decode(p, &h, NULL) < 0)
        disk_die("%s: no segment", f->path);
    add(r, first, f, 0, WAL_GROUP_HEADER);
    add(r, first + 1, f, WAL_GROUP_HEADER, WAL_BLOCK);
    while (at < f->size) {
        struct wal_group g;
        struct wal_pos pos = {h.id, at};
        if (wal_group_header_check(p + at, h.salt, pos))
            break;
        wal_group_header_decode(p + at, &g);
        size_t payload = at + WAL_GROUP_HEADER, next = at + wal_group_bytes(g.payload_len);
        add(r, first + 2, f, at, payload);
        add(r, first + 3, f, payload, payload + g.payload_len);
        add(r, first + 4, f, payload + g.payload_len, next);
        at = next;
    }
    add(r, first + 5, f, at, f->size);
}

static void add_log(struct regions *r, const struct disk_file *f, const uint8_t *p)
{
    struct batch b;
    for (size_t at = 0; at < f->size; at += batch_size(&b)) {
        if (batch_peek(span_of(p + at, f->size - at), &b) < 0)
            disk_die("%s: no batch at byte %zu", f->path, at);
        add(r, KIND_LOG_PLACE, f, at, at + BATCH_CRC_FROM);
        add(r, KIND_LOG_HEADER, f, at + BATCH_CRC_FROM, at + BATCH_HEADER);
        add(r, KIND_LOG_RECORDS, f, at + BATCH_HEADER, at + batch_size(&b));
    }
}

/* ---- all of them */

static bool ends(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n >= m && strcmp(path + n - m, ending) == 0;
}

static const struct {
    const char *within, *ending, *file;
    enum kind kind;
} file_kinds[] = {
    {"", "/node.meta", "node.meta", KIND_NODE},
    {"/wal/0/", ".wal", "metadata WAL segment", KIND_META_WAL_HEADER},
    {"/wal/0/", "checkpoint.0", "metadata checkpoint", KIND_META_CHECKPOINT},
    {"/wal/0/", "checkpoint.1", "metadata checkpoint", KIND_META_CHECKPOINT},
    {"/wal/", ".wal", "data WAL segment", KIND_WAL_HEADER},
    {"/wal/", "checkpoint.0", "data checkpoint", KIND_CHECKPOINT},
    {"/wal/", "checkpoint.1", "data checkpoint", KIND_CHECKPOINT},
    {"/meta/", ".snapshot", "metadata snapshot", KIND_SNAPSHOT},
    {"/log/", ".log", "partition segment", KIND_LOG_PLACE},
    {"/log/", ".index", ".index", KIND_INDEX},
    {"/log/", ".timeindex", ".timeindex", KIND_TIMEINDEX},
    {"/log/", ".check", ".check", KIND_CHECK},
    {"/log/", "/leader-epoch-checkpoint", "leader-epoch-checkpoint", KIND_EPOCHS},
    {"/log/", "/partition.metadata", "partition.metadata", KIND_METADATA},
    {"/log/", "/compaction-checkpoint", "compaction-checkpoint", KIND_PROGRESS},
    {"", "", "other file", KIND_OTHER},
};

static size_t row_of(const char *path)
{
    size_t i = 0;
    while (!strstr(path, file_kinds[i].within) || !ends(path, file_kinds[i].ending))
        i++;
    return i;
}

const char *file_kind(const char *path)
{
    return file_kinds[row_of(path)].file;
}

void regions_of(struct regions *r, const struct disk *d)
{
    *r = (struct regions){0};
    for (size_t i = 0; i < d->n; i++) {
        const struct disk_file *f = &d->files[i];
        enum kind kind = file_kinds[row_of(f->path)].kind;
        size_t n;
        if (ends(f->path, "/lock"))
            continue;
        uint8_t *p = disk_read(d->mem, f->path, &n);
        if (kind == KIND_META_WAL_HEADER || kind == KIND_WAL_HEADER)
            add_wal(r, f, p, kind);
        else if (kind == KIND_LOG_PLACE)
            add_log(r, f, p);
        else
            add(r, kind, f, 0, n);
        free(p);
    }
}
