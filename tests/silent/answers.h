/* answers.h - all that a broker would say from what is on a disk: its metadata, and of each
 * partition where it begins and ends, its bytes, its epochs, what is found by time, and what it
 * knows of producers. */
#ifndef TESTS_SILENT_ANSWERS_H
#define TESTS_SILENT_ANSWERS_H

#include "base/err.h"
#include "base/io_mem.h"

struct answers; /* opaque */

/* Start on the disk, which is this function's from here on, and ask for everything. NULL with e:
 * the start was refused. */
struct answers *answers_new(struct io_mem *disk, struct err *e);
void answers_free(struct answers *a);
/* How many batches there are: for whoever wants to see that something was compared. */
size_t answers_batches(const struct answers *a);

enum answers_verdict {
    ANSWERS_SAME,
    ANSWERS_REFUSED_START, /* the fault was found by the start, */
    ANSWERS_REFUSED_READ,  /* or by a read; all else is the same */
    ANSWERS_WRONG,         /* something else was said */
};
/* Start on the disk (this function's) and hold every answer against `right`. e says what the
 * verdict rests on. After a refused start *left (may be NULL) is the disk, the caller's again. */
enum answers_verdict answers_compare(const struct answers *right, struct io_mem *disk,
                                     struct io_mem **left, struct err *e);

#endif
