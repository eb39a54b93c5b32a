/* siphash.h - SipHash-2-4 with a 128-bit result: a keyed hash that outsiders cannot make collide.
 *
 * With a secret key two different inputs have the same hash with a chance of 2^-128, whoever chose
 * them. Where the hash stands for the input, that is what makes it safe to.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stdint.h>

#include "base/span.h"

enum { SIPHASH_KEY = 16 };

/* Two halves of the hash of `in`, in the byte order of this machine's integers. */
void siphash128(const uint8_t key[SIPHASH_KEY], struct span in, uint64_t out[2]);

#endif
