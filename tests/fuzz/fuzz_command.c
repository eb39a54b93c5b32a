/* fuzz_command.c - entries of shard 0's log, applied one upon the other to an empty image.
 *
 *   entries: u8 kind, u16 length, so many bytes
 *   COMMAND, CHANGE: a frame of that kind; FRAMES: the payload behind its header, as it is
 *
 * Whatever they say, each entry leaves an image that holds (image.h), and one that had no effect
 * leaves all but the index as it was.
 */
#include <string.h>

#include "shard/conf.h"
#include "shard/meta_entry.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/image.h"
#include "tests/fuzz/kp.h"
#include "wal/wal.h"

enum { COMMAND, CHANGE, FRAMES, KINDS };
enum { ENTRIES = 24 };

static void lay_out(struct wr *w, uint8_t kind, struct span bytes)
{
    wr_zero(w, WAL_PAYLOAD_HEADER);
    if (kind % KINDS != FRAMES) {
        wr_u8(w, kind % KINDS == COMMAND ? WAL_COMMAND : WAL_CHANGE);
        wr_zero(w, 3);
        wr_le32(w, (uint32_t)bytes.n);
    }
    wr_bytes(w, bytes.p, bytes.n);
    must(!w->err);
}

static void conf_holds(struct span body)
{
    struct shard_conf c;
    struct wr w;
    if (shard_conf_decode(body, &c) != 0)
        return;
    wr_init(&w, 0);
    shard_conf_encode(&c, &w);
    must(!w.err && w.len == body.n && memcmp(w.buf, body.p, body.n) == 0);
    wr_free(&w);
}

static void no_effect(const struct meta_image *before, const struct meta_image *after)
{
    size_t n[2];
    must(meta_n_topics(before) == meta_n_topics(after));
    must(meta_next_producer_id(before) == meta_next_producer_id(after));
    must(meta_nodes(before, &n[0]) == meta_nodes(after, &n[1]) && n[0] == n[1]);
}

/* Gives whether the log can be followed any further. */
static bool apply(struct meta_image **m, uint64_t index, struct span payload)
{
    struct meta_image *next = NULL;
    struct meta_result res;
    struct err e = {0};
    int rc = shard_meta_apply(*m, index, 1, payload, &next, &res, &e);
    if (rc) {
        must((rc == ERR_MALFORMED || rc == ERR_UNSUPPORTED || rc == ERR_TOOBIG) && e.text[0]);
        must(!next);
        return false;
    }
    must(meta_index(next) == index && meta_term(next) == 1);
    must(res.code == 0 || res.code == ERR_EXISTS || res.code == ERR_NOTFOUND ||
         res.code == ERR_INVALID);
    if (res.code)
        no_effect(*m, next);
    meta_image_unref(*m);
    *m = next;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n);
    struct meta_image *m = meta_image_new(&(struct uuid){{1}});
    struct wr w;
    must(m);
    wr_init(&w, 0);
    bool goes_on = true;
    for (uint64_t index = 1; goes_on && index <= ENTRIES && rd_left(&in); index++) {
        uint8_t kind = rd_u8(&in);
        struct span bytes = fuzz_some(&in, rd_be16(&in));
        wr_reset(&w);
        lay_out(&w, kind, bytes);
        conf_holds(bytes);
        goes_on = apply(&m, index, span_of(w.buf, w.len));
    }
    fuzz_image_holds(m);
    meta_image_unref(m);
    wr_free(&w);
    return 0;
}

/* ---- other entries */

static const struct {
    int16_t type;
    const struct kp_schema *schema;
} commands[] = {
#define META_COMMAND(name, number, schema, sentence) {number, &meta_##schema##_schema},
#include "meta/command.def"
#undef META_COMMAND
};

/* One more command behind the others. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
    enum { HEAD = 3 + 4 };
    if (seed % 32 || n + HEAD >= max)
        return LLVMFuzzerMutate(data, n, max);
    size_t i = seed / 32 % (sizeof commands / sizeof *commands);
    uint8_t *p = data + n;
    size_t body = fuzz_kp_random(commands[i].schema, 0, seed / 32, p + HEAD, max - n - HEAD);
    p[0] = COMMAND;
    put_be16(p + 1, (uint16_t)(body + 4));
    put_be16(p + 3, (uint16_t)commands[i].type);
    put_be16(p + 5, 0);
    return n + HEAD + body;
}
