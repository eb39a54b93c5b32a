/* payload.c - the payload of one group, built in the buffer it will be written from: the group
 * header has its room in front, so that header, payload and padding leave in one piece. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "wal/writer.h"

/* Room for n payload bytes, header and padding. The length field of the format bounds n. */
static int reserve(struct wal_payload *p, size_t n)
{
    if (n > UINT32_MAX)
        return ERR_TOOBIG;
    size_t need = (size_t)wal_group_bytes((uint32_t)n);
    if (need <= p->cap)
        return 0;
    size_t cap = p->cap ? p->cap : WAL_BLOCK;
    while (cap < need)
        cap *= 2;
    uint8_t *mem = aligned_alloc(WAL_BLOCK, cap);
    if (!mem)
        return -ENOMEM;
    if (p->mem)
        memcpy(mem, p->mem, WAL_GROUP_HEADER + p->len);
    free(p->mem);
    p->mem = mem;
    p->cap = cap;
    return 0;
}

int wal_payload_init(struct wal_payload *p, size_t n)
{
    memset(p, 0, sizeof *p);
    int rc = reserve(p, n > WAL_PAYLOAD_HEADER ? n : WAL_PAYLOAD_HEADER);
    if (rc == 0)
        wal_payload_reset(p);
    return rc;
}

void wal_payload_release(struct wal_payload *p)
{
    free(p->mem);
    memset(p, 0, sizeof *p);
}

void wal_payload_reset(struct wal_payload *p)
{
    p->len = WAL_PAYLOAD_HEADER;
    memset(p->mem, 0, WAL_GROUP_HEADER + WAL_PAYLOAD_HEADER);
}

uint8_t *wal_payload_frame(struct wal_payload *p, enum wal_frame_type type, uint8_t flags, size_t n)
{
    size_t len;
    if (n > UINT32_MAX || __builtin_add_overflow(p->len, n + WAL_FRAME_HEADER, &len) ||
        reserve(p, len) != 0)
        return NULL;
    uint8_t *f = p->mem + WAL_GROUP_HEADER + p->len;
    f[0] = (uint8_t)type;
    f[1] = flags;
    put_le16(f + 2, 0);
    put_le32(f + 4, (uint32_t)n);
    p->len = len;
    return f + WAL_FRAME_HEADER;
}

int wal_payload_set(struct wal_payload *p, struct span payload)
{
    if (payload.n < WAL_PAYLOAD_HEADER)
        return ERR_MALFORMED;
    int rc = reserve(p, payload.n);
    if (rc != 0)
        return rc;
    memcpy(p->mem + WAL_GROUP_HEADER, payload.p, payload.n);
    p->len = payload.n;
    return 0;
}

void wal_payload_stamp(struct wal_payload *p, uint64_t meta_index, int64_t wall_ms)
{
    put_le64(p->mem + WAL_GROUP_HEADER, meta_index);
    put_le64(p->mem + WAL_GROUP_HEADER + 8, (uint64_t)wall_ms);
}
