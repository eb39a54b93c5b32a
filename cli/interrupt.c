#include "cli/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* The pipe that the signal handler writes to: a handler reaches nothing but what is global. */
static int ends[2] = {-1, -1};

static void on_signal(int number)
{
    int saved = errno;
    (void)number;
    (void)!write(ends[1], "", 1); /* a full pipe is readable already */
    errno = saved;
}

int cli_interrupt_fd(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
        return -errno;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGINT, &action, NULL) || sigaction(SIGTERM, &action, NULL))
        return -errno;
    return ends[0];
}

void cli_interrupt_clear(void)
{
    char sink[64];
    while (read(ends[0], sink, sizeof sink) > 0)
        ;
}
