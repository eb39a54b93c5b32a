#include "broker/address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char scheme[] = "PLAINTEXT://";

static int parse_port(const char *text, uint16_t *port, struct err *e)
{
    size_t n = strlen(text);
    long v = n && n <= 5 && strspn(text, "0123456789") == n ? strtol(text, NULL, 10) : -1;
    if (v < 0 || v > 65535)
        return err_set(e, ERR_INVALID, "'%s' is no port", text);
    *port = (uint16_t)v;
    return 0;
}

int address_parse(const char *text, struct address *a, struct err *e)
{
    const char *p = text;
    if (strncmp(p, scheme, strlen(scheme)) == 0)
        p += strlen(scheme);
    if (strstr(p, "://"))
        return err_set(e, ERR_INVALID, "'%s': only PLAINTEXT:// is served", text);
    if (strchr(p, ','))
        return err_set(e, ERR_INVALID, "'%s': only one address is served", text);
    const char *colon = strrchr(p, ':');
    if (!colon)
        return err_set(e, ERR_INVALID, "'%s' is not HOST:PORT", text);
    size_t n = (size_t)(colon - p);
    if (n >= 2 && p[0] == '[' && p[n - 1] == ']') {
        p++;
        n -= 2;
    } else if (memchr(p, ':', n)) {
        return err_set(e, ERR_INVALID, "'%s': an IPv6 address stands in brackets", text);
    }
    if (n >= sizeof a->host)
        return err_set(e, ERR_INVALID, "'%s': the host is too long", text);
    memcpy(a->host, p, n);
    a->host[n] = 0;
    return parse_port(colon + 1, &a->port, e);
}

bool address_is_wildcard(const struct address *a)
{
    return !a->host[0] || strcmp(a->host, "0.0.0.0") == 0 || strcmp(a->host, "::") == 0;
}

static int bound_port(int fd, uint16_t *port)
{
    struct sockaddr_storage ss = {0};
    socklen_t n = sizeof ss;
    if (getsockname(fd, (struct sockaddr *)&ss, &n))
        return -errno;
    *port = ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port
                                           : ((struct sockaddr_in *)&ss)->sin_port);
    return 0;
}

static int bind_one(const struct addrinfo *ai, uint16_t *port)
{
    int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int on = 1, rc = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(fd, ai->ai_addr, ai->ai_addrlen))
        rc = -errno;
    if (!rc)
        rc = bound_port(fd, port);
    if (!rc)
        return fd;
    close(fd);
    return rc;
}

int address_bind(const struct address *a, uint16_t *port, struct err *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    char service[8];
    snprintf(service, sizeof service, "%u", a->port);
    int rc = getaddrinfo(a->host[0] ? a->host : NULL, service, &hints, &found);
    if (rc)
        return err_set(e, -EADDRNOTAVAIL, "%s: %s", a->host, gai_strerror(rc));
    rc = -EADDRNOTAVAIL;
    for (const struct addrinfo *ai = found; ai && rc < 0; ai = ai->ai_next)
        rc = bind_one(ai, port);
    freeaddrinfo(found);
    return rc < 0 ? err_code(e, rc, "cannot listen on %s:%u", a->host, a->port) : rc;
}
