/* retain.c - the beginning of a log moves: segments wholly below it go. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/mutant.h"
#include "plog/plog_impl.h"

/* How many of the first segments nobody may read any more, no recovery needs, and no compaction is
 * working on. */
static size_t count_gone(const struct plog *p, const struct plog_list *l)
{
    int64_t log_start = plog_log_start(p);
    size_t n = 0;
    while (n + 1 < l->n && l->seg[n + 1]->base <= log_start &&
           (l->seg[n]->base < p->floor || MUTANT(floor_ignored)) && !l->seg[n]->pinned)
        n++;
    return n;
}

int plog_drop_segments(struct plog *p, struct err *e)
{
    const struct plog_list *was = plog_segments(p);
    size_t gone = count_gone(p, was);
    if (gone == 0)
        return 0;
    struct plog_list *l = plog_list_new(was->n - gone);
    if (!l)
        return err_code(e, -ENOMEM, "%s", p->dir);
    for (size_t i = 0; i < l->n; i++)
        l->seg[i] = was->seg[gone + i];
    int rc = 0;
    for (size_t i = 0; i < gone; i++) {
        struct plog_segment *s = was->seg[i];
        atomic_store_explicit(&s->removed, true, memory_order_relaxed);
        int failed = plog_unlink_segment(p->cfg.io, s->path, rc == 0 ? e : NULL);
        rc = rc == 0 ? failed : rc;
    }
    plog_list_publish(p, l);
    return rc;
}

int plog_set_log_start(struct plog *p, int64_t log_start, struct err *e)
{
    if (log_start > plog_log_end(p))
        return err_set(e, ERR_OFFSET, "%s: log start %" PRId64 " is above the end %" PRId64, p->dir,
                       log_start, plog_log_end(p));
    if (log_start <= plog_log_start(p))
        return 0;
    atomic_store_explicit(&p->log_start, log_start, memory_order_release);
    int rc = plog_epochs_trim(p, log_start);
    return rc < 0 ? err_code(e, rc, "%s", p->dir) : plog_drop_segments(p, e);
}

int plog_set_floor(struct plog *p, int64_t floor, struct err *e)
{
    if (floor <= p->floor)
        return 0;
    p->floor = floor;
    return plog_drop_segments(p, e);
}
