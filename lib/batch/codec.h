/* codec.h - compress and expand the records of a batch. One file per library; all outputs are
 * bounded. */
#ifndef BATCH_CODEC_H
#define BATCH_CODEC_H

#include "base/wr.h"
#include "batch/batch.h"

/* Load what is not linked but loaded when it is first needed: libsnappy. Programs that look into
 * batches do so when they start, rather than fail later. Any thread. 0, or ERR_LIBRARY with the
 * library's name. */
int codec_load(struct err *e);

/* Append the expanded bytes of `in` to out. Stops with ERR_TOOBIG once they exceed max bytes,
 * however the input lies about its size; ERR_CODEC for bytes the codec rejects; ERR_LIBRARY where
 * its library is not installed. Snappy is read raw and in the framing of xerial's Java library; lz4
 * in its frame format. */
int codec_expand(enum batch_codec c, struct span in, size_t max, struct wr *out);

/* What expanding keeps from one batch to the next: the libraries' contexts, and room to expand into
 * (records.h uses it). For who expands many: making a context costs more than a batch of 64 KiB.
 * One thread. What an unusual batch made large is not kept: some MiB in all at most. */
struct codec_state {
    struct wr room;
    void *zstd, *lz4, *igzip; /* each codec's own; NULL: none yet */
};
void codec_state_init(struct codec_state *k);
void codec_state_release(struct codec_state *k);
/* codec_expand with k's contexts. */
int codec_expand_kept(struct codec_state *k, enum batch_codec c, struct span in, size_t max,
                      struct wr *out);
/* Append the compressed bytes (snappy in xerial framing, as Java consumers expect). 0 or a code. */
int codec_compress(enum batch_codec c, struct span in, struct wr *out);
/* The same at one of the codec's levels, in Kafka's numbers: gzip 0 to 9, lz4 1 to 17, zstd -131072
 * to 22; those beyond what the library has are its last. Snappy has none. */
enum { CODEC_LEVEL_GZIP = -1, CODEC_LEVEL_LZ4 = 9, CODEC_LEVEL_ZSTD = 3 }; /* its own choice */
int codec_compress_at(enum batch_codec c, int level, struct span in, struct wr *out);

#endif
