/* reader.c - walk the chain group by group, and judge the place where that stops.
 *
 * Within the chain's segments but the last, every group up to the end stated by the next OPEN must
 * be valid. In the last one a region that is no valid group is either the end of the log or a
 * fault; the headers behind it decide (see wal.h, Validity).
 *
 * A live log moves while it is read. What looks like a fault is looked at once more, because
 * whatever proves it a fault was written after the region itself; and a segment that vanished or
 * became another one was released by the broker, so reading goes on with the next.
 */
#include "wal/reader.h"
#include "base/mutant.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wal/chain.h"
#include "wal/group.h"

enum { LIVE_TRIES = 16 };

struct wal_reader {
    struct wal_reader_config cfg; /* its pointers are ours or outlive us */
    char path[IO_PATH_MAX];
    struct wal_owner owner;
    bool lone; /* one segment file, without its neighbours */
    struct wal_chain chain;
    struct wal_buf buf;
    struct wal_segfile seg; /* chain.headers[at] */
    size_t at;
    uint64_t offset;          /* of the next group */
    uint64_t next;            /* what ROLL named; 0 while none was met in this segment */
    struct wal_segfile again; /* wal_reader_at's */
    struct wal_end end;
};

/* ---- opening */

static int open_lone(struct wal_reader *r, struct err *e)
{
    const char *base = strrchr(r->path, '/');
    uint64_t id = 0;
    (void)wal_segment_name(base ? base + 1 : r->path, &id); /* a copy may have any name */
    int rc = wal_segfile_open(&r->seg, &r->cfg, r->path, id, e);
    if (rc == 0)
        rc = wal_chain_lone(&r->chain, &r->seg.header);
    if (rc == -ENOMEM)
        err_code(e, rc, "%s", r->path);
    return rc;
}

static int open_chain(struct wal_reader *r, struct err *e)
{
    int rc = ERR_CORRUPT;
    for (int i = 0; i < (r->cfg.live ? LIVE_TRIES : 1); i++) {
        rc = wal_chain_find(&r->chain, &r->cfg, &r->buf, e);
        if (rc != ERR_CORRUPT && rc != -ENOENT)
            break; /* else a segment may just have been recycled: list again */
    }
    return rc;
}

static int open_path(struct wal_reader *r, struct err *e)
{
    struct io_stat st;
    int rc = io_stat(r->cfg.io, r->path, &st);
    if (rc != 0)
        return err_code(e, rc, "%s", r->path);
    r->lone = !st.is_dir;
    return r->lone ? open_lone(r, e) : open_chain(r, e);
}

static int check_from(const struct wal_reader *r, struct err *e)
{
    struct wal_pos from = r->cfg.from;
    if (from.segment == 0 || from.offset == 0)
        return 0;
    const struct wal_segment_header *h = &r->chain.headers[0];
    uint64_t end = r->chain.ends[0] ? r->chain.ends[0] : h->size;
    if (from.segment == h->id && from.offset % WAL_BLOCK == 0 && from.offset <= end)
        return 0;
    return wal_fault_set(r->cfg.fault, e, r->path, from, "the log has no such place to begin at");
}

int wal_reader_open(struct wal_reader **out, const struct wal_reader_config *cfg, struct err *e)
{
    struct wal_fault found; /* what an opening that succeeds met on its way is nobody's */
    *out = NULL;
    struct wal_reader *r = calloc(1, sizeof *r);
    if (!r)
        return err_code(e, -ENOMEM, "%s", cfg->path);
    r->cfg = *cfg;
    if (cfg->owner) {
        r->owner = *cfg->owner;
        r->cfg.owner = &r->owner;
    }
    snprintf(r->path, sizeof r->path, "%s", cfg->path);
    r->cfg.path = r->path;
    r->cfg.fault = &found;
    r->offset = cfg->from.offset ? cfg->from.offset : WAL_BLOCK;
    int rc = strlen(cfg->path) < sizeof r->path ? 0 : -ENAMETOOLONG;
    if (rc != 0)
        err_code(e, rc, "%s", r->path);
    else
        rc = open_path(r, e);
    if (rc == 0)
        rc = check_from(r, e);
    if (rc == ERR_CORRUPT && cfg->fault)
        *cfg->fault = found;
    r->cfg.fault = cfg->fault;
    if (rc != 0) {
        wal_reader_free(r);
        return rc;
    }
    *out = r;
    return 0;
}

