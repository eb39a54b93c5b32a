/* bench_assign.h - which client has which partitions.
 *
 * A client is one connection, so all its partitions have the same leader. Clients go to the leaders
 * in turn; among the clients of a leader its partitions are dealt out: each partition to one
 * client, or, when there are more clients than partitions, each client one partition.
 */
#ifndef CLI_BENCH_ASSIGN_H
#define CLI_BENCH_ASSIGN_H

#include <stddef.h>
#include <stdint.h>

/* leader[i] < n_brokers leads partition i of n. Write the partitions of client id (of `clients`) to
 * out, room for n, in ascending order. How many: at least 1, or 0 if there are fewer clients than
 * leaders. */
size_t bench_assign(const uint32_t *leader, size_t n, uint32_t n_brokers, uint32_t clients,
                    uint32_t id, uint32_t *out);
/* How many brokers lead at least one partition: the least number of clients. */
uint32_t bench_leaders(const uint32_t *leader, size_t n, uint32_t n_brokers);

#endif
