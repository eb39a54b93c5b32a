/* crc32c.c - ISA-L's carry-less multiplication, chosen for the CPU at run time.
 *
 * Against the SSE4.2 instruction over three interleaved streams of our own, on a Zen 4 core, ISA-L
 * gives 0.6 times the throughput at 64 B (7 ns against 4 ns a call), 1.4 times at 300 B and 2.1
 * times at 4 KiB and 64 KiB (57 GB/s), in three lines instead of two hundred.
 */
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
