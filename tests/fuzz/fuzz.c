#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

void fuzz_broken(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: not true: %s\n", file, line, what);
    abort();
}

struct span fuzz_some(struct rd *r, size_t n)
{
    size_t left = rd_left(r);
    return rd_span(r, n < left ? n : left);
}

struct span fuzz_rest(struct rd *r)
{
    return fuzz_some(r, SIZE_MAX);
}

bool fuzz_within(struct span a, struct span b)
{
    return a.n == 0 || (a.p >= b.p && a.n <= b.n && (size_t)(a.p - b.p) <= b.n - a.n);
}
