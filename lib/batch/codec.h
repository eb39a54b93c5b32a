/* codec.h - compress and expand the records of a batch. One file per library; all outputs are
 * bounded. */
#ifndef BATCH_CODEC_H
#define BATCH_CODEC_H

#include "base/wr.h"
#include "batch/batch.h"

/* Append the expanded bytes of `in` to out. Stops with ERR_TOOBIG once they exceed max bytes,
 * however the input lies about its size; ERR_CODEC for bytes the codec rejects. Snappy is read raw
 * and in the framing of xerial's Java library; lz4 in its frame format. */
int codec_expand(enum batch_codec c, struct span in, size_t max, struct wr *out);
/* Append the compressed bytes (snappy in xerial framing, as Java consumers expect). 0 or a code. */
int codec_compress(enum batch_codec c, struct span in, struct wr *out);

#endif
