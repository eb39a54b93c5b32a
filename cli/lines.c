#include "cli/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_AT_ONCE = 65536 };

void lines_init(struct lines *l, int fd, size_t max)
{
    *l = (struct lines){.fd = fd, .max = max};
}

void lines_release(struct lines *l)
{
    free(l->buf);
    l->buf = NULL;
}

/* Cut the next line off what is buffered: 1, or 0 if its end is not there yet. */
static int cut(struct lines *l, struct span *line)
{
    const char *from = l->buf + l->start;
    size_t held = l->end - l->start;
    const char *newline = held > l->seen ? memchr(from + l->seen, '\n', held - l->seen) : NULL;
    if (!newline && !(l->ended && held)) {
        l->seen = held;
        return 0;
    }
    size_t n = newline ? (size_t)(newline - from) : held;
    *line = span_of(from, n);
    l->start += n + (newline != NULL);
    l->seen = 0;
    l->number++;
    return 1;
}

/* Room behind the buffered bytes, moved to the front of the buffer first. */
static int make_room(struct lines *l)
{
    if (l->start) {
        memmove(l->buf, l->buf + l->start, l->end - l->start);
        l->end -= l->start;
        l->start = 0;
    }
    if (l->cap - l->end >= READ_AT_ONCE)
        return 0;
    size_t cap = l->cap ? 2 * l->cap : 2 * READ_AT_ONCE;
    char *p = realloc(l->buf, cap);
    if (!p)
        return -ENOMEM;
    l->buf = p;
    l->cap = cap;
    return 0;
}

static int read_more(struct lines *l, const struct client_wait *w)
{
    int rc = client_wait_fd(w, l->fd, POLLIN);
    if (rc < 0)
        return rc;
    rc = make_room(l);
    if (rc)
        return rc;
    ssize_t n = read(l->fd, l->buf + l->end, l->cap - l->end);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : -errno;
    l->ended = n == 0;
    l->end += (size_t)n;
    return 0;
}

int lines_next(struct lines *l, const struct client_wait *w, struct span *line)
{
    for (;;) {
        if (l->buf && cut(l, line))
            return line->n > l->max ? ERR_TOOBIG : 1;
        if (l->ended)
            return 0;
        if (l->end - l->start > l->max)
            return ERR_TOOBIG;
        int rc = read_more(l, w);
        if (rc)
            return rc;
    }
}
