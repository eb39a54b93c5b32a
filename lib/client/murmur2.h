/* murmur2.h - which partition a key goes to, as Java's producer decides it. */
#ifndef CLIENT_MURMUR2_H
#define CLIENT_MURMUR2_H

#include <stdint.h>

#include "base/span.h"

/* MurmurHash2 (32 bit) with the seed Kafka uses. */
uint32_t client_murmur2(struct span key);

/* 0 to partitions - 1; partitions > 0. */
static inline int32_t client_partition_of(struct span key, int32_t partitions)
{
    return (int32_t)(client_murmur2(key) & 0x7fffffff) % partitions;
}

#endif
