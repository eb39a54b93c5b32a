/* when.h - points in time as people and scripts write them. */
#ifndef CLI_WHEN_H
#define CLI_WHEN_H

#include <stdint.h>

/* "1769860800000" (milliseconds since 1970) or "2026-01-31T12:00:00Z" (RFC 3339: a fraction of a
 * second and an offset like +02:00 are understood) as milliseconds since 1970 UTC. 0 or
 * ERR_INVALID. */
int when_parse(const char *text, int64_t *ms);

#endif
