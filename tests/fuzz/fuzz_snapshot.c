/* fuzz_snapshot.c - a metadata snapshot: what can be read is an image that holds (image.h).
 *
 *   u8 flags; then the file itself, or with LAID_OUT what it is made of:
 *     sections: u8 type, u8 flags, then records, a u16 length and so many bytes, up to an empty one
 *   LAID_OUT: magics, sizes, counts and checksums are right
 *   RENUMBERED: the number of sections in the header is one more
 */
#include <string.h>

#include "base/crc32c.h"
#include "meta/snapshot_format.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/image.h"
#include "tests/fuzz/kp.h"

enum { LAID_OUT = 1, RENUMBERED = 2 };
enum { SECTIONS = 12 };

static void put_section(struct wr *w, struct rd *in)
{
    size_t at = w->len;
    uint32_t records = 0;
    wr_le32(w, rd_u8(in));
    wr_le32(w, rd_u8(in));
    wr_zero(w, SNAPSHOT_SECTION - 8);
    for (uint16_t n; (n = rd_be16(in)) != 0; records++) {
        struct span bytes = fuzz_some(in, n);
        wr_le32(w, (uint32_t)bytes.n);
        wr_bytes(w, bytes.p, bytes.n);
    }
    must(!w->err);
    uint8_t *p = w->buf + at;
    put_le64(p + 8, w->len - at - SNAPSHOT_SECTION);
    put_le32(p + 16, records);
    uint32_t crc = crc32c(0, p, SNAPSHOT_SECTION_CRC_AT);
    crc = crc32c(crc, p + SNAPSHOT_SECTION, w->len - at - SNAPSHOT_SECTION);
    put_le32(p + SNAPSHOT_SECTION_CRC_AT, crc);
}

static void lay_out(struct wr *w, struct rd *in, uint8_t flags)
{
    wr_bytes(w, snapshot_magic, SNAPSHOT_MAGIC);
    wr_le32(w, SNAPSHOT_FORMAT);
    wr_le32(w, SNAPSHOT_HEADER);
    wr_zero(w, 16 + 8 + 8 + 8 + 8 + 8 + 8);
    uint32_t sections = 0;
    for (; sections < SECTIONS && rd_left(in); sections++)
        put_section(w, in);
    wr_bytes(w, snapshot_end_magic, SNAPSHOT_MAGIC);
    wr_zero(w, 8);
    must(!w->err);
    put_le64(w->buf + 40, 9);
    put_le64(w->buf + 48, 2);
    put_le64(w->buf + SNAPSHOT_SIZE_AT, w->len);
    put_le32(w->buf + 72, sections + (flags & RENUMBERED ? 1 : 0));
    put_le32(w->buf + SNAPSHOT_HEADER_CRC_AT, crc32c(0, w->buf, SNAPSHOT_HEADER));
    put_le32(w->buf + w->len - 4, crc32c(0, w->buf, w->len - 4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n);
    struct meta_image *m = NULL;
    struct err e = {0};
    struct wr w;
    uint64_t fault = 0;
    uint8_t flags = rd_u8(&in);
    wr_init(&w, 0);
    if (flags & LAID_OUT) {
        lay_out(&w, &in, flags);
    } else {
        struct span all = fuzz_rest(&in);
        wr_bytes(&w, all.p, all.n);
    }
    struct span file = span_of(w.buf, w.len);
    int rc = meta_snapshot_decode(file, NULL, &m, &fault, &e);
    must(rc == 0 || ((rc == ERR_CORRUPT || rc == ERR_VERSION) && e.text[0]));
    must(rc == 0 || fault <= file.n);
    if (rc == 0) {
        struct meta_snapshot_header h;
        must(meta_snapshot_header_decode(file, &h, NULL) == 0);
        must(h.index == meta_index(m) && h.size == file.n);
        fuzz_image_holds(m);
    }
    meta_image_unref(m);
    wr_free(&w);
    return 0;
}

/* ---- other snapshots */

static const struct {
    uint8_t type;
    const struct kp_schema *schema;
} kinds[] = {
#define META_SECTION(name, number, schema, sentence) {number, &meta_##schema##_schema},
#include "meta/section.def"
#undef META_SECTION
};

static size_t make_snapshot(uint8_t *p, size_t max, unsigned seed)
{
    struct wr w;
    uint8_t record[2048] = {0};
    wr_init(&w, max);
    wr_u8(&w, LAID_OUT);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        wr_u8(&w, kinds[i].type);
        wr_u8(&w, 0);
        for (unsigned k = i == 0 ? 1 : (seed >> (2 * i)) % 4; k > 0; k--) {
            /* the record's version stands in front */
            size_t n = fuzz_kp_random(kinds[i].schema, 0, seed + k, record + 2, sizeof record - 2);
            wr_be16(&w, (uint16_t)(n + 2));
            wr_bytes(&w, record, n + 2);
        }
        wr_be16(&w, 0);
    }
    size_t n = w.err ? 0 : w.len;
    if (n)
        memcpy(p, w.buf, n);
    wr_free(&w);
    return n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
    if (seed % 128 == 0)
        n = make_snapshot(data, max, seed / 128);
    return LLVMFuzzerMutate(data, n, max);
}
