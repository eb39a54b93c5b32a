/* compact.c - the life of a compaction, and what of it happens on the writer's thread. */
#include "plog/compact.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mutant.h"
#include "plog/compact_impl.h"
#include "plog/swap.h"

enum { WINDOW = 256 << 10 };

/* ---- a grace period: over when all readers of before are gone. Shared with the retire hook, which
 * may call late. */

struct plog_grace {
    _Atomic int refs;
    _Atomic bool over;
};

static struct plog_grace *grace_new(void)
{
    struct plog_grace *g = calloc(1, sizeof *g);
    if (g)
        atomic_init(&g->refs, 1);
    return g;
}

static void grace_unref(struct plog_grace *g)
{
    if (g && atomic_fetch_sub(&g->refs, 1) == 1)
        free(g);
}

static void grace_ends(void *arg)
{
    struct plog_grace *g = arg;
    atomic_store(&g->over, true);
    grace_unref(g);
}

static void grace_begin(const struct plog *p, struct plog_grace *g)
{
    atomic_store(&g->over, false);
    atomic_fetch_add(&g->refs, 1);
    plog_retire(p, grace_ends, g);
}

/* ---- which segments */

/* Index of the first segment that no compaction may touch: the active one, or one that a recovery
 * may write to. */
static size_t first_untouchable(const struct plog *p, const struct plog_list *l)
{
    size_t n = 0;
    while (n + 1 < l->n && (l->seg[n]->base < p->floor || MUTANT(compaction_above_floor)))
        n++;
    return n;
}

static int64_t first_dirty(const struct plog *p)
{
    int64_t start = plog_log_start(p);
    return p->compacted.first_dirty > start ? p->compacted.first_dirty : start;
}

void plog_compact_look(const struct plog *p, struct plog_dirt *d)
{
    const struct plog_list *l = plog_segments(p);
    size_t n = first_untouchable(p, l);
    *d = (struct plog_dirt){0};
    if (p->compacting || p->spoilt || plog_failed(p))
        return;
    for (size_t i = 0; i + 1 < l->n; i++) {
        uint64_t bytes = plog_segment_bytes(l->seg[i]);
        if (plog_segment_end(l->seg[i]) <= first_dirty(p))
            d->clean += bytes;
        else if (i < n)
            d->dirty += bytes;
        else
            d->held += bytes;
    }
}

static int pin(struct plog_compaction *c, struct plog_segment *s)
{
    if (c->n == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 16;
        struct plog_segment **seg = reallocarray(c->seg, cap, sizeof *seg);
        if (!seg)
            return -ENOMEM;
        c->seg = seg;
        c->cap = cap;
    }
    plog_segment_ref(s);
    s->pinned = true;
    c->seg[c->n++] = s;
    return 0;
}

static void end_scan(struct plog_compaction *c)
{
    if (c->scanning)
        plog_scan_release(&c->scan);
    c->scanning = false;
}

static void unpin(struct plog_compaction *c)
{
    end_scan(c);
    c->at = 0;
    for (size_t i = 0; i < c->n; i++) {
        c->seg[i]->pinned = false;
        plog_segment_unref(c->seg[i]);
    }
    c->n = 0;
}

/* What retention left standing meanwhile goes now. */
static void let_go(struct plog *p, struct plog_compaction *c)
{
    struct err e;
    unpin(c);
    if (plog_drop_segments(p, &e))
        log_warn(p->cfg.log, "plog", "old segments stay: %s", e.text);
}

/* ---- begin */

static struct plog_compaction *new_compaction(const struct plog *p,
                                              const struct plog_compact_rules *rules)
{
    struct plog_compaction *c = calloc(1, sizeof *c);
    if (!c) {
        free(rules->ends);
        return NULL;
    }
    c->rules = *rules;
    c->io = p->cfg.io;
    c->interval = plog_interval(p);
    c->segment_bytes = p->cfg.settings.segment_bytes;
    c->first_dirty = c->mapped = first_dirty(p);
    c->dir = strdup(p->dir);
    c->window = malloc(WINDOW);
    c->grace = grace_new();
    const struct plog_epochs *epochs = atomic_load_explicit(&p->epochs, memory_order_relaxed);
    c->epochs = plog_epochs_new(epochs->e, epochs->n, 0);
    wr_init(&c->out, 0);
    wr_init(&c->tail, 0);
    return c;
}

bool plog_compact_spoilt(const struct plog *p)
{
    return p->spoilt;
}

