/* interrupt.h - Ctrl-C as something to wait for. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

/* From now on SIGINT and SIGTERM do not end the program; a descriptor becomes readable instead, to
 * be given as interrupt_fd to what waits. Returns it, or a negated errno. */
int cli_interrupt_fd(void);
/* Take what has come so far, so that waiting works again: for what has to be finished first. */
void cli_interrupt_clear(void);

#endif
