/* crc32c.h - CRC-32C (Castagnoli, RFC 3720 appendix B.4), as Kafka's record batches and Chronik's
 * own files use it. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Extend crc (0 to begin) by n bytes. crc32c(crc32c(0, a), b) == crc32c(0, ab). Thread-safe. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

#endif
