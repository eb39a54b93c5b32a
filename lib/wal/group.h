/* group.h - a group's header as bytes. Private to the room. */
#ifndef WAL_GROUP_H
#define WAL_GROUP_H

#include "wal/wal.h"

/* Write a header without its two checksums. Of g: pos, synced, index, term, payload_len,
 * prev_sync_us. */
void wal_group_header_encode(uint8_t h[WAL_GROUP_HEADER], const struct wal_group *g);

/* Put both checksums into a group that is otherwise complete: header, payload behind it. */
void wal_group_seal(uint8_t *group, uint64_t salt);

/* Is h the header of a group that was written at pos of the segment? NULL, or what is wrong with
 * it. */
const char *wal_group_header_check(const uint8_t h[WAL_GROUP_HEADER], uint64_t salt,
                                   struct wal_pos pos);

/* A header that never was whole, or is no longer: does it still look as if meant for this segment
 * (and is no leftover of the file's former life)? For telling people, not for deciding. */
bool wal_group_header_resembles(const uint8_t h[WAL_GROUP_HEADER], uint64_t segment);

/* The fields of a checked header. payload, meta_index and wall_ms stay zero. */
void wal_group_header_decode(const uint8_t h[WAL_GROUP_HEADER], struct wal_group *g);

/* With the whole group in memory: are payload and padding right? Fills in payload, meta_index and
 * wall_ms. NULL, or what is wrong. */
const char *wal_group_payload_check(const uint8_t *group, struct wal_group *g);

#endif
