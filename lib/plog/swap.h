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
 * syncs the name, which may be in the page cache alone, and does steps 3 and 4 (again). So a log is
 * opened with the old segments or with the new one.
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
/* Step 2. It, and the next ones, may be tried again after a shortage. */
int plog_swap_commit(struct io *io, const char *dir, int64_t base, struct err *e);
/* Steps 3 and 4: the cleaned segment has the offsets [base, end). */
int plog_swap_finish(struct io *io, const char *dir, int64_t base, int64_t end, struct err *e);
/* Give up before step 2: remove the .cleaned files. */
int plog_swap_abandon(struct io *io, const char *dir, int64_t base, struct err *e);
/* Is it the name of a file that only a compaction under way has? */
bool plog_swap_name(const char *name);
/* A partition's directory in which a process that died has left what it has left. */
struct plog_leftovers {
    struct io *io;
    const char *dir;
    /* The segment that no compaction touches; base INT64_MAX, or partition -1 (and then the topic,
     * too): not known. */
    struct plog_segment_id active;
    char *const *names; /* all there are */
    size_t n;
};
/* What its .swap file of that base offset replaces: the segments in [base, *end). ERR_CORRUPT if it
 * is damaged, or does not end where what it would replace does. */
int plog_swap_look(const struct plog_leftovers *l, int64_t base, int64_t *end, struct err *e);
/* At a start: finish or remove it. ERR_CORRUPT, with nothing removed, where plog_swap_look says so.
 */
int plog_swap_recover(const struct plog_leftovers *l, struct log *log, struct err *e);

#endif
