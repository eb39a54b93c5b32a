/* places.h - a checksum over where the batches of a compacted segment stand.
 *
 * A batch's base offset is not under its CRC. In a log as it was written none is missing, so a
 * wrong one is noticed; where compaction left gaps it might not be. So a compacted segment has a
 * file beside it, "<base>.places" (little-endian):
 *
 *   0   8  magic "CHRONIPL"
 *   8   4  format version, 1
 *   12  4  CRC-32C of this file with this field zero
 *   16  8  base offset of the segment
 *   24  8  bytes of the .log file
 *   32  8  offset behind its last batch
 *   40  4  number of regions
 *   44     regions of 8 bytes: where its first batch begins in the .log file; CRC-32C of the base
 *          offsets, as they stand there, of the batches that begin in it
 *
 * A region begins with the first batch that begins PLOG_PLACES_REGION bytes or more behind the one
 * before it. The file is durable before its segment takes the place of others. Without it the
 * segment is read as it is.
 */
#ifndef PLOG_PLACES_H
#define PLOG_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

enum { PLOG_PLACES_REGION = 64 << 10, PLOG_PLACES_HEADER = 44, PLOG_PLACES_ENTRY = 8 };

struct plog_places_region {
    uint32_t pos, crc;
};
struct plog_places {
    uint32_t n, cap;
    struct plog_places_region *region; /* malloc'ed */
};
/* Of which segment. */
struct plog_places_of {
    const char *log_path; /* its file, or what that is called while it is made */
    int64_t base, end;
    uint64_t bytes;
};

void plog_places_release(struct plog_places *p);
/* A batch with that base offset begins at pos, behind those noted before. 0 or -ENOMEM. */
int plog_places_note(struct plog_places *p, uint64_t pos, int64_t base_offset);
/* Write the file, without a sync. */
int plog_places_save(const struct plog_places *p, struct io *io, const struct plog_places_of *s,
                     struct err *e);
/* 0; ERR_NOTFOUND: there is no file; ERR_CORRUPT: it is damaged, or another segment's; or an errno.
 * On failure p is empty. */
int plog_places_load(struct plog_places *p, struct io *io, const struct plog_places_of *s,
                     struct err *e);
/* Index of the region in which a batch at pos begins. */
uint32_t plog_places_find(const struct plog_places *p, uint64_t pos);

/* Batches held against the regions, one behind the other from the start of a region on. */
struct plog_places_walk {
    const struct plog_places *places;
    uint32_t region, crc;
};
void plog_places_begin(struct plog_places_walk *w, const struct plog_places *p, uint32_t region);
/* The next batch. False if a region has ended by it, and was another one when it was written. */
bool plog_places_step(struct plog_places_walk *w, uint64_t pos, int64_t base_offset);
/* No more in the region. */
bool plog_places_fit(const struct plog_places_walk *w);

#endif
