/* bench_acked.h - check an ack log against a broker: does every acknowledged batch stand at its
 * offset, with its bytes, and every stamped record once?
 *
 * A batch is known by its base offset, its count and its CRC, so no record needs to be kept.
 * Duplicates and disorder are found by the stamps, over everything from the first acknowledged
 * offset to the end. */
#ifndef CLI_BENCH_ACKED_H
#define CLI_BENCH_ACKED_H

#include "cli/bench_run.h"

/* The acknowledged batches of one partition, by base offset; what became of them. */
struct ack_cursor {
    const struct acked *v;
    size_t n, at;
    uint64_t found, lost, altered; /* records */
};

struct ack_verdict {
    uint64_t runs, batches, records;                      /* acknowledged */
    uint64_t found, lost, altered, duplicated, reordered; /* records */
};

/* Compare one batch of the partition, in the order of offsets; crc_good: its checksum holds. Faults
 * are told on standard error, the first few of them. */
void ack_cursor_batch(struct ack_cursor *c, const struct batch *b, bool crc_good);
/* What has not come by the end is lost. */
void ack_cursor_end(struct ack_cursor *c);

/* The whole check. log is sorted, and all of it is of o->topic. 0 or a code. */
int bench_acked_check(const struct bench_options *o, const struct acklog *log,
                      struct ack_verdict *v, struct err *e);

#endif
