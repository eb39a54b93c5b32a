/* bench_stamp.h - what makes a record of the bench recognisable: the last 32 bytes of its value.
 *
 *   at the end
 *   -32   4   "CBr1"
 *   -28   4   run: a random number, the same for all records of a run
 *   -24   4   client within the run
 *   -20   8   sequence: 0, 1, 2... per client and partition
 *   -12   8   intended send time, ns on the sender's monotonic clock
 *    -4   4   CRC-32C of all bytes of the value before it
 *
 * Integers are big-endian. The stamp stands behind the filler so that the filler's share of the CRC
 * is computed once and not for every record.
 */
#ifndef CLI_BENCH_STAMP_H
#define CLI_BENCH_STAMP_H

#include <stdint.h>

#include "base/span.h"

enum { STAMP_SIZE = 32 };

struct stamp {
    uint32_t run, client;
    uint64_t sequence;
    int64_t sent_ns;
};

/* Write s to the last STAMP_SIZE bytes of a value, which begin at p. filler_crc: CRC-32C of the
 * value's bytes before p. */
void stamp_write(uint8_t *p, uint32_t filler_crc, const struct stamp *s);

enum stamp_verdict {
    STAMP_GOOD,
    STAMP_NONE,    /* not a record of the bench: s is untouched */
    STAMP_ALTERED, /* marked as one, but the bytes are not those that were sent; s is what it says
                    */
};
/* What a record's value says of itself. */
enum stamp_verdict stamp_read(struct span value, struct stamp *s);

#endif
