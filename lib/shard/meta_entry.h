/* meta_entry.h - what one entry of shard 0's log makes of an image: the same for the shard that
 * applies it and for a tool that reads the log. */
#ifndef SHARD_META_ENTRY_H
#define SHARD_META_ENTRY_H

#include "meta/meta.h"

/* payload: of the entry's group (wal.h). An entry holds a command, a raft configuration, or
 * neither, and skippable frames. *out is a new image at (index, term), NULL on failure; res says
 * what the command did (zero if there was none). 0; -ENOMEM; ERR_MALFORMED and what meta_apply
 * gives; ERR_UNSUPPORTED for frames of a newer program. */
int shard_meta_apply(const struct meta_image *m, uint64_t index, uint64_t term, struct span payload,
                     struct meta_image **out, struct meta_result *res, struct err *e);

#endif
