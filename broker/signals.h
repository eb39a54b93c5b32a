/* signals.h - how chronikd is told to stop: SIGTERM and SIGINT; and SIGUSR1, to say what it counted.
 *
 * A start may take long, and may be killed at any point, so until the broker serves the first SIGTERM
 * or SIGINT ends the process at once. From then on it is main's to stop in order, and a second one
 * ends it at once. All of it belongs to main's thread and is called once, in the order of the
 * functions here.
 */
#ifndef BROKER_SIGNALS_H
#define BROKER_SIGNALS_H

#include "base/err.h"

/* Before any other thread is there: those made later block these signals. leaving(arg) is called, on
 * a thread of its own, before a stop during the start ends the process with that status. 0, or a
 * negative code and why. */
int signals_catch(int status, void (*leaving)(void *arg), void *arg, struct err *e);

/* The start is over, whether or not it succeeded. */
void signals_started(void);

/* SIGUSR1, or that of the other two which came. Waits. */
int signals_wait(void);

#endif
