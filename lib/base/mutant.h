/* mutant.h - seeded bugs, to show that the tests bite.
 *
 * A build with --enable-mutants has all bugs of mutant.def, each asleep until the environment's
 * CHRONIK_MUTANT names it; `make check-mutants` wakes one after the other and lets the test run
 * that must notice. Everywhere else MUTANT(name) is false, and the compiler drops what it guards.
 */
#ifndef BASE_MUTANT_H
#define BASE_MUTANT_H

#ifdef CHRONIK_MUTANTS
#include <stdbool.h>

enum mutant {
#define MUTANT_DEF(name, what, test) MUTANT_##name,
#include "base/mutant.def"
#undef MUTANT_DEF
};

/* Is this the bug the environment asks for? Any thread. A name it does not know aborts. */
bool mutant_awake(enum mutant m);

#define MUTANT(name) mutant_awake(MUTANT_##name)
#else
#define MUTANT(name) false
#endif

#endif
