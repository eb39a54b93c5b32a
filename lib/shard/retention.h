/* retention.h - inside lib/shard only: old records go, by age and by size. */
#ifndef SHARD_RETENTION_H
#define SHARD_RETENTION_H

#include <stdint.h>

struct shard;

/* Check all partitions if a check is due; when the next one is, monotonic ms,
 * INT64_MAX: never. */
int64_t retention_tick(struct shard *s, int64_t now);
/* The shard has recovered: the first check is due soon, not at once. */
void retention_begin(struct shard *s);
/* Forget what is under way: the shard is freed. */
void retention_release(struct shard *s);

#endif
