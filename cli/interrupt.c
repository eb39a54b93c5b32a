#include "cli/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* The pipe that the signal handler writes to: a handler reaches nothing but what is global. */
static int ends[2] = {-1, -1};
static volatile sig_atomic_t noticed;
static volatile sig_atomic_t left; /* signals that still do not end the program */

static void on_signal(int number)
{
    int saved = errno;
    (void)number;
    noticed = 1;
    if (--left <= 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
    }
    (void)!write(ends[1], "", 1); /* a full pipe is readable already */
    errno = saved;
}

int cli_interrupt_fd(int signals)
{
    /* What waits does so in poll, which ends with EINTR all the same; a write goes on. */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
        return -errno;
    left = signals;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    if (sigaction(SIGINT, &action, NULL) || sigaction(SIGTERM, &action, NULL))
        return -errno;
    return ends[0];
}

bool cli_interrupted(void)
{
    return noticed;
}

void cli_interrupt_clear(void)
{
    char sink[64];
    noticed = 0;
    while (read(ends[0], sink, sizeof sink) > 0)
        ;
}
