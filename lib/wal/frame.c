/* frame.c - frames and their bodies. */
#include "base/endian.h"
#include "wal/wal.h"

int wal_frame_next(struct span payload, size_t *at, struct wal_frame *f)
{
    if (*at > payload.n)
        return ERR_MALFORMED;
    const uint8_t *p = payload.p + *at;
    size_t left = payload.n - *at;
    if (left == 0)
        return 0;
    if (left < WAL_FRAME_HEADER || get_le16(p + 2) != 0)
        return ERR_MALFORMED;
    uint32_t n = get_le32(p + 4);
    if (n > left - WAL_FRAME_HEADER)
        return ERR_MALFORMED;
    *f = (struct wal_frame){.type = p[0], .flags = p[1], .body = span_of(p + WAL_FRAME_HEADER, n)};
    *at += WAL_FRAME_HEADER + n;
    return 1;
}

static struct uuid get_uuid(const uint8_t *p)
{
    struct uuid u;
    memcpy(u.b, p, sizeof u.b);
    return u;
}

static void put_uuid(uint8_t *p, const struct uuid *u)
{
    memcpy(p, u->b, sizeof u->b);
}

int wal_batch_decode(struct span body, struct wal_batch *b)
{
    if (body.n < WAL_BATCH_FIXED)
        return ERR_MALFORMED;
    b->topic_id = get_uuid(body.p);
    b->partition = get_le32(body.p + 16);
    b->batch = span_of(body.p + WAL_BATCH_FIXED, body.n - WAL_BATCH_FIXED);
    return 0;
}

void wal_batch_encode(uint8_t *body, const struct wal_batch *b)
{
    put_uuid(body, &b->topic_id);
    put_le32(body + 16, b->partition);
}

int wal_trim_decode(struct span body, struct wal_trim *t)
{
    if (body.n != WAL_TRIM_SIZE)
        return ERR_MALFORMED;
    t->topic_id = get_uuid(body.p);
    t->partition = get_le32(body.p + 16);
    t->log_start = (int64_t)get_le64(body.p + 20);
    return 0;
}

void wal_trim_encode(uint8_t body[WAL_TRIM_SIZE], const struct wal_trim *t)
{
    put_uuid(body, &t->topic_id);
    put_le32(body + 16, t->partition);
    put_le64(body + 20, (uint64_t)t->log_start);
}

int wal_open_decode(struct span body, struct wal_open *o)
{
    if (body.n != WAL_OPEN_SIZE)
        return ERR_MALFORMED;
    o->term = get_le64(body.p);
    o->vote = get_le64(body.p + 8);
    o->prev.segment = get_le64(body.p + 16);
    o->prev.offset = get_le64(body.p + 24);
    return 0;
}

void wal_open_encode(uint8_t body[WAL_OPEN_SIZE], const struct wal_open *o)
{
    put_le64(body, o->term);
    put_le64(body + 8, o->vote);
    put_le64(body + 16, o->prev.segment);
    put_le64(body + 24, o->prev.offset);
}

int wal_state_decode(struct span body, struct wal_state *s)
{
    if (body.n != WAL_STATE_SIZE)
        return ERR_MALFORMED;
    s->term = get_le64(body.p);
    s->vote = get_le64(body.p + 8);
    return 0;
}

void wal_state_encode(uint8_t body[WAL_STATE_SIZE], const struct wal_state *s)
{
    put_le64(body, s->term);
    put_le64(body + 8, s->vote);
}

int wal_roll_decode(struct span body, uint64_t *next)
{
    if (body.n != WAL_ROLL_SIZE)
        return ERR_MALFORMED;
    *next = get_le64(body.p);
    return 0;
}

void wal_roll_encode(uint8_t body[WAL_ROLL_SIZE], uint64_t next)
{
    put_le64(body, next);
}

int wal_topic_decode(struct span body, struct wal_topic *t)
{
    if (body.n <= WAL_TOPIC_FIXED)
        return ERR_MALFORMED;
    t->topic_id = get_uuid(body.p);
    t->name = span_of(body.p + WAL_TOPIC_FIXED, body.n - WAL_TOPIC_FIXED);
    return 0;
}

void wal_topic_encode(uint8_t *body, const struct wal_topic *t)
{
    put_uuid(body, &t->topic_id);
}
