/* kinds.h - what the bytes of a data directory are, file by file and part by part. */
#ifndef TESTS_SILENT_KINDS_H
#define TESTS_SILENT_KINDS_H

#include "tests/silent/disk.h"

enum kind {
    KIND_NODE,
    KIND_META_WAL_HEADER,
    KIND_META_WAL_HEADER_REST,
    KIND_META_WAL_GROUP,
    KIND_META_WAL_PAYLOAD,
    KIND_META_WAL_PADDING,
    KIND_META_WAL_DEAD,
    KIND_META_CHECKPOINT,
    KIND_SNAPSHOT,
    KIND_WAL_HEADER,
    KIND_WAL_HEADER_REST,
    KIND_WAL_GROUP,
    KIND_WAL_PAYLOAD,
    KIND_WAL_PADDING,
    KIND_WAL_DEAD,
    KIND_CHECKPOINT,
    KIND_LOG_PLACE,  /* base offset, length, epoch, magic, checksum */
    KIND_LOG_HEADER, /* what else a batch's header has */
    KIND_LOG_RECORDS,
    KIND_INDEX,
    KIND_TIMEINDEX,
    KIND_CHECK,
    KIND_EPOCHS,
    KIND_METADATA,
    KIND_PROGRESS,
    KIND_OTHER,
    KINDS
};
extern const char *const kind_names[KINDS];

/* Bytes [from, to) of a file. */
struct region {
    enum kind kind;
    const struct disk_file *file;
    size_t from, to;
};

struct regions {
    struct region *v;
    size_t n;
};

/* All of a disk but the lock file, which holds nothing. */
void regions_of(struct regions *r, const struct disk *d);
void regions_release(struct regions *r);

/* Kinds of files: what may be swapped with what. */
const char *file_kind(const char *path);

#endif
