/* log.h - one line a message, levelled and structured:
 *
 *   2026-11-23T04:05:06.789Z WARN wal: torn tail cut file=1/0000000000000007.wal position=8192
 *
 * A message is `area: words key=value ...`. It is written with one write(2). Nothing on the path of
 * a record logs; rare events do. Thread-safe once set up.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/span.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log {
    int fd;                        /* where lines go; -1: nowhere */
    _Atomic(enum log_level) level; /* the most talkative level written */
    struct clock *clock;           /* for the time stamp */
};

void log_init(struct log *l, int fd, enum log_level level, struct clock *clock);
/* Any thread: from now on. l may be NULL. */
void log_set_level(struct log *l, enum log_level level);
/* Whether a message of that level would be written; l may be NULL. */
static inline bool log_writes(const struct log *l, enum log_level level)
{
    return l && l->fd >= 0 && level <= atomic_load_explicit(&l->level, memory_order_relaxed);
}
/* l may be NULL: nothing is written. Newlines and control characters in the message become '?'. */
void log_line(struct log *l, enum log_level level, const char *area, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* s for a log line: printable ASCII as it is, all else as \xNN, cut with "..." where it does not
 * fit. Returns buf. */
enum { LOG_QUOTED = 160 };
const char *log_quote(char buf[LOG_QUOTED], struct span s);

/* Keeps a line that could come often to one in a while. Zeroed to begin with; one thread. */
struct log_limit {
    int64_t next_ms;
    uint32_t held;
};
/* May the line be written now (monotonic ms)? *held gets how often it was not since the last time.
 */
bool log_limit_due(struct log_limit *l, int64_t now_ms, int64_t period_ms, uint32_t *held);

#define log_error(l, area, ...) log_line(l, LOG_ERROR, area, __VA_ARGS__)
#define log_warn(l, area, ...) log_line(l, LOG_WARN, area, __VA_ARGS__)
#define log_info(l, area, ...) log_line(l, LOG_INFO, area, __VA_ARGS__)
/* The arguments are not evaluated unless they will be written. */
#define log_debug(l, area, ...)                        \
    do {                                               \
        if (log_writes(l, LOG_DEBUG))                  \
            log_line(l, LOG_DEBUG, area, __VA_ARGS__); \
    } while (0)

#endif
