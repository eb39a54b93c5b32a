/* endian.h - unaligned integers of a stated byte order. Kafka's formats are big-endian, Chronik's
 * own files little-endian. */
#ifndef BASE_ENDIAN_H
#define BASE_ENDIAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define BASE_ENDIAN_DEF(order, bits)                                \
    static inline uint##bits##_t get_##order##bits(const void *p)   \
    {                                                               \
        uint##bits##_t v;                                           \
        memcpy(&v, p, sizeof v);                                    \
        return order##bits##toh(v);                                 \
    }                                                               \
    static inline void put_##order##bits(void *p, uint##bits##_t v) \
    {                                                               \
        v = hto##order##bits(v);                                    \
        memcpy(p, &v, sizeof v);                                    \
    }
BASE_ENDIAN_DEF(be, 16)
BASE_ENDIAN_DEF(be, 32)
BASE_ENDIAN_DEF(be, 64)
BASE_ENDIAN_DEF(le, 16)
BASE_ENDIAN_DEF(le, 32)
BASE_ENDIAN_DEF(le, 64)

#endif
