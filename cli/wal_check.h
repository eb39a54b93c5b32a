/* wal_check.h - check one log; the work of `chronik-wal verify`.
 *
 *   every checksum, every link between segments, every frame;
 *   that raft entries follow each other, in terms that do not go back;
 *   the checkpoints beside the log; that what they state to have been durable is there, and that
 *     the log reaches back to where the newest one wants to be replayed from.
 *
 * A broker may be running: what a newer checkpoint has made untrue meanwhile is looked at anew.
 */
#ifndef CLI_WAL_CHECK_H
#define CLI_WAL_CHECK_H

#include "cli/verdict.h"
#include "cli/wal_tool.h"

/* Add what was looked at, and the first fault, to v: the units are groups, the files segments and
 * checkpoints. visit (may be NULL) sees every valid group; all of them once more when the log has
 * to be looked at anew. */
void wal_check_log(struct verdict *v, const struct wal_log *log, wal_visitor *visit, void *ctx);

#endif
