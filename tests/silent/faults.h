/* faults.h - what may happen to a disk while nobody looks: a byte changes, or a file. */
#ifndef TESTS_SILENT_FAULTS_H
#define TESTS_SILENT_FAULTS_H

#include "tests/silent/kinds.h"

enum fault_sort {
    FAULT_BYTE, /* one byte is another one */
    FAULT_MISSING,
    FAULT_TRUNCATED,
    FAULT_EXTENDED,
    FAULT_SWAPPED,      /* with another file of its kind */
    FAULT_FOREIGN_FILE, /* another cluster's file in its place */
    FAULT_STALE,        /* an older version of the file */
    FAULT_SORTS
};
extern const char *const fault_names[FAULT_SORTS];

struct fault_plan {
    const struct disk *disk;
    const struct disk_file *file;
    enum fault_sort sort;
    enum kind kind;               /* of a byte */
    size_t at;                    /* byte, or new size */
    uint8_t value;                /* of the byte */
    const struct disk *other;     /* FOREIGN, STALE: where the file comes from */
    const struct disk_file *with; /* SWAPPED, FOREIGN, STALE */
};

struct fault_plans {
    struct fault_plan *v;
    size_t n;
};

/* n faults of single bytes, no two alike, as many of each kind as of any other as far as there are
 * so many; from a seed. */
void plan_bytes(struct fault_plans *to, const struct disk *disk, size_t n, uint64_t seed);
/* Everything that can happen to whole files, or (most > 0) about so many of them, chosen by the
 * seed. */
void plan_files(struct fault_plans *to, const struct disk *disk, const struct disk *older,
                const struct disk *foreign, size_t most, uint64_t seed);
void plans_release(struct fault_plans *p);

/* A copy of the plan's disk with the fault. */
struct io_mem *plan_apply(const struct fault_plan *p);
/* Take the fault back: the files that it was done to are what they were. */
void plan_heal(const struct fault_plan *p, struct io_mem *mem);
/* In a line: "killed: flip byte 17 of /d/...". */
void plan_text(const struct fault_plan *p, char *buf, size_t cap);

#endif
