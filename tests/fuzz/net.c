#include "tests/fuzz/net.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/endian.h"
#include "tests/fuzz/fuzz.h"

enum { FIRST_FD = 1 << 20, SOCKETS = 8 }; /* numbers that no real descriptor has */

static struct peer {
    bool open, closed; /* closed: by the peer */
    struct wr in, out; /* requests that are not whole yet; replies that were not read yet */
    size_t read;
} peers[SOCKETS];
static struct fuzz_net *net;

static void reset(struct peer *p)
{
    p->open = p->closed = false;
    p->read = 0;
    wr_reset(&p->in);
    wr_reset(&p->out);
}

void fuzz_net_begin(struct fuzz_net *n)
{
    for (size_t i = 0; i < SOCKETS; i++)
        reset(&peers[i]);
    net = n;
}

bool fuzz_net_idle(void)
{
    for (size_t i = 0; i < SOCKETS; i++) {
        if (peers[i].open)
            return false;
    }
    return true;
}

/* NULL: a real descriptor, or none. */
static struct peer *peer_of(int fd)
{
    if (fd < FIRST_FD || fd >= FIRST_FD + SOCKETS)
        return NULL;
    must(peers[fd - FIRST_FD].open);
    return &peers[fd - FIRST_FD];
}

/* ---- names and connections */

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **list)
{
    static struct sockaddr_in address = {.sin_family = AF_INET};
    static struct addrinfo found = {.ai_family = AF_INET,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_addr = (struct sockaddr *)&address,
                                    .ai_addrlen = sizeof address};
    (void)service;
    (void)hints;
    *list = &found;
    return host && *host ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *list)
{
    (void)list;
}

int socket(int domain, int type, int protocol)
{
    (void)domain;
    (void)type;
    (void)protocol;
    for (int i = 0; i < SOCKETS; i++) {
        if (!peers[i].open) {
            peers[i].open = true;
            return FIRST_FD + i;
        }
    }
    errno = EMFILE;
    return -1;
}

int connect(int fd, const struct sockaddr *address, socklen_t n)
{
    (void)address;
    (void)n;
    must(peer_of(fd));
    return 0;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t n)
{
    (void)level;
    (void)name;
    (void)value;
    (void)n;
    must(peer_of(fd));
    return 0;
}

int close(int fd)
{
    struct peer *p = peer_of(fd);
    if (!p)
        return (int)syscall(SYS_close, fd);
    reset(p);
    return 0;
}

/* ---- bytes */

ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
    struct peer *p = peer_of(fd);
    (void)flags;
    must(p);
    wr_bytes(&p->in, bytes, n);
    must(!p->in.err);
    size_t at = 0;
    while (!p->closed && p->in.len - at >= 4) {
        size_t size = get_be32(p->in.buf + at);
        if (p->in.len - at - 4 < size)
            break;
        p->closed = !net->answer(net->ctx, span_of(p->in.buf + at + 4, size), &p->out);
        must(!p->out.err);
        at += 4 + size;
    }
    p->in.len -= at;
    memmove(p->in.buf, p->in.buf + at, p->in.len);
    return (ssize_t)n;
}

ssize_t recv(int fd, void *buf, size_t n, int flags)
{
    struct peer *p = peer_of(fd);
    (void)flags;
    must(p);
    size_t left = p->out.len - p->read;
    n = n < left ? n : left;
    if (n == 0 && !p->closed) {
        errno = EAGAIN;
        return -1;
    }
    if (n)
        memcpy(buf, p->out.buf + p->read, n);
    p->read += n;
    return (ssize_t)n;
}

static short events_of(const struct peer *p, short wanted)
{
    short events = wanted & POLLOUT;
    if (p->closed || p->read < p->out.len)
        events |= wanted & POLLIN;
    return events;
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    int ready = 0;
    for (nfds_t i = 0; i < n; i++) {
        struct peer *p = peer_of(fds[i].fd);
        fds[i].revents = p ? events_of(p, fds[i].events) : 0;
        ready += fds[i].revents != 0;
    }
    if (ready == 0 && timeout > 0)
        clock_manual_advance(&net->clock, timeout);
    return ready;
}
