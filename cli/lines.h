/* lines.h - lines of a descriptor as they come: waiting has a deadline, and memory a bound. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "client/blocking.h"

struct lines {
    int fd;
    size_t max; /* bytes of the longest line that is accepted */
    char *buf;
    size_t start, end, cap; /* what is buffered */
    size_t seen;            /* buffered bytes that hold no newline */
    bool ended;
    uint64_t number; /* of the last line given, from 1 */
};

void lines_init(struct lines *l, int fd, size_t max);
void lines_release(struct lines *l);

/* The next line without its newline, good until the next call: 1; 0 at the end; ERR_TIMEOUT at w's
 * deadline, ERR_INTERRUPTED, ERR_TOOBIG (line number + 1 is too long; there is no going on), or a
 * negative code. A last line need not end in a newline. */
int lines_next(struct lines *l, const struct client_wait *w, struct span *line);

#endif
