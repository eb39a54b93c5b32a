/* address.h - "host:port[,host:port]...", as in bootstrap servers. IPv6 addresses stand in
 * brackets. */
#ifndef CLIENT_ADDRESS_H
#define CLIENT_ADDRESS_H

#include "base/err.h"

enum { CLIENT_HOST = 256, CLIENT_PORT_DEFAULT = 9092 };

struct client_address {
    char host[CLIENT_HOST];
    int port;
};

/* Take the first address of *list and move *list behind it and its comma. 1, 0 at the end of the
 * list, or ERR_INVALID with e set. A missing port is CLIENT_PORT_DEFAULT. */
int client_address_next(const char **list, struct client_address *a, struct err *e);

#endif
