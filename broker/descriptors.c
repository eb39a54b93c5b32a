#include "broker/descriptors.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/resource.h>

enum {
    OWN = 24,       /* standard streams, locks, directories, what libraries open */
    PER_LOOP = 3,   /* epoll, eventfd, a timer */
    PER_SHARD = 6,  /* segments that are written, rolled and made ready; a checkpoint */
    LOGS_PART = 4,  /* of what is left, one in so many is for partition segments */
    LEAST_LEFT = 16 /* with less nothing can be served */
};

static uint64_t raise_limit(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r))
        return UINT64_MAX;
    if (r.rlim_cur < r.rlim_max) {
        rlim_t was = r.rlim_cur;
        r.rlim_cur = r.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &r))
            return was;
    }
    return r.rlim_cur;
}

int descriptors_divide(const struct settings *s, uint64_t limit, uint32_t *room, struct err *e)
{
    uint64_t own = OWN + PER_LOOP * (uint64_t)s->num_network_threads +
                   PER_SHARD * (1 + (uint64_t)s->wal_shards);
    uint64_t wanted = (uint64_t)s->max_connections;
    if (limit < own + LEAST_LEFT)
        return err_set(e, ERR_INVALID,
                       "RLIMIT_NOFILE is %" PRIu64 ", and the broker needs %" PRIu64
                       " for itself: raise it (ulimit -n, LimitNOFILE=)",
                       limit, own + LEAST_LEFT);
    uint64_t left = limit - own, some = left - left / LOGS_PART;
    *room = some < UINT32_MAX ? (uint32_t)some : UINT32_MAX;
    if (wanted > left && s->source[SETTING_ROW_max_connections] != SETTING_DEFAULT)
        return err_set(e, ERR_INVALID,
                       "max.connections is %" PRIu64 ", but RLIMIT_NOFILE is %" PRIu64
                       ": raise that to %" PRIu64 " (ulimit -n, LimitNOFILE=), or lower this",
                       wanted, limit, own + wanted + wanted / LOGS_PART);
    return 0;
}

int descriptors_share(const struct settings *s, struct log *log, uint32_t *room, struct err *e)
{
    uint64_t limit = raise_limit();
    int rc = descriptors_divide(s, limit, room, e);
    if (rc == 0 && *room < (uint32_t)s->max_connections)
        log_warn(log, "broker",
                 "RLIMIT_NOFILE=%" PRIu64 " leaves room for %" PRIu32
                 " connections, not for max.connections=%" PRId32
                 ": raise it (ulimit -n, LimitNOFILE=)",
                 limit, *room, s->max_connections);
    return rc;
}
