/* log_check.h - check partition segments and what is derived from them; the work of `chronik-log
 * verify`.
 *
 *   every batch: header, checksum, offsets ascending, epochs ascending and those that the epoch
 *     file has;
 *   segments follow each other;
 *   every entry of the indexes points to a batch, time entries tell the largest time so far;
 *   the sums in .check are those of the files;
 *   in a data directory: what the checkpoints say was synced is there, under the right topic id.
 *
 * A broker may be running.
 */
#ifndef CLI_LOG_CHECK_H
#define CLI_LOG_CHECK_H

#include "cli/log_place.h"
#include "cli/verdict.h"

/* Check what is at the path. The units are batches; faults_release(&v->faults) after it. 0,
 * whatever was found; or what log_place_find gives. */
int log_check_run(struct verdict *v, struct io *io, const char *path, struct err *e);

#endif
