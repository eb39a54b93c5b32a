/* bench_ranges.h - a set of numbers kept as ranges: sequence numbers seen, offsets given out. What
 * comes in order, or fills gaps sooner or later, costs one range however much it is.
 */
#ifndef CLI_BENCH_RANGES_H
#define CLI_BENCH_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
    uint64_t from, to; /* from <= x < to */
};

/* Zeroed memory is an empty set. */
struct ranges {
    struct range *v; /* n, ascending, not touching each other; owned */
    size_t n, cap;
};

void ranges_release(struct ranges *r);
/* Put from <= x < to into the set; from < to. 0 or -ENOMEM; *twice (may be NULL) gets how many of
 * them were in it already. */
int ranges_add(struct ranges *r, uint64_t from, uint64_t to, uint64_t *twice);
bool ranges_has(const struct ranges *r, uint64_t x);
/* How many numbers are in it. */
uint64_t ranges_count(const struct ranges *r);
/* How many numbers of a are not in b. */
uint64_t ranges_missing(const struct ranges *a, const struct ranges *b);
/* Forget the lowest ranges so that at most `keep` stay. */
void ranges_trim(struct ranges *r, size_t keep);

#endif
