/* index_file.h - the index of a segment on disk.
 *
 * .index and .timeindex are Kafka's: entries and nothing else, big-endian. They cannot tell a whole
 * file from one cut short, and a cut time index gives wrong answers; nor does Kafka's format guard
 * a batch's place: its base offset and leader epoch are under no checksum, and any sound batch
 * would do in its place. So a third file, .check, says what all three held when it was written
 * (little-endian):
 *
 *   0   8  magic "CHRONIDX"
 *   8   4  format version, 2
 *   12  4  CRC-32C of the first 104 bytes with this field zero
 *   16  16 topic id
 *   32  4  partition
 *   36  4  zero
 *   40  8  base offset of the segment
 *   48  8  bytes of the .log file that the index covers
 *   56  8  offset behind the last batch in those bytes
 *   64  8  largest timestamp in them, -1 if there is none
 *   72  8  last offset of the first batch that has it
 *   80  4  entries in .index,     84  4  their CRC-32C
 *   88  4  entries in .timeindex, 92  4  their CRC-32C
 *   96  4  sum (plog_sum) of the batches from the last entry in .index to the bytes' end
 *   100 4  CRC-32C of what follows:
 *   104    for each entry in .index the sum of the batches in front of it, 4 bytes each
 *
 * They are written in no particular order and never synced on their own: if the three do not fit
 * each other, they are worth nothing and the index is made anew from the log. If they do, it is the
 * log that has to fit them.
 */
#ifndef PLOG_INDEX_FILE_H
#define PLOG_INDEX_FILE_H

#include "base/err.h"
#include "base/io.h"
#include "base/uuid.h"
#include "plog/index.h"

enum { PLOG_OFFSET_ENTRY = 8, PLOG_TIME_ENTRY = 12, PLOG_CHECK_SIZE = 104, PLOG_CHECK_SUM = 4 };

/* Which segment of all it is. */
struct plog_segment_id {
    struct uuid topic_id;
    int32_t partition;
    int64_t base;
};

struct plog_check {
    struct plog_segment_id id;
    uint64_t bytes;
    int64_t end;
    int64_t max_timestamp, max_timestamp_offset;
    uint32_t n_offsets, offsets_crc;
    uint32_t n_times, times_crc;
    uint32_t last_sum, sums_crc;
};

/* Read the check file alone (its first part), which must be that segment's (NULL: any). 0,
 * ERR_NOTFOUND, ERR_CORRUPT or an errno. */
int plog_check_load(struct io *io, const char *log_path, const struct plog_segment_id *id,
                    struct plog_check *c, struct err *e);

/* log_path: the segment's file, ".../<base>.log" (or, while it is made, ".log.cleaned"). Read the
 * three files; ix (which must be empty) gets all entries. 0; ERR_NOTFOUND if there is no check
 * file; ERR_CORRUPT if they do not fit; or an errno. */
int plog_index_load(struct io *io, const char *log_path, const struct plog_segment_id *id,
                    struct plog_check *c, struct plog_index *ix, struct err *e);

/* What the files hold by now, so that entries need only be added. All zero: nothing known, write
 * anew. */
struct plog_saved {
    bool valid;
    uint32_t n_offsets, offsets_crc;
    uint32_t n_times, times_crc;
    uint32_t sums_crc;
    int64_t last_time;                 /* timestamp of the last time entry */
    uint32_t tail_offsets, tail_times; /* how many of `tail`'s entries were looked at */
};
/* What they are to hold: the entries of old (may be NULL), then the first so many of tail (may be
 * NULL), of which the first one is made for the batch where the old part ends. */
struct plog_to_save {
    const struct plog_index *old, *tail;
    uint32_t old_sum;  /* of the batches from old's last entry to the end of the old part */
    uint32_t last_sum; /* of those from the very last entry to the end */
    uint32_t tail_offsets, tail_times;
    bool whole; /* the segment is complete: its largest timestamp gets an entry, as in Kafka */
    struct plog_segment_id id;
    int64_t end;
    uint64_t bytes;
    int64_t max_timestamp, max_timestamp_offset;
};
/* Bring the files up to date. On an error saved is invalid: the next call writes anew. */
int plog_index_save(struct io *io, const char *log_path, const struct plog_to_save *what,
                    struct plog_saved *saved, struct err *e);

/* "<...>.log" with another ending (".index") into buf; what follows ".log" follows it too: the
 * sibling of "<...>.log.cleaned" is "<...>.index.cleaned". */
int plog_sibling(char *buf, size_t cap, const char *log_path, const char *ending);

#endif
