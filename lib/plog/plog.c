/* plog.c - the log object: what it tells, its end, its failure. */
#include "plog/plog.h"

#include <stdlib.h>

#include "plog/plog_impl.h"

struct plog_segment *plog_new_segment(const struct plog *p, int64_t base)
{
    struct plog_segment_id id = {p->topic_id, p->partition, base};
    return plog_segment_new(p->cfg.io, p->dir, &id);
}

void plog_free(struct plog *p)
{
    struct plog_list *l = atomic_load_explicit(&p->list, memory_order_relaxed);
    if (l) {
        for (size_t i = 0; i < l->n; i++)
            plog_segment_unref(l->seg[i]);
        free(l);
    }
    free(atomic_load_explicit(&p->epochs, memory_order_relaxed));
    free((char *)p->cfg.dir);
    free(p->dir);
    free(p->topic);
    free(p);
}

void plog_set_settings(struct plog *p, const struct plog_settings *settings)
{
    p->cfg.settings = *settings;
    if (p->cfg.settings.segment_bytes > INT32_MAX) /* positions in Kafka's index have 31 bits */
        p->cfg.settings.segment_bytes = INT32_MAX;
    atomic_store_explicit(&p->interval, settings->index_interval_bytes, memory_order_relaxed);
}

void plog_set_high_watermark(struct plog *p, int64_t hw)
{
    int64_t end = plog_log_end(p);
    if (hw > end)
        hw = end;
    if (hw > plog_high_watermark(p))
        atomic_store_explicit(&p->high_watermark, hw, memory_order_release);
}

void plog_mark(const struct plog *p, struct plog_mark *mark)
{
    const struct plog_segment *s = plog_active(p);
    *mark = (struct plog_mark){
        .log_start = plog_log_start(p),
        .log_end = plog_log_end(p),
        .segment = s->base,
        .bytes = plog_segment_bytes(s),
        .max_timestamp = s->tally.max_timestamp,
        .max_timestamp_offset = s->tally.max_timestamp_offset,
    };
}

void plog_abandon(struct plog *p)
{
    atomic_store_explicit(&p->abandoned, true, memory_order_release);
}

void plog_fail(struct plog *p)
{
    atomic_store_explicit(&p->failed, true, memory_order_release);
}

int64_t plog_log_start(const struct plog *p)
{
    return atomic_load_explicit(&p->log_start, memory_order_acquire);
}

int64_t plog_high_watermark(const struct plog *p)
{
    return atomic_load_explicit(&p->high_watermark, memory_order_acquire);
}

int64_t plog_log_end(const struct plog *p)
{
    return atomic_load_explicit(&p->log_end, memory_order_acquire);
}

bool plog_failed(const struct plog *p)
{
    return atomic_load_explicit(&p->failed, memory_order_acquire);
}

const char *plog_topic(const struct plog *p)
{
    return p->topic;
}

int32_t plog_partition(const struct plog *p)
{
    return p->partition;
}

const struct uuid *plog_topic_id(const struct plog *p)
{
    return &p->topic_id;
}

uint64_t plog_bytes(const struct plog *p)
{
    const struct plog_list *l = plog_segments(p);
    uint64_t bytes = 0;
    for (size_t i = 0; i < l->n; i++)
        bytes += plog_segment_bytes(l->seg[i]);
    return bytes;
}
