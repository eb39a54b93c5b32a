/* disk.h - a few small files in memory behind a struct io: no trace and no faults as io_mem has
 * them, but nothing to allocate or free either, so that a target lays out a directory and reads it
 * a hundred thousand times a second. One thread.
 *
 * A file is as long as it is said to be and has zeros behind the bytes that were put there, as a
 * preallocated one. Directories are there as soon as a file is in them.
 */
#ifndef TESTS_FUZZ_DISK_H
#define TESTS_FUZZ_DISK_H

#include "base/io.h"
#include "base/span.h"

enum { FUZZ_FILES = 24, FUZZ_OPEN = 32, FUZZ_PATH = 128, FUZZ_DISK_BYTES = 1 << 20 };

struct fuzz_file {
    char path[FUZZ_PATH]; /* empty: unlinked; those who have it open go on */
    uint8_t *bytes;       /* the first n; zeros behind them */
    size_t n, room;
    uint64_t size;
};
struct fuzz_open {
    struct io_file base;
    struct fuzz_file *file; /* NULL: free */
};
struct fuzz_disk {
    struct io io;
    unsigned opens_left; /* until the event: see fuzz_disk_later */
    const char *from, *to;
    bool fails; /* once changes_left are made: see fuzz_disk_fail */
    unsigned changes_left;
    size_t n_files, used;
    struct fuzz_file files[FUZZ_FILES];
    struct fuzz_open opened[FUZZ_OPEN];
    uint8_t memory[FUZZ_DISK_BYTES];
};

/* The process's one disk, empty. What was opened on it before must be closed. */
struct fuzz_disk *fuzz_disk(void);
/* Put a file there, in place of one of that name; size 0: that of its bytes. NULL if the disk is
 * full. */
struct fuzz_file *fuzz_disk_put(struct fuzz_disk *d, const char *path, struct span bytes,
                                uint64_t size);
/* NULL if there is none. */
struct fuzz_file *fuzz_disk_find(struct fuzz_disk *d, const char *path);
/* After so many more opens, something else renames a file that is there by then, over what has the
 * other name. Both are borrowed. */
void fuzz_disk_later(struct fuzz_disk *d, unsigned opens, const char *from, const char *to);
/* After so many more changes of files and names each fails, until fuzz_disk_mend. */
void fuzz_disk_fail(struct fuzz_disk *d, unsigned changes);
void fuzz_disk_mend(struct fuzz_disk *d);
/* Is everything closed? */
bool fuzz_disk_idle(const struct fuzz_disk *d);

#endif
