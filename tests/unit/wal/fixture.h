/* fixture.h - a log on a disk in memory, written and read back by the wal tests.
 *
 * Entry i's bytes follow from i alone, so whatever is read can be judged by its index: a group that
 * is not exactly what was appended fails the test, whichever test it is.
 */
#ifndef TESTS_WAL_FIXTURE_H
#define TESTS_WAL_FIXTURE_H

#include "base/io_mem.h"
#include "tests/unit/unit.h"
#include "wal/reader.h"
#include "wal/writer.h"

#define LOG_DIR "/w"
enum { LOG_SEGMENT = WAL_SEGMENT_MIN, LOG_ENTRIES = 4096 };

struct fixture {
    struct io_mem *mem;
    struct io *io;
    struct clock_manual clock;
    struct wal_writer_config cfg;
    struct wal_writer *w;
    struct wal_write wr;
    uint64_t salt; /* the last one drawn */
    uint64_t term, vote;
    uint64_t appended; /* index of the last entry appended with success */
};

/* A new disk with an empty directory, and a writer on it. */
void fixture_begin(struct fixture *f, uint64_t segment_bytes, unsigned spare);
/* The same on a disk that is there, through recovery: read to the end, continue behind it. */
void fixture_recover(struct fixture *f, struct io_mem *mem, uint64_t segment_bytes);
/* Stop the writer and keep the disk; fixture_end frees the disk too. */
void fixture_stop(struct fixture *f);
void fixture_end(struct fixture *f);

/* Append the next entry, its BATCH frame's body of n bytes. Prepares segments as needed. */
int fixture_append(struct fixture *f, size_t n);
/* The same with k entries in one write. */
int fixture_append_many(struct fixture *f, const size_t *n, size_t k);
/* One local frame in a write of its own. */
int fixture_local(struct fixture *f, enum wal_frame_type type, struct span body);
int fixture_mark(struct fixture *f);
/* Run what preparations are due. */
int fixture_prepare(struct fixture *f);

/* What a reader found. */
struct found_log {
    int rc; /* of the last call: 0 at the end, or an error (of open, too) */
    struct err e;
    struct wal_fault fault;
    struct wal_end end;
    size_t groups;
    uint64_t first, last; /* indexes of entries; 0: none */
    size_t opens, marks;
    uint64_t term, vote; /* of the last OPEN or STATE */
};
/* Read the whole log, checking every group. cfg may be NULL; io and path are filled in if unset. */
struct found_log fixture_read(struct io *io, const struct wal_reader_config *cfg);

/* The body is that of g's entry, or the test fails. */
void fixture_check_entry(const struct wal_group *g, struct span body);
/* Body of entry i. */
void fixture_fill(uint8_t *p, size_t n, uint64_t index);

#endif