void wal_reader_free(struct wal_reader *r)
{
    if (!r)
        return;
    wal_segfile_close(&r->seg);
    wal_segfile_close(&r->again);
    wal_chain_release(&r->chain);
    free(r->buf.p);
    free(r);
}

/* ---- faults */

static int fault(struct wal_reader *r, const char *file, struct wal_pos pos, const char *why,
                 struct err *e)
{
    return wal_fault_set(r->cfg.fault, e, file, pos, why);
}

static int fault_here(struct wal_reader *r, const char *why, struct err *e)
{
    return fault(r, r->seg.path, (struct wal_pos){r->seg.header.id, r->offset}, why, e);
}

static int fault_in(struct wal_reader *r, struct wal_pos pos, const char *why, struct err *e)
{
    char path[IO_PATH_MAX];
    if (wal_segment_path(path, sizeof path, r->path, pos.segment) != 0)
        return err_code(e, -ENAMETOOLONG, "%s", r->path);
    return fault(r, path, pos, why, e);
}

/* ---- moving along the chain */

/* Have the file of chain.headers[at] open. 1; 0 if a live log no longer has it. */
static int open_segment(struct wal_reader *r, struct err *e)
{
    if (r->seg.file)
        return 1;
    const struct wal_segment_header *h = &r->chain.headers[r->at];
    char path[IO_PATH_MAX];
    int rc = wal_segment_path(path, sizeof path, r->path, h->id);
    if (rc != 0)
        return err_code(e, rc, "%s", r->path);
    rc = wal_segfile_open(&r->seg, &r->cfg, path, h->id, e);
    bool gone = rc == -ENOENT || rc == ERR_CORRUPT || (rc == 0 && r->seg.header.salt != h->salt);
    if (r->cfg.live && gone) {
        wal_segfile_close(&r->seg);
        return 0;
    }
    return rc == 0 ? 1 : rc;
}

static bool last_of_chain(const struct wal_reader *r)
{
    return r->at + 1 >= r->chain.n;
}

static void next_segment(struct wal_reader *r)
{
    wal_segfile_close(&r->seg);
    r->at++;
    r->offset = WAL_BLOCK;
    r->next = 0;
}

/* A segment of a live log went away under us: the log up to its end was released. */
static int skip_segment(struct wal_reader *r)
{
    if (last_of_chain(r)) {
        r->end.pos = (struct wal_pos){r->chain.headers[r->at].id, r->offset};
        return 0;
    }
    next_segment(r);
    return 1;
}

/* ---- valid groups */

static int take_roll(struct wal_reader *r, const struct wal_group *g)
{
    struct wal_frame f;
    size_t at = WAL_PAYLOAD_HEADER;
    if (wal_frame_next(g->payload, &at, &f) == 1 && f.type == WAL_ROLL)
        return wal_roll_decode(f.body, &r->next);
    return 0;
}

static int take_group(struct wal_reader *r, const struct wal_group *g, struct err *e)
{
    uint64_t behind = r->offset + wal_group_bytes(g->payload_len), end = r->chain.ends[r->at];
    if (end && behind > end)
        return fault_here(r, "the group runs past the end that the next segment's OPEN states", e);
    if (g->index == 0 && take_roll(r, g) != 0)
        return fault_here(r, "ROLL is malformed", e);
    if (end && r->next && behind != end)
        return fault_here(r, "ROLL is not the last group of its segment", e);
    r->offset = behind;
    if (wal_pos_cmp(g->synced, r->end.synced) > 0)
        r->end.synced = g->synced;
    return 1;
}

/* ---- the end */

/* What lies behind the end of the log, and what it proves. */
struct verdict {
    struct wal_pos fault; /* {0, 0}: none */
    const char *reason;
    uint64_t torn_bytes;
};

static const char lost_open[] =
    "the segment's first group is damaged: a later header states that it was durable";
static const char lost_segment[] = "the segment is missing, but it was durable";
static const char lost_successor[] = "the segment is missing, but ROLL names it";

