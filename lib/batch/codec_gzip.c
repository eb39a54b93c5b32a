/* codec_gzip.c - gzip: compressed by zlib, expanded by ISA-L, and by zlib where ISA-L refuses: its
 * word is final. A stream may hold several members (RFC 1952, 2.2). */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <zlib.h>

#include "batch/codec.h"
#include "batch/codec_impl.h"

enum { GZIP_ONLY = 15 + 16 }; /* the largest window, and the gzip wrapper */

/* zlib counts in unsigned int; batches are smaller than that. */
static bool fits(size_t n)
{
    return n <= UINT_MAX;
}

static int map_error(int zrc)
{
    return zrc == Z_MEM_ERROR ? -ENOMEM : ERR_CODEC;
}

/* Inflate into one room. 1: more to come, 0: the last member has ended. */
static int inflate_some(z_stream *z, struct codec_sink *sink)
{
    size_t n;
    int rc;
    uint8_t *room = codec_sink_room(sink, &n, &rc);
    if (!room)
        return rc;
    z->next_out = room;
    z->avail_out = (uInt)(fits(n) ? n : UINT_MAX);
    size_t beyond = n - z->avail_out;
    int zrc = inflate(z, Z_NO_FLUSH);
    rc = codec_sink_done(sink, z->avail_out + beyond);
    if (rc < 0)
        return rc;
    if (zrc == Z_STREAM_END)
        return z->avail_in == 0 ? 0 : (inflateReset(z) == Z_OK ? 1 : ERR_CODEC);
    return zrc == Z_OK ? 1 : map_error(zrc); /* Z_BUF_ERROR: the input ended too early */
}

static int zlib_expand(struct span in, size_t max, struct wr *out)
{
    if (!fits(in.n))
        return ERR_TOOBIG;
    z_stream z = {.next_in = (z_const Bytef *)in.p, .avail_in = (uInt)in.n};
    int zrc = inflateInit2(&z, GZIP_ONLY);
    if (zrc != Z_OK)
        return map_error(zrc);
    struct codec_sink sink = codec_sink_of(out, max);
    int rc;
    do
        rc = inflate_some(&z, &sink);
    while (rc > 0);
    inflateEnd(&z);
    return rc;
}

static int expand(struct codec_state *k, struct span in, size_t max, struct wr *out)
{
    size_t start = out->len;
    int rc = codec_igzip_expand(k, in, max, out);
    if (rc != ERR_CODEC)
        return rc;
    out->len = start;
    return zlib_expand(in, max, out);
}

static int compress_all(struct span in, int level, struct wr *out)
{
    if (!fits(in.n))
        return ERR_TOOBIG;
    z_stream z = {.next_in = (z_const Bytef *)in.p, .avail_in = (uInt)in.n};
    int zrc = deflateInit2(&z, level, Z_DEFLATED, GZIP_ONLY, 8, Z_DEFAULT_STRATEGY);
    if (zrc != Z_OK)
        return map_error(zrc);
    size_t bound = deflateBound(&z, (uLong)in.n);
    uint8_t *room = fits(bound) ? wr_grow(out, bound) : NULL;
    int rc = 0;
    if (room) {
        z.next_out = room;
        z.avail_out = (uInt)bound;
        rc = deflate(&z, Z_FINISH) == Z_STREAM_END ? 0 : ERR_CODEC;
        out->len -= z.avail_out;
    } else {
        rc = out->err ? out->err : ERR_TOOBIG;
    }
    deflateEnd(&z);
    return rc;
}

const struct codec codec_gzip = {expand, codec_igzip_forget, compress_all, CODEC_LEVEL_GZIP};
