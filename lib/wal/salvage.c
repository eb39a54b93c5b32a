/* salvage.c - see salvage.h.
 *
 * Two passes. The first looks at every segment's header, its OPEN, and at what all group headers
 * say of durability; OPENs tell where each segment ends and which are dead. The second walks the
 * segments that count.
 */
#include "wal/salvage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "wal/group.h"
#include "wal/segfile.h"

struct piece {
    uint64_t id;
    char path[IO_PATH_MAX];
    struct io_file *file;
    uint64_t size;
    bool sound; /* its header is right: salt is known */
    uint64_t salt;
    bool opened;         /* its first group holds OPEN, */
    struct wal_pos prev; /* which says this */
    uint64_t end;        /* stated by a later OPEN; 0: by none */
    bool dead;
};

struct salvage {
    const struct wal_salvage_config *cfg;
    int (*visit)(void *ctx, const struct wal_salvaged *s);
    int (*fault)(void *ctx, const char *file, const char *why);
    void *ctx;
    struct wal_salvage_end *end;
    struct piece *pieces; /* ascending */
    size_t n;
    struct wal_pos synced; /* the largest that anything states */
    struct wal_buf buf;
};

/* ---- groups */

/* Bytes [from, to) of a piece into the buffer. */
static int load(struct salvage *s, const struct piece *p, uint64_t from, uint64_t to, struct err *e)
{
    size_t n = (size_t)(to - from);
    int rc = wal_buf_reserve(&s->buf, n);
    if (rc != 0)
        return err_code(e, rc, "%s: byte %" PRIu64 ": %zu bytes", p->path, from, n);
    ssize_t got = io_pread(p->file, s->buf.p, n, from);
    if (got < 0)
        return err_code(e, (int)got, "%s: byte %" PRIu64, p->path, from);
    if ((size_t)got < n) /* shorter than it was a moment ago */
        memset(s->buf.p + got, 0, n - (size_t)got);
    return 0;
}

/* Does the header in the buffer pass with its own checksum? */
static const char *header_check(const struct salvage *s, const struct piece *p, uint64_t at)
{
    struct wal_pos pos = {p->id, at};
    if (!p->sound)
        return "the segment header is damaged";
    return wal_group_header_check(s->buf.p, p->salt, pos);
}

static bool length_fits(const struct piece *p, const struct wal_group *g)
{
    return g->payload_len >= WAL_PAYLOAD_HEADER &&
           wal_group_bytes(g->payload_len) <= p->size - g->pos.offset;
}

/* Does a payload hold local frames? */
static bool is_local(struct span payload)
{
    struct wal_frame f;
    size_t at = WAL_PAYLOAD_HEADER;
    if (wal_frame_next(payload, &at, &f) != 1)
        return false;
    switch (f.type) {
#define WAL_FRAME(name, number, local, sentence) \
    case number:                                 \
        return local;
#include "wal/frame.def"
#undef WAL_FRAME
    }
    return false;
}

/* A whole payload below a header that may be damaged anywhere: take nothing from it that shows. */
static bool believable(const struct piece *p, struct wal_salvaged *r)
{
    if (p->sound) /* then it is this header that is damaged, and not the segment's alone */
        r->group.synced = (struct wal_pos){0, 0};
    return (r->group.index == 0) == is_local(r->payload);
}

/* Look at a place. 1: s->buf holds the group there, as long as its header says; kind and why are
 * filled in. 0: no group begins here that could be told from other bytes. */
static int look(struct salvage *s, const struct piece *p, uint64_t at, struct wal_salvaged *r,
                struct err *e)
{
    int rc = load(s, p, at, at + WAL_BLOCK, e);
    if (rc != 0)
        return rc;
    const char *bad_header = header_check(s, p, at);
    if (bad_header && !wal_group_header_resembles(s->buf.p, p->id)) {
        r->why = bad_header;
        return 0;
    }
    wal_group_header_decode(s->buf.p, &r->group);
    r->why = bad_header ? bad_header : "the group's length cannot be right";
    if (r->group.pos.offset != at || !length_fits(p, &r->group))
        return 0;
    r->end = at + wal_group_bytes(r->group.payload_len);
    rc = load(s, p, at, r->end, e);
    if (rc != 0)
        return rc;
    const char *bad_payload = wal_group_payload_check(s->buf.p, &r->group);
    if (bad_header && bad_payload)
        return 0;
    r->kind = bad_payload ? WAL_DAMAGED : WAL_WHOLE;
    r->why = bad_payload ? bad_payload : bad_header;
    r->payload = span_of(s->buf.p + WAL_GROUP_HEADER, r->group.payload_len);
    r->proven = !bad_header;
    return r->proven || believable(p, r);
}

