/* scan.h - read the batches of a segment one behind the other: of its file, and of the block
 * behind.
 *
 * The headers are read through a window that the caller gives (on its stack, as a rule); only
 * plog_scan_bytes may allocate. Nothing here trusts the file: every batch must lie within the bytes
 * that were asked for and follow the one before it.
 */
#ifndef PLOG_SCAN_H
#define PLOG_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"
#include "batch/batch.h"
#include "plog/block.h"

struct plog_scan {
    struct io_file *file;           /* NULL if the block has it all */
    const struct plog_block *block; /* or NULL; what stands from block->pos on is there. Borrowed,
                                     * set by the caller */
    const char *path;               /* for messages; borrowed */
    uint64_t pos, end;              /* the next batch; where the bytes to look at end */
    int64_t next;                   /* the offset the next batch must begin with; -1: any */
    bool gaps;          /* offsets may be missing between batches (compaction): set by the caller */
    uint64_t old_bytes; /* what begins before this byte ... */
    int64_t old_end;    /* ... does not reach this offset: set by the caller, or 0 bytes */
    bool torn;          /* after a fault: it is an incomplete batch at the end */
    struct batch batch; /* the last one found, */
    uint64_t at;        /* and its position */
    uint8_t *window;    /* borrowed, or heap */
    uint8_t *heap;
    size_t cap;
    uint64_t window_pos; /* what the window holds */
    size_t window_len;
    bool now; /* -EAGAIN rather than wait for the disk: set by the caller */
};

/* Memory for a window onto that many bytes of a file, malloc'ed: *cap of it, or less if there are
 * fewer. NULL when out of memory. */
uint8_t *plog_scan_window(uint64_t bytes, size_t *cap);
/* Begin at byte pos, whose batch has base offset next (-1: unknown), and end before byte end. */
void plog_scan_init(struct plog_scan *s, struct io_file *file, const char *path, uint64_t pos,
                    uint64_t end, int64_t next, void *window, size_t cap);
void plog_scan_release(struct plog_scan *s);
/* 1: s->batch and s->at tell of the next batch (its header only was read). 0: the end. ERR_CORRUPT
 * or an errno, with file and byte; -EAGAIN without. */
int plog_scan_next(struct plog_scan *s, struct err *e);
/* All bytes of the batch found last, its CRC checked; good until the next call. */
int plog_scan_bytes(struct plog_scan *s, struct span *bytes, struct err *e);

#endif
