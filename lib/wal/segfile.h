/* segfile.h - one segment file, open for reading. Private to the room. */
#ifndef WAL_SEGFILE_H
#define WAL_SEGFILE_H

#include "wal/reader.h"

struct wal_segfile {
    struct io_file *file; /* NULL: not open */
    struct wal_segment_header header;
    char path[IO_PATH_MAX];
};

/* Memory that grows to the largest group read. */
struct wal_buf {
    uint8_t *p;
    size_t cap;
};
/* Room for n bytes. 0 or -ENOMEM. */
int wal_buf_reserve(struct wal_buf *buf, size_t n);

/* Note a fault and say it in e. Returns ERR_CORRUPT. */
int wal_fault_set(struct wal_fault *f, struct err *e, const char *file, struct wal_pos pos,
                  const char *reason);

/* Open a file and check its header: 0, ERR_CORRUPT, ERR_VERSION, ERR_FOREIGN, -ENOENT... id 0: any.
 * Of cfg: io, owner, fresh, fault. */
int wal_segfile_open(struct wal_segfile *s, const struct wal_reader_config *cfg, const char *path,
                     uint64_t id, struct err *e);
void wal_segfile_close(struct wal_segfile *s);

/* Has the file become another segment since it was opened? */
bool wal_segfile_recycled(const struct wal_segfile *s);

/* Read the group at an offset (a multiple of WAL_BLOCK, not 0) into buf. 1; 0 if there is no valid
 * one, *why saying what is wrong; or an error, said in e. */
int wal_segfile_group(const struct wal_segfile *s, struct wal_buf *buf, uint64_t offset,
                      struct wal_group *g, const char **why, struct err *e);

/* What the headers of a region tell. */
struct wal_evidence {
    struct wal_pos synced; /* the largest position stated */
    uint64_t extent;       /* where the furthest group found would end; 0: none found */
};
/* Look at every multiple of WAL_BLOCK from an offset on for a header whose checksum is right, and
 * add to ev. */
int wal_segfile_scan(const struct wal_segfile *s, struct wal_buf *buf, uint64_t from,
                     struct wal_evidence *ev, struct err *e);
void wal_evidence_add(struct wal_evidence *ev, const struct wal_group *header, uint64_t file_size);

#endif