/* ---- the first pass */

static int tell(struct salvage *s, const char *file, const char *why)
{
    s->end->faults++;
    return s->fault(s->ctx, file, why);
}

static int read_header(struct salvage *s, struct piece *p, struct err *e)
{
    struct wal_segment_header h;
    struct err why;
    int rc = p->size < WAL_BLOCK ? ERR_CORRUPT : load(s, p, 0, WAL_BLOCK, e);
    if (rc == 0)
        rc = wal_segment_header_decode(s->buf.p, &h, &why);
    if (rc == ERR_VERSION)
        return err_set(e, rc, "%s: %s", p->path, why.text);
    if (rc != 0 && rc != ERR_CORRUPT)
        return rc;
    p->sound = rc == 0 && h.id == p->id;
    if (!p->sound)
        return tell(s, p->path, "the segment header is damaged");
    p->salt = h.salt;
    return h.size == p->size ? 0
                             : tell(s, p->path, "the file has another size than its header states");
}

static int read_open(struct salvage *s, struct piece *p, struct err *e)
{
    struct wal_salvaged r = {.kind = WAL_HOLE};
    struct wal_frame f;
    struct wal_open o;
    size_t at = WAL_PAYLOAD_HEADER;
    if (p->size < 2 * (uint64_t)WAL_BLOCK)
        return 0;
    int rc = look(s, p, WAL_BLOCK, &r, e);
    if (rc == 1 && r.kind == WAL_WHOLE && wal_frame_next(r.payload, &at, &f) == 1 &&
        f.type == WAL_OPEN && wal_open_decode(f.body, &o) == 0 && o.prev.segment < p->id) {
        p->opened = true;
        p->prev = o.prev;
    }
    return rc < 0 ? rc : 0;
}

/* What the headers of a segment state of durability. */
static int read_synced(struct salvage *s, const struct piece *p, struct err *e)
{
    for (uint64_t at = WAL_BLOCK; at + WAL_BLOCK <= p->size; at += WAL_BLOCK) {
        struct wal_salvaged r;
        int rc = look(s, p, at, &r, e);
        if (rc < 0)
            return rc;
        if (rc == 1 && wal_pos_cmp(r.group.synced, s->synced) > 0)
            s->synced = r.group.synced;
    }
    return 0;
}

static int open_piece(struct salvage *s, struct piece *p, uint64_t id, struct err *e)
{
    struct io_stat st;
    p->id = id;
    int rc = wal_segment_path(p->path, sizeof p->path, s->cfg->dir, id);
    if (rc == 0)
        rc = io_open(s->cfg->io, p->path, IO_READ, &p->file);
    if (rc == 0)
        rc = io_fstat(p->file, &st);
    if (rc != 0)
        return err_code(e, rc, "%s", p->path);
    p->size = st.size / WAL_BLOCK * WAL_BLOCK;
    if (p->size > s->end->segment_size)
        s->end->segment_size = p->size;
    s->end->last_segment = id;
    rc = read_header(s, p, e);
    if (rc == 0)
        rc = read_open(s, p, e);
    return rc ? rc : read_synced(s, p, e);
}

static int open_pieces(struct salvage *s, struct err *e)
{
    char **names;
    size_t n;
    int rc = io_names(s->cfg->io, s->cfg->dir, &names, &n);
    if (rc != 0)
        return err_code(e, rc, "%s", s->cfg->dir);
    s->pieces = calloc(n + 1, sizeof *s->pieces);
    if (!s->pieces)
        rc = err_code(e, -ENOMEM, "%s", s->cfg->dir);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        uint64_t id;
        if (wal_segment_name(names[i], &id) && id >= s->cfg->from.segment)
            rc = open_piece(s, &s->pieces[s->n++], id, e);
    }
    io_names_free(names, n);
    if (rc == 0 && s->n == 0)
        rc = err_set(e, ERR_NOTFOUND, "%s: no segment of a write-ahead log", s->cfg->dir);
    return rc;
}

