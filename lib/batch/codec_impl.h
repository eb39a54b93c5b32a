/* codec_impl.h - private to lib/batch: one pair of functions per compression library, and the sink
 * that bounds what they put out. */
#ifndef BATCH_CODEC_IMPL_H
#define BATCH_CODEC_IMPL_H

#include "base/err.h"
#include "base/span.h"
#include "base/wr.h"

struct codec_state;

struct codec {
    int (*expand)(struct codec_state *k, struct span in, size_t max, struct wr *out);
    void (*forget)(struct codec_state *k); /* free what it keeps there; NULL: nothing */
    int (*compress)(struct span in, int level, struct wr *out);
    int level; /* where none is asked for */
};
extern const struct codec codec_gzip, codec_snappy, codec_lz4, codec_zstd;

/* gzip's expand and forget through ISA-L. ERR_CODEC is not final, and may leave bytes in out. */
int codec_igzip_expand(struct codec_state *k, struct span in, size_t max, struct wr *out);
void codec_igzip_forget(struct codec_state *k);

/* 0, or ERR_LIBRARY; loads once. Any thread. */
int codec_snappy_load(void);

/* Where a streaming decoder writes: room in a wr that grows with what was really put out, not with
 * what the input claims, and never beyond max bytes and one more (which is how one learns of too
 * much). */
struct codec_sink {
    struct wr *out;
    size_t start, max;
};

struct codec_sink codec_sink_of(struct wr *out, size_t max);
/* Room for the next bytes, *n of them, n > 0: all that out has, or as much again; NULL and *rc when
 * there is none (-ENOMEM, ERR_TOOBIG). */
uint8_t *codec_sink_room(struct codec_sink *s, size_t *n, int *rc);
/* `unused` bytes of the last room were not filled: give them back. 0, or ERR_TOOBIG over max. */
int codec_sink_done(struct codec_sink *s, size_t unused);

#endif
