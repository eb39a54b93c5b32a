/* fixture.h - a partition log beside a plain model of what it must hold. */
#ifndef TESTS_PLOG_FIXTURE_H
#define TESTS_PLOG_FIXTURE_H

#include "base/io_mem.h"
#include "plog/plog.h"
#include "tests/unit/unit.h"

struct fixture_batch {
    int64_t base, next;
    struct span bytes; /* malloc'ed, as placed */
    int64_t first_time;
    int64_t time_step; /* between its records */
};

struct fixture {
    struct io *io;
    struct io_mem *mem; /* NULL on a real disk */
    struct plog_config cfg;
    struct plog *log;
    struct uuid id;
    struct fixture_batch *batches;
    size_t n;
    uint32_t random;
};

/* On a disk in memory, or in a scratch directory of the real one. Segments of 2000 bytes, an index
 * entry every 200; no log yet. */
void fixture_init(struct fixture *f);
void fixture_init_posix(struct fixture *f);
void fixture_release(struct fixture *f);

/* A new log, and one from a mark (with the epochs of a log, which may be the present one). */
void fixture_open_new(struct fixture *f);
void fixture_reopen(struct fixture *f, const struct plog_mark *mark);
int fixture_try_reopen(struct fixture *f, const struct plog_mark *mark, struct err *e);

/* Make a batch that follows the model's end; it becomes part of the model. */
void fixture_make(struct fixture *f, int records, size_t value_size, int64_t first_time,
                  int64_t time_step, int32_t epoch);
/* Append the model's batches [from, n) in one call, and let readers see them. */
void fixture_append(struct fixture *f, size_t from);
/* n batches of random sizes, appended in random groups. */
void fixture_fill(struct fixture *f, size_t n);
/* Sync by begin, run and free; with_fs: through the whole file system. */
void fixture_sync(struct fixture *f, bool with_fs);
/* Forget batches at or above the offset. */
void fixture_cut(struct fixture *f, int64_t end);
int64_t fixture_end(const struct fixture *f);
uint32_t fixture_random(struct fixture *f, uint32_t below);

/* Base offsets of the segments on disk, ascending; as many as there are. */
size_t fixture_segments(struct fixture *f, int64_t *bases, size_t cap);
/* "<partition directory>/<base><ending>" */
const char *fixture_path(struct fixture *f, int64_t base, const char *ending);
bool fixture_exists(struct fixture *f, const char *path);

/* Can a slice be had from this offset on without the disk? */
bool fixture_is_warm(struct fixture *f, int64_t offset);
/* Read at every offset from the log start on, with several limits and sizes, and compare with the
 * model. */
void fixture_check_reads(struct fixture *f);
/* Read everything once, verified, and compare. */
void fixture_check_all(struct fixture *f);
/* Ask for many timestamps and limits, and compare with a plain search. */
void fixture_check_times(struct fixture *f);

#endif
