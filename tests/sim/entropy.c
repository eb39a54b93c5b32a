/* entropy.c - getrandom(2) with a seed, in place of libc's. */
#include <string.h>
#include <sys/random.h>

#include "tests/sim/rng.h"

static struct rng source;

void entropy_seed(uint64_t seed)
{
    source.state = seed ^ UINT64_C(0x5eed);
}

ssize_t getrandom(void *buf, size_t n, unsigned flags)
{
    uint8_t *to = buf;
    (void)flags;
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)rng_next(&source);
    return (ssize_t)n;
}
