/* disk.h - real data directories as disks in memory, which are copied at almost no cost: where the
 * faults go. */
#ifndef TESTS_SILENT_DISK_H
#define TESTS_SILENT_DISK_H

#include "base/io_mem.h"

struct disk_file {
    char path[IO_PATH_MAX]; /* on the disk */
    size_t size;
};

struct disk {
    const char *name; /* for people */
    struct io_mem *mem;
    struct disk_file *files;
    size_t n;
};

/* All of the real directory, below RIG_DIR. Ends the program with a line if that fails. */
void disk_load(struct disk *d, const char *name, const char *dir);
void disk_release(struct disk *d);
/* The file's content, malloc'ed; NULL if it is not there. */
uint8_t *disk_read(struct io_mem *mem, const char *path, size_t *n);
/* Replace a file's content, or make it. */
void disk_write(struct io_mem *mem, const char *path, const uint8_t *bytes, size_t n);
void disk_remove(struct io_mem *mem, const char *path);
struct io_mem *disk_copy(const struct disk *d);

/* Of a program of tests: a complaint that ends it. */
_Noreturn void disk_die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
