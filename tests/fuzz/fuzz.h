/* fuzz.h - what the fuzz targets share. See HACKING.md, "Hostile bytes".
 *
 * A target is a LLVMFuzzerTestOneInput over bytes from anywhere. It looks for more than crashes:
 * `must` states what holds for every input. Lengths and checksums that a random change would break
 * are put right by the target itself, when a bit of the input says so, because nothing gets past
 * them otherwise; so the corpus means the same to libFuzzer, to the replay and to the next version
 * of a mutator.
 *
 * The same sources make two programs: with --enable-fuzz a libFuzzer (clang), else one that replays
 * the corpus (replay.c).
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rd.h"
#include "base/span.h"
#include "base/wr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
/* A target may have its own; in the buffer are n bytes, and room for max. Gives the new size. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed);
/* What it uses for the rest: libFuzzer's, or replay.c's. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t n, size_t max);

/* A statement that every input leaves true. */
#define must(what)                                  \
    do {                                            \
        if (!(what))                                \
            fuzz_broken(#what, __FILE__, __LINE__); \
    } while (0)
_Noreturn void fuzz_broken(const char *what, const char *file, int line);

/* All that is left, without touching the cursor's error. */
struct span fuzz_rest(struct rd *r);
/* The next so many bytes, or as many as there are. */
struct span fuzz_some(struct rd *r, size_t n);
/* Is a inside b? */
bool fuzz_within(struct span a, struct span b);

#endif
