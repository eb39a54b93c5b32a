/* coverage.h - marks that show which rare branches a run has reached; the list is coverage.def. */
#ifndef TESTS_SIM_COVERAGE_H
#define TESTS_SIM_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

struct sim_world;

enum cover {
#define COVER(name, alone, together, sentence) COVER_##name,
#include "tests/sim/coverage.def"
#undef COVER
    COVERS
};

struct coverage {
    uint64_t n[COVERS];
};

void cover(struct sim_world *w, enum cover mark);
/* Marks that show in what the product logs. */
void cover_log_line(struct sim_world *w, const char *line);
void coverage_add(struct coverage *sum, const struct coverage *c);
/* A line per mark. */
void coverage_print(const struct coverage *c);
/* Every mark that a run of so many steps, of so many nodes, needs? If not, says which are missing.
 */
bool coverage_enough(const struct coverage *c, uint64_t steps, uint32_t nodes);

#endif
