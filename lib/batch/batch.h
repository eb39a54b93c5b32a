/* batch.h - Kafka's record batch, magic 2: peek at a header, verify it, patch it.
 *
 *   offset size field                 (big-endian)
 *   0      8    base offset           set by the broker; not under the CRC
 *   8      4    batch length          bytes that follow this field
 *   12     4    partition leader epoch   set by the broker; not under the CRC
 *   16     1    magic                 2
 *   17     4    CRC-32C               of everything from the attributes to the end
 *   21     2    attributes            bits 0-2 codec, 3 log append time, 4 transactional,
 *                                    5 control, 6 delete horizon
 *   23     4    last offset delta
 *   27     8    base timestamp        ms
 *   35     8    max timestamp         ms
 *   43     8    producer id           -1: none
 *   51     2    producer epoch
 *   53     4    base sequence
 *   57     4    record count
 *   61          records, or the compressed records
 *
 * Nothing here does I/O; only the walk over compressed records allocates. See KIP-98 and
 * kafka.apache.org's message format.
 */
#ifndef BATCH_BATCH_H
#define BATCH_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum {
    BATCH_PREFIX = 12, /* base offset and length: what is needed to find the next batch */
    BATCH_HEADER = 61,
    BATCH_CRC_FROM = 21, /* the CRC covers from here */
    BATCH_MAGIC = 2,
};
enum batch_codec { BATCH_NONE, BATCH_GZIP, BATCH_SNAPPY, BATCH_LZ4, BATCH_ZSTD, BATCH_CODECS };
enum batch_attributes {
    BATCH_ATTR_CODEC = 0x07,
    BATCH_ATTR_APPEND_TIME = 0x08,
    BATCH_ATTR_TXN = 0x10,
    BATCH_ATTR_CONTROL = 0x20,
    BATCH_ATTR_DELETE_HORIZON = 0x40,
};

struct batch {
    int64_t base_offset;
    int32_t length;
    int32_t leader_epoch;
    int8_t magic;
    uint32_t crc;
    int16_t attributes;
    int32_t last_offset_delta;
    int64_t base_timestamp, max_timestamp;
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t count;
};

static inline int64_t batch_last_offset(const struct batch *b)
{
    return b->base_offset + b->last_offset_delta;
}
static inline size_t batch_size(const struct batch *b) /* in bytes, header included */
{
    return (size_t)b->length + BATCH_PREFIX;
}
static inline enum batch_codec batch_codec(const struct batch *b)
{
    return (enum batch_codec)(b->attributes & BATCH_ATTR_CODEC);
}

/* Read the header at the start of s into b. Checks only what is needed to go on safely: the magic,
 * that the length covers a header, and that the last offset is not below the first and does not
 * overflow. 0, ERR_SHORT (s is shorter than the header; b is untouched) or ERR_MALFORMED. Whether s
 * holds all batch_size bytes is the caller's. */
int batch_peek(struct span s, struct batch *b);

/* The whole batch at the start of s: peek, all bytes there (ERR_SHORT), CRC (ERR_CRC), and the
 * header's consistency (ERR_MALFORMED: unknown codec, count < 0 or more records than offsets;
 * compaction leaves fewer). */
int batch_verify(struct span s, struct batch *b, struct err *e);

/* What a broker demands of a batch from a producer. */
struct codec_state;
struct batch_rules {
    int produce_version; /* of the Produce request */
    int32_t max_bytes;   /* max.message.bytes: of the batch as it arrives, header included */
    int64_t now_ms;
    int64_t before_max_ms, after_max_ms; /* message.timestamp.before/after.max.ms; INT64_MAX: any */
    bool append_time;    /* message.timestamp.type=LogAppendTime: timestamps are not checked */
    bool compacted;      /* cleanup.policy has compact: every record needs a key */
    bool internal;       /* written by the broker itself: control batches allowed */
    size_t max_expanded; /* bytes the records may expand to */
    struct codec_state *state; /* what expanding keeps between batches (codec.h); NULL: nothing */
};

/* Why a batch is refused: Kafka's error numbers. */
enum batch_refusal {
    BATCH_REFUSED_UNKNOWN = -1,   /* UNKNOWN_SERVER_ERROR: out of memory */
    BATCH_REFUSED_CORRUPT = 2,    /* CORRUPT_MESSAGE: damaged on the way; clients send it again */
    BATCH_REFUSED_SIZE = 10,      /* MESSAGE_TOO_LARGE: Java clients split it and try again */
    BATCH_REFUSED_TIMESTAMP = 32, /* INVALID_TIMESTAMP */
    BATCH_REFUSED_CODEC = 76,     /* UNSUPPORTED_COMPRESSION_TYPE */
    BATCH_REFUSED_INVALID = 87,   /* INVALID_RECORD */
};

/* The rules that the header answers, and the CRC: one batch that fills s exactly. Cheap: costs one
 * pass of CRC. Returns 0 or an enum batch_refusal with a sentence in e. */
int batch_admit_header(struct span s, const struct batch_rules *rules, struct batch *b,
                       struct err *e);

/* The rules that only the records answer, for a batch that batch_admit_header let pass: walk them
 * all (framing, offset deltas, keys, timestamps), expanding them first if they are compressed, so
 * that nothing is stored that no consumer could read. Costs CPU in proportion to the expanded bytes
 * (see admit.c for figures) and shares nothing, so it may run on another thread. Unless
 * rules->append_time, b->max_timestamp becomes the largest timestamp there really is: hand it to
 * batch_set_max_timestamp. bad_record (may be NULL) gets the index of the record at fault, or -1.
 */
int batch_admit_records(struct span s, const struct batch_rules *rules, struct batch *b,
                        int32_t *bad_record, struct err *e);

/* Both. */
int batch_admit(struct span s, const struct batch_rules *rules, struct batch *b,
                int32_t *bad_record, struct err *e);

/* Give the batch its place: base offset and leader epoch (12 bytes outside the CRC). */
void batch_place(uint8_t *batch, int64_t base_offset, int32_t leader_epoch);
/* Log append time: set bit 3 and max timestamp, and compute the CRC anew. n: bytes of the batch. */
void batch_stamp(uint8_t *batch, size_t n, int64_t now_ms);
/* Correct the max timestamp of a producer that stated another one than its records have; the CRC is
 * computed anew if that changes anything. */
void batch_set_max_timestamp(uint8_t *batch, size_t n, int64_t max_timestamp);

const char *batch_codec_name(enum batch_codec c); /* "none", "gzip", "snappy", "lz4", "zstd" */

#endif
