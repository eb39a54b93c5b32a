/* codec_lz4.c - the lz4 frame format through liblz4. Blocks are written independent of each other:
 * Kafka's Java consumer reads no others. */
#include <errno.h>
#include <lz4frame.h>
#include <stdbool.h>

#include "batch/codec.h"
#include "batch/codec_impl.h"

enum { LEVEL_MAX = 12 }; /* of the library */

/* Decode into one room. Moves *in. 1: more to come, 0: the input ends with a whole frame. */
static int decode_some(LZ4F_dctx *ctx, struct span *in, struct codec_sink *sink)
{
    size_t n;
    int rc;
    uint8_t *room = codec_sink_room(sink, &n, &rc);
    if (!room)
        return rc;
    size_t written = n, taken = in->n;
    size_t hint = LZ4F_decompress(ctx, room, &written, in->p, &taken, NULL);
    if (LZ4F_isError(hint))
        written = taken = 0;
    rc = codec_sink_done(sink, n - written);
    if (rc < 0)
        return rc;
    if (LZ4F_isError(hint) || (hint != 0 && taken == 0 && written == 0))
        return ERR_CODEC; /* rejected, or the input ended too early */
    in->p += taken;
    in->n -= taken;
    return hint != 0 || in->n != 0;
}

static void forget(struct codec_state *k)
{
    LZ4F_freeDecompressionContext(k->lz4);
    k->lz4 = NULL;
}

static LZ4F_dctx *context_of(struct codec_state *k)
{
    LZ4F_dctx *ctx = k->lz4;
    if (ctx)
        LZ4F_resetDecompressionContext(ctx);
    else if (LZ4F_isError(LZ4F_createDecompressionContext(&ctx, LZ4F_VERSION)))
        return NULL;
    k->lz4 = ctx;
    return ctx;
}

/* Read the first frame's header. The context keeps memory for blocks as large as it states. */
static int begin(LZ4F_dctx *ctx, struct span *in, bool *large)
{
    LZ4F_frameInfo_t info;
    size_t taken = in->n;
    if (LZ4F_isError(LZ4F_getFrameInfo(ctx, &info, in->p, &taken)))
        return ERR_CODEC;
    *large = info.blockSizeID > LZ4F_max256KB;
    in->p += taken;
    in->n -= taken;
    return 0;
}

static int expand(struct codec_state *k, struct span in, size_t max, struct wr *out)
{
    LZ4F_dctx *ctx = context_of(k);
    if (!ctx)
        return -ENOMEM;
    struct codec_sink sink = codec_sink_of(out, max);
    bool large = true;
    int rc = begin(ctx, &in, &large);
    if (rc == 0)
        do
            rc = decode_some(ctx, &in, &sink);
        while (rc > 0);
    if (large)
        forget(k);
    return rc;
}

/* Kafka's default level, 9, is the fast compressor; the others are those of the thorough one. */
static int library_level(int level)
{
    return level == CODEC_LEVEL_LZ4 ? 0 : level < LEVEL_MAX ? level : LEVEL_MAX;
}

static int compress(struct span in, int level, struct wr *out)
{
    LZ4F_preferences_t prefs = {
        .frameInfo = {.blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockIndependent},
        .compressionLevel = library_level(level)};
    size_t bound = LZ4F_compressFrameBound(in.n, &prefs);
    uint8_t *room = wr_grow(out, bound);
    if (!room)
        return out->err;
    size_t n = LZ4F_compressFrame(room, bound, in.p, in.n, &prefs);
    if (LZ4F_isError(n)) {
        out->len -= bound;
        return ERR_CODEC;
    }
    out->len -= bound - n;
    return 0;
}

const struct codec codec_lz4 = {expand, forget, compress, CODEC_LEVEL_LZ4};
