/* fetch.h - read record batches. */
#ifndef CLIENT_FETCH_H
#define CLIENT_FETCH_H

#include "client/fan.h"

/* A partition that is read. */
struct client_fetch {
    struct client_part part;
    int64_t offset;         /* the next record wanted; the caller moves it on */
    int64_t high_watermark; /* as of the last answer */
    int64_t log_start;      /* the same; -1: not told */
};

struct client_fetch_options {
    int32_t max_wait_ms; /* how long a broker may wait for min_bytes */
    int32_t min_bytes;
    int32_t max_bytes;           /* of an answer; a first batch may exceed it */
    int32_t partition_max_bytes; /* the same for a partition */
    bool read_committed;
    /* Called for each partition that has records, or an error (in part): batches follow each other
     * in records, the last may be cut off. A return other than 0 ends the fetch with it. */
    int (*take)(void *ctx, struct client_fetch *p, struct span records);
    void *ctx;
};

/* One fetch of n partitions; brokers fill their answers in the order given. 0 (parts may have
 * errors, which take has seen), or a negative code. */
int client_fetch(struct client_cluster *c, const struct client_fetch_options *o,
                 struct client_fetch *const *v, size_t n, struct err *e);

#endif
