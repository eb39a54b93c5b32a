/* filter.h - what remains of a batch when some of its records go: compaction's part of the format.
 *
 * What remains keeps its place: base offset, last offset delta, leader epoch, producer id, epoch
 * and base sequence are the original's, and each record its offset, so a consumer sees gaps and a
 * producer's last sequence is still base sequence plus last offset delta. The codec stays too.
 *
 * Delete horizon (KIP-534). A record without a value deletes its key, and has to stay until every
 * reader had a chance to see it. The first time a batch that holds one is filtered it states when
 * that is over: attribute bit 6 is set, base timestamp is that time, and the timestamp deltas are
 * made anew.
 */
#ifndef BATCH_FILTER_H
#define BATCH_FILTER_H

#include "base/wr.h"
#include "batch/records.h"

struct batch_filter {
    bool (*keep)(void *ctx, const struct batch *b, const struct record *r);
    void *ctx;
    /* Without records its header stays: it tells of an offset or a sequence that must be known. */
    bool keep_empty;
    /* A marker of a transaction that has no records left: it gets a delete horizon too. */
    bool marker_of_nothing;
    int64_t delete_horizon_ms; /* to be stated where one is due and none is stated yet */
    size_t max_expanded;       /* bytes the records may expand to */
};

enum batch_filtered {
    BATCH_FILTERED_SAME,  /* out got the batch as it was */
    BATCH_FILTERED_ANEW,  /* out got what remains of it */
    BATCH_FILTERED_EMPTY, /* out got a header and no records */
    BATCH_FILTERED_GONE,  /* out got nothing */
};

/* Append what remains of the one batch that fills s (which was verified) to out. An enum
 * batch_filtered, or a code: of records_next (ERR_MALFORMED), codec_expand and codec_compress,
 * -ENOMEM, ERR_TOOBIG. */
int batch_filter(struct span s, const struct batch_filter *f, struct wr *out);

/* The time from which on tombstones of this batch may go; false if it states none. */
static inline bool batch_delete_horizon(const struct batch *b, int64_t *ms)
{
    *ms = b->base_timestamp;
    return b->attributes & BATCH_ATTR_DELETE_HORIZON;
}

#endif
