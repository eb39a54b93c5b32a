/* segments.c - what a log consists of, for those who decide what of it may go. */
#include <errno.h>
#include <stdlib.h>

#include "plog/plog_impl.h"

size_t plog_segments_count(const struct plog *p)
{
    return plog_segments(p)->n;
}

struct plog_segment_info plog_segments_at(const struct plog *p, size_t i)
{
    const struct plog_list *l = plog_segments(p);
    const struct plog_segment *s = l->seg[i];
    bool active = i + 1 == l->n;
    bool known = active || atomic_load_explicit(&s->max_known, memory_order_acquire);
    int64_t max = active  ? s->tally.max_timestamp
                  : known ? atomic_load_explicit(&s->max_time, memory_order_relaxed)
                          : -1;
    int64_t written = active || max >= 0 ? INT64_MAX : atomic_load(&s->written_ms);
    return (struct plog_segment_info){
        .base = s->base,
        .next = active ? plog_log_end(p) : l->seg[i + 1]->base,
        .bytes = plog_segment_bytes(s),
        .max_timestamp = max,
        .written_ms = written ? written : INT64_MAX,
        .time_known = known && written != 0,
        .active = active,
    };
}

struct plog_times {
    uint32_t interval;
    size_t n;
    struct plog_segment *seg[];
};

int plog_times_begin(struct plog *p, size_t most, struct plog_times **out, struct err *e)
{
    const struct plog_list *l = plog_segments(p);
    struct plog_times *t = NULL;
    *out = NULL;
    if (most > l->n)
        most = l->n;
    for (size_t i = 0; i + 1 < l->n && (!t || t->n < most); i++) {
        struct plog_segment *s = l->seg[i];
        if (plog_segments_at(p, i).time_known)
            continue;
        if (!t)
            t = calloc(1, sizeof *t + most * sizeof *t->seg);
        if (!t)
            return err_code(e, -ENOMEM, "%s", p->dir);
        plog_segment_ref(s);
        t->seg[t->n++] = s;
    }
    if (t)
        t->interval = plog_interval(p);
    *out = t;
    return 0;
}

/* A file is written when records are appended, at a replay, and by compaction: it is never older
 * than its records. */
static int read_written(struct plog_segment *s, struct err *e)
{
    struct io_stat st;
    int rc = io_stat(s->io, s->path, &st);
    if (rc < 0)
        return err_code(e, rc, "%s", s->path);
    atomic_store(&s->written_ms, st.mtime_ms > 0 ? st.mtime_ms : INT64_MAX);
    return 0;
}

int plog_times_run(struct plog_times *t, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < t->n && rc == 0; i++) {
        int64_t timestamp, offset;
        if (atomic_load_explicit(&t->seg[i]->removed, memory_order_relaxed))
            continue; /* its name may be another segment's now */
        rc = plog_segment_max_time(t->seg[i], t->interval, &timestamp, &offset, e);
        if (rc == 0 && timestamp < 0)
            rc = read_written(t->seg[i], e);
        if (rc < 0 && atomic_load_explicit(&t->seg[i]->removed, memory_order_relaxed))
            rc = 0; /* no wonder, and nobody asks any more */
    }
    return rc;
}

void plog_times_free(struct plog_times *t)
{
    for (size_t i = 0; t && i < t->n; i++)
        plog_segment_unref(t->seg[i]);
    free(t);
}
