/* block.h - the end of a log that is in memory and not in its file yet.
 *
 * A record of some hundred bytes costs more as a write to its file than everything else that
 * happens to it, and with many partitions no two records that come together are for the same file.
 * So small appends gather in a block behind the file, which one write takes there: when it is full,
 * when memory is short, and before a checkpoint. Nothing is at risk: the write-ahead log has the
 * records until a checkpoint has synced the file.
 *
 * Only the active segment has a block. Its bytes stand from `pos` on, are never moved nor changed
 * once they are published (by the segment's size), and go away as a whole: readers find either the
 * block or the file. Who looks for a byte therefore loads the size first and the block then:
 * published bytes that are in no block he sees are in the file.
 *
 * The writer makes and fills a block; it is counted, so that slices of it outlive it. What slices
 * keep so is summed up for who gives them to readers that may take their time.
 */
#ifndef PLOG_BLOCK_H
#define PLOG_BLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plog_block {
    _Atomic uint32_t refs;
    bool left;                  /* its segment's writer has, */
    _Atomic int64_t *lingering; /* and it is counted here until it is freed; NULL: nowhere */
    uint32_t cap, used;         /* bytes; used is the writer's */
    uint64_t pos;               /* of its first byte in the segment */
    int64_t base_offset;        /* of the batch there */
    uint8_t bytes[];
};

/* Blocks have between MIN and MAX bytes; a run of appends that is longer than DIRECT goes to the
 * file at once. */
enum { PLOG_BLOCK_MIN = 2 << 10, PLOG_BLOCK_MAX = 64 << 10, PLOG_BLOCK_DIRECT = 16 << 10 };

/* An empty one with one reference; NULL when out of memory. */
struct plog_block *plog_block_new(uint32_t cap, uint64_t pos, int64_t base_offset,
                                  _Atomic int64_t *lingering);
/* Once, by who gives its first reference back afterwards: from now on it only waits for slices. */
void plog_block_leave(struct plog_block *b);
void plog_block_ref(struct plog_block *b);
void plog_block_unref(void *block); /* void: goes through the retire hook. NULL is fine */

#endif
