/* fuzz_checkpoint.c - a checkpoint file: what can be read is written as the same bytes.
 *
 *   u8 flags, the file
 *   FIX: magic, format, size and CRC are put right
 */
#include <string.h>

#include "base/crc32c.h"
#include "shard/checkpoint.h"
#include "shard/producers.h"
#include "tests/fuzz/fuzz.h"

enum { FIX = 1 };

static void seal(uint8_t *p, size_t n)
{
    memcpy(p, "CHRONCKP", 8);
    put_le32(p + 8, get_le32(p + 164) ? CHECKPOINT_FORMAT_LEAPT : CHECKPOINT_FORMAT);
    put_le32(p + 12, 0);
    put_le64(p + 16, n);
    put_le32(p + 12, crc32c(0, p, n));
}

static void producers_hold(const struct checkpoint_partition *p)
{
    struct producers all = {.applied = NULL};
    struct checkpoint_producer out[64];
    if (p->n_producers <= 64 && producers_load(&all, p->producers, p->n_producers) == 0) {
        must(producers_count(&all) <= p->n_producers);
        producers_save(&all, out);
    }
    producers_release(&all);
}

static void holds(const struct checkpoint *c, struct span file)
{
    struct wr w;
    wr_init(&w, 0);
    checkpoint_encode(c, &w);
    must(!w.err && w.len == file.n && memcmp(w.buf, file.p, file.n) == 0);
    wr_free(&w);
    must(c->sequence > 0);
    for (uint32_t i = 0; i < c->n_partitions; i++) {
        const struct checkpoint_partition *p = &c->partitions[i];
        must(p->partition >= 0 && p->mark.log_start >= 0 && p->mark.log_end >= p->mark.log_start);
        producers_hold(p);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd in = rd_of(data, n);
    uint8_t flags = rd_u8(&in);
    struct span said = fuzz_rest(&in);
    struct wr file;
    struct checkpoint c;
    struct err e = {0};
    wr_init(&file, 0);
    wr_bytes(&file, said.p, said.n);
    must(!file.err);
    if ((flags & FIX) && file.len >= CHECKPOINT_HEADER)
        seal(file.buf, file.len);
    int rc = checkpoint_decode(span_of(file.buf, file.len), &c, &e);
    must(rc == 0 || ((rc == ERR_CORRUPT || rc == ERR_VERSION) && e.text[0]));
    if (rc == 0)
        holds(&c, span_of(file.buf, file.len));
    checkpoint_release(&c);
    wr_free(&file);
    return 0;
}
