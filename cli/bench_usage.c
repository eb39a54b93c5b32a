#include "cli/bench_usage.h"

#include <sys/resource.h>
#include <time.h>

static int64_t of_timeval(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000;
}

void bench_usage_read(struct bench_usage *u, int64_t now_ns)
{
    struct rusage r;
    *u = (struct bench_usage){.at_ns = now_ns};
    if (getrusage(RUSAGE_SELF, &r))
        return;
    u->user_ns = of_timeval(r.ru_utime);
    u->sys_ns = of_timeval(r.ru_stime);
}

int64_t bench_usage_thread_ns(pthread_t thread)
{
    clockid_t clock;
    struct timespec t;
    if (pthread_getcpuclockid(thread, &clock) || clock_gettime(clock, &t))
        return 0;
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct bench_cost bench_cost_between(const struct bench_usage *begin, const struct bench_usage *end)
{
    return (struct bench_cost){.wall_ns = end->at_ns - begin->at_ns,
                               .user_ns = end->user_ns - begin->user_ns,
                               .sys_ns = end->sys_ns - begin->sys_ns,
                               .busiest = -1};
}

double bench_cost_cores(const struct bench_cost *c)
{
    return c->wall_ns > 0 ? (double)(c->user_ns + c->sys_ns) / (double)c->wall_ns : 0;
}
