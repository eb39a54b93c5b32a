#include "client/murmur2.h"

#include "base/endian.h"

uint32_t client_murmur2(struct span key)
{
    const uint32_t m = 0x5bd1e995, seed = 0x9747b28c;
    const uint8_t *p = key.p;
    size_t n = key.n;
    uint32_t h = seed ^ (uint32_t)n;
    for (; n >= 4; p += 4, n -= 4) {
        uint32_t k = get_le32(p) * m;
        k ^= k >> 24;
        h = (h * m) ^ (k * m);
    }
    if (n == 3)
        h ^= (uint32_t)p[2] << 16;
    if (n >= 2)
        h ^= (uint32_t)p[1] << 8;
    if (n >= 1) {
        h ^= p[0];
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    return h ^ h >> 15;
}
