/* keys.h - which offset each key was written at last: the memory of a compaction.
 *
 * Keys are not kept, only their 128-bit hashes under a key of the map's own (siphash.h), so an
 * entry has 24 bytes however long the key, and nobody can choose two keys that are taken for one.
 * The table is made once, as large as it may be or needs to be, and never grows: when it is full
 * the caller has as much as fits, and cleans that much.
 */
#ifndef PLOG_KEYS_H
#define PLOG_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "base/span.h"

struct plog_keys_entry;

struct plog_keys {
    struct plog_keys_entry *entry;
    uint64_t slots, used, most; /* used: entries; most: as many as it takes */
    uint8_t seed[SIPHASH_KEY];
};

/* Room for `expected` keys, or for as many as max_bytes hold, but at least one. 0 or -ENOMEM. */
int plog_keys_init(struct plog_keys *m, uint64_t expected, uint64_t max_bytes,
                   const uint8_t seed[SIPHASH_KEY]);
void plog_keys_release(struct plog_keys *m);
/* key was written at offset (>= 0), the largest one for it so far. False: it is new, and there is
 * no room for it. */
bool plog_keys_put(struct plog_keys *m, struct span key, int64_t offset);
/* -1: not there. */
int64_t plog_keys_last(const struct plog_keys *m, struct span key);

#endif
