/* interrupt.h - Ctrl-C as something to wait for. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on so many SIGINT and SIGTERM do not end the program; a descriptor becomes readable
 * instead, to be given as interrupt_fd to what waits. They cut no write in two: one that nobody
 * reads goes on waiting, which the signal after these ends, as ever. Returns the descriptor, or a
 * negated errno. */
int cli_interrupt_fd(int signals);
/* Whether one has come since the last cli_interrupt_clear: for what does not wait. */
bool cli_interrupted(void);
/* Take what has come so far, so that waiting works again: for what has to be finished first. */
void cli_interrupt_clear(void);

#endif
