/* segment.h - one segment of a partition log: its file, opened when it is first needed, and its
 * index.
 *
 * What an earlier process wrote, or this one so long ago that its index was let go, is the old
 * part, [0, old_bytes). Its index is loaded from the index files (or made anew by a scan) when
 * somebody first needs it; any thread may do that, the first one's stays. What the writer appends
 * is the tail; its index grows beside. Both parts of a segment use one file, and the end of the
 * tail may be in a block of memory that is not in the file yet.
 *
 * A segment is counted: the list that holds it, each slice of it and each syncing has a reference,
 * so slices outlive the log. Its file is closed with the last one.
 */
#ifndef PLOG_SEGMENT_H
#define PLOG_SEGMENT_H

#include <stdatomic.h>

#include "base/io.h"
#include "base/log.h"
#include "plog/block.h"
#include "plog/index_file.h"
#include "plog/scan.h"

/* The index of an old part. Its bytes are verified region by region: those between two entries. */
struct plog_old {
    struct plog_index index;
    struct plog_tally tally;
    uint32_t regions;           /* entries + 1 */
    _Atomic uint64_t *verified; /* a bit each */
};

enum { PLOG_MARKS = 32, PLOG_TIME_UNREAD = -2 };

/* tally.since where the next batch gets an index entry, whatever the interval. */
#define PLOG_SINCE_LONG (UINT64_MAX / 2)

/* saved_bytes of a segment that was sealed after its index files were written. */
#define PLOG_UNSAVED UINT64_MAX

/* The index of what the writer appends, and where its latest appends ended: a reader at the end of
 * the log finds its place without touching the file. */
struct plog_tail {
    struct plog_index index;
    /* Slot i % PLOG_MARKS holds mark i. A mark is being written while begun == i + 1 > done. */
    _Atomic uint64_t begun, done;
    struct {
        _Atomic int64_t offset;
        _Atomic uint64_t pos;
    } mark[PLOG_MARKS];
};

struct plog_segment {
    _Atomic uint32_t refs;
    struct io *io;
    struct plog_segment_id id;
    int64_t base;           /* id's: offset of its first record */
    uint64_t old_bytes;     /* the old part, */
    int64_t old_end;        /* the offset behind it, */
    uint64_t own_from;      /* and which bytes of it this process did not write: [0, own_from) */
    _Atomic uint64_t bytes; /* published size; end is stored first */
    _Atomic int64_t end;    /* offset behind the last record in it */
    _Atomic(struct io_file *) file;
    _Atomic(struct plog_old *) old;
    _Atomic(struct plog_tail *) tail;
    _Atomic(struct plog_block *) block; /* of the active segment: what the file lacks; or NULL */
    /* What the index files cover, and of a sealed segment: as Kafka leaves a complete one. */
    _Atomic uint64_t saved_bytes;
    _Atomic bool sealed;    /* nothing is appended any more; tally is final */
    _Atomic bool max_known; /* of a sealed segment: */
    _Atomic int64_t max_time, max_time_offset;
    _Atomic int64_t written_ms; /* where no record has a timestamp: when its file was last written;
                                 * 0: not looked at, INT64_MAX: the file does not say */
    _Atomic bool removed;       /* its files are unlinked, or soon will be */
    _Atomic bool stale; /* the index files of its old part did not say all, or something else */
    bool gaps;          /* compaction may have left out offsets between its batches */

    /* The writer's */
    struct io_file *out; /* may be the same as file */
    struct plog_tally tally;
    int64_t first_time;  /* largest timestamp of its first batch; PLOG_TIME_UNREAD; -1: none */
    uint64_t disk_bytes; /* of the file; more than was written: a stale end, to be cut */
    uint32_t block_cap;  /* of its next block */
    bool on_disk;        /* the file exists */
    bool dirty;          /* bytes were added since the last syncing began, */
    uint64_t clean;      /* behind these, which it covered */
    uint64_t handed;     /* their write-back was begun (write_back.c) */
    bool inherited;      /* an earlier process may have left a .check that knows of more bytes */
    unsigned syncing;    /* so many syncings have noted it and are not yet free */
    bool pinned; /* a compaction works on it: it stays in the list as it is, and its files too */

    /* Of the thread that runs syncings */
    struct plog_saved saved;

    char path[];
};

/* That segment, in dir, empty, one reference; NULL when out of memory. */
struct plog_segment *plog_segment_new(struct io *io, const char *dir,
                                      const struct plog_segment_id *id);
/* It has an old part of `bytes` bytes up to offset `end`, of which [0, own_from) is not this
 * process's. */
