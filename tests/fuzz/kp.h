/* kp.h - what holds for every message that could be decoded. */
#ifndef TESTS_FUZZ_KP_H
#define TESTS_FUZZ_KP_H

#include "kp/kp.h"

/* msg, which was decoded in that version, can be written; what is written reads back as an equal
 * message and writes to the same bytes. */
void fuzz_kp_holds(const struct kp_schema *s, int version, const void *msg);

/* A random message of that version as bytes at p, of at most max; 0 if it does not fit. */
size_t fuzz_kp_random(const struct kp_schema *s, int version, uint64_t seed, uint8_t *p,
                      size_t max);
/* The same, but names in it are "t", partitions and brokers have small numbers, and errors are none
 * or one that there is: it speaks of what somebody may have asked about. */
size_t fuzz_kp_likely(const struct kp_schema *s, int version, uint64_t seed, uint8_t *p,
                      size_t max);

/* What a broker says that serves all we know: the body of the newest answer to ApiVersions. Static
 * storage. */
struct span fuzz_kp_versions(void);

#endif
