/* clock.h - the time, replaceable by tests. Timeouts and orders use mono, which never jumps;
 * only timestamps and retention use wall. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock {
    int64_t (*mono_ns)(struct clock *c); /* CLOCK_MONOTONIC, nanoseconds */
    int64_t (*wall_ms)(struct clock *c); /* CLOCK_REALTIME, ms since 1970-01-01 UTC */
};

/* The system's clocks. Static storage, thread-safe. */
struct clock *clock_system(void);

/* Milliseconds since 1970 as people read them, RFC 3339 in UTC: "2026-01-31T12:00:00.123Z". False,
 * and out is empty, for a year that has not four digits. Thread-safe. */
enum { CLOCK_TEXT = 32 };
bool clock_text(int64_t ms, char out[CLOCK_TEXT]);

/* A clock that stands still until told. */
struct clock_manual {
    struct clock clock;
    int64_t mono, wall; /* ns, ms */
};
void clock_manual_init(struct clock_manual *c, int64_t mono_ns, int64_t wall_ms);
/* Let ms milliseconds pass, on both of its clocks. */
void clock_manual_advance(struct clock_manual *c, int64_t ms);

/* Whether the wall clock is set while the process runs: it then goes another way than the monotonic
 * one. Zeroed to begin with. */
struct clock_watch {
    int64_t apart_ms; /* wall - mono at the last look */
    bool begun;
};
/* By how many ms it was set since the last look; 0: by less than a second. */
int64_t clock_watch(struct clock_watch *w, struct clock *c);

static inline int64_t clock_mono_ms(struct clock *c)
{
    return c->mono_ns(c) / 1000000;
}

/* So many ms after that time, or at the end of time: settings go up to INT64_MAX. ms >= 0. */
static inline int64_t clock_after(int64_t time_ms, int64_t ms)
{
    return time_ms > INT64_MAX - ms ? INT64_MAX : time_ms + ms;
}

#endif
