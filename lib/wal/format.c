/* format.c - segment headers and file names. */
#include "wal/wal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/endian.h"

static const char magic[8] = "CHRONWAL";

enum {
    AT_VERSION = 8,
    AT_CRC = 12,
    AT_ID = 16,
    AT_SIZE = 24,
    AT_CLUSTER = 32,
    AT_NODE = 48,
    AT_SHARD = 52,
    AT_FEATURES = 56,
    AT_SALT = 64,
    AT_CREATED = 72
};

static const char *const frame_names[] = {
#define WAL_FRAME(name, number, local, sentence) [number] = #name,
#include "wal/frame.def"
#undef WAL_FRAME
};

const char *wal_frame_name(int type)
{
    size_t n = sizeof frame_names / sizeof *frame_names;
    return type >= 0 && (size_t)type < n && frame_names[type] ? frame_names[type] : "?";
}

/* The CRC of the block as if its CRC field were zero. */
static uint32_t header_crc(const uint8_t block[WAL_BLOCK])
{
    static const uint8_t zero[4];
    uint32_t crc = crc32c(0, block, AT_CRC);
    crc = crc32c(crc, zero, sizeof zero);
    return crc32c(crc, block + AT_CRC + 4, WAL_BLOCK - AT_CRC - 4);
}

void wal_segment_header_encode(uint8_t block[WAL_BLOCK], const struct wal_segment_header *h)
{
    memset(block, 0, WAL_BLOCK);
    memcpy(block, magic, sizeof magic);
    put_le32(block + AT_VERSION, WAL_FORMAT);
    put_le64(block + AT_ID, h->id);
    put_le64(block + AT_SIZE, h->size);
    memcpy(block + AT_CLUSTER, h->owner.cluster_id.b, sizeof h->owner.cluster_id.b);
    put_le32(block + AT_NODE, h->owner.node_id);
    put_le32(block + AT_SHARD, h->owner.shard);
    put_le64(block + AT_FEATURES, h->features);
    put_le64(block + AT_SALT, h->salt);
    put_le64(block + AT_CREATED, (uint64_t)h->created_ms);
    put_le32(block + AT_CRC, header_crc(block));
}

/* The checksum is looked at before the version, so that a flipped bit is never taken for a newer
 * format: magic, version and checksum keep their places in every format to come. */
int wal_segment_header_decode(const uint8_t block[WAL_BLOCK], struct wal_segment_header *h,
                              struct err *e)
{
    if (memcmp(block, magic, sizeof magic) != 0)
        return err_set(e, ERR_CORRUPT,
                       "not a segment of a write-ahead log (no CHRONWAL at its start)");
    if (get_le32(block + AT_CRC) != header_crc(block))
        return err_set(e, ERR_CORRUPT, "checksum of the segment header does not match");
    h->version = get_le32(block + AT_VERSION);
    if (h->version != WAL_FORMAT)
        return err_set(e, ERR_VERSION, "format version %" PRIu32 "; this program knows %d",
                       h->version, WAL_FORMAT);
    h->features = get_le64(block + AT_FEATURES);
    if (h->features != 0)
        return err_set(e, ERR_VERSION,
                       "feature bits %#" PRIx64 ", which this program does not know", h->features);
    h->id = get_le64(block + AT_ID);
    h->size = get_le64(block + AT_SIZE);
    memcpy(h->owner.cluster_id.b, block + AT_CLUSTER, sizeof h->owner.cluster_id.b);
    h->owner.node_id = get_le32(block + AT_NODE);
    h->owner.shard = get_le32(block + AT_SHARD);
    h->salt = get_le64(block + AT_SALT);
    h->created_ms = (int64_t)get_le64(block + AT_CREATED);
    if (h->id == 0 || h->size < WAL_SEGMENT_MIN || h->size % WAL_BLOCK != 0)
        return err_set(e, ERR_CORRUPT, "segment header states id %" PRIu64 " and size %" PRIu64,
                       h->id, h->size);
    return 0;
}

int wal_segment_path(char *buf, size_t cap, const char *dir, uint64_t id)
{
    return io_path(buf, cap, dir, "%020" PRIu64 ".wal", id);
}

bool wal_segment_name(const char *name, uint64_t *id)
{
    enum { DIGITS = 20 };
    uint64_t v = 0;
    for (int i = 0; i < DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(name[i] - '0'), &v))
            return false;
    }
    *id = v;
    return v != 0 && strcmp(name + DIGITS, ".wal") == 0;
}
