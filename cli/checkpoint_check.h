/* checkpoint_check.h - look at one checkpoint file, as the verify commands do. */
#ifndef CLI_CHECKPOINT_CHECK_H
#define CLI_CHECKPOINT_CHECK_H

#include "cli/verdict.h"
#include "shard/checkpoint.h"

/* Read the file, which must be owner's (NULL: anybody's), and the one that its sequence number says
 * if it is called checkpoint.0 or checkpoint.1. True and the checkpoint, for
 * checkpoint_release, if it is there and good; what is wrong goes to v. A missing one is no fault.
 */
bool checkpoint_check(struct verdict *v, struct io *io, const char *path,
                      const struct wal_owner *owner, struct checkpoint *cp);

#endif
