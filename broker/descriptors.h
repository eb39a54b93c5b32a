/* descriptors.h - how many files and connections the process may have open, and how they are shared
 * out. */
#ifndef BROKER_DESCRIPTORS_H
#define BROKER_DESCRIPTORS_H

#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "broker/settings.h"

/* Raise RLIMIT_NOFILE as far as it goes, and say for how many connections there is room; a line
 * tells if that is fewer than max.connections by default. ERR_INVALID: too few for what was asked
 * for, or for anything. */
int descriptors_share(const struct settings *s, struct log *log, uint32_t *room, struct err *e);
/* The same, of so many descriptors. */
int descriptors_divide(const struct settings *s, uint64_t limit, uint32_t *room, struct err *e);

#endif
