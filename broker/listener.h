/* listener.h - accepts connections and deals them out to the workers in turn. */
#ifndef BROKER_LISTENER_H
#define BROKER_LISTENER_H

#include "base/err.h"

struct broker;
struct listener; /* opaque; lives on worker 0's loop */

/* Before worker 0 runs. fd is bound and the listener's from now on, in case of an error too. NULL
 * and e on failure. */
struct listener *listener_new(struct broker *b, int fd, struct err *e);
/* Any thread: accept no more. */
void listener_stop(struct listener *l);
/* When worker 0 has ended. NULL is fine. */
void listener_free(struct listener *l);

#endif
