#include "cli/bench_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { LOOK_US = 5000 };

/* The environment with one variable more. NULL when out of memory; only the array is to be freed.
 */
static char **environment(char *more)
{
    size_t n = 0;
    while (environ[n])
        n++;
    char **env = calloc(n + 2, sizeof *env);
    if (!env)
        return NULL;
    memcpy(env, environ, n * sizeof *env);
    env[n] = more;
    return env;
}

/* Signals as at a login: the threads of this program block them. */
static int prepare(posix_spawnattr_t *attr, posix_spawn_file_actions_t *files)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                POSIX_SPAWN_SETSIGDEF);
    if (!rc)
        rc = posix_spawnattr_setsigmask(attr, &none);
    if (!rc)
        rc = posix_spawnattr_setsigdefault(attr, &all);
    if (!rc)
        rc = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(files, STDERR_FILENO, STDOUT_FILENO);
    return rc;
}

static int spawn(pid_t *pid, const char *command, char **env)
{
    char *argv[] = {"sh", "-c", (char *)command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int rc = posix_spawnattr_init(&attr);
    if (rc)
        return rc;
    rc = posix_spawn_file_actions_init(&files);
    if (!rc) {
        rc = prepare(&attr, &files);
        if (!rc)
            rc = posix_spawn(pid, "/bin/sh", &files, &attr, argv, env);
        posix_spawn_file_actions_destroy(&files);
    }
    posix_spawnattr_destroy(&attr);
    return rc;
}

int process_start(struct process *p, const char *command, pid_t about, struct err *e)
{
    char variable[48];
    snprintf(variable, sizeof variable, "CHRONIK_BENCH_PID=%ld", (long)about);
    char **env = environment(about ? variable : NULL);
    *p = (struct process){.pid = 0};
    int rc = env ? spawn(&p->pid, command, env) : ENOMEM;
    free(env);
    return rc ? err_code(e, -rc, "cannot run '%s'", command) : 0;
}

bool process_ended(struct process *p)
{
    if (p->pid && waitpid(p->pid, &p->status, WNOHANG) == p->pid)
        p->pid = 0;
    return !p->pid;
}

bool process_wait(struct process *p, int64_t ms)
{
    int64_t until = clock_mono_ms(clock_system()) + ms;
    while (!process_ended(p)) {
        if (clock_mono_ms(clock_system()) >= until)
            return false;
        usleep(LOOK_US);
    }
    return true;
}

void process_signal(const struct process *p, int number)
{
    if (p->pid)
        kill(-p->pid, number);
}

int process_verdict(const struct process *p, const char *command, struct err *e)
{
    if (WIFEXITED(p->status) && WEXITSTATUS(p->status) == 0)
        return 0;
    if (WIFEXITED(p->status))
        return err_set(e, ERR_REFUSED, "'%s' ended with status %d", command,
                       WEXITSTATUS(p->status));
    return err_set(e, ERR_REFUSED, "'%s' was ended by signal %d", command, WTERMSIG(p->status));
}
