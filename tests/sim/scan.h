/* scan.h - read a partition back, whole batches, checking each (CRC, continuity). */
#ifndef TESTS_SIM_SCAN_H
#define TESTS_SIM_SCAN_H

#include "shard/shard.h"

/* Call each(ctx, head, bytes) for the batches from the one that holds `from` up to `to`; gaps: of a
 * compacted log some may be missing. 0, or a code with e. */
int scan_partition(struct plog *log, int64_t from, int64_t to, bool gaps,
                   void (*each)(void *ctx, const struct batch *head, const uint8_t *bytes),
                   void *ctx, struct err *e);

#endif