int plog_compact_begin(struct plog *p, const struct plog_compact_rules *rules,
                       struct plog_compaction **out, struct err *e)
{
    const struct plog_list *l = plog_segments(p);
    if (p->compacting || p->spoilt || plog_failed(p)) {
        free(rules->ends);
        return err_code(e, ERR_BUSY, "%s: compaction", p->dir);
    }
    struct plog_compaction *c = new_compaction(p, rules);
    if (!c)
        return err_code(e, -ENOMEM, "%s: compaction", p->dir);
    int rc = c->dir && c->window && c->grace && c->epochs ? 0 : -ENOMEM;
    for (size_t i = 0; i < first_untouchable(p, l) && rc == 0; i++)
        rc = pin(c, l->seg[i]);
    p->compacting = true;
    if (rc < 0) {
        plog_compact_free(p, c);
        return err_code(e, rc, "%s: compaction", p->dir);
    }
    *out = c;
    return 0;
}

/* ---- run */

static int begin_scan(struct plog_compaction *c, struct plog_segment *s, struct err *e)
{
    int rc =
        plog_segment_scan(s, &c->scan, 0, plog_segment_bytes(s), s->base, c->window, WINDOW, e);
    if (rc < 0)
        return rc;
    c->scanning = true;
    return 0;
}

/* The next batch of the segment. What is copied wrong would count as right from then on. */
static int next_of(struct plog_compaction *c, struct plog_segment *s, struct err *e)
{
    int rc = plog_scan_next(&c->scan, e);
    if (rc <= 0)
        return rc;
    rc = plog_segment_verify(c->epochs, s, c->interval, c->scan.at, c->scan.pos, e);
    return rc < 0 ? rc : 1;
}

static int check_end(const struct plog_compaction *c, const struct plog_segment *s, struct err *e)
{
    if (c->scan.next == plog_segment_end(s))
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: byte %" PRIu64 ": the segment ends at offset %" PRId64 ", %" PRId64
                   " is due",
                   s->path, c->scan.pos, c->scan.next, plog_segment_end(s));
}

int plog_compact_next_batch(struct plog_compaction *c, struct err *e)
{
    for (; c->at < c->n; c->at++) {
        struct plog_segment *s = c->seg[c->at];
        int rc = c->scanning ? 0 : begin_scan(c, s, e);
        if (rc == 0)
            rc = next_of(c, s, e);
        if (rc == 0)
            rc = check_end(c, s, e);
        if (rc != 0)
            return rc;
        end_scan(c);
    }
    return 0;
}

static int announce(struct plog_compaction *c, struct err *e)
{
    struct plog_progress progress = {c->first_dirty, c->gaps_below};
    return plog_progress_save(c->io, c->dir, &progress, e);
}

static int close_up(struct plog_compaction *c, struct err *e)
{
    struct plog_progress progress = {c->mapped, c->gaps_below};
    return plog_progress_save(c->io, c->dir, &progress, e);
}

static int swap(struct plog_compaction *c, struct err *e)
{
    int rc = c->committed ? 0 : plog_swap_commit(c->io, c->dir, c->made->base, e);
    c->committed = rc == 0;
    if (rc == 0)
        rc = plog_swap_finish(c->io, c->dir, c->made->base, plog_segment_end(c->made), e);
    c->swapped = rc == 0;
    return rc;
}

void plog_compact_run(struct plog_compaction *c)
{
    static int (*const work[])(struct plog_compaction * c, struct err * e) = {
        [PLOG_COMPACT_PLAN] = plog_compact_plan, [PLOG_COMPACT_MAP] = plog_compact_map,
        [PLOG_COMPACT_ANNOUNCE] = announce,      [PLOG_COMPACT_WRITE] = plog_compact_write,
        [PLOG_COMPACT_SEAL] = plog_compact_seal, [PLOG_COMPACT_SWAP] = swap,
        [PLOG_COMPACT_CLOSE] = close_up,
    };
    c->rc = work[c->phase](c, &c->err);
}

/* ---- steps: what the last run brought, and what the next one does */

/* Pin the next dirty segment. 0: there is none. */
static int next_to_map(struct plog *p, struct plog_compaction *c)
{
    const struct plog_list *l = plog_segments(p);
    for (size_t i = 0; i < l->n && l->seg[i]->base < c->stop; i++) {
        if (l->seg[i]->base < c->next || plog_segment_end(l->seg[i]) <= c->first_dirty)
            continue;
        c->next = plog_segment_end(l->seg[i]);
        int rc = pin(c, l->seg[i]);
        return rc < 0 ? rc : 1;
    }
    return 0;
}

