/* index.h - the sparse index of a segment in memory: where batches lie, and how timestamps grow.
 *
 * An entry is made for a batch when index.interval.bytes of log lie behind the last one, as Kafka
 * does it: the batch's last offset and its position, and with it, if it grew, the largest timestamp
 * so far with the last offset of the batch that brought it. Entries are only appended, by one
 * thread, and readers look without a lock: blocks of doubling size never move, and the count is
 * stored last.
 */
#ifndef PLOG_INDEX_H
#define PLOG_INDEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch/batch.h"

enum { PLOG_GROW_FIRST = 16, PLOG_GROW_BLOCKS = 28 };

/* An array that grows in place. */
struct plog_grow {
    size_t size; /* bytes of an element */
    _Atomic uint32_t n;
    void *block[PLOG_GROW_BLOCKS]; /* block k holds PLOG_GROW_FIRST << k elements */
};
void plog_grow_init(struct plog_grow *g, size_t size);
void plog_grow_release(struct plog_grow *g);
/* Element i < n. */
void *plog_grow_at(const struct plog_grow *g, uint32_t i);
int plog_grow_push(struct plog_grow *g, const void *element); /* 0 or -ENOMEM */
/* Drop all but the first n; only before others see the array. */
void plog_grow_cut(struct plog_grow *g, uint32_t n);
static inline uint32_t plog_grow_count(const struct plog_grow *g)
{
    return atomic_load_explicit(&g->n, memory_order_acquire);
}

/* Offsets are relative to the segment's base offset. */
struct plog_offset_entry {
    uint32_t last; /* last offset of the batch at pos */
    uint32_t pos;
    uint32_t sum; /* plog_sum of the batches in front of pos, from the entry before on */
};
struct plog_time_entry {
    int64_t timestamp;
    uint32_t last; /* last offset of the batch that holds it */
};

struct plog_index {
    struct plog_grow offsets, times;
};

/* What has been seen of a segment's batches while its index was made. */
struct plog_tally {
    uint64_t since;                              /* bytes since the last offset entry */
    int64_t max_timestamp, max_timestamp_offset; /* -1, -1: none */
    int64_t last_time;                           /* timestamp of the last time entry */
    uint32_t sum;                                /* of the batches since the last offset entry */
};

/* What makes a batch this one, in this place: base offset, length, leader epoch and CRC, of which
 * the batch's own CRC covers none; continued from the sum of the batches before it (0: none). */
uint32_t plog_sum(uint32_t sum, const struct batch *b);

void plog_index_init(struct plog_index *ix);
void plog_index_release(struct plog_index *ix);
void plog_tally_init(struct plog_tally *t);
/* An entry follows when that many bytes do, whatever the interval: what lies between two entries is
 * checked as a whole when somebody reads a byte of it (segment.h). */
enum { PLOG_REGION_MAX = 1 << 20 };

/* A batch lies at pos. One without records (compaction leaves them) counts with the timestamp it
 * states: no record has a larger one. An entry that finds no memory is left out: the index is a
 * hint, looking begins a bit earlier. */
void plog_index_note(struct plog_index *ix, struct plog_tally *t, uint32_t interval, int64_t base,
                     const struct batch *b, uint64_t pos);

/* The last entry whose batch ends at or below offset `last`. */
bool plog_index_by_offset(const struct plog_index *ix, uint32_t last,
                          struct plog_offset_entry *out);
/* The last entry at or before pos whose batch ends below offset `limit`. */
bool plog_index_by_pos(const struct plog_index *ix, uint64_t pos, uint64_t limit,
                       struct plog_offset_entry *out);
/* How many entries are at or before pos. */
uint32_t plog_index_count(const struct plog_index *ix, uint64_t pos);
/* The last entry with a timestamp below ts: no record up to it has a later one. */
bool plog_index_by_time(const struct plog_index *ix, int64_t ts, struct plog_time_entry *out);

/* The last time entry made for a batch that ends at or below offset `last`. */
bool plog_index_time_at(const struct plog_index *ix, uint32_t last, struct plog_time_entry *out);

#endif
