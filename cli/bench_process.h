/* bench_process.h - shell commands that start and kill a broker. */
#ifndef CLI_BENCH_PROCESS_H
#define CLI_BENCH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* A command in a session of its own, its output on standard error. */
struct process {
    pid_t pid;  /* also of its process group; 0: none, or it has ended and was waited for */
    int status; /* of wait(2), once it has ended */
};

/* Begin `sh -c command`. CHRONIK_BENCH_PID in its environment is `about` unless that is 0. 0 or a
 * code. */
int process_start(struct process *p, const char *command, pid_t about, struct err *e);
/* Has it ended by now? */
bool process_ended(struct process *p);
/* Wait for its end for at most so long: true if it came. */
bool process_wait(struct process *p, int64_t ms);
/* Send a signal to it and all it has begun. */
void process_signal(const struct process *p, int number);
/* It ended, and well; else why not. */
int process_verdict(const struct process *p, const char *command, struct err *e);

#endif
