#include "cli/bench_env.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "base/machine.h"

/* "model name : X" of the first processor; other architectures have no such line. */
static void read_cpu(char *out, size_t size)
{
    char line[256];
    snprintf(out, size, "unknown");
    FILE *f = fopen("/proc/cpuinfo", "re");
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(out, size, "%s", colon + 1 + strspn(colon + 1, " "));
        break;
    }
    if (f)
        fclose(f);
}

void bench_env_read(struct bench_env *env)
{
    struct utsname u;
    struct clock *c = clock_system();
    memset(env, 0, sizeof *env);
    read_cpu(env->cpu, sizeof env->cpu);
    if (uname(&u) == 0)
        snprintf(env->kernel, sizeof env->kernel, "%s %s %s", u.sysname, u.release, u.machine);
    env->cores = machine_processors();
    env->memory = (int64_t)machine_memory();
    clock_text(c->wall_ms(c), env->time);
}

double bench_env_cpu_secs(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u))
        return 0;
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}
