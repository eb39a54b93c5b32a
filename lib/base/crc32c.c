#include "base/crc32c.h"

#include <isa-l/crc.h>
#include <limits.h>

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    const uint8_t *at = p;
    crc = ~crc; /* ISA-L leaves both inversions of the standard to its caller */
    while (n > 0) {
        size_t part = n < INT_MAX ? n : INT_MAX;
        crc = crc32_iscsi((unsigned char *)at, (int)part, crc);
        at += part;
        n -= part;
    }
    return ~crc;
}
