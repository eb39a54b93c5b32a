/* codec_zstd.c - Zstandard through libzstd. */
#include <errno.h>
#include <stdbool.h>
#include <zstd.h>

#include "batch/codec.h"
#include "batch/codec_impl.h"

enum {
    /* A frame makes the decoder allocate the window it states. RFC 8878 asks decoders for 8 MiB;
     * beyond that no more than the output may have. */
    WINDOW_LOG_MIN = 23,
    WINDOW_LOG_MAX = 27,
    KEPT_MAX = 1 << 20 /* bytes of a context, its window included */
};

static int window_log(size_t max)
{
    int log = WINDOW_LOG_MIN;
    while (log < WINDOW_LOG_MAX && max >> log)
        log++;
    return log;
}

/* Decode into one room. 1: more to come, 0: the input ends with a whole frame. */
static int decode_some(ZSTD_DStream *z, ZSTD_inBuffer *in, struct codec_sink *sink)
{
    size_t n;
    int rc;
    uint8_t *room = codec_sink_room(sink, &n, &rc);
    if (!room)
        return rc;
    ZSTD_outBuffer to = {room, n, 0};
    size_t before = in->pos;
    size_t hint = ZSTD_decompressStream(z, &to, in);
    if (ZSTD_isError(hint))
        to.pos = 0;
    rc = codec_sink_done(sink, n - to.pos);
    if (rc < 0)
        return rc;
    if (ZSTD_isError(hint) || (hint != 0 && in->pos == before && to.pos == 0))
        return ERR_CODEC; /* rejected, or the input ended too early */
    return hint != 0 || in->pos < in->size;
}

static void forget(struct codec_state *k)
{
    ZSTD_freeDStream(k->zstd);
    k->zstd = NULL;
}

static ZSTD_DStream *stream_of(struct codec_state *k)
{
    if (k->zstd && ZSTD_isError(ZSTD_DCtx_reset(k->zstd, ZSTD_reset_session_and_parameters)))
        forget(k);
    if (!k->zstd)
        k->zstd = ZSTD_createDStream();
    return k->zstd;
}

static int expand(struct codec_state *k, struct span in, size_t max, struct wr *out)
{
    ZSTD_DStream *z = stream_of(k);
    if (!z)
        return -ENOMEM;
    int rc = 1;
    if (ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, window_log(max))))
        rc = ERR_CODEC;
    ZSTD_inBuffer from = {in.p, in.n, 0};
    struct codec_sink sink = codec_sink_of(out, max);
    while (rc > 0)
        rc = decode_some(z, &from, &sink);
    if (ZSTD_sizeof_DStream(z) > KEPT_MAX)
        forget(k);
    return rc;
}

static int compress(struct span in, int level, struct wr *out)
{
    size_t bound = ZSTD_compressBound(in.n);
    if (ZSTD_isError(bound))
        return ERR_TOOBIG;
    uint8_t *room = wr_grow(out, bound);
    if (!room)
        return out->err;
    size_t n = ZSTD_compress(room, bound, in.p, in.n, level);
    if (ZSTD_isError(n)) {
        out->len -= bound;
        return ERR_CODEC;
    }
    out->len -= bound - n;
    return 0;
}

const struct codec codec_zstd = {expand, forget, compress, CODEC_LEVEL_ZSTD};