/* The rest of the last segment, from the bad region at P on. */
static int judge_rest(struct wal_reader *r, struct wal_pos p, struct wal_evidence *ev,
                      struct err *e)
{
    struct wal_segfile *s = &r->seg;
    struct wal_group g;
    const char *why;
    if (p.offset > s->header.size - WAL_BLOCK)
        return 0;
    int rc = wal_segfile_group(s, &r->buf, p.offset, &g, &why, e);
    if (rc < 0)
        return rc;
    if (!wal_group_header_check(r->buf.p, s->header.salt, p)) {
        wal_group_header_decode(r->buf.p, &g);
        wal_evidence_add(ev, &g, s->header.size);
    } else if (wal_group_header_resembles(r->buf.p, p.segment)) {
        ev->extent = p.offset + WAL_BLOCK;
    }
    return wal_segfile_scan(s, &r->buf, p.offset + WAL_BLOCK, ev, e);
}

/* A segment younger than the last one, that has no OPEN. */
static int judge_younger(struct wal_reader *r, uint64_t id, struct wal_evidence *ev, struct err *e)
{
    char path[IO_PATH_MAX];
    struct wal_segfile s;
    int rc = wal_segment_path(path, sizeof path, r->path, id);
    if (rc != 0)
        return err_code(e, rc, "%s", r->path);
    rc = wal_segfile_open(&s, &r->cfg, path, id, e);
    if (rc != 0)
        return rc == -ENOENT && r->cfg.live ? 0 : rc;
    rc = wal_segfile_scan(&s, &r->buf, WAL_BLOCK, ev, e);
    wal_segfile_close(&s);
    return rc;
}

static bool exists(const struct wal_reader *r, uint64_t id)
{
    for (size_t i = 0; i < r->chain.n_younger; i++)
        if (r->chain.younger[i] == id)
            return true;
    return id == 0 || (r->chain.n && r->chain.headers[r->chain.n - 1].id >= id);
}

/* Is `synced`, stated somewhere, beyond the end P of the log? Then what lies at P, or the OPEN of
 * the younger segment that it points into, was durable once. */
static void accuse(const struct wal_reader *r, struct wal_pos p, struct wal_pos synced,
                   const char *why, struct verdict *v)
{
    if (wal_pos_cmp(synced, p) <= 0 || v->fault.segment || MUTANT(corrupt_is_torn))
        return;
    if (synced.segment == p.segment) {
        v->fault = p;
        v->reason = why;
    } else if (synced.offset > WAL_BLOCK) {
        bool there = exists(r, synced.segment);
        v->fault = (struct wal_pos){synced.segment, there ? WAL_BLOCK : 0};
        v->reason = there ? lost_open : lost_segment;
    }
}

static int judge(struct wal_reader *r, struct wal_pos p, const char *why, struct verdict *v,
                 struct err *e)
{
    struct wal_evidence ev = {.extent = 0};
    memset(v, 0, sizeof *v);
    if (r->chain.n && !r->next) {
        int rc = judge_rest(r, p, &ev, e);
        if (rc != 0)
            return rc;
        v->torn_bytes = ev.extent > p.offset ? ev.extent - p.offset : 0;
        accuse(r, p, ev.synced, why, v);
    }
    for (size_t i = 0; i < r->chain.n_younger; i++) {
        struct wal_evidence of_one = {.extent = 0};
        int rc = judge_younger(r, r->chain.younger[i], &of_one, e);
        if (rc != 0)
            return rc;
        v->torn_bytes += of_one.extent ? of_one.extent - WAL_BLOCK : 0;
        accuse(r, p, of_one.synced, why, v);
        if (wal_pos_cmp(of_one.synced, ev.synced) > 0)
            ev.synced = of_one.synced;
    }
    accuse(r, p, r->cfg.synced, why, v);
    if (!v->fault.segment && r->next && !r->lone && !exists(r, r->next)) {
        v->fault = (struct wal_pos){r->next, 0};
        v->reason = lost_successor;
    }
    if (wal_pos_cmp(ev.synced, r->end.synced) > 0)
        r->end.synced = ev.synced;
    return 0;
}

/* Does the log end where its writer stopped? A later start would have opened another segment: then
 * this one is not the last of the chain. */
static bool closed_at(const struct wal_reader *r, struct wal_pos p)
{
    bool there = wal_pos_cmp(p, r->cfg.synced) == 0 || MUTANT(closed_for_ever);
    return r->cfg.closed && !r->next && there;
}

