/* bench_env.h - where a figure was measured. */
#ifndef CLI_BENCH_ENV_H
#define CLI_BENCH_ENV_H

#include <stdint.h>

#include "base/clock.h"
#include "base/json.h"

struct bench_env {
    char cpu[128], kernel[208];
    char time[CLOCK_TEXT]; /* when this was read */
    int cores;             /* this process may use */
    int64_t memory;        /* bytes */
};
/* What cannot be told stays empty or 0. */
void bench_env_read(struct bench_env *env);
/* Seconds of processor time this process has used, user and system. */
double bench_env_cpu_secs(void);

#endif
