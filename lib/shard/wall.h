/* wall.h - the time by which things grow old: wall time without its jumps.
 *
 * The wall clock is set by hand, by NTP after a start without a battery, by the host of a virtual
 * machine. No record may expire and no producer be forgotten because of that. So age is told by a
 * time that runs on as the monotonic clock does. It follows the wall clock where the two agree to a
 * minute, and back at once, which makes everything younger; forward by more only when the wall
 * clock has stood there for an hour. A start counts as a jump from the last time the log recorded:
 * a broker that was off for a week gives its administrator that hour, too.
 *
 * A leap ahead that is believed in the end ends the time before it: what was noted before may have
 * been noted by a clock that stood in the past, and is not as old as it looks. Who compares this
 * time with one that was noted earlier takes that for noted at the leap, if not later (wall_leapt).
 */
#ifndef SHARD_WALL_H
#define SHARD_WALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"

enum { WALL_SLACK_MS = 60 * 1000, WALL_PROBATION_MS = 60 * 60 * 1000 };

struct wall {
    int64_t ahead;       /* wall time minus monotonic time, ms, as believed */
    int64_t leapt;       /* that time when it last leapt ahead; INT64_MIN: never, as far as known */
    bool begun;          /* it was looked at since the start */
    bool jumped;         /* the clock stands elsewhere, */
    int64_t ahead_there; /* that much ahead, */
    int64_t since_ms;    /* since then (monotonic) */
};

/* Begin: the last wall time that is known to have passed (INT64_MIN: none, believe the clock), and
 * the last leap, as below. */
void wall_init(struct wall *w, struct clock *c, int64_t last_ms, int64_t leapt_ms);
/* The time by which things grow old, ms since 1970. What the clock does is logged, once a jump. */
int64_t wall_now(struct wall *w, struct clock *c, struct log *log);
/* That time when it last leapt ahead, by the last wall_now; INT64_MIN: never. */
static inline int64_t wall_leapt(const struct wall *w)
{
    return w->leapt;
}

#endif
