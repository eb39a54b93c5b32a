/* segfile.c - read a segment file, trusting nothing in it. */
#include "wal/segfile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wal/group.h"

enum { SCAN_CHUNK = 64 * WAL_BLOCK };

int wal_fault_set(struct wal_fault *f, struct err *e, const char *file, struct wal_pos pos,
                  const char *reason)
{
    if (f) {
        f->pos = pos;
        f->reason = reason;
        snprintf(f->file, sizeof f->file, "%s", file);
    }
    return err_set(e, ERR_CORRUPT, "%s: byte %" PRIu64 ": %s", file, pos.offset, reason);
}

int wal_buf_reserve(struct wal_buf *buf, size_t n)
{
    if (n <= buf->cap)
        return 0;
    uint8_t *p = realloc(buf->p, n);
    if (!p)
        return -ENOMEM;
    buf->p = p;
    buf->cap = n;
    return 0;
}

/* ---- opening */

static int read_header(struct wal_segfile *s, const struct wal_reader_config *cfg, uint64_t id,
                       struct err *e)
{
    uint8_t block[WAL_BLOCK];
    ssize_t n = io_pread(s->file, block, sizeof block, 0);
    if (n < 0)
        return err_code(e, (int)n, "%s: byte 0: cannot read", s->path);
    struct wal_pos start = {id, 0};
    if (n != sizeof block)
        return wal_fault_set(cfg->fault, e, s->path, start, "the file is too short for a segment");
    struct err why;
    int rc = wal_segment_header_decode(block, &s->header, &why);
    if (rc == ERR_CORRUPT)
        return wal_fault_set(cfg->fault, e, s->path, start, "the segment header is damaged");
    if (rc != 0)
        return err_set(e, rc, "%s: %s", s->path, why.text);
    if (id != 0 && s->header.id != id)
        return wal_fault_set(cfg->fault, e, s->path, start, "the segment header states another id");
    return 0;
}

static int check_owner(const struct wal_segfile *s, const struct wal_owner *want, struct err *e)
{
    const struct wal_owner *is = &s->header.owner;
    if (!want || (uuid_eq(&is->cluster_id, &want->cluster_id) && is->node_id == want->node_id &&
                  is->shard == want->shard))
        return 0;
    char a[UUID_TEXT], b[UUID_TEXT];
    uuid_text(&is->cluster_id, a);
    uuid_text(&want->cluster_id, b);
    return err_set(e, ERR_FOREIGN,
                   "%s: belongs to cluster %s node %" PRIu32 " shard %" PRIu32
                   ", not to cluster %s node %" PRIu32 " shard %" PRIu32,
                   s->path, a, is->node_id, is->shard, b, want->node_id, want->shard);
}

static int check_file(struct wal_segfile *s, const struct wal_reader_config *cfg, uint64_t id,
                      struct err *e)
{
    int rc = cfg->fresh ? io_drop_cache(s->file) : 0;
    if (rc != 0)
        return err_code(e, rc, "%s: cannot drop cached pages", s->path);
    rc = read_header(s, cfg, id, e);
    if (rc == 0)
        rc = check_owner(s, cfg->owner, e);
    if (rc != 0)
        return rc;
    struct io_stat st;
    rc = io_fstat(s->file, &st);
    if (rc != 0)
        return err_code(e, rc, "%s", s->path);
    struct wal_pos end = {s->header.id, st.size < s->header.size ? st.size : s->header.size};
    if (st.size != s->header.size)
        return wal_fault_set(cfg->fault, e, s->path, end,
                             "the file has another size than its header states");
    return 0;
}

int wal_segfile_open(struct wal_segfile *s, const struct wal_reader_config *cfg, const char *path,
                     uint64_t id, struct err *e)
{
    s->file = NULL;
    snprintf(s->path, sizeof s->path, "%s", path);
    int rc = io_open(cfg->io, path, IO_READ, &s->file);
    if (rc != 0) {
        s->file = NULL;
        return err_code(e, rc, "%s: cannot open", path);
    }
    rc = check_file(s, cfg, id, e);
    if (rc != 0)
        wal_segfile_close(s);
    return rc;
}