void plog_segment_set_old(struct plog_segment *s, uint64_t bytes, int64_t end, uint64_t own_from);
void plog_segment_ref(struct plog_segment *s);
void plog_segment_unref(void *segment); /* void: goes through the retire hook */

static inline uint64_t plog_segment_bytes(const struct plog_segment *s)
{
    return atomic_load_explicit(&s->bytes, memory_order_acquire);
}
static inline int64_t plog_segment_end(const struct plog_segment *s)
{
    return atomic_load_explicit(&s->end, memory_order_acquire);
}

/* What a scan of it may meet: gaps where compaction was; nothing in the old part that belongs
 * behind it. */
static inline void plog_segment_scan_rules(const struct plog_segment *s, struct plog_scan *scan)
{
    scan->gaps = s->gaps;
    scan->old_bytes = s->old_bytes;
    scan->old_end = s->old_end;
}

/* Any thread: the block at the end, good until the read section ends. Load sizes and ends of what
 * is to be read before. */
static inline struct plog_block *plog_segment_block(const struct plog_segment *s)
{
    return atomic_load_explicit(&s->block, memory_order_acquire);
}
/* The writer: how many of its bytes are in the file. */
static inline uint64_t plog_segment_written(const struct plog_segment *s)
{
    const struct plog_block *b = atomic_load_explicit(&s->block, memory_order_relaxed);
    return b ? b->pos : plog_segment_bytes(s);
}

/* Any thread: the open file. */
int plog_segment_file(struct plog_segment *s, struct io_file **out, struct err *e);
/* Any thread: the old part's index, loaded or made anew if need be; NULL if there is no old part.
 */
int plog_segment_old(struct plog_segment *s, uint32_t interval, struct plog_old **out,
                     struct err *e);
/* An empty one to note batches in; ready once all are noted. NULL, -ENOMEM when out of memory. */
struct plog_old *plog_old_new(void);
int plog_old_ready(struct plog_old *o);
void plog_old_free(struct plog_old *o);
/* Any thread, of a sealed segment: the largest timestamp in it and the last offset of the first
 * batch that has it; -1, -1 if there is none. */
int plog_segment_max_time(struct plog_segment *s, uint32_t interval, int64_t *timestamp,
                          int64_t *offset, struct err *e);
/* The writer: nothing more is appended. */
void plog_segment_seal(struct plog_segment *s);
/* The writer: what rolling by time counts from, the largest timestamp of the first batch; -1 if it
 * has none, or cannot be read, which is logged and no more: the log's readers will find out. */
int64_t plog_segment_first_time(struct plog_segment *s, struct log *log);
/* Is what a read needs in memory and open? */
bool plog_segment_warm(const struct plog_segment *s, int64_t offset);

/* Any thread: begin to scan at byte pos, whose batch has base offset next (-1: unknown), up to byte
 * end, a published size loaded before; the file is opened if any of it is there. */
int plog_segment_scan(struct plog_segment *s, struct plog_scan *scan, uint64_t pos, uint64_t end,
                      int64_t next, void *window, size_t cap, struct err *e);

/* The writer: what publishing needs; before the first plog_segment_add. 0 or -ENOMEM. */
int plog_segment_begin_tail(struct plog_segment *s);
/* The writer: the file open for writing, created or cut to what was written. created tells that a
 * name is new in the directory, or went. */
int plog_segment_writable(struct plog_segment *s, uint32_t interval, bool *created, struct err *e);
/* The writer: publish a batch at the end, which is in the file or the block already... */
void plog_segment_add(struct plog_segment *s, uint32_t interval, const struct batch *b);
/* ...and that an append ended here. */
void plog_segment_mark(struct plog_segment *s);
/* Any thread: the position where a batch with that base offset begins, if an append ended there
 * lately. */
bool plog_segment_marked(const struct plog_segment *s, int64_t offset, uint64_t *pos);

/* What lies between two entries of the old part's index is verified as a whole. */
struct plog_region {
    uint32_t number;
    uint64_t from, to;
    uint32_t sum; /* of its batches */
};
/* The one that holds byte pos of the old part. The index is loaded. */
void plog_segment_region(const struct plog_segment *s, uint64_t pos, struct plog_region *out);
/* Bytes [pos, end), as far as they count: this process wrote what lies from s->own_from on. Are
 * they all verified? Not, as long as no index is loaded. */
bool plog_segment_verified(const struct plog_segment *s, uint64_t pos, uint64_t end);
/* It is now. */
void plog_segment_set_verified(struct plog_segment *s, const struct plog_region *r);

#endif
