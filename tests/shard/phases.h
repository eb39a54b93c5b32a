/* phases.h - a disk that remembers what its user was doing at each change.
 *
 * It passes every call on to a disk in memory. The path tells what a change is for; so each
 * position of the disk's trace gets a phase (phases.def), and a test can say how many of its
 * crashes came in the middle of what.
 */
#ifndef TESTS_SHARD_PHASES_H
#define TESTS_SHARD_PHASES_H

#include "base/io_mem.h"

enum phase {
#define PHASE(name, words) PHASE_##name,
#include "tests/shard/phases.def"
#undef PHASE
    PHASES
};
extern const char *const phase_words[PHASES];

struct phases {
    struct io io; /* to be used instead of the disk's own */
    struct io *disk;
    const struct io_mem *mem;
    uint8_t *of; /* phase of each change, by its position in the trace */
    size_t n, cap;
    struct watched *files;   /* open ones */
    uint64_t faults[PHASES]; /* calls of each that a fault of the disk has failed */
    uint64_t n_faults;
    bool recovering; /* set by the user: whatever is touched, it is for a recovery */
    bool recycling;
};

struct phases *phases_new(struct io_mem *mem);
void phases_free(struct phases *p); /* its files closed */
/* What was under way when the first `upto` changes were done: the phase of the last of them. */
enum phase phases_at(const struct phases *p, size_t upto);

#endif
