#include "cli/wal_check.h"

#include <errno.h>
#include <inttypes.h>

#include "batch/batch.h"
#include "cli/checkpoint_check.h"

/* One look at a log. */
struct look {
    struct verdict *v;
    const struct wal_log *log;
    wal_visitor *visit;
    void *ctx;
    uint64_t segment;    /* the one being read */
    uint64_t last, term; /* of the last entry; 0: none yet */
    /* Of the newest good checkpoint; sequence 0: there is none. */
    uint64_t sequence, index, index_term;
    struct wal_pos replay, synced;
    unsigned checkpoints; /* good ones */
};

/* ---- groups */

static int check_frames(struct look *l, struct wal_visit *g)
{
    size_t at = WAL_PAYLOAD_HEADER, next = at;
    struct wal_frame f;
    int rc;
    while ((rc = wal_frame_next(g->group->payload, &next, &f)) == 1) {
        struct wal_batch w;
        struct batch b;
        g->at = at;
        if (wal_frame_check(&f, &g->why) != 0)
            return ERR_CORRUPT;
        if (f.type == WAL_BATCH && wal_batch_decode(f.body, &w) == 0 &&
            batch_peek(w.batch, &b) == 0)
            l->v->records += (uint64_t)b.count;
        at = next;
    }
    g->at = at;
    g->why = "a frame does not fit its group";
    return rc == 0 ? 0 : ERR_CORRUPT;
}

/* Recovery starts behind the checkpoint's index, so the log must not begin later. */
static int check_entry(struct look *l, struct wal_visit *v)
{
    const struct wal_group *g = v->group;
    uint64_t last = l->last ? l->last : l->index, term = l->last ? l->term : l->index_term;
    bool known = l->last || l->sequence;
    v->whole = true;
    v->why = l->last ? "entries are missing before this one"
                     : "entries between the checkpoint and this one are missing";
    if (known && g->index > last + 1)
        return ERR_CORRUPT;
    v->why = "the term of the entry is lower than that of the one before it";
    if (known && g->index == last + 1 && g->term < term)
        return ERR_CORRUPT;
    l->last = g->index;
    l->term = g->term;
    return 0;
}

static int check_group(void *ctx, struct wal_visit *v)
{
    struct look *l = ctx;
    if (v->segment->id != l->segment) {
        l->segment = v->segment->id;
        l->v->files++;
    }
    int rc = v->group->index ? check_entry(l, v) : 0;
    v->whole = rc != 0;
    if (rc == 0)
        rc = check_frames(l, v);
    if (rc == 0 && l->visit)
        rc = l->visit(l->ctx, v);
    return rc;
}

/* ---- checkpoints */

static void take_checkpoint(struct look *l, const struct checkpoint *cp)
{
    l->checkpoints++;
    if (wal_pos_cmp(cp->synced, l->synced) > 0)
        l->synced = cp->synced;
    if (cp->sequence <= l->sequence)
        return;
    l->sequence = cp->sequence;
    l->index = cp->index;
    l->index_term = cp->term;
    l->replay = cp->replay;
}

/* A checkpoint beside the log says how far it was durable when that was written: a witness that may
 * know more than the log's own headers. They are read before the log, so that a broker at work
 * cannot put them behind what is read. */
static void check_checkpoints(struct look *l)
{
    const struct wal_log *log = l->log;
    struct checkpoint cp;
    size_t faults = l->v->faults.n;
    for (int i = 0; i < 2; i++) {
        char path[IO_PATH_MAX];
        if (io_path(path, sizeof path, log->path, "checkpoint.%d", i) < 0 ||
            !checkpoint_check(l->v, log->io, path, log->owned ? &log->owner : NULL, &cp))
            continue;
        take_checkpoint(l, &cp);
        checkpoint_release(&cp);
    }
    if (log->owned && l->checkpoints == 0 && l->v->faults.n == faults)
        faults_put(&l->v->faults, FAULT_CORRUPTION, log->path, 0,
                   "there is a log but no checkpoint");
}

/* Would recovery find where to begin? */
static void check_replay(struct look *l)
{
    struct wal_fault fault = {.reason = NULL};
    struct wal_reader_config cfg = {.io = l->log->io,
                                    .path = l->log->path,
                                    .owner = l->log->owned ? &l->log->owner : NULL,
                                    .from = l->replay,
                                    .synced = l->synced,
                                    .fault = &fault};
    struct wal_reader *r;
    struct err e;
    int rc = wal_reader_open(&r, &cfg, &e);
    if (rc == ERR_CORRUPT && fault.reason)
        faults_put(&l->v->faults, FAULT_CORRUPTION, fault.file, fault.pos.offset, "%s",
                   fault.reason);
    else if (rc == ERR_NOTFOUND)
        faults_put(&l->v->faults, FAULT_CORRUPTION, l->log->path, 0,
                   "there is a checkpoint but no log");
    else if (rc < 0)
        faults_add(&l->v->faults, l->log->path, 0, &e);
    if (rc == 0)
        wal_reader_free(r);
}

/* ---- the log */

static void report(struct look *l, struct wal_outcome *o)
{
    struct faults *faults = &l->v->faults;
    l->v->units += o->groups;
    l->v->bytes += o->bytes;
    if (o->rc == ERR_CORRUPT)
        faults_put(faults, FAULT_CORRUPTION, o->fault.file, o->fault.pos.offset, "%s",
                   o->fault.reason);
    else if (o->rc < 0)
        faults_add(faults, l->log->path, 0, &o->e);
    else if (o->end.torn)
        faults_put(faults, FAULT_TORN, o->last_file, o->end.pos.offset,
                   "the log ends in an incomplete write (a torn tail of %" PRIu64 " bytes)",
                   o->end.torn_bytes);
}

static void look_at(struct look *l)
{
    struct wal_log log = *l->log;
    struct wal_outcome o;
    if (!log.is_file)
        check_checkpoints(l);
    log.synced = l->synced;
    log.strict = true;
    wal_walk(&log, check_group, l, &o);
    report(l, &o);
    if (o.rc == 0 && l->sequence)
        check_replay(l);
}

/* Is there a newer checkpoint than the one we looked by? */
static bool moved_on(const struct look *l)
{
    struct checkpoint newest, older;
    bool bad;
    if (l->log->is_file || l->sequence == 0 ||
        checkpoint_load(l->log->io, l->log->path, NULL, &newest, &older, &bad, NULL) < 0)
        return false;
    bool moved = newest.sequence != l->sequence;
    checkpoint_release(&newest);
    checkpoint_release(&older);
    return moved;
}

void wal_check_log(struct verdict *v, const struct wal_log *log, wal_visitor *visit, void *ctx)
{
    enum { TRIES = 5 };
    bool again = true;
    for (int i = 0; i < TRIES && again; i++) {
        struct verdict one = {.files = 0};
        struct look l = {.v = &one, .log = log, .visit = visit, .ctx = ctx};
        look_at(&l);
        again = one.faults.failed && i + 1 < TRIES && moved_on(&l);
        if (again)
            faults_release(&one.faults);
        else
            verdict_add(v, &one);
    }
}
