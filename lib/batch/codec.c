/* codec.c - choose the codec, bound its output. */
#include "batch/codec.h"

#include "batch/codec_impl.h"

static const struct codec *const codecs[BATCH_CODECS] = {
    [BATCH_GZIP] = &codec_gzip,
    [BATCH_SNAPPY] = &codec_snappy,
    [BATCH_LZ4] = &codec_lz4,
    [BATCH_ZSTD] = &codec_zstd,
};

int codec_load(struct err *e)
{
    int rc = codec_snappy_load();
    return rc ? err_code(e, rc, "%s", SNAPPY_SO) : 0;
}

void codec_state_init(struct codec_state *k)
{
    *k = (struct codec_state){0};
    wr_init(&k->room, 0);
}

void codec_state_release(struct codec_state *k)
{
    for (int c = 0; c < BATCH_CODECS; c++)
        if (codecs[c] && codecs[c]->forget)
            codecs[c]->forget(k);
    wr_free(&k->room);
}

int codec_expand(enum batch_codec c, struct span in, size_t max, struct wr *out)
{
    struct codec_state k;
    codec_state_init(&k);
    int rc = codec_expand_kept(&k, c, in, max, out);
    codec_state_release(&k);
    return rc;
}

int codec_expand_kept(struct codec_state *k, enum batch_codec c, struct span in, size_t max,
                      struct wr *out)
{
    if (c == BATCH_NONE) {
        if (in.n > max)
            return ERR_TOOBIG;
        wr_bytes(out, in.p, in.n);
        return out->err;
    }
    if (c >= BATCH_CODECS)
        return ERR_CODEC;
    return codecs[c]->expand(k, in, max, out);
}

int codec_compress_at(enum batch_codec c, int level, struct span in, struct wr *out)
{
    if (c == BATCH_NONE) {
        wr_bytes(out, in.p, in.n);
        return out->err;
    }
    if (c >= BATCH_CODECS)
        return ERR_INVALID;
    return codecs[c]->compress(in, level, out);
}

int codec_compress(enum batch_codec c, struct span in, struct wr *out)
{
    return codec_compress_at(c, c < BATCH_CODECS && codecs[c] ? codecs[c]->level : 0, in, out);
}

enum { ROOM_MIN = 16 << 10 };

struct codec_sink codec_sink_of(struct wr *out, size_t max)
{
    struct codec_sink s = {out, out->len, max < SIZE_MAX ? max : SIZE_MAX - 1};
    return s;
}

uint8_t *codec_sink_room(struct codec_sink *s, size_t *n, int *rc)
{
    size_t have = s->out->len - s->start;
    size_t left = s->max + 1 - have;
    size_t spare = s->out->cap - s->out->len;
    size_t want = have > ROOM_MIN ? have : ROOM_MIN;
    if (want < spare)
        want = spare;
    *n = want < left ? want : left;
    uint8_t *p = wr_grow(s->out, *n);
    *rc = p ? 0 : s->out->err;
    return p;
}

int codec_sink_done(struct codec_sink *s, size_t unused)
{
    s->out->len -= unused;
    return s->out->len - s->start > s->max ? ERR_TOOBIG : 0;
}
