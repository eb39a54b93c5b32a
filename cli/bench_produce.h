/* bench_produce.h - clients that write. A request is one batch for one partition; a client's
 * partitions take turns. Sequence numbers count from 0 for each client and partition, in the stamps
 * and, for an idempotent producer, in the batches. */
#ifndef CLI_BENCH_PRODUCE_H
#define CLI_BENCH_PRODUCE_H

#include "cli/bench_load.h"
#include "cli/bench_ranges.h"

/* What a client wrote to a partition. */
struct stream {
    uint32_t part;       /* index into the topic's partitions */
    uint64_t next;       /* the sequence number to be sent next */
    struct ranges acked; /* those acknowledged */
    uint64_t places;     /* check_place of all of them, added up (--validate) */
    bool placed;         /* the offsets of all of them are known */
    int64_t last_end;    /* one above the highest offset acknowledged */
};

struct producer {
    struct stream *streams;
    uint32_t n, turn;
    int64_t producer_id; /* -1: not idempotent */
    int16_t producer_epoch;
};

extern const struct load_kind produce_kind;

struct run;
/* Compare what the clients of a run were told with what the partitions' checks have seen. */
void produce_expect(struct run *r);

#endif
