/* hdr.h - a high dynamic range histogram of non-negative integers (microseconds, bytes), after Gil
 * Tene's HdrHistogram: buckets double in width, each cut into equal sub-buckets, so that any value
 * is kept to within 1/2^7 (0.8 %) of itself. Recording is a few instructions and allocates nothing.
 * One per thread; add them up at the end.
 */
#ifndef BASE_HDR_H
#define BASE_HDR_H

#include <stdint.h>

enum {
    HDR_SUB_BITS = 7,  /* sub-buckets per doubling: 128 */
    HDR_MAX_BITS = 40, /* values up to 2^40 - 1 (12 days in us); larger ones count as that */
    HDR_SLOTS = (HDR_MAX_BITS - HDR_SUB_BITS + 1) << HDR_SUB_BITS
};

struct hdr {
    uint64_t count, sum, min, max; /* min is UINT64_MAX while count is 0 */
    uint64_t slot[HDR_SLOTS];
};

void hdr_init(struct hdr *h);
/* Count one value. */
void hdr_record(struct hdr *h, uint64_t value);
/* Count all that `from` counted. */
void hdr_add(struct hdr *into, const struct hdr *from);
/* The value at or below which percentile p (0..100) of all recorded values lie; the highest value
 * of its sub-bucket, but never above max. 0 when empty. */
uint64_t hdr_percentile(const struct hdr *h, double p);
/* 0 when empty. */
double hdr_mean(const struct hdr *h);

#endif
