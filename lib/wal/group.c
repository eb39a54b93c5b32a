/* group.c - group headers: what makes bytes at a place a group of this segment. */
#include "wal/group.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/mutant.h"

static const char magic[4] = "CKWG";

enum {
    AT_HEADER_CRC = 4,
    AT_PAYLOAD_CRC = 8,
    AT_LEN = 12,
    AT_SEGMENT = 16,
    AT_OFFSET = 24,
    AT_INDEX = 32,
    AT_TERM = 40,
    AT_SYNCED_SEGMENT = 48,
    AT_SYNCED_OFFSET = 56,
    AT_PREV_SYNC = 64
};

uint64_t wal_group_bytes(uint32_t payload_len)
{
    uint64_t n = (uint64_t)WAL_GROUP_HEADER + payload_len;
    return (n + WAL_BLOCK - 1) / WAL_BLOCK * WAL_BLOCK;
}

void wal_group_header_encode(uint8_t h[WAL_GROUP_HEADER], const struct wal_group *g)
{
    memset(h, 0, WAL_GROUP_HEADER);
    memcpy(h, magic, sizeof magic);
    put_le32(h + AT_LEN, g->payload_len);
    put_le64(h + AT_SEGMENT, g->pos.segment);
    put_le64(h + AT_OFFSET, g->pos.offset);
    put_le64(h + AT_INDEX, g->index);
    put_le64(h + AT_TERM, g->term);
    put_le64(h + AT_SYNCED_SEGMENT, g->synced.segment);
    put_le64(h + AT_SYNCED_OFFSET, g->synced.offset);
    put_le32(h + AT_PREV_SYNC, g->prev_sync_us);
}

static uint32_t header_crc(const uint8_t *h, uint64_t salt)
{
    uint8_t seed[8];
    put_le64(seed, MUTANT(no_salt) ? 0 : salt);
    return crc32c(crc32c(0, seed, sizeof seed), h + AT_PAYLOAD_CRC,
                  WAL_GROUP_HEADER - AT_PAYLOAD_CRC);
}

void wal_group_seal(uint8_t *group, uint64_t salt)
{
    put_le32(group + AT_PAYLOAD_CRC, crc32c(0, group + WAL_GROUP_HEADER, get_le32(group + AT_LEN)));
    put_le32(group + AT_HEADER_CRC, header_crc(group, salt));
}

const char *wal_group_header_check(const uint8_t h[WAL_GROUP_HEADER], uint64_t salt,
                                   struct wal_pos pos)
{
    if (memcmp(h, magic, sizeof magic) != 0)
        return "no group begins here";
    if (get_le32(h + AT_HEADER_CRC) != header_crc(h, salt))
        return "checksum of the group header does not match";
    if (get_le64(h + AT_SEGMENT) != pos.segment)
        return "the group belongs to another segment";
    if (get_le64(h + AT_OFFSET) != pos.offset)
        return "the group belongs to another place in the file";
    return NULL;
}

bool wal_group_header_resembles(const uint8_t h[WAL_GROUP_HEADER], uint64_t segment)
{
    return get_le64(h + AT_SEGMENT) == segment && memcmp(h, magic, sizeof magic) == 0;
}

void wal_group_header_decode(const uint8_t h[WAL_GROUP_HEADER], struct wal_group *g)
{
    *g = (struct wal_group){
        .pos = {get_le64(h + AT_SEGMENT), get_le64(h + AT_OFFSET)},
        .synced = {get_le64(h + AT_SYNCED_SEGMENT), get_le64(h + AT_SYNCED_OFFSET)},
        .index = get_le64(h + AT_INDEX),
        .term = get_le64(h + AT_TERM),
        .payload_len = get_le32(h + AT_LEN),
        .payload_crc = get_le32(h + AT_PAYLOAD_CRC),
        .prev_sync_us = get_le32(h + AT_PREV_SYNC),
    };
}

static bool all_zero(const uint8_t *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

const char *wal_group_payload_check(const uint8_t *group, struct wal_group *g)
{
    const uint8_t *payload = group + WAL_GROUP_HEADER;
    if (crc32c(0, payload, g->payload_len) != g->payload_crc && !MUTANT(payload_unchecked))
        return "checksum of the group's payload does not match";
    size_t used = (size_t)WAL_GROUP_HEADER + g->payload_len;
    if (!all_zero(group + used, (size_t)wal_group_bytes(g->payload_len) - used) &&
        !MUTANT(padding_unchecked))
        return "the padding behind the group is not zero";
    g->payload = span_of(payload, g->payload_len);
    g->meta_index = get_le64(payload);
    g->wall_ms = (int64_t)get_le64(payload + 8);
    return NULL;
}
