#include "broker/pace.h"

static const int64_t ms = 1000000;

void pace_init(struct pace *p, const struct commits *commits)
{
    *p = (struct pace){.commits = commits};
    if (commits)
        p->seen = atomic_load(&commits->begun);
}

bool pace_log_in_use(struct pace *p, int64_t now_ns)
{
    if (!p->commits)
        return false;
    uint64_t begun = atomic_load(&p->commits->begun);
    if (begun != p->seen || begun != atomic_load(&p->commits->ended)) {
        p->seen = begun;
        p->idle_ns = now_ns + PACE_IN_USE_MS * ms;
    }
    return now_ns < p->idle_ns;
}

int64_t pace_next(struct pace *p, int64_t now_ns)
{
    if (!pace_log_in_use(p, now_ns))
        return now_ns;
    return p->reading ? INT64_MAX : p->next_ns;
}

void pace_begin(struct pace *p, struct pace_piece *piece, int64_t now_ns)
{
    p->reading++;
    piece->began_ns = now_ns;
    piece->ended = p->commits ? atomic_load(&p->commits->ended) : 0;
}

/* Every commit that began had ended before the piece, and none has begun since. */
static bool met_no_commit(const struct pace *p, const struct pace_piece *piece)
{
    return !p->commits || atomic_load(&p->commits->begun) == piece->ended;
}

void pace_end(struct pace *p, const struct pace_piece *piece, int64_t now_ns)
{
    p->reading--;
    if (met_no_commit(p, piece))
        return;
    int64_t took = now_ns - piece->began_ns, most = PACE_REST_MS * ms;
    p->next_ns = now_ns + (took < most / PACE_REST ? PACE_REST * took : most);
}