void wal_segfile_close(struct wal_segfile *s)
{
    io_close(s->file);
    s->file = NULL;
}

bool wal_segfile_recycled(const struct wal_segfile *s)
{
    uint8_t block[WAL_BLOCK];
    struct wal_segment_header h;
    return io_pread(s->file, block, sizeof block, 0) != sizeof block ||
           wal_segment_header_decode(block, &h, NULL) != 0 || h.id != s->header.id ||
           h.salt != s->header.salt;
}

/* ---- groups */

/* n bytes at an offset into buf, from `at` in buf on. 1; 0 if the file ends before. */
static int read_bytes(const struct wal_segfile *s, struct wal_buf *buf, size_t at, size_t n,
                      uint64_t offset, struct err *e)
{
    int rc = wal_buf_reserve(buf, at + n);
    if (rc != 0)
        return err_code(e, rc, "%s: byte %" PRIu64 ": a group of %zu bytes", s->path, offset,
                        at + n);
    ssize_t got = io_pread(s->file, buf->p + at, n, offset + at);
    if (got < 0)
        return err_code(e, (int)got, "%s: byte %" PRIu64 ": cannot read", s->path, offset + at);
    return (size_t)got == n;
}

static bool length_fits(const struct wal_group *g, uint64_t file_size)
{
    return g->payload_len >= WAL_PAYLOAD_HEADER &&
           wal_group_bytes(g->payload_len) <= file_size - g->pos.offset;
}

int wal_segfile_group(const struct wal_segfile *s, struct wal_buf *buf, uint64_t offset,
                      struct wal_group *g, const char **why, struct err *e)
{
    struct wal_pos pos = {s->header.id, offset};
    *why = "the segment ends here";
    if (offset > s->header.size - WAL_BLOCK)
        return 0;
    int rc = read_bytes(s, buf, 0, WAL_BLOCK, offset, e);
    if (rc <= 0)
        return rc;
    *why = wal_group_header_check(buf->p, s->header.salt, pos);
    if (*why)
        return 0;
    wal_group_header_decode(buf->p, g);
    *why = "the group's length cannot be right";
    if (!length_fits(g, s->header.size))
        return 0;
    size_t rest = (size_t)wal_group_bytes(g->payload_len) - WAL_BLOCK;
    rc = rest > 0 ? read_bytes(s, buf, WAL_BLOCK, rest, offset, e) : 1;
    if (rc <= 0) {
        *why = "the file ends within the group";
        return rc;
    }
    *why = wal_group_payload_check(buf->p, g);
    return *why == NULL;
}

/* ---- evidence */

void wal_evidence_add(struct wal_evidence *ev, const struct wal_group *h, uint64_t file_size)
{
    if (wal_pos_cmp(h->synced, ev->synced) > 0)
        ev->synced = h->synced;
    uint64_t end = h->pos.offset + wal_group_bytes(h->payload_len);
    if (end > file_size)
        end = file_size;
    if (end > ev->extent)
        ev->extent = end;
}

int wal_segfile_scan(const struct wal_segfile *s, struct wal_buf *buf, uint64_t from,
                     struct wal_evidence *ev, struct err *e)
{
    if (from >= s->header.size)
        return 0;
    uint64_t rest = s->header.size - from;
    size_t chunk = rest < SCAN_CHUNK ? (size_t)rest : SCAN_CHUNK;
    int rc = wal_buf_reserve(buf, chunk);
    if (rc != 0)
        return err_code(e, rc, "%s", s->path);
    for (uint64_t offset = from; offset < s->header.size; offset += chunk) {
        ssize_t n = io_pread(s->file, buf->p, chunk, offset);
        if (n < 0)
            return err_code(e, (int)n, "%s: byte %" PRIu64 ": cannot read", s->path, offset);
        for (size_t i = 0; i + WAL_BLOCK <= (size_t)n; i += WAL_BLOCK) {
            struct wal_pos pos = {s->header.id, offset + i};
            struct wal_group g;
            if (wal_group_header_check(buf->p + i, s->header.salt, pos))
                continue;
            wal_group_header_decode(buf->p + i, &g);
            wal_evidence_add(ev, &g, s->header.size);
        }
    }
    return 0;
}
