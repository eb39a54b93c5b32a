/* reader.c - fetches: at any offset, inside the log or out of it, while everything goes on. Unlike
 * the checker's reads they meet the disk's faults. */
#include <stdlib.h>

#include "tests/sim/scan.h"
#include "tests/sim/world.h"

#define LL(x) ((long long)(x))

struct fetch {
    struct sim_world *w;
    struct model_part *p;
    int64_t next;
};

static void judge(void *ctx, const struct batch *head, const uint8_t *bytes)
{
    struct fetch *f = ctx;
    size_t i = model_find(f->p, f->p->topic->set.compact ? head->base_offset : f->next);
    if (i == f->p->n)
        sim_violation(f->w, "L6", "%s-%d: a fetch saw offset %lld, and the log ends at %lld",
                      f->p->topic->name, f->p->partition, LL(head->base_offset), LL(f->p->end));
    model_seen_again(f->w, f->p, i, head, bytes);
    f->next = batch_last_offset(head) + 1;
}

static void fetch_at(struct sim_node *n, struct model_part *p, struct plog *log, int64_t offset)
{
    struct sim_world *w = n->w;
    struct err e = {0};
    struct fetch f = {w, p, offset};
    int64_t start = plog_log_start(log), hw = plog_high_watermark(log);
    uint64_t faults = io_mem_faults(n->disk.mem);
    int rc;
    if (offset < start || offset > hw) {
        struct plog_slice sl;
        rc = plog_read(log, offset, hw, 4096, true, &sl, &e);
        if (rc != ERR_OFFSET)
            sim_violation(w, "L9", "%s-%d: a fetch at %lld outside %lld..%lld was answered: %s",
                          p->topic->name, p->partition, LL(offset), LL(start), LL(hw),
                          err_name(rc));
        cover(w, COVER_fetch_out_of_range);
        return;
    }
    rc = scan_partition(log, offset, hw, p->topic->set.compact, judge, &f, &e);
    if (rc == 0)
        cover(w, COVER_fetched);
    else if (io_mem_faults(n->disk.mem) != faults)
        cover(w, COVER_fetch_failed);
    else
        sim_violation(w, "L1", "%s-%d: a fetch at %lld failed: %s", p->topic->name, p->partition,
                      LL(offset), e.text);
}

static void fetch_event(struct sim_world *w, const struct event *ev)
{
    struct sim_node *n = sim_node(w, 1 + (uint32_t)rng_below(&w->rng, w->plan.nodes));
    (void)ev;
    struct shard *s = sim_data_shard(n);
    sim_always(w, rng_delay(&w->rng, w->plan.fetch_every), fetch_event, 1, NULL);
    if (!s || n->disk.dead || w->model.n_topics == 0 || !n->shard[1].leads)
        return;
    struct model_topic *t = &w->model.topics[rng_below(&w->rng, w->model.n_topics)];
    struct model_part *p = &t->part[rng_below(&w->rng, (uint64_t)t->partitions)];
    struct plog *log = shard_partition(s, &t->id, p->partition);
    if (!log || t->deleted == DONE) /* nobody looks there any more */
        return;
    if (plog_failed(log)) /* a broker says KAFKA_STORAGE_ERROR; not even trims reach it any more */
        return;
    int64_t start = plog_log_start(log), hw = plog_high_watermark(log);
    int64_t offset = start + (int64_t)rng_below(&w->rng, (uint64_t)(hw - start) + 2);
    if (start && rng_below(&w->rng, 16) == 0)
        offset = (int64_t)rng_below(&w->rng, (uint64_t)start);
    trace_line(w, "fetch node=%u %s-%d offset=%lld", n->id, t->name, p->partition, LL(offset));
    fetch_at(n, p, log, offset);
}

void sim_reader_begin(struct sim_world *w)
{
    sim_always(w, rng_delay(&w->rng, w->plan.fetch_every), fetch_event, 1, NULL);
}
