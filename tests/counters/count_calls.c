/* count_calls.c - run a program and count its system calls by number, those of all its threads.
 *
 *   CHRONIK_COUNTERS=FILE count_calls PROGRAM [ARG]...
 *   count_calls --names          the numbers and names of the system calls
 *
 * The program runs in this process, so whoever started it has its id. A seccomp filter hands every
 * call to a second process, which adds it to the file (counters.h) and lets it go on. That takes
 * neither the right to trace nor an attach that comes too late, and the numbers can be read at any
 * time. Where the kernel or a container has none of it the program runs uncounted, and the file
 * says why.
 *
 * The second process shares the first one's descriptors until the first becomes the program: that
 * is how it comes by the filter's. It must not be waited for in between, since the first can make
 * no call without it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"

static const struct {
    int number;
    const char *name;
} names[] = {
#include "tests/counters/syscall_names.h"
};

static int print_names(void)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        printf("%d %s\n", names[i].number, names[i].name);
    return fflush(stdout) ? 1 : 0;
}

static struct counters *map(void)
{
    const char *path = getenv(COUNTERS_FILE);
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0 || ftruncate(fd, sizeof(struct counters)))
        return NULL;
    void *p = mmap(NULL, sizeof(struct counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return p == MAP_FAILED ? NULL : p;
}

/* ---- the second process */

/* The filter's descriptor, once it is there; negative: it will not come. */
static int await_listener(struct counters *c)
{
    int64_t fd;
    while ((fd = atomic_load(&c->listener)) == 0)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    return (int)fd;
}

static void count_all(struct counters *c)
{
    int fd = await_listener(c);
    if (fd < 0)
        _exit(0);
    struct seccomp_notif call;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (;;) {
        if (poll(&p, 1, -1) < 0 || !(p.revents & POLLIN))
            _exit(0); /* no process is left that has the filter */
        memset(&call, 0, sizeof call);
        if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &call))
            continue; /* it was killed meanwhile */
        if (call.data.nr >= 0 && call.data.nr < COUNTERS_CALLS)
            atomic_fetch_add(&c->calls[call.data.nr], 1);
        struct seccomp_notif_resp go_on = {.id = call.id,
                                           .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &go_on);
    }
}

/* ---- the first */

/* From here on each call of this process waits for the second one. */
static void filter(struct counters *c)
{
    struct sock_filter ask = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    struct sock_fprog program = {.len = 1, .filter = &ask};
    int64_t fd = -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                     &program);
    atomic_store(&c->listener, fd > 0 ? fd : -errno);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--names") == 0)
        return print_names();
    struct counters *c = argc > 1 ? map() : NULL;
    if (!c) {
        fprintf(stderr,
                "usage: " COUNTERS_FILE "=FILE count_calls PROGRAM [ARG]... (or --names)\n");
        return 2;
    }
    long second = syscall(SYS_clone, CLONE_FILES, NULL, NULL, NULL, NULL);
    if (second == 0)
        count_all(c);
    if (second < 0)
        atomic_store(&c->listener, -errno);
    else
        filter(c);
    execvp(argv[1], argv + 1);
    fprintf(stderr, "count_calls: %s: %s\n", argv[1], strerror(errno));
    return 127;
}
