/* progress.h - how far the compaction of a log has come: a small file in its directory.
 *
 *   compaction-checkpoint
 *     version: 0
 *     first_dirty: <offset>   everything below it was compacted once
 *     gaps_below: <offset>    segments that begin below it may lack offsets
 *     crc: <8 hex digits>     CRC-32C of the lines above
 *
 * A log without the file was never compacted: an offset that is missing in it was lost. So
 * gaps_below is durable before the first segment takes its place that has any; the file may say too
 * much of it, never too little. first_dirty only saves work: below it nothing has to be looked
 * through for keys.
 */
#ifndef PLOG_PROGRESS_H
#define PLOG_PROGRESS_H

#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

extern const char plog_progress_name[];

struct plog_progress {
    int64_t first_dirty, gaps_below;
};

/* 0; ERR_NOTFOUND if there is no file; ERR_CORRUPT if it is damaged; or an errno. */
int plog_progress_load(struct io *io, const char *dir, struct plog_progress *out, struct err *e);
/* Durable on return; after a crash the old or the new one is there. */
int plog_progress_save(struct io *io, const char *dir, const struct plog_progress *p,
                       struct err *e);

#endif