/* May s become part of the segment that is being made? */
static bool fits(const struct plog_compaction *c, const struct plog_segment *s)
{
    return c->n == 0 || (c->written + plog_segment_bytes(s) <= c->segment_bytes &&
                         plog_segment_end(s) - c->seg[0]->base <= INT32_MAX);
}

/* Pin the next segment that is written anew. 0: there is none, or it does not fit. */
static int next_to_write(struct plog *p, struct plog_compaction *c)
{
    const struct plog_list *l = plog_segments(p);
    size_t i = 0;
    while (i < l->n && l->seg[i]->base < c->next)
        i++;
    if (i == l->n || l->seg[i]->base >= c->limit || !fits(c, l->seg[i]))
        return 0;
    int rc = pin(c, l->seg[i]);
    c->next = plog_segment_end(l->seg[i]);
    return rc < 0 ? rc : 1;
}

static int after_plan(struct plog *p, struct plog_compaction *c)
{
    let_go(p, c);
    if (!c->worth)
        return PLOG_COMPACT_DONE;
    c->phase = PLOG_COMPACT_MAP;
    int rc = next_to_map(p, c);
    return rc <= 0 ? rc : PLOG_COMPACT_RUN;
}

/* Where the segment ends that holds the last offset below `mapped`. */
static int64_t end_of_mapped(const struct plog *p, const struct plog_compaction *c)
{
    const struct plog_list *l = plog_segments(p);
    ptrdiff_t i = plog_list_find(l, c->mapped - 1);
    return i < 0 ? 0 : plog_segment_end(l->seg[i]);
}

static int after_map(struct plog *p, struct plog_compaction *c)
{
    if (c->more)
        return PLOG_COMPACT_RUN;
    let_go(p, c);
    int rc = c->map_ends ? 0 : next_to_map(p, c);
    if (rc != 0)
        return rc < 0 ? rc : PLOG_COMPACT_RUN;
    if (c->mapped <= c->first_dirty)
        return PLOG_COMPACT_DONE;
    c->limit = end_of_mapped(p, c);
    c->gaps_below = p->compacted.gaps_below > c->limit ? p->compacted.gaps_below : c->limit;
    c->next = 0;
    c->phase = PLOG_COMPACT_ANNOUNCE;
    return PLOG_COMPACT_RUN;
}

static int begin_writing(struct plog *p, struct plog_compaction *c)
{
    int rc = next_to_write(p, c);
    if (rc < 0)
        return rc;
    c->phase = rc > 0 ? PLOG_COMPACT_WRITE : PLOG_COMPACT_CLOSE;
    return PLOG_COMPACT_RUN;
}

static int after_announce(struct plog *p, struct plog_compaction *c)
{
    p->compacted.gaps_below = c->gaps_below;
    return begin_writing(p, c);
}

/* Show readers the one that was made instead of those it was made from. */
static int publish(struct plog *p, struct plog_compaction *c)
{
    const struct plog_list *was = plog_segments(p);
    size_t first = (size_t)plog_list_find(was, c->made->base);
    struct plog_list *l = plog_list_new(was->n - c->n + 1);
    if (!l)
        return -ENOMEM;
    for (size_t i = 0; i < first; i++)
        l->seg[i] = was->seg[i];
    l->seg[first] = c->made;
    plog_segment_ref(c->made); /* the list's */
    for (size_t i = first + 1; i < l->n; i++)
        l->seg[i] = was->seg[i + c->n - 1];
    for (size_t i = 0; i < c->n; i++)
        atomic_store_explicit(&c->seg[i]->removed, true, memory_order_relaxed);
    c->listed = true;
    plog_list_publish(p, l);
    return 0;
}

static void count(struct plog_compaction *c)
{
    for (size_t i = 0; i < c->n; i++)
        c->stats.bytes_before += plog_segment_bytes(c->seg[i]);
    c->stats.bytes_after += c->written;
    c->stats.segments_before += c->n;
    c->stats.segments_after++;
}

static int await_grace(struct plog_compaction *c)
{
    return atomic_load(&c->grace->over) || MUTANT(swap_before_readers) ? PLOG_COMPACT_RUN
                                                                       : PLOG_COMPACT_WAIT;
}

