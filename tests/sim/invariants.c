/* invariants.c - what must hold after each step, and after each recovery, by the names of the fault
 * model (docs/reliability.md):
 *
 *   L1 acknowledged is readable   L2 an offset's bytes never change   L3 offsets are dense
 *   L4 a torn tail is logged      L6 the high watermark covers what is acknowledged, never falls
 *   L7 what is read was sent      L9 the log start moves up only, and as asked
 *   P1 at most once  P2 no gap, no old epoch  P3 producer ids once  P4 order of sending
 *   M1 topics stay   M2 deleted ones stay away  M4 metadata reaches what data has seen
 *   E1 nothing is acknowledged after a failed write   SPACE the log keeps its bound
 *
 * Most of L2, L7, P1, P2 and P4 are checked in model.c, as each batch is read for the first time.
 */
#include "tests/sim/compacted.h"
#include "tests/sim/scan.h"
#include "tests/sim/world.h"

#define LL(x) ((long long)(x))

/* ---- reading back */

struct reading {
    struct sim_world *w;
    struct model_part *p;
    size_t i;                   /* of the batch that comes next, in the model's log */
    struct compacted_last last; /* of a compacted log: read so far */
};

static void compare(void *ctx, const struct batch *head, const uint8_t *bytes)
{
    struct reading *r = ctx;
    if (r->p->topic->set.compact) {
        r->i = model_find(r->p, head->base_offset);
        compacted_note(&r->last, head, bytes);
    }
    if (r->i < r->p->n)
        model_seen_again(r->w, r->p, r->i, head, bytes);
    else
        model_seen(r->w, r->p, head, bytes);
    r->i++;
}

/* Everything was read: of each key the last record must have been among it. */
static void check_keys(struct sim_node *n, struct reading *r, int64_t from)
{
    struct compacted_last want;
    compacted_expect(&want, r->p, from);
    int k = compacted_missing(&want, &r->last, r->p->topic->set.deletes_may_go);
    if (k >= 0)
        sim_violation(
            n->w, "L1", "%s-%d: the last record of key %c, at offset %lld, is gone (%lld)",
            r->p->topic->name, r->p->partition, 'a' + k, LL(want.offset[k]), LL(r->last.offset[k]));
}

static void read_from(struct sim_node *n, struct model_part *p, struct plog *log, int64_t from)
{
    struct err e = {0};
    struct reading r = {.w = n->w, .p = p, .i = model_find(p, from)};
    bool compact = p->topic->set.compact;
    compacted_begin(&r.last);
    int rc = scan_partition(log, from, plog_high_watermark(log), compact, compare, &r, &e);
    if (rc)
        sim_violation(n->w, rc == ERR_CHECK ? "L3" : "L1", "node %u %s-%d: %s", n->id,
                      p->topic->name, p->partition, e.text);
    if (compact && from == plog_log_start(log))
        check_keys(n, &r, from);
}

/* ---- after each step */

/* What this node acknowledged in this step has just been read from it. */
static void check_acked(struct sim_node *n, struct model_part *p, int64_t hw)
{
    struct model_batch **from = &p->to_see, *b;
    while ((b = *from) != NULL) {
        if (b->acked_by != n->id || b->acked_at >= hw) {
            from = &b->next; /* the node died with the answer, and is not as far again */
            continue;
        }
        *from = b->next;
        if (b->seen_at != b->acked_at && b->acked_at >= p->view[n->id - 1].start)
            sim_violation(n->w, "L1", "%s-%d: acknowledged at offset %lld, and not there",
                          p->topic->name, p->partition, LL(b->acked_at));
    }
}

static void check_start(struct sim_node *n, struct model_part *p, int64_t start)
{
    struct model_view *v = &p->view[n->id - 1];
    const char *t = p->topic->name;
    int64_t least = n->w->plan.nodes == 1 && p->trim_acked > v->start ? p->trim_acked : v->start;
    if (start < least)
        sim_violation(n->w, "L9", "%s-%d: log start %lld, where %lld was read or promised", t,
                      p->partition, LL(start), LL(least));
    if (start > v->start && start > p->trim_asked) {
        if (!model_may_expire(n->w, p, v->start, start))
            sim_violation(n->w, "L9",
                          "%s-%d: log start %lld, never asked beyond %lld, and what is below may "
                          "not go",
                          t, p->partition, LL(start), LL(p->trim_asked));
        p->trim_asked = start;
        cover(n->w, COVER_expired);
    }
    v->start = start;
}

static void check_part(struct sim_node *n, struct shard *s, struct model_part *p)
{
    struct plog *log = shard_partition(s, &p->topic->id, p->partition);
    struct model_view *v = &p->view[n->id - 1];
    if (!log)
        return;
    int64_t start = plog_log_start(log), hw = plog_high_watermark(log), end = plog_log_end(log);
    if (start > hw || hw > end)
        sim_violation(n->w, "L6", "%s-%d: log start %lld, high watermark %lld, end %lld",
                      p->topic->name, p->partition, LL(start), LL(hw), LL(end));
    check_start(n, p, start);
    if (hw < v->read_to)
        sim_violation(n->w, "L6", "%s-%d: high watermark %lld, was %lld", p->topic->name,
                      p->partition, LL(hw), LL(v->read_to));
    if (hw > v->read_to)
        read_from(n, p, log, v->read_to > start ? v->read_to : start);
    v->read_to = hw;
    check_acked(n, p, hw);
}

