#include "broker/group_partition.h"

/* The next code point of UTF-8; bytes that are none count as U+FFFD, as Java reads them. */
static uint32_t next_point(const uint8_t **at, const uint8_t *end)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const uint8_t *p = *at;
    uint8_t lead = *p++;
    int more = lead < 0x80       ? 0
               : lead >> 5 == 6  ? 1
               : lead >> 4 == 14 ? 2
               : lead >> 3 == 30 ? 3
                                 : -1;
    *at = p;
    if (more < 0)
        return 0xfffd;
    uint32_t point = more ? lead & (0x3fU >> more) : lead;
    for (int i = 0; i < more; i++, p++) {
        if (p == end || *p >> 6 != 2)
            return 0xfffd;
        point = point << 6 | (*p & 0x3fU);
    }
    bool surrogate = point >= 0xd800 && point < 0xe000;
    if (point < least[more] || point > 0x10ffff || surrogate)
        return 0xfffd;
    *at = p;
    return point;
}

int32_t group_partition(struct kp_str group, int32_t n)
{
    const uint8_t *at = (const uint8_t *)group.p, *end = at + (group.n > 0 ? group.n : 0);
    uint32_t hash = 0;
    while (at < end) {
        uint32_t point = next_point(&at, end);
        if (point >= 0x10000) { /* two of Java's characters */
            hash = 31 * hash + (0xd800 + ((point - 0x10000) >> 10));
            point = 0xdc00 + ((point - 0x10000) & 0x3ff);
        }
        hash = 31 * hash + point;
    }
    /* The absolute value; that of the smallest number is 0. */
    uint32_t positive = hash >> 31 ? 0U - hash : hash;
    return (int32_t)(positive & 0x7fffffffU) % n;
}
