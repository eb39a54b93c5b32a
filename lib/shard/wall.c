#include "shard/wall.h"

#include <inttypes.h>

static int64_t ahead_now(struct clock *c)
{
    return c->wall_ms(c) - clock_mono_ms(c);
}

void wall_init(struct wall *w, struct clock *c, int64_t last_ms, int64_t leapt_ms)
{
    *w = (struct wall){.ahead = ahead_now(c), .leapt = leapt_ms};
    if (last_ms != INT64_MIN)
        w->ahead = last_ms - clock_mono_ms(c);
}

static void follow(struct wall *w, int64_t ahead)
{
    w->ahead = ahead;
    w->jumped = false;
}

static void say(const struct wall *w, int64_t ahead, struct log *log)
{
    if (w->begun)
        log_warn(log, "clock",
                 "it jumped %" PRId64 " s ahead: nothing grows old by that before it has stood so "
                 "for %d minutes",
                 (ahead - w->ahead) / 1000, WALL_PROBATION_MS / 60000);
    else
        log_info(log, "clock",
                 "it stands %" PRId64 " s after the last checkpoint: nothing grows old by that "
                 "before it has stood so for %d minutes",
                 (ahead - w->ahead) / 1000, WALL_PROBATION_MS / 60000);
}

static void watch_jump(struct wall *w, int64_t ahead, int64_t now_ms, struct log *log)
{
    int64_t moved = ahead - w->ahead_there;
    if (!w->jumped || moved > WALL_SLACK_MS || moved < -WALL_SLACK_MS) {
        say(w, ahead, log);
        w->jumped = true;
        w->since_ms = now_ms;
    } else if (now_ms - w->since_ms >= WALL_PROBATION_MS) {
        log_info(log, "clock", "believed again");
        follow(w, ahead);
        w->leapt = ahead + now_ms;
    }
    w->ahead_there = ahead;
}

int64_t wall_now(struct wall *w, struct clock *c, struct log *log)
{
    int64_t ahead = ahead_now(c), now_ms = clock_mono_ms(c);
    if (ahead - w->ahead <= WALL_SLACK_MS)
        follow(w, ahead);
    else
        watch_jump(w, ahead, now_ms, log);
    w->begun = true;
    int64_t now = w->ahead + now_ms;
    /* A leap that was believed may be taken back: nothing was noted before a time to come. */
    if (w->leapt > now)
        w->leapt = now;
    return now;
}
