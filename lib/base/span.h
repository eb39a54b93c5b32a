/* span.h - bytes that belong to somebody else. */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *p; /* NULL with n 0: no value */
    size_t n;
};

static inline struct span span_of(const void *p, size_t n)
{
    struct span s = {(const uint8_t *)p, n};
    return s;
}

static inline struct span span_str(const char *s)
{
    return span_of(s, s ? strlen(s) : 0);
}

static inline int span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

#endif
