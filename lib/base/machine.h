/* machine.h - what the machine gives this process. */
#ifndef BASE_MACHINE_H
#define BASE_MACHINE_H

#include <stdint.h>

/* Processors this process may use, at least 1: containers and taskset may leave it fewer than the
 * machine has. Any thread. */
int machine_processors(void);

/* The machine's memory in bytes, 0 if it does not say. Any thread. */
uint64_t machine_memory(void);

#endif
