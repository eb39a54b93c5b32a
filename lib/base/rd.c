#include "base/rd.h"

/* LEB128: seven bits a byte, lowest first, the top bit set on all but the last. bits is the width
 * of the result; a byte that would shift anything beyond it makes the value malformed. */
static uint64_t uvarint(struct rd *r, unsigned bits)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < bits; shift += 7) {
        uint8_t b = rd_u8(r);
        uint64_t part = b & 0x7f;
        if (r->err)
            return 0;
        if (shift + 7 > bits && part >> (bits - shift) != 0)
            break;
        v |= part << shift;
        if (!(b & 0x80))
            return v;
    }
    rd_fail(r, ERR_MALFORMED);
    return 0;
}

uint32_t rd_uvarint32(struct rd *r)
{
    return (uint32_t)uvarint(r, 32);
}

uint64_t rd_uvarint64(struct rd *r)
{
    return uvarint(r, 64);
}

int32_t rd_varint32(struct rd *r)
{
    uint32_t v = rd_uvarint32(r);
    return (int32_t)(v >> 1 ^ (0 - (v & 1)));
}

int64_t rd_varint64(struct rd *r)
{
    uint64_t v = rd_uvarint64(r);
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}
