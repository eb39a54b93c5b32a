/* address.h - where to listen and what to tell clients: "PLAINTEXT://HOST:PORT", or just
 * "HOST:PORT". */
#ifndef BROKER_ADDRESS_H
#define BROKER_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { ADDRESS_HOST_MAX = 256 };

struct address {
    char host[ADDRESS_HOST_MAX]; /* without brackets; empty: all addresses of the machine */
    uint16_t port;
};

/* 0 or ERR_INVALID. One listener; "[::1]:9092" for IPv6. */
int address_parse(const char *text, struct address *a, struct err *e);
/* Does the host stand for all addresses of the machine? */
bool address_is_wildcard(const struct address *a);
/* A socket bound to it, not yet listening: clients are refused until recovery is through. *port
 * gets the port. The descriptor or a negated errno. Blocks on name resolution. */
int address_bind(const struct address *a, uint16_t *port, struct err *e);

#endif
