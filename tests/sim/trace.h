/* trace.h - what happened: a digest of all of it, and its last lines for whoever has to find out.
 */
#ifndef TESTS_SIM_TRACE_H
#define TESTS_SIM_TRACE_H

#include <stdbool.h>
#include <stdint.h>

struct sim_world;

enum { TRACE_LINES = 120, TRACE_LINE = 240 };

struct trace {
    bool loud; /* print each line as it comes */
    uint64_t n, hash;
    char line[TRACE_LINES][TRACE_LINE];
};

void trace_line(struct sim_world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Too small for a line of its own; part of the digest all the same. */
void trace_hash(struct sim_world *w, uint64_t value);
/* Printed when the trace is loud, and else nothing. */
void trace_detail(struct sim_world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void trace_tail(const struct sim_world *w);

#endif
