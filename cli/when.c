#include "cli/when.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "cli/opt.h"

/* Does text begin like shape, in which a 0 stands for any digit? */
static bool begins_like(const char *text, const char *shape)
{
    for (; *shape; text++, shape++) {
        if (*shape == '0' ? *text < '0' || *text > '9' : *text != *shape)
            return false;
    }
    return true;
}

/* "Z", "+02:00" or "-02:00" and nothing behind it, in minutes. */
static int parse_zone(const char *s, int *minutes)
{
    int h, m;
    *minutes = 0;
    if (!strcmp(s, "Z") || !strcmp(s, "z"))
        return 0;
    if ((*s != '+' && *s != '-') || !begins_like(s + 1, "00:00") || s[6] ||
        sscanf(s + 1, "%2d:%2d", &h, &m) != 2 || h > 23 || m > 59)
        return ERR_INVALID;
    *minutes = (*s == '-' ? -1 : 1) * (h * 60 + m);
    return 0;
}

/* ".123456" as milliseconds; *s moves behind it. */
static int parse_fraction(const char **s)
{
    int ms = 0, unit = 100;
    if (**s != '.')
        return 0;
    for (++*s; **s >= '0' && **s <= '9'; ++*s, unit /= 10)
        ms += (**s - '0') * unit;
    return ms;
}

static bool in_range(const struct tm *t)
{
    return t->tm_mon >= 0 && t->tm_mon <= 11 && t->tm_mday >= 1 && t->tm_mday <= 31 &&
           t->tm_hour >= 0 && t->tm_hour <= 23 && t->tm_min >= 0 && t->tm_min <= 59 &&
           t->tm_sec >= 0 && t->tm_sec <= 60;
}

int when_parse(const char *text, int64_t *ms)
{
    if (!opt_parse_int(text, 0, INT64_MAX, ms))
        return 0;
    static const char shape[] = "0000-00-00T00:00:00";
    struct tm t = {0};
    int zone;
    if (!begins_like(text, shape) || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &t.tm_year, &t.tm_mon,
                                            &t.tm_mday, &t.tm_hour, &t.tm_min, &t.tm_sec) != 6)
        return ERR_INVALID;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    const char *rest = text + sizeof shape - 1;
    int fraction = parse_fraction(&rest);
    int month = t.tm_mon;
    if (parse_zone(rest, &zone) || !in_range(&t))
        return ERR_INVALID;
    int64_t seconds = timegm(&t);
    if (t.tm_mon != month) /* there is no 31st of February */
        return ERR_INVALID;
    *ms = (seconds - (int64_t)zone * 60) * 1000 + fraction;
    return 0;
}
