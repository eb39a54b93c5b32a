/* filter.c - one pass over the records gathers those that stay, as they are encoded; whether the
 * original will do, or a new batch is made of them, is known behind the last one. */
#include "batch/filter.h"

#include <errno.h>

#include "base/crc32c.h"
#include "batch/codec.h"

/* Where the fields of a header stand; batch.h has them all. */
enum { AT_LENGTH = 8, AT_CRC = 17, AT_ATTRIBUTES = 21, AT_BASE_TIME = 27, AT_MAX_TIME = 35 };
enum { AT_COUNT = 57, NO_TIMESTAMP = -1 };

/* What was found to stay. */
struct kept {
    struct wr records; /* as they were encoded */
    int32_t count;
    int64_t max_timestamp;
    bool all, tombstones;
};

static int gather(struct records *it, const struct batch_filter *f, struct kept *k)
{
    struct record r;
    int rc;
    k->all = true;
    k->max_timestamp = NO_TIMESTAMP;
    while ((rc = records_next(it, &r)) > 0) {
        if (!f->keep(f->ctx, &it->batch, &r)) {
            k->all = false;
            continue;
        }
        wr_bytes(&k->records, it->rd.p - r.size, r.size);
        k->tombstones |= !r.value.p;
        if (k->count++ == 0 || r.timestamp > k->max_timestamp)
            k->max_timestamp = r.timestamp;
    }
    return rc < 0 ? rc : k->records.err;
}

/* One record again, its timestamp relative to another base. */
static int rebase_record(struct rd *in, int64_t from, int64_t to, struct wr *out)
{
    uint8_t head[32];
    struct wr w = {.buf = head, .cap = sizeof head, .max = sizeof head};
    int32_t length = rd_varint32(in);
    struct rd r = rd_of(in->p, length < 0 ? 0 : (size_t)length);
    int64_t delta;

    rd_take(in, length < 0 ? SIZE_MAX : (size_t)length);
    uint8_t attributes = rd_u8(&r);
    if (__builtin_add_overflow(rd_varint64(&r), from, &delta) ||
        __builtin_sub_overflow(delta, to, &delta))
        return ERR_INVALID;
    wr_u8(&w, attributes);
    wr_varint(&w, delta);
    if (in->err || r.err)
        return ERR_MALFORMED;
    size_t rest = rd_left(&r), size = w.len + rest;
    if (size > INT32_MAX)
        return ERR_TOOBIG;
    wr_varint(out, (int64_t)size);
    wr_bytes(out, w.buf, w.len);
    wr_bytes(out, r.p, rest);
    return out->err;
}

/* Timestamps relative to the delete horizon. ERR_INVALID if one is too far from it. */
static int rebase(const struct kept *k, int64_t from, int64_t to, struct wr *out)
{
    struct rd in = rd_of(k->records.buf, k->records.len);
    int rc = 0;
    while (rc == 0 && rd_left(&in))
        rc = rebase_record(&in, from, to, out);
    return rc;
}

static void put_header(struct span original, struct wr *out)
{
    wr_bytes(out, original.p, BATCH_HEADER);
}

/* Length and CRC of the batch that begins at `at` and fills out. */
static int seal(struct wr *out, size_t at)
{
    size_t n = out->len - at;
    if (out->err)
        return out->err;
    if (n - BATCH_PREFIX > INT32_MAX)
        return ERR_TOOBIG;
    wr_patch_be32(out, at + AT_LENGTH, (uint32_t)(n - BATCH_PREFIX));
    wr_patch_be32(out, at + AT_CRC, crc32c(0, out->buf + at + BATCH_CRC_FROM, n - BATCH_CRC_FROM));
    return 0;
}

static int write_records(struct span s, const struct batch *b, const struct kept *k,
                         const int64_t *horizon, struct span records, struct wr *out)
{
    size_t at = out->len;
    put_header(s, out);
    if (out->err)
        return out->err;
    uint8_t *h = out->buf + at;
    if (horizon) {
        put_be16(h + AT_ATTRIBUTES, (uint16_t)(b->attributes | BATCH_ATTR_DELETE_HORIZON));
        put_be64(h + AT_BASE_TIME, (uint64_t)*horizon);
    }
    if (!(b->attributes & BATCH_ATTR_APPEND_TIME))
        put_be64(h + AT_MAX_TIME, (uint64_t)k->max_timestamp);
    put_be32(h + AT_COUNT, (uint32_t)k->count);
    int rc = 0;
    if (batch_codec(b) == BATCH_NONE)
        wr_bytes(out, records.p, records.n);
    else
        rc = codec_compress(batch_codec(b), records, out);
    return rc < 0 ? rc : seal(out, at);
}

static int write_kept(struct span s, const struct batch *b, const struct kept *k,
                      const int64_t *horizon, struct wr *out)
{
    struct wr moved;
    struct span records = span_of(k->records.buf, k->records.len);
    if (!horizon)
        return write_records(s, b, k, NULL, records, out);
    wr_init(&moved, 0);
    int rc = rebase(k, b->base_timestamp, *horizon, &moved);
    if (rc == 0)
        rc = write_records(s, b, k, horizon, span_of(moved.buf, moved.len), out);
    else if (rc == ERR_INVALID) /* such tombstones stay for ever */
        rc = write_records(s, b, k, NULL, records, out);
    wr_free(&moved);
    return rc;
}

static int write_empty(struct span s, const struct batch *b, struct wr *out)
{
    size_t at = out->len;
    put_header(s, out);
    if (out->err)
        return out->err;
    uint8_t *h = out->buf + at;
    put_be16(h + AT_ATTRIBUTES,
             (uint16_t)(b->attributes & ~(BATCH_ATTR_CODEC | BATCH_ATTR_DELETE_HORIZON)));
    put_be64(h + AT_BASE_TIME, (uint64_t)NO_TIMESTAMP);
    put_be32(h + AT_COUNT, 0);
    return seal(out, at);
}

static int write_rest(struct span s, const struct batch *b, const struct batch_filter *f,
                      const struct kept *k, struct wr *out)
{
    int64_t stated;
    if (k->count == 0 && !f->keep_empty)
        return BATCH_FILTERED_GONE;
    if (k->count == 0 && b->count > 0) {
        int rc = write_empty(s, b, out);
        return rc < 0 ? rc : BATCH_FILTERED_EMPTY;
    }
    bool due = (k->tombstones || f->marker_of_nothing) && !batch_delete_horizon(b, &stated);
    if (k->all && !due) {
        wr_bytes(out, s.p, s.n);
        return out->err ? out->err : BATCH_FILTERED_SAME;
    }
    int rc = write_kept(s, b, k, due ? &f->delete_horizon_ms : NULL, out);
    return rc < 0 ? rc : BATCH_FILTERED_ANEW;
}

int batch_filter(struct span s, const struct batch_filter *f, struct wr *out)
{
    struct records it;
    struct kept k = {0};
    wr_init(&k.records, 0);
    int rc = records_init(&it, s, f->max_expanded);
    if (rc == 0)
        rc = gather(&it, f, &k);
    if (rc == 0)
        rc = write_rest(s, &it.batch, f, &k, out);
    records_release(&it);
    wr_free(&k.records);
    return rc;
}
