/* counters.h - what a broker under test is seen to do: a file that it, its preload and whoever
 * counts its system calls have mapped, and that the test reads while it runs. Only numbers of 64
 * bits, so that any language can.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

enum { COUNTERS_CALLS = 1024 };

/* Where the file's name stands. */
#define COUNTERS_FILE "CHRONIK_COUNTERS"

struct counters {
    _Atomic int64_t listener; /* 0: no system call is counted yet; > 0: they are; < 0: why not */
    _Atomic uint64_t allocations;
    _Atomic uint64_t allocated; /* bytes */
    _Atomic uint64_t copied;    /* bytes, of copies that are not small (see preload.c) */
    _Atomic uint64_t calls[COUNTERS_CALLS];
};

#endif
