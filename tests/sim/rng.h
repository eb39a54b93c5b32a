/* rng.h - the one source of chance: a seed gives the same draws in every run and on every machine.
 */
#ifndef TESTS_SIM_RNG_H
#define TESTS_SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
    uint64_t x = r->state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* 0 .. n-1; n > 0. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
    return rng_next(r) % n;
}

static inline int64_t rng_between(struct rng *r, int64_t low, int64_t high)
{
    return low + (int64_t)rng_below(r, (uint64_t)(high - low) + 1);
}

/* With a probability of ppm in a million. */
static inline bool rng_chance(struct rng *r, uint32_t ppm)
{
    return rng_below(r, 1000000) < ppm;
}

/* A delay in ns around mean: mostly up to twice of it, sometimes ten times. */
static inline int64_t rng_delay(struct rng *r, int64_t mean)
{
    int64_t d = 1 + (int64_t)rng_below(r, (uint64_t)(2 * mean));
    return rng_below(r, 20) ? d : 10 * d;
}

/* lib asks the system for random bytes (getrandom: salts of WAL segments). In the simulator they
 * come from here: entropy.c. */
void entropy_seed(uint64_t seed);

#endif
