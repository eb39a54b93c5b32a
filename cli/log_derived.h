/* log_derived.h - the files beside a partition's segments: offset and time index, checksums of both
 * (ours), epochs and metadata. Read as they are, not as the broker would make them anew. */
#ifndef CLI_LOG_DERIVED_H
#define CLI_LOG_DERIVED_H

#include "cli/log_place.h"
#include "plog/index_file.h"
#include "plog/plog.h"

struct log_derived {
    struct plog_offset_entry *offsets;
    struct plog_time_entry *times;
    size_t n_offsets, n_times; /* whole entries, less the zeros that Kafka reserves at the end */
    size_t offsets_size, times_size; /* of the files; 0 when missing */
    uint32_t offsets_crc, times_crc; /* of as many entries as check says; 0 if there are fewer */
    bool has_offsets, has_times, has_check;
    int check_rc; /* if has_check: 0, or ERR_CORRUPT for one that is damaged */
    struct plog_check check;
    uint32_t *sums; /* check.n_offsets: of the batches in front of each offset entry; NULL: the
                     * files do not fit each other */
    char check_reason[ERR_TEXT_MAX];
};

/* The three files of a segment. A missing one is no error. 0, -EFBIG, or another code.
 * log_derived_release in every case. */
int log_derived_read(struct log_derived *d, struct io *io, const struct log_segment *s,
                     struct err *e);
void log_derived_release(struct log_derived *d);

/* The entries of leader-epoch-checkpoint. */
struct log_epochs {
    struct plog_epoch *v;
    size_t *at; /* where each one's line begins */
    size_t n;
};
/* 0, ERR_NOTFOUND, ERR_CORRUPT with the byte, or another code. log_epochs_release in every case. */
int log_epochs_read(struct log_epochs *to, struct io *io, const char *path, size_t *fault,
                    struct err *e);
void log_epochs_release(struct log_epochs *e);

#endif
