/* net.h - a network with one host and no wires: the system's calls for sockets and names, defined
 * anew in the program that links this, so that the blocking client runs on what the target answers.
 * Nothing waits: when there is nothing to read, time passes. One thread.
 */
#ifndef TESTS_FUZZ_NET_H
#define TESTS_FUZZ_NET_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/span.h"
#include "base/wr.h"

struct fuzz_net {
    struct clock_manual clock; /* what the client's clock must be */
    /* A whole request, without its length, came: append what is sent back. False: close. */
    bool (*answer)(void *ctx, struct span request, struct wr *reply);
    void *ctx;
};

/* Whoever connects from now on, anywhere, reaches n. Sockets left open are closed. */
void fuzz_net_begin(struct fuzz_net *n);
/* Is every socket closed? */
bool fuzz_net_idle(void);

#endif