/* No valid group at the present place of the last segment: 0 and r->end, or a fault. */
static int finish(struct wal_reader *r, const char *why, struct err *e)
{
    struct wal_pos p = {0, 0};
    if (r->chain.n)
        p = (struct wal_pos){r->seg.header.id, r->offset};
    struct verdict v = {.torn_bytes = 0};
    int rc = closed_at(r, p) ? 0 : judge(r, p, why, &v, e);
    if (rc != 0)
        return rc;
    if (v.fault.segment)
        return wal_pos_cmp(v.fault, p) == 0 ? fault_here(r, v.reason, e)
                                            : fault_in(r, v.fault, v.reason, e);
    r->end.pos = p;
    r->end.torn = v.torn_bytes > 0;
    r->end.torn_bytes = v.torn_bytes;
    r->end.rolled = r->next != 0;
    r->end.last_segment = r->chain.last_segment;
    return 0;
}

/* Has a live log grown at the present place? 1, 0, or an error. */
static int look_again(struct wal_reader *r, struct err *e)
{
    struct wal_group g;
    const char *why;
    if (!r->chain.n)
        return 0;
    if (!r->next)
        return wal_segfile_group(&r->seg, &r->buf, r->offset, &g, &why, e);
    if (r->lone)
        return 0;
    struct wal_pos p = {r->seg.header.id, r->offset};
    return wal_chain_follow(&r->chain, &r->cfg, &r->buf, p, r->next, e);
}

/* The same on a log that moves: 1 means, go on reading. */
static int finish_live(struct wal_reader *r, const char *why, struct err *e)
{
    int rc = look_again(r, e);
    if (rc != 0)
        return rc;
    rc = finish(r, why, e);
    if (rc != ERR_CORRUPT)
        return rc;
    if (r->chain.n && wal_segfile_recycled(&r->seg))
        return skip_segment(r);
    return look_again(r, NULL) == 1 ? 1 : rc;
}

/* ---- the walk */

/* One step: 1 and *got if g was filled; 1 without, having moved; 0 at the end. */
static int step(struct wal_reader *r, struct wal_group *g, bool *got, struct err *e)
{
    if (r->chain.n == 0)
        return finish(r, "", e);
    int rc = open_segment(r, e);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return skip_segment(r);
    uint64_t end = r->chain.ends[r->at];
    if (end && r->offset == end) {
        next_segment(r);
        return 1;
    }
    const char *why = "";
    rc = r->next ? 0 : wal_segfile_group(&r->seg, &r->buf, r->offset, g, &why, e);
    if (rc < 0)
        return rc;
    if (rc == 1) {
        rc = take_group(r, g, e);
        *got = rc == 1;
        return rc;
    }
    if (last_of_chain(r))
        return r->cfg.live ? finish_live(r, why, e) : finish(r, why, e);
    if (r->cfg.live && wal_segfile_recycled(&r->seg))
        return skip_segment(r);
    return fault_here(r, why, e);
}

int wal_reader_next(struct wal_reader *r, struct wal_group *g, struct err *e)
{
    bool got = false;
    int rc = 1;
    while (rc == 1 && !got)
        rc = step(r, g, &got, e);
    return rc;
}

/* ---- looking */

void wal_reader_end(const struct wal_reader *r, struct wal_end *end)
{
    *end = r->end;
}

const struct wal_segment_header *wal_reader_segment(const struct wal_reader *r)
{
    return &r->seg.header;
}

const char *wal_reader_file(const struct wal_reader *r)
{
    return r->seg.path;
}

const struct wal_segment_header *wal_reader_segments(const struct wal_reader *r, size_t *n)
{
    *n = r->chain.n;
    return r->chain.headers;
}

int wal_reader_at(struct wal_reader *r, struct wal_pos pos, struct wal_group *g, struct err *e)
{
    char path[IO_PATH_MAX];
    int rc = wal_segment_path(path, sizeof path, r->path, pos.segment);
    if (rc != 0)
        return err_code(e, rc, "%s", r->path);
    if (!r->again.file || r->again.header.id != pos.segment) {
        wal_segfile_close(&r->again);
        rc = wal_segfile_open(&r->again, &r->cfg, r->lone ? r->path : path, pos.segment, e);
        if (rc != 0)
            return rc;
    }
    const char *why = "no group begins here";
    rc = pos.offset >= WAL_BLOCK && pos.offset % WAL_BLOCK == 0
             ? wal_segfile_group(&r->again, &r->buf, pos.offset, g, &why, e)
             : 0;
    if (rc == 1)
        return 0;
    return rc < 0 ? rc : fault(r, r->again.path, pos, why, e);
}
