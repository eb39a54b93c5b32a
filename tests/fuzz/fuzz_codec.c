/* fuzz_codec.c - the codecs, as far as they are ours: output is bounded whatever the input claims,
 * what was compressed expands to the same, contexts that are kept change nothing, and gzip expands
 * what zlib does, to the same.
 *
 *   u8 codec, u8 bound (in units of 64 bytes), the bytes
 */
#include "batch/codec.h"

#include <zlib.h>

#include "batch/codec_impl.h"
#include "tests/fuzz/fuzz.h"

static void bounded(enum batch_codec c, struct span in, size_t max)
{
    struct wr w, again;
    wr_init(&w, 0);
    wr_u8(&w, 0xaa); /* appending leaves alone what is there */
    int rc = codec_expand(c, in, max, &w);
    must(w.len >= 1 && w.buf[0] == 0xaa);
    must(rc < 0 || w.len - 1 <= max);
    must(w.cap <= 4 * max + (64 << 10));
    if (rc == 0 && w.len > 1) {
        wr_init(&again, 0);
        must(codec_expand(c, in, w.len - 2, &again) == ERR_TOOBIG);
        wr_free(&again);
    }
    wr_free(&w);
}

static void comes_back(enum batch_codec c, struct span in)
{
    struct wr small, big;
    wr_init(&small, 0);
    wr_init(&big, 0);
    must(codec_compress(c, in, &small) == 0);
    must(codec_expand(c, span_of(small.buf, small.len), in.n, &big) == 0);
    must(big.len == in.n && (in.n == 0 || memcmp(big.buf, in.p, in.n) == 0));
    wr_free(&small);
    wr_free(&big);
}

/* Contexts that are kept have forgotten the batch before, whatever it was. */
static void is_forgotten(enum batch_codec c, struct span in, size_t max)
{
    static const char whole[] = "whole, whole, and whole again";
    struct codec_state k;
    struct wr fresh, kept, small;
    wr_init(&fresh, 0);
    wr_init(&kept, 0);
    wr_init(&small, 0);
    codec_state_init(&k);
    int rc = codec_expand(c, in, max, &fresh);
    for (int i = 0; i < 2; i++) {
        wr_reset(&kept);
        must(codec_expand_kept(&k, c, in, max, &kept) == rc);
        must(rc ||
             (kept.len == fresh.len && (!kept.len || !memcmp(kept.buf, fresh.buf, kept.len))));
    }
    if (c < BATCH_CODECS) {
        wr_reset(&kept);
        must(codec_compress(c, span_of(whole, sizeof whole), &small) == 0);
        must(codec_expand_kept(&k, c, span_of(small.buf, small.len), sizeof whole, &kept) == 0);
        must(kept.len == sizeof whole && memcmp(kept.buf, whole, sizeof whole) == 0);
    }
    codec_state_release(&k);
    wr_free(&fresh);
    wr_free(&kept);
    wr_free(&small);
}

/* The bytes are a deflate stream. What zlib makes of it; bytes behind its end do not count. */
static bool inflates(struct span *in, uint8_t *room, size_t *n)
{
    z_stream z = {.next_in = (z_const Bytef *)in->p, .avail_in = (uInt)in->n};
    must(inflateInit2(&z, -15) == Z_OK);
    z.next_out = room;
    z.avail_out = (uInt)*n;
    bool whole = inflate(&z, Z_FINISH) == Z_STREAM_END;
    *n = z.total_out;
    in->n = z.total_in;
    inflateEnd(&z);
    return whole;
}

/* Then it is a member of gzip, and neither ISA-L nor zlib may see it otherwise, nor a second one.
 */
static void is_gzip(struct span in)
{
    static uint8_t whole[256 << 10];
    size_t n = sizeof whole;
    if (!inflates(&in, whole, &n))
        return;
    struct wr packed, out;
    wr_init(&packed, 0);
    wr_init(&out, 0);
    for (size_t members = 1; members <= 2; members++) {
        wr_bytes(&packed, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
        wr_bytes(&packed, in.p, in.n);
        wr_le32(&packed, (uint32_t)crc32(0, whole, (uInt)n));
        wr_le32(&packed, (uint32_t)n);
        struct codec_state k;
        codec_state_init(&k);
        wr_reset(&out);
        must(codec_igzip_expand(&k, span_of(packed.buf, packed.len), members * n, &out) == 0);
        must(out.len == members * n);
        for (size_t i = 0; n && i < members; i++)
            must(memcmp(out.buf + i * n, whole, n) == 0);
        codec_state_release(&k);
    }
    wr_free(&packed);
    wr_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n);
    uint8_t how = rd_u8(&in);
    enum batch_codec c = (enum batch_codec)(how % 8);
    size_t max = rd_u8(&in) * 64u;
    struct span bytes = fuzz_rest(&in);
    bounded(c, bytes, max);
    if (how & 32)
        is_gzip(bytes);
    if (how & 16)
        is_forgotten(c, bytes, max);
    if (how & 8 && c < BATCH_CODECS)
        comes_back(c, bytes);
    return 0;
}
