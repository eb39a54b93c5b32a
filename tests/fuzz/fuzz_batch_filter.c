/* fuzz_batch_filter.c - what compaction leaves of a batch.
 *
 *   u8 flags (batch.h, and below), u8 which records stay: bit n of it by their offset, u8 which
 *   delete horizon, the batch
 *
 * Of a batch that checks there remains one that checks, in the same place, with just those records
 * that are to stay; and filtered once more it is the same.
 */
#include <string.h>

#include "batch/filter.h"
#include "tests/fuzz/batch.h"
#include "tests/fuzz/fuzz.h"

enum { KEEP_EMPTY = 4, MARKER = 8, NARROW = 16 };
enum { EXPANDED = 32 << 10, BEFORE = 5 };

static bool keep(void *ctx, const struct batch *b, const struct record *r)
{
    const uint8_t *stay = ctx;
    (void)b;
    return *stay >> (r->offset_delta & 7) & 1;
}

static int64_t horizon_of(uint8_t which)
{
    static const int64_t far[] = {INT64_MAX, INT64_MIN, 0, -1, INT64_MAX / 2, INT64_MIN / 2};
    return which < sizeof far / sizeof *far ? far[which] : FUZZ_BATCH_TIME + which;
}

/* Consumers, indexes and producer state see the same batch. */
static void same_place(const struct batch *a, const struct batch *b)
{
    must(a->base_offset == b->base_offset && a->last_offset_delta == b->last_offset_delta);
    must(a->leader_epoch == b->leader_epoch && a->base_sequence == b->base_sequence);
    must(a->producer_id == b->producer_id && a->producer_epoch == b->producer_epoch);
    int kept = ~(BATCH_ATTR_CODEC | BATCH_ATTR_DELETE_HORIZON);
    must((a->attributes & kept) == (b->attributes & kept));
}

struct seen {
    int32_t n;
    int64_t max_timestamp;
    bool tombstones;
    bool near; /* to the horizon: their distances from it are numbers that a record can state */
};

/* The records that are to stay, of the batch and of what remains of it, are the same. */
static struct seen compare(struct span s, struct span rest, const struct batch_filter *f)
{
    struct seen seen = {.max_timestamp = -1, .near = true};
    int64_t distance;
    struct records a, b;
    struct record r, q;
    int rc;
    must(records_init(&a, s, EXPANDED) == 0 && records_init(&b, rest, 2 * EXPANDED) == 0);
    while ((rc = records_next(&a, &r)) == 1) {
        if (!f->keep(f->ctx, &a.batch, &r))
            continue;
        must(records_next(&b, &q) == 1 && q.offset == r.offset && fuzz_record_equal(&q, &r));
        seen.max_timestamp =
            seen.n++ == 0 || r.timestamp > seen.max_timestamp ? r.timestamp : seen.max_timestamp;
        seen.tombstones |= !r.value.p;
        seen.near &= !__builtin_sub_overflow(a.batch.base_timestamp + r.timestamp_delta,
                                             f->delete_horizon_ms, &distance);
    }
    must(rc == 0 && records_next(&b, &q) == 0);
    records_release(&a);
    records_release(&b);
    return seen;
}

static void horizon_holds(const struct batch *b, const struct batch *rest,
                          const struct batch_filter *f, const struct seen *seen)
{
    int64_t was, is;
    bool stated = batch_delete_horizon(b, &was), states = batch_delete_horizon(rest, &is);
    bool due = seen->near && (seen->tombstones || f->marker_of_nothing);
    must(states == (stated || due));
    must(!states || is == (stated ? was : f->delete_horizon_ms));
}

static void anew_holds(struct span s, struct span rest, const struct batch_filter *f)
{
    struct batch b, r;
    must(batch_peek(s, &b) == 0);
    must(batch_verify(rest, &r, NULL) == 0 && batch_size(&r) == rest.n);
    same_place(&b, &r);
    must(batch_codec(&b) == batch_codec(&r));
    struct seen seen = compare(s, rest, f);
    must(r.count == seen.n);
    must(r.max_timestamp ==
         (b.attributes & BATCH_ATTR_APPEND_TIME ? b.max_timestamp : seen.max_timestamp));
    horizon_holds(&b, &r, f, &seen);
}

