/* bench_batch.h - the batches a producer of the bench sends.
 *
 * A batch is built once, record by record, with the keys and the filler of the patterns asked for.
 * For each request only what differs is written into it: stamps, keys, times, producer, CRC. Any
 * prefix of its records is a batch too. The same numbers give the same bytes, so a batch that must
 * be sent again is made again and not kept.
 *
 * Compressing may cost more than the broker does with it. Batches that were compressed ahead get
 * only their header's fields; what their records say repeats, and is of no request.
 */
#ifndef CLI_BENCH_BATCH_H
#define CLI_BENCH_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wr.h"
#include "batch/batch.h"
#include "cli/bench_stamp.h"

enum bench_keys { KEYS_NONE, KEYS_RANDOM, KEYS_SEQUENTIAL, KEYS_FIXED };
enum bench_payload { PAYLOAD_RANDOM, PAYLOAD_ZEROS, PAYLOAD_TEXT };
enum { BENCH_KEY_SIZE = 16 }; /* hexadecimal digits */

struct bench_batch_spec {
    int32_t records;     /* at most, in one batch */
    uint32_t value_size; /* bytes */
    enum bench_keys keys;
    enum bench_payload payload;
    enum batch_codec codec;
    uint64_t seed; /* of the random ones */
    int32_t ahead; /* batches to compress at once, sent in turn; 0: each when it is sent */
};

struct bench_batch {
    struct bench_batch_spec spec;
    struct wr raw;    /* header and all records, uncompressed */
    struct wr packed; /* header and compressed records of the last fill */
    struct bench_place {
        size_t key, value, end; /* positions in raw; key 0: none to write */
        uint32_t filler_crc;
    } * at;           /* per record */
    bool stamped;     /* values have room for a stamp */
    struct wr *ahead; /* spec.ahead of them: header and compressed records */
};

/* 0, -ENOMEM, ERR_TOOBIG for a batch that no request can hold, or a code of codec_compress. */
int bench_batch_init(struct bench_batch *b, const struct bench_batch_spec *spec, struct err *e);
void bench_batch_release(struct bench_batch *b);

/* What differs between two batches. */
struct bench_batch_id {
    struct stamp first; /* of the first record; sequence counts up from it */
    int32_t count;      /* records, 1 to spec.records */
    int64_t timestamp_ms;
    int64_t producer_id; /* -1: not idempotent */
    int16_t producer_epoch;
    int32_t base_sequence;
};
/* The batch of that id, valid until the next call. *crc gets its CRC field. 0 or a code of
 * codec_compress. */
int bench_batch_fill(struct bench_batch *b, const struct bench_batch_id *id, struct span *out,
                     uint32_t *crc);

/* Records of that size in a batch of at most `bytes` bytes, at least 1. */
int32_t bench_batch_records_in(int64_t bytes, uint32_t value_size, enum bench_keys keys);

#endif
