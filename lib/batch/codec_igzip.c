/* codec_igzip.c - expand gzip through ISA-L, twice as fast as zlib where there is something to
 * expand. It only goes first: what it takes has the checksum and the size its trailer says, and
 * what it refuses zlib judges again (codec_gzip.c), for on ARM it refuses some good streams
 * before 2.32. Of what zlib refuses it takes code tables that leave codes unused, which no
 * compressor makes. */
#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include "batch/codec.h"
#include "batch/codec_impl.h"

enum { AT_FLAGS = 3, RESERVED = 0xe0 };

static struct inflate_state *state_of(struct codec_state *k)
{
    if (!k->igzip)
        k->igzip = malloc(sizeof(struct inflate_state));
    if (k->igzip)
        isal_inflate_init(k->igzip);
    return k->igzip;
}

/* The library begins with the header, and does not look at the flags that must be 0. */
static bool begin_member(struct inflate_state *z)
{
    isal_inflate_reset(z);
    z->crc_flag = ISAL_GZIP;
    return z->avail_in > AT_FLAGS && !(z->next_in[AT_FLAGS] & RESERVED);
}

/* Inflate into one room. 1: more to come, 0: the last member has ended. */
static int inflate_some(struct inflate_state *z, struct codec_sink *sink)
{
    size_t n;
    int rc;
    uint8_t *room = codec_sink_room(sink, &n, &rc);
    if (!room)
        return rc;
    uint32_t offered = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    z->next_out = room;
    z->avail_out = offered;
    int zrc = isal_inflate(z);
    rc = codec_sink_done(sink, n - offered + z->avail_out);
    if (rc < 0)
        return rc;
    if (zrc != ISAL_DECOMP_OK)
        return ERR_CODEC;
    if (z->block_state != ISAL_BLOCK_FINISH)
        return z->avail_out ? ERR_CODEC : 1; /* room is left: the input ended too early */
    if (!z->avail_in)
        return 0;
    return begin_member(z) ? 1 : ERR_CODEC;
}

int codec_igzip_expand(struct codec_state *k, struct span in, size_t max, struct wr *out)
{
    if (in.n > INT_MAX) /* its sums of sizes are 32 bits */
        return ERR_TOOBIG;
    struct inflate_state *z = state_of(k);
    if (!z)
        return -ENOMEM;
    z->next_in = (uint8_t *)in.p;
    z->avail_in = (uint32_t)in.n;
    struct codec_sink sink = codec_sink_of(out, max);
    int rc = begin_member(z) ? 1 : ERR_CODEC;
    while (rc > 0)
        rc = inflate_some(z, &sink);
    return rc;
}

void codec_igzip_forget(struct codec_state *k)
{
    free(k->igzip);
    k->igzip = NULL;
}
