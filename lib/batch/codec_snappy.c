/* codec_snappy.c - snappy through libsnappy. Two shapes are in use for Kafka: librdkafka sends one
 * raw snappy block; Java, sarama and kafkajs send the framing of xerial's snappy-java:
 *
 *   82 'S' 'N' 'A' 'P' 'P' 'Y' 00 | version (4 bytes) | oldest compatible version (4) |
 *   blocks: compressed length (4), a raw snappy block
 *
 * Integers are big-endian. Raw blocks state their expanded length in front, so that the bound holds
 * before a byte is expanded.
 *
 * The library is C++, and to load and relocate libstdc++ is a third of what a small program takes
 * to start. So it is not linked but loaded when the first batch needs it (codec_load).
 */
#include <dlfcn.h>
#include <pthread.h>
#include <snappy-c.h>
#include <stdbool.h>

#include "base/rd.h"
#include "batch/codec_impl.h"

enum {
    XERIAL_HEADER = 16,
    XERIAL_VERSION = 1,
    XERIAL_BLOCK = 32 << 10, /* what snappy-java puts into a block */
    /* No element of the format gives more than 64 bytes for 3, so no block expands more than this:
     * a longer statement is a lie, not worth its memory. */
    RATIO_MAX = 32
};
static const uint8_t xerial_magic[8] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};

/* What is called of it, of the header's types. */
#define CALLS(X) X(max_compressed_length) X(compress) X(uncompressed_length) X(uncompress)
static struct {
#define X(call) __typeof__(snappy_##call) *call;
    CALLS(X)
#undef X
    pthread_once_t once;
    int rc;
} lib = {.once = PTHREAD_ONCE_INIT};

static void load(void)
{
    void *so = dlopen(SNAPPY_SO, RTLD_NOW | RTLD_LOCAL);
#define X(call)                                           \
    if (so)                                               \
        *(void **)&lib.call = dlsym(so, "snappy_" #call); \
    if (!lib.call)                                        \
        lib.rc = ERR_LIBRARY;
    CALLS(X)
#undef X
}

int codec_snappy_load(void)
{
    pthread_once(&lib.once, load);
    return lib.rc;
}

static bool is_xerial(struct span in)
{
    return in.n >= sizeof xerial_magic && memcmp(in.p, xerial_magic, sizeof xerial_magic) == 0;
}

static int expand_block(struct span in, size_t max, struct wr *out)
{
    size_t n;
    if (lib.uncompressed_length((const char *)in.p, in.n, &n) != SNAPPY_OK)
        return ERR_CODEC;
    size_t size = n;
    if (n > max)
        return ERR_TOOBIG;
    if (n / RATIO_MAX > in.n)
        return ERR_CODEC;
    uint8_t *room = wr_grow(out, n);
    if (!room)
        return out->err;
    if (lib.uncompress((const char *)in.p, in.n, (char *)room, &n) != SNAPPY_OK) {
        out->len -= size;
        return ERR_CODEC;
    }
    return 0;
}

static int expand_xerial(struct span in, size_t max, struct wr *out)
{
    struct rd r = rd_of(in.p, in.n);
    size_t start = out->len;
    rd_take(&r, sizeof xerial_magic);
    uint32_t version = rd_be32(&r);
    rd_be32(&r); /* the writer's oldest compatible version */
    if (r.err || version < XERIAL_VERSION)
        return ERR_CODEC;
    while (rd_left(&r)) {
        size_t n = rd_be32(&r);
        struct span block = rd_span(&r, n);
        if (r.err)
            return ERR_CODEC;
        int rc = expand_block(block, max - (out->len - start), out);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int expand(struct codec_state *k, struct span in, size_t max, struct wr *out)
{
    (void)k;
    int rc = codec_snappy_load();
    if (rc)
        return rc;
    return is_xerial(in) ? expand_xerial(in, max, out) : expand_block(in, max, out);
}

static int compress_block(struct span in, struct wr *out)
{
    size_t n = lib.max_compressed_length(in.n);
    size_t bound = n;
    size_t at = out->len;
    wr_be32(out, 0);
    uint8_t *room = wr_grow(out, bound);
    if (!room)
        return out->err;
    if (lib.compress((const char *)in.p, in.n, (char *)room, &n) != SNAPPY_OK)
        return ERR_CODEC;
    out->len -= bound - n;
    wr_patch_be32(out, at, (uint32_t)n);
    return 0;
}

static int compress(struct span in, int level, struct wr *out)
{
    (void)level;
    int rc = codec_snappy_load();
    if (rc)
        return rc;
    wr_bytes(out, xerial_magic, sizeof xerial_magic);
    wr_be32(out, XERIAL_VERSION);
    wr_be32(out, XERIAL_VERSION);
    while (in.n) {
        size_t n = in.n < XERIAL_BLOCK ? in.n : XERIAL_BLOCK;
        rc = compress_block(span_of(in.p, n), out);
        if (rc < 0)
            return rc;
        in.p += n;
        in.n -= n;
    }
    return out->err;
}

const struct codec codec_snappy = {expand, NULL, compress, 0};
