/* chain.c - see chain.h. */
#include "wal/chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char no_link[] = "the segment is missing, but a later one continues it";
static const char not_of_chain[] =
    "the log, as its last segment tells it, does not contain this segment";
static const char no_open[] =
    "the segment's first group is damaged, but a later segment continues it";
static const char not_open[] = "the first group of the segment holds no OPEN";
static const char bad_open[] = "OPEN states an impossible end of the log before it";
static const char bad_end[] = "a later segment states an end of this one that it cannot have";

/* A segment as far as its first group tells. */
struct found {
    struct wal_segment_header header;
    bool opened;
    struct wal_pos prev; /* of its OPEN */
    uint64_t end;        /* once the next one is known */
    bool member;
};

static int fault(const struct wal_reader_config *cfg, uint64_t id, uint64_t offset, const char *why,
                 struct err *e)
{
    char path[IO_PATH_MAX] = "";
    (void)wal_segment_path(path, sizeof path, cfg->path, id); /* it was made before */
    return wal_fault_set(cfg->fault, e, path, (struct wal_pos){id, offset}, why);
}

/* ---- the first group */

static bool sane_prev(struct wal_pos prev, uint64_t id)
{
    if (prev.segment == 0)
        return prev.offset == 0;
    return prev.segment < id && prev.offset >= 2 * WAL_BLOCK && prev.offset % WAL_BLOCK == 0;
}

static int look_at_open(struct found *f, const struct wal_segfile *s,
                        const struct wal_reader_config *cfg, struct wal_buf *buf, struct err *e)
{
    struct wal_group g;
    const char *why;
    int rc = wal_segfile_group(s, buf, WAL_BLOCK, &g, &why, e);
    if (rc <= 0)
        return rc;
    struct wal_frame frame;
    struct wal_open open;
    size_t at = WAL_PAYLOAD_HEADER;
    struct wal_pos first = {s->header.id, WAL_BLOCK};
    if (wal_frame_next(g.payload, &at, &frame) != 1 || frame.type != WAL_OPEN ||
        wal_open_decode(frame.body, &open) != 0)
        return wal_fault_set(cfg->fault, e, s->path, first, not_open);
    if (!sane_prev(open.prev, s->header.id))
        return wal_fault_set(cfg->fault, e, s->path, first, bad_open);
    f->opened = true;
    f->prev = open.prev;
    return 0;
}

static int look_at(struct found *f, uint64_t id, const struct wal_reader_config *cfg,
                   struct wal_buf *buf, struct err *e)
{
    struct wal_segfile s;
    char path[IO_PATH_MAX];
    int rc = wal_segment_path(path, sizeof path, cfg->path, id);
    if (rc != 0)
        return err_code(e, rc, "%s", cfg->path);
    rc = wal_segfile_open(&s, cfg, path, id, e);
    if (rc != 0)
        return rc;
    f->header = s.header;
    rc = look_at_open(f, &s, cfg, buf, e);
    wal_segfile_close(&s);
    return rc;
}

/* All segments from the one asked for on; names are sorted and so are ids. */
static int look_at_all(struct found **out, size_t *n, const struct wal_reader_config *cfg,
                       struct wal_buf *buf, struct err *e)
{
    char **names;
    size_t n_names;
    *out = NULL;
    *n = 0;
    int rc = io_names(cfg->io, cfg->path, &names, &n_names);
    if (rc != 0)
        return err_code(e, rc, "%s: cannot list the directory", cfg->path);
    struct found *all = calloc(n_names + 1, sizeof *all);
    rc = all ? 0 : err_code(e, -ENOMEM, "%s", cfg->path);
    for (size_t i = 0; rc == 0 && i < n_names; i++) {
        uint64_t id;
        if (wal_segment_name(names[i], &id) && id >= cfg->from.segment)
            rc = look_at(&all[(*n)++], id, cfg, buf, e);
    }
    io_names_free(names, n_names);
    if (rc != 0) {
        free(all);
        return rc;
    }
    *out = all;
    return 0;
}

/* ---- the links */

static struct found *find(struct found *all, size_t n, uint64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (all[i].header.id == id)
            return &all[i];
    return NULL;
}

