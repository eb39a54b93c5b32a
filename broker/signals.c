/* signals.c - see signals.h.
 *
 * They are blocked in all threads. While the broker starts a thread that does nothing else waits for
 * them; then main unblocks them for itself, and a handler writes their number into a pipe that it
 * reads. (To go on waiting without a handler would not be enough: liburcu unblocks SIGUSR1 in a
 * thread of its own.)
 */
#include "broker/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static sigset_t caught;
static int told[2];                 /* the pipe */
static int status_of_end;           /* when not all is done that a stop does */
static volatile sig_atomic_t asked; /* to stop */

static struct start {
    pthread_t thread;
    atomic_bool over;
    void (*leaving)(void *arg);
    void *arg;
} start;

static void end_at_once(const char *text, size_t n)
{
    ssize_t ignored = write(STDERR_FILENO, text, n);
    (void)ignored;
    _exit(status_of_end);
}

/* ---- while it starts */

static void *watch_start(void *unused)
{
    static const char text[] =
        "chronikd: told to stop before it served: the next start begins again\n";
    int sig;
    (void)unused;
    while (!sigwait(&caught, &sig)) {
        if (atomic_load(&start.over)) {
            if (sig != SIGUSR1) /* it came just then: main's */
                kill(getpid(), sig);
            break;
        }
        if (sig != SIGUSR1) {
            start.leaving(start.arg);
            end_at_once(text, sizeof text - 1);
        }
    }
    return NULL;
}

void signals_started(void)
{
    atomic_store(&start.over, true);
    pthread_kill(start.thread, SIGUSR1);
    pthread_join(start.thread, NULL);
    pthread_sigmask(SIG_UNBLOCK, &caught, NULL);
}

/* ---- while it serves */

static void on_signal(int sig)
{
    static const char text[] = "chronikd: asked twice: stopping at once; the next start recovers\n";
    int saved = errno;
    if (sig != SIGUSR1 && asked++)
        end_at_once(text, sizeof text - 1);
    char c = (char)sig;
    ssize_t ignored = write(told[1], &c, 1); /* a full pipe has enough to tell */
    (void)ignored;
    errno = saved;
}

/* poll returns when a signal has come, whatever SA_RESTART says. The handlers of ThreadSanitizer
 * wait for such a return, and would never run in a read that goes on. */
int signals_wait(void)
{
    struct pollfd p = {.fd = told[0], .events = POLLIN};
    char sig;
    while (poll(&p, 1, -1) < 0)
        if (errno != EINTR)
            return SIGTERM;
    return read(told[0], &sig, 1) == 1 ? sig : SIGTERM;
}

/* ---- */

static void install_handlers(void)
{
    static const int all[] = {SIGTERM, SIGINT, SIGUSR1};
    struct sigaction sa = {.sa_handler = on_signal};
    sigemptyset(&caught);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        sigaddset(&caught, all[i]);
    sa.sa_mask = caught;
    pthread_sigmask(SIG_BLOCK, &caught, NULL);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        sigaction(all[i], &sa, NULL);
    signal(SIGPIPE, SIG_IGN); /* sendfile has no flag against it */
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error like a full disk */
}

int signals_catch(int status, void (*leaving)(void *arg), void *arg, struct err *e)
{
    status_of_end = status;
    start.leaving = leaving;
    start.arg = arg;
    if (pipe2(told, O_CLOEXEC) || fcntl(told[1], F_SETFL, O_NONBLOCK))
        return err_code(e, -errno, "a pipe for signals");
    install_handlers();
    int rc = pthread_create(&start.thread, NULL, watch_start, NULL);
    return rc ? err_code(e, -rc, "a thread for signals") : 0;
}
