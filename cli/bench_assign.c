#include "cli/bench_assign.h"

#include <stdbool.h>

static bool leads(const uint32_t *leader, size_t n, uint32_t broker)
{
    for (size_t i = 0; i < n; i++)
        if (leader[i] == broker)
            return true;
    return false;
}

uint32_t bench_leaders(const uint32_t *leader, size_t n, uint32_t n_brokers)
{
    uint32_t count = 0;
    for (uint32_t b = 0; b < n_brokers; b++)
        count += leads(leader, n, b);
    return count;
}

/* The nth broker that leads something. */
static uint32_t nth_leader(const uint32_t *leader, size_t n, uint32_t nth)
{
    uint32_t b = 0;
    for (;; b++)
        if (leads(leader, n, b) && nth-- == 0)
            return b;
}

size_t bench_assign(const uint32_t *leader, size_t n, uint32_t n_brokers, uint32_t clients,
                    uint32_t id, uint32_t *out)
{
    uint32_t leaders = bench_leaders(leader, n, n_brokers);
    if (leaders == 0 || clients < leaders)
        return 0;
    uint32_t mine = nth_leader(leader, n, id % leaders);
    uint32_t rank = id / leaders; /* among the clients of that leader, */
    uint32_t peers = (clients - id % leaders - 1) / leaders + 1; /* which are so many */
    size_t led = 0, count = 0;
    for (size_t i = 0; i < n; i++)
        led += leader[i] == mine;
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        if (leader[i] != mine)
            continue;
        if (peers >= led ? k == rank % led : k % peers == rank)
            out[count++] = (uint32_t)i;
        k++;
    }
    return count;
}
