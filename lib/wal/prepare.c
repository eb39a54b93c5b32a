/* prepare.c - have the next segment ready before it is needed, and make use of released ones.
 *
 * A job is cut from the writer's state on the owner's thread, run on any, and its result taken by
 * the owner again; meanwhile the released segments it works on stay where they are in the writer's
 * array, at its front. Old files go in ascending order, so that a crash leaves no gap among those
 * that are left.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "wal/state.h"

struct wal_prepare {
    struct wal_segment_plan plan;
    bool make;       /* a segment is wanted (else: only remove) */
    size_t n_remove; /* released segments to unlink, before the one to recycle */
    uint64_t *remove;
    /* results */
    size_t removed;
    bool uncertain;
};

static size_t ready(const struct wal_writer *w)
{
    return w->n - w->current - 1;
}

/* One is ready ahead, or as many as a refused write needs. */
static bool needs_segment(const struct wal_writer *w)
{
    return ready(w) < (w->wanted ? w->wanted : 1);
}

/* Released ones are made ready before they are needed: that costs two syncs, and later the thread
 * that does it may be busy with a checkpoint. The newest of them stays as it is until it is needed,
 * for those who look at what a quiet log was. */
static bool can_recycle(const struct wal_writer *w)
{
    return w->n_free > 1 && ready(w) < w->spare;
}

/* Which released segments go, and which one comes back. */
static int choose_old(const struct wal_writer *w, struct wal_prepare *p)
{
    size_t keep = w->spare + (p->make ? 1 : 0);
    size_t first = p->n_remove = w->n_free > keep ? w->n_free - keep : 0;
    while (p->make && p->n_remove < w->n_free && w->segs[p->n_remove].size != w->segment_bytes)
        p->n_remove++; /* of no use: a start's short one, or the setting was changed */
    if (p->make && p->n_remove < w->n_free)
        p->plan.recycle = w->segs[p->n_remove].id;
    else if (p->n_remove > first)
        p->make = needs_segment(w);
    if (p->n_remove == 0)
        return 0;
    p->remove = malloc(p->n_remove * sizeof *p->remove);
    if (!p->remove)
        return -ENOMEM;
    for (size_t i = 0; i < p->n_remove; i++)
        p->remove[i] = w->segs[i].id;
    return 0;
}

static int fill_plan(struct wal_writer *w, struct wal_prepare *p, int64_t wall_ms)
{
    p->plan.io = w->io;
    p->plan.dir = w->dir;
    p->plan.direct = p->plan.zeros = w->direct;
    p->plan.leave_free = w->leave_free;
    p->plan.header = (struct wal_segment_header){
        .id = w->next_id, .size = w->segment_bytes, .owner = w->owner, .created_ms = wall_ms};
    return wal_salt(w, &p->plan.header.salt);
}

static void free_job(struct wal_prepare *p)
{
    free(p->remove);
    free(p);
}

int wal_prepare_begin(struct wal_writer *w, int64_t wall_ms, struct wal_prepare **out)
{
    bool make = needs_segment(w) || can_recycle(w);
    *out = NULL;
    if (w->poisoned || w->preparing || (!make && w->n_free <= w->spare))
        return 0;
    struct wal_prepare *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    p->make = make;
    int rc = fill_plan(w, p, wall_ms);
    if (rc == 0)
        rc = choose_old(w, p);
    if (rc == 0)
        rc = wal_writer_reserve(w, 1);
    if (rc != 0) {
        free_job(p);
        return rc;
    }
    w->preparing = true;
    *out = p;
    return 1;
}

int wal_prepare_run(struct wal_prepare *p, struct err *e)
{
    for (size_t i = 0; i < p->n_remove; i++) {
        int rc = wal_segment_remove(p->plan.io, p->plan.dir, p->remove[i], &p->uncertain, e);
        if (rc != 0)
            return rc;
        p->removed++;
    }
    return p->make ? wal_segment_make(&p->plan, e) : 0;
}

/* The released segments that are no more. */
static void drop_front(struct wal_writer *w, size_t k)
{
    memmove(w->segs, w->segs + k, (w->n - k) * sizeof *w->segs);
    w->n -= k;
    w->n_free -= k;
    w->current -= k;
}

int wal_prepare_done(struct wal_writer *w, struct wal_prepare *p, int rc)
{
    const struct wal_segment_header *h = &p->plan.header;
    w->preparing = false;
    drop_front(w, p->removed + (p->plan.recycled ? 1 : 0));
    if (p->plan.file) {
        w->segs[w->n++] = (struct wal_segment){h->id, h->size, h->salt, p->plan.file};
        w->next_id++;
        log_debug(w->log, "wal", "segment ready file=%s/%020" PRIu64 ".wal recycled=%" PRIu64,
                  w->dir, h->id, p->plan.recycle);
    }
    if (p->uncertain || p->plan.uncertain) {
        w->poisoned = true;
        rc = ERR_POISONED;
    }
    free_job(p);
    return rc;
}

void wal_writer_keep_spare(struct wal_writer *w, unsigned n)
{
    w->spare = n;
}

int wal_writer_release_before(struct wal_writer *w, struct wal_pos keep, struct err *e)
{
    if (w->poisoned)
        return err_code(e, ERR_POISONED, "%s", w->dir);
    uint64_t before = keep.segment < w->synced.segment ? keep.segment : w->synced.segment;
    while (w->n_free < w->current && w->segs[w->n_free].id < before)
        w->n_free++;
    return 0;
}