/* OPEN ends the log before it: the segment it names ends there, those between are dead. */
static int link_pieces(struct salvage *s, struct err *e)
{
    for (size_t i = 0; i < s->n; i++) {
        struct piece *p = &s->pieces[i];
        bool there = p->prev.segment < s->pieces[0].id;
        for (size_t j = 0; p->opened && j < i; j++) {
            if (s->pieces[j].id == p->prev.segment) {
                s->pieces[j].end = p->prev.offset;
                there = true;
            } else if (s->pieces[j].id > p->prev.segment) {
                s->pieces[j].dead = true;
            }
        }
        if (p->opened && !there && p->prev.segment >= s->cfg->from.segment) {
            char path[IO_PATH_MAX];
            int rc = wal_segment_path(path, sizeof path, s->cfg->dir, p->prev.segment);
            if (rc == 0)
                rc = tell(s, path, "the segment is missing");
            if (rc != 0)
                return err_code(e, rc, "%s", s->cfg->dir);
        }
    }
    return 0;
}

/* ---- the second pass */

/* Is it known that what stood at this place was durable? */
static bool was_durable(const struct salvage *s, const struct piece *p, uint64_t at)
{
    struct wal_pos pos = {p->id, at};
    return p->end ? at < p->end : wal_pos_cmp(pos, s->synced) < 0;
}

static uint64_t bound_of(const struct piece *p)
{
    return p->end && p->end < p->size ? p->end : p->size;
}

/* Where the region without a group that begins at `from` ends. */
static int hole_end(struct salvage *s, const struct piece *p, uint64_t from, uint64_t *end,
                    struct err *e)
{
    uint64_t bound = bound_of(p);
    if (!p->end && s->synced.segment == p->id && s->synced.offset < bound)
        bound = s->synced.offset;
    for (*end = from + WAL_BLOCK; *end < bound; *end += WAL_BLOCK) {
        struct wal_salvaged r;
        int rc = look(s, p, *end, &r, e);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    return 0;
}

static int visit_hole(struct salvage *s, const struct piece *p, struct wal_salvaged *r,
                      struct err *e)
{
    int rc = hole_end(s, p, r->pos.offset, &r->end, e);
    if (rc == 0)
        rc = load(s, p, r->pos.offset, r->end, e);
    if (rc != 0)
        return rc;
    r->kind = WAL_HOLE;
    r->payload =
        span_of(s->buf.p + WAL_GROUP_HEADER, (size_t)(r->end - r->pos.offset) - WAL_GROUP_HEADER);
    return s->visit(s->ctx, r);
}

static bool is_roll(const struct wal_salvaged *r)
{
    struct wal_frame f;
    size_t at = WAL_PAYLOAD_HEADER;
    return r->kind == WAL_WHOLE && r->group.index == 0 &&
           wal_frame_next(r->payload, &at, &f) == 1 && f.type == WAL_ROLL;
}

/* 1: the log ends in this piece. */
static int walk_piece(struct salvage *s, const struct piece *p, struct err *e)
{
    uint64_t at = WAL_BLOCK, bound = bound_of(p);
    if (s->cfg->from.segment == p->id && s->cfg->from.offset > at)
        at = s->cfg->from.offset;
    while (at + WAL_BLOCK <= bound) {
        struct wal_salvaged r = {.pos = {p->id, at}, .file = p->path};
        int rc = look(s, p, at, &r, e);
        if (rc < 0)
            return rc;
        if ((rc == 0 || r.kind == WAL_DAMAGED) && !was_durable(s, p, at))
            return 1;
        bool rolled = rc == 1 && is_roll(&r);
        rc = rc == 1 ? s->visit(s->ctx, &r) : visit_hole(s, p, &r, e);
        if (rc != 0 || rolled)
            return rc;
        at = r.end;
    }
    return 0;
}

int wal_salvage(const struct wal_salvage_config *cfg,
                int (*visit)(void *ctx, const struct wal_salvaged *s),
                int (*fault)(void *ctx, const char *file, const char *why), void *ctx,
                struct wal_salvage_end *end, struct err *e)
{
    struct salvage s = {
        .cfg = cfg, .visit = visit, .fault = fault, .ctx = ctx, .end = end, .synced = cfg->synced};
    *end = (struct wal_salvage_end){0};
    int rc = open_pieces(&s, e);
    if (rc == 0)
        rc = link_pieces(&s, e);
    for (size_t i = 0; rc == 0 && i < s.n; i++)
        if (!s.pieces[i].dead)
            rc = walk_piece(&s, &s.pieces[i], e);
    for (size_t i = 0; i < s.n; i++)
        io_close(s.pieces[i].file);
    free(s.pieces);
    free(s.buf.p);
    return rc == 1 ? 0 : rc;
}
