/* index_file.h - the index of a segment on disk.
 *
 * .index and .timeindex are Kafka's: entries and nothing else, big-endian. They cannot tell a whole
 * file from one cut short, and a cut time index gives wrong answers; so a third file, .check, says
 * what the two held when they were written (little-endian):
 *
 *   0   8  magic "CHRONIDX"
 *   8   4  format version, 1
 *   12  4  CRC-32C of this file with this field zero
 *   16  8  base offset of the segment
 *   24  8  bytes of the .log file that the index covers
 *   32  8  offset behind the last batch in those bytes
 *   40  8  largest timestamp in them, -1 if there is none
 *   48  8  last offset of the first batch that has it
 *   56  4  entries in .index,     60  4  their CRC-32C
 *   64  4  entries in .timeindex, 68  4  their CRC-32C
 *
 * They are written in no particular order and never synced on their own: if the three do not fit
 * each other, they are worth nothing and the index is made anew from the log.
 */
#ifndef PLOG_INDEX_FILE_H
#define PLOG_INDEX_FILE_H

#include "base/err.h"
#include "base/io.h"
#include "plog/index.h"

enum { PLOG_OFFSET_ENTRY = 8, PLOG_TIME_ENTRY = 12, PLOG_CHECK_SIZE = 72 };

struct plog_check {
    int64_t base;
    uint64_t bytes;
    int64_t end;
    int64_t max_timestamp, max_timestamp_offset;
    uint32_t n_offsets, offsets_crc;
    uint32_t n_times, times_crc;
};

/* Read the check file alone. 0, ERR_NOTFOUND, ERR_CORRUPT or an errno. */
int plog_check_load(struct io *io, const char *log_path, int64_t base, struct plog_check *c,
                    struct err *e);

/* log_path: the segment's file, ".../<base>.log" (or, while it is made, ".log.cleaned"). Read the
 * three files; ix (which must be empty) gets all entries. 0; ERR_NOTFOUND if there is no check
 * file; ERR_CORRUPT if they do not fit; or an errno. */
int plog_index_load(struct io *io, const char *log_path, int64_t base, struct plog_check *c,
                    struct plog_index *ix, struct err *e);

/* What the files hold by now, so that entries need only be added. All zero: nothing known, write
 * anew. */
struct plog_saved {
    bool valid;
    uint32_t n_offsets, offsets_crc;
    uint32_t n_times, times_crc;
    int64_t last_time;                 /* timestamp of the last time entry */
    uint32_t tail_offsets, tail_times; /* how many of `tail`'s entries were looked at */
};
/* What they are to hold: the entries of old (may be NULL), then the first so many of tail (may be
 * NULL). */
struct plog_to_save {
    const struct plog_index *old, *tail;
    uint32_t tail_offsets, tail_times;
    bool whole; /* the segment is complete: its largest timestamp gets an entry, as in Kafka */
    int64_t base, end;
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
