/* compact_write.c - segments written anew, without what a later record made superfluous.
 *
 * One is made of as many old ones as fit into it by what is left of them. The last batch of the
 * last of them stays in any case, if need be as a header without records: so the new segment ends
 * where that one did, and one that was cut short, or that is missing, can be told from one with
 * gaps.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/mutant.h"
#include "batch/filter.h"
#include "plog/compact_impl.h"
#include "plog/swap.h"

enum { FLUSH_AT = 1 << 20 };

/* ---- what stays */

static int64_t after(int64_t from_ms, int64_t ms)
{
    int64_t sum;
    return __builtin_add_overflow(from_ms, ms, &sum) ? INT64_MAX : sum;
}

/* Has the time that a tombstone has to stay passed, and really so? Its end was noted when the batch
 * was first compacted; by a clock that stood in the past, if it has leapt since. */
static bool is_over(const struct plog_compact_rules *r, int64_t horizon)
{
    bool leapt = r->leapt_ms != INT64_MIN && !MUTANT(horizon_believed);
    return r->now_ms >= horizon &&
           (!leapt || r->now_ms >= after(r->leapt_ms, r->delete_retention_ms));
}

static bool keep(void *ctx, const struct batch *b, const struct record *r)
{
    const struct plog_compaction *c = ctx;
    int64_t horizon;
    if (r->offset >= c->mapped && !MUTANT(key_beyond_map))
        return true;
    if (!r->key.p || r->offset < plog_keys_last(&c->keys, r->key))
        return false;
    if (MUTANT(tombstone_goes_at_once))
        return r->value.p;
    return r->value.p || !batch_delete_horizon(b, &horizon) || !is_over(&c->rules, horizon);
}

static int by_id(const void *key, const void *element)
{
    const int64_t *id = key;
    const struct plog_producer_end *end = element;
    return *id < end->id ? -1 : *id > end->id;
}

/* Does it hold the last sequence number of a producer that may go on? */
static bool is_last_of_producer(const struct plog_compaction *c, const struct batch *b)
{
    if (b->producer_id < 0 || c->rules.n_ends == 0)
        return false;
    const struct plog_producer_end *end =
        bsearch(&b->producer_id, c->rules.ends, c->rules.n_ends, sizeof *c->rules.ends, by_id);
    return end && end->last_offset == batch_last_offset(b);
}

/* Of its segment. */
static bool is_last_batch(const struct plog_compaction *c)
{
    return c->scan.pos == c->scan.end;
}

/* ---- the new segment */

/* It takes no more room than what it is made of, which goes only afterwards. */
static int find_room(struct plog_compaction *c, struct err *e)
{
    uint64_t free_bytes;
    uint64_t need = c->rules.reserve_bytes + plog_segment_bytes(c->seg[c->n - 1]);
    int rc = io_space(c->io, c->dir, &free_bytes);
    if (rc == 0 && free_bytes < need)
        rc = -ENOSPC;
    return rc < 0 ? err_code(e, rc, "%s: %" PRIu64 " bytes have to be free", c->dir, need) : 0;
}

static int begin(struct plog_compaction *c, struct err *e)
{
    char path[IO_PATH_MAX];
    int64_t base = c->seg[0]->base;
    int rc = plog_cleaned_path(path, sizeof path, c->dir, base);
    if (rc < 0)
        return err_code(e, rc, "%s", c->dir);
    c->made = plog_segment_new(c->io, c->dir, &c->seg[0]->id);
    c->index = plog_old_new();
    if (!c->made || !c->index)
        return err_code(e, -ENOMEM, "%s", path);
    rc = io_open(c->io, path, IO_WRITE | IO_CREATE | IO_TRUNC, &c->file);
    if (rc < 0)
        return err_code(e, rc, "%s", path);
    c->written = 0;
    c->changed = false;
    wr_reset(&c->out);
    wr_reset(&c->tail);
    return 0;
}

