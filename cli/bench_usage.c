#include "cli/bench_usage.h"

#include <inttypes.h>
#include <stdio.h>
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

int64_t bench_usage_waited_ns(pid_t thread)
{
    char path[64];
    int64_t waited = -1;
    snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", (int)thread);
    FILE *f = fopen(path, "re");
    if (!f)
        return -1;
    if (fscanf(f, "%*d %" SCNd64, &waited) != 1)
        waited = -1;
    fclose(f);
    return waited;
}

struct bench_cost bench_cost_between(const struct bench_usage *begin, const struct bench_usage *end)
{
    return (struct bench_cost){.wall_ns = end->at_ns - begin->at_ns,
                               .user_ns = end->user_ns - begin->user_ns,
                               .sys_ns = end->sys_ns - begin->sys_ns,
                               .busiest = -1,
                               .waiting = -1};
}

static double known(double share)
{
    return share > 0 ? share : 0;
}

double bench_cost_taken(const struct bench_cost *c)
{
    return known(c->busiest) + known(c->waiting);
}

void bench_cost_thread(struct bench_cost *c, int64_t busy_ns, int64_t waited_ns)
{
    struct bench_cost one = *c;
    if (c->wall_ns <= 0)
        return;
    one.busiest = (double)busy_ns / (double)c->wall_ns;
    one.waiting = waited_ns < 0 ? -1 : (double)waited_ns / (double)c->wall_ns;
    if (c->busiest < 0 || bench_cost_taken(&one) > bench_cost_taken(c))
        *c = one;
}

double bench_cost_cores(const struct bench_cost *c)
{
    return c->wall_ns > 0 ? (double)(c->user_ns + c->sys_ns) / (double)c->wall_ns : 0;
}
