#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 }; /* a longer message is cut; the newline always fits */

static const char *const levels[] = {
    [LOG_ERROR] = "ERROR",
    [LOG_WARN] = "WARN",
    [LOG_INFO] = "INFO",
    [LOG_DEBUG] = "DEBUG",
};

void log_init(struct log *l, int fd, enum log_level level, struct clock *clock)
{
    *l = (struct log){.fd = fd, .level = level, .clock = clock};
}

void log_set_level(struct log *l, enum log_level level)
{
    if (l)
        atomic_store_explicit(&l->level, level, memory_order_relaxed);
}

bool log_limit_due(struct log_limit *l, int64_t now_ms, int64_t period_ms, uint32_t *held)
{
    if (now_ms < l->next_ms) {
        l->held++;
        return false;
    }
    *held = l->held;
    l->held = 0;
    l->next_ms = now_ms + period_ms;
    return true;
}

/* What is logged may come from a client: it must not be able to forge a line or drive a terminal.
 */
static void defuse(char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
    }
}

void log_line(struct log *l, enum log_level level, const char *area, const char *fmt, ...)
{
    if (!log_writes(l, level))
        return;
    char line[LINE_MAX_BYTES + 1], time[CLOCK_TEXT];
    bool known = clock_text(l->clock->wall_ms(l->clock), time);
    snprintf(line, LINE_MAX_BYTES, "%s %s %s: ", known ? time : "-", levels[level], area);
    size_t n = strlen(line);

    va_list ap;
    va_start(ap, fmt);
    int got = vsnprintf(line + n, LINE_MAX_BYTES - n, fmt, ap);
    va_end(ap);
    if (got < 0)
        line[n] = 0;
    defuse(line);
    n += strlen(line + n);
    line[n++] = '\n';

    /* A log that cannot be written has nowhere to say so. */
    while (write(l->fd, line, n) < 0 && errno == EINTR)
        ;
}

const char *log_quote(char buf[LOG_QUOTED], struct span s)
{
    static const char cut[] = "...";
    size_t at = 0, room = LOG_QUOTED - sizeof cut;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        bool plain = c > ' ' && c < 127 && c != '\\';
        if (at + (plain ? 1 : 4) > room) {
            memcpy(buf + at, cut, sizeof cut);
            return buf;
        }
        if (plain)
            buf[at++] = (char)c;
        else
            at += (size_t)snprintf(buf + at, LOG_QUOTED - at, "\\x%02x", c);
    }
    buf[at] = 0;
    return buf;
}