/* Mark the members, from the last one back. *last is NULL if no segment was opened. */
static int link_back(struct found *all, size_t n, struct found **last,
                     const struct wal_reader_config *cfg, struct err *e)
{
    struct found *f = NULL;
    for (size_t i = 0; i < n; i++)
        if (all[i].opened)
            f = &all[i];
    *last = f;
    if (!f)
        return cfg->from.segment ? fault(cfg, cfg->from.segment, WAL_BLOCK, no_open, e) : 0;
    f->member = true;
    while (f->header.id != cfg->from.segment && f->prev.segment >= all[0].header.id) {
        struct found *before = find(all, n, f->prev.segment);
        if (!before)
            return fault(cfg, f->prev.segment, 0, no_link, e);
        if (!before->opened)
            return fault(cfg, before->header.id, WAL_BLOCK, no_open, e);
        if (f->prev.offset > before->header.size)
            return fault(cfg, before->header.id, before->header.size, bad_end, e);
        before->end = f->prev.offset;
        before->member = true;
        f = before;
    }
    if (cfg->from.segment && f->header.id != cfg->from.segment)
        return fault(cfg, cfg->from.segment, 0, not_of_chain, e);
    return 0;
}

static int collect(struct wal_chain *c, const struct found *all, size_t n, const struct found *last)
{
    c->headers = calloc(n, sizeof *c->headers);
    c->ends = calloc(n, sizeof *c->ends);
    c->younger = calloc(n, sizeof *c->younger);
    if (!c->headers || !c->ends || !c->younger)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (all[i].member) {
            c->headers[c->n] = all[i].header;
            c->ends[c->n++] = all[i].end;
        } else if (!last || all[i].header.id > last->header.id) {
            c->younger[c->n_younger++] = all[i].header.id;
        }
    }
    c->last_segment = all[n - 1].header.id;
    return 0;
}

int wal_chain_find(struct wal_chain *c, const struct wal_reader_config *cfg, struct wal_buf *buf,
                   struct err *e)
{
    struct found *all, *last = NULL;
    size_t n;
    memset(c, 0, sizeof *c);
    int rc = look_at_all(&all, &n, cfg, buf, e);
    if (rc != 0)
        return rc;
    if (cfg->from.segment && !find(all, n, cfg->from.segment))
        rc = fault(cfg, cfg->from.segment, 0, "the segment to begin with is missing", e);
    else if (cfg->synced.segment && !find(all, n, cfg->synced.segment))
        rc = fault(cfg, cfg->synced.segment, 0, "the segment is missing, but a checkpoint names it",
                   e);
    else if (n == 0)
        rc = err_set(e, ERR_NOTFOUND, "%s: no segment of a write-ahead log", cfg->path);
    else
        rc = link_back(all, n, &last, cfg, e);
    if (rc == 0) {
        rc = collect(c, all, n, last);
        if (rc != 0)
            err_code(e, rc, "%s", cfg->path);
    }
    free(all);
    if (rc != 0)
        wal_chain_release(c);
    return rc;
}

int wal_chain_lone(struct wal_chain *c, const struct wal_segment_header *h)
{
    struct found f = {.header = *h, .member = true};
    memset(c, 0, sizeof *c);
    int rc = collect(c, &f, 1, &f);
    if (rc != 0)
        wal_chain_release(c);
    return rc;
}

int wal_chain_follow(struct wal_chain *c, const struct wal_reader_config *cfg, struct wal_buf *buf,
                     struct wal_pos end, uint64_t next, struct err *e)
{
    struct found f = {.opened = false};
    int rc = look_at(&f, next, cfg, buf, e);
    if (rc != 0)
        return rc == -ENOENT ? 0 : rc;
    if (!f.opened || wal_pos_cmp(f.prev, end) != 0)
        return 0;
    struct wal_segment_header *headers = realloc(c->headers, (c->n + 1) * sizeof *headers);
    if (headers)
        c->headers = headers;
    uint64_t *ends = realloc(c->ends, (c->n + 1) * sizeof *ends);
    if (ends)
        c->ends = ends;
    if (!headers || !ends)
        return err_code(e, -ENOMEM, "%s", cfg->path);
    c->ends[c->n - 1] = end.offset;
    c->headers[c->n] = f.header;
    c->ends[c->n++] = 0;
    size_t k = 0;
    while (k < c->n_younger && c->younger[k] <= next)
        k++;
    c->n_younger -= k;
    memmove(c->younger, c->younger + k, c->n_younger * sizeof *c->younger);
    if (next > c->last_segment)
        c->last_segment = next;
    return 1;
}

void wal_chain_release(struct wal_chain *c)
{
    free(c->headers);
    free(c->ends);
    free(c->younger);
    memset(c, 0, sizeof *c);
}