static void empty_holds(struct span s, struct span rest)
{
    struct batch b, r;
    must(batch_peek(s, &b) == 0);
    must(rest.n == BATCH_HEADER && batch_verify(rest, &r, NULL) == 0);
    same_place(&b, &r);
    must(r.count == 0 && batch_codec(&r) == BATCH_NONE && batch_size(&r) == rest.n);
}

static void is_error(int rc)
{
    must(rc == ERR_MALFORMED || rc == ERR_CODEC || rc == ERR_TOOBIG || rc == ERR_UNSUPPORTED);
}

static int filter(struct span s, const struct batch_filter *f, struct wr *out)
{
    static const uint8_t before[BEFORE] = "abcd";
    wr_init(out, 0);
    wr_bytes(out, before, sizeof before);
    int rc = batch_filter(s, f, out);
    must(rc != BATCH_FILTERED_GONE || out->len == BEFORE);
    must(memcmp(out->buf, before, sizeof before) == 0);
    return rc;
}

static struct span behind(const struct wr *out)
{
    return span_of(out->buf + BEFORE, out->len - BEFORE);
}

/* What remains is what a later compaction may find. */
static void once_more(struct span rest, struct batch_filter f)
{
    struct wr out;
    struct batch b;
    must(batch_peek(rest, &b) == 0);
    f.keep_empty = true;
    f.marker_of_nothing = false;
    f.max_expanded = 2 * EXPANDED;
    int rc = filter(rest, &f, &out);
    must(rc == BATCH_FILTERED_SAME || rc == BATCH_FILTERED_ANEW);
    struct span again = behind(&out);
    must(again.n == rest.n && memcmp(again.p, rest.p, rest.n) == 0);
    wr_free(&out);
}

static void run(struct span s, const struct batch_filter *f)
{
    struct wr out;
    int rc = filter(s, f, &out);
    struct span rest = behind(&out);
    switch (rc) {
    case BATCH_FILTERED_SAME:
        must(rest.n == s.n && memcmp(rest.p, s.p, s.n) == 0);
        break;
    case BATCH_FILTERED_ANEW:
        anew_holds(s, rest, f);
        break;
    case BATCH_FILTERED_EMPTY:
        empty_holds(s, rest);
        break;
    case BATCH_FILTERED_GONE:
        must(!f->keep_empty);
        break;
    default:
        is_error(rc);
    }
    if (rc == BATCH_FILTERED_ANEW || rc == BATCH_FILTERED_EMPTY)
        once_more(rest, *f);
    wr_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n);
    struct batch b;
    struct wr w;
    uint8_t flags = rd_u8(&in), stay = rd_u8(&in);
    struct batch_filter f = {.keep = keep,
                             .ctx = &stay,
                             .keep_empty = flags & KEEP_EMPTY,
                             .marker_of_nothing = flags & MARKER,
                             .delete_horizon_ms = horizon_of(rd_u8(&in)),
                             .max_expanded = flags & NARROW ? 128 : EXPANDED};
    wr_init(&w, 0);
    fuzz_batch_put(&w, fuzz_rest(&in), flags);
    struct span s = span_of(w.buf, w.len);
    if (batch_verify(s, &b, NULL) == 0 && batch_size(&b) == s.n)
        run(s, &f);
    wr_free(&w);
    return 0;
}

/* ---- other batches */

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
    enum { HEAD = 3 };
    if (seed % 128 == 0 && max > HEAD) {
        seed /= 128;
        uint8_t head[HEAD] = {FUZZ_BATCH_FIX | FUZZ_BATCH_COMPRESS | (uint8_t)(seed & KEEP_EMPTY),
                              (uint8_t)(seed >> 16), (uint8_t)(seed >> 5) % 16};
        memcpy(data, head, HEAD);
        n = HEAD + fuzz_batch_random(data + HEAD, max - HEAD, seed);
    }
    return LLVMFuzzerMutate(data, n, max);
}
