/* memory.h - let allocations of a test fail.
 *
 * A program that uses it stands between the C library's allocator and everybody else, libraries
 * included; so it has to be built without a sanitizer that has an allocator of its own. There
 * memory_may_fail says no, out loud, and the test is to be left.
 */
#ifndef TESTS_UNIT_MEMORY_H
#define TESTS_UNIT_MEMORY_H

#include <stdbool.h>

bool memory_may_fail(void);
/* The nth allocation from now on (1: the next) fails, and so many in a row (0: all from there on).
 * nth 0 ends it. */
void memory_fail(unsigned nth, unsigned times);
/* How many did since the last memory_fail. */
unsigned memory_failed(void);

#endif
