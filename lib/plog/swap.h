/* swap.h - a cleaned segment takes the place of those it was made from.
 *
 * Files, all in the partition's directory, named by the base offset of the first of them:
 *
 *   <base>.log.cleaned (and .index, .timeindex, .check)   being made; worth nothing
 *   <base>.log.swap                                       made: it counts, those it replaces do not
 *
 * In order, each step durable before the next:
 *
 *   1. the four .cleaned files are written and synced, and their names
 *   2. .log.cleaned is renamed .log.swap               <- from here on the new set is in force
 *   3. the files of the segments behind the first one, up to where the cleaned one ends, are
 *      unlinked; the index files are renamed to their own names, over the first one's
 *   4. .log.swap is renamed .log, over the first one's
 *
 * Killed before 2: what is .cleaned is removed by the next start. Killed after it: the next start
 * does steps 3 and 4 (again). So a log is opened with the old segments or with the new one.
 */
#ifndef PLOG_SWAP_H
#define PLOG_SWAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "plog/index_file.h"

/* "<dir>/<base>.log.cleaned" into buf. */
int plog_cleaned_path(char *buf, size_t cap, const char *dir, int64_t base);
/* Step 2. */
int plog_swap_commit(struct io *io, const char *dir, int64_t base, struct err *e);
/* Steps 3 and 4: the cleaned segment has the offsets [base, end). */
int plog_swap_finish(struct io *io, const char *dir, int64_t base, int64_t end, struct err *e);
/* Give up before step 2: remove the .cleaned files. */
int plog_swap_abandon(struct io *io, const char *dir, int64_t base, struct err *e);
/* Is it the name of a file that only a compaction under way has? */
bool plog_swap_name(const char *name);
/* The offset behind the last batch of a .swap file, by its headers: it replaces what lies below. */
int plog_swap_end(struct io *io, const char *path, int64_t base, int64_t *end, struct err *e);
/* At a start: finish or remove what a process that died left in dir, which holds these names.
 * active is the segment that no compaction touches. ERR_CORRUPT, with nothing
 * removed, if a cleaned segment does not end where what it replaces does. */
int plog_swap_recover(struct io *io, struct log *log, const char *dir,
                      const struct plog_segment_id *active, char *const *names, size_t n,
                      struct err *e);

#endif
