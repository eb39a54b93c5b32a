/* records.h - walk the records of a batch, and build batches. */
#ifndef BATCH_RECORDS_H
#define BATCH_RECORDS_H

#include "base/rd.h"
#include "base/wr.h"
#include "batch/batch.h"

struct codec_state;

struct record_header {
    struct span key, value; /* value.p NULL: null */
};

/* One record, pointing into the batch (or its expansion). */
struct record {
    int64_t offset, timestamp; /* absolute */
    int64_t timestamp_delta;
    int32_t offset_delta;
    struct span key, value; /* p NULL: null; empty ones have p set */
    int32_t n_headers;
    struct span headers; /* still encoded: walk with record_header_next */
    size_t size;         /* bytes of the record, its length field included */
};

struct records {
    struct batch batch;
    struct rd rd;
    struct wr expanded; /* owned; on loan from the state, if there is one */
    struct codec_state *state;
    int32_t next;        /* index of the next record */
    int32_t after_delta; /* the offset delta that the next record must exceed */
};

/* Begin walking the batch that fills s. Expands compressed records up to max_expanded bytes. 0 or a
 * code of batch_peek or codec_expand. records_release must follow in every case. */
int records_init(struct records *it, struct span s, size_t max_expanded);
/* The same with what state keeps (codec.h; NULL: nothing), which outlives the walk. */
int records_init_kept(struct records *it, struct span s, size_t max_expanded,
                      struct codec_state *state);
/* 1 and the next record; 0 at the end (all count records seen, no byte left over); ERR_MALFORMED
 * else. Everything about the record was checked, its headers included: lengths, varints, ascending
 * offset deltas within the batch, no overflow of the timestamp. */
int records_next(struct records *it, struct record *r);
void records_release(struct records *it);

/* Walk a record's headers: start with r = rd_of(rec.headers.p, rec.headers.n). 1, 0 at the end, or
 * ERR_MALFORMED. */
int record_header_next(struct rd *r, struct record_header *h);

/* Append the batch that fills s to out with its records compressed otherwise (compression.type), at
 * one of the codec's levels (codec.h). All else stays: offsets, timestamps, keys, values, headers,
 * producer; length and CRC are computed anew. max bounds the expanded records. 0; ERR_TOOBIG if
 * they expand to more, or the batch outgrows its length field; else as codec_expand. Touches
 * nothing but out, so it may run on any thread. */
int batch_recompress(struct span s, enum batch_codec codec, int level, size_t max, struct wr *out);

/* Build one batch. */
struct batch_builder {
    struct wr records; /* owned: the records so far, uncompressed */
    int64_t base_timestamp, max_timestamp;
    int32_t count;
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t base_sequence;
    int16_t attributes;
    enum batch_codec codec;
};
void batch_builder_init(struct batch_builder *b, enum batch_codec codec); /* no producer id */
/* Append a record with n headers; key or value with p NULL is null. Errors (-ENOMEM, ERR_TOOBIG,
 * ERR_INVALID for a timestamp too far from the first) stay in b->records.err. */
void batch_builder_add(struct batch_builder *b, int64_t timestamp, struct span key,
                       struct span value, const struct record_header *headers, int32_t n_headers);
/* Bytes the batch would have now, uncompressed. */
size_t batch_builder_size(const struct batch_builder *b);
/* Append the finished batch (base offset 0, leader epoch -1) to out and start the next one; with a
 * producer id, its base sequence moves past the records. ERR_INVALID if there is no record, else
 * the first error of adding, of the codec or of out. */
int batch_builder_finish(struct batch_builder *b, struct wr *out);
void batch_builder_release(struct batch_builder *b);

#endif
