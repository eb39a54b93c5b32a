/* server.h - a whole broker: put together, run, taken apart.
 *
 * Start: the directory, shard 0 (recovered), the data shards (recovered under its image), the
 * loops, and only then the listener. Stop is the reverse: nothing is accepted, requests in flight
 * are answered, the shards write what is staged, checkpoint and mark, the threads end.
 */
#ifndef BROKER_SERVER_H
#define BROKER_SERVER_H

#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "broker/settings.h"

struct server; /* opaque */

/* All of it; blocks until the broker serves. settings and log outlive the server. The calling
 * thread also stops it. e says why not. */
int server_start(struct server **out, const struct settings *settings, struct log *log,
                 struct err *e);
/* The port that is listened on. */
uint16_t server_port(const struct server *s);
/* Let every thread log what it counted. */
void server_log_stats(struct server *s);
/* Drain, stop and free. Clients have `grace_ms` to take their answers. */
void server_stop(struct server *s, int64_t grace_ms);

#endif
