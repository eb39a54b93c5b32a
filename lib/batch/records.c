/* records.c - walk the records of a batch. A record, in varints where nothing else is said:
 *
 *   length | attributes (1 byte, unused) | timestamp delta (64 bits) | offset delta |
 *   key length, key | value length, value |
 *   header count, headers: key length, key, value length, value
 *
 * A length of -1 is a null; a header's key cannot be null.
 */
#include "batch/records.h"

#include "batch/codec.h"

enum { ROOM_KEPT = 1 << 20 }; /* bytes: more is not kept for the next batch */

int records_init(struct records *it, struct span s, size_t max_expanded)
{
    return records_init_kept(it, s, max_expanded, NULL);
}

static int expand(struct records *it, struct span body, size_t max)
{
    struct codec_state *k = it->state;
    enum batch_codec codec = batch_codec(&it->batch);
    if (!k)
        return codec_expand(codec, body, max, &it->expanded);
    it->expanded = k->room;
    wr_init(&k->room, 0);
    return codec_expand_kept(k, codec, body, max, &it->expanded);
}

int records_init_kept(struct records *it, struct span s, size_t max_expanded,
                      struct codec_state *state)
{
    *it = (struct records){.after_delta = -1, .state = state};
    wr_init(&it->expanded, 0);
    int rc = batch_peek(s, &it->batch);
    if (rc < 0)
        return rc;
    if (batch_size(&it->batch) > s.n)
        return ERR_SHORT;
    if (batch_size(&it->batch) < s.n || it->batch.count < 0)
        return ERR_MALFORMED;
    struct span body = span_of(s.p + BATCH_HEADER, s.n - BATCH_HEADER);
    if (batch_codec(&it->batch) != BATCH_NONE) {
        rc = expand(it, body, max_expanded);
        if (rc < 0)
            return rc;
        body = span_of(it->expanded.buf, it->expanded.len);
    }
    it->rd = rd_of(body.p, body.n);
    return 0;
}

void records_release(struct records *it)
{
    if (it->state && !it->state->room.buf && it->expanded.cap <= ROOM_KEPT) {
        wr_reset(&it->expanded);
        it->state->room = it->expanded;
        wr_init(&it->expanded, 0);
    }
    wr_free(&it->expanded);
}

/* A length and that many bytes; -1 gives a null, which only `nullable` ones may be. */
static struct span take_bytes(struct rd *r, bool nullable)
{
    int32_t n = rd_varint32(r);
    if (n >= 0)
        return rd_span(r, (size_t)n);
    if (n != -1 || !nullable)
        rd_fail(r, ERR_MALFORMED);
    return span_of(NULL, 0);
}

int record_header_next(struct rd *r, struct record_header *h)
{
    if (r->err)
        return ERR_MALFORMED;
    if (!rd_left(r))
        return 0;
    h->key = take_bytes(r, false);
    h->value = take_bytes(r, true);
    return r->err ? ERR_MALFORMED : 1;
}

/* The rest of a record is its headers: as many as it says, to its last byte. */
static void take_headers(struct rd *r, struct record *rec)
{
    struct record_header h;
    rec->n_headers = rd_varint32(r);
    rec->headers = rd_span(r, rd_left(r));
    struct rd walk = rd_of(rec->headers.p, rec->headers.n);
    int32_t seen = 0;
    int rc;
    while ((rc = record_header_next(&walk, &h)) > 0)
        seen++;
    if (rc < 0 || seen != rec->n_headers)
        rd_fail(r, ERR_MALFORMED);
}

static void take_record(struct rd *r, const struct batch *b, struct record *rec)
{
    rd_u8(r);
    rec->timestamp_delta = rd_varint64(r);
    rec->offset_delta = rd_varint32(r);
    rec->key = take_bytes(r, true);
    rec->value = take_bytes(r, true);
    take_headers(r, rec);
    if (__builtin_add_overflow(b->base_timestamp, rec->timestamp_delta, &rec->timestamp))
        rd_fail(r, ERR_MALFORMED);
    if (b->attributes & BATCH_ATTR_APPEND_TIME)
        rec->timestamp = b->max_timestamp;
}

int records_next(struct records *it, struct record *r)
{
    struct rd *rd = &it->rd;
    if (!rd->err && it->next == it->batch.count && rd_left(rd) == 0)
        return 0;
    if (rd->err || it->next == it->batch.count)
        return ERR_MALFORMED;

    const uint8_t *from = rd->p;
    int32_t length = rd_varint32(rd);
    struct span body = rd_span(rd, length < 0 ? SIZE_MAX : (size_t)length);
    if (rd->err)
        return ERR_MALFORMED;
    struct rd in = rd_of(body.p, body.n);
    take_record(&in, &it->batch, r);
    if (in.err || r->offset_delta <= it->after_delta ||
        r->offset_delta > it->batch.last_offset_delta) {
        rd_fail(rd, ERR_MALFORMED);
        return ERR_MALFORMED;
    }
    r->offset = it->batch.base_offset + r->offset_delta; /* not above the last one, which fits */
    r->size = (size_t)(rd->p - from);
    it->after_delta = r->offset_delta;
    it->next++;
    return 1;
}
