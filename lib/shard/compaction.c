/* compaction.c - of topics with cleanup.policy=compact, the log that needs it most is compacted,
 * one at a time.
 *
 * Every node does this by itself: what a reader may miss is the same on all, when it is gone is
 * not. A compaction runs as a row of tasks of some megabytes each, so checkpoints and segments that
 * are made ready come in between. Nothing of it is in the write-ahead log, and nothing waits for it
 * but an image that deletes topics, for one slice: a slice works by file names.
 *
 * Which: the one with the largest share of bytes that no compaction went through, by what is known
 * without a look at the disk; the rest of the conditions (ages) the compaction itself looks at, and
 * comes back at once if they are not met. Such a log, and one on which something failed, is looked
 * at again after log.cleaner.backoff.ms; one that was compacted, if it is dirty again.
 *
 * Only segments below the active one of the older checkpoint may be touched. What lies above them
 * waits for checkpoints, and asks for them if there is no traffic that would bring them.
 */
#include "shard/compaction.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/uuid.h"
#include "shard/machine_data.h"

enum { AGAIN_MS = 10 }; /* for what ends soon: readers, other tasks; or a lack of room */

/* ---- which */

static bool is_compacted(const struct data_partition *p)
{
    return p->topic->settings.cleanup_policy & META_CLEANUP_COMPACT;
}

static double dirty_ratio(const struct plog_dirt *d)
{
    return (double)d->dirty / (double)(d->dirty + d->clean);
}

/* Could it be time? */
static bool may_be_due(const struct data_partition *p, const struct plog_dirt *d)
{
    const struct meta_settings *set = &p->topic->settings;
    return d->dirty && (dirty_ratio(d) > set->min_cleanable_dirty_ratio ||
                        set->max_compaction_lag_ms != INT64_MAX);
}

/* And if the floor were higher? */
static bool would_be_due(const struct data_partition *p, const struct plog_dirt *d)
{
    struct plog_dirt then = {.clean = d->clean, .dirty = d->dirty + d->held};
    return d->held && may_be_due(p, &then);
}

static struct data_partition *choose(struct shard *s, int64_t now)
{
    struct data_partition *p, *next, *best = NULL;
    double most = -1;
    s->data->compaction.held = false;
    HASH_ITER(hh, s->data->partitions, p, next)
    {
        struct plog_dirt d;
        if (!is_compacted(p))
            continue;
        plog_compact_look(p->log, &d);
        s->data->compaction.held |= would_be_due(p, &d);
        if (p->compact_at_ms > now || !may_be_due(p, &d) || dirty_ratio(&d) <= most)
            continue;
        most = dirty_ratio(&d);
        best = p;
    }
    return best;
}

/* ---- beginning */

static int by_id(const void *a, const void *b)
{
    const struct plog_producer_end *p = a, *q = b;
    return p->id < q->id ? -1 : p->id > q->id;
}

/* Where the producers stand that may go on. */
static int list_ends(const struct data_partition *p, struct plog_compact_rules *r)
{
    uint32_t n = producers_count(&p->producers);
    if (n == 0)
        return 0;
    r->ends = calloc(n, sizeof *r->ends);
    if (!r->ends)
        return -ENOMEM;
    for (struct producer *i = p->producers.applied; i; i = i->hh.next)
        r->ends[r->n_ends++] = (struct plog_producer_end){i->id, producer_last_offset(i)};
    qsort(r->ends, r->n_ends, sizeof *r->ends, by_id);
    return 0;
}

static int make_rules(struct shard *s, const struct data_partition *p, struct plog_compact_rules *r)
{
    const struct meta_settings *set = &p->topic->settings;
    struct uuid seed;
    int64_t now = wall_now(&s->data->wall, s->cfg.clock, s->cfg.log); /* which sees a leap */
    *r = (struct plog_compact_rules){
        .now_ms = now,
        .leapt_ms = wall_leapt(&s->data->wall),
        .min_dirty_ratio = set->min_cleanable_dirty_ratio,
        .max_lag_ms = set->max_compaction_lag_ms,
        .min_lag_ms = set->min_compaction_lag_ms,
        .delete_retention_ms = set->delete_retention_ms,
        .key_bytes = s->cfg.compact_key_bytes,
        .reserve_bytes = s->cfg.reserve_bytes,
    };
    _Static_assert(sizeof seed.b == sizeof r->seed, "a seed is as long as an id");
    int rc = uuid_random(&seed);
    if (rc < 0)
        return rc;
    memcpy(r->seed, seed.b, sizeof r->seed);
    return list_ends(p, r);
}

static int64_t later(const struct shard *s, int64_t now)
{
    return clock_after(now, s->cfg.compact_backoff_ms);
}

