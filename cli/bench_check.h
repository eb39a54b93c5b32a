/* bench_check.h - judge what is read back: is every record there, once, in order, with its bytes?
 *
 * check_record is given the records of a partition in the order of their offsets; they say by their
 * stamp whose they are. For each client and partition a run wrote (a stream) the sequence numbers
 * seen are kept as ranges. At the end check_expect compares a stream with what its client was told
 * was stored, or check_gaps with itself, where the writer is not known.
 *
 *   altered     the bytes are not those that were sent, or were never sent, or stand at another
 *               offset than the one acknowledged
 *   duplicated  a sequence number seen again
 *   reordered   one that comes after a higher one of the same stream
 *   lost        one that was acknowledged and is not there
 *   foreign     records that are not of the bench: counted, no fault
 *
 * An altered record still counts as the one it replaced if it stands where that one was due, so
 * that one fault is counted once.
 */
#ifndef CLI_BENCH_CHECK_H
#define CLI_BENCH_CHECK_H

#include "cli/bench_ranges.h"
#include "cli/bench_stamp.h"

struct check_counts {
    uint64_t records, lost, duplicated, reordered, altered, foreign;
};

struct check; /* opaque; one thread at a time */

struct check *check_new(void); /* NULL when out of memory */
void check_free(struct check *c);

/* The next record of a partition. *s (may be NULL) gets its stamp. The verdict on the stamp, or
 * -ENOMEM. */
int check_record(struct check *c, int32_t partition, int64_t offset, struct span value,
                 struct stamp *s);
/* A whole batch of n records whose checksum is wrong: none of them can be believed. */
void check_broken_batch(struct check *c, uint64_t n);

/* One stream of a writer. */
struct check_stream {
    uint32_t run, client;
    int32_t partition;
    const struct ranges *acked; /* the sequence numbers that were acknowledged */
    uint64_t issued;            /* how many were sent: none may be higher */
    bool placed;                /* places is set: offsets were acknowledged too */
    uint64_t places;            /* check_place of all acknowledged records, added up */
};
/* Compare it with what was read. Call once per stream, after the last record. */
void check_expect(struct check *c, const struct check_stream *s);
/* Count as lost what is missing between the lowest and the highest number seen of each stream that
 * was not expected. */
void check_gaps(struct check *c);

/* A number for "this sequence number stands at this offset". Added up (modulo 2^64) over a stream
 * they tell whether all stand where they were said to, without keeping any. */
uint64_t check_place(uint64_t sequence, int64_t offset);

/* What was counted so far, borrowed from c; sums of several; and whether nothing is wrong in them
 * (foreign records are no fault). */
const struct check_counts *check_counts(const struct check *c);
void check_counts_add(struct check_counts *into, const struct check_counts *from);
bool check_counts_clean(const struct check_counts *n);

#endif
