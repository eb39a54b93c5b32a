/* conf.h - a raft configuration: who belongs to a shard, in which role. Its bytes are the body of a
 * CHANGE frame. */
#ifndef SHARD_CONF_H
#define SHARD_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "base/wr.h"

enum { SHARD_SERVERS_MAX = 15, SHARD_CONF_BYTES_MAX = 4 + 9 * SHARD_SERVERS_MAX };
enum shard_role { SHARD_STANDBY, SHARD_VOTER, SHARD_SPARE }; /* numbers as in libraft */

struct shard_server {
    uint64_t id; /* 1 to INT64_MAX, as in the metadata's snapshots */
    uint8_t role;
};
struct shard_conf {
    uint32_t n;
    struct shard_server servers[SHARD_SERVERS_MAX];
};

/* Append the body of a CHANGE to w. */
void shard_conf_encode(const struct shard_conf *c, struct wr *w);
/* ERR_MALFORMED: more servers than there may be, an unknown role, an id out of range or twice,
 * bytes left over. */
int shard_conf_decode(struct span body, struct shard_conf *c);
/* Is `id` the only voter? */
bool shard_conf_sole_voter(const struct shard_conf *c, uint64_t id);

#endif
