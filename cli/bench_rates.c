#include "cli/bench_rates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/opt.h"

#define TIMES_MAX 1000.0

/* The text up to `end` (or to its own end) into out; what follows `end`, NULL if it is not there.
 */
static const char *cut(const char *text, char end, char *out, size_t size)
{
    const char *stop = strchr(text, end);
    size_t n = stop ? (size_t)(stop - text) : strlen(text);
    snprintf(out, size, "%.*s", (int)(n < size ? n : size), text);
    return stop ? stop + 1 : NULL;
}

static int parse_rate(const char *text, int64_t *rate, struct err *e)
{
    if (opt_parse_int(text, 1, BENCH_RATE_MAX, rate) == 0)
        return 0;
    return err_set(e, ERR_INVALID, "'%s' is not a rate from 1 to %lld records a second", text,
                   (long long)BENCH_RATE_MAX);
}

/* What each rate gets on top, or with an x before it, what it is multiplied by. */
static int parse_step(const char *text, struct rates *r, struct err *e)
{
    char *end = NULL;
    if (*text != 'x')
        return parse_rate(text, &r->add, e);
    bool digit = text[1] >= '0' && text[1] <= '9';
    r->times = digit ? strtod(text + 1, &end) : 0;
    if (digit && !*end && r->times > 1 && r->times <= TIMES_MAX)
        return 0;
    return err_set(e, ERR_INVALID, "'%s' is not a factor above 1, at most x%.0f", text, TIMES_MAX);
}

static int count(const struct rates *r, struct err *e)
{
    int n = 0;
    for (int64_t rate = rates_next(r, 0); rate; rate = rates_next(r, rate))
        if (++n > RATES_MAX)
            return err_set(e, ERR_INVALID, "these are more than %d steps", RATES_MAX);
    return 0;
}

int rates_parse(const char *text, struct rates *r, struct err *e)
{
    char from[32], to[32], step[32], whole[128];
    *r = (struct rates){0};
    const char *time = cut(text, '/', whole, sizeof whole);
    const char *rest = cut(whole, ':', from, sizeof from);
    rest = rest ? cut(rest, ':', to, sizeof to) : NULL;
    if (!rest)
        return err_set(e, ERR_INVALID, "'%s' is not FROM:TO:STEP or FROM:TO:STEP/TIME", text);
    cut(rest, 0, step, sizeof step);
    int rc = parse_rate(from, &r->from, e);
    if (!rc)
        rc = parse_rate(to, &r->to, e);
    if (!rc)
        rc = parse_step(step, r, e);
    if (!rc && time && opt_parse_ms(time, 1, OPT_MS_MAX, &r->each_ms))
        rc = err_set(e, ERR_INVALID, "'%s' is not a time (500ms, 10s, 2m)", time);
    if (!rc && r->from > r->to)
        rc = err_set(e, ERR_INVALID, "it begins at %s and ends at %s: a ramp goes up", from, to);
    return rc ? rc : count(r, e);
}

int64_t rates_next(const struct rates *r, int64_t rate)
{
    if (!rate)
        return r->from;
    int64_t next = rate + r->add;
    if (r->times > 0) {
        next = llround((double)rate * r->times);
        next = next > rate ? next : rate + 1; /* small rates round down to themselves */
    }
    return next <= r->to ? next : 0;
}
