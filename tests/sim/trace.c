#include "tests/sim/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

void trace_hash(struct sim_world *w, uint64_t value)
{
    uint64_t h = (w->trace.hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    w->trace.hash = h ^ h >> 29;
}

void trace_line(struct sim_world *w, const char *fmt, ...)
{
    char *to = w->trace.line[w->trace.n++ % TRACE_LINES];
    int n = snprintf(to, TRACE_LINE, "%7llu %12lld.%06lld ", (unsigned long long)w->step,
                     (long long)(w->now / SIM_SECOND), (long long)(w->now % SIM_SECOND / 1000));
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(to + n, TRACE_LINE - (size_t)n, fmt, ap);
    va_end(ap);
    for (const char *c = to; *c; c++)
        w->trace.hash = (w->trace.hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    if (w->trace.loud)
        puts(to);
}

void trace_detail(struct sim_world *w, const char *fmt, ...)
{
    va_list ap;
    if (!w->trace.loud)
        return;
    printf("%7llu     ", (unsigned long long)w->step);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

void trace_tail(const struct sim_world *w)
{
    uint64_t from = w->trace.n > TRACE_LINES ? w->trace.n - TRACE_LINES : 0;
    for (uint64_t i = from; i < w->trace.n; i++)
        fprintf(stderr, "%s\n", w->trace.line[i % TRACE_LINES]);
}
