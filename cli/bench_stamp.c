#include "cli/bench_stamp.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"

static const char mark[4] = {'C', 'B', 'r', '1'};
enum { AT_RUN = 4, AT_CLIENT = 8, AT_SEQUENCE = 12, AT_SENT = 20, AT_CRC = 28 };

void stamp_write(uint8_t *p, uint32_t filler_crc, const struct stamp *s)
{
    memcpy(p, mark, sizeof mark);
    put_be32(p + AT_RUN, s->run);
    put_be32(p + AT_CLIENT, s->client);
    put_be64(p + AT_SEQUENCE, s->sequence);
    put_be64(p + AT_SENT, (uint64_t)s->sent_ns);
    put_be32(p + AT_CRC, crc32c(filler_crc, p, AT_CRC));
}

enum stamp_verdict stamp_read(struct span value, struct stamp *s)
{
    if (value.n < STAMP_SIZE)
        return STAMP_NONE;
    const uint8_t *p = value.p + value.n - STAMP_SIZE;
    if (memcmp(p, mark, sizeof mark) != 0)
        return STAMP_NONE;
    s->run = get_be32(p + AT_RUN);
    s->client = get_be32(p + AT_CLIENT);
    s->sequence = get_be64(p + AT_SEQUENCE);
    s->sent_ns = (int64_t)get_be64(p + AT_SENT);
    return crc32c(0, value.p, value.n - 4) == get_be32(p + AT_CRC) ? STAMP_GOOD : STAMP_ALTERED;
}
