#include "client/address.h"

#include <stdio.h>
#include <string.h>

static int parse_port(const char *s, size_t n, int *port)
{
    int v = 0;
    if (!n || n > 5)
        return ERR_INVALID;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return ERR_INVALID;
        v = v * 10 + (s[i] - '0');
    }
    *port = v;
    return v >= 1 && v <= 65535 ? 0 : ERR_INVALID;
}

static int parse(const char *s, size_t n, struct client_address *a)
{
    const char *host = s, *rest = s + n, *end = s + n;
    if (n && *s == '[') {
        host = s + 1;
        const char *close = memchr(s, ']', n);
        if (!close)
            return ERR_INVALID;
        rest = close + 1;
        n = (size_t)(close - host);
    } else {
        const char *colon = memchr(s, ':', n);
        if (colon && memchr(colon + 1, ':', (size_t)(end - colon - 1)))
            colon = NULL; /* a bare IPv6 address: it has no port */
        if (colon) {
            rest = colon;
            n = (size_t)(colon - host);
        }
    }
    if (!n || n >= sizeof a->host)
        return ERR_INVALID;
    memcpy(a->host, host, n);
    a->host[n] = 0;
    a->port = CLIENT_PORT_DEFAULT;
    if (rest == end)
        return 0;
    return *rest == ':' ? parse_port(rest + 1, (size_t)(end - rest - 1), &a->port) : ERR_INVALID;
}

int client_address_next(const char **list, struct client_address *a, struct err *e)
{
    const char *s = *list + strspn(*list, ", ");
    size_t n = strcspn(s, ", ");
    *list = s + n;
    if (!n)
        return 0;
    if (parse(s, n, a))
        return err_set(e, ERR_INVALID, "'%.*s': not an address (host:port)", n > 100 ? 100 : (int)n,
                       s);
    return 1;
}