static void check_shard(struct sim_node *n, struct sim_shard *sh)
{
    const struct sim_plan *plan = &n->w->plan;
    struct shard_stats st, *old = &sh->seen;
    shard_stats(sh->s, &st);
    uint64_t bound = plan->wal_max_bytes > 4 * plan->segment_bytes ? plan->wal_max_bytes
                                                                   : 4 * plan->segment_bytes;
    /* Each start opens a segment; there is room again after two checkpoints, if nothing waits for
     * other nodes. What does is written in any case, as much again at the most. */
    if (st.checkpoints >= 2 && (plan->nodes == 1 || st.wal_bytes <= bound))
        n->starts[sh->number] = 0;
    if (plan->nodes > 1)
        bound *= 2;
    bound += n->starts[sh->number] * plan->segment_bytes;
    if (st.wal_bytes > bound && !shard_poisoned(sh->s))
        sim_violation(n->w, "SPACE", "shard %u: its log takes %llu bytes of %llu", sh->number,
                      (unsigned long long)st.wal_bytes, (unsigned long long)bound);
    if (shard_poisoned(sh->s) && !n->disk.life_faults && !n->disk.dead && !n->stopping)
        sim_violation(n->w, "E1", "shard %u is poisoned, and no fault was injected", sh->number);
    if (shard_applied_index(sh->s) > shard_commit_index(sh->s))
        sim_violation(n->w, "M3", "shard %u applied what is not committed", sh->number);
    if (st.checkpoints > old->checkpoints)
        cover(n->w, COVER_checkpoint);
    if (st.waits_space > old->waits_space)
        cover(n->w, COVER_waited_for_room);
    if (st.compactions > old->compactions)
        cover(n->w, COVER_compacted);
    if (st.batches > old->batches + 1)
        cover(n->w, COVER_group);
    if (st.bytes / plan->segment_bytes > old->bytes / plan->segment_bytes)
        cover(n->w, COVER_rolled);
    sh->seen = st;
}

void sim_check_step(struct sim_node *n)
{
    struct model *m = &n->w->model;
    struct shard *s = sim_data_shard(n);
    if (!s || n->disk.dead)
        return;
    n->disk.quiet = true;
    for (unsigned i = 0; i < m->n_topics; i++)
        if (m->topics[i].deleted != DONE && m->topics[i].created != NEVER)
            for (int32_t p = 0; p < m->topics[i].partitions; p++)
                check_part(n, s, &m->topics[i].part[p]);
    for (int i = 0; i < 2; i++)
        if (n->shard[i].s)
            check_shard(n, &n->shard[i]);
    n->disk.quiet = false;
}

/* ---- after a recovery */

/* Everything is read again. One node alone has to have all that was ever read. */
static void check_part_recovered(struct sim_node *n, struct shard *s, struct model_part *p)
{
    struct plog *log = shard_partition(s, &p->topic->id, p->partition);
    struct model_view *v = &p->view[n->id - 1];
    if (!log)
        sim_violation(n->w, "M1", "%s-%d: the topic is there, the partition is not", p->topic->name,
                      p->partition);
    if (n->w->plan.nodes == 1 && plog_high_watermark(log) < v->read_to)
        sim_violation(n->w, "L1", "%s-%d: the log ends at %lld, and was read up to %lld",
                      p->topic->name, p->partition, LL(plog_high_watermark(log)), LL(v->read_to));
    v->read_to = plog_log_start(log);
    if (n->w->plan.nodes > 1) {
        v->start = 0;
        /* What it knows to be committed may be older than the last trim, which has removed files.
         */
        if (v->read_to < p->trim_asked)
            v->read_to =
                p->trim_asked < plog_high_watermark(log) ? p->trim_asked : plog_high_watermark(log);
    }
    check_part(n, s, p);
}

static void count_lost(struct sim_world *w)
{
    for (size_t i = 0; i < w->model.n_batches; i++) {
        struct model_batch *b = w->model.batches[i];
        if (b->unanswered && b->seen_at < 0)
            cover(w, COVER_unknown_then_lost);
        b->unanswered = false;
    }
}

void sim_check_recovered(struct sim_node *n)
{
    struct model *m = &n->w->model;
    struct shard *s = sim_data_shard(n);
    n->disk.quiet = true;
    if (n->w->plan.nodes == 1)
        model_settle_topics(n->w, sim_image(n));
    if (shard_image_index(s) > meta_index(sim_image(n)))
        sim_violation(n->w, "M4", "the data shard is ahead of the metadata");
    for (unsigned i = 0; i < m->n_topics; i++)
        if (model_topic_usable(&m->topics[i]))
            for (int32_t p = 0; p < m->topics[i].partitions; p++)
                check_part_recovered(n, s, &m->topics[i].part[p]);
    count_lost(n->w);
    cover(n->w, COVER_recovered);
    n->disk.quiet = false;
}