static int flush(struct plog_compaction *c, struct err *e)
{
    if (c->out.len == 0)
        return 0;
    int rc = io_pwrite(c->file, c->out.buf, c->out.len, c->written);
    if (rc < 0)
        return err_code(e, rc, "%s.cleaned: write at byte %" PRIu64, c->made->path, c->written);
    c->written += c->out.len;
    wr_reset(&c->out);
    return 0;
}

static int note(struct plog_compaction *c, size_t at, struct err *e)
{
    struct batch b;
    struct span bytes = span_of(c->out.buf + at, c->out.len - at);
    if (batch_peek(bytes, &b) < 0 || batch_size(&b) != bytes.n)
        return err_set(e, ERR_CORRUPT, "%s: offset %" PRId64 ": it cannot be written anew",
                       c->made->path, c->scan.batch.base_offset);
    uint64_t pos = c->written + at;
    if (pos + bytes.n > INT32_MAX) /* positions in Kafka's index have 31 bits */
        return err_code(e, ERR_TOOBIG, "%s: compressed anew", c->made->path);
    plog_index_note(&c->index->index, &c->index->tally, c->interval, c->made->base, &b, pos);
    c->stats.batches_after++;
    return 0;
}

/* The header at `at` is only needed if nothing follows it. */
static int put_aside(struct plog_compaction *c, size_t at, struct err *e)
{
    wr_bytes(&c->tail, c->out.buf + at, c->out.len - at);
    c->out.len = at;
    return c->tail.err ? err_code(e, c->tail.err, "%s", c->made->path) : 0;
}

static bool is_empty(const struct plog_compaction *c, size_t at)
{
    return c->out.len - at == BATCH_HEADER;
}

static int write_batch(struct plog_compaction *c, struct err *e)
{
    struct span bytes;
    int rc = plog_scan_bytes(&c->scan, &bytes, e);
    if (rc < 0)
        return rc;
    size_t at = c->out.len;
    bool last_of_producer = is_last_of_producer(c, &c->scan.batch);
    struct batch_filter f = {
        .keep = keep,
        .ctx = c,
        .keep_empty = last_of_producer || is_last_batch(c),
        .delete_horizon_ms = after(c->rules.now_ms, c->rules.delete_retention_ms),
        .max_expanded = PLOG_COMPACT_EXPANDED_MAX,
    };
    rc = batch_filter(bytes, &f, &c->out);
    if (rc < 0)
        return err_code(e, rc == -ENOMEM ? rc : ERR_CORRUPT, "%s: byte %" PRIu64 ": its records",
                        c->scan.path, c->scan.at);
    c->stats.batches_before++;
    c->changed |= rc != BATCH_FILTERED_SAME;
    if (rc == BATCH_FILTERED_GONE)
        return 0;
    return is_empty(c, at) && !last_of_producer ? put_aside(c, at, e) : note(c, at, e);
}

static int sync_file(struct plog_compaction *c, const char *log_path, const char *ending,
                     struct err *e)
{
    char path[IO_PATH_MAX];
    struct io_file *f;
    int rc = plog_sibling(path, sizeof path, log_path, ending);
    if (rc == 0)
        rc = io_open(c->io, path, IO_READ, &f);
    if (rc == 0) {
        rc = io_sync(f);
        io_close(f);
    }
    return rc < 0 ? err_code(e, rc, "%s: sync", path) : 0;
}

static int write_index(struct plog_compaction *c, struct err *e)
{
    char path[IO_PATH_MAX];
    struct plog_to_save what = {
        .old = &c->index->index,
        .whole = true,
        .id = c->made->id,
        .last_sum = c->index->tally.sum,
        .end = plog_segment_end(c->seg[c->n - 1]),
        .bytes = c->written,
        .max_timestamp = c->index->tally.max_timestamp,
        .max_timestamp_offset = c->index->tally.max_timestamp_offset,
    };
    struct plog_saved saved = {0};
    int rc = plog_cleaned_path(path, sizeof path, c->dir, c->made->base);
    if (rc < 0)
        return err_code(e, rc, "%s", c->dir);
    rc = plog_index_save(c->io, path, &what, &saved, e);
    for (size_t i = 1; plog_endings[i] && rc == 0; i++)
        rc = sync_file(c, path, plog_endings[i], e);
    return rc;
}

