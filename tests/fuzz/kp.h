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

#endif