static int after_write(struct plog *p, struct plog_compaction *c)
{
    if (c->more)
        return PLOG_COMPACT_RUN;
    int rc = next_to_write(p, c);
    if (rc < 0)
        return rc;
    c->phase = rc > 0 ? PLOG_COMPACT_WRITE : PLOG_COMPACT_SEAL;
    return PLOG_COMPACT_RUN;
}

/* Index files go by the names of logs: what a syncing under way wrote now would be of the segment
 * that is replaced, under the name of the one that replaces it. */
static bool is_being_synced(const struct plog_compaction *c)
{
    bool is = false;
    for (size_t i = 0; i < c->n; i++)
        is |= c->seg[i]->syncing > 0;
    return is && !MUTANT(swap_beside_syncing);
}

static int after_seal(struct plog *p, struct plog_compaction *c)
{
    if (is_being_synced(c))
        return PLOG_COMPACT_WAIT;
    count(c);
    if (!c->changed) {
        plog_compact_unmake(c);
        let_go(p, c);
        return begin_writing(p, c);
    }
    int rc = publish(p, c);
    if (rc < 0)
        return rc;
    unpin(c); /* what was replaced; dropping segments waits for the exchange of files */
    c->phase = PLOG_COMPACT_SWAP;
    grace_begin(p, c->grace);
    return await_grace(c);
}

static int after_swap(struct plog *p, struct plog_compaction *c)
{
    if (!c->swapped)
        return await_grace(c);
    c->made->pinned = false;
    c->listed = c->committed = c->swapped = false;
    plog_compact_unmake(c);
    let_go(p, c);
    return begin_writing(p, c);
}

static int after_close(struct plog *p, struct plog_compaction *c)
{
    p->compacted.first_dirty = c->stats.clean_to = c->mapped;
    return PLOG_COMPACT_DONE;
}

/* Given up while files are exchanged, the log would be left in the middle of it until a restart.
 * What room or descriptors were short for is not. */
static bool may_pass(const struct plog_compaction *c)
{
    return c->phase == PLOG_COMPACT_SWAP && err_is_shortage(c->rc) && !MUTANT(shortage_spoils);
}

int plog_compact_step(struct plog *p, struct plog_compaction *c, struct err *e)
{
    static int (*const after[])(struct plog * p, struct plog_compaction * c) = {
        [PLOG_COMPACT_PLAN] = after_plan,         [PLOG_COMPACT_MAP] = after_map,
        [PLOG_COMPACT_ANNOUNCE] = after_announce, [PLOG_COMPACT_WRITE] = after_write,
        [PLOG_COMPACT_SEAL] = after_seal,         [PLOG_COMPACT_SWAP] = after_swap,
        [PLOG_COMPACT_CLOSE] = after_close,
    };
    if (may_pass(c)) {
        c->rc = 0;
        return PLOG_COMPACT_WAIT; /* and then once more, as a start would */
    }
    if (c->rc < 0) {
        p->spoilt = c->rc == ERR_CORRUPT || c->phase == PLOG_COMPACT_SWAP;
        if (e)
            *e = c->err;
        return c->rc;
    }
    int rc = after[c->phase](p, c);
    return rc < 0 ? err_code(e, rc, "%s: compaction", p->dir) : rc;
}

bool plog_compact_exchanges(const struct plog_compaction *c)
{
    return c->listed;
}

/* ---- the end */

/* Its files are worth nothing, unless they are about to be, or were, exchanged. */
static void remove_files(struct plog *p, const struct plog_compaction *c)
{
    struct err e;
    if (!c->made || c->listed)
        return;
    if (plog_swap_abandon(c->io, c->dir, c->made->base, &e))
        log_warn(p->cfg.log, "plog", "a file that nobody needs stays: %s", e.text);
}

void plog_compact_free(struct plog *p, struct plog_compaction *c)
{
    if (!c)
        return;
    p->compacting = false;
    p->spoilt |= c->listed; /* that segment's name is not the file's yet */
    remove_files(p, c);
    let_go(p, c);
    plog_compact_unmake(c);
    plog_keys_release(&c->keys);
    wr_free(&c->out);
    wr_free(&c->tail);
    grace_unref(c->grace);
    free(c->rules.ends);
    free(c->window);
    free(c->epochs);
    free(c->seg);
    free(c->dir);
    free(c);
}

void plog_compact_stats(const struct plog_compaction *c, struct plog_compact_stats *st)
{
    *st = c->stats;
}
