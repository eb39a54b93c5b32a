#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t system_mono_ns(struct clock *c)
{
    (void)c;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t system_wall_ms(struct clock *c)
{
    (void)c;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct clock *clock_system(void)
{
    static struct clock c = {system_mono_ns, system_wall_ms};
    return &c;
}

bool clock_text(int64_t ms, char out[CLOCK_TEXT])
{
    int64_t past = ms % 1000;
    time_t second = (time_t)(ms / 1000 - (past < 0));
    struct tm tm;
    out[0] = 0;
    if (!gmtime_r(&second, &tm) || tm.tm_year < 1000 - 1900 || tm.tm_year > 9999 - 1900)
        return false;
    size_t n = strftime(out, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, CLOCK_TEXT - n, ".%03dZ", (int)(past < 0 ? past + 1000 : past));
    return true;
}

static int64_t manual_mono_ns(struct clock *c)
{
    return ((struct clock_manual *)c)->mono;
}

static int64_t manual_wall_ms(struct clock *c)
{
    return ((struct clock_manual *)c)->wall;
}

void clock_manual_init(struct clock_manual *c, int64_t mono_ns, int64_t wall_ms)
{
    *c = (struct clock_manual){{manual_mono_ns, manual_wall_ms}, mono_ns, wall_ms};
}

void clock_manual_advance(struct clock_manual *c, int64_t ms)
{
    c->mono += ms * 1000000;
    c->wall += ms;
}

int64_t clock_watch(struct clock_watch *w, struct clock *c)
{
    enum { JUMP_MS = 1000 };
    int64_t apart = c->wall_ms(c) - clock_mono_ms(c);
    int64_t by = w->begun ? apart - w->apart_ms : 0;
    w->begun = true;
    w->apart_ms = apart;
    return by >= JUMP_MS || by <= -JUMP_MS ? by : 0;
}