static void failed(struct shard *s, struct data_partition *p, const struct err *why)
{
    struct compaction *m = &s->data->compaction;
    p->compact_at_ms = later(s, shard_now(s));
    m->at_ms = 0; /* others may fare better */
    if (plog_compact_spoilt(p->log))
        log_error(s->cfg.log, "compaction",
                  "log is not compacted any more until a restart partition=%s-%" PRId32
                  " error=\"%s\"",
                  plog_topic(p->log), p->key.partition, why->text);
    else if (shard_trouble_begins(s, &m->trouble))
        log_warn(s->cfg.log, "compaction",
                 "log could not be compacted, it is tried again partition=%s-%" PRId32
                 " error=\"%s\"",
                 plog_topic(p->log), p->key.partition, why->text);
}

static void begin(struct shard *s, struct data_partition *p)
{
    struct compaction *m = &s->data->compaction;
    struct plog_compact_rules rules;
    struct err e;
    int rc = make_rules(s, p, &rules);
    if (rc < 0)
        err_code(&e, rc, "compaction");
    else
        rc = plog_compact_begin(p->log, &rules, &m->c, &e);
    if (rc < 0) {
        failed(s, p, &e);
        return;
    }
    m->p = p;
    m->next = PLOG_COMPACT_RUN;
}

/* ---- going on */

static void report(struct shard *s, const struct data_partition *p)
{
    struct plog_compact_stats st;
    plog_compact_stats(s->data->compaction.c, &st);
    if (st.clean_to == 0) /* it was not worth it yet */
        return;
    s->stats.compactions++;
    shard_trouble_ends(&s->data->compaction.trouble);
    log_info(s->cfg.log, "compaction",
             "log compacted partition=%s-%" PRId32 " clean_to=%" PRId64 " bytes=%" PRIu64
             " left=%" PRIu64 " segments=%" PRIu64 " left=%" PRIu64,
             plog_topic(p->log), p->key.partition, st.clean_to, st.bytes_before, st.bytes_after,
             st.segments_before, st.segments_after);
}

static void end(struct shard *s)
{
    struct compaction *m = &s->data->compaction;
    plog_compact_free(m->p->log, m->c);
    m->p = NULL;
    m->c = NULL;
}

static void ended(struct shard *s)
{
    struct compaction *m = &s->data->compaction;
    struct plog_compact_stats st;
    report(s, m->p);
    plog_compact_stats(m->c, &st);
    if (st.clean_to == 0)
        m->p->compact_at_ms = later(s, shard_now(s));
    m->at_ms = 0; /* look for the next one at once */
    end(s);
}

static void step(struct shard *s)
{
    struct compaction *m = &s->data->compaction;
    struct err e;
    m->next = plog_compact_step(m->p->log, m->c, &e);
    if (m->next < 0) {
        failed(s, m->p, &e);
        end(s);
    } else if (m->next == PLOG_COMPACT_DONE) {
        ended(s);
    } else if (m->next == PLOG_COMPACT_WAIT) {
        m->again_ms = shard_now(s) + AGAIN_MS;
    }
}

static void slice_run(struct shard_task *t)
{
    plog_compact_run(((struct compaction *)t)->c);
}

static void slice_done(struct shard *s, struct shard_task *t)
{
    struct compaction *m = (struct compaction *)t;
    m->running = false;
    if (s->poisoned || s->stopping)
        end(s);
    else
        step(s);
}

/* May it go on? Its topic may have been told meanwhile to keep all that it has; but an exchange of
 * files is brought to its end. */
static bool may_go_on(struct shard *s)
{
    const struct compaction *m = &s->data->compaction;
    return !s->poisoned && !s->stopping && !plog_failed(m->p->log) &&
           (is_compacted(m->p) || plog_compact_exchanges(m->c));
}

/* Hand out the next slice. An image that waits for the last one goes first. */
static void run(struct shard *s)
{
    struct compaction *m = &s->data->compaction;
    if (s->data->next_image)
        return;
    m->task.run = slice_run;
    m->task.done = slice_done;
    m->running = shard_start_task(s, &m->task) == 0;
}

void compaction_advance(struct shard *s)
{
    struct compaction *m = &s->data->compaction;
    if (!m->p || m->running)
        return;
    if (!may_go_on(s)) {
        end(s);
        return;
    }
    if (m->next == PLOG_COMPACT_WAIT && shard_now(s) >= m->again_ms)
        step(s);
    if (m->p && m->next == PLOG_COMPACT_RUN)
        run(s);
}

int64_t compaction_tick(struct shard *s, int64_t now)
{
    struct compaction *m = &s->data->compaction;
    if (s->cfg.compact_backoff_ms <= 0 || s->poisoned || s->stopping)
        return INT64_MAX;
    if (!m->p && now >= m->at_ms) {
        struct data_partition *p = choose(s, now);
        (void)wall_now(&s->data->wall, s->cfg.clock, s->cfg.log); /* a jump is seen when it comes */
        m->at_ms = later(s, now);
        if (p)
            begin(s, p);
    }
    compaction_advance(s);
    if (m->running)
        return INT64_MAX;
    return m->p ? now + AGAIN_MS : m->at_ms;
}

void compaction_forget(struct shard *s, struct data_partition *p)
{
    if (s->data->compaction.p == p)
        end(s);
}
