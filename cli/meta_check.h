/* meta_check.h - check everything that shard 0 keeps; the work of `chronik-meta verify`.
 *
 *   node.meta, the checkpoints and each snapshot, byte by byte;
 *   the whole log, as recovery does;
 *   that the log leads from each snapshot to exactly the next one and on to its end: both were made
 *     from the same entries, so what no checksum sees shows here.
 *
 * A broker may be running: what it took away while this looked is looked at anew.
 */
#ifndef CLI_META_CHECK_H
#define CLI_META_CHECK_H

#include "cli/meta_place.h"
#include "cli/verdict.h"

/* The units are groups, the records entries of the log. faults_release(&v->faults) after it. */
void meta_check_run(struct verdict *v, const struct place *p);

#endif