/* What it takes to be read without a look at any file by its name. */
static int dress(struct plog_compaction *c, struct err *e)
{
    struct plog_segment *s = c->made;
    int rc = plog_old_ready(c->index);
    if (rc < 0)
        return err_code(e, rc, "%s", s->path);
    plog_segment_set_old(s, c->written, plog_segment_end(c->seg[c->n - 1]), 0);
    s->gaps = true;
    s->pinned = true;
    atomic_store_explicit(&s->sealed, true, memory_order_relaxed);
    atomic_store_explicit(&s->saved_bytes, c->written, memory_order_relaxed);
    atomic_store_explicit(&s->file, c->file, memory_order_relaxed);
    atomic_store_explicit(&s->old, c->index, memory_order_relaxed);
    atomic_store_explicit(&s->max_time, c->index->tally.max_timestamp, memory_order_relaxed);
    atomic_store_explicit(&s->max_time_offset, c->index->tally.max_timestamp_offset,
                          memory_order_relaxed);
    atomic_store_explicit(&s->max_known, true, memory_order_relaxed);
    c->file = NULL;
    c->index = NULL;
    return 0;
}

static int sync_slice(struct plog_compaction *c, struct err *e)
{
    int rc = flush(c, e);
    if (rc == 0 && (rc = io_sync(c->file)) < 0)
        err_code(e, rc, "%s.cleaned: sync", c->made->path);
    return rc;
}

/* Begin with the segment that was pinned last. */
static int begin_source(struct plog_compaction *c, struct err *e)
{
    int rc = find_room(c, e);
    if (rc == 0 && !c->made)
        rc = begin(c, e);
    c->changed |= c->n > 1;
    wr_reset(&c->tail);
    c->begun = rc == 0;
    return rc;
}

int plog_compact_write(struct plog_compaction *c, struct err *e)
{
    uint64_t done = 0;
    int rc = c->begun ? 0 : begin_source(c, e);
    c->more = false;
    while (rc == 0 && (rc = plog_compact_next_batch(c, e)) > 0) {
        rc = write_batch(c, e);
        if (rc == 0 && c->out.len >= FLUSH_AT)
            rc = flush(c, e);
        done += batch_size(&c->scan.batch);
        if (rc == 0 && done >= PLOG_COMPACT_SLICE) {
            c->more = true;
            break;
        }
    }
    c->begun = c->more;
    return rc < 0 ? rc : sync_slice(c, e); /* in small portions: others sync on this disk too */
}

int plog_compact_seal(struct plog_compaction *c, struct err *e)
{
    if (!c->changed)
        return plog_swap_abandon(c->io, c->dir, c->made->base, e);
    int rc = 0;
    if (c->tail.len) {
        size_t at = c->out.len;
        wr_bytes(&c->out, c->tail.buf, c->tail.len);
        rc = c->out.err ? err_code(e, c->out.err, "%s", c->made->path) : note(c, at, e);
    }
    if (rc == 0)
        rc = sync_slice(c, e);
    if (rc == 0)
        rc = write_index(c, e);
    if (rc == 0 && (rc = io_sync_dir(c->io, c->dir)) < 0)
        err_code(e, rc, "%s: sync", c->dir);
    return rc < 0 ? rc : dress(c, e);
}

void plog_compact_unmake(struct plog_compaction *c)
{
    io_close(c->file);
    plog_old_free(c->index);
    if (c->made)
        plog_segment_unref(c->made);
    c->file = NULL;
    c->index = NULL;
    c->made = NULL;
}
